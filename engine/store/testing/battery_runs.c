/* The battery: runs and task executions. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

static const struct gf_variable VARIABLES[] = {
    {.key = GF_STR("EMPTY"), .value = GF_STR(""), .source = GF_VARIABLE_SOURCE_SYSTEM},
    {.key = GF_STR("LINES"), .value = GF_STR("a\nb\n"), .source = GF_VARIABLE_SOURCE_EXTENSION},
    {.key = GF_STR("WHO"),
     .value = GF_STR("w\xc3\xb6rld"),
     .source = GF_VARIABLE_SOURCE_RUN_OPTIONS},
};

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
    same_variables(actual->variables, actual->variable_count, expected->variables,
                   expected->variable_count);
    must_be_same(actual, expected, request_id);
    must_be_equal(actual, expected, cancel_requested);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, start_time);
    must_be_equal(actual, expected, end_time);
}

static void same_task(const struct gf_task_execution *actual,
                      const struct gf_task_execution *expected) {
    must_be_equal(actual, expected, run_key);
    must_be_equal(actual, expected, task_index);
    must_be_same(actual, expected, task_id);
    must_be_equal(actual, expected, attempt);
    must_be_equal(actual, expected, state);
    must_be_equal(actual, expected, status);
    must_be_equal(actual, expected, reason.kind);
    must_be_same(actual, expected, reason.text);
    must_be_equal(actual, expected, has_exit_code);
    must_be_equal(actual, expected, exit_code);
    must_be_equal(actual, expected, exit_signal);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, launch_time);
    must_be_equal(actual, expected, start_time);
    must_be_equal(actual, expected, end_time);
    must_be_same(actual, expected, image_digest);
    must_be_same(actual, expected, node);
    must_be_equal(actual, expected, cpu_time_ns);
    must_be_equal(actual, expected, peak_memory_bytes);
    must_be_equal(actual, expected, log_bytes);
    must_be_equal(actual, expected, log_truncated);
}

static void complete_run(struct gf_run *run, enum gf_run_status status) {
    run->state = GF_RUN_STATE_COMPLETE;
    run->status = status;
    run->start_time = run->create_time + 10;
    run->end_time = run->create_time + 1000;
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
        .kind = GF_INITIATOR_EXTENSION, .id = GF_STR("cron"), .reason = GF_STR("it's \"12\"")};
    full->variables = VARIABLES;
    full->variable_count = GF_ARRAY_COUNT(VARIABLES);
    full->request_id = GF_STR("f47ac10b-58cc-4372-a567-0e02b2c3d479");
    battery_look(&battery);
    struct gf_run found = {0};
    must(&battery, get_run, 1, 1, &battery.arena, &found);
    same_run(&found, plain);
    must(&battery, get_run, 1, 2, &battery.arena, &found);
    same_run(&found, full);
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
    gf_rows_again_run(&battery.rows, run);
    battery_look(&battery);
    complete_run(run, GF_RUN_STATUS_CANCELLED);
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

/* Lists all runs of pipeline 1 in pages of `limit` and checks that they are first, first + step,
 * ... */
static void list_all(struct battery *battery, struct gf_run_list_options options, int64_t first,
                     int64_t step, size_t expected_count) {
    int64_t expected = first;
    size_t seen = 0;
    for (;;) {
        struct gf_run *items = NULL;
        size_t count = 0;
        int64_t scanned = 0;
        must(battery, list_runs, 1, &options, &battery->arena, &items, &count, &scanned);
        cr_assert(count <= options.limit);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].run_id, expected, "run %lld, expected %lld",
                         (long long)items[i].run_id, (long long)expected);
            cr_assert_eq(items[i].pipeline_key, 1);
            cr_assert(options.ascending ? items[i].run_id <= scanned : items[i].run_id >= scanned);
            expected += step;
            seen++;
        }
        if (scanned == options.after_run_id) {
            cr_assert_eq(count, 0);
            break;
        }
        options.after_run_id = scanned;
    }
    cr_assert_eq(seen, expected_count);
}

