/*
 * What the files of the SQLite store share: the store itself, its readers, and the functions of
 * each noun. The contracts of the noun's get and list functions are those of struct gf_store_ops.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_STORE_INTERNAL_H_
#define GOFER_ENGINE_STORE_SQLITE_STORE_INTERNAL_H_

#include "base/counter.h"
#include "base/histogram.h"
#include "base/str.h"
#include "base/sync.h"
#include "engine/sqlite/db.h"
#include "engine/store/sqlite/row.h"
#include "engine/store/sqlite/sql.h"
#include "engine/store/sqlite/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gf_store_reader {
    struct gf_sqlite_store *store;
    struct gf_sqlite_db db;
    struct gf_store_reader *next; /* in the store's list of free ones */
};

struct gf_sqlite_store {
    struct gf_store store; /* first, so that a gf_store is one */
    char *path;
    int lock_fd;

    /* Thread: engine. */
    struct gf_sqlite_db writer;
    struct gf_core_start next; /* as of the last commit: no row has such a key or a higher one */
    bool purging;              /* there are rows of what is deleted */
    bool failed;               /* a commit failed: refuse all others */
    struct gf_error failure;
    struct gf_strbuf scratch; /* bytes of one value while it is written */
    int64_t wal_bytes_max;
    int64_t wal_retry_bytes; /* the size of the log at which to try again, after readers were in the
                                way */

    /* Thread: any. */
    int64_t wal_bytes_soft;
    _Atomic int64_t wal_bytes; /* of the write-ahead log that are in use, after the last commit */
    atomic_flag checkpointing; /* somebody uses the checkpointer */
    struct gf_sqlite_db checkpointer;

    struct gf_mutex mutex; /* of the two below */
    struct gf_cond reader_free;
    struct gf_store_reader *free_readers;
    struct gf_store_reader *readers; /* all, as an array */
    int reader_count;
    int readers_used;
    uint64_t reads_total;
    uint64_t reads_waited_total;

    /* No lock. */
    struct gf_histogram reader_wait;
    struct gf_histogram checkpoint;
    struct gf_histogram stall;
    struct gf_counter checkpoint_failures;
    struct gf_counter checkpoints_busy;
};

static inline struct gf_sqlite_store *gf_sqlite__store(struct gf_store *store) {
    return GF_CONTAINER_OF(store, struct gf_sqlite_store, store);
}

/* ---- readers.c ---- */

enum gf_code gf_sqlite__readers_open(struct gf_sqlite_store *store, int count, const char *vfs,
                                     struct gf_error *err) GF_MUST_USE;
/* All are back. Accepts a store without readers. */
void gf_sqlite__readers_close(struct gf_sqlite_store *store);
struct gf_store_reader *gf_sqlite__open_reader(struct gf_store *store);
void gf_sqlite__close_reader(struct gf_store *store, struct gf_store_reader *reader);

/* gf_sqlite__bind_start on the reader's connection, in its snapshot, which the first call begins.
 */
enum gf_code gf_sqlite__read_start(struct gf_store_reader *reader, enum gf_sql sql,
                                   struct gf_sqlite_bind *out_bind,
                                   struct gf_error *err) GF_MUST_USE;

/* ---- checkpoint.c ---- */

/* Follows the size of the log. Thread: engine, as the next one. */
void gf_sqlite__wal_watch(struct gf_sqlite_store *store);
/* After a commit: moves the log if it has reached its limit. Best effort: the commit stands. */
void gf_sqlite__wal_bound(struct gf_sqlite_store *store);
enum gf_code gf_sqlite__checkpoint(struct gf_store *store, struct gf_error *err) GF_MUST_USE;

/* ---- commit.c ---- */

