#include "engine/scheduler/native/user_ranges.h"

#include "base/alloc.h"
#include "engine/scheduler/native/protocol.h"

#include <inttypes.h>
#include <stdlib.h>

enum gf_code gf_user_ranges_init(struct gf_user_ranges *ranges, int64_t first, int64_t count,
                                 struct gf_error *err) {
    if (count < 1 || first < GF_SHIM_USER_IDS || first > GF_SHIM_USER_ID_FIRST_MAX ||
        count - 1 > (GF_SHIM_USER_ID_FIRST_MAX - first) / GF_SHIM_USER_IDS) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%" PRId64 " ranges of %d user ids from %" PRId64
                       " on do not fit between %d and %" PRId64,
                       count, GF_SHIM_USER_IDS, first, GF_SHIM_USER_IDS,
                       GF_SHIM_USER_ID_FIRST_MAX + GF_SHIM_USER_IDS);
    }
    gf_mutex_init(&ranges->mutex, GF_RANK_SCHEDULER);
    gf_cond_init(&ranges->given);
    ranges->first = first;
    ranges->count = (size_t)count;
    ranges->next = 0;
    ranges->taken = gf_calloc((size_t)count, sizeof(ranges->taken[0]));
    return GF_OK;
}

void gf_user_ranges_fini(struct gf_user_ranges *ranges) {
    if (ranges->taken != NULL) {
        gf_cond_fini(&ranges->given);
        gf_mutex_fini(&ranges->mutex);
        free(ranges->taken);
        ranges->taken = NULL;
    }
}

/* Its index, or -1. The mutex is held. */
static int64_t take_free(struct gf_user_ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++) {
        const size_t index = (ranges->next + i) % ranges->count;
        if (ranges->taken[index] == 0) {
            ranges->taken[index] = 1;
            ranges->next = index + 1;
            return (int64_t)index;
        }
    }
    return -1;
}

enum gf_code gf_user_ranges_take(struct gf_user_ranges *ranges, int64_t deadline_mono_ns,
                                 const atomic_bool *cancelled, int64_t *out_first,
                                 struct gf_error *err) {
    GF_MUTEX_GUARD(&ranges->mutex);
    int64_t index = take_free(ranges);
    while (index < 0 && !atomic_load(cancelled) &&
           gf_cond_wait_until(&ranges->given, &ranges->mutex, deadline_mono_ns)) {
        index = take_free(ranges);
    }
    if (index < 0 && atomic_load(cancelled)) {
        return gf_fail(err, GF_CANCELLED, "nobody waits for user ids any more");
    }
    if (index < 0) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "all %zu ranges of user ids are in use by other containers", ranges->count);
    }
    *out_first = ranges->first + index * GF_SHIM_USER_IDS;
    return GF_OK;
}

void gf_user_ranges_wake(struct gf_user_ranges *ranges) {
    GF_MUTEX_GUARD(&ranges->mutex); /* so that nobody is between his look and his sleep */
    gf_cond_broadcast(&ranges->given);
}

/* The range that holds an id; negative before the first one. */
static int64_t index_of(const struct gf_user_ranges *ranges, int64_t id) {
    const int64_t offset = id - ranges->first;
    return offset >= 0 ? offset / GF_SHIM_USER_IDS : (offset + 1) / GF_SHIM_USER_IDS - 1;
}

/* Adds `step` to all ranges that the ids touch: two, where they are not a range themselves. */
static void count_touched(struct gf_user_ranges *ranges, int64_t first, int step) {
    const int64_t last = index_of(ranges, first + GF_SHIM_USER_IDS - 1);
    GF_MUTEX_GUARD(&ranges->mutex);
    for (int64_t i = index_of(ranges, first); i <= last; i++) {
        if (i >= 0 && i < (int64_t)ranges->count) {
            gf_assert(step > 0 || ranges->taken[i] > 0);
            ranges->taken[i] = (uint16_t)(ranges->taken[i] + step);
        }
    }
}

void gf_user_ranges_adopt(struct gf_user_ranges *ranges, int64_t first) {
    count_touched(ranges, first, 1);
}

void gf_user_ranges_give(struct gf_user_ranges *ranges, int64_t first) {
    count_touched(ranges, first, -1);
    gf_cond_broadcast(&ranges->given);
}

size_t gf_user_ranges_used(struct gf_user_ranges *ranges) {
    GF_MUTEX_GUARD(&ranges->mutex);
    size_t used = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        used += ranges->taken[i] > 0;
    }
    return used;
}
