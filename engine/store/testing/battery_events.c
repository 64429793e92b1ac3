/* The battery: events, keys, deletion, and the store as a whole. */
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
}

static struct gf_core_start load_start(struct battery *battery) {
    struct gf_core_start start = {0};
    cr_assert_eq(
        battery->store->ops->load_start(battery->store, &battery->arena, &start, &battery->err),
        GF_OK, "%s", battery->err.message);
    return start;
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

/*
 * Follows the log from `after` in pages of `limit` to its end. Gives how many events matched, and
 * the sum of their sequence numbers.
 */
static size_t follow(struct battery *battery, const struct gf_event_filter *filter, int64_t after,
                     size_t limit, int64_t *out_sum) {
    size_t seen = 0;
    int64_t last = after;
    *out_sum = 0;
    for (;;) {
        struct gf_event *items = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        must(battery, list_events, filter, after, limit, &battery->arena, &items, &count, &scanned);
        cr_assert(count <= limit);
        for (size_t i = 0; i < count; i++) {
            cr_assert(items[i].sequence > last && items[i].sequence <= scanned);
            last = items[i].sequence;
            *out_sum += items[i].sequence;
        }
        seen += count;
        cr_assert(scanned >= after);
        if (scanned == after) {
            return seen;
        }
        after = scanned;
    }
}

void gf_store_battery_events_are_listed_in_pages(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_event_filter all = {0};
    int64_t sum = 0;
    battery_look(&battery);
    cr_assert_eq(follow(&battery, &all, 0, 10, &sum), 0);
    for (int i = 0; i < 100; i++) {
        (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", i);
    }
    battery_look(&battery);
    for (size_t limit = 1; limit <= 101; limit += 25) {
        cr_assert_eq(follow(&battery, &all, 0, limit, &sum), 100);
        cr_assert_eq(sum, 5050);
        cr_assert_eq(follow(&battery, &all, 90, limit, &sum), 10);
        cr_assert_eq(follow(&battery, &all, 100, limit, &sum), 0);
        cr_assert_eq(follow(&battery, &all, 1000, limit, &sum), 0);
    }
    battery_close(&battery);
}

void gf_store_battery_events_are_filtered(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    for (int i = 0; i < 60; i++) {
        (void)gf_rows_event(&battery.rows,
                            i % 3 == 0 ? GF_EVENT_TASK_EXECUTION_COMPLETED : GF_EVENT_RUN_STARTED,
                            i < 30 ? "one" : "two", i % 2 == 0 ? "pipe" : "other", i % 5 + 1);
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
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        for (size_t limit = 1; limit <= 61; limit += 20) {
            int64_t sum = 0;
            const size_t seen = follow(&battery, &CASES[i].filter, 0, limit, &sum);
            cr_assert_eq(seen, CASES[i].expected, "case %zu: %zu, expected %zu", i, seen,
                         CASES[i].expected);
        }
    }
    battery_close(&battery);
}

void gf_store_battery_empty_store_starts_with_ones(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_core_start start = load_start(&battery);
    cr_assert_eq(start.next_namespace_key, 1);
    cr_assert_eq(start.next_pipeline_key, 1);
    cr_assert_eq(start.next_run_key, 1);
    cr_assert_eq(start.next_event_sequence, 1);
    battery_close(&battery);
}

static void reopen(struct battery *battery, const struct gf_store_factory *factory) {
    battery_look_away(battery);
    if (factory->reopen != NULL) {
        battery->store->ops->destroy(battery->store);
        battery->store = factory->reopen(factory->ctx);
        cr_assert_not_null(battery->store);
    }
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
    reopen(&battery, factory);
    const struct gf_core_start start = load_start(&battery);
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
    cr_assert_eq(load_start(&battery).next_run_key, 51);
    battery_close(&battery);
}

/* Namespace 2 "doomed" with a pipeline 2, a config, a deployment, and `runs` runs of two tasks. */
static void write_doomed(struct battery *battery, int64_t runs) {
    const struct gf_namespace *ns = gf_rows_namespace(&battery->rows, 2, "doomed");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&battery->rows, ns, 2, "pipe");
    (void)gf_rows_config(&battery->rows, pipeline, 1, "one");
    (void)gf_rows_deployment(&battery->rows, pipeline, 1);
    for (int64_t i = 1; i <= runs; i++) {
        struct gf_run *run = gf_rows_run(&battery->rows, pipeline, 100 + i, i);
        run->state = GF_RUN_STATE_COMPLETE;
        run->status = GF_RUN_STATUS_SUCCESSFUL;
        run->request_id = gf_rows_text(&battery->rows, "request-%lld", (long long)i);
        (void)gf_rows_task(&battery->rows, run, 0, "one");
        (void)gf_rows_task(&battery->rows, run, 1, "two");
        (void)gf_rows_event(&battery->rows, GF_EVENT_RUN_COMPLETED, "doomed", "pipe", i);
    }
}

static void must_miss_doomed(struct battery *battery) {
    struct gf_pipeline pipeline = {0};
    struct gf_config config = {0};
    struct gf_deployment deployment = {0};
    struct gf_run run = {0};
    must_miss(battery, "pipeline", get_pipeline_by_key, 2, &battery->arena, &pipeline);
    must_miss(battery, "pipeline", get_config, 2, 1, &battery->arena, &config);
    must_miss(battery, "pipeline", get_deployment, 2, 1, &battery->arena, &deployment);
    must_miss(battery, "pipeline", get_run, 2, 1, &battery->arena, &run);
    must_miss(battery, "pipeline", get_run_by_request, 2, GF_STR("request-1"), &battery->arena,
              &run);
    struct gf_run *runs = NULL;
    size_t count = 1;
    int64_t scanned = 0;
    const struct gf_run_list_options options = {.limit = 10};
    must(battery, list_runs, 2, &options, &battery->arena, &runs, &count, &scanned);
    cr_assert_eq(count, 0);
}

void gf_store_battery_deleted_namespace_takes_everything_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_run *kept = gf_rows_run(&battery.rows, battery_pipeline(&battery), 1, 1);
    (void)gf_rows_task(&battery.rows, kept, 0, "one");
    write_doomed(&battery, 20);
    battery_look(&battery);

