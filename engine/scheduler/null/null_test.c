#include "engine/scheduler/null/null.h"

#include <criterion/criterion.h>

struct reports {
    int started;
    int exited;
    struct gf_attempt attempt;
    struct gf_exit exit;
};

static void on_started(void *ctx, struct gf_attempt attempt, const struct gf_start *start) {
    struct reports *reports = ctx;
    cr_expect_eq(reports->exited, 0);
    cr_expect_eq(start->start_time, 7);
    cr_expect(gf_str_eq(start->node, GF_STR("null")));
    reports->attempt = attempt;
    reports->started++;
}

static void on_exited(void *ctx, struct gf_attempt attempt, const struct gf_exit *exit,
                      GF_UNUSED struct gf_str image_digest, GF_UNUSED struct gf_str node) {
    struct reports *reports = ctx;
    reports->attempt = attempt;
    reports->exit = *exit;
    reports->exited++;
}

static struct reports reports;
static struct gf_fake_clock fake;
static struct gf_null_scheduler *null_scheduler;
static struct gf_scheduler scheduler;
static const struct gf_scheduler_events events = {
    .ctx = &reports, .started = on_started, .exited = on_exited};

static void setup(void) {
    gf_fake_clock_init(&fake, 5, 7);
    null_scheduler = gf_null_scheduler_create(&events, &fake.clock);
    scheduler = gf_null_scheduler_port(null_scheduler);
}

static void teardown(void) {
    gf_null_scheduler_destroy(null_scheduler);
}

TestSuite(null_scheduler, .init = setup, .fini = teardown);

Test(null_scheduler, every_launch_ends_well_at_once) {
    const struct gf_launch launch = {.attempt = {.run_key = 3, .task_index = 2, .attempt = 1}};
    scheduler.ops->launch(scheduler.self, &launch);
    cr_expect_eq(reports.started, 1);
    cr_expect_eq(reports.exited, 1);
    cr_expect_eq(reports.attempt.run_key, 3);
    cr_expect_eq(reports.attempt.task_index, 2);
    cr_expect_eq(reports.exit.exit_code, 0);
    cr_expect_eq(reports.exit.end_time, 7);
    scheduler.ops->stop(scheduler.self, launch.attempt, true);
    scheduler.ops->forget(scheduler.self, launch.attempt);
    cr_expect_eq(reports.exited, 1);
}

Test(null_scheduler, what_was_interrupted_ends_well_too) {
    const struct gf_attempt attempts[] = {{1, 0, 1}, {2, 0, 1}};
    scheduler.ops->recover(scheduler.self, attempts, 2);
    cr_expect_eq(reports.started, 0);
    cr_expect_eq(reports.exited, 2);
    cr_expect_eq(reports.attempt.run_key, 2);
}

Test(null_scheduler, whatever_somebody_wonders_about_has_ended_well) {
    scheduler.ops->inquire(scheduler.self, (struct gf_attempt){9, 1, 2});
    cr_expect_eq(reports.exited, 1);
    cr_expect_eq(reports.attempt.run_key, 9);
    cr_expect_eq(reports.attempt.attempt, 2);
    cr_expect_eq(reports.exit.exit_code, 0);
}

Test(null_scheduler, is_silent_when_told_to) {
    const struct gf_launch launch = {.attempt = {.run_key = 3, .task_index = 2, .attempt = 1}};
    scheduler.ops->stop_reporting(scheduler.self);
    scheduler.ops->launch(scheduler.self, &launch);
    scheduler.ops->inquire(scheduler.self, launch.attempt);
    cr_expect_eq(reports.started, 0);
    cr_expect_eq(reports.exited, 0);
}
