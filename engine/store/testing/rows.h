/*
 * Rows and batches for tests of stores.
 *
 *     struct gf_rows rows;
 *     gf_rows_init(&rows);
 *     struct gf_namespace *ns = gf_rows_namespace(&rows, 1, "default");
 *     ns->name = GF_STR("Default");
 *     gf_rows_commit(&rows, store);
 *     gf_rows_fini(&rows);
 *
 * Each row is filled with what a store needs, is part of the next batch, and may be changed until
 * then. Rows live until gf_rows_fini, so that a test can compare them with what it reads back, or
 * change them and put them into a later batch with gf_rows_again_*.
 *
 * A commit that fails aborts the test. Thread: one at a time.
 */
#ifndef GOFER_ENGINE_STORE_TESTING_ROWS_H_
#define GOFER_ENGINE_STORE_TESTING_ROWS_H_

#include "base/arena.h"
#include "engine/store/store.h"

#include <stdint.h>

struct gf_rows {
    struct gf_arena arena;
    struct gf_batch batch;
    int64_t next_sequence;
};

void gf_rows_init(struct gf_rows *rows);
void gf_rows_fini(struct gf_rows *rows);

/* Text in the arena of the rows. */
struct gf_str gf_rows_text(struct gf_rows *rows, const char *fmt, ...) GF_PRINTF(2, 3);

/* Ids are borrowed until gf_rows_fini. */
struct gf_namespace *gf_rows_namespace(struct gf_rows *rows, int64_t namespace_key,
                                       const char *namespace_id);
/* ACTIVE, without versions and runs. */
struct gf_pipeline *gf_rows_pipeline(struct gf_rows *rows, const struct gf_namespace *ns,
                                     int64_t pipeline_key, const char *pipeline_id);
/* UNRELEASED, with tasks as gf_fixture_config reads them. */
struct gf_config *gf_rows_config(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                                 int64_t version, const char *tasks);
/* RUNNING. */
struct gf_deployment *gf_rows_deployment(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                                         int64_t deployment_id);
/* RUNNING, of version 1. */
struct gf_run *gf_rows_run(struct gf_rows *rows, const struct gf_pipeline *pipeline,
                           int64_t run_key, int64_t run_id);
/* WAITING. */
struct gf_task_execution *gf_rows_task(struct gf_rows *rows, const struct gf_run *run,
                                       int32_t task_index, const char *task_id);
/* How the task is now, as the row of an earlier attempt. */
struct gf_task_execution *gf_rows_attempt(struct gf_rows *rows,
                                          const struct gf_task_execution *task);
/* The content is borrowed until the commit. */
void gf_rows_input(struct gf_rows *rows, const struct gf_run *run, struct gf_str content);
/* CREATE_NAMESPACE, of a fingerprint of its own. Good until the next request or the commit. */
struct gf_request *gf_rows_request(struct gf_rows *rows, const char *caller, const char *request_id,
                                   int64_t create_time);
void gf_rows_preferences(struct gf_rows *rows, const struct gf_preferences *preferences);
/* HUMAN, enabled, with a digest of its own and without an expiry. */
struct gf_token *gf_rows_token(struct gf_rows *rows, const char *token_id, int64_t create_time);
/* May read the pipelines of all namespaces. */
struct gf_role *gf_rows_role(struct gf_rows *rows, const char *role_id);
/* Marks the batch: of the service as a whole. */
void gf_rows_bootstrapped(struct gf_rows *rows);
void gf_rows_source_sequence(struct gf_rows *rows, int64_t source_sequence);
/* With the next sequence number, from 1. */
struct gf_event *gf_rows_event(struct gf_rows *rows, enum gf_event_kind kind,
                               const char *namespace_id, const char *pipeline_id, int64_t run_id);

void gf_rows_again_namespace(struct gf_rows *rows, const struct gf_namespace *ns);
void gf_rows_again_pipeline(struct gf_rows *rows, const struct gf_pipeline *pipeline);
void gf_rows_again_config(struct gf_rows *rows, const struct gf_config *config);
void gf_rows_again_deployment(struct gf_rows *rows, const struct gf_deployment *deployment);
void gf_rows_again_run(struct gf_rows *rows, const struct gf_run *run);
void gf_rows_again_task(struct gf_rows *rows, const struct gf_task_execution *task);
void gf_rows_again_token(struct gf_rows *rows, const struct gf_token *token);
void gf_rows_again_role(struct gf_rows *rows, const struct gf_role *role);
/* Ids are borrowed until the commit. */
void gf_rows_delete_token(struct gf_rows *rows, const char *token_id);
void gf_rows_delete_role(struct gf_rows *rows, const char *role_id);
void gf_rows_delete_namespace(struct gf_rows *rows, int64_t namespace_key);
void gf_rows_delete_pipeline(struct gf_rows *rows, int64_t pipeline_key);
void gf_rows_delete_config(struct gf_rows *rows, int64_t pipeline_key, int64_t version);

/* Commits the batch and starts an empty one. */
void gf_rows_commit(struct gf_rows *rows, struct gf_store *store);
/* The same, and tells what the store said. */
enum gf_code gf_rows_try_commit(struct gf_rows *rows, struct gf_store *store, struct gf_error *err);

/*
 * Of extensions. Keys of extensions, subscriptions and deliveries are those of runs; those given
 * by value are in the batch until the next commit, and may be changed until then.
 */
struct gf_extension *gf_rows_extension(struct gf_rows *rows, int64_t extension_key,
                                       const char *extension_id);
struct gf_subscription *gf_rows_subscription(struct gf_rows *rows,
                                             const struct gf_pipeline *pipeline,
                                             const struct gf_extension *extension,
                                             int64_t subscription_key, const char *subscription_id);
struct gf_start_key *gf_rows_start_key(struct gf_rows *rows, int64_t subscription_key,
                                       const char *key, int64_t create_time);
/* Of a delivery whose key is made of the extension's and the number. */
struct gf_delivery_id *gf_rows_delivery_id(struct gf_rows *rows, int64_t extension_key,
                                           const char *id, int64_t number, int64_t create_time);
/* RUN_START, not dead, with a content. */
struct gf_delivery *gf_rows_delivery(struct gf_rows *rows, const struct gf_extension *extension,
                                     int64_t delivery_key);
struct gf_report *gf_rows_report(struct gf_rows *rows, const struct gf_extension *extension,
                                 const char *report_id, int64_t create_time);
void gf_rows_again_extension(struct gf_rows *rows, const struct gf_extension *extension);
void gf_rows_again_subscription(struct gf_rows *rows, const struct gf_subscription *subscription);
void gf_rows_again_delivery(struct gf_rows *rows, const struct gf_delivery *delivery);
void gf_rows_delete_extension(struct gf_rows *rows, int64_t extension_key);
void gf_rows_delete_subscription(struct gf_rows *rows, int64_t subscription_key);
void gf_rows_delete_delivery(struct gf_rows *rows, int64_t delivery_key);

#endif /* GOFER_ENGINE_STORE_TESTING_ROWS_H_ */
