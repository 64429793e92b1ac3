/* Runs that extensions want: exactly one for each key. */
#include "base/alloc.h"
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){.runs_active_max = 5, .pipeline_queue_max = 3});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(extension_starts, .init = setup, .fini = teardown);

static void expect_refused(const char *reason) {
    cr_assert_eq(world.error.code, GF_OK, "%s", world.error.message);
    cr_expect_eq(world.starts[0].outcome, GF_START_REFUSED);
    cr_expect(gf_str_eq(world.starts[0].reason, gf_str_from(reason)), "%.*s",
              (int)world.starts[0].reason.len, world.starts[0].reason.ptr);
    cr_expect_gt(world.starts[0].description.len, 0);
    cr_expect_eq(world.starts[0].run_id, 0);
}

/* The same again, now that nothing stands in its way: the first outcome holds. */
static void expect_refused_for_good(const char *key, const char *reason) {
    expect_refused(reason);
    const struct gf_input input = world_cron_input(&world, "nightly", key);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    expect_refused(reason);
}

static int64_t deliveries(bool dead) {
    struct gf_delivery *rows = NULL;
    return (int64_t)world_deliveries(&world, dead, &rows);
}

/* ---- Starting ---- */

Test(extension_starts, a_run_knows_why) {
    world_cron(&world);
    const struct gf_variable variables[] = {
        {GF_STR("GOFER_EXTENSION_TIME"), GF_STR("12:00"), GF_VARIABLE_SOURCE_EXTENSION}};
    const struct gf_label labels[] = {{GF_STR("by"), GF_STR("clock")}};
    const struct gf_run_document document = {GF_STR("text/plain"), GF_STR("digest"),
                                             GF_STR("content")};
    struct gf_input input = world_cron_input(&world, "nightly", "2026-01-01");
    input.actor.token_id = GF_STR("token");
    input.u.extension_start.variables = variables;
    input.u.extension_start.variable_count = 1;
    input.u.extension_start.labels = labels;
    input.u.extension_start.label_count = 1;
    input.u.extension_start.reason = GF_STR("it is midnight");
    input.u.extension_start.document = &document;
    input.u.extension_start.ordering_key = GF_STR("order");
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_assert_eq(world.start_count, 1);
    cr_expect_eq(world.starts[0].outcome, GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    cr_expect_eq(world.starts[0].run_id, 1);
    const struct gf_run run = world_run(&world, 1);
    cr_expect_eq(run.initiator.kind, GF_INITIATOR_EXTENSION);
    cr_expect(gf_str_eq(run.initiator.id, GF_STR("cron")));
    cr_expect(gf_str_eq(run.initiator.reason, GF_STR("it is midnight")));
    cr_expect(gf_str_eq(run.initiator.token_id, GF_STR("token")));
    cr_expect(gf_str_eq(run.initiator.subscription_id, GF_STR("nightly")));
    cr_expect(gf_str_eq(run.initiator.key, GF_STR("2026-01-01")));
    cr_assert_eq(run.variable_count, 1);
    cr_expect_eq(run.variables[0].source, GF_VARIABLE_SOURCE_EXTENSION);
    cr_assert_eq(run.label_count, 1);
    cr_expect(run.has_input);
    cr_expect(gf_str_eq(run.ordering_key, GF_STR("order")));
    cr_expect_eq(run.ordering_policy, GF_RUN_ORDERING_STRICT);
    cr_expect_eq(run.chain_depth, 0);
    cr_expect_not(run.has_priority);
    cr_expect_str_eq(world_events(&world, newest), "RUN_QUEUED RUN_STARTED one:CREATED");
    world_exit(&world, "one", 0);
}

Test(extension_starts, subscription_and_extension_count_it) {
    world_cron(&world);
    cr_assert_eq(world_cron_start(&world, "nightly", "a"), GF_START_STARTED);
    cr_assert_eq(world_cron_start(&world, "nightly", "b"), GF_START_STARTED);
    const struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect_eq(row.run_count, 2);
    cr_expect_eq(row.last_run_id, 2);
    cr_expect_eq(row.last_run_time, world.now);
    cr_expect_eq(world_extension(&world, "cron").run_count, 2);
    struct gf_start_key key = {0};
    cr_assert_eq(world_stored_key(&world, "nightly", "b", &key), GF_OK);
    cr_expect_eq(key.outcome, GF_START_STARTED);
    cr_expect_eq(key.run_id, 2);
    cr_expect_eq(key.create_time, world.now);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(extension_starts, sources_are_the_extension_whatever_is_said) {
    world_cron(&world);
    const struct gf_variable variables[] = {{GF_STR("A"), GF_STR("1"), 0}};
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.variables = variables;
    input.u.extension_start.variable_count = 1;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_run(&world, 1).variables[0].source, GF_VARIABLE_SOURCE_EXTENSION);
    world_exit(&world, "one", 0);
}

Test(extension_starts, bad_input_is_refused_as_a_whole) {
    world_cron(&world);
    struct gf_input input = world_cron_input(&world, "nightly", "");
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "idempotency_key");
    char *text = gf_arena_alloc(&world.arena, GF_DELIVERY_BYTES_MAX + 1);
    memset(text, 'x', GF_DELIVERY_BYTES_MAX + 1);
    input.u.extension_start.key = (struct gf_str){text, GF_START_KEY_CHARS_MAX + 1};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    input.u.extension_start.key.len = GF_START_KEY_CHARS_MAX;
    input.u.extension_start.subscription_count = 0;
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "subscriptions");
    input.u.extension_start.subscription_count = GF_START_SUBSCRIPTIONS_MAX + 1;
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    input.u.extension_start.subscription_count = 2;
    input.u.extension_start.delivery_key = 1;
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    input.u.extension_start.subscription_count = 1;
    input.u.extension_start.delivery_key = 0;
    input.u.extension_start.content = (struct gf_str){text, GF_DELIVERY_BYTES_MAX + 1};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "content");
    input.u.extension_start.content.len = 1;
    input.u.extension_start.checkpoint = (struct gf_str){text, GF_CHECKPOINT_BYTES_MAX + 1};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "checkpoint");
    input.u.extension_start.checkpoint.len = GF_CHECKPOINT_BYTES_MAX;
    input.u.extension_start.extension_key = 99;
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.reason, "EXTENSION_NOT_INSTALLED");
    input.u.extension_start.extension_key = world_extension(&world, "cron").extension_key;
    cr_expect_eq(world_step(&world, &input), GF_OK);
    world_exit(&world, "one", 0);
}