enum gf_code gf_sqlite__load_start(struct gf_store *store, struct gf_arena *arena,
                                   struct gf_core_start *out_start,
                                   struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__commit(struct gf_store *store, const struct gf_batch *batch,
                               struct gf_error *err) GF_MUST_USE;
bool gf_sqlite__has_backlog(struct gf_store *store);

/* ---- purge.c: thread: engine, inside of a transaction ---- */

/* Each hides it with all that is below it, and frees its id. An unknown key is nothing. */
enum gf_code gf_sqlite__bury_namespace(struct gf_sqlite_store *store, int64_t namespace_key,
                                       struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__bury_pipeline(struct gf_sqlite_store *store, int64_t pipeline_key,
                                      struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__bury_extension(struct gf_sqlite_store *store, int64_t extension_key,
                                       struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__bury_subscription(struct gf_sqlite_store *store, int64_t subscription_key,
                                          struct gf_error *err) GF_MUST_USE;
/* By one of the statements BURY_. */
enum gf_code gf_sqlite__bury(struct gf_sqlite_store *store, enum gf_sql sql, int64_t key,
                             struct gf_error *err) GF_MUST_USE;
/* Removes up to GF_SQLITE_PURGE_ROWS_MAX rows; *out_more tells whether some are left. */
enum gf_code gf_sqlite__purge(struct gf_sqlite_store *store, bool *out_more,
                              struct gf_error *err) GF_MUST_USE;
/* Whether there is something to remove. Needs no transaction. */
enum gf_code gf_sqlite__find_buried(struct gf_sqlite_store *store, bool *out_found,
                                    struct gf_error *err) GF_MUST_USE;
/*
 * The key that a statement finds, and its second column, where it has one; 0 = none. `parent_key`
 * is its parameter, where it has one.
 */
enum gf_code gf_sqlite__purge_find(struct gf_sqlite_store *store, enum gf_sql sql,
                                   int64_t parent_key, int64_t *out_key, int64_t *out_bytes,
                                   struct gf_error *err) GF_MUST_USE;
/* Deletes by key and takes what went from the budget. */
enum gf_code gf_sqlite__purge_by_key(struct gf_sqlite_store *store, enum gf_sql sql, int64_t key,
                                     int64_t *budget, struct gf_error *err) GF_MUST_USE;
/* Keeps keys below `next` from being given again, whatever is removed. */
enum gf_code gf_sqlite__raise_key_floors(struct gf_sqlite_store *store,
                                         const struct gf_core_start *next,
                                         struct gf_error *err) GF_MUST_USE;

/* ---- purge_extensions.c: likewise ---- */

/* Each goes when all of it is gone; `find` gives the next subscription of the parent. */
enum gf_code gf_sqlite__purge_extension(struct gf_sqlite_store *store, int64_t extension_key,
                                        int64_t *budget, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__purge_subscription(struct gf_sqlite_store *store, int64_t subscription_key,
                                           int64_t *budget, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__purge_subscriptions(struct gf_sqlite_store *store, enum gf_sql find,
                                            int64_t parent_key, int64_t *budget,
                                            struct gf_error *err) GF_MUST_USE;
/* After the rows of a batch: what belongs to extensions and subscriptions that it made and deleted.
 */
enum gf_code gf_sqlite__drop_orphans(struct gf_sqlite_store *store, const struct gf_batch *batch,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * ---- One file for each noun ----
 *
 * Writing: thread: engine, inside of a transaction. Members that never change after the first
 * commit of a row are not written again (engine/store/store.h names them).
 */

enum gf_code gf_sqlite__write_namespace(struct gf_sqlite_store *store,
                                        const struct gf_namespace *ns,
                                        struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_pipeline(struct gf_sqlite_store *store,
                                       const struct gf_pipeline *pipeline,
                                       struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_config(struct gf_sqlite_store *store, const struct gf_config *config,
                                     struct gf_error *err) GF_MUST_USE;
/* An unknown key is nothing. */
enum gf_code gf_sqlite__delete_config(struct gf_sqlite_store *store,
                                      const struct gf_config_key *key,
                                      struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_deployment(struct gf_sqlite_store *store,
                                         const struct gf_deployment *deployment,
                                         struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_run(struct gf_sqlite_store *store, const struct gf_run *run,
                                  struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_task(struct gf_sqlite_store *store,
                                   const struct gf_task_execution *task,
                                   struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_input(struct gf_sqlite_store *store,
                                    const struct gf_run_input_row *input,
                                    struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_attempt(struct gf_sqlite_store *store,
                                      const struct gf_task_execution *attempt,
                                      struct gf_error *err) GF_MUST_USE;
/* All of a batch, because those that are too old go with them. */
enum gf_code gf_sqlite__write_requests(struct gf_sqlite_store *store,
                                       const struct gf_request_vec *requests,
                                       struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_preferences(struct gf_sqlite_store *store,
                                          const struct gf_preferences *preferences,
                                          struct gf_error *err) GF_MUST_USE;
/* By the writing connection. */
enum gf_code gf_sqlite__load_preferences(struct gf_sqlite_store *store, struct gf_arena *arena,
                                         struct gf_preferences *out,
                                         struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_event(struct gf_sqlite_store *store, const struct gf_event *event,
                                    struct gf_error *err) GF_MUST_USE;

enum gf_code gf_sqlite__write_token(struct gf_sqlite_store *store, const struct gf_token *token,
                                    struct gf_error *err) GF_MUST_USE;
/* An unknown id is nothing, here and in the next but one. */
enum gf_code gf_sqlite__delete_token(struct gf_sqlite_store *store, const struct gf_str *token_id,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_role(struct gf_sqlite_store *store, const struct gf_role *role,
                                   struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__delete_role(struct gf_sqlite_store *store, const struct gf_str *role_id,
                                    struct gf_error *err) GF_MUST_USE;

enum gf_code gf_sqlite__write_extension(struct gf_sqlite_store *store,
                                        const struct gf_extension *extension,
                                        struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_subscription(struct gf_sqlite_store *store,
                                           const struct gf_subscription *row,
                                           struct gf_error *err) GF_MUST_USE;
/* All of a batch, because some that are there go with them. */
enum gf_code gf_sqlite__write_start_keys(struct gf_sqlite_store *store,
                                         const struct gf_start_key_vec *keys,
                                         struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_delivery_ids(struct gf_sqlite_store *store,
                                           const struct gf_delivery_id_vec *ids,
                                           struct gf_error *err);
enum gf_code gf_sqlite__write_deliveries(struct gf_sqlite_store *store,
                                         const struct gf_delivery_vec *rows,
                                         struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__delete_delivery(struct gf_sqlite_store *store, int64_t delivery_key,
                                        struct gf_error *err) GF_MUST_USE;
enum gf_code gf_sqlite__write_reports(struct gf_sqlite_store *store,
                                      const struct gf_report_vec *rows,
                                      struct gf_error *err) GF_MUST_USE;

enum gf_code gf_sqlite__get_namespace(struct gf_store_reader *reader, struct gf_str namespace_id,
                                      struct gf_arena *arena, struct gf_namespace *out,
                                      struct gf_error *err);
enum gf_code gf_sqlite__list_namespaces(struct gf_store_reader *reader,
                                        struct gf_str after_namespace_id, size_t limit,
                                        struct gf_arena *arena, struct gf_namespace **out_items,
                                        size_t *out_count, struct gf_error *err);

enum gf_code gf_sqlite__get_pipeline(struct gf_store_reader *reader, struct gf_str namespace_id,
                                     struct gf_str pipeline_id, struct gf_arena *arena,
                                     struct gf_pipeline *out, struct gf_error *err);
enum gf_code gf_sqlite__get_pipeline_by_key(struct gf_store_reader *reader, int64_t pipeline_key,
                                            struct gf_arena *arena, struct gf_pipeline *out,
                                            struct gf_error *err);
enum gf_code gf_sqlite__list_pipelines(struct gf_store_reader *reader, int64_t namespace_key,
                                       struct gf_str after_pipeline_id, size_t limit,
                                       struct gf_arena *arena, struct gf_pipeline **out_items,
                                       size_t *out_count, struct gf_error *err);
/*
 * Fills err for something that is missing below a pipeline: "run 7 not found in pipeline 'p' of
 * namespace 'n'", or that the pipeline itself is not there. `what` is the missing thing ("run 7").
 */
enum gf_code gf_sqlite__missing_below(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const char *what, struct gf_error *err);

enum gf_code gf_sqlite__get_config(struct gf_store_reader *reader, int64_t pipeline_key,
                                   int64_t version, struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err);
enum gf_code gf_sqlite__list_configs(struct gf_store_reader *reader, int64_t pipeline_key,
                                     int64_t before_version, size_t limit, struct gf_arena *arena,
                                     struct gf_config **out_items, size_t *out_count,
                                     struct gf_error *err);

enum gf_code gf_sqlite__get_deployment(struct gf_store_reader *reader, int64_t pipeline_key,
                                       int64_t deployment_id, struct gf_arena *arena,
                                       struct gf_deployment *out, struct gf_error *err);
enum gf_code gf_sqlite__list_deployments(struct gf_store_reader *reader, int64_t pipeline_key,
                                         int64_t before_deployment_id, size_t limit,
                                         struct gf_arena *arena, struct gf_deployment **out_items,
                                         size_t *out_count, struct gf_error *err);

enum gf_code gf_sqlite__get_run(struct gf_store_reader *reader, int64_t pipeline_key,
                                int64_t run_id, struct gf_arena *arena, struct gf_run *out,
                                struct gf_error *err);
enum gf_code gf_sqlite__get_run_by_request(struct gf_store_reader *reader, int64_t pipeline_key,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_run *out, struct gf_error *err);
enum gf_code gf_sqlite__list_runs(struct gf_store_reader *reader, int64_t pipeline_key,
                                  const struct gf_run_list_options *options, struct gf_arena *arena,
                                  struct gf_run **out_items, size_t *out_count,
                                  int64_t *out_scanned, struct gf_error *err);
enum gf_code gf_sqlite__get_run_input(struct gf_store_reader *reader, int64_t run_key,
                                      struct gf_arena *arena, struct gf_str *out_content,
                                      struct gf_error *err);
enum gf_code gf_sqlite__get_run_stats(struct gf_store_reader *reader, int64_t pipeline_key,
                                      const int64_t *since_times, size_t count,
                                      struct gf_run_stats *out, struct gf_error *err);
/* A gf_sqlite_read of GF_SQL_RUN_COLUMNS into a struct gf_run. */
enum gf_code gf_sqlite__read_run(struct gf_sqlite_row *row, void *item, struct gf_error *err);
/*
 * Fills err for something that is missing in a run: "task 't' not found in run 7 of pipeline 'p' of
 * namespace 'n'", or that the run itself is not there. `what` is the missing thing ("task 't'").
 */
enum gf_code gf_sqlite__missing_in_run(struct gf_store_reader *reader, int64_t run_key,
                                       const char *what, struct gf_error *err);
enum gf_code gf_sqlite__list_active_runs(struct gf_store_reader *reader, int64_t after_run_key,
                                         size_t limit, struct gf_arena *arena,
                                         struct gf_run **out_items, size_t *out_count,
                                         struct gf_error *err);

enum gf_code gf_sqlite__get_task(struct gf_store_reader *reader, int64_t run_key,
                                 struct gf_str task_id, struct gf_arena *arena,
                                 struct gf_task_execution *out, struct gf_error *err);
enum gf_code gf_sqlite__list_tasks(struct gf_store_reader *reader, int64_t run_key,
                                   int32_t after_index, size_t limit, struct gf_arena *arena,
                                   struct gf_task_execution **out_items, size_t *out_count,
                                   struct gf_error *err);

enum gf_code gf_sqlite__list_attempts(struct gf_store_reader *reader, int64_t run_key,
                                      int32_t task_index, struct gf_arena *arena,
                                      struct gf_task_execution **out_items, size_t *out_count,
                                      struct gf_error *err);
enum gf_code gf_sqlite__count_tasks(struct gf_store_reader *reader, int64_t run_key,
                                    struct gf_task_counts *out, struct gf_error *err);

enum gf_code gf_sqlite__get_request(struct gf_store_reader *reader, struct gf_str caller,
                                    struct gf_str request_id, struct gf_arena *arena,
                                    struct gf_request *out, struct gf_error *err);
enum gf_code gf_sqlite__get_preferences(struct gf_store_reader *reader, struct gf_arena *arena,
                                        struct gf_preferences *out, struct gf_error *err);

enum gf_code gf_sqlite__get_event(struct gf_store_reader *reader, int64_t sequence,
                                  struct gf_arena *arena, struct gf_event *out,
                                  struct gf_error *err);
enum gf_code gf_sqlite__list_events(struct gf_store_reader *reader,
                                    const struct gf_event_filter *filter, int64_t after_sequence,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_event **out_items, size_t *out_count,
                                    int64_t *out_scanned, struct gf_error *err);

enum gf_code gf_sqlite__list_roles(struct gf_store_reader *reader, struct gf_str after_role_id,
                                   size_t limit, struct gf_arena *arena, struct gf_role **out_items,
                                   size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite__get_role(struct gf_store_reader *reader, struct gf_str role_id,
                                 struct gf_arena *arena, struct gf_role *out, struct gf_error *err);
enum gf_code gf_sqlite__list_tokens(struct gf_store_reader *reader, const struct gf_token *after,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_token **out_items, size_t *out_count,
                                    struct gf_error *err);
enum gf_code gf_sqlite__get_token(struct gf_store_reader *reader, struct gf_str token_id,
                                  struct gf_arena *arena, struct gf_token *out,
                                  struct gf_error *err);

/* ---- struct gf_store_extension_ops ---- */

enum gf_code gf_sqlite__get_extension(struct gf_store_reader *reader, struct gf_str extension_id,
                                      struct gf_arena *arena, struct gf_extension *out,
                                      struct gf_error *err);
enum gf_code gf_sqlite__list_extensions(struct gf_store_reader *reader,
                                        struct gf_str after_extension_id, size_t limit,
                                        struct gf_arena *arena, struct gf_extension **out_items,
                                        size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite__count_of_extension(struct gf_store_reader *reader, int64_t extension_key,
                                           struct gf_extension_counts *out, struct gf_error *err);
enum gf_code gf_sqlite__get_subscription(struct gf_store_reader *reader, struct gf_str namespace_id,
                                         struct gf_str pipeline_id, struct gf_str extension_id,
                                         struct gf_str subscription_id, struct gf_arena *arena,
                                         struct gf_subscription *out, struct gf_error *err);
enum gf_code gf_sqlite__list_subscriptions(struct gf_store_reader *reader,
                                           const struct gf_subscription_list_options *options,
                                           struct gf_arena *arena,
                                           struct gf_subscription **out_items, size_t *out_count,
                                           struct gf_error *err);
enum gf_code gf_sqlite__scan_subscriptions(struct gf_store_reader *reader, int64_t extension_key,
                                           int64_t after_subscription_key, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_subscription **out_items, size_t *out_count,
                                           struct gf_error *err);
enum gf_code gf_sqlite__get_start_key(struct gf_store_reader *reader, int64_t subscription_key,
                                      struct gf_str key, struct gf_arena *arena,
                                      struct gf_start_key *out, struct gf_error *err);
enum gf_code gf_sqlite__get_delivery_id(struct gf_store_reader *reader, int64_t extension_key,
                                        struct gf_str id, struct gf_arena *arena,
                                        struct gf_delivery_id *out, struct gf_error *err);
enum gf_code gf_sqlite__get_delivery(struct gf_store_reader *reader, int64_t delivery_key,
                                     bool with_content, struct gf_arena *arena,
                                     struct gf_delivery *out, struct gf_error *err);
enum gf_code gf_sqlite__list_deliveries(struct gf_store_reader *reader,
                                        const struct gf_delivery_list_options *options,
                                        struct gf_arena *arena, struct gf_delivery **out_items,
                                        size_t *out_count, struct gf_error *err);
enum gf_code gf_sqlite__list_reports(struct gf_store_reader *reader,
                                     const struct gf_report_list_options *options,
                                     struct gf_arena *arena, struct gf_report **out_items,
                                     int64_t **out_rows, size_t *out_count, struct gf_error *err);

#endif /* GOFER_ENGINE_STORE_SQLITE_STORE_INTERNAL_H_ */
