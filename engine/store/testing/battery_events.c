/* The battery: events, keys, and the store as a whole. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

static void same_event(const struct gf_event *actual, const struct gf_event *expected) {
    must_be_equal(actual, expected, sequence);
    must_be_equal(actual, expected, time);
    must_be_equal(actual, expected, kind);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, version);
    must_be_equal(actual, expected, deployment_id);
    must_be_equal(actual, expected, run_id);
    must_be_same(actual, expected, task_id);
    must_be_equal(actual, expected, attempt);
    must_be_equal(actual, expected, status);
    must_be_same(actual, expected, extension_id);
    must_be_same(actual, expected, subscription_id);
    must_be_same(actual, expected, key);
    must_be_same(actual, expected, subject_id);
    must_be_same(actual, expected, actor.token_id);
    must_be_same(actual, expected, actor.user);
    must_be_same(actual, expected, actor.peer);
    same_labels(actual->metadata, actual->metadata_count, expected->metadata,
                expected->metadata_count);
}

void gf_store_battery_events_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_event first =
        *gf_rows_event(&battery.rows, GF_EVENT_NAMESPACE_CREATED, "default", "", 0);
    struct gf_event *event =
        gf_rows_event(&battery.rows, GF_EVENT_TASK_EXECUTION_COMPLETED, "default", "pipe", 7);
    event->version = 3;
    event->deployment_id = 2;
    event->task_id = GF_STR("main");
    event->attempt = 4;
    event->status = GF_TASK_STATUS_SKIPPED;
    const struct gf_event second = *event;
    battery_look(&battery);
    struct gf_event found = {0};
    must(&battery, get_event, 1, &battery.arena, &found);
    same_event(&found, &first);
    must(&battery, get_event, 2, &battery.arena, &found);
    same_event(&found, &second);
    must_miss(&battery, "event 3", get_event, 3, &battery.arena, &found);
    battery_close(&battery);
}

void gf_store_battery_events_tell_who_did_what(const struct gf_store_factory *factory) {
    static const struct gf_label METADATA[] = {
        {GF_STR("namespaces"), GF_STR("prod-*, \xe2\x82\xac")}, {GF_STR("version"), GF_STR("")}};
    const struct gf_actor whole = {.token_id = GF_STR("tok_0123456789012345678901"),
                                   .user = GF_STR("somebody"),
                                   .peer = GF_STR("ipv4:192.0.2.7:51234")};
    struct battery battery;
    struct gf_event expected[6];
    battery_open(&battery, factory);
    for (size_t i = 0; i < GF_ARRAY_COUNT(expected); i++) {
        struct gf_event *event = gf_rows_event(&battery.rows, GF_EVENT_SECRET_WRITTEN, "", "", 0);
        event->actor = i == 0 ? whole : (struct gf_actor){0};
        event->actor.peer = i == 1 ? GF_STR("unix:") : event->actor.peer;
        event->key = i == 0 || i == 2 ? GF_STR("password") : GF_STR("");
        event->subject_id = i == 0 || i == 3 ? GF_STR("sha256:ab") : GF_STR("");
        event->extension_id = i == 0 || i == 2 ? GF_STR("cron") : GF_STR("");
        event->subscription_id = i == 0 || i == 3 ? GF_STR("nightly") : GF_STR("");
        event->metadata = i == 0 || i == 4 ? METADATA : NULL;
        event->metadata_count = i == 0 ? 2 : i == 4;
        expected[i] = *event;
    }
    battery_look(&battery);
    const struct gf_event_filter all = {0};
    struct gf_event *events = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    must(&battery, list_events, &all, 0, 100, &battery.arena, &events, &count, &scanned);
    cr_assert_eq(count, GF_ARRAY_COUNT(expected));
    for (size_t i = 0; i < count; i++) {
        same_event(&events[i], &expected[i]);
    }
    battery_close(&battery);
}

void gf_store_battery_events_are_listed_in_pages(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_event_filter all = {0};
    int64_t sum = 0;
    battery_look(&battery);
    cr_assert_eq(battery_follow(&battery, &all, 0, 10, &sum), 0);
    for (int i = 0; i < 100; i++) {
        (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", i);
    }
    battery_look(&battery);
    for (size_t limit = 1; limit <= 101; limit += 25) {
        cr_assert_eq(battery_follow(&battery, &all, 0, limit, &sum), 100);
        cr_assert_eq(sum, 5050);
        cr_assert_eq(battery_follow(&battery, &all, 90, limit, &sum), 10);
        cr_assert_eq(battery_follow(&battery, &all, 100, limit, &sum), 0);
        cr_assert_eq(battery_follow(&battery, &all, 1000, limit, &sum), 0);
    }
    battery_close(&battery);
}

void gf_store_battery_events_are_filtered(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    for (int i = 0; i < 60; i++) {
        struct gf_event *event = gf_rows_event(
            &battery.rows, i % 3 == 0 ? GF_EVENT_TASK_EXECUTION_COMPLETED : GF_EVENT_RUN_STARTED,
            i < 30 ? "one" : "two", i % 2 == 0 ? "pipe" : "other", i % 5 + 1);
        /* One name is part of the other, and of what else an event tells. */
        event->extension_id = i % 10 == 0 ? GF_STR("cron") : GF_STR("");
        event->extension_id = i % 10 == 1 ? GF_STR("cron-2") : event->extension_id;
        event->subject_id = i % 10 == 2 ? GF_STR("cron") : GF_STR("");
    }
    battery_look(&battery);
    struct gf_event_kinds completed = {0};
    struct gf_event_kinds both = {0};
    struct gf_event_kinds queued = {0};
    gf_event_kinds_add(&completed, GF_EVENT_TASK_EXECUTION_COMPLETED);
    gf_event_kinds_add(&both, GF_EVENT_TASK_EXECUTION_COMPLETED);
    gf_event_kinds_add(&both, GF_EVENT_RUN_STARTED);
    gf_event_kinds_add(&queued, GF_EVENT_RUN_QUEUED);
    const struct {
        struct gf_event_filter filter;
        size_t expected;
    } CASES[] = {
        {{.namespace_id = GF_STR("one")}, 30},
        {{.namespace_id = GF_STR("on")}, 0},
        {{.namespace_id = GF_STR("two"), .pipeline_id = GF_STR("pipe")}, 15},
        {{.namespace_id = GF_STR("two"), .pipeline_id = GF_STR("pipe"), .run_id = 1}, 3},
        {{.namespace_id = GF_STR("two"), .pipeline_id = GF_STR("pipe"), .run_id = 9}, 0},
        {{.kinds = completed}, 20},
        {{.kinds = both}, 60},
        {{.kinds = queued}, 0},
        {{.namespace_id = GF_STR("one"), .kinds = completed}, 10},
        {{.extension_id = GF_STR("cron")}, 6},
        {{.extension_id = GF_STR("cron-2")}, 6},
        {{.extension_id = GF_STR("cro")}, 0},
        {{.namespace_id = GF_STR("one"), .extension_id = GF_STR("cron")}, 3},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        for (size_t limit = 1; limit <= 61; limit += 20) {
            int64_t sum = 0;
            const size_t seen = battery_follow(&battery, &CASES[i].filter, 0, limit, &sum);
            cr_assert_eq(seen, CASES[i].expected, "case %zu: %zu, expected %zu", i, seen,
                         CASES[i].expected);
        }
    }
    battery_close(&battery);
}