Test(extension_starts, nothing_is_taken_from_a_disabled_extension) {
    world_cron(&world);
    cr_assert_eq(world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", true), GF_OK);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_UNSPECIFIED);
    cr_expect_eq(world.error.code, GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "EXTENSION_DISABLED");
    cr_assert_eq(world_extension_command(&world, GF_INPUT_ENABLE_EXTENSION, "cron", true), GF_OK);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    world_exit(&world, "one", 0);
}

/* ---- The same key again ---- */

Test(extension_starts, a_key_starts_one_run_only) {
    world_cron(&world);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect(world.starts[0].duplicate);
    cr_expect_eq(world.starts[0].run_id, 1);
    world_exit(&world, "one", 0);
    world_restart(&world);
    world_advance(&world, INT64_C(29) * 24 * 3600 * 1000);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect(world.starts[0].duplicate);
    cr_expect_eq(world.starts[0].run_id, 1);
    cr_expect_eq(world_stored_subscription(&world, "nightly").run_count, 1);
    cr_expect_eq(world.pipeline.latest_run_id, 0);
}

Test(extension_starts, a_key_starts_one_run_in_a_batch) {
    world_cron(&world);
    const struct gf_input input = world_cron_input(&world, "nightly", "key");
    const int64_t needs = world.need_count;
    world_step_only(&world, &input);
    world_step_only(&world, &input);
    cr_expect_leq(world.need_count - needs, 1);
    world_commit(&world);
    cr_expect(world.starts[0].duplicate);
    cr_expect_eq(world_stored_subscription(&world, "nightly").run_count, 1);
    world_exit(&world, "one", 0);
}

Test(extension_starts, each_subscription_has_keys_of_its_own) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect_eq(world_cron_start(&world, "weekly", "key"), GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    cr_expect_eq(world.starts[0].run_id, 2);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(extension_starts, keys_may_be_long) {
    world_cron(&world);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 4 * GF_START_KEY_CHARS_MAX);
    for (int i = 0; i < GF_START_KEY_CHARS_MAX; i++) {
        gf_strbuf_append_cstr(&text, "\xf0\x9f\x98\x80");
    }
    cr_expect_eq(world_cron_start(&world, "nightly", text.ptr), GF_START_STARTED);
    cr_expect_eq(world_cron_start(&world, "nightly", text.ptr), GF_START_STARTED);
    cr_expect(world.starts[0].duplicate);
    gf_strbuf_fini(&text);
    world_exit(&world, "one", 0);
}

/* ---- Refusals ---- */

Test(extension_starts, an_unknown_subscription_is_refused_for_now) {
    world_cron(&world);
    cr_expect_eq(world_cron_start(&world, "weekly", "key"), GF_START_REFUSED);
    expect_refused("SUBSCRIPTION_NOT_FOUND");
    struct gf_subscription_name name = {GF_STR("default"), GF_STR("pipe"), GF_STR("")};
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.subscriptions = &name;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    expect_refused("SUBSCRIPTION_NOT_FOUND");
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
    cr_expect_eq(world_cron_start(&world, "weekly", "key"), GF_START_STARTED);
    world_exit(&world, "one", 0);
}

Test(extension_starts, a_disabled_subscription_is_refused_for_good) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    (void)world_cron_start(&world, "nightly", "key");
    cr_assert_eq(world.starts[0].outcome, GF_START_REFUSED);
    cr_assert_eq(world_subscription(&world, GF_INPUT_ENABLE_SUBSCRIPTION, "nightly"), GF_OK);
    (void)world_cron_start(&world, "nightly", "key");
    expect_refused_for_good("key", "SUBSCRIPTION_DISABLED");
}

