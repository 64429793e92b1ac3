/* How far extensions have got, and what they say they did. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    world_cron(&world);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(extension_progress, .init = setup, .fini = teardown);

static int64_t cron_key(void) {
    return world_extension(&world, "cron").extension_key;
}

static enum gf_code set_checkpoint(const char *subscription_id, struct gf_str value) {
    const struct gf_input input = {
        .kind = GF_INPUT_SET_CHECKPOINT,
        .u.progress = {
            .extension_key = cron_key(),
            .subscription = {GF_STR("default"), GF_STR("pipe"), gf_str_from(subscription_id)},
            .checkpoint = value}};
    return world_step(&world, &input);
}

/* ---- Checkpoints ---- */

Test(extension_progress, a_subscription_has_a_checkpoint) {
    const int64_t newest = world_newest_event(&world);
    const int64_t update_time = world_stored_subscription(&world, "nightly").update_time;
    cr_assert_eq(set_checkpoint("nightly", GF_STR("here")), GF_OK);
    cr_expect_not(world.unchanged);
    const struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect(gf_str_eq(row.checkpoint, GF_STR("here")));
    cr_expect_eq(row.update_time, update_time);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_assert_eq(set_checkpoint("nightly", GF_STR("here")), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(set_checkpoint("nightly", GF_STR("")), GF_OK);
    cr_expect_eq(world_stored_subscription(&world, "nightly").checkpoint.len, 0);
    cr_expect_eq(world_extension(&world, "cron").checkpoint.len, 0);
}

Test(extension_progress, an_extension_has_a_checkpoint) {
    cr_assert_eq(set_checkpoint("", GF_STR("here")), GF_OK);
    cr_expect(gf_str_eq(world_extension(&world, "cron").checkpoint, GF_STR("here")));
    cr_expect_eq(world_stored_subscription(&world, "nightly").checkpoint.len, 0);
    cr_assert_eq(set_checkpoint("", GF_STR("here")), GF_OK);
    cr_expect(world.unchanged);
}

Test(extension_progress, bad_checkpoints_are_refused) {
    char *text = gf_arena_alloc(&world.arena, GF_CHECKPOINT_BYTES_MAX + 1);
    memset(text, 'x', GF_CHECKPOINT_BYTES_MAX + 1);
    cr_expect_eq(set_checkpoint("nightly", (struct gf_str){text, GF_CHECKPOINT_BYTES_MAX + 1}),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "value");
    cr_expect_eq(set_checkpoint("nightly", (struct gf_str){text, GF_CHECKPOINT_BYTES_MAX}), GF_OK);
    cr_expect_eq(set_checkpoint("weekly", GF_STR("x")), GF_NOT_FOUND);
    const struct gf_input input = {.kind = GF_INPUT_SET_CHECKPOINT, .u.progress.extension_key = 99};
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
}

Test(extension_progress, events_that_were_taken_in_never_go_back) {
    struct gf_input input = {.kind = GF_INPUT_SET_EVENT_SEQUENCE,
                             .u.progress = {.extension_key = cron_key(), .event_sequence = 7}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_extension(&world, "cron").event_sequence, 7);
    input.u.progress.event_sequence = 6;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_extension(&world, "cron").event_sequence, 7);
}

/* ---- Reports ---- */

static struct gf_report report(const char *report_id) {
    return (struct gf_report){
        .extension_key = cron_key(), .report_id = gf_str_from(report_id), .title = GF_STR("done")};
}

static enum gf_code put(const struct gf_report *row) {
    const struct gf_input input = {.kind = GF_INPUT_PUT_REPORT, .u.report.row = row};
    return world_step(&world, &input);
}

