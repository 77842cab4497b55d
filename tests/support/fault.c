/* Makes the k-th call of a class fail in a program that loads this (LD_PRELOAD; Linux with glibc).
 *
 *   PEERSYNC_FAULT=CLASS:K:ERROR     the k-th call fails, from 1 on
 *   PEERSYNC_FAULT=CLASS:K:ERROR+    and all calls of the class after it
 *   PEERSYNC_FAULT_REPORT=FILE       gets a line when it fires, and at the program's end how many
 *                                    calls of the class there were
 *
 * Classes:
 *   alloc   what the program itself asks the allocator for, and mmap()
 *   libs    what libraries ask the allocator for on its behalf
 *   send    sockets are written to          recv    sockets are read
 *   write   regular files are written to, or given another length
 *   read    regular files are read          sync    files and folders are made durable
 *   open    descriptors, names and threads are made or taken away
 *   other   questions and settings of files and sockets, locks, close(), entropy
 *
 * ERROR is a name of errno's; SHORT makes a send or a write take half of the bytes. Calls that libc
 * makes within itself are not seen (fopen(), realpath() ...). libuv aborts the program where
 * epoll_ctl() fails, and the first pipe2(): these are left alone. */
#include "fault.h"

#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const class_names[FAULT_CLASSES] = {"alloc", "libs", "send", "recv", "write",
                                                       "read",  "sync", "open", "other"};
static const struct {
    const char *name;
    int number;
} error_names[] = {{"EACCES", EACCES},
                   {"EAGAIN", EAGAIN},
                   {"ECONNREFUSED", ECONNREFUSED},
                   {"ECONNRESET", ECONNRESET},
                   {"EINTR", EINTR},
                   {"EIO", EIO},
                   {"EMFILE", EMFILE},
                   {"ENETUNREACH", ENETUNREACH},
                   {"ENOBUFS", ENOBUFS},
                   {"ENOMEM", ENOMEM},
                   {"ENOSPC", ENOSPC},
                   {"EPERM", EPERM},
                   {"EPIPE", EPIPE},
                   {"EROFS", EROFS},
                   {"SHORT", FAULT_SHORT}};

static struct {
    bool armed;
    bool onward; /* All calls after it fail, too. */
    enum fault_class class;
    unsigned long at;
    int error;
    atomic_ulong calls;
    atomic_flag told;
    uintptr_t text, text_end; /* The program's own, without libraries. */
    int report;
} fault = {.report = -1, .told = ATOMIC_FLAG_INIT};

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0 && fault.report >= 0) {
        (void)syscall(SYS_write, fault.report, line, (size_t)len);
    }
}

static int on_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    /* The program comes first. */
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            fault.text = info->dlpi_addr + part->p_vaddr;
            fault.text_end = fault.text + part->p_memsz;
        }
    }
    return 1;
}

static bool read_order(const char *order)
{
    const char *colon = strchr(order, ':');
    size_t found = FAULT_CLASSES;
    for (size_t i = 0; colon != NULL && i < FAULT_CLASSES; i++) {
        const size_t len = (size_t)(colon - order);
        if (strlen(class_names[i]) == len && memcmp(class_names[i], order, len) == 0) {
            found = i;
        }
    }
    char *end = NULL;
    fault.at = found < FAULT_CLASSES ? strtoul(colon + 1, &end, 10) : 0;
    if (fault.at == 0 || *end != ':') {
        return false;
    }
    fault.class = (enum fault_class)found;
    const char *name = end + 1;
    const size_t len = strcspn(name, "+");
    fault.onward = name[len] == '+';
    for (size_t i = 0; i < sizeof error_names / sizeof error_names[0]; i++) {
        if (strlen(error_names[i].name) == len && memcmp(error_names[i].name, name, len) == 0) {
            fault.error = error_names[i].number;
        }
    }
    return fault.error != 0;
}

__attribute__((constructor)) static void arm(void)
{
    const char *order = getenv("PEERSYNC_FAULT");
    const char *file = getenv("PEERSYNC_FAULT_REPORT");
    if (order == NULL) {
        return;
    }
    if (file != NULL) {
        /* High up: the program's own descriptors keep their numbers. */
        const int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        fault.report = fcntl(fd, F_DUPFD_CLOEXEC, 200);
        (void)syscall(SYS_close, fd);
    }
    (void)dl_iterate_phdr(on_object, NULL);
    if (!read_order(order)) {
        (void)fprintf(stderr, "bad PEERSYNC_FAULT: %s\n", order);
        _exit(125);
    }
    fault.armed = true;
}

void fault_tell_calls(void)
{
    if (fault.armed) {
        fault.armed = false;
        report("calls %lu\n", atomic_load(&fault.calls));
    }
}

__attribute__((destructor)) static void disarm(void)
{
    fault_tell_calls();
}

bool fault_is_own(const void *caller)
{
    const uintptr_t address = (uintptr_t)caller;
    return address >= fault.text && address < fault.text_end;
}

bool fault_counts(enum fault_class class)
{
    return fault.armed && fault.class == class;
}

int fault_count(enum fault_class class, const char *what, const void *caller)
{
    if (!fault_counts(class)) {
        return 0;
    }
    const unsigned long number = atomic_fetch_add(&fault.calls, 1) + 1;
    if (number != fault.at && (!fault.onward || number < fault.at)) {
        return 0;
    }
    if (!atomic_flag_test_and_set(&fault.told)) {
        const uintptr_t address = (uintptr_t)caller;
        const bool own = fault_is_own(caller);
        report("fired %s:%lu %s from %s%#lx\n", class_names[class], number, what,
               own ? "the program's " : "a library at ",
               (unsigned long)(own ? address - fault.text : address));
    }
    return fault.error;
}
