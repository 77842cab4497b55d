#ifndef PS_TESTS_SUPPORT_H
#define PS_TESTS_SUPPORT_H

#endif
