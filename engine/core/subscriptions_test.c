/* Subscriptions: what becomes of them, and of what they belong to. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(subscriptions, .init = setup, .fini = teardown);

static struct gf_input create_input(const char *subscription_id) {
    return world_subscription_input(GF_INPUT_CREATE_SUBSCRIPTION, subscription_id);
}

static enum gf_code judge(enum gf_subscription_status status, enum gf_subscription_reason reason,
                          const char *text, int64_t generation) {
    const struct gf_input input = {
        .kind = GF_INPUT_SUBSCRIPTION_JUDGED,
        .u.judgement = {.subscription_key =
                            world_stored_subscription(&world, "nightly").subscription_key,
                        .generation = generation,
                        .status = status,
                        .reason = reason,
                        .reason_text = gf_str_from(text)}};
    return world_step(&world, &input);
}

/* ---- Creating ---- */

Test(subscriptions, a_new_one_is_stored_and_told) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.settings = GF_STR("sealed");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    const struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect_eq(world.subscription.subscription_key, row.subscription_key);
    cr_expect(gf_str_eq(row.settings, GF_STR("sealed")));
    cr_expect_eq(row.generation, 1);
    cr_expect_eq(row.status, GF_SUBSCRIPTION_ACTIVE);
    cr_expect_eq(row.create_time, world.now);
    cr_expect_eq(row.update_time, world.now);
    cr_expect_eq(row.run_count, 0);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_SUBSCRIPTION_CREATED);
    cr_expect(gf_str_eq(event.namespace_id, GF_STR("default")));
    cr_expect(gf_str_eq(event.pipeline_id, GF_STR("pipe")));
    cr_expect(gf_str_eq(event.extension_id, GF_STR("cron")));
    cr_expect(gf_str_eq(event.subscription_id, GF_STR("nightly")));
}

Test(subscriptions, one_that_was_not_asked_about_is_pending) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.pending = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_stored_subscription(&world, "nightly").status, GF_SUBSCRIPTION_PENDING);
}

Test(subscriptions, what_is_missing_is_told) {
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "pipeline 'pipe' not found in namespace 'default'");
    cr_expect_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "extension 'cron' is not installed");
    cr_expect_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"),
                 GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "extension 'cron' is not installed");
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_UPDATE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message,
                     "subscription 'nightly' of pipeline 'pipe' to extension 'cron' not found");
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.namespace_id = GF_STR("elsewhere");
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
    cr_expect_str_eq(world.error.message, "namespace 'elsewhere' not found");
}

Test(subscriptions, bad_input_is_refused) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "a b c"),
                 GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "subscription_id");
    struct gf_input input = create_input("nightly");
    char *settings = gf_arena_alloc(&world.arena, GF_SETTINGS_SEALED_BYTES_MAX + 1);
    input.u.subscription.change.settings =
        (struct gf_str){settings, GF_SETTINGS_SEALED_BYTES_MAX + 1};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "settings");
}

Test(subscriptions, one_of_the_same_name_is_refused) {
    world_cron(&world);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"),
                 GF_ALREADY_EXISTS);
    cr_assert_eq(world_install(&world, "interval", ""), GF_OK);
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.extension_id = GF_STR("interval");
    cr_expect_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
}

Test(subscriptions, a_disabled_extension_takes_none) {
    world_cron(&world);
    cr_assert_eq(world_extension_command(&world, GF_INPUT_DISABLE_EXTENSION, "cron", true), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "EXTENSION_DISABLED");
    cr_expect_eq(world_subscription(&world, GF_INPUT_UPDATE_SUBSCRIPTION, "nightly"),
                 GF_FAILED_PRECONDITION);
    cr_expect_eq(world_subscription(&world, GF_INPUT_ENABLE_SUBSCRIPTION, "nightly"),
                 GF_FAILED_PRECONDITION);
    /* To be left alone is always possible. */
    cr_expect_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_OK);
}

Test(subscriptions, a_request_creates_one_only) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.fingerprint = 7;
    input.u.subscription.request.request_id = GF_STR("req");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const int64_t key = world.subscription.subscription_key;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_SUBSCRIPTION);
    cr_expect_eq(world.replayed.resource_key, key);
    cr_expect(gf_str_eq(world.replayed.subject_id, GF_STR("nightly")));
    input.u.subscription.change.fingerprint = 8;
    cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
}

Test(subscriptions, a_pipeline_has_a_limit_of_them) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    for (int i = 0; i < GF_PIPELINE_SUBSCRIPTIONS_MAX; i++) {
        const struct gf_input input = create_input(gf_arena_printf(&world.arena, "sub-%d", i));
        world_step_only(&world, &input);
    }
    world_commit(&world);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "one-more"),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "sub-7"), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "one-more"), GF_OK);
}

/* ---- Changing ---- */

