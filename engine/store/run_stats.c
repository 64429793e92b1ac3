#include "engine/store/run_stats.h"

#include "engine/store/store.h"

#include <stdlib.h>

enum {
    MEDIAN = 50,
    P95 = 95,
};

static int64_t from_to(int64_t start, int64_t end) {
    return end > start ? end - start : 0;
}

void gf_run_sampler_add(struct gf_run_sampler *sampler, enum gf_run_status status,
                        int64_t create_time, int64_t start_time, int64_t end_time) {
    switch (status) {
    case GF_RUN_STATUS_SUCCESSFUL:
        sampler->counts.successful_count++;
        break;
    case GF_RUN_STATUS_FAILED:
        sampler->counts.failed_count++;
        break;
    case GF_RUN_STATUS_CANCELLED:
        sampler->counts.cancelled_count++;
        break;
    case GF_RUN_STATUS_UNSPECIFIED:
        break;
    }
    if (start_time > 0 && sampler->durations.count < GF_RUN_STATS_SAMPLES_MAX) {
        gf_vec_push(&sampler->durations, from_to(start_time, end_time));
        gf_vec_push(&sampler->queue_durations, from_to(create_time, start_time));
    }
}

static int compare(const void *a, const void *b) {
    const int64_t left = *(const int64_t *)a;
    const int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void sort(int64_t *numbers, size_t count) {
    if (count > 1) {
        qsort(numbers, count, sizeof(*numbers), compare);
    }
}

/* The nearest rank: the smallest number that `percent` of all are not above. */
static int64_t percentile(const int64_t *sorted, size_t count, size_t percent) {
    return count == 0 ? 0 : sorted[(count * percent + 99) / 100 - 1];
}

void gf_run_sampler_finish(struct gf_run_sampler *sampler, struct gf_run_stats *out) {
    const size_t count = sampler->durations.count;
    sort(sampler->durations.items, count);
    sort(sampler->queue_durations.items, count);
    *out = sampler->counts;
    out->median_duration = percentile(sampler->durations.items, count, MEDIAN);
    out->p95_duration = percentile(sampler->durations.items, count, P95);
    out->median_queue_duration = percentile(sampler->queue_durations.items, count, MEDIAN);
    gf_run_sampler_fini(sampler);
}

void gf_run_sampler_fini(struct gf_run_sampler *sampler) {
    gf_vec_fini(&sampler->durations);
    gf_vec_fini(&sampler->queue_durations);
}
