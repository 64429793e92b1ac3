/*
 * Design: all windows end now, so each is a prefix of the runs from the newest on, and one pass
 * serves all. Percentiles are selected, not sorted for: by the bytes of the numbers, from the
 * highest, which is linear whatever the durations are.
 */
#include "engine/store/run_stats.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    MEDIAN = 50,
    P95 = 95,
    BYTE_VALUES = 256,
};

void gf_run_sampler_init(struct gf_run_sampler *sampler, const int64_t *since_times, size_t count) {
    gf_assert(count <= GF_RUN_STATS_WINDOWS_MAX);
    sampler->window_count = count;
    sampler->earliest_time = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        sampler->windows[i].since_time = since_times[i];
        if (since_times[i] < sampler->earliest_time) {
            sampler->earliest_time = since_times[i];
        }
    }
}

int64_t gf_run_sampler_earliest(const struct gf_run_sampler *sampler) {
    return sampler->earliest_time;
}

/* ---- Adding ---- */

static int64_t from_to(int64_t start, int64_t end) {
    return end > start ? end - start : 0;
}

static void count_status(struct gf_run_stats *counts, enum gf_run_status status) {
    switch (status) {
    case GF_RUN_STATUS_SUCCESSFUL:
        counts->successful_count++;
        break;
    case GF_RUN_STATUS_FAILED:
        counts->failed_count++;
        break;
    case GF_RUN_STATUS_CANCELLED:
        counts->cancelled_count++;
        break;
    case GF_RUN_STATUS_UNSPECIFIED:
        break;
    }
}

static void truncate_windows(struct gf_run_sampler *sampler, int64_t end_time) {
    for (size_t i = 0; i < sampler->window_count; i++) {
        struct gf_run_window *window = &sampler->windows[i];
        window->counts.truncated = end_time >= window->since_time;
    }
}

bool gf_run_sampler_add(struct gf_run_sampler *sampler, enum gf_run_status status,
                        int64_t create_time, int64_t start_time, int64_t end_time) {
    if (end_time < sampler->earliest_time) {
        return false;
    }
    if (sampler->run_count == GF_RUN_STATS_RUNS_MAX) {
        truncate_windows(sampler, end_time);
        return false;
    }
    sampler->run_count++;
    if (start_time > 0) {
        gf_vec_push(&sampler->durations, from_to(start_time, end_time));
        gf_vec_push(&sampler->queue_durations, from_to(create_time, start_time));
    }
    for (size_t i = 0; i < sampler->window_count; i++) {
        struct gf_run_window *window = &sampler->windows[i];
        if (end_time >= window->since_time) {
            count_status(&window->counts, status);
            window->sample_count = sampler->durations.count;
        }
    }
    return true;
}

/* ---- Selecting ---- */

/* Keeps the numbers whose byte at `shift` is that of the number at `*rank`, which becomes its rank
 * among them. Gives how many they are. */
static size_t narrow(int64_t *numbers, size_t count, int shift, size_t *rank) {
    size_t counts[BYTE_VALUES] = {0};
    for (size_t i = 0; i < count; i++) {
        counts[(uint64_t)numbers[i] >> shift & (BYTE_VALUES - 1)]++;
    }
    size_t byte = 0;
    while (*rank >= counts[byte]) {
        *rank -= counts[byte++];
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (((uint64_t)numbers[i] >> shift & (BYTE_VALUES - 1)) == byte) {
            numbers[kept++] = numbers[i];
        }
    }
    return kept;
}

/* The number that would be at `rank` if the `count` numbers, none below 0, were in order. */
static int64_t select_rank(int64_t *numbers, size_t count, size_t rank) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (uint64_t)numbers[i];
    }
    for (int shift = 56; shift >= 0 && count > 1; shift -= 8) {
        if (bits >> shift != 0) {
            count = narrow(numbers, count, shift, &rank);
        }
    }
    return numbers[0];
}

/* The nearest rank: the smallest of the first `count` samples that `percent` of them are not above.
 * `scratch` has room for as many. */
static int64_t percentile(const int64_t *samples, size_t count, size_t percent, int64_t *scratch) {
    if (count == 0) {
        return 0;
    }
    memcpy(scratch, samples, count * sizeof(*samples));
    return select_rank(scratch, count, (count * percent + 99) / 100 - 1);
}

/* ---- The result ---- */

/* A window before this one with the same samples; NULL = none. */
static const struct gf_run_window *find_same(const struct gf_run_window *windows, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (windows[i].sample_count == windows[index].sample_count) {
            return &windows[i];
        }
    }
    return NULL;
}

void gf_run_sampler_finish(struct gf_run_sampler *sampler, struct gf_run_stats *out) {
    int64_t *scratch = gf_calloc(sampler->durations.count + 1, sizeof(*scratch));
    for (size_t i = 0; i < sampler->window_count; i++) {
        const size_t count = sampler->windows[i].sample_count;
        const struct gf_run_window *same = find_same(sampler->windows, i);
        struct gf_run_stats *stats = &sampler->windows[i].counts;
        if (same != NULL) {
            stats->median_duration = same->counts.median_duration;
            stats->p95_duration = same->counts.p95_duration;
            stats->median_queue_duration = same->counts.median_queue_duration;
        } else {
            const int64_t *durations = sampler->durations.items;
            stats->median_duration = percentile(durations, count, MEDIAN, scratch);
            stats->p95_duration = percentile(durations, count, P95, scratch);
            stats->median_queue_duration =
                percentile(sampler->queue_durations.items, count, MEDIAN, scratch);
        }
        out[i] = *stats;
    }
    free(scratch);
    gf_run_sampler_fini(sampler);
}

void gf_run_sampler_fini(struct gf_run_sampler *sampler) {
    gf_vec_fini(&sampler->durations);
    gf_vec_fini(&sampler->queue_durations);
}
