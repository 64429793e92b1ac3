/* The battery: task executions and their attempts. */
#include "engine/store/testing/battery_internal.h"

#include <criterion/criterion.h>

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
    must_be_equal(actual, expected, cancel_requested);
    must_be_equal(actual, expected, has_exit_code);
    must_be_equal(actual, expected, exit_code);
    must_be_equal(actual, expected, exit_signal);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, ready_time);
    must_be_equal(actual, expected, queue_time);
    must_be_equal(actual, expected, launch_time);
    must_be_equal(actual, expected, pull_start_time);
    must_be_equal(actual, expected, pull_end_time);
    must_be_equal(actual, expected, start_time);
    must_be_equal(actual, expected, stop_time);
    must_be_equal(actual, expected, end_time);
    must_be_equal(actual, expected, next_attempt_time);
    must_be_equal(actual, expected, kept_run_id);
    must_be_same(actual, expected, image_digest);
    must_be_same(actual, expected, node);
    must_be_equal(actual, expected, cpu_time_ns);
    must_be_equal(actual, expected, peak_memory_bytes);
    must_be_equal(actual, expected, log_bytes);
    must_be_equal(actual, expected, log_truncated);
    must_be_equal(actual, expected, peak_pid_count);
    must_be_equal(actual, expected, disk_bytes);
    must_be_same(actual, expected, container_id);
    must_be_equal(actual, expected, missing_protections);
    must_be_equal(actual, expected, root_expire_time);
    must_be_equal(actual, expected, log_disabled);
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
    ended->cancel_requested = true;
    ended->ready_time = ended->create_time + 1;
    ended->queue_time = ended->create_time + 2;
    ended->launch_time = ended->create_time + 3;
    ended->pull_start_time = ended->create_time + 4;
    ended->pull_end_time = ended->create_time + 5;
    ended->start_time = ended->create_time + 6;
    ended->stop_time = ended->create_time + 7;
    ended->end_time = ended->create_time + 8;
    ended->next_attempt_time = ended->create_time + 9;
    ended->kept_run_id = INT64_C(5000000000);
    ended->image_digest = GF_STR("sha256:0123456789abcdef");
    ended->node = GF_STR("worker-1");
    ended->cpu_time_ns = INT64_C(12345678901);
    ended->peak_memory_bytes = INT64_C(1) << 40;
    ended->log_bytes = 77;
    ended->log_truncated = true;
    ended->peak_pid_count = INT32_MAX;
    ended->disk_bytes = INT64_C(1) << 41;
    ended->container_id = GF_STR("gofer-1.2.3");
    ended->missing_protections = UINT32_MAX;
    ended->root_expire_time = 99;
    ended->log_disabled = true;
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
    task->cancel_requested = true;
    task->ready_time = 11;
    task->queue_time = 12;
    task->launch_time = 13;
    task->pull_start_time = 14;
    task->pull_end_time = 15;
    task->stop_time = 16;
    task->next_attempt_time = 17;
    gf_rows_again_task(&battery.rows, task);
    battery_look(&battery);
    struct gf_task_execution waiting = {0};
    must(&battery, get_task, 1, GF_STR("late"), &battery.arena, &waiting);
    same_task(&waiting, task);

    task->next_attempt_time = 0;
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

