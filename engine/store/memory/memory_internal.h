/*
 * The insides of the memory store: one object for each row, with an arena for its texts, and maps
 * by key. Everything is behind one mutex.
 */
#ifndef GOFER_ENGINE_STORE_MEMORY_MEMORY_INTERNAL_H_
#define GOFER_ENGINE_STORE_MEMORY_MEMORY_INTERNAL_H_

#include "base/arena.h"
#include "base/map.h"
#include "base/sync.h"
#include "base/vec.h"
#include "engine/store/memory/memory.h"
#include "engine/store/memory/memory_extensions.h"

struct memory_namespace {
    struct gf_namespace row;
    struct gf_arena arena;
};

struct memory_config {
    struct gf_config row;
    struct gf_arena arena;
};

struct memory_deployment {
    struct gf_deployment row;
    struct gf_arena arena;
};

struct memory_task {
    struct gf_task_execution row;
    struct gf_arena arena;
};

struct memory_run {
    struct gf_run row;
    struct gf_arena arena;
    GF_VEC(struct memory_task *) tasks;    /* by task_index; NULL where there is no row */
    GF_VEC(struct memory_task *) attempts; /* of all tasks, in the order of attempt */
    bool has_document;
    char *document; /* on the heap */
    size_t document_size;
};

struct memory_pipeline {
    struct gf_pipeline row;
    struct gf_arena arena;
    GF_VEC(struct memory_config *) configs;         /* in the order of versions */
    GF_VEC(struct memory_deployment *) deployments; /* in the order of ids */
    GF_VEC(struct memory_run *) runs;               /* in the order of run_id */
    struct gf_map requests;                         /* request_id -> memory_run */
};

struct memory_request {
    struct gf_request row;
    struct gf_arena arena;
};

struct memory_event {
    struct gf_event row;
    struct gf_arena arena;
};

struct memory_token {
    struct gf_token row;
    struct gf_arena arena;
};

struct memory_role {
    struct gf_role row;
    struct gf_arena arena;
};

/* Readers have no state of their own: each call sees what is committed. */
struct gf_store_reader {
    struct memory_store *store;
};

struct memory_store {
    struct gf_store base;
    struct gf_store_reader reader;
    struct gf_mutex mutex;
    struct gf_map_i64 namespaces;
    struct gf_map namespaces_by_id;
    struct gf_map_i64 pipelines;
    struct gf_map_i64 runs;
    struct gf_map requests; /* gf_memory__request_key -> memory_request, the oldest first */
    struct gf_preferences preferences;
    struct gf_arena preferences_arena;
    struct gf_map tokens; /* by id */
    struct gf_map roles;  /* by id */
    struct memory_extensions extensions;
    GF_VEC(struct memory_event *) events;
    struct gf_core_start next;
    int64_t commits_left;
    int64_t commit_count;
    int64_t checkpoint_count;
};

/* ---- commit.c ---- */

void gf_memory__apply(struct memory_store *store, const struct gf_batch *batch);
void gf_memory__copy_all(struct memory_store *from, struct memory_store *to);

/* ---- remove.c: with all that is below; a key that is not known is nothing ---- */

void gf_memory__remove_namespace(struct memory_store *store, int64_t namespace_key);
void gf_memory__remove_pipeline(struct memory_store *store, int64_t pipeline_key);
void gf_memory__remove_config(struct memory_store *store, struct gf_config_key key);
void gf_memory__remove_token(struct memory_store *store, struct gf_str token_id);
void gf_memory__remove_role(struct memory_store *store, struct gf_str role_id);
/* One that is in no map. */
void gf_memory__free_request(struct memory_request *request);
void gf_memory__free_all(struct memory_store *store);

/* ---- find.c: with the mutex held; NULL where there is none ---- */

struct memory_namespace *gf_memory__find_namespace(const struct memory_store *store,
                                                   struct gf_str namespace_id);
struct memory_pipeline *gf_memory__find_pipeline(const struct memory_store *store,
                                                 int64_t namespace_key, struct gf_str pipeline_id);
struct memory_config *gf_memory__find_config(const struct memory_pipeline *pipeline,
                                             int64_t version);
struct memory_deployment *gf_memory__find_deployment(const struct memory_pipeline *pipeline,
                                                     int64_t deployment_id);
struct memory_run *gf_memory__find_run(const struct memory_pipeline *pipeline, int64_t run_id);
/* The key of a request in the map, on the heap; *out_key is a view of it. */
char *gf_memory__request_key(struct gf_str caller, struct gf_str request_id,
                             struct gf_str *out_key) GF_MUST_USE;

/* ---- get.c, list.c, access.c: the readers of the port ---- */

enum gf_code gf_memory__get_namespace(struct gf_store_reader *reader, struct gf_str namespace_id,
                                      struct gf_arena *arena, struct gf_namespace *out,
                                      struct gf_error *err);
enum gf_code gf_memory__get_pipeline(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_arena *arena,
                                     struct gf_pipeline *out, struct gf_error *err);
enum gf_code gf_memory__get_pipeline_by_key(struct gf_store_reader *reader, int64_t pipeline_key,
                                            struct gf_arena *arena, struct gf_pipeline *out,
                                            struct gf_error *err);
enum gf_code gf_memory__get_config(struct gf_store_reader *reader, int64_t pipeline_key,
                                   int64_t version, struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err);