void gf_store_battery_empty_store_starts_with_ones(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_core_start start = battery_load_start(&battery);
    cr_assert_eq(start.next_namespace_key, 1);
    cr_assert_eq(start.next_pipeline_key, 1);
    cr_assert_eq(start.next_run_key, 1);
    cr_assert_eq(start.next_event_sequence, 1);
    cr_assert_not(start.bootstrapped);
    cr_assert_eq(start.source_sequence, 0);
    battery_close(&battery);
}

void gf_store_battery_keys_go_on_after_the_highest(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *ns = gf_rows_namespace(&battery.rows, 5, "default");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&battery.rows, ns, 7, "pipe");
    (void)gf_rows_run(&battery.rows, pipeline, 11, 1);
    (void)gf_rows_run(&battery.rows, pipeline, 12, 2);
    (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", 1);
    (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", 2);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    const struct gf_core_start start = battery_load_start(&battery);
    cr_assert_eq(start.next_namespace_key, 6);
    cr_assert_eq(start.next_pipeline_key, 8);
    cr_assert_eq(start.next_run_key, 13);
    cr_assert_eq(start.next_event_sequence, 3);
    battery_close(&battery);
}

void gf_store_battery_rows_of_any_key_are_inserted(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *high = gf_rows_namespace(&battery.rows, 50, "high");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&battery.rows, high, 50, "high");
    (void)gf_rows_run(&battery.rows, pipeline, 50, 2);
    battery_look(&battery);
    const struct gf_namespace *low = gf_rows_namespace(&battery.rows, 7, "low");
    (void)gf_rows_pipeline(&battery.rows, low, 7, "low");
    (void)gf_rows_run(&battery.rows, pipeline, 7, 1);
    battery_look(&battery);
    struct gf_pipeline found = {0};
    struct gf_run run = {0};
    must(&battery, get_pipeline, GF_STR("low"), GF_STR("low"), &battery.arena, &found);
    cr_assert_eq(found.pipeline_key, 7);
    must(&battery, get_run, 50, 1, &battery.arena, &run);
    cr_assert_eq(run.run_key, 7);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 51);
    battery_close(&battery);
}

