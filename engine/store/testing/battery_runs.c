/* The battery: runs. */
#include "engine/core/limits.h"
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

static const struct gf_variable VARIABLES[] = {
    {.key = GF_STR("EMPTY"), .value = GF_STR(""), .source = GF_VARIABLE_SOURCE_SYSTEM},
    {.key = GF_STR("LINES"), .value = GF_STR("a\nb\n"), .source = GF_VARIABLE_SOURCE_EXTENSION},
    {.key = GF_STR("WHO"),
     .value = GF_STR("w\xc3\xb6rld"),
     .source = GF_VARIABLE_SOURCE_RUN_OPTIONS},
};

static const struct gf_label LABELS[] = {
    {.key = GF_STR("empty"), .value = GF_STR("")},
    {.key = GF_STR("team"), .value = GF_STR("it's \"\xc3\xa4\"")},
};

static const struct gf_kept_tasks KEPT[] = {{.task_count = 300, .run_id = INT64_C(5000000000)},
                                            {.task_count = 1, .run_id = 0},
                                            {.task_count = 2, .run_id = 3}};

static void set_ordering(struct gf_run *run, enum gf_run_ordering_policy policy, const char *key) {
    run->ordering_policy = policy;
    run->ordering_key = gf_str_from(key);
}

static void same_run(const struct gf_run *actual, const struct gf_run *expected) {
    must_be_equal(actual, expected, run_key);
    must_be_equal(actual, expected, pipeline_key);
    must_be_same(actual, expected, namespace_id);
    must_be_same(actual, expected, pipeline_id);
    must_be_equal(actual, expected, run_id);
    must_be_equal(actual, expected, version);
    must_be_equal(actual, expected, state);
    must_be_equal(actual, expected, status);
    must_be_equal(actual, expected, reason.kind);
    must_be_same(actual, expected, reason.text);
    must_be_equal(actual, expected, initiator.kind);
    must_be_same(actual, expected, initiator.id);
    must_be_same(actual, expected, initiator.reason);
    must_be_same(actual, expected, initiator.token_id);
    must_be_same(actual, expected, initiator.subscription_id);
    must_be_same(actual, expected, initiator.key);
    must_be_equal(actual, expected, chain_depth);
    same_variables(actual->variables, actual->variable_count, expected->variables,
                   expected->variable_count);
    must_be_equal(actual, expected, label_count);
    for (size_t i = 0; i < expected->label_count; i++) {
        must_be_same(&actual->labels[i], &expected->labels[i], key);
        must_be_same(&actual->labels[i], &expected->labels[i], value);
    }
    must_be_equal(actual, expected, has_input);
    must_be_same(actual, expected, input.media_type);
    must_be_same(actual, expected, input.digest);
    must_be_equal(actual, expected, input.size_bytes);
    must_be_equal(actual, expected, priority);
    must_be_same(actual, expected, ordering_key);
    must_be_equal(actual, expected, ordering_policy);
    must_be_equal(actual, expected, retried_run_id);
    must_be_equal(actual, expected, has_priority);
    must_be_equal(actual, expected, used_live_version);
    must_be_equal(actual, expected, kept_count);
    for (size_t i = 0; i < expected->kept_count; i++) {
        must_be_equal(&actual->kept_tasks[i], &expected->kept_tasks[i], task_count);
        must_be_equal(&actual->kept_tasks[i], &expected->kept_tasks[i], run_id);
    }
    must_be_same(actual, expected, request_id);
    must_be_equal(actual, expected, cancel_requested);
    must_be_equal(actual, expected, deadline_time);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, start_time);
    must_be_equal(actual, expected, end_time);
}

