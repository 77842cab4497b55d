/* Does a capture hold 32 bytes in a row of a file? Looks for each aligned block of 16 bytes of the
 * file, anywhere in the capture: any 32 bytes in a row hold one of these whole. Prints how many
 * places there are. Usage: find_window FILE CAPTURE */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16 };

static uint8_t *read_all(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        end = ftell(file);
        rewind(file);
    }
    uint8_t *bytes = end < 0 ? NULL : malloc((size_t)end + 1);
    if (bytes == NULL || fread(bytes, 1, (size_t)end, file) != (size_t)end) {
        perror(path);
        exit(2);
    }
    (void)fclose(file);
    *len = (size_t)end;
    return bytes;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, BLOCK);
}

int main(int argc, char **argv)
{
    size_t file_len = 0, capture_len = 0, found = 0;
    if (argc != 3) {
        return 2;
    }
    uint8_t *file = read_all(argv[1], &file_len);
    uint8_t *capture = read_all(argv[2], &capture_len);
    qsort(file, file_len / BLOCK, BLOCK, by_bytes);
    for (size_t i = 0; i + BLOCK <= capture_len; i++) {
        found += bsearch(capture + i, file, file_len / BLOCK, BLOCK, by_bytes) != NULL ? 1 : 0;
    }
    printf("%zu\n", found);
    free(file);
    free(capture);
    return 0;
}
