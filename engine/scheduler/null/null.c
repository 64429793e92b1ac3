#include "engine/scheduler/null/null.h"

#include "base/alloc.h"

struct gf_null_scheduler {
    const struct gf_scheduler_events *events;
    const struct gf_clock *clock;
    _Atomic bool silent;
};

static void report_exit(const struct gf_null_scheduler *scheduler, struct gf_attempt attempt) {
    const int64_t now = gf_clock_wall_ns(scheduler->clock);
    const struct gf_exit exit = {.exit_code = 0, .start_time = now, .end_time = now};
    scheduler->events->exited(scheduler->events->ctx, attempt, &exit, GF_STR(""), GF_STR("null"));
}

static void launch(void *self, const struct gf_launch *launch) {
    const struct gf_null_scheduler *scheduler = self;
    if (scheduler->silent) {
        return;
    }
    const struct gf_start start = {.start_time = gf_clock_wall_ns(scheduler->clock),
                                   .node = GF_STR("null")};
    scheduler->events->started(scheduler->events->ctx, launch->attempt, &start);
    report_exit(scheduler, launch->attempt);
}

/* Every attempt has ended by the time anybody could stop it. */
static void stop(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt, GF_UNUSED bool force) {
}

static void forget(GF_UNUSED void *self, GF_UNUSED struct gf_attempt attempt) {
}

/* As with what recover() is asked about. */
static void inquire(void *self, struct gf_attempt attempt) {
    const struct gf_null_scheduler *scheduler = self;
    if (!scheduler->silent) {
        report_exit(scheduler, attempt);
    }
}

/* Whatever was launched before the restart has ended well, as everything does here. */
static void recover(void *self, const struct gf_attempt *attempts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        report_exit(self, attempts[i]);
    }
}

static enum gf_code check_image(GF_UNUSED void *self, struct gf_str image,
                                GF_UNUSED enum gf_pull_policy pull, struct gf_error *err) {
    return image.len > 0 ? GF_OK : gf_fail(err, GF_INVALID_ARGUMENT, "image is empty");
}

static void stop_reporting(void *self) {
    struct gf_null_scheduler *scheduler = self;
    scheduler->silent = true;
}

static const struct gf_scheduler_ops ops = {
    .name = "null",
    .launch = launch,
    .stop = stop,
    .forget = forget,
    .inquire = inquire,
    .recover = recover,
    .check_image = check_image,
    .stop_reporting = stop_reporting,
};

struct gf_null_scheduler *gf_null_scheduler_create(const struct gf_scheduler_events *events,
                                                   const struct gf_clock *clock) {
    struct gf_null_scheduler *scheduler = GF_NEW(struct gf_null_scheduler);
    scheduler->events = events;
    scheduler->clock = clock;
    return scheduler;
}

void gf_null_scheduler_destroy(struct gf_null_scheduler *scheduler) {
    free(scheduler);
}

struct gf_scheduler gf_null_scheduler_port(struct gf_null_scheduler *scheduler) {
    return (struct gf_scheduler){.ops = &ops, .self = scheduler};
}