Test(extension_starts, a_disabled_pipeline_is_refused_for_good) {
    world_cron(&world);
    cr_assert_eq(world_pipeline(&world, GF_INPUT_DISABLE_PIPELINE), GF_OK);
    (void)world_cron_start(&world, "nightly", "key");
    cr_assert_eq(world_pipeline(&world, GF_INPUT_ENABLE_PIPELINE), GF_OK);
    expect_refused_for_good("key", "PIPELINE_DISABLED");
}

Test(extension_starts, a_pipeline_without_a_live_version_is_refused_for_good) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    cr_assert_eq(world_register(&world, config, /* deploy= */ false), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_OK);
    (void)world_cron_start(&world, "nightly", "key");
    cr_assert_eq(world_deploy(&world, 1), GF_OK);
    expect_refused("NOTHING_LIVE");
    (void)world_cron_start(&world, "nightly", "key");
    expect_refused("NOTHING_LIVE");
}

Test(extension_starts, bad_options_are_refused_for_good) {
    world_cron(&world);
    const struct gf_variable variable = {GF_STR("GOFER_MINE"), GF_STR("x"),
                                         GF_VARIABLE_SOURCE_EXTENSION};
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.variables = &variable;
    input.u.extension_start.variable_count = 1;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(gf_str_eq(world.starts[0].description,
                        GF_STR("variables[\"GOFER_MINE\"]: keys that begin with GOFER_ are set by "
                               "gofer alone")));
    expect_refused_for_good("key", "INVALID_ARGUMENT");
    input = world_cron_input(&world, "nightly", "key-2");
    input.u.extension_start.ordering_policy = GF_RUN_ORDERING_NEWEST;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    expect_refused("INVALID_ARGUMENT");
    struct gf_error wrong = {0};
    (void)gf_fail_field(&wrong, "input", "is none");
    input = world_cron_input(&world, "nightly", "key-3");
    input.u.extension_start.refusal = &wrong;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(gf_str_eq(world.starts[0].description, GF_STR("input: is none")));
    expect_refused_for_good("key-3", "INVALID_ARGUMENT");
}

