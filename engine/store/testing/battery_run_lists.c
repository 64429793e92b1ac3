/* The battery: lists of runs. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

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
            battery_complete_run(runs[i], GF_RUN_STATUS_SUCCESSFUL);
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

void gf_store_battery_runs_are_listed_by_status(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    /* 1 to 10 successful, 11 to 20 failed, 21 to 30 cancelled, 31 to 40 running. */
    for (int64_t i = 1; i <= 40; i++) {
        struct gf_run *run = gf_rows_run(&battery.rows, pipeline, i, i);
        if (i <= 30) {
            battery_complete_run(run, (enum gf_run_status)((i + 9) / 10));
        }
    }
    battery_look(&battery);
    const uint32_t none = 1;
    const uint32_t successful = 1u << GF_RUN_STATUS_SUCCESSFUL;
    const uint32_t failed = 1u << GF_RUN_STATUS_FAILED;
    const uint32_t cancelled = 1u << GF_RUN_STATUS_CANCELLED;
    struct gf_run_list_options options = {.limit = 4, .statuses = failed};
    list_all(&battery, options, 20, -1, 10);
    options.statuses = failed | successful;
    list_all(&battery, options, 20, -1, 20);
    options.statuses = failed | cancelled | none;
    list_all(&battery, options, 40, -1, 30);
    options.statuses = none;
    list_all(&battery, options, 40, -1, 10);
    options.ascending = true;
    list_all(&battery, options, 31, 1, 10);
    options.statuses = failed | cancelled | none;
    list_all(&battery, options, 11, 1, 30);
    options.states = 1u << GF_RUN_STATE_COMPLETE;
    list_all(&battery, options, 11, 1, 20);
    options.states = 1u << GF_RUN_STATE_RUNNING;
    list_all(&battery, options, 31, 1, 10);
    options.statuses = failed;
    list_all(&battery, options, 0, 0, 0);
    options.states |= 1u << GF_RUN_STATE_COMPLETE;
    list_all(&battery, options, 11, 1, 10);
    battery_close(&battery);
}