Test(subscriptions, an_update_replaces_settings_and_has_a_number) {
    world_cron(&world);
    struct gf_input input = world_subscription_input(GF_INPUT_UPDATE_SUBSCRIPTION, "nightly");
    input.u.subscription.change.settings = GF_STR("others");
    input.u.subscription.change.generation = 5;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect(gf_str_eq(row.settings, GF_STR("others")));
    cr_expect_eq(row.generation, 5);
    cr_expect_eq(row.update_time, world.now);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_SUBSCRIPTION_UPDATED);
    /* Somebody who asked earlier comes too late. */
    input.u.subscription.change.settings = GF_STR("old ones");
    cr_expect_eq(world_step(&world, &input), GF_ABORTED);
    input.u.subscription.change.generation = 0;
    input.u.subscription.change.pending = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    row = world_stored_subscription(&world, "nightly");
    cr_expect_eq(row.generation, 6);
    cr_expect_eq(row.status, GF_SUBSCRIPTION_PENDING);
}

Test(subscriptions, an_update_of_a_disabled_one_leaves_it_so) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_assert_eq(world_subscription(&world, GF_INPUT_UPDATE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_eq(world_stored_subscription(&world, "nightly").status, GF_SUBSCRIPTION_DISABLED);
}

Test(subscriptions, are_disabled_and_enabled) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.subscription.status, GF_SUBSCRIPTION_DISABLED);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_SUBSCRIPTION_DISABLED);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
    struct gf_input input = world_subscription_input(GF_INPUT_ENABLE_SUBSCRIPTION, "nightly");
    input.u.subscription.change.pending = true;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.subscription.status, GF_SUBSCRIPTION_PENDING);
    cr_expect_eq(world.subscription.generation, 2);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_SUBSCRIPTION_ENABLED);
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect(world.unchanged);
}

Test(subscriptions, one_that_failed_is_enabled_again) {
    world_cron(&world);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_REFUSED, "no", 1),
                 GF_OK);
    const int64_t newest = world_newest_event(&world);
    struct gf_input input = world_subscription_input(GF_INPUT_ENABLE_SUBSCRIPTION, "nightly");
    input.u.subscription.change.generation = 1;
    cr_expect_eq(world_step(&world, &input), GF_ABORTED);
    input.u.subscription.change.generation = 2;
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_not(world.unchanged);
    const struct gf_subscription row = world_stored_subscription(&world, "nightly");
    cr_expect_eq(row.status, GF_SUBSCRIPTION_ACTIVE);
    cr_expect_eq(row.reason, GF_SUBSCRIPTION_REASON_UNSPECIFIED);
    cr_expect_eq(row.reason_text.len, 0);
    cr_expect_str_eq(world_events(&world, newest), "SUBSCRIPTION_ENABLED SUBSCRIPTION_ACTIVATED");
}

/* ---- Judgements ---- */

Test(subscriptions, a_judgement_is_told_where_it_is_news) {
    world_cron(&world);
    int64_t newest = world_newest_event(&world);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ACTIVE, 0, "", 1), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_FAILED, "down", 1),
                 GF_OK);
    cr_expect_not(world.unchanged);
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_SUBSCRIPTION_FAILED);
    cr_assert_eq(event.metadata_count, 1);
    cr_expect(gf_str_eq(event.metadata[0].key, GF_STR("reason")));
    cr_expect(gf_str_eq(event.metadata[0].value, GF_STR("EXTENSION_FAILED")));
    cr_expect(gf_str_eq(world_stored_subscription(&world, "nightly").reason_text, GF_STR("down")));
    newest = world_newest_event(&world);
    /* Other words for the same are kept, and no news. */
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_FAILED, "dead", 1),
                 GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_SETTINGS_INVALID, "dead", 1),
                 GF_OK);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ACTIVE, 0, "ignored", 1), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "SUBSCRIPTION_FAILED SUBSCRIPTION_ACTIVATED");
    cr_expect_eq(world_stored_subscription(&world, "nightly").reason_text.len, 0);
}

Test(subscriptions, a_judgement_of_other_settings_changes_nothing) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_UPDATE_SUBSCRIPTION, "nightly"), GF_OK);
    for (int64_t generation = 1; generation <= 3; generation += 2) {
        cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_REFUSED, "no",
                           generation),
                     GF_OK);
        cr_expect(world.unchanged);
    }
    cr_expect_eq(world_stored_subscription(&world, "nightly").status, GF_SUBSCRIPTION_ACTIVE);
}

Test(subscriptions, a_judgement_of_a_disabled_one_changes_nothing) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DISABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ACTIVE, 0, "", 1), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world_stored_subscription(&world, "nightly").status, GF_SUBSCRIPTION_DISABLED);
}

