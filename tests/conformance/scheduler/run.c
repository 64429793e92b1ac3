#include "tests/conformance/scheduler/cases.h"

#include <stdio.h>

#include <criterion/criterion.h>

/* By name, so that nobody takes it for passed; not by cr_log_warn, which makes the run fail. */
static void skip(const struct conformance_driver *driver, const char *name, unsigned needs) {
#define CONFORMANCE_X(capability, bit, text)                                                       \
    if ((needs & CONFORMANCE_##capability & ~driver->capabilities) != 0) {                         \
        fprintf(stderr, "SKIPPED %s: the back end '%s' has no %s\n", name, driver->name, text);    \
        cr_skip_test("no " text);                                                                  \
    }
    CONFORMANCE_CAPABILITIES(CONFORMANCE_X)
#undef CONFORMANCE_X
}

void conformance_run(const struct conformance_driver *driver, const char *name, unsigned needs,
                     void (*run)(struct stage *stage)) {
    struct stage stage;
    skip(driver, name, needs);
    stage_open(&stage, driver);
    run(&stage);
    stage_close(&stage);
}
