/*
 * What must be true in a child of a sweep: the process ends with SERVE_WRONG and a sentence on
 * stderr where it is not.
 */
#ifndef GOFER_TESTS_FAULT_FAILED_H_
#define GOFER_TESTS_FAULT_FAILED_H_

#include "base/macros.h"

#define must(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failed(__FILE__, __LINE__, __VA_ARGS__);                                         \
        }                                                                                          \
    } while (0)
void check_failed(const char *file, int line, const char *format, ...) GF_PRINTF(3, 4) GF_NORETURN;

#endif /* GOFER_TESTS_FAULT_FAILED_H_ */