Test(subscriptions, a_bad_judgement_is_refused) {
    world_cron(&world);
    cr_expect_eq(judge(GF_SUBSCRIPTION_DISABLED, 0, "", 1), GF_INVALID_ARGUMENT);
    cr_expect_eq(judge(GF_SUBSCRIPTION_ERROR, 0, "", 1), GF_INVALID_ARGUMENT);
    cr_expect_eq(judge(GF_SUBSCRIPTION_ERROR, 99, "", 1), GF_INVALID_ARGUMENT);
    cr_expect_eq(judge(GF_SUBSCRIPTION_ACTIVE, GF_SUBSCRIPTION_REASON_EXTENSION_FAILED, "", 1),
                 GF_INVALID_ARGUMENT);
    const struct gf_input input = {
        .kind = GF_INPUT_SUBSCRIPTION_JUDGED,
        .u.judgement = {.subscription_key = 99, .status = GF_SUBSCRIPTION_ACTIVE}};
    cr_expect_eq(world_step(&world, &input), GF_NOT_FOUND);
}

Test(subscriptions, a_long_reason_is_cut) {
    world_cron(&world);
    char *text = gf_arena_alloc(&world.arena, GF_REASON_BYTES_MAX + 3);
    memset(text, 'x', GF_REASON_BYTES_MAX + 2);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_FAILED, text, 1),
                 GF_OK);
    cr_expect_eq(world_stored_subscription(&world, "nightly").reason_text.len, GF_REASON_BYTES_MAX);
}

/* ---- Their end ---- */

Test(subscriptions, a_deleted_one_is_gone_with_its_keys) {
    world_cron(&world);
    cr_assert_eq(world_cron_start(&world, "nightly", "one"), GF_START_STARTED);
    cr_assert_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_SUBSCRIPTION_DELETED);
    cr_expect_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_OK);
    struct gf_start_key key = {0};
    cr_expect_eq(world_stored_key(&world, "nightly", "one", &key), GF_NOT_FOUND);
    cr_expect_eq(world_cron_start(&world, "nightly", "one"), GF_START_STARTED);
    cr_expect_not(world.starts[0].duplicate);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(subscriptions, one_that_comes_and_goes_in_a_batch_leaves_nothing) {
    world_cron(&world);
    const struct gf_input inputs[] = {
        create_input("weekly"),
        world_cron_input(&world, "weekly", "key"),
        world_subscription_input(GF_INPUT_DELETE_SUBSCRIPTION, "weekly"),
        create_input("weekly"),
        world_cron_input(&world, "nightly", "key"),
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(inputs); i++) {
        world_step_only(&world, &inputs[i]);
    }
    world_commit(&world);
    cr_expect_eq(world_stored_subscription(&world, "weekly").run_count, 0);
    struct gf_start_key key = {0};
    cr_expect_eq(world_stored_key(&world, "weekly", "key", &key), GF_NOT_FOUND);
    cr_expect_eq(world_stored_key(&world, "nightly", "key", &key), GF_OK);
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).subscriptions, 2);
    world_exit(&world, "one", 0);
    world_exit(&world, "one", 0);
}

Test(subscriptions, go_with_their_pipeline) {
    world_cron(&world);
    cr_assert_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "weekly"), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_pipeline(&world, GF_INPUT_DELETE_PIPELINE), GF_OK);
    cr_expect_str_eq(world_events(&world, newest),
                     "SUBSCRIPTION_DELETED SUBSCRIPTION_DELETED PIPELINE_DELETED");
    cr_expect_eq(gf_core_get_stats(world.core).subscriptions, 0);
    /* A new pipeline of the same name has none. */
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_REFUSED);
    cr_expect(gf_str_eq(world.starts[0].reason, GF_STR("SUBSCRIPTION_NOT_FOUND")));
    cr_expect_eq(world_subscription(&world, GF_INPUT_CREATE_SUBSCRIPTION, "nightly"), GF_OK);
}

Test(subscriptions, go_with_their_namespace) {
    cr_assert_eq(world_create_namespace(&world, "space"), GF_OK);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    const struct gf_input up = {
        .kind = GF_INPUT_REGISTER_CONFIG,
        .u.register_config = {.namespace_id = GF_STR("space"), .config = config, .deploy = true}};
    cr_assert_eq(world_step(&world, &up), GF_OK);
    struct gf_input input = create_input("nightly");
    input.u.subscription.change.namespace_id = GF_STR("space");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const int64_t newest = world_newest_event(&world);
    const struct gf_input remove = {.kind = GF_INPUT_DELETE_NAMESPACE,
                                    .u.ns = {.namespace_id = GF_STR("space"), .cascade = true}};
    cr_assert_eq(world_step(&world, &remove), GF_OK);
    cr_expect_str_eq(world_events(&world, newest), "SUBSCRIPTION_DELETED NAMESPACE_DELETED");
    cr_expect_eq(gf_core_get_stats(world.core).subscriptions, 0);
}

