/* The battery: what is deleted is gone with all that is below it. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

/*
 * Namespace 2 "doomed" with a pipeline 2, a config, a deployment, and `runs` runs of two tasks, an
 * earlier attempt, and an input. Gives the namespace.
 */
static const struct gf_namespace *write_doomed(struct battery *battery, int64_t runs) {
    const struct gf_namespace *ns = gf_rows_namespace(&battery->rows, 2, "doomed");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&battery->rows, ns, 2, "pipe");
    (void)gf_rows_config(&battery->rows, pipeline, 1, "one");
    (void)gf_rows_deployment(&battery->rows, pipeline, 1);
    for (int64_t i = 1; i <= runs; i++) {
        struct gf_run *run = gf_rows_run(&battery->rows, pipeline, 100 + i, i);
        run->state = GF_RUN_STATE_COMPLETE;
        run->status = GF_RUN_STATUS_SUCCESSFUL;
        run->request_id = gf_rows_text(&battery->rows, "request-%lld", (long long)i);
        run->end_time = run->create_time + 1;
        (void)gf_rows_attempt(&battery->rows, gf_rows_task(&battery->rows, run, 0, "one"));
        (void)gf_rows_task(&battery->rows, run, 1, "two");
        gf_rows_input(&battery->rows, run, GF_STR("input"));
        (void)gf_rows_event(&battery->rows, GF_EVENT_RUN_COMPLETED, "doomed", "pipe", i);
    }
    return ns;
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
    const struct gf_run_list_options filtered = {.limit = 10, .statuses = ~0u};
    must(battery, list_runs, 2, &filtered, &battery->arena, &runs, &count, &scanned);
    cr_assert_eq(count, 0);
    struct gf_run_stats stats = {.successful_count = 77};
    must(battery, get_run_stats, 2, &(const int64_t){0}, 1, &stats);
    cr_assert_eq(stats.successful_count, 0);
    must(battery, list_active_runs, 0, 10, &battery->arena, &runs, &count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_neq(runs[i].pipeline_key, 2);
    }
}

void gf_store_battery_deleted_namespace_takes_everything_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_run *kept = gf_rows_run(&battery.rows, battery_pipeline(&battery), 1, 1);
    (void)gf_rows_task(&battery.rows, kept, 0, "one");
    (void)write_doomed(&battery, 20);
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
    cr_assert_eq(battery_follow(&battery, &filter, 0, 100, &sum), 21);
    battery_close(&battery);
}

void gf_store_battery_deleted_namespace_frees_its_id(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)write_doomed(&battery, 3);
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

void gf_store_battery_deleted_pipeline_takes_everything_along(
    const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *ns = write_doomed(&battery, 10);
    const struct gf_pipeline *kept = gf_rows_pipeline(&battery.rows, ns, 1, "kept");
    const struct gf_run *run = gf_rows_run(&battery.rows, kept, 1, 1);
    (void)gf_rows_attempt(&battery.rows, gf_rows_task(&battery.rows, run, 0, "one"));
    gf_rows_input(&battery.rows, run, GF_STR("kept"));
    battery_look(&battery);

    gf_rows_delete_pipeline(&battery.rows, 2);
    gf_rows_delete_pipeline(&battery.rows, 99); /* not known: nothing */
    (void)gf_rows_event(&battery.rows, GF_EVENT_PIPELINE_DELETED, "doomed", "pipe", 0);
    battery_look(&battery);
    must_miss_doomed(&battery);
    struct gf_pipeline found = {0};
    must_miss(&battery, "pipeline 'pipe' not found in namespace 'doomed'", get_pipeline,
              GF_STR("doomed"), GF_STR("pipe"), &battery.arena, &found);
    struct gf_pipeline *items = NULL;
    size_t count = 0;
    must(&battery, list_pipelines, 2, GF_STR(""), 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 1);
    same_str(items[0].pipeline_id, GF_STR("kept"), "pipeline_id");

    struct gf_task_execution task = {0};
    struct gf_task_execution *attempts = NULL;
    struct gf_str content = {0};
    must(&battery, get_task, 1, GF_STR("one"), &battery.arena, &task);
    must(&battery, list_attempts, 1, 0, &battery.arena, &attempts, &count);
    cr_assert_eq(count, 1);
    must(&battery, get_run_input, 1, &battery.arena, &content);
    const struct gf_event_filter filter = {.namespace_id = GF_STR("doomed")};
    int64_t sum = 0;
    cr_assert_eq(battery_follow(&battery, &filter, 0, 100, &sum), 11);
    battery_close(&battery);
}