void gf_store_battery_runs_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    struct gf_run *plain = gf_rows_run(&battery.rows, pipeline, 1, 1);
    struct gf_run *full = gf_rows_run(&battery.rows, pipeline, 2, 2);
    full->version = 17;
    full->state = GF_RUN_STATE_PENDING;
    full->initiator = (struct gf_initiator){
        .kind = GF_INITIATOR_EXTENSION,
        .id = GF_STR("cron"),
        .reason = GF_STR("it's \"12\""),
        .token_id = GF_STR("tok_0123456789abcdefghijkl"),
        .subscription_id = GF_STR("nightly"),
        .key = GF_STR("2026-01-01T00:00"),
    };
    full->chain_depth = 31;
    full->variables = VARIABLES;
    full->variable_count = GF_ARRAY_COUNT(VARIABLES);
    full->request_id = GF_STR("f47ac10b-58cc-4372-a567-0e02b2c3d479");
    full->labels = LABELS;
    full->label_count = GF_ARRAY_COUNT(LABELS);
    full->has_input = true;
    full->input = (struct gf_run_input){.media_type = GF_STR("application/json"),
                                        .digest = GF_STR("0123abcd"),
                                        .size_bytes = INT64_C(262144)};
    full->priority = 1000;
    set_ordering(full, GF_RUN_ORDERING_STRICT, "customer-7");
    full->retried_run_id = 1;
    full->has_priority = true;
    full->used_live_version = true;
    full->kept_tasks = KEPT;
    full->kept_count = GF_ARRAY_COUNT(KEPT);
    full->deadline_time = full->create_time + 99;
    battery_look(&battery);
    struct gf_run found = {0};
    must(&battery, get_run, 1, 1, &battery.arena, &found);
    same_run(&found, plain);
    must(&battery, get_run, 1, 2, &battery.arena, &found);
    same_run(&found, full);

    /* Each of the rare members alone. */
    gf_rows_run(&battery.rows, pipeline, 3, 3)->priority = -1000;
    set_ordering(gf_rows_run(&battery.rows, pipeline, 4, 4), GF_RUN_ORDERING_NEWEST,
                 "\xe2\x82\xac");
    gf_rows_run(&battery.rows, pipeline, 5, 5)->retried_run_id = INT64_MAX;
    struct gf_run *kept = gf_rows_run(&battery.rows, pipeline, 6, 6);
    kept->kept_tasks = KEPT;
    kept->kept_count = GF_ARRAY_COUNT(KEPT);
    struct gf_run *labelled = gf_rows_run(&battery.rows, pipeline, 7, 7);
    labelled->labels = LABELS;
    labelled->label_count = GF_ARRAY_COUNT(LABELS);
    gf_rows_run(&battery.rows, pipeline, 8, 8)->has_priority = true;
    gf_rows_run(&battery.rows, pipeline, 9, 9)->used_live_version = true;
    const struct gf_run *rare[7] = {NULL};
    for (size_t i = 0; i < GF_ARRAY_COUNT(rare); i++) {
        rare[i] = battery.rows.batch.runs.items[i];
    }
    battery_look(&battery);
    for (size_t i = 0; i < GF_ARRAY_COUNT(rare); i++) {
        must(&battery, get_run, 1, rare[i]->run_id, &battery.arena, &found);
        same_run(&found, rare[i]);
    }
    battery_close(&battery);
}

void gf_store_battery_runs_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    struct gf_run *other = gf_rows_run(&battery.rows, pipeline, 2, 2);
    run->variables = VARIABLES;
    run->variable_count = GF_ARRAY_COUNT(VARIABLES);
    run->request_id = GF_STR("request-1");
    battery_look(&battery);

    run->cancel_requested = true;
    run->reason.kind = GF_REASON_TIMED_OUT;
    run->deadline_time = run->create_time + 1000;
    gf_rows_again_run(&battery.rows, run);
    battery_look(&battery);
    struct gf_run ending = {0};
    must(&battery, get_run, 1, 1, &battery.arena, &ending);
    same_run(&ending, run);
    battery_complete_run(run, GF_RUN_STATUS_CANCELLED);
    run->reason.kind = GF_REASON_USER_CANCELLED;
    run->reason.text = GF_STR("cancelled by somebody");
    gf_rows_again_run(&battery.rows, run);
    battery_look(&battery);
    struct gf_run found = {0};
    must(&battery, get_run, 1, 1, &battery.arena, &found);
    same_run(&found, run);
    must(&battery, get_run, 1, 2, &battery.arena, &found);
    same_run(&found, other);
    battery_close(&battery);
}