Test(extension_starts, what_is_too_much_for_so_many_runs_is_refused) {
    enum {
        COUNT = 300
    };
    struct gf_subscription_name names[COUNT];
    world_cron(&world);
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = input.u.extension_start.subscriptions[0];
    }
    char *bytes = gf_calloc(1, GF_RUN_INPUT_BYTES_MAX);
    const struct gf_run_document document = {.media_type = GF_STR("text/plain"),
                                             .digest = GF_STR("ab"),
                                             .content = {bytes, GF_RUN_INPUT_BYTES_MAX}};
    input.u.extension_start.document = &document;
    input.u.extension_start.subscriptions = names;
    input.u.extension_start.subscription_count = COUNT;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    expect_refused_for_good("key", "INVALID_ARGUMENT");
    free(bytes);
}

/* ---- Chains ---- */

static enum gf_start_outcome start_because_of(const char *key, int64_t run_id) {
    struct gf_input input = world_cron_input(&world, "nightly", key);
    input.u.extension_start.cause_namespace_id = GF_STR("default");
    input.u.extension_start.cause_pipeline_id = GF_STR("pipe");
    input.u.extension_start.cause_run_id = run_id;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    return world.starts[0].outcome;
}

Test(extension_starts, chains_end) {
    world_cron(&world);
    cr_assert_eq(world_cron_start(&world, "nightly", "first"), GF_START_STARTED);
    for (int64_t i = 1; i < GF_CHAIN_DEPTH_MAX; i++) {
        const char *key = gf_arena_printf(&world.arena, "key-%lld", (long long)i);
        if (i % 3 > 0) { /* else the cause runs yet */
            world_exit(&world, "one", 0);
        }
        if (i % 3 > 1) {
            world_restart(&world);
        }
        cr_assert_eq(start_because_of(key, i), GF_START_STARTED);
        cr_expect_eq(world_run(&world, i + 1).chain_depth, i);
        if (i % 3 == 0) {
            world_exit(&world, "one", 0);
        }
    }
    cr_expect_eq(start_because_of("too-deep", GF_CHAIN_DEPTH_MAX), GF_START_REFUSED);
    expect_refused_for_good("too-deep", "CHAIN_TOO_DEEP");
    while (world_find(&world, "one") != NULL) {
        world_exit(&world, "one", 0);
    }
}

Test(extension_starts, a_cause_that_is_gone_is_none) {
    world_cron(&world);
    cr_expect_eq(start_because_of("a", 99), GF_START_STARTED);
    cr_expect_eq(world_run(&world, 1).chain_depth, 0);
    struct gf_input input = world_cron_input(&world, "nightly", "b");
    input.u.extension_start.cause_namespace_id = GF_STR("default");
    input.u.extension_start.cause_pipeline_id = GF_STR("nowhere");
    input.u.extension_start.cause_run_id = 1;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.starts[0].outcome, GF_START_STARTED);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

/* ---- What waits ---- */

static int64_t pending_key(void) {
    struct gf_delivery *rows = NULL;
    cr_assert_eq(world_deliveries(&world, /* dead= */ false, &rows), 1);
    return rows[0].delivery_key;
}

Test(extension_starts, what_cannot_be_now_is_kept_and_done_later) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    struct gf_delivery *rows = NULL;
    cr_assert_eq(world_deliveries(&world, /* dead= */ false, &rows), 1);
    const int64_t delivery_key = rows[0].delivery_key;
    struct gf_delivery row = {0};
    cr_assert_eq(world_stored_delivery(&world, delivery_key, &row), GF_OK);
    cr_expect_eq(row.kind, GF_DELIVERY_RUN_START);
    cr_expect_eq(row.attempt_count, 1);
    cr_expect_eq(row.create_time, world.now);
    cr_expect_eq(row.next_attempt_time, world.now + INT64_C(1000000) * GF_DELIVERY_BACKOFF_MS_MIN);
    cr_expect(gf_str_eq(row.key, GF_STR("key")));
    cr_expect(gf_str_eq(row.subscription_id, GF_STR("nightly")));
    cr_expect(gf_str_eq(row.content, GF_STR("what to keep")));
    cr_expect(gf_str_eq(row.description, GF_STR("run starts are paused")));
    /* The extension may say it again: it waits once. */
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_expect_eq(deliveries(false), 1);
    world_restart(&world);
    cr_expect_eq(world_cron_retry(&world, delivery_key), GF_START_PENDING);
    cr_assert_eq(world_stored_delivery(&world, delivery_key, &row), GF_OK);
    cr_expect_eq(row.attempt_count, 2);
    cr_expect_eq(row.next_attempt_time, world.now + INT64_C(2000000) * GF_DELIVERY_BACKOFF_MS_MIN);
    world_pause(&world, false);
    cr_expect_eq(world_cron_retry(&world, delivery_key), GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    cr_expect_eq(deliveries(false), 0);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_expect(world.starts[0].duplicate);
    cr_expect_eq(world_stored_subscription(&world, "nightly").run_count, 1);
    /* A late try of what is done is about nothing. */
    struct gf_input late = world_cron_input(&world, "nightly", "key");
    late.u.extension_start.delivery_key = delivery_key;
    cr_expect_eq(world_step(&world, &late), GF_NOT_FOUND);
    world_exit(&world, "one", 0);
}

