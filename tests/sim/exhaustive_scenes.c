#include "exhaustive.h"

#include <string.h>

enum { X, Y }; /* Names. */

const ex_scene ex_scenes[] = {
    {.name = "login",
     .what = "two peers log in for the first time",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}}, {{EX_LOGIN, 0, 0}, {EX_LIST_FILES, 0, 0}}}},
    {.name = "log",
     .what = "both are online; files come, change and go",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_UNPUBLISH, X, 0}, {EX_PUBLISH, X, 2}},
                {{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_LIST_FILES, 0, 0}}},
     .before = {1, 1}},
    {.name = "change",
     .what = "a file that is listed changes and is withdrawn, while somebody lists",
     .script = {{{EX_LOGIN, 0, 0},
                 {EX_PUBLISH, X, 1},
                 {EX_PUBLISH, Y, 1},
                 {EX_PUBLISH, X, 2},
                 {EX_UNPUBLISH, X, 0},
                 {EX_UNPUBLISH, Y, 0}},
                {{EX_LOGIN, 0, 0}, {EX_LIST_FILES, 0, 0}, {EX_LIST_PEERS, 0, 0}}},
     .before = {3, 1}},
    {.name = "leave",
     .what = "a peer leaves, and returns",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_LOGOUT, 0, 0}, {EX_LOGIN, 0, 0}},
                {{EX_LOGIN, 0, 0}, {EX_LIST_PEERS, 0, 0}, {EX_LIST_FILES, 0, 0}}},
     .before = {2, 1}},
    {.name = "takeover",
     .what = "a user's second device logs in while the first one is online",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}}, {{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}}},
     .before = {1, 0},
     .same_user = true},
    {.name = "refuse",
     .what = "a login with a wrong password, then with the right one",
     .script = {{{EX_LOGIN_WRONG, 0, 0}, {EX_LOGIN, 0, 0}}, {{EX_LOGIN, 0, 0}}}},
    {.name = "move",
     .what = "a peer's address changes",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_MOVE, 0, 0}, {EX_LIST_FILES, 0, 0}},
                {{EX_LOGIN, 0, 0}, {EX_MOVE, 0, 0}}},
     .before = {2, 1}},
    {.name = "rekey",
     .what = "a session gets fresh keys while its log changes",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_PUBLISH, X, 2}, {EX_UNPUBLISH, X, 0}},
                {{EX_LOGIN, 0, 0}}},
     .before = {1, 1},
     .rekey_packets = 4},
    {.name = "quota",
     .what = "a user publishes more than the quota",
     .script = {{{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}, {EX_PUBLISH, Y, 1}, {EX_UNPUBLISH, X, 0}},
                {{EX_LOGIN, 0, 0}}},
     .before = {1, 1},
     .quota = 1},
    {.name = "cookie",
     .what = "two peers log in at a server that asks for cookies",
     .script = {{{EX_LOGIN, 0, 0}}, {{EX_LOGIN, 0, 0}, {EX_PUBLISH, X, 1}}},
     .open_per_s = 1},
};

const size_t ex_scenes_len = sizeof ex_scenes / sizeof ex_scenes[0];

const ex_scene *ex_scene_of(const char *name)
{
    for (size_t i = 0; i < ex_scenes_len; i++) {
        if (strcmp(ex_scenes[i].name, name) == 0) {
            return &ex_scenes[i];
        }
    }
    return NULL;
}