void gf_store_battery_tasks_are_counted(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    const struct gf_run *next = gf_rows_run(&battery.rows, pipeline, 2, 2);
    /* In each state one more than in the one before; of the 4 complete ones one in each status. */
    int32_t index = 0;
    for (int state = GF_TASK_STATE_PROCESSING; state <= GF_TASK_STATE_COMPLETE; state++) {
        for (int i = 1; i <= state; i++) {
            const struct gf_str id = gf_rows_text(&battery.rows, "task-%d", index);
            struct gf_task_execution *task = gf_rows_task(&battery.rows, run, index++, id.ptr);
            task->state = (enum gf_task_state)state;
            task->status = state == GF_TASK_STATE_COMPLETE ? (enum gf_task_status)i
                                                           : GF_TASK_STATUS_UNSPECIFIED;
        }
    }
    (void)gf_rows_task(&battery.rows, next, 0, "of-the-next");
    battery_look(&battery);
    struct gf_task_counts found = {.by_state = {7, 7, 7, 7, 7}, .by_status = {7, 7, 7, 7, 7}};
    must(&battery, count_tasks, 1, &found);
    for (int i = 0; i <= GF_TASK_STATE_COMPLETE; i++) {
        cr_assert_eq(found.by_state[i], i);
        cr_assert_eq(found.by_status[i], i == 0 ? 0 : 1);
    }
    must(&battery, count_tasks, 3, &found);
    for (int i = 0; i <= GF_TASK_STATE_COMPLETE; i++) {
        cr_assert_eq(found.by_state[i] + found.by_status[i], 0);
    }
    battery_close(&battery);
}

void gf_store_battery_attempts_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_pipeline *pipeline = battery_pipeline(&battery);
    const struct gf_run *run = gf_rows_run(&battery.rows, pipeline, 1, 1);
    const struct gf_run *next = gf_rows_run(&battery.rows, pipeline, 2, 2);
    struct gf_task_execution *task = gf_rows_task(&battery.rows, run, 0, "retried");
    (void)gf_rows_task(&battery.rows, run, 1, "other");
    const struct gf_task_execution *of_next = gf_rows_task(&battery.rows, next, 0, "retried");
    struct gf_task_execution *expected[3] = {NULL};
    task->status = GF_TASK_STATUS_FAILED;
    task->state = GF_TASK_STATE_COMPLETE;
    for (int32_t i = 0; i < 3; i++) {
        task->attempt = i + 1;
        task->has_exit_code = i != 1;
        task->exit_code = i != 1 ? 3 + i : 0;
        task->reason.kind = GF_REASON_ABNORMAL_EXIT;
        task->reason.text = gf_rows_text(&battery.rows, "attempt %d", i + 1);
        task->cancel_requested = i == 2;
        task->ready_time = 100 * i + 1;
        task->queue_time = 100 * i + 2;
        task->launch_time = 100 * i + 3;
        task->pull_start_time = 100 * i + 4;
        task->pull_end_time = 100 * i + 5;
        task->start_time = 100 * i + 6;
        task->stop_time = 100 * i + 7;
        task->end_time = 100 * i + 8;
        task->next_attempt_time = 100 * i + 9;
        task->image_digest = GF_STR("sha256:abc");
        task->node = GF_STR("here");
        task->log_bytes = i;
        task->peak_pid_count = i + 2;
        task->disk_bytes = i + 3;
        task->container_id = gf_rows_text(&battery.rows, "container-%d", i);
        task->missing_protections = 1U << i;
        task->root_expire_time = i + 4;
        expected[i] = gf_rows_attempt(&battery.rows, task);
        /* The first two at once, the last one later. */
        if (i == 2) {
            gf_rows_again_task(&battery.rows, task);
        }
        if (i > 0) {
            battery_look(&battery);
        }
    }
    (void)gf_rows_attempt(&battery.rows, of_next);
    task->attempt = 4;
    gf_rows_again_task(&battery.rows, task);
    battery_look(&battery);
    struct gf_task_execution *items = NULL;
    size_t count = 0;
    must(&battery, list_attempts, 1, 0, &battery.arena, &items, &count);
    cr_assert_eq(count, 3);
    for (size_t i = 0; i < count; i++) {
        same_task(&items[i], expected[i]);
    }
    must(&battery, list_attempts, 1, 1, &battery.arena, &items, &count);
    cr_assert_eq(count, 0);
    must(&battery, list_attempts, 2, 0, &battery.arena, &items, &count);
    cr_assert_eq(count, 1);
    struct gf_task_execution found = {0};
    must(&battery, get_task, 1, GF_STR("retried"), &battery.arena, &found);
    same_task(&found, task);
    battery_close(&battery);
}
