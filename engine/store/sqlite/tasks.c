#include "engine/core/limits.h"
#include "engine/store/sqlite/store_internal.h"

#include <stdio.h>

static void bind_changing(struct gf_sqlite_bind *bind, const struct gf_task_execution *task) {
    gf_sqlite__bind_i64(bind, task->attempt);
    gf_sqlite__bind_i64(bind, task->state);
    gf_sqlite__bind_i64(bind, task->status);
    gf_sqlite__bind_i64(bind, task->reason.kind);
    gf_sqlite__bind_str(bind, task->reason.text);
    gf_sqlite__bind_i64(bind, task->cancel_requested);
    if (task->has_exit_code) {
        gf_sqlite__bind_i64(bind, task->exit_code);
    } else {
        gf_sqlite__bind_null(bind);
    }
    gf_sqlite__bind_i64(bind, task->exit_signal);
    gf_sqlite__bind_i64(bind, task->ready_time);
    gf_sqlite__bind_i64(bind, task->queue_time);
    gf_sqlite__bind_i64(bind, task->launch_time);
    gf_sqlite__bind_i64(bind, task->pull_start_time);
    gf_sqlite__bind_i64(bind, task->pull_end_time);
    gf_sqlite__bind_i64(bind, task->start_time);
    gf_sqlite__bind_i64(bind, task->stop_time);
    gf_sqlite__bind_i64(bind, task->end_time);
    gf_sqlite__bind_i64(bind, task->next_attempt_time);
    gf_sqlite__bind_i64(bind, task->kept_run_id);
    gf_sqlite__bind_str(bind, task->image_digest);
    gf_sqlite__bind_str(bind, task->node);
    gf_sqlite__bind_i64(bind, task->cpu_time_ns);
    gf_sqlite__bind_i64(bind, task->peak_memory_bytes);
    gf_sqlite__bind_i64(bind, task->log_bytes);
    gf_sqlite__bind_i64(bind, task->log_truncated);
    gf_sqlite__bind_i64(bind, task->peak_pid_count);
    gf_sqlite__bind_i64(bind, task->disk_bytes);
    gf_sqlite__bind_str(bind, task->container_id);
    gf_sqlite__bind_i64(bind, task->missing_protections);
    gf_sqlite__bind_i64(bind, task->root_expire_time);
    gf_sqlite__bind_i64(bind, task->log_disabled);
}

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_task_execution *task,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_TASK, err);
    if (rc != GF_OK) {
        return rc;
    }
    bind_changing(&bind, task);
    gf_sqlite__bind_i64(&bind, task->run_key);
    gf_sqlite__bind_i64(&bind, task->task_index);
    return gf_sqlite__run_bound(&bind, "update a task execution", out_changed, err);
}

/* Into task_executions or task_attempts, which have the same columns. */
static enum gf_code insert(struct gf_sqlite_store *store, enum gf_sql sql,
                           const struct gf_task_execution *task, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, sql, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, task->run_key);
    gf_sqlite__bind_i64(&bind, task->task_index);
    gf_sqlite__bind_str(&bind, task->task_id);
    gf_sqlite__bind_i64(&bind, task->create_time);
    bind_changing(&bind, task);
    return gf_sqlite__run_bound(&bind, "insert a task execution", NULL, err);
}