Test(extension_progress, a_report_is_stored) {
    struct gf_report *rows = NULL;
    struct gf_report row = report("check");
    row.subscription_id = GF_STR("nightly");
    row.namespace_id = GF_STR("default");
    row.pipeline_id = GF_STR("pipe");
    row.outcome = GF_REPORT_SUCCESSFUL;
    row.body = GF_STR("all *well*");
    row.url = GF_STR("https://example.com/a?b#c");
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    row.run_id = 1;
    cr_assert_eq(put(&row), GF_OK);
    cr_assert_eq(world_reports(&world, &rows), 1);
    cr_expect_eq(rows[0].pipeline_key, world_run(&world, 1).pipeline_key);
    cr_expect_eq(rows[0].run_id, 1);
    cr_expect_eq(rows[0].create_time, world.now);
    cr_expect(gf_str_eq(rows[0].extension_id, GF_STR("cron")));
    cr_expect(gf_str_eq(rows[0].body, GF_STR("all *well*")));
    world_exit(&world, "one", 0);
    /* Also about a run that is over. */
    cr_expect_eq(put(&row), GF_OK);
}

Test(extension_progress, the_same_report_replaces_what_was) {
    struct gf_report *rows = NULL;
    struct gf_report first = report("check");
    struct gf_report second = report("check");
    struct gf_report other = report("other");
    second.title = GF_STR("done again");
    const struct gf_input inputs[] = {{.kind = GF_INPUT_PUT_REPORT, .u.report.row = &first},
                                      {.kind = GF_INPUT_PUT_REPORT, .u.report.row = &other},
                                      {.kind = GF_INPUT_PUT_REPORT, .u.report.row = &second}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(inputs); i++) {
        world_step_only(&world, &inputs[i]);
    }
    cr_expect_eq(gf_core_batch(world.core)->reports.count, 2);
    world_commit(&world);
    cr_assert_eq(world_reports(&world, &rows), 2);
    second.title = GF_STR("and again");
    cr_assert_eq(put(&second), GF_OK);
    cr_assert_eq(world_reports(&world, &rows), 2);
    cr_expect(gf_str_eq(rows[0].title, GF_STR("and again")));
}

static void expect_refused(const struct gf_report *row, const char *field) {
    cr_expect_eq(put(row), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, field);
}

Test(extension_progress, bad_reports_are_refused) {
    char *text = gf_arena_alloc(&world.arena, GF_REPORT_BODY_BYTES_MAX + 1);
    memset(text, 'x', GF_REPORT_BODY_BYTES_MAX + 1);
    struct gf_report row = report("");
    expect_refused(&row, "report_id");
    row.report_id = (struct gf_str){text, GF_REPORT_ID_CHARS_MAX + 1};
    expect_refused(&row, "report_id");
    row = report("check");
    row.title = GF_STR("");
    expect_refused(&row, "title");
    row.title = (struct gf_str){text, GF_REPORT_TITLE_CHARS_MAX + 1};
    expect_refused(&row, "title");
    row = report("check");
    row.body = (struct gf_str){text, GF_REPORT_BODY_BYTES_MAX + 1};
    expect_refused(&row, "body");
    row.body = GF_STR("\xff");
    expect_refused(&row, "body");
    row = report("check");
    row.outcome = 99;
    expect_refused(&row, "outcome");
    static const char *const urls[] = {"x",
                                       "ftp://example.com",
                                       "https://",
                                       "javascript:alert(1)",
                                       "https://example.com/a b",
                                       "https://example.com/\xc3\xa4"};
    row = report("check");
    for (size_t i = 0; i < GF_ARRAY_COUNT(urls); i++) {
        row.url = gf_str_from(urls[i]);
        expect_refused(&row, "url");
    }
    row.extension_key = 99;
    cr_expect_eq(put(&row), GF_NOT_FOUND);
}

Test(extension_progress, what_a_report_is_about_must_be_there) {
    struct gf_report row = report("check");
    row.namespace_id = GF_STR("default");
    row.pipeline_id = GF_STR("pipe");
    row.run_id = 1;
    cr_expect_eq(put(&row), GF_NOT_FOUND);
    row.run_id = 0;
    cr_expect_eq(put(&row), GF_OK);
    row.pipeline_id = GF_STR("elsewhere");
    cr_expect_eq(put(&row), GF_NOT_FOUND);
    row.pipeline_id = GF_STR("pipe");
    row.subscription_id = GF_STR("weekly");
    cr_expect_eq(put(&row), GF_NOT_FOUND);
}
