/* What the programs' exit codes mean: one list makes the enum, the names and the manual's table.
 * Numbers are kept for ever; scripts rely on them. 1 is left out: shells and libraries use it for
 * anything. Above 125 shells have meanings of their own. */
#ifndef PS_COMMON_EXIT_CODES_H
#define PS_COMMON_EXIT_CODES_H

/* X(NAME, number, meaning) */
#define PS_EXIT_LIST(X)                                                                            \
    X(DONE, 0, "done")                                                                             \
    X(USAGE, 2, "the command line or a setting cannot be used")                                    \
    X(UNREACHABLE, 3, "the server did not answer in time, or was lost")                            \
    X(REFUSED, 4, "wrong username or password")                                                    \
    X(ACTIVE, 5, "this user is already active")                                                    \
    X(NOT_FOUND, 6, "there is no such file or user")                                               \
    X(NO_ACTIVE_PEER, 7, "no active peer has the file")                                            \
    X(TRANSFER, 8, "the transfer failed")                                                          \
    X(LOCAL_FILE, 9, "a local file or directory could not be used")                                \
    X(EXISTS, 10, "the name exists already: a user, or a file with other content")                 \
    X(LISTEN, 11, "an address could not be listened on")                                           \
    X(CREDENTIALS, 12, "the credentials are missing or have a bad line")                           \
    X(STATE, 13, "the state directory cannot be used, or another process uses it")                 \
    X(AMBIGUOUS, 14, "one name stands for several contents: choose with --root")                   \
    X(BUSY, 15, "the server is busy or full, the quota is used up, or too many logins failed")     \
    X(PROTOCOL, 16, "the other side could not be understood: update the older program")            \
    X(SYSTEM, 17, "the system refused something: memory, descriptors, randomness")                 \
    X(INTERRUPTED, 18, "a signal ended the command before it was done")                            \
    X(SERVER_UNKNOWN, 19, "the server's key is not known yet, and was not accepted")               \
    X(SERVER_KEY, 20, "the server's key is not the known one, or not that of --server-key")        \
    X(DIFFERENT, 21, "the file is not the published one, or does not have the root that was given")

typedef enum ps_exit {
#define PS_EXIT_ENUM(name, number, meaning) PS_EXIT_##name = (number),
    PS_EXIT_LIST(PS_EXIT_ENUM)
#undef PS_EXIT_ENUM
} ps_exit;

/* The meaning for people, or "unknown". Static storage. */
const char *ps_exit_meaning(int code);
/* The exit code that tells a script of this error (a ps_error: number on the wire). */
ps_exit ps_exit_of_error(unsigned error);
/* The exit code for a cause of the system's: PS_EXIT_SYSTEM where it is short of memory or
 * descriptors, whatever they were wanted for; else `other`. */
ps_exit ps_exit_of_errno(int number, ps_exit other);

#endif
