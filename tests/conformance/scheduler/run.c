#include "base/testing/skip.h"
#include "tests/conformance/scheduler/cases.h"

static void skip(const struct conformance_driver *driver, const char *name, unsigned needs) {
#define CONFORMANCE_X(capability, bit, text)                                                       \
    if ((needs & CONFORMANCE_##capability & ~driver->capabilities) != 0) {                         \
        gf_test_skip("%s: the back end '%s' has no " text, name, driver->name);                    \
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
