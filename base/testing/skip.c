#include "base/testing/skip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

enum {
    REASON_BYTES_MAX = 512
};

void gf_test_skip(const char *format, ...) {
    char reason[REASON_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    fprintf(stderr, "SKIPPED: %s\n", reason);
    cr_skip_test("%s", reason);
    abort(); /* not reached */
}
