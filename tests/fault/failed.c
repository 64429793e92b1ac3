#include "tests/fault/failed.h"

#include "tests/fault/sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    _exit(SERVE_WRONG);
}
