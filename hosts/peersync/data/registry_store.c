/* Loads and saves the registry; the saver's thread. */
#include "library.h"

#include "alloc.h"
#include "common/safe_write.h"
#include "files.h"
#include "registry_file.h"
#include "thread.h"
#include "trees.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REGISTRY_BYTES_MAX ((size_t)1 << 30)
/* Rest after a saving, as a multiple of what it took: saving takes a quarter of the time at most,
 * however long the registry grows. */
#define SAVE_REST 3u

/* True when the file is what was hashed and all that serving it takes is here. */
static bool usable_at_once(struct library *l, const struct registry_line *line, ps_node **tree)
{
    int fd = -1;
    ps_posix_file now;
    ps_posix_error error;
    if (ps_posix_open_file(line->path, &fd, &now, &error) != PS_OK) {
        return false;
    }
    (void)close(fd);
    if (!file_same(&line->file, &now)) {
        return false;
    }
    if (ps_tree_nodes(line->content.length) == 0) {
        return true;
    }
    *tree = tree_load(l->state_dir, l->crypto, &line->content);
    return *tree != NULL;
}

static void take_line(struct library *l, const struct registry_line *line)
{
    if (slots_find(&l->slots, line->name)) {
        return;
    }
    ps_node *tree = NULL;
    bool ready = usable_at_once(l, line, &tree);
    slots_put(&l->slots, entry_new(line->name, line->path, &line->file, &line->content, tree),
              ready);
    if (!ready) {
        library_job_add(l, hash_job_new(0, line->name, line->path));
    }
}

/* Keeps a file that cannot be read as a whole under a name that nothing has. */
static void keep_aside(struct library *l, const char *path, const struct registry_lines *lines)
{
    for (unsigned i = 1; i < 1000; i++) {
        char *aside = data_format("%s.broken-%u", path, i);
        bool linked = link(path, aside) == 0;
        bool taken = !linked && errno == EEXIST;
        if (linked) {
            events_note(l->events, true,
                        "%s line %zu: %s; the file is kept as %s, %zu entries were read", path,
                        lines->broken_line, lines->broken, aside, lines->count);
        } else if (!taken) {
            events_note(l->events, true, "%s line %zu: %s; it cannot be kept aside: %s", path,
                        lines->broken_line, lines->broken, strerror(errno));
        }
        free(aside);
        if (!taken) {
            return;
        }
    }
}

static bool wants_tree(void *ctx, const ps_content *content)
{
    const struct library *l = ctx;
    return slots_holding(&l->slots, content) != NULL;
}

bool library_load(struct library *l, char *why, size_t why_cap)
{
    char *path = data_format("%s/published", l->state_dir);
    uint8_t *text = NULL;
    size_t len = 0;
    bool ok = true;
    if (ps_file_read(path, REGISTRY_BYTES_MAX, &text, &len) != 0) {
        ok = errno == ENOENT;
        if (!ok) {
            (void)snprintf(why, why_cap, "cannot read %s: %s", path, strerror(errno));
        }
    } else {
        struct registry_lines lines;
        registry_parse((const char *)text, len, &lines);
        for (size_t i = 0; i < lines.count; i++) {
            take_line(l, &lines.lines[i]);
        }
        if (lines.broken_line > 0) {
            keep_aside(l, path, &lines);
            l->dirty = true;
        }
        registry_lines_free(&lines);
        free(text);
    }
    free(path);
    if (ok) {
        trees_prune(l->state_dir, wants_tree, l);
    }
    return ok;
}

void library_save(struct library *l)
{
    pthread_mutex_lock(&l->lock);
    l->dirty = false;
    size_t count = slots_count(&l->slots);
    const struct slot **slots = slots_list(&l->slots);
    struct entry **entries = data_alloc(count, sizeof(struct entry *));
    for (size_t i = 0; i < count; i++) {
        entries[i] = entry_hold(slots[i]->entry);
    }
    pthread_mutex_unlock(&l->lock);
    free(slots);
    size_t len = 0;
    char *text = registry_text(entries, count, &len);
    char *path = data_format("%s/published", l->state_dir);
    if (ps_file_replace(path, (ps_span){(const uint8_t *)text, len}, 0600) != 0) {
        events_note(l->events, true, "cannot save %s: %s", path, strerror(errno));
    }
    free(path);
    free(text);
    for (size_t i = 0; i < count; i++) {
        entry_drop(entries[i]);
    }
    free(entries);
}

/* Waits for something to save. While files are being hashed, what they become is gathered for a
 * time, as each saving writes all there is. @return false: the end. The lock is held. */
static bool await_change(struct library *l)
{
    while (!atomic_load(&l->stopping)) {
        if (!l->dirty) {
            pthread_cond_wait(&l->saves, &l->lock);
        } else if (l->hashing > 0 && ps_posix_now_us() < l->save_us) {
            thread_cond_wait_until(&l->saves, &l->lock, l->save_us);
        } else {
            return true;
        }
    }
    return false;
}

void *library_saver_main(void *arg)
{
    struct library *l = arg;
    pthread_mutex_lock(&l->lock);
    while (await_change(l)) {
        struct held_event *held = l->held;
        l->held = NULL;
        l->held_end = &l->held;
        pthread_mutex_unlock(&l->lock);
        const uint64_t began_us = ps_posix_now_us();
        library_save(l);
        const uint64_t ended_us = ps_posix_now_us();
        while (held) {
            struct held_event *next = held->next;
            events_put(l->events, held->event);
            free(held);
            held = next;
        }
        pthread_mutex_lock(&l->lock);
        l->save_us = ended_us + SAVE_REST * (ended_us - began_us);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}