    gf_rows_delete_namespace(&battery.rows, 2);
    gf_rows_delete_namespace(&battery.rows, 99); /* not known: nothing */
    (void)gf_rows_event(&battery.rows, GF_EVENT_NAMESPACE_DELETED, "doomed", "", 0);
    battery_look(&battery);
    struct gf_namespace ns = {0};
    struct gf_task_execution task = {0};
    must_miss(&battery, "namespace 'doomed'", get_namespace, GF_STR("doomed"), &battery.arena, &ns);
    must_miss_doomed(&battery);
    must_miss(&battery, "run", get_task, 101, GF_STR("one"), &battery.arena, &task);
    struct gf_namespace *items = NULL;
    size_t count = 0;
    must(&battery, list_namespaces, GF_STR(""), 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 1);

    must(&battery, get_task, 1, GF_STR("one"), &battery.arena, &task);
    const struct gf_event_filter filter = {.namespace_id = GF_STR("doomed")};
    int64_t sum = 0;
    cr_assert_eq(follow(&battery, &filter, 0, 100, &sum), 21);
    battery_close(&battery);
}

void gf_store_battery_deleted_namespace_frees_its_id(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    write_doomed(&battery, 3);
    battery_look(&battery);
    gf_rows_delete_namespace(&battery.rows, 2);
    const struct gf_namespace *again = gf_rows_namespace(&battery.rows, 3, "doomed");
    (void)gf_rows_pipeline(&battery.rows, again, 3, "pipe");
    battery_look(&battery);
    struct gf_namespace ns = {0};
    must(&battery, get_namespace, GF_STR("doomed"), &battery.arena, &ns);
    cr_assert_eq(ns.namespace_key, 3);
    struct gf_pipeline pipeline = {0};
    must(&battery, get_pipeline, GF_STR("doomed"), GF_STR("pipe"), &battery.arena, &pipeline);
    cr_assert_eq(pipeline.pipeline_key, 3);
    must_miss_doomed(&battery);

    gf_rows_delete_namespace(&battery.rows, 3);
    battery_look(&battery);
    must_miss(&battery, "namespace 'doomed'", get_namespace, GF_STR("doomed"), &battery.arena, &ns);
    battery_close(&battery);
}

void gf_store_battery_keys_of_deleted_rows_never_return(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)battery_pipeline(&battery);
    write_doomed(&battery, 5);
    battery_look(&battery);
    gf_rows_delete_namespace(&battery.rows, 2);
    battery_look(&battery);
    reopen(&battery, factory);
    const struct gf_core_start start = load_start(&battery);
    cr_assert_eq(start.next_namespace_key, 3);
    cr_assert_eq(start.next_pipeline_key, 3);
    cr_assert_eq(start.next_run_key, 106);
    cr_assert_eq(start.next_event_sequence, 6);
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
    cr_assert_eq(follow(&battery, &all, 0, 1000, &sum), 3000);
    battery_close(&battery);
}

void gf_store_battery_everything_survives_a_reopen(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    (void)gf_rows_config(&battery.rows, pipeline, 1, "one; two < one");
    (void)gf_rows_deployment(&battery.rows, pipeline, 1);
    const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    (void)gf_rows_task(&battery.rows, run, 0, "one");
    (void)gf_rows_event(&battery.rows, GF_EVENT_RUN_STARTED, "default", "pipe", 1);
    battery_look(&battery);
    reopen(&battery, factory);
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
    battery_close(&battery);
}
