#include "engine/core/copy.h"
#include "engine/store/memory/memory_internal.h"
#include "engine/store/run_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum gf_code fail_pipeline_key(int64_t pipeline_key, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "pipeline with key %" PRId64 " not found", pipeline_key);
}

static enum gf_code fail_number(const struct memory_pipeline *pipeline, const char *what,
                                int64_t number, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND,
                   "%s %" PRId64 " not found in pipeline '%" GF_STR_FMT
                   "' of namespace '%" GF_STR_FMT "'",
                   what, number, GF_STR_ARG(pipeline->row.pipeline_id),
                   GF_STR_ARG(pipeline->row.namespace_id));
}

enum gf_code gf_memory__get_namespace(struct gf_store_reader *reader, struct gf_str namespace_id,
                                      struct gf_arena *arena, struct gf_namespace *out,
                                      struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_namespace *ns = gf_memory__find_namespace(reader->store, namespace_id);
    if (ns == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(namespace_id));
    }
    gf_namespace_copy(&ns->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_pipeline(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_arena *arena,
                                     struct gf_pipeline *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_namespace *ns = gf_memory__find_namespace(reader->store, namespace_id);
    if (ns == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "namespace '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(namespace_id));
    }
    const struct memory_pipeline *pipeline =
        gf_memory__find_pipeline(reader->store, ns->row.namespace_key, pipeline_id);
    if (pipeline == NULL) {
        return gf_fail(err, GF_NOT_FOUND,
                       "pipeline '%" GF_STR_FMT "' not found in namespace '%" GF_STR_FMT "'",
                       GF_STR_ARG(pipeline_id), GF_STR_ARG(namespace_id));
    }
    gf_pipeline_copy(&pipeline->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_pipeline_by_key(struct gf_store_reader *reader, int64_t pipeline_key,
                                            struct gf_arena *arena, struct gf_pipeline *out,
                                            struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    if (pipeline == NULL) {
        return fail_pipeline_key(pipeline_key, err);
    }
    gf_pipeline_copy(&pipeline->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_config(struct gf_store_reader *reader, int64_t pipeline_key,
                                   int64_t version, struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    if (pipeline == NULL) {
        return fail_pipeline_key(pipeline_key, err);
    }
    const struct memory_config *config = gf_memory__find_config(pipeline, version);
    if (config == NULL) {
        return fail_number(pipeline, "version", version, err);
    }
    gf_config_copy(&config->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_deployment(struct gf_store_reader *reader, int64_t pipeline_key,
                                       int64_t deployment_id, struct gf_arena *arena,
                                       struct gf_deployment *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    if (pipeline == NULL) {
        return fail_pipeline_key(pipeline_key, err);
    }
    const struct memory_deployment *deployment =
        gf_memory__find_deployment(pipeline, deployment_id);
    if (deployment == NULL) {
        return fail_number(pipeline, "deployment", deployment_id, err);
    }
    gf_deployment_copy(&deployment->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_run(struct gf_store_reader *reader, int64_t pipeline_key,
                                int64_t run_id, struct gf_arena *arena, struct gf_run *out,
                                struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    if (pipeline == NULL) {
        return fail_pipeline_key(pipeline_key, err);
    }
    const struct memory_run *run = gf_memory__find_run(pipeline, run_id);
    if (run == NULL) {
        return fail_number(pipeline, "run", run_id, err);
    }
    gf_run_copy(&run->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_run_by_request(struct gf_store_reader *reader, int64_t pipeline_key,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_run *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    if (pipeline == NULL) {
        return fail_pipeline_key(pipeline_key, err);
    }
    const struct memory_run *run = gf_map_get(&pipeline->requests, request_id);
    if (run == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "run of request '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(request_id));
    }
    gf_run_copy(&run->row, arena, out);
    return GF_OK;
}

static enum gf_code fail_in_run(const struct memory_run *run, const char *what,
                                struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND,
                   "%s not found in run %" PRId64 " of pipeline '%" GF_STR_FMT
                   "' of namespace '%" GF_STR_FMT "'",
                   what, run->row.run_id, GF_STR_ARG(run->row.pipeline_id),
                   GF_STR_ARG(run->row.namespace_id));
}

enum gf_code gf_memory__get_run_input(struct gf_store_reader *reader, int64_t run_key,
                                      struct gf_arena *arena, struct gf_str *out_content,
                                      struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_run *run = gf_map_i64_get(&reader->store->runs, run_key);
    if (run == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "run with key %" PRId64 " not found", run_key);
    }
    if (!run->has_document) {
        return fail_in_run(run, "input document", err);
    }
    *out_content = gf_text_copy((struct gf_str){run->document, run->document_size}, arena);
    return GF_OK;
}

static int compare_ends(const void *left, const void *right) {
    const struct gf_run *a = *(const struct gf_run *const *)left;
    const struct gf_run *b = *(const struct gf_run *const *)right;
    return (a->end_time < b->end_time) - (a->end_time > b->end_time);
}

enum gf_code gf_memory__get_run_stats(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const int64_t *since_times, size_t count,
                                      struct gf_run_stats *out, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_pipeline *pipeline =
        gf_map_i64_get(&reader->store->pipelines, pipeline_key);
    GF_VEC(const struct gf_run *) ended = {0};
    for (size_t i = 0; pipeline != NULL && i < pipeline->runs.count; i++) {
        const struct gf_run *run = &pipeline->runs.items[i]->row;
        if (run->state == GF_RUN_STATE_COMPLETE) {
            gf_vec_push(&ended, run);
        }
    }
    if (ended.count > 1) {
        qsort(ended.items, ended.count, sizeof(ended.items[0]), compare_ends);
    }
    struct gf_run_sampler sampler = {0};
    gf_run_sampler_init(&sampler, since_times, count);
    bool more = true;
    for (size_t i = 0; more && i < ended.count; i++) {
        const struct gf_run *run = ended.items[i];
        more = gf_run_sampler_add(&sampler, run->status, run->create_time, run->start_time,
                                  run->end_time);
    }
    gf_run_sampler_finish(&sampler, out);
    gf_vec_fini(&ended);
    return GF_OK;
}

enum gf_code gf_memory__get_request(struct gf_store_reader *reader, struct gf_str caller,
                                    struct gf_str request_id, struct gf_arena *arena,
                                    struct gf_request *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct gf_str key = {0};
    char *memory = gf_memory__request_key(caller, request_id, &key);
    const struct memory_request *request = gf_map_get(&reader->store->requests, key);
    free(memory);
    if (request == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "request '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(request_id));
    }
    gf_request_copy(&request->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__get_preferences(struct gf_store_reader *reader, struct gf_arena *arena,
                                        struct gf_preferences *out,
                                        GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    gf_preferences_copy(&reader->store->preferences, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__count_tasks(struct gf_store_reader *reader, int64_t run_key,
                                    struct gf_task_counts *out, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_run *run = gf_map_i64_get(&reader->store->runs, run_key);
    struct gf_task_counts counts = {0};
    for (size_t i = 0; run != NULL && i < run->tasks.count; i++) {
        const struct memory_task *task = run->tasks.items[i];
        if (task == NULL) {
            continue;
        }
        counts.by_state[task->row.state]++;
        if (task->row.state == GF_TASK_STATE_COMPLETE) {
            counts.by_status[task->row.status]++;
        }
    }
    *out = counts;
    return GF_OK;
}

enum gf_code gf_memory__get_task(struct gf_store_reader *reader, int64_t run_key,
                                 struct gf_str task_id, struct gf_arena *arena,
                                 struct gf_task_execution *out, struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_run *run = gf_map_i64_get(&reader->store->runs, run_key);
    if (run == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "run with key %" PRId64 " not found", run_key);
    }
    for (size_t i = 0; i < run->tasks.count; i++) {
        const struct memory_task *task = run->tasks.items[i];
        if (task != NULL && gf_str_eq(task->row.task_id, task_id)) {
            gf_task_execution_copy(&task->row, arena, out);
            return GF_OK;
        }
    }
    char what[GF_ERROR_MESSAGE_BYTES_MAX];
    (void)snprintf(what, sizeof(what), "task '%" GF_STR_FMT "'", GF_STR_ARG(task_id));
    return fail_in_run(run, what, err);
}

enum gf_code gf_memory__get_event(struct gf_store_reader *reader, int64_t sequence,
                                  struct gf_arena *arena, struct gf_event *out,
                                  struct gf_error *err) {
    struct memory_store *store = reader->store;
    GF_MUTEX_GUARD(&store->mutex);
    if (sequence < 1 || (size_t)sequence > store->events.count) {
        return gf_fail(err, GF_NOT_FOUND, "event %" PRId64 " not found", sequence);
    }
    gf_event_copy(&store->events.items[sequence - 1]->row, arena, out);
    return GF_OK;
}
