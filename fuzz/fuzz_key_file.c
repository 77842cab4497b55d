/* A server's key file: what is read is 32 bytes that are not all zero, and written again it reads
 * equal; cut anywhere before its end it is refused. */
#include "harness.h"

#include "peersyncd/key_file.h"

/* Written, read, and read in every length that lacks something. */
static void check_written(const uint8_t secret[PS_KEY_FILE_SECRET])
{
    char file[PS_KEY_FILE_BYTES];
    uint8_t back[PS_KEY_FILE_SECRET];
    const size_t len = ps_key_file_write("# What it is.", secret, file);
    must(len < sizeof file && strlen(file) == len && file[len - 1] == '\n');
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *exact = malloc(cut + (cut == 0));
        must(exact != NULL);
        memcpy(exact, file, cut);
        must(ps_key_file_read((ps_span){exact, cut}, back) == (cut >= len - 1));
        must(cut < len - 1 || memcmp(back, secret, sizeof back) == 0);
        free(exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t zeros[PS_KEY_FILE_SECRET];
    uint8_t secret[PS_KEY_FILE_SECRET], again[PS_KEY_FILE_SECRET];
    if (size > 2 * PS_KEY_FILE_BYTES) {
        return 0;
    }
    uint8_t *exact = malloc(size + 1);
    must(exact != NULL);
    memcpy(exact, data, size);
    exact[size] = '\n'; /* Ends of lines behind it change nothing. */
    uint8_t *alone = malloc(size + (size == 0));
    must(alone != NULL);
    memcpy(alone, data, size);
    const bool good = ps_key_file_read((ps_span){alone, size}, secret);
    must(ps_key_file_read((ps_span){exact, size + 1}, again) == good);
    if (good) {
        must(memcmp(secret, zeros, sizeof secret) != 0);
        must(memcmp(secret, again, sizeof secret) == 0 && size >= 44);
        check_written(secret);
    }
    free(alone);
    free(exact);
    return 0;
}
