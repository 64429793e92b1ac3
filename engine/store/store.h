/*
 * The store port: where rows and events live.
 *
 * Writing: the engine thread hands over one batch at a time; commit() returns when the batch is on
 * the disk, whole. Reading: readers see committed state only, run on worker threads, each on a
 * connection of its own, and are borrowed from the store for one call (open_reader, close_reader),
 * so that nobody holds a snapshot open for long. What one reader reads until it is closed is one
 * snapshot, taken with its first read: a run and the newest event number that belongs to it.
 *
 * What changes in a row after its first commit: of a namespace name, description, run_parallelism
 * and update_time; of a role description, permissions and update_time; of a token disabled and its
 * last use; of a pipeline state, state_reason, update_time and the numbers of the latest and
 * live; of a config state and deprecate_time; of a deployment state, status, reason and end_time;
 * of a run state, status, reason, cancel_requested and the times but create_time; of a task
 * execution all but run_key, task_index, task_id and create_time; of an attempt, an input and an
 * event nothing. A back end need not write the rest again.
 *
 * Requests older than GF_REQUEST_AGE_NS_MAX, by the create_time of the newest, are dropped, a few
 * with each batch that has new ones; until then they are found.
 *
 * Results of readers are copied into the caller's arena. Lists come in a stable order, at most
 * `limit` items behind the key `after` (exclusive; 0 or empty = from the beginning).
 */
#ifndef GOFER_ENGINE_STORE_STORE_H_
#define GOFER_ENGINE_STORE_STORE_H_

#include "base/arena.h"
#include "base/error.h"
#include "engine/core/core.h"
#include "engine/core/model.h"
#include "engine/store/extension_reads.h"

enum {
    /* get_run_stats looks at this many runs at most: those that ended last. */
    GF_RUN_STATS_RUNS_MAX = 100000,
    GF_RUN_STATS_WINDOWS_MAX = 10, /* of one call */
};

struct gf_store;
struct gf_store_reader;

/* A run is listed when it has one of the states and one of the statuses. */
struct gf_run_list_options {
    int64_t after_run_id; /* 0 = from the end the order begins with */
    bool ascending;       /* default: newest first */
    uint32_t states;      /* bit 1 << enum gf_run_state; 0 = any */
    uint32_t statuses;    /* bit 1 << enum gf_run_status, bit 0: it has none yet; 0 = any */
    size_t limit;         /* 1 or more */
};

struct gf_event_filter {
    struct gf_str namespace_id;  /* empty = any */
    struct gf_str pipeline_id;   /* empty = any; with namespace_id */
    int64_t run_id;              /* 0 = any; with pipeline_id */
    struct gf_str extension_id;  /* empty = any */
    struct gf_event_kinds kinds; /* empty = any */
};

bool gf_event_filter_matches(const struct gf_event_filter *filter, const struct gf_event *event);

struct gf_store_ops {
    void (*destroy)(struct gf_store *store);

    /* ---- Thread: engine ---- */

    /* What gf_core_create needs, from what is stored; texts are in the arena. */
    enum gf_code (*load_start)(struct gf_store *store, struct gf_arena *arena,
                               struct gf_core_start *out_start, struct gf_error *err);

    /*
     * Writes the batch in one transaction and syncs. On an error nothing of it is stored, or it
     * cannot be known whether it is: the caller must not go on (GF_UNAVAILABLE, GF_DATA_LOSS), and
     * every further commit is refused.
     */
    enum gf_code (*commit)(struct gf_store *store, const struct gf_batch *batch,
                           struct gf_error *err);
    /*
     * Whether there are rows left of what was deleted. Each commit removes a portion of them that
     * takes some milliseconds, and so does one of an empty batch.
     */
    bool (*has_backlog)(struct gf_store *store);

    /* ---- Thread: any ---- */

    /* Blocks while all readers are lent out. Every open is closed by the same thread. */
    struct gf_store_reader *(*open_reader)(struct gf_store *store);
    void (*close_reader)(struct gf_store *store, struct gf_store_reader *reader);

    /*
     * Moves the write-ahead log into the database file, where that is due. Blocks; call it from the
     * worker pool, after each batch if need be: it costs nothing while there is little to move.
     */
    enum gf_code (*checkpoint)(struct gf_store *store, struct gf_error *err);

