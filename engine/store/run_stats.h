/*
 * From the times of runs to struct gf_run_stats: what all back ends of get_run_stats share.
 *
 *     struct gf_run_sampler sampler = {0};
 *     for (each run, the one that ended last first) {
 *         gf_run_sampler_add(&sampler, status, create_time, start_time, end_time);
 *     }
 *     gf_run_sampler_finish(&sampler, &stats);
 *
 * Durations are those of the runs that had started. A percentile is the nearest rank: the median of
 * two is the smaller one. A run that seems to end before it began, because a clock was set, took 0.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_STORE_RUN_STATS_H_
#define GOFER_ENGINE_STORE_RUN_STATS_H_

#include "base/vec.h"
#include "engine/core/model.h"

/* Zeroed memory is one that has seen nothing. */
struct gf_run_sampler {
    struct gf_run_stats counts;
    GF_VEC(int64_t) durations;
    GF_VEC(int64_t) queue_durations;
};

/* Durations beyond the first GF_RUN_STATS_SAMPLES_MAX runs are not kept. */
void gf_run_sampler_add(struct gf_run_sampler *sampler, enum gf_run_status status,
                        int64_t create_time, int64_t start_time, int64_t end_time);
/* Fills *out and frees what was kept. */
void gf_run_sampler_finish(struct gf_run_sampler *sampler, struct gf_run_stats *out);
/* Frees it without a result. */
void gf_run_sampler_fini(struct gf_run_sampler *sampler);

#endif /* GOFER_ENGINE_STORE_RUN_STATS_H_ */