Test(extension_starts, too_many_runs_wait) {
    world_cron(&world);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(world_cron_start(&world, "nightly", gf_arena_printf(&world.arena, "%d", i)),
                     GF_START_STARTED);
    }
    cr_expect_eq(world_cron_start(&world, "nightly", "more"), GF_START_PENDING);
    for (int i = 0; i < 5; i++) {
        world_exit(&world, "one", 0);
    }
    cr_expect_eq(world_cron_retry(&world, pending_key()), GF_START_STARTED);
    world_exit(&world, "one", 0);
}

Test(extension_starts, what_its_pipeline_does_not_queue_is_refused) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->parallelism = 1;
    config->queue_policy = GF_QUEUE_POLICY_REJECT;
    world_cron(&world);
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_cron_start(&world, "nightly", "a"), GF_START_STARTED);
    cr_expect_eq(world_cron_start(&world, "nightly", "b"), GF_START_REFUSED);
    cr_expect_eq(deliveries(false), 0);
    world_exit(&world, "one", 0);
    expect_refused_for_good("b", "PIPELINE_BUSY");
    cr_expect_eq(world_cron_start(&world, "nightly", "c"), GF_START_STARTED);
    world_exit(&world, "one", 0);
}

Test(extension_starts, what_waited_is_refused_by_a_pipeline_that_does_not_queue) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->parallelism = 1;
    config->queue_policy = GF_QUEUE_POLICY_REJECT;
    world_cron(&world);
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_cron_start(&world, "nightly", "a"), GF_START_STARTED);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "b"), GF_START_PENDING);
    world_pause(&world, false);
    cr_expect_eq(world_cron_retry(&world, pending_key()), GF_START_REFUSED);
    cr_expect_eq(deliveries(false), 0);
    world_exit(&world, "one", 0);
}

Test(extension_starts, what_waits_may_be_refused_in_the_end) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_eq(world_cron_retry(&world, pending_key()), GF_START_REFUSED);
    cr_expect_eq(deliveries(false), 0);
    expect_refused_for_good("key", "SUBSCRIPTION_DISABLED");
}

Test(extension_starts, what_waits_for_a_subscription_that_is_gone_ends) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    const int64_t delivery_key = pending_key();
    cr_assert_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_OK);
    /* One of the same name is another one. */
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_OK);
    world_pause(&world, false);
    cr_expect_eq(world_cron_retry(&world, delivery_key), GF_START_REFUSED);
    expect_refused("SUBSCRIPTION_NOT_FOUND");
    cr_expect_eq(deliveries(false), 0);
    cr_expect_eq(world_stored_subscription(&world, "nightly").run_count, 0);
}

Test(extension_starts, a_disabled_extension_keeps_what_waits) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_assert_eq(world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", true), GF_OK);
    const int64_t delivery_key = pending_key();
    (void)world_cron_retry(&world, delivery_key);
    cr_expect_eq(world.error.code, GF_FAILED_PRECONDITION);
    struct gf_delivery row = {0};
    cr_assert_eq(world_stored_delivery(&world, delivery_key, &row), GF_OK);
    cr_expect_eq(row.attempt_count, 1);
}

