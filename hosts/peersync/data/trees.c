#include "trees.h"

#include "alloc.h"
#include "common/safe_write.h"
#include "hex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tree_name(const ps_content *content, char name[TREE_NAME_BYTES])
{
    int n = snprintf(name, TREE_NAME_BYTES, "%" PRIu64 "-", content->length);
    hex_write(name + n, content->root, PS_ROOT_BYTES);
}

ps_node *tree_alloc(uint64_t length)
{
    size_t nodes = ps_tree_nodes(length);
    return nodes > 0 ? calloc(nodes + 1, sizeof(ps_node)) : NULL;
}

static char *tree_path(const char *state_dir, const ps_content *content)
{
    char name[TREE_NAME_BYTES];
    tree_name(content, name);
    return data_format("%s/trees/%s", state_dir, name);
}

static void digest_of(const ps_crypto *crypto, const ps_node *tree, size_t nodes, ps_node *out)
{
    ps_sha256 state;
    crypto->sha256_init(&state);
    crypto->sha256_update(&state, tree, nodes * sizeof *tree);
    crypto->sha256_final(&state, out->bytes);
}

int tree_save(const char *state_dir, const ps_crypto *crypto, const ps_content *content,
              ps_node *tree)
{
    size_t nodes = ps_tree_nodes(content->length);
    char *folder = data_format("%s/trees", state_dir);
    int result = mkdir(folder, 0700) != 0 && errno != EEXIST ? -1 : 0;
    free(folder);
    if (result == 0) {
        digest_of(crypto, tree, nodes, &tree[nodes]);
        char *path = tree_path(state_dir, content);
        ps_span bytes = {(const uint8_t *)tree, (nodes + 1) * sizeof *tree};
        result = ps_file_replace(path, bytes, 0600);
        free(path);
    }
    return result;
}

ps_node *tree_load(const char *state_dir, const ps_crypto *crypto, const ps_content *content)
{
    size_t nodes = ps_tree_nodes(content->length);
    size_t bytes = (nodes + 1) * sizeof(ps_node);
    char *path = tree_path(state_dir, content);
    uint8_t *raw = NULL;
    size_t len = 0;
    int result = ps_file_read(path, bytes, &raw, &len);
    free(path);
    if (result != 0) {
        return NULL;
    }
    ps_node *tree = NULL;
    if (len == bytes) {
        tree = data_alloc(nodes + 1, sizeof *tree);
        memcpy(tree, raw, bytes);
        ps_node digest;
        digest_of(crypto, tree, nodes, &digest);
        if (memcmp(&digest, &tree[nodes], sizeof digest) != 0) {
            free(tree);
            tree = NULL;
        }
    }
    free(raw);
    return tree;
}

/* False for what is not a name that tree_name() makes: it is left alone. */
static bool parse_name(const char *name, ps_content *content)
{
    char *dash = NULL;
    errno = 0;
    content->length = strtoull(name, &dash, 10);
    char again[TREE_NAME_BYTES];
    if (errno != 0 || *dash != '-' || !hex_read(content->root, dash + 1, PS_ROOT_BYTES)) {
        return false;
    }
    tree_name(content, again);
    return strcmp(again, name) == 0;
}

void trees_prune(const char *state_dir, bool (*wanted)(void *ctx, const ps_content *content),
                 void *ctx)
{
    char *folder = data_format("%s/trees", state_dir);
    DIR *dir = opendir(folder);
    free(folder);
    if (!dir) {
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        ps_content content;
        if (parse_name(e->d_name, &content) && !wanted(ctx, &content)) {
            (void)unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    (void)closedir(dir);
}
