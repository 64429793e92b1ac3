/*
 * A bounded pool of worker threads for work that blocks: reads of the store, checkpoints, hashing.
 *
 * Jobs start in the order in which they were submitted, reserved ones first. A job that was
 * accepted runs exactly once; one that was refused never runs. Jobs may submit jobs. What a job
 * writes to the log has the request of the thread that submitted it (gf_log_request).
 *
 * Thread: submit from any; drain, join and destroy by the owner, never from a job.
 */
#ifndef GOFER_BASE_POOL_H_
#define GOFER_BASE_POOL_H_

#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

struct gf_pool;

struct gf_pool_opts {
    size_t thread_count; /* > 0 */
    size_t queue_limit;  /* > 0; normal jobs that wait for a thread */
    const char *name; /* of the threads, at most 12 characters; borrowed until the call returns */
};

/* Starts the threads. Owned by the caller. */
struct gf_pool *gf_pool_create(const struct gf_pool_opts *opts) GF_MUST_USE;

/* Codes: GF_RESOURCE_EXHAUSTED (the queue is full), GF_UNAVAILABLE (draining). */
enum gf_code gf_pool_submit(struct gf_pool *pool, void (*fn)(void *ctx), void *ctx,
                            struct gf_error *err) GF_MUST_USE;

/*
 * For the server's own jobs, which must not be refused and whose number the server bounds. Accepted
 * while draining too, but not after gf_pool_join.
 */
void gf_pool_submit_reserved(struct gf_pool *pool, void (*fn)(void *ctx), void *ctx);

/* Refuses further normal jobs, and returns when no job waits and none runs. May be called twice. */
void gf_pool_drain(struct gf_pool *pool);

/* Drains, then ends the threads. May be called twice. */
void gf_pool_join(struct gf_pool *pool);

/* Joins and frees. Accepts NULL. */
void gf_pool_destroy(struct gf_pool *pool);

/* What there is now, and was since the start. */
struct gf_pool_stats {
    size_t thread_count;
    size_t running;     /* jobs, each on a thread */
    size_t queued;      /* normal jobs that wait */
    size_t queue_limit; /* of those */
    size_t reserved_queued;
    uint64_t refused_total;            /* because the queue was full */
    struct gf_histogram_snapshot wait; /* of jobs that began, from being submitted */
    struct gf_histogram_snapshot run;  /* of jobs that ended */
};
/* Thread: any. */
void gf_pool_stats(struct gf_pool *pool, struct gf_pool_stats *out);

#endif /* GOFER_BASE_POOL_H_ */