void gf_store_battery_requests_find_their_run(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    /* The same request is another one in another pipeline; many runs have none. */
    gf_rows_run(&battery.rows, pipeline, 1, 1)->request_id = GF_STR("request");
    (void)gf_rows_run(&battery.rows, pipeline, 2, 2);
    (void)gf_rows_run(&battery.rows, pipeline, 3, 3);
    gf_rows_run(&battery.rows, other, 4, 1)->request_id = GF_STR("request");
    gf_rows_run(&battery.rows, other, 5, 2)->request_id = GF_STR("request-2");
    battery_look(&battery);
    struct gf_run found = {0};
    must(&battery, get_run_by_request, 1, GF_STR("request"), &battery.arena, &found);
    cr_assert_eq(found.run_key, 1);
    must(&battery, get_run_by_request, 2, GF_STR("request"), &battery.arena, &found);
    cr_assert_eq(found.run_key, 4);
    must_miss(&battery, "request-2", get_run_by_request, 1, GF_STR("request-2"), &battery.arena,
              &found);
    cr_assert_eq(battery.store->ops->get_run_by_request(battery.reader, 1, GF_STR(""),
                                                        &battery.arena, &found, &battery.err),
                 GF_NOT_FOUND);
    battery_close(&battery);
}

void gf_store_battery_active_runs_are_listed_by_key(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    struct gf_run *runs[31] = {NULL};
    for (int64_t key = 1; key <= 30; key++) {
        runs[key] = gf_rows_run(&battery.rows, key % 2 == 0 ? pipeline : other, key, (key + 1) / 2);
        runs[key]->variables = VARIABLES;
        runs[key]->variable_count = GF_ARRAY_COUNT(VARIABLES);
    }
    battery_look(&battery);
    for (int64_t key = 3; key <= 30; key += 3) {
        battery_complete_run(runs[key], GF_RUN_STATUS_FAILED);
        gf_rows_again_run(&battery.rows, runs[key]);
    }
    battery_look(&battery);
    int64_t after = 0;
    size_t seen = 0;
    for (size_t count = 7; count == 7;) {
        struct gf_run *items = NULL;
        must(&battery, list_active_runs, after, 7, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(items[i].run_key > after && items[i].run_key % 3 != 0);
            same_run(&items[i], runs[items[i].run_key]);
            after = items[i].run_key;
            seen++;
        }
    }
    cr_assert_eq(seen, 20);
    battery_close(&battery);
}

void gf_store_battery_inputs_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_run *small = gf_rows_run(&battery.rows, pipeline, 1, 1);
    const struct gf_run *empty = gf_rows_run(&battery.rows, pipeline, 2, 2);
    const struct gf_run *large = gf_rows_run(&battery.rows, pipeline, 3, 3);
    (void)gf_rows_run(&battery.rows, pipeline, 4, 4);
    const struct gf_str bytes = {"{\"a\": '\x00\xff'}", 12};
    char *much = gf_arena_alloc(&battery.arena, GF_RUN_INPUT_BYTES_MAX);
    for (size_t i = 0; i < GF_RUN_INPUT_BYTES_MAX; i++) {
        much[i] = (char)(i * 7 >> 3);
    }
    gf_rows_input(&battery.rows, small, bytes);
    gf_rows_input(&battery.rows, empty, GF_STR(""));
    gf_rows_input(&battery.rows, large, (struct gf_str){much, GF_RUN_INPUT_BYTES_MAX});
    battery_look(&battery);
    struct gf_str found = GF_STR("before");
    must_miss(&battery, "input document not found in run 4 of pipeline 'pipe'", get_run_input, 4,
              &battery.arena, &found);
    must_miss(&battery, "run with key 5 not found", get_run_input, 5, &battery.arena, &found);
    same_str(found, GF_STR("before"), "outputs are untouched on failure");
    must(&battery, get_run_input, 1, &battery.arena, &found);
    same_str(found, bytes, "content");
    must(&battery, get_run_input, 2, &battery.arena, &found);
    same_str(found, GF_STR(""), "content");
    must(&battery, get_run_input, 3, &battery.arena, &found);
    cr_assert(gf_str_eq(found, (struct gf_str){much, GF_RUN_INPUT_BYTES_MAX}));
    battery_close(&battery);
}

static void look_since(struct battery *battery, int64_t pipeline_key, int64_t since_time,
                       struct gf_run_stats *out) {
    must(battery, get_run_stats, pipeline_key, &since_time, 1, out);
}

static void same_stats(const struct gf_run_stats *actual, const struct gf_run_stats *expected) {
    must_be_equal(actual, expected, successful_count);
    must_be_equal(actual, expected, failed_count);
    must_be_equal(actual, expected, cancelled_count);
    must_be_equal(actual, expected, median_duration);
    must_be_equal(actual, expected, p95_duration);
    must_be_equal(actual, expected, median_queue_duration);
    must_be_equal(actual, expected, truncated);
}

