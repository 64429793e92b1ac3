#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/user_ranges.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    FIRST = 1 << 20,
    COUNT = 3,
};

static struct gf_user_ranges ranges;
static atomic_bool cancelled;
static struct gf_error error;

static void set_up(void) {
    cr_assert(gf_user_ranges_init(&ranges, FIRST, COUNT, &error) == GF_OK);
}

static void tear_down(void) {
    gf_user_ranges_fini(&ranges);
}

TestSuite(user_ranges, .init = set_up, .fini = tear_down);

static int64_t take(void) {
    int64_t first = 0;
    const enum gf_code rc = gf_user_ranges_take(&ranges, 0, &cancelled, &first, &error);
    cr_assert(rc == GF_OK || rc == GF_RESOURCE_EXHAUSTED);
    return rc == GF_OK ? first : -1;
}

/* The first id of range number `index`. */
static int64_t range(int64_t index) {
    return FIRST + index * GF_SHIM_USER_IDS;
}

Test(user_ranges, each_is_taken_once) {
    cr_assert(eq(i64, take(), range(0)));
    cr_assert(eq(i64, take(), range(1)));
    cr_assert(eq(i64, take(), range(2)));
    cr_assert(eq(i64, take(), -1));
}

Test(user_ranges, what_was_given_back_is_taken_last) {
    gf_user_ranges_give(&ranges, take());
    cr_assert(eq(i64, take(), range(1)));
    cr_assert(eq(i64, take(), range(2)));
    cr_assert(eq(i64, take(), range(0)));
}

Test(user_ranges, adopted_ones_are_taken) {
    gf_user_ranges_adopt(&ranges, range(1));
    cr_assert(eq(i64, take(), range(0)));
    cr_assert(eq(i64, take(), range(2)));
    cr_assert(eq(i64, take(), -1));
    gf_user_ranges_give(&ranges, range(1));
    cr_assert(eq(i64, take(), range(1)));
}

/* A server with another first id than the one before it finds such containers. */
Test(user_ranges, adopted_ones_may_lie_across) {
    gf_user_ranges_adopt(&ranges, range(0) + 1);
    gf_user_ranges_adopt(&ranges, range(1) + 1);
    cr_assert(eq(i64, take(), -1));
    gf_user_ranges_give(&ranges, range(1) + 1);
    cr_assert(eq(i64, take(), range(2)));
    cr_assert(eq(i64, take(), -1));
    gf_user_ranges_give(&ranges, range(0) + 1);
    cr_assert(eq(i64, take(), range(0)));
    cr_assert(eq(i64, take(), range(1)));
}

Test(user_ranges, adopted_ones_may_lie_outside) {
    gf_user_ranges_adopt(&ranges, range(-1));
    gf_user_ranges_adopt(&ranges, range(COUNT));
    gf_user_ranges_adopt(&ranges, range(-1) + 1);
    gf_user_ranges_adopt(&ranges, range(COUNT) - 1);
    cr_assert(eq(i64, take(), range(1)));
    cr_assert(eq(i64, take(), -1));
}

Test(user_ranges, they_fit_the_kernels_ids) {
    const struct {
        int64_t first;
        int64_t count;
        bool fits;
    } cases[] = {
        {GF_SHIM_USER_IDS, 1, true},
        {GF_SHIM_USER_IDS - 1, 1, false},
        {GF_SHIM_USER_ID_FIRST_MAX, 1, true},
        {GF_SHIM_USER_ID_FIRST_MAX, 2, false},
        {GF_SHIM_USER_ID_FIRST_MAX + 1, 1, false},
        {GF_SHIM_USER_IDS, 65534, true},
        {GF_SHIM_USER_IDS, 65535, false},
        {FIRST, 0, false},
        {FIRST, INT64_MAX, false},
        {INT64_MAX, 1, false},
        {-1, 1, false},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        struct gf_user_ranges other = {0};
        const enum gf_code rc = gf_user_ranges_init(&other, cases[i].first, cases[i].count, &error);
        cr_assert(eq(int, rc, cases[i].fits ? GF_OK : GF_INVALID_ARGUMENT), "case %zu", i);
        gf_user_ranges_fini(&other);
    }
}

Test(user_ranges, used_ones_are_counted) {
    cr_assert(eq(sz, gf_user_ranges_used(&ranges), (size_t)0));
    const int64_t first = take();
    gf_user_ranges_adopt(&ranges, range(1) + 1); /* touches two */
    cr_assert(eq(sz, gf_user_ranges_used(&ranges), (size_t)3));
    gf_user_ranges_give(&ranges, first);
    cr_assert(eq(sz, gf_user_ranges_used(&ranges), (size_t)2));
}
