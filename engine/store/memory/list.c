/*
 * Design: a list collects pointers to the rows that match, in order, and copies a page of them.
 * Namespaces and pipelines are sorted for each call: this store is not for many.
 */
#include "engine/core/copy.h"
#include "engine/core/limits.h"
#include "engine/store/memory/list_internal.h"
#include "engine/store/memory/memory_internal.h"

#include <inttypes.h>

static int compare_namespaces(const void *left, const void *right) {
    const struct gf_namespace *a = *(const struct gf_namespace *const *)left;
    const struct gf_namespace *b = *(const struct gf_namespace *const *)right;
    return gf_str_cmp(a->namespace_id, b->namespace_id);
}

static int compare_pipelines(const void *left, const void *right) {
    const struct gf_pipeline *a = *(const struct gf_pipeline *const *)left;
    const struct gf_pipeline *b = *(const struct gf_pipeline *const *)right;
    return gf_str_cmp(a->pipeline_id, b->pipeline_id);
}

static int compare_run_keys(const void *left, const void *right) {
    const struct gf_run *a = *(const struct gf_run *const *)left;
    const struct gf_run *b = *(const struct gf_run *const *)right;
    return a->run_key < b->run_key ? -1 : a->run_key > b->run_key;
}

enum gf_code gf_memory__list_namespaces(struct gf_store_reader *reader,
                                        struct gf_str after_namespace_id, size_t limit,
                                        struct gf_arena *arena, struct gf_namespace **out_items,
                                        size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->namespaces, &position, NULL, &value)) {
        const struct gf_namespace *row = &((const struct memory_namespace *)value)->row;
        if (gf_str_cmp(row->namespace_id, after_namespace_id) > 0) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_namespaces);
    COPY_PAGE(&rows, limit, struct gf_namespace, gf_namespace_copy, arena, out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__list_pipelines(struct gf_store_reader *reader, int64_t namespace_key,
                                       struct gf_str after_pipeline_id, size_t limit,
                                       struct gf_arena *arena, struct gf_pipeline **out_items,
                                       size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->pipelines, &position, NULL, &value)) {
        const struct gf_pipeline *row = &((const struct memory_pipeline *)value)->row;
        if (row->namespace_key == namespace_key &&
            gf_str_cmp(row->pipeline_id, after_pipeline_id) > 0) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_pipelines);
    COPY_PAGE(&rows, limit, struct gf_pipeline, gf_pipeline_copy, arena, out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__list_configs(struct gf_store_reader *reader, int64_t pipeline_key,
                                     int64_t before_version, size_t limit, struct gf_arena *arena,
                                     struct gf_config **out_items, size_t *out_count,
                                     GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    struct rows rows = {0};
    for (size_t i = pipeline == NULL ? 0 : pipeline->configs.count; i > 0; i--) {
        const struct gf_config *row = &pipeline->configs.items[i - 1]->row;
        if (before_version == 0 || row->version < before_version) {
            gf_vec_push(&rows, row);
        }
    }
    COPY_PAGE(&rows, limit, struct gf_config, gf_config_copy, arena, out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__list_deployments(struct gf_store_reader *reader, int64_t pipeline_key,
                                         int64_t before_deployment_id, size_t limit,
                                         struct gf_arena *arena, struct gf_deployment **out_items,
                                         size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    struct rows rows = {0};
    for (size_t i = pipeline == NULL ? 0 : pipeline->deployments.count; i > 0; i--) {
        const struct gf_deployment *row = &pipeline->deployments.items[i - 1]->row;
        if (before_deployment_id == 0 || row->deployment_id < before_deployment_id) {
            gf_vec_push(&rows, row);
        }
    }
    COPY_PAGE(&rows, limit, struct gf_deployment, gf_deployment_copy, arena, out_items, out_count);
    return GF_OK;
}

static bool run_is_behind(const struct gf_run *row, const struct gf_run_list_options *options) {
    const int64_t after = options->after_run_id;
    return after == 0 || (options->ascending ? row->run_id > after : row->run_id < after);
}

static bool run_is_wanted(const struct gf_run *row, const struct gf_run_list_options *options) {
    return (options->states == 0 || (options->states >> row->state & 1) != 0) &&
           (options->statuses == 0 || (options->statuses >> row->status & 1) != 0);
}

enum gf_code gf_memory__list_runs(struct gf_store_reader *reader, int64_t pipeline_key,
                                  const struct gf_run_list_options *options, struct gf_arena *arena,
                                  struct gf_run **out_items, size_t *out_count,
                                  int64_t *out_scanned, GF_UNUSED struct gf_error *err) {
    gf_assert(options->limit > 0);
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    int64_t scanned = options->after_run_id;
    const size_t count = pipeline == NULL ? 0 : pipeline->runs.count;
    struct rows rows = {0};
    for (size_t i = 0; i < count && rows.count < options->limit; i++) {
        const size_t index = options->ascending ? i : count - 1 - i;
        const struct gf_run *row = &pipeline->runs.items[index]->row;
        if (!run_is_behind(row, options)) {
            continue;
        }
        scanned = row->run_id;
        if (run_is_wanted(row, options)) {
            gf_vec_push(&rows, row);
        }
    }
    COPY_PAGE(&rows, options->limit, struct gf_run, gf_run_copy, arena, out_items, out_count);
    *out_scanned = scanned;
    return GF_OK;
}

enum gf_code gf_memory__list_tasks(struct gf_store_reader *reader, int64_t run_key,
                                   int32_t after_index, size_t limit, struct gf_arena *arena,
                                   struct gf_task_execution **out_items, size_t *out_count,
                                   GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_run *run = gf_map_i64_get(&reader->store->runs, run_key);
    struct rows rows = {0};
    for (size_t i = (size_t)(after_index + 1);
         run != NULL && i < run->tasks.count && rows.count < limit; i++) {
        if (run->tasks.items[i] != NULL) {
            gf_vec_push(&rows, &run->tasks.items[i]->row);
        }
    }
    COPY_PAGE(&rows, limit, struct gf_task_execution, gf_task_execution_copy, arena, out_items,
              out_count);
    return GF_OK;
}

enum gf_code gf_memory__list_attempts(struct gf_store_reader *reader, int64_t run_key,
                                      int32_t task_index, struct gf_arena *arena,
                                      struct gf_task_execution **out_items, size_t *out_count,
                                      GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_run *run = gf_map_i64_get(&reader->store->runs, run_key);
    struct rows rows = {0};
    for (size_t i = 0; run != NULL && i < run->attempts.count; i++) {
        if (run->attempts.items[i]->row.task_index == task_index) {
            gf_vec_push(&rows, &run->attempts.items[i]->row);
        }
    }
    COPY_PAGE(&rows, GF_RETRY_ATTEMPTS_MAX, struct gf_task_execution, gf_task_execution_copy, arena,
              out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__list_events(struct gf_store_reader *reader,
                                    const struct gf_event_filter *filter, int64_t after_sequence,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_event **out_items, size_t *out_count,
                                    int64_t *out_scanned, GF_UNUSED struct gf_error *err) {
    const struct memory_store *store = reader->store;
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t next = after_sequence < 0 ? 0 : (size_t)after_sequence;
    int64_t scanned = after_sequence;
    for (; next < store->events.count && rows.count < limit; next++) {
        const struct gf_event *row = &store->events.items[next]->row;
        scanned = row->sequence;
        if (gf_event_filter_matches(filter, row)) {
            gf_vec_push(&rows, row);
        }
    }
    COPY_PAGE(&rows, limit, struct gf_event, gf_event_copy, arena, out_items, out_count);
    *out_scanned = scanned;
    return GF_OK;
}

enum gf_code gf_memory__list_active_runs(struct gf_store_reader *reader, int64_t after_run_key,
                                         size_t limit, struct gf_arena *arena,
                                         struct gf_run **out_items, size_t *out_count,
                                         GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&reader->store->runs, &position, NULL, &value)) {
        const struct gf_run *row = &((const struct memory_run *)value)->row;
        if (row->run_key > after_run_key && row->state != GF_RUN_STATE_COMPLETE) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_run_keys);
    COPY_PAGE(&rows, limit, struct gf_run, gf_run_copy, arena, out_items, out_count);
    return GF_OK;
}