    /*
     * One object, or GF_NOT_FOUND with a message that names what is missing, the parent first: a
     * pipeline that is asked for in an unknown namespace gives "namespace 'x' not found".
     */
    enum gf_code (*get_namespace)(struct gf_store_reader *reader, struct gf_str namespace_id,
                                  struct gf_arena *arena, struct gf_namespace *out,
                                  struct gf_error *err);
    enum gf_code (*get_pipeline)(struct gf_store_reader *reader, struct gf_str namespace_id,
                                 struct gf_str pipeline_id, struct gf_arena *arena,
                                 struct gf_pipeline *out, struct gf_error *err);
    /* By key: for the engine's needs. */
    enum gf_code (*get_pipeline_by_key)(struct gf_store_reader *reader, int64_t pipeline_key,
                                        struct gf_arena *arena, struct gf_pipeline *out,
                                        struct gf_error *err);
    enum gf_code (*get_config)(struct gf_store_reader *reader, int64_t pipeline_key,
                               int64_t version, struct gf_arena *arena, struct gf_config *out,
                               struct gf_error *err);
    enum gf_code (*get_deployment)(struct gf_store_reader *reader, int64_t pipeline_key,
                                   int64_t deployment_id, struct gf_arena *arena,
                                   struct gf_deployment *out, struct gf_error *err);
    enum gf_code (*get_run)(struct gf_store_reader *reader, int64_t pipeline_key, int64_t run_id,
                            struct gf_arena *arena, struct gf_run *out, struct gf_error *err);
    /* The newest run that was started with this request_id; an empty one is never found. */
    enum gf_code (*get_run_by_request)(struct gf_store_reader *reader, int64_t pipeline_key,
                                       struct gf_str request_id, struct gf_arena *arena,
                                       struct gf_run *out, struct gf_error *err);
    /* The document of a run; GF_NOT_FOUND where it has none. */
    enum gf_code (*get_run_input)(struct gf_store_reader *reader, int64_t run_key,
                                  struct gf_arena *arena, struct gf_str *out_content,
                                  struct gf_error *err);
    /*
     * How the runs of a pipeline have fared that ended at since_times[i] or later: out[i], for each
     * of 1 to GF_RUN_STATS_WINDOWS_MAX times, in any order. Exact, where no more than
     * GF_RUN_STATS_RUNS_MAX runs ended since then; else of the newest so many, and `truncated`. All
     * are 0 where there is no such run or no such pipeline.
     */
    enum gf_code (*get_run_stats)(struct gf_store_reader *reader, int64_t pipeline_key,
                                  const int64_t *since_times, size_t count,
                                  struct gf_run_stats *out, struct gf_error *err);
    /* The first outcome of a request, however old, while it is kept. */
    enum gf_code (*get_request)(struct gf_store_reader *reader, struct gf_str caller,
                                struct gf_str request_id, struct gf_arena *arena,
                                struct gf_request *out, struct gf_error *err);
    enum gf_code (*get_preferences)(struct gf_store_reader *reader, struct gf_arena *arena,
                                    struct gf_preferences *out, struct gf_error *err);
    /* All are 0 where the run has no tasks yet, or is not there. */
    enum gf_code (*count_tasks)(struct gf_store_reader *reader, int64_t run_key,
                                struct gf_task_counts *out, struct gf_error *err);
    enum gf_code (*get_task)(struct gf_store_reader *reader, int64_t run_key, struct gf_str task_id,
                             struct gf_arena *arena, struct gf_task_execution *out,
                             struct gf_error *err);
    enum gf_code (*get_event)(struct gf_store_reader *reader, int64_t sequence,
                              struct gf_arena *arena, struct gf_event *out, struct gf_error *err);