Test(subscriptions, go_with_their_extension) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_cron_start(&world, "nightly", "key"), GF_START_PENDING);
    cr_expect_eq(gf_core_get_stats(world.core).deliveries_pending, 1);
    cr_assert_eq(world_extension_command(&world, GF_INPUT_UNINSTALL_EXTENSION, "cron", true),
                 GF_OK);
    cr_expect_eq(world.subscription_count, 1);
    cr_expect_eq(gf_core_get_stats(world.core).subscriptions, 0);
    cr_expect_eq(gf_core_get_stats(world.core).deliveries_pending, 0);
    cr_assert_eq(world_install(&world, "cron", ""), GF_OK);
    cr_expect_eq(world_subscription(&world, GF_INPUT_DELETE_SUBSCRIPTION, "nightly"), GF_NOT_FOUND);
}

Test(subscriptions, what_a_batch_has_of_an_extension_goes_with_it) {
    world_cron(&world);
    world_pause(&world, true);
    cr_assert_eq(world_install(&world, "other", ""), GF_OK);
    const struct gf_report report = {.extension_key = world_extension(&world, "cron").extension_key,
                                     .report_id = GF_STR("report"),
                                     .title = GF_STR("done")};
    const struct gf_input inputs[] = {
        {.kind = GF_INPUT_PUT_REPORT, .u.report.row = &report},
        world_cron_input(&world, "nightly", "key"),
        {.kind = GF_INPUT_UNINSTALL_EXTENSION,
         .u.choice = {.extension_id = GF_STR("cron"), .force = true}},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(inputs); i++) {
        world_step_only(&world, &inputs[i]);
    }
    const struct gf_batch *batch = gf_core_batch(world.core);
    cr_expect_eq(batch->reports.count, 0);
    cr_expect_eq(batch->deliveries.count, 0);
    cr_expect_eq(batch->start_keys.count, 0);
    cr_expect_eq(batch->subscriptions.count, 0);
    world_commit(&world);
}

Test(subscriptions, are_there_after_a_restart) {
    world_cron(&world);
    cr_assert_eq(judge(GF_SUBSCRIPTION_ERROR, GF_SUBSCRIPTION_REASON_EXTENSION_FAILED, "down", 1),
                 GF_OK);
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).subscriptions, 1);
    cr_expect_eq(world_cron_start(&world, "nightly", "key"), GF_START_STARTED);
    cr_assert_eq(world_subscription(&world, GF_INPUT_ENABLE_SUBSCRIPTION, "nightly"), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect_eq(world.subscription.generation, 2);
    world_exit(&world, "one", 0);
}

Test(subscriptions, the_server_has_a_limit_of_them) {
    const struct gf_core_start start = {1, 1, 1, 1};
    const struct gf_core_limits limits = {0};
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_extension extension = {.extension_key = 1, .extension_id = GF_STR("cron")};
    const struct gf_pipeline pipeline = {.pipeline_key = 8,
                                         .namespace_key = 1,
                                         .namespace_id = GF_STR("default"),
                                         .pipeline_id = GF_STR("pipe")};
    struct gf_core *core = gf_core_create(&limits, &start);
    gf_core_restore_namespace(core, &ns);
    gf_core_restore_extension(core, &extension);
    struct gf_subscription row = {.extension_key = 1,
                                  .pipeline_key = 7,
                                  .namespace_key = 1,
                                  .namespace_id = GF_STR("default"),
                                  .pipeline_id = GF_STR("other"),
                                  .extension_id = GF_STR("cron"),
                                  .generation = 1,
                                  .status = GF_SUBSCRIPTION_ACTIVE};
    for (int i = 0; i < GF_SUBSCRIPTIONS_MAX; i++) {
        char name[32];
        row.subscription_key = i + 2;
        row.subscription_id.ptr = name;
        row.subscription_id.len = (size_t)snprintf(name, sizeof(name), "sub-%d", i);
        cr_assert(gf_core_restore_subscription(core, &row));
    }
    const struct gf_input input = create_input("one-more");
    struct gf_need need;
    cr_assert_eq(gf_core_step(core, &input, 1, &need), GF_STEP_NEED);
    gf_core_give_pipeline(core, &need, &pipeline);
    cr_assert_eq(gf_core_step(core, &input, 1, &need), GF_STEP_DONE);
    const struct gf_batch *batch = gf_core_batch(core);
    cr_assert_eq(batch->effects.count, 1);
    cr_expect_eq(batch->effects.items[0].reply->error.code, GF_RESOURCE_EXHAUSTED);
    row.extension_key = 9;
    cr_expect_not(gf_core_restore_subscription(core, &row));
    gf_core_destroy(core);
}
