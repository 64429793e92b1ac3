/*
 * From the times of runs to struct gf_run_stats: what all back ends of get_run_stats share.
 *
 *     struct gf_run_sampler sampler = {0};
 *     gf_run_sampler_init(&sampler, since_times, count);
 *     for (each run that ended, the one that ended last first) {
 *         if (!gf_run_sampler_add(&sampler, status, create_time, start_time, end_time)) {
 *             break;
 *         }
 *     }
 *     gf_run_sampler_finish(&sampler, stats);
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
#include "engine/store/store.h"

/* The runs that ended at since_time or later. */
struct gf_run_window {
    int64_t since_time;
    struct gf_run_stats counts;
    size_t sample_count; /* its durations are the first so many */
};

/* Private, but for being zeroed before it is first used. */
struct gf_run_sampler {
    struct gf_run_window windows[GF_RUN_STATS_WINDOWS_MAX];
    size_t window_count;
    int64_t earliest_time; /* no window reaches further back */
    size_t run_count;
    GF_VEC(int64_t) durations;
    GF_VEC(int64_t) queue_durations;
};

/* For `count` windows, up to GF_RUN_STATS_WINDOWS_MAX, in any order. */
void gf_run_sampler_init(struct gf_run_sampler *sampler, const int64_t *since_times, size_t count);
/* The earliest of the since_times. */
int64_t gf_run_sampler_earliest(const struct gf_run_sampler *sampler);
/*
 * False: no further one counts, because this one ended before all windows begin, or there were
 * GF_RUN_STATS_RUNS_MAX before it.
 */
bool gf_run_sampler_add(struct gf_run_sampler *sampler, enum gf_run_status status,
                        int64_t create_time, int64_t start_time, int64_t end_time);
/* Fills an item of `out` for each window, in the order of `init`, and frees what was kept. */
void gf_run_sampler_finish(struct gf_run_sampler *sampler, struct gf_run_stats *out);
/* Frees it without a result. */
void gf_run_sampler_fini(struct gf_run_sampler *sampler);

#endif /* GOFER_ENGINE_STORE_RUN_STATS_H_ */
