/* A credentials file for bench_crowd: users u0, u1, ... with the password "crowd", hashed as
 * cheaply as argon2id allows. Usage: bench_users N */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char text[crypto_pwhash_STRBYTES];
    const long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (n < 1 || n > 1000000 || sodium_init() < 0 ||
        crypto_pwhash_str(text, "crowd", 5, crypto_pwhash_OPSLIMIT_MIN,
                          crypto_pwhash_MEMLIMIT_MIN) != 0) {
        (void)fprintf(stderr, "usage: bench_users N (at most 1000000)\n");
        return 2;
    }
    for (long i = 0; i < n; i++) { /* One hash for all: nobody attacks them. */
        printf("u%ld %s\n", i, text);
    }
    return 0;
}
