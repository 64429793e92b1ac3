/* The conformance suite against the native scheduler. */
#include "base/alloc.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/testing/native_host.h"
#include "tests/conformance/scheduler/cases.h"

#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

static void prepare(const char *dir) {
    if (geteuid() != 0) {
        gf_test_skip("containers need root; run the tests as root");
    }
    native_host_make_image(dir);
}

static void *open_native(const char *dir, const struct gf_scheduler_events *events,
                         struct gf_scheduler *out) {
    struct native_host *host = gf_calloc(1, sizeof(*host));
    struct gf_native_options options = GF_NATIVE_OPTIONS_DEFAULT;
    GF_CLEANUP(gf_free_p) char *runtime = gf_asprintf("%s/native", dir);
    options.runtime_dir = runtime;
    options.events = events;
    native_host_open_with(host, dir, options);
    *out = host->scheduler;
    return host;
}

static void close_native(void *back_end) {
    native_host_close(back_end);
    free(back_end);
}

static struct gf_log_store *logs_of(void *back_end) {
    return ((struct native_host *)back_end)->logs;
}

static const struct conformance_driver driver = {
    .name = "native",
    .capabilities = CONFORMANCE_PROGRAMS | CONFORMANCE_LOGS | CONFORMANCE_MASKS |
                    CONFORMANCE_RESTARTS | CONFORMANCE_IMAGES | CONFORMANCE_MEMORY_LIMIT |
                    CONFORMANCE_PID_LIMIT | CONFORMANCE_DISK_LIMIT | CONFORMANCE_USAGE |
                    CONFORMANCE_INPUT | CONFORMANCE_SESSIONS | CONFORMANCE_DISABLED_LOGS,
    .networks_given =
        CONFORMANCE_NETWORK(GF_NETWORK_UNSPECIFIED) | CONFORMANCE_NETWORK(GF_NETWORK_NONE),
    .networks_refused = CONFORMANCE_NETWORK(GF_NETWORK_HOST),
    .image = NATIVE_HOST_IMAGE,
    .entry_image = NATIVE_HOST_ENTRY_IMAGE,
    .missing_image = "missing:1",
    .prepare = prepare,
    .open = open_native,
    .close = close_native,
    .logs = logs_of,
};

#define NATIVE_CASE(name, needs) CONFORMANCE_TEST(native_conformance, driver, name, needs)
CONFORMANCE_CASES(NATIVE_CASE)
