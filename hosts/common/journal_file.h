/* A machine's journal on disk (peersync/journal.h): buffered, readable for its owner alone. A write
 * error stops the journal, never the machine. */
#ifndef PS_COMMON_JOURNAL_FILE_H
#define PS_COMMON_JOURNAL_FILE_H

#include "peersync/journal.h"

/* What to tell who asked for a journal, when it begins. */
#define PS_JOURNAL_WARNING "the journal holds passwords, tickets and keys: keep it private"

typedef struct ps_journal_file ps_journal_file;

/* Makes the file with mode 0600 and writes the head; an older journal there becomes PATH.1, in the
 * place of the one before. A symbolic link is refused, a journal that another program writes, and a
 * file that is no journal: one mistyped path shall not cost a file.
 * NULL: a clause for people in `why`. */
ps_journal_file *ps_journal_file_open(const char *path, const ps_journal_head *head, char *why,
                                      size_t why_cap);

/* The machine that records; `inner` and the file outlive it. */
ps_machine ps_journal_file_machine(ps_journal_file *f, ps_machine inner);

/* Writes what waits: call it once a second. NULL is allowed and does nothing.
 * @return NULL; or, a single time after the journal has stopped, why: a clause in static storage or
 * of strerror(). */
const char *ps_journal_file_flush(ps_journal_file *f);

/* Flushes, and frees all. @return as ps_journal_file_flush(). */
const char *ps_journal_file_close(ps_journal_file *f);

#endif