void gf_store_battery_runs_are_listed_both_ways(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    for (int64_t i = 1; i <= 50; i++) {
        (void)gf_rows_run(&battery.rows, pipeline, 2 * i - 1, i);
        (void)gf_rows_run(&battery.rows, other, 2 * i, i);
    }
    battery_look(&battery);
    for (size_t limit = 1; limit <= 51; limit += 7) {
        list_all(&battery, (struct gf_run_list_options){.limit = limit}, 50, -1, 50);
        list_all(&battery, (struct gf_run_list_options){.limit = limit, .ascending = true}, 1, 1,
                 50);
    }
    list_all(&battery, (struct gf_run_list_options){.limit = 8, .after_run_id = 31}, 30, -1, 30);
    list_all(&battery,
             (struct gf_run_list_options){.limit = 8, .after_run_id = 31, .ascending = true}, 32, 1,
             19);
    battery_close(&battery);
}

void gf_store_battery_runs_are_listed_by_state(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_namespace ns = {.namespace_key = 1, .namespace_id = GF_STR("default")};
    const struct gf_pipeline *other = gf_rows_pipeline(&battery.rows, &ns, 2, "other");
    struct gf_run *runs[40] = {NULL};
    for (int64_t i = 0; i < 40; i++) {
        runs[i] = gf_rows_run(&battery.rows, pipeline, i + 1, i + 1);
        (void)gf_rows_run(&battery.rows, other, 100 + i, i + 1);
    }
    battery_look(&battery);
    /* 1 to 20 complete, 21 to 30 running, 31 to 40 queued. */
    for (size_t i = 0; i < 40; i++) {
        if (i < 20) {
            complete_run(runs[i], GF_RUN_STATUS_SUCCESSFUL);
        } else if (i >= 30) {
            runs[i]->state = GF_RUN_STATE_QUEUED;
        }
        gf_rows_again_run(&battery.rows, runs[i]);
    }
    battery_look(&battery);
    const uint32_t complete = 1u << GF_RUN_STATE_COMPLETE;
    const uint32_t running = 1u << GF_RUN_STATE_RUNNING;
    const uint32_t queued = 1u << GF_RUN_STATE_QUEUED;
    struct gf_run_list_options options = {.limit = 3, .states = complete};
    list_all(&battery, options, 20, -1, 20);
    options.states = running;
    list_all(&battery, options, 30, -1, 10);
    options.states = running | queued;
    list_all(&battery, options, 40, -1, 20);
    options.states = running | complete;
    list_all(&battery, options, 30, -1, 30);
    options.ascending = true;
    list_all(&battery, options, 1, 1, 30);
    options.states = running | queued;
    list_all(&battery, options, 21, 1, 20);
    options.states = queued;
    list_all(&battery, options, 31, 1, 10);
    options.after_run_id = 35;
    list_all(&battery, options, 36, 1, 5);
    options.after_run_id = 0;
    options.states = complete;
    list_all(&battery, options, 1, 1, 20);
    options.states = 1u << GF_RUN_STATE_PENDING;
    list_all(&battery, options, 0, 0, 0);
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
        complete_run(runs[key], GF_RUN_STATUS_FAILED);
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

void gf_store_battery_tasks_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_run *run = gf_rows_run(&battery.rows, battery_pipeline(&battery), 1, 1);
    struct gf_task_execution *fresh = gf_rows_task(&battery.rows, run, 0, "fresh");
    struct gf_task_execution *ended = gf_rows_task(&battery.rows, run, 1, "ended");
    ended->attempt = 3;
    ended->state = GF_TASK_STATE_COMPLETE;
    ended->status = GF_TASK_STATUS_FAILED;
    ended->reason.kind = GF_REASON_OUT_OF_MEMORY;
    ended->reason.text = GF_STR("the kernel ended it at its limit of 64 MiB");
    ended->has_exit_code = true;
    ended->exit_code = 137;
    ended->exit_signal = 9;
    ended->launch_time = ended->create_time + 1;
    ended->start_time = ended->create_time + 2;
    ended->end_time = ended->create_time + 3;
    ended->image_digest = GF_STR("sha256:0123456789abcdef");
    ended->node = GF_STR("worker-1");
    ended->cpu_time_ns = INT64_C(12345678901);
    ended->peak_memory_bytes = INT64_C(1) << 40;
    ended->log_bytes = 77;
    ended->log_truncated = true;
    battery_look(&battery);
    struct gf_task_execution found = {0};
    must(&battery, get_task, 1, GF_STR("fresh"), &battery.arena, &found);
    same_task(&found, fresh);
    must(&battery, get_task, 1, GF_STR("ended"), &battery.arena, &found);
    same_task(&found, ended);
    battery_close(&battery);
}