void gf_store_battery_deleted_pipeline_frees_its_id(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *ns = write_doomed(&battery, 3);
    battery_look(&battery);
    for (int64_t key = 3; key <= 5; key++) {
        gf_rows_delete_pipeline(&battery.rows, key - 1);
        const struct gf_pipeline *again = gf_rows_pipeline(&battery.rows, ns, key, "pipe");
        (void)gf_rows_config(&battery.rows, again, 1, "one");
        gf_rows_run(&battery.rows, again, 200 + key, 1)->request_id = GF_STR("request-1");
        battery_look(&battery);
        struct gf_pipeline found = {0};
        struct gf_run run = {0};
        must(&battery, get_pipeline, GF_STR("doomed"), GF_STR("pipe"), &battery.arena, &found);
        cr_assert_eq(found.pipeline_key, key);
        must(&battery, get_run_by_request, key, GF_STR("request-1"), &battery.arena, &run);
        cr_assert_eq(run.run_key, 200 + key);
        must_miss_doomed(&battery);
        must_miss(&battery, "pipeline", get_pipeline_by_key, key - 1, &battery.arena, &found);
    }
    battery_close(&battery);
}

void gf_store_battery_deleted_pipeline_goes_with_its_namespace(
    const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_namespace *ns = write_doomed(&battery, 3);
    (void)gf_rows_pipeline(&battery.rows, ns, 3, "other");
    battery_look(&battery);
    gf_rows_delete_pipeline(&battery.rows, 2);
    gf_rows_delete_namespace(&battery.rows, 2);
    const struct gf_namespace *again = gf_rows_namespace(&battery.rows, 4, "doomed");
    (void)gf_rows_pipeline(&battery.rows, again, 5, "pipe");
    battery_look(&battery);
    must_miss_doomed(&battery);
    struct gf_pipeline *items = NULL;
    size_t count = 0;
    must(&battery, list_pipelines, 2, GF_STR(""), 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 0);
    must(&battery, list_pipelines, 4, GF_STR(""), 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 1);
    battery_close(&battery);
}

void gf_store_battery_keys_of_deleted_rows_never_return(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)battery_pipeline(&battery);
    (void)write_doomed(&battery, 5);
    battery_look(&battery);
    gf_rows_delete_namespace(&battery.rows, 2);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    const struct gf_core_start start = battery_load_start(&battery);
    cr_assert_eq(start.next_namespace_key, 3);
    cr_assert_eq(start.next_pipeline_key, 3);
    cr_assert_eq(start.next_run_key, 106);
    cr_assert_eq(start.next_event_sequence, 6);

    /* The same for a pipeline, and for one that came and went in one batch. */
    battery_look(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&battery.rows, &ns, 7, "short");
    (void)gf_rows_run(&battery.rows, pipeline, 300, 1);
    battery_look(&battery);
    gf_rows_delete_pipeline(&battery.rows, 7);
    gf_rows_delete_pipeline(&battery.rows, 8);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    cr_assert_eq(battery_load_start(&battery).next_pipeline_key, 9);
    cr_assert_eq(battery_load_start(&battery).next_run_key, 301);
    battery_close(&battery);
}

void gf_store_battery_deleted_rows_go_with_empty_batches(const struct gf_store_factory *factory) {
    enum {
        RUNS = 400,
        COMMITS_MAX = 10 * RUNS, /* a row each would do */
    };
    struct battery battery;
    battery_open(&battery, factory);
    cr_assert_not(battery.store->ops->has_backlog(battery.store));
    (void)write_doomed(&battery, RUNS);
    battery_look(&battery);
    cr_assert_not(battery.store->ops->has_backlog(battery.store));
    gf_rows_delete_namespace(&battery.rows, 2);
    battery_look(&battery);

    const bool backlog = battery.store->ops->has_backlog(battery.store);
    battery_reopen(&battery, factory);
    cr_assert_eq(battery.store->ops->has_backlog(battery.store), backlog);
    for (int i = 0; battery.store->ops->has_backlog(battery.store); i++) {
        cr_assert_lt(i, COMMITS_MAX);
        battery_look(&battery);
        must_miss_doomed(&battery);
    }
    battery_look(&battery);
    cr_assert_not(battery.store->ops->has_backlog(battery.store));
    struct gf_str content = {0};
    struct gf_task_execution task = {0};
    for (int64_t i = 1; i <= RUNS; i++) {
        must_miss(&battery, "run", get_task, 100 + i, GF_STR("two"), &battery.arena, &task);
        must_miss(&battery, "run", get_run_input, 100 + i, &battery.arena, &content);
    }
    battery_close(&battery);
}