void gf_store_battery_large_batch_is_all_there(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    for (int64_t i = 1; i <= 3000; i++) {
        const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, i, i);
        (void)gf_rows_task(&battery.rows, run, 0, "main");
        (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", i);
    }
    battery_look(&battery);
    struct gf_run *runs = NULL;
    size_t count = 0;
    int64_t scanned = 0;
    const struct gf_run_list_options options = {.limit = 5000};
    must(&battery, list_runs, 1, &options, &battery.arena, &runs, &count, &scanned);
    cr_assert_eq(count, 3000);
    struct gf_task_execution task = {0};
    must(&battery, get_task, 3000, GF_STR("main"), &battery.arena, &task);
    const struct gf_event_filter all = {0};
    int64_t sum = 0;
    cr_assert_eq(battery_follow(&battery, &all, 0, 1000, &sum), 3000);
    battery_close(&battery);
}

void gf_store_battery_everything_survives_a_reopen(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    (void)gf_rows_config(&battery.rows, pipeline, 1, "one; two < one");
    (void)gf_rows_deployment(&battery.rows, pipeline, 1);
    const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    (void)gf_rows_attempt(&battery.rows, gf_rows_task(&battery.rows, run, 0, "one"));
    gf_rows_input(&battery.rows, run, GF_STR("input"));
    (void)gf_rows_request(&battery.rows, "", "request-1", 1);
    gf_rows_preferences(&battery.rows, &(const struct gf_preferences){.attach_disabled = true});
    (void)gf_rows_token(&battery.rows, "tok_1", 1);
    (void)gf_rows_role(&battery.rows, "role");
    gf_rows_bootstrapped(&battery.rows);
    gf_rows_source_sequence(&battery.rows, 77);
    (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", 1);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    struct gf_config config = {0};
    struct gf_deployment deployment = {0};
    struct gf_run found = {0};
    struct gf_task_execution task = {0};
    struct gf_event event = {0};
    must(&battery, get_config, 1, 1, &battery.arena, &config);
    cr_assert_eq(config.task_count, 2);
    must(&battery, get_deployment, 1, 1, &battery.arena, &deployment);
    must(&battery, get_run, 1, 1, &battery.arena, &found);
    must(&battery, get_task, 1, GF_STR("one"), &battery.arena, &task);
    must(&battery, get_event, 1, &battery.arena, &event);
    struct gf_task_execution *attempts = NULL;
    size_t count = 0;
    struct gf_str content = {0};
    struct gf_request request = {0};
    must(&battery, list_attempts, 1, 0, &battery.arena, &attempts, &count);
    cr_assert_eq(count, 1);
    must(&battery, get_run_input, 1, &battery.arena, &content);
    same_str(content, GF_STR("input"), "content");
    must(&battery, get_request, GF_STR(""), GF_STR("request-1"), &battery.arena, &request);
    struct gf_token token = {0};
    struct gf_role role = {0};
    must(&battery, get_token, GF_STR("tok_1"), &battery.arena, &token);
    must(&battery, get_role, GF_STR("role"), &battery.arena, &role);
    const struct gf_core_start start = battery_load_start(&battery);
    cr_assert(start.preferences.attach_disabled);
    cr_assert(start.bootstrapped);
    cr_assert_eq(start.source_sequence, 77);
    battery_close(&battery);
}
