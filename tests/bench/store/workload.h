/*
 * The batches that an engine writes when it runs single-task pipelines.
 *
 * Every batch starts B runs and ends the B runs of the batch before: for each run started a run, a
 * task execution and three events are inserted, for each run ended both are updated and two events
 * inserted; each pipeline that started something is updated once. Nine rows a run in all.
 */
#ifndef GOFER_TESTS_BENCH_STORE_WORKLOAD_H_
#define GOFER_TESTS_BENCH_STORE_WORKLOAD_H_

#include "base/arena.h"
#include "engine/core/core.h"

#include <stdint.h>

enum {
    WORKLOAD_ROWS_PER_RUN = 9,    /* without the pipelines */
    WORKLOAD_NS_PER_RUN = 100000, /* between the creations of two runs */
};

struct workload {
    int64_t pipeline_count;
    bool with_request_ids;
    bool with_actors; /* set after init: who starts a run is known */
    int64_t next_run_key;
    int64_t next_sequence;
    int64_t first_open_key; /* of the runs that the next batch ends */
    struct gf_pipeline *pipelines;
    struct gf_arena fixed; /* of the pipelines */
    struct gf_arena arena; /* of one batch */
    struct gf_batch batch;
};

void workload_init(struct workload *workload, int64_t pipeline_count, bool with_request_ids);
void workload_fini(struct workload *workload);

/* The batch that makes the namespace and the pipelines. Borrowed until the next call. */
const struct gf_batch *workload_setup(struct workload *workload);

/* The next batch that starts `runs` runs. Borrowed until the next call. */
const struct gf_batch *workload_next(struct workload *workload, int64_t runs);

/* The number in its pipeline of a run that was started. */
int64_t workload_run_id(const struct workload *workload, int64_t run_key);

/* When it ends. */
int64_t workload_end_time(int64_t run_key);

/* Its request_id, in the arena: spread as random ids are. */
struct gf_str workload_request_id(struct gf_arena *arena, int64_t run_key);

#endif /* GOFER_TESTS_BENCH_STORE_WORKLOAD_H_ */