void gf_store_battery_stats_are_exact(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    /*
     * Run i (1 to 100) waits i, lasts 10 * ((i * 37) % 100 + 1), each number once, and ends at
     * 100000 + i. Every tenth failed; every twentieth was cancelled before it started.
     */
    for (int64_t i = 1; i <= 100; i++) {
        struct gf_run *run = gf_rows_run(&battery.rows, pipeline, i, i);
        run->state = GF_RUN_STATE_COMPLETE;
        run->status = GF_RUN_STATUS_SUCCESSFUL;
        run->end_time = 100000 + i;
        run->start_time = run->end_time - 10 * (i * 37 % 100 + 1);
        run->create_time = run->start_time - i;
        if (i % 20 == 0) {
            run->status = GF_RUN_STATUS_CANCELLED;
            run->start_time = 0;
        } else if (i % 10 == 0) {
            run->status = GF_RUN_STATUS_FAILED;
        }
    }
    battery_look(&battery);
    struct gf_run_stats found = {0};
    look_since(&battery, 1, 100001, &found);
    /* The cancelled ones would have lasted 10 * (1, 21, 41, 61, 81). */
    const struct gf_run_stats all = {.successful_count = 90,
                                     .failed_count = 5,
                                     .cancelled_count = 5,
                                     .median_duration = 510,
                                     .p95_duration = 960,
                                     .median_queue_duration = 50};
    same_stats(&found, &all);
    look_since(&battery, 1, 0, &found);
    same_stats(&found, &all);
    /* The last three: 98, 99 and 100, which never started. */
    look_since(&battery, 1, 100098, &found);
    const struct gf_run_stats three = {.successful_count = 2,
                                       .cancelled_count = 1,
                                       .median_duration = 270,
                                       .p95_duration = 640,
                                       .median_queue_duration = 98};
    same_stats(&found, &three);
    look_since(&battery, 1, 100100, &found);
    same_stats(&found, &(const struct gf_run_stats){.cancelled_count = 1});
    look_since(&battery, 1, 100101, &found);
    same_stats(&found, &(const struct gf_run_stats){0});

    /* Several at once, in any order, and one of them twice. */
    const int64_t since_times[] = {100098, 100001, 100101, 100098, 0};
    const struct gf_run_stats *const expected[] = {&three, &all, &(const struct gf_run_stats){0},
                                                   &three, &all};
    struct gf_run_stats each[GF_ARRAY_COUNT(since_times)] = {0};
    must(&battery, get_run_stats, 1, since_times, GF_ARRAY_COUNT(since_times), each);
    for (size_t i = 0; i < GF_ARRAY_COUNT(since_times); i++) {
        same_stats(&each[i], expected[i]);
    }
    battery_close(&battery);
}

void gf_store_battery_stats_are_of_one_pipeline_and_its_ended_runs(
    const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    struct gf_run *next = gf_rows_run(&battery.rows, pipeline, 2, 2);
    run->start_time = run->create_time + 10;
    battery_complete_run(gf_rows_run(&battery.rows, other, 3, 1), GF_RUN_STATUS_FAILED);
    battery_look(&battery);
    struct gf_run_stats found = {.failed_count = 77};
    look_since(&battery, 1, 0, &found);
    same_stats(&found, &(const struct gf_run_stats){0});

    battery_complete_run(run, GF_RUN_STATUS_SUCCESSFUL);
    gf_rows_again_run(&battery.rows, run);
    battery_look(&battery);
    look_since(&battery, 1, 0, &found);
    cr_assert_eq(found.successful_count, 1);
    cr_assert_eq(found.failed_count, 0);
    cr_assert_eq(found.median_duration, 990);
    cr_assert_eq(found.p95_duration, 990);

    /* A clock that was set back makes no duration below 0. */
    battery_complete_run(next, GF_RUN_STATUS_FAILED);
    next->start_time = next->end_time + 5;
    gf_rows_again_run(&battery.rows, next);
    battery_look(&battery);
    look_since(&battery, 1, 0, &found);
    cr_assert_eq(found.failed_count, 1);
    cr_assert_eq(found.median_duration, 0);
    look_since(&battery, 99, 0, &found);
    same_stats(&found, &(const struct gf_run_stats){0});
    battery_close(&battery);
}