void gf_store_battery_tasks_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_run *run = gf_rows_run(&battery.rows, battery_pipeline(&battery), 1, 1);
    battery_look(&battery);
    /* A queued run gets its tasks later than its own row. */
    struct gf_task_execution *task = gf_rows_task(&battery.rows, run, 0, "late");
    struct gf_task_execution *other = gf_rows_task(&battery.rows, run, 1, "other");
    gf_rows_again_run(&battery.rows, run);
    battery_look(&battery);

    task->attempt = 1;
    task->state = GF_TASK_STATE_COMPLETE;
    task->status = GF_TASK_STATUS_SUCCESSFUL;
    task->has_exit_code = true;
    task->exit_code = 0;
    gf_rows_again_task(&battery.rows, task);
    battery_look(&battery);
    struct gf_task_execution found = {0};
    must(&battery, get_task, 1, GF_STR("late"), &battery.arena, &found);
    same_task(&found, task);
    must(&battery, get_task, 1, GF_STR("other"), &battery.arena, &found);
    same_task(&found, other);
    battery_close(&battery);
}

void gf_store_battery_tasks_are_listed_by_index(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    const struct gf_run *next = gf_rows_run(&battery.rows, pipeline, 2, 2);
    for (int32_t i = 29; i >= 0; i--) {
        const struct gf_str id = gf_rows_text(&battery.rows, "task-%d", 100 - i);
        (void)gf_rows_task(&battery.rows, run, i, id.ptr);
    }
    (void)gf_rows_task(&battery.rows, next, 0, "task-of-the-next");
    battery_look(&battery);
    int32_t after = -1;
    for (size_t count = 4; count == 4;) {
        struct gf_task_execution *items = NULL;
        must(&battery, list_tasks, 1, after, 4, &battery.arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(items[i].task_index, after + 1);
            cr_assert_eq(items[i].run_key, 1);
            after++;
        }
    }
    cr_assert_eq(after, 29);
    battery_close(&battery);
}

void gf_store_battery_missing_children_are_named(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_run *run = gf_rows_run(&battery.rows, battery_pipeline(&battery), 1, 12);
    (void)gf_rows_task(&battery.rows, run, 0, "one");
    battery_look(&battery);
    struct gf_config config = {0};
    struct gf_deployment deployment = {0};
    struct gf_run found = {0};
    struct gf_task_execution task = {0};
    must_miss(&battery, "4", get_config, 1, 4, &battery.arena, &config);
    must_miss(&battery, "deployment 5", get_deployment, 1, 5, &battery.arena, &deployment);
    must_miss(&battery, "run 13", get_run, 1, 13, &battery.arena, &found);
    must_miss(&battery, "pipeline", get_run, 2, 12, &battery.arena, &found);
    must_miss(&battery, "task 'two'", get_task, 1, GF_STR("two"), &battery.arena, &task);
    must_miss(&battery, "run", get_task, 2, GF_STR("one"), &battery.arena, &task);
    battery_close(&battery);
}