    /* Lists: *out_items is an array in the arena of *out_count items; fewer than limit = the end.
     */
    enum gf_code (*list_namespaces)(struct gf_store_reader *reader,
                                    struct gf_str after_namespace_id, size_t limit,
                                    struct gf_arena *arena, struct gf_namespace **out_items,
                                    size_t *out_count, struct gf_error *err);
    enum gf_code (*list_pipelines)(struct gf_store_reader *reader, int64_t namespace_key,
                                   struct gf_str after_pipeline_id, size_t limit,
                                   struct gf_arena *arena, struct gf_pipeline **out_items,
                                   size_t *out_count, struct gf_error *err);
    /* Newest first, below before_version (0 = from the newest). */
    enum gf_code (*list_configs)(struct gf_store_reader *reader, int64_t pipeline_key,
                                 int64_t before_version, size_t limit, struct gf_arena *arena,
                                 struct gf_config **out_items, size_t *out_count,
                                 struct gf_error *err);
    enum gf_code (*list_deployments)(struct gf_store_reader *reader, int64_t pipeline_key,
                                     int64_t before_deployment_id, size_t limit,
                                     struct gf_arena *arena, struct gf_deployment **out_items,
                                     size_t *out_count, struct gf_error *err);
    /*
     * *out_scanned is the run_id up to which was looked: the place to go on from. One call looks at
     * a bounded number of runs, so with a filter fewer than limit is not the end: the end is where
     * *out_scanned is after_run_id.
     */
    enum gf_code (*list_runs)(struct gf_store_reader *reader, int64_t pipeline_key,
                              const struct gf_run_list_options *options, struct gf_arena *arena,
                              struct gf_run **out_items, size_t *out_count, int64_t *out_scanned,
                              struct gf_error *err);
    /* In the order of the config's tasks, behind after_index (-1 = from the first). */
    enum gf_code (*list_tasks)(struct gf_store_reader *reader, int64_t run_key, int32_t after_index,
                               size_t limit, struct gf_arena *arena,
                               struct gf_task_execution **out_items, size_t *out_count,
                               struct gf_error *err);
    /* The earlier attempts of a task, oldest first: at most GF_RETRY_ATTEMPTS_MAX. */
    enum gf_code (*list_attempts)(struct gf_store_reader *reader, int64_t run_key,
                                  int32_t task_index, struct gf_arena *arena,
                                  struct gf_task_execution **out_items, size_t *out_count,
                                  struct gf_error *err);
    /*
     * Events with a sequence number above after_sequence that match the filter, oldest first.
     * *out_scanned is the sequence up to which was looked: the place to go on from. One call looks
     * at a bounded number of events, so fewer than limit is not the end: the end is where
     * *out_scanned is after_sequence.
     */
    enum gf_code (*list_events)(struct gf_store_reader *reader,
                                const struct gf_event_filter *filter, int64_t after_sequence,
                                size_t limit, struct gf_arena *arena, struct gf_event **out_items,
                                size_t *out_count, int64_t *out_scanned, struct gf_error *err);
    /* Roles of users (not those of the system), by role_id, bytewise. */
    enum gf_code (*list_roles)(struct gf_store_reader *reader, struct gf_str after_role_id,
                               size_t limit, struct gf_arena *arena, struct gf_role **out_items,
                               size_t *out_count, struct gf_error *err);
    enum gf_code (*get_role)(struct gf_store_reader *reader, struct gf_str role_id,
                             struct gf_arena *arena, struct gf_role *out, struct gf_error *err);
    /* Newest first: by create_time, then token_id, both downwards, behind the token `after`, which
     * may be gone; NULL = from the newest. Only its create_time and token_id count. */
    enum gf_code (*list_tokens)(struct gf_store_reader *reader, const struct gf_token *after,
                                size_t limit, struct gf_arena *arena, struct gf_token **out_items,
                                size_t *out_count, struct gf_error *err);
    enum gf_code (*get_token)(struct gf_store_reader *reader, struct gf_str token_id,
                              struct gf_arena *arena, struct gf_token *out, struct gf_error *err);
    /* Runs that are not complete, of all pipelines, by run_key: what a start restores. */
    enum gf_code (*list_active_runs)(struct gf_store_reader *reader, int64_t after_run_key,
                                     size_t limit, struct gf_arena *arena,
                                     struct gf_run **out_items, size_t *out_count,
                                     struct gf_error *err);

    const struct gf_store_extension_ops *extensions; /* extension_reads.h */
};

/* First member of every back end's store; callers go through `ops`. */
struct gf_store {
    const struct gf_store_ops *ops;
};

#endif /* GOFER_ENGINE_STORE_STORE_H_ */
