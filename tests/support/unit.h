/* What every unit test of cmocka begins with, in the order that cmocka.h needs. */
#ifndef PS_TESTS_UNIT_H
#define PS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
