/* The conformance suite against the null scheduler. */
#include "base/alloc.h"
#include "engine/scheduler/null/null.h"
#include "tests/conformance/scheduler/cases.h"

#include <stdlib.h>

#include <criterion/criterion.h>

struct back_end {
    struct gf_null_scheduler *scheduler;
    struct gf_scheduler port;
};

static void *open_null(GF_UNUSED const char *dir, const struct gf_scheduler_events *events,
                       struct gf_scheduler *out) {
    struct back_end *self = gf_calloc(1, sizeof(*self));
    self->scheduler = gf_null_scheduler_create(events, gf_clock_system());
    self->port = gf_null_scheduler_port(self->scheduler);
    *out = self->port;
    return self;
}

static void close_null(void *back_end) {
    struct back_end *self = back_end;
    self->port.ops->stop_reporting(self->port.self);
    gf_null_scheduler_destroy(self->scheduler);
    free(self);
}

/* It starts nothing, so that there is nothing that it can do. */
static const struct conformance_driver driver = {
    .name = "null",
    .image = "busybox:latest",
    .entry_image = "busybox:latest",
    .missing_image = "missing:1",
    .open = open_null,
    .close = close_null,
};

#define NULL_CASE(name, needs) CONFORMANCE_TEST(null_conformance, driver, name, needs)
CONFORMANCE_CASES(NULL_CASE)
