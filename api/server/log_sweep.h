/*
 * Removes the logs of pipelines that were deleted: in the background, at the start of the server
 * and after every deletion of a pipeline or a namespace. And those of extensions that are not
 * installed, as the second of two nets: gf_extension_logs_listener removes them at the commit, but
 * a commit is told once. What was uninstalled shortly before the server ended, and what a line that
 * came too late has made again, is left for here.
 *
 * A pipeline (an extension) whose logs are there and that the store does not know was deleted, but
 * for one case: the store was replaced by an older or an empty one. So logs that were there at the
 * start under a key that the store has not given away yet are left alone.
 *
 * Thread: the owner's.
 */
#ifndef GOFER_API_SERVER_LOG_SWEEP_H_
#define GOFER_API_SERVER_LOG_SWEEP_H_

#include "api/extension/log.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"
#include "engine/events/hub.h"
#include "engine/logs/log_store.h"
#include "engine/store/store.h"

struct gf_log_sweep;

/* All is borrowed until destroy. */
struct gf_log_sweep_options {
    struct gf_store *store; /* one reader is lent to a sweep at times */
    struct gf_log_store *logs;
    struct gf_extension_logs *extension_logs;
    struct gf_event_hub *hub;
    struct gf_pool *pool;      /* for jobs that may take long */
    int64_t next_pipeline_key; /* as of the start */
    int64_t next_run_key;      /* likewise; extensions have their keys of that counter */
};

/* Sweeps for the first time, and follows the events. Codes: those of gf_event_hub_add. */
enum gf_code gf_log_sweep_start(const struct gf_log_sweep_options *options,
                                struct gf_log_sweep **out_sweep, struct gf_error *err) GF_MUST_USE;

/* A sweep under way ends soon, and none begins. Accepts NULL. */
void gf_log_sweep_stop(struct gf_log_sweep *sweep);

/* After the pool was joined. Accepts NULL. */
void gf_log_sweep_destroy(struct gf_log_sweep *sweep);

#endif /* GOFER_API_SERVER_LOG_SWEEP_H_ */