enum gf_code gf_memory__get_deployment(struct gf_store_reader *reader, int64_t pipeline_key,
                                       int64_t deployment_id, struct gf_arena *arena,
                                       struct gf_deployment *out, struct gf_error *err);
enum gf_code gf_memory__get_run(struct gf_store_reader *reader, int64_t pipeline_key,
                                int64_t run_id, struct gf_arena *arena, struct gf_run *out,
                                struct gf_error *err);
enum gf_code gf_memory__get_run_by_request(struct gf_store_reader *reader, int64_t pipeline_key,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_run *out, struct gf_error *err);
enum gf_code gf_memory__get_run_input(struct gf_store_reader *reader, int64_t run_key,
                                      struct gf_arena *arena, struct gf_str *out_content,
                                      struct gf_error *err);
enum gf_code gf_memory__get_run_stats(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const int64_t *since_times, size_t count,
                                      struct gf_run_stats *out, struct gf_error *err);
enum gf_code gf_memory__get_request(struct gf_store_reader *reader, struct gf_str caller,
                                    struct gf_str request_id, struct gf_arena *arena,
                                    struct gf_request *out, struct gf_error *err);
enum gf_code gf_memory__get_preferences(struct gf_store_reader *reader, struct gf_arena *arena,
                                        struct gf_preferences *out, struct gf_error *err);
enum gf_code gf_memory__count_tasks(struct gf_store_reader *reader, int64_t run_key,
                                    struct gf_task_counts *out, struct gf_error *err);
enum gf_code gf_memory__get_task(struct gf_store_reader *reader, int64_t run_key,
                                 struct gf_str task_id, struct gf_arena *arena,
                                 struct gf_task_execution *out, struct gf_error *err);
enum gf_code gf_memory__get_event(struct gf_store_reader *reader, int64_t sequence,
                                  struct gf_arena *arena, struct gf_event *out,
                                  struct gf_error *err);
enum gf_code gf_memory__list_namespaces(struct gf_store_reader *reader,
                                        struct gf_str after_namespace_id, size_t limit,
                                        struct gf_arena *arena, struct gf_namespace **out_items,
                                        size_t *out_count, struct gf_error *err);
enum gf_code gf_memory__list_pipelines(struct gf_store_reader *reader, int64_t namespace_key,
                                       struct gf_str after_pipeline_id, size_t limit,
                                       struct gf_arena *arena, struct gf_pipeline **out_items,
                                       size_t *out_count, struct gf_error *err);
enum gf_code gf_memory__list_configs(struct gf_store_reader *reader, int64_t pipeline_key,
                                     int64_t before_version, size_t limit, struct gf_arena *arena,
                                     struct gf_config **out_items, size_t *out_count,
                                     struct gf_error *err);
enum gf_code gf_memory__list_deployments(struct gf_store_reader *reader, int64_t pipeline_key,
                                         int64_t before_deployment_id, size_t limit,
                                         struct gf_arena *arena, struct gf_deployment **out_items,
                                         size_t *out_count, struct gf_error *err);
enum gf_code gf_memory__list_runs(struct gf_store_reader *reader, int64_t pipeline_key,
                                  const struct gf_run_list_options *options, struct gf_arena *arena,
                                  struct gf_run **out_items, size_t *out_count,
                                  int64_t *out_scanned, struct gf_error *err);
enum gf_code gf_memory__list_attempts(struct gf_store_reader *reader, int64_t run_key,
                                      int32_t task_index, struct gf_arena *arena,
                                      struct gf_task_execution **out_items, size_t *out_count,
                                      struct gf_error *err);
enum gf_code gf_memory__list_tasks(struct gf_store_reader *reader, int64_t run_key,
                                   int32_t after_index, size_t limit, struct gf_arena *arena,
                                   struct gf_task_execution **out_items, size_t *out_count,
                                   struct gf_error *err);
enum gf_code gf_memory__list_events(struct gf_store_reader *reader,
                                    const struct gf_event_filter *filter, int64_t after_sequence,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_event **out_items, size_t *out_count,
                                    int64_t *out_scanned, struct gf_error *err);
enum gf_code gf_memory__list_active_runs(struct gf_store_reader *reader, int64_t after_run_key,
                                         size_t limit, struct gf_arena *arena,
                                         struct gf_run **out_items, size_t *out_count,
                                         struct gf_error *err);
enum gf_code gf_memory__list_roles(struct gf_store_reader *reader, struct gf_str after_role_id,
                                   size_t limit, struct gf_arena *arena, struct gf_role **out_items,
                                   size_t *out_count, struct gf_error *err);
enum gf_code gf_memory__get_role(struct gf_store_reader *reader, struct gf_str role_id,
                                 struct gf_arena *arena, struct gf_role *out, struct gf_error *err);
enum gf_code gf_memory__list_tokens(struct gf_store_reader *reader, const struct gf_token *after,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_token **out_items, size_t *out_count,
                                    struct gf_error *err);
enum gf_code gf_memory__get_token(struct gf_store_reader *reader, struct gf_str token_id,
                                  struct gf_arena *arena, struct gf_token *out,
                                  struct gf_error *err);

#endif /* GOFER_ENGINE_STORE_MEMORY_MEMORY_INTERNAL_H_ */
