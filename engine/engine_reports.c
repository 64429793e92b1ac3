/*
 * What the scheduler reports becomes an input in the reserved lane: one allocation that holds the
 * input and its texts, freed when it was stepped.
 */
#include "base/alloc.h"
#include "engine/core/limits.h"
#include "engine/engine_internal.h"

enum {
    TEXT_BYTES_MAX = GF_REASON_BYTES_MAX + 4, /* the core cuts again, at a character */
};

struct report {
    struct gf_command command; /* done is NULL */
    size_t text_used;
    char text[];
};

static size_t text_size(struct gf_str text) {
    return text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX;
}

static struct report *make_report(enum gf_input_kind kind, size_t text_bytes) {
    struct report *report = gf_calloc(1, sizeof(*report) + text_bytes);
    report->command.input.kind = kind;
    return report;
}

static struct gf_str keep(struct report *report, struct gf_str text) {
    char *place = report->text + report->text_used;
    const size_t size = text_size(text);
    if (size > 0) {
        memcpy(place, text.ptr, size);
    }
    report->text_used += size;
    return (struct gf_str){place, size};
}

static void push(void *ctx, struct report *report) {
    struct gf_engine *engine = ctx;
    report->command.submitted_ns = gf_clock_mono_ns(engine->options.clock);
    gf_queue_push_reserved(engine->queue, &report->command.node);
}

static void on_started(void *ctx, struct gf_attempt attempt, const struct gf_start *start) {
    struct report *report =
        make_report(GF_INPUT_TASK_STARTED, text_size(start->image_digest) + text_size(start->node) +
                                               text_size(start->container_id));
    report->command.input.u.started.attempt = attempt;
    report->command.input.u.started.start = *start;
    report->command.input.u.started.start.image_digest = keep(report, start->image_digest);
    report->command.input.u.started.start.node = keep(report, start->node);
    report->command.input.u.started.start.container_id = keep(report, start->container_id);
    push(ctx, report);
}

static void on_exited(void *ctx, struct gf_attempt attempt, const struct gf_exit *exit,
                      struct gf_str image_digest, struct gf_str node) {
    struct report *report = make_report(
        GF_INPUT_TASK_EXITED, text_size(image_digest) + text_size(node) + text_size(exit->failure) +
                                  text_size(exit->container_id));
    report->command.input.u.exited.attempt = attempt;
    report->command.input.u.exited.exit = *exit;
    report->command.input.u.exited.exit.failure = keep(report, exit->failure);
    report->command.input.u.exited.exit.container_id = keep(report, exit->container_id);
    report->command.input.u.exited.image_digest = keep(report, image_digest);
    report->command.input.u.exited.node = keep(report, node);
    push(ctx, report);
}

static void push_failed(void *ctx, enum gf_input_kind kind, struct gf_attempt attempt,
                        enum gf_launch_failure failure, struct gf_str message) {
    struct report *report = make_report(kind, text_size(message));
    report->command.input.u.failed.attempt = attempt;
    report->command.input.u.failed.failure = failure;
    report->command.input.u.failed.message = keep(report, message);
    push(ctx, report);
}

static void on_launch_failed(void *ctx, struct gf_attempt attempt, enum gf_launch_failure failure,
                             struct gf_str message) {
    push_failed(ctx, GF_INPUT_TASK_LAUNCH_FAILED, attempt, failure, message);
}

static void on_lost(void *ctx, struct gf_attempt attempt, struct gf_str message) {
    push_failed(ctx, GF_INPUT_TASK_LOST, attempt, GF_LAUNCH_FAILURE_SCHEDULER, message);
}

static void on_never_started(void *ctx, struct gf_attempt attempt) {
    push_failed(ctx, GF_INPUT_TASK_NEVER_STARTED, attempt, GF_LAUNCH_FAILURE_SCHEDULER, GF_STR(""));
}

void gf_engine__init_events(struct gf_engine *engine) {
    engine->events = (struct gf_scheduler_events){
        .ctx = engine,
        .started = on_started,
        .exited = on_exited,
        .launch_failed = on_launch_failed,
        .lost = on_lost,
        .never_started = on_never_started,
    };
}

void gf_engine__free_report(struct gf_command *command) {
    free(GF_CONTAINER_OF(command, struct report, command));
}
