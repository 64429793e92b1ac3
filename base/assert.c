#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One write, without stdio: the process may be in any state when this is called. */
static void print_and_abort(const char *line) GF_NORETURN;

static void print_and_abort(const char *line) {
    const ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written; /* There is nobody left to tell. */
    abort();
}

void gf_assert_failed(const char *condition, const char *file, int line) {
    char text[512];
    (void)snprintf(text, sizeof(text), "%s:%d: assertion failed: %s\n", file, line, condition);
    print_and_abort(text);
}

void gf_oom(void) {
    print_and_abort("out of memory\n");
}