Test(extension_starts, a_try_is_given_up_in_the_end) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    const int64_t delivery_key = pending_key();
    for (int i = 2; i < GF_DELIVERY_ATTEMPTS_MAX; i++) {
        cr_assert_eq(world_cron_retry(&world, delivery_key), GF_START_PENDING);
    }
    cr_expect_eq(deliveries(false), 1);
    cr_assert_eq(world_cron_retry(&world, delivery_key), GF_START_PENDING);
    cr_expect_eq(deliveries(false), 0);
    cr_expect_eq(deliveries(true), 1);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_EXTENSION_DEAD_LETTERED);
    cr_expect(gf_str_eq(event.extension_id, GF_STR("cron")));
    cr_expect(gf_str_eq(event.subscription_id, GF_STR("nightly")));
    cr_assert_eq(event.metadata_count, 1);
    cr_expect(gf_str_eq(event.metadata[0].key, GF_STR("dead_letter_id")));
    cr_expect_eq(gf_core_get_stats(world.core).deliveries_pending, 0);
    /* Its key waits with it: for a person. */
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_expect_eq(world_cron_retry(&world, delivery_key), GF_START_UNSPECIFIED);
    cr_expect_eq(world.error.code, GF_NOT_FOUND);
}

Test(extension_starts, more_than_may_wait_is_not_taken_in) {
    world_cron(&world);
    world_pause(&world, true);
    for (int i = 0; i < GF_DELIVERIES_PENDING_MAX; i++) {
        const struct gf_input input =
            world_cron_input(&world, "nightly", gf_arena_printf(&world.arena, "%d", i));
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_expect_eq(world_cron_start(&world, "nightly", "more"), GF_START_UNSPECIFIED);
    cr_expect_eq(world.error.code, GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(world.error.reason, "TOO_MANY_DELIVERIES");
    struct gf_start_key key = {0};
    cr_expect_eq(world_stored_key(&world, "nightly", "more", &key), GF_NOT_FOUND);
    /* What need not wait is. */
    world_pause(&world, false);
    cr_expect_eq(world_cron_start(&world, "nightly", "more"), GF_START_STARTED);
    world_exit(&world, "one", 0);
}

/* ---- Several at once ---- */

static void give_name(struct gf_subscription_name *name, const char *subscription_id) {
    *name = (struct gf_subscription_name){GF_STR("default"), GF_STR("pipe"),
                                          gf_str_from(subscription_id)};
}

Test(extension_starts, an_event_starts_one_run_of_each) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "never"), GF_OK);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "never"), GF_OK);
    cr_assert_eq(world_cron_start(&world, "weekly", "key"), GF_START_STARTED);
    struct gf_subscription_name names[5];
    const char *ids[] = {"nightly", "weekly", "unknown", "never", "nightly"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        give_name(&names[i], ids[i]);
    }
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.subscriptions = names;
    input.u.extension_start.subscription_count = 5;
    input.u.extension_start.set_checkpoint = true;
    input.u.extension_start.checkpoint = GF_STR("here");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_assert_eq(world.start_count, 5);
    cr_expect_eq(world.starts[0].outcome, GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    cr_expect(world.starts[1].duplicate);
    cr_expect_eq(world.starts[1].run_id, 1);
    cr_expect(gf_str_eq(world.starts[2].reason, GF_STR("SUBSCRIPTION_NOT_FOUND")));
    cr_expect(gf_str_eq(world.starts[3].reason, GF_STR("SUBSCRIPTION_DISABLED")));
    cr_expect(world.starts[4].duplicate);
    cr_expect_eq(world.starts[4].run_id, 2);
    cr_expect_eq(world_extension(&world, "cron").run_count, 2);
    cr_expect(gf_str_eq(world_extension(&world, "cron").checkpoint, GF_STR("here")));
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(extension_starts, an_event_is_looked_up_at_once) {
    enum {
        COUNT = 50,
    };
    struct gf_subscription_name *names =
        GF_ARENA_ARRAY(&world.arena, COUNT, struct gf_subscription_name);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    for (int i = 0; i < COUNT; i++) {
        struct gf_config *config = gf_fixture_checked(&world.arena, "one");
        config->pipeline_id = gf_str_from(gf_arena_printf(&world.arena, "pipe-%d", i));
        config->priority = i;
        cr_assert_eq(world_register(&world, config, /* deploy= */ true), GF_OK);
        struct gf_input input = world_subscription_input(GF_INPUT_CREATE_SUBSCRIPTION, "nightly");
        input.u.subscription.change.pipeline_id = config->pipeline_id;
        cr_assert_eq(world_step(&world, &input), GF_OK);
        names[i] = (struct gf_subscription_name){GF_STR("default"), config->pipeline_id,
                                                 GF_STR("nightly")};
    }
    world_restart(&world);
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.subscriptions = names;
    input.u.extension_start.subscription_count = COUNT;
    const int64_t needs = world.need_count;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_leq(world.need_count - needs, 3, "%lld", (long long)(world.need_count - needs));
    cr_assert_eq(world.start_count, COUNT);
    /* Five may be active: the others wait. */
    cr_expect_eq(deliveries(false), COUNT - 5);
    cr_expect_eq(world.starts[4].outcome, GF_START_STARTED);
    cr_expect_eq(world.starts[5].outcome, GF_START_PENDING);
    while (world_find(&world, "one") != NULL) {
        world_exit(&world, "one", 0);
    }
}

Test(extension_starts, an_event_that_might_not_find_room_is_not_begun) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
    world_pause(&world, true);
    for (int i = 0; i + 1 < GF_DELIVERIES_PENDING_MAX; i++) {
        const struct gf_input input =
            world_cron_input(&world, "nightly", gf_arena_printf(&world.arena, "%d", i));
        world_step_only(&world, &input);
    }
    world_commit(&world);
    struct gf_subscription_name names[2];
    give_name(&names[0], "nightly");
    give_name(&names[1], "weekly");
    struct gf_input input = world_cron_input(&world, "nightly", "key");
    input.u.extension_start.subscriptions = names;
    input.u.extension_start.subscription_count = 2;
    cr_expect_eq(world_step(&world, &input), GF_RESOURCE_EXHAUSTED);
    struct gf_start_key key = {0};
    cr_expect_eq(world_stored_key(&world, "nightly", "key", &key), GF_NOT_FOUND);
    input.u.extension_start.subscription_count = 1;
    cr_expect_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.starts[0].outcome, GF_START_PENDING);
}