enum gf_code gf_sqlite__write_task(struct gf_sqlite_store *store,
                                   const struct gf_task_execution *task, struct gf_error *err) {
    int64_t changed = 0;
    if (task->run_key < store->next.next_run_key) {
        const enum gf_code rc = update(store, task, &changed, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    return changed > 0 ? GF_OK : insert(store, GF_SQL_INSERT_TASK, task, err);
}

enum gf_code gf_sqlite__write_attempt(struct gf_sqlite_store *store,
                                      const struct gf_task_execution *attempt,
                                      struct gf_error *err) {
    return insert(store, GF_SQL_INSERT_ATTEMPT, attempt, err);
}

static enum gf_code read_task(struct gf_sqlite_row *row, void *item,
                              GF_UNUSED struct gf_error *err) {
    struct gf_task_execution *task = item;
    task->run_key = gf_sqlite__i64(row);
    task->task_index = gf_sqlite__i32(row);
    task->task_id = gf_sqlite__str(row);
    task->create_time = gf_sqlite__i64(row);
    task->attempt = gf_sqlite__i32(row);
    task->state = (enum gf_task_state)gf_sqlite__enum(row, gf_task_state_valid);
    task->status = (enum gf_task_status)gf_sqlite__enum_or_none(row, gf_task_status_valid);
    task->reason = gf_sqlite__reason(row);
    task->cancel_requested = gf_sqlite__bool(row);
    task->has_exit_code = !gf_sqlite__skip_null(row);
    task->exit_code = task->has_exit_code ? gf_sqlite__i32(row) : 0;
    task->exit_signal = gf_sqlite__i32(row);
    task->ready_time = gf_sqlite__i64(row);
    task->queue_time = gf_sqlite__i64(row);
    task->launch_time = gf_sqlite__i64(row);
    task->pull_start_time = gf_sqlite__i64(row);
    task->pull_end_time = gf_sqlite__i64(row);
    task->start_time = gf_sqlite__i64(row);
    task->stop_time = gf_sqlite__i64(row);
    task->end_time = gf_sqlite__i64(row);
    task->next_attempt_time = gf_sqlite__i64(row);
    task->kept_run_id = gf_sqlite__i64(row);
    task->image_digest = gf_sqlite__str(row);
    task->node = gf_sqlite__str(row);
    task->cpu_time_ns = gf_sqlite__i64(row);
    task->peak_memory_bytes = gf_sqlite__i64(row);
    task->log_bytes = gf_sqlite__i64(row);
    task->log_truncated = gf_sqlite__bool(row);
    task->peak_pid_count = gf_sqlite__i64(row);
    task->disk_bytes = gf_sqlite__i64(row);
    task->container_id = gf_sqlite__str(row);
    task->missing_protections = (uint32_t)gf_sqlite__i64(row);
    task->root_expire_time = gf_sqlite__i64(row);
    task->log_disabled = gf_sqlite__bool(row);
    return GF_OK;
}

enum gf_code gf_sqlite__get_task(struct gf_store_reader *reader, int64_t run_key,
                                 struct gf_str task_id, struct gf_arena *arena,
                                 struct gf_task_execution *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_TASK, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    gf_sqlite__bind_str(&bind, task_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "task executions", read_task, sizeof(*out), arena, out,
                               &found, err);
    if (rc == GF_OK && !found) {
        char what[GF_ERROR_MESSAGE_BYTES_MAX];
        (void)snprintf(what, sizeof(what), "task '%" GF_STR_FMT "'", GF_STR_ARG(task_id));
        return gf_sqlite__missing_in_run(reader, run_key, what, err);
    }
    return rc;
}

enum gf_code gf_sqlite__list_tasks(struct gf_store_reader *reader, int64_t run_key,
                                   int32_t after_index, size_t limit, struct gf_arena *arena,
                                   struct gf_task_execution **out_items, size_t *out_count,
                                   struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_TASKS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    gf_sqlite__bind_i64(&bind, after_index);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "task executions", read_task, sizeof(struct gf_task_execution),
                           limit, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}

enum gf_code gf_sqlite__list_attempts(struct gf_store_reader *reader, int64_t run_key,
                                      int32_t task_index, struct gf_arena *arena,
                                      struct gf_task_execution **out_items, size_t *out_count,
                                      struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_ATTEMPTS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    gf_sqlite__bind_i64(&bind, task_index);
    gf_sqlite__bind_i64(&bind, GF_RETRY_ATTEMPTS_MAX);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "task attempts", read_task, sizeof(struct gf_task_execution),
                           GF_RETRY_ATTEMPTS_MAX, arena, &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}

static enum gf_code count_row(struct gf_sqlite_row *row, void *ctx,
                              GF_UNUSED struct gf_error *err) {
    struct gf_task_counts *counts = ctx;
    const int state = gf_sqlite__enum(row, gf_task_state_valid);
    const int status = gf_sqlite__enum_or_none(row, gf_task_status_valid);
    counts->by_state[state]++;
    if (state == GF_TASK_STATE_COMPLETE) {
        counts->by_status[status]++;
    }
    return GF_OK;
}

enum gf_code gf_sqlite__count_tasks(struct gf_store_reader *reader, int64_t run_key,
                                    struct gf_task_counts *out, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_TASK_STATES, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, run_key);
    struct gf_task_counts counts = {0};
    rc = gf_sqlite__visit(&bind, "task executions", count_row, &counts, err);
    if (rc == GF_OK) {
        *out = counts;
    }
    return rc;
}
