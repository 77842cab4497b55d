/* Who wants what is not his, and who sends what it is not: each is found out. Ends the process
 * where one is not. */
#ifndef PS_TESTS_LIARS_H
#define PS_TESTS_LIARS_H

#include <stdint.h>

void liars_run(uint64_t seed);

#endif