/* ---- Checkpoints ---- */

static void start_with_checkpoint(const char *key, const char *checkpoint) {
    struct gf_input input = world_cron_input(&world, "nightly", key);
    input.u.extension_start.set_checkpoint = true;
    input.u.extension_start.checkpoint = gf_str_from(checkpoint);
    cr_assert_eq(world_step(&world, &input), GF_OK);
}

static void expect_checkpoint(const char *checkpoint) {
    const struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect(gf_str_eq(row.checkpoint, gf_str_from(checkpoint)), "%.*s", (int)row.checkpoint.len,
              row.checkpoint.ptr);
}

Test(extension_starts, a_checkpoint_is_stored_with_the_run_and_never_goes_back) {
    world_cron(&world);
    start_with_checkpoint("a", "one");
    expect_checkpoint("one");
    start_with_checkpoint("b", "two");
    expect_checkpoint("two");
    start_with_checkpoint("a", "one");
    expect_checkpoint("two");
    world_pause(&world, true);
    start_with_checkpoint("c", "three");
    expect_checkpoint("three");
    start_with_checkpoint("b", "two");
    expect_checkpoint("three");
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    start_with_checkpoint("d", "four");
    expect_checkpoint("four");
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(extension_starts, a_try_leaves_the_checkpoint) {
    world_cron(&world);
    world_pause(&world, true);
    start_with_checkpoint("a", "one");
    start_with_checkpoint("b", "two");
    world_pause(&world, false);
    struct gf_delivery *rows = NULL;
    cr_assert_eq(world_deliveries(&world, /* dead= */ false, &rows), 2);
    struct gf_input input = world_cron_input(&world, "nightly", "a");
    input.u.extension_start.delivery_key = rows[0].delivery_key;
    input.u.extension_start.set_checkpoint = true;
    input.u.extension_start.checkpoint = GF_STR("one");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.starts[0].outcome, GF_START_STARTED);
    expect_checkpoint("two");
    world_exit(&world, "one", 0);
}
