#include "engine/events/sweeper.h"

#include <stdatomic.h>

#include <criterion/criterion.h>

static struct gf_event_hub *hub;
static struct gf_pool *pool;
static struct gf_sweeper sweeper;
static _Atomic int sweep_count;
static bool deletes_meanwhile; /* the first sweep is overtaken by a deletion */
static struct gf_error err;

static void tell(int64_t sequence, enum gf_event_kind kind) {
    const struct gf_event event = {
        .sequence = sequence, .kind = kind, .namespace_id = GF_STR("team-a")};
    gf_event_hub_publish(hub, &event, 1);
}

static void sweep(void *ctx) {
    cr_assert_eq(ctx, &sweep_count);
    if (atomic_fetch_add(&sweep_count, 1) == 0 && deletes_meanwhile) {
        tell(1, GF_EVENT_PIPELINE_DELETED);
    }
}

static void setup(void) {
    const struct gf_pool_opts opts = {.thread_count = 1, .queue_limit = 4, .name = "test"};
    hub = gf_event_hub_create();
    pool = gf_pool_create(&opts);
}

static void teardown(void) {
    gf_sweeper_stop(&sweeper);
    gf_pool_join(pool);
    gf_sweeper_fini(&sweeper);
    gf_pool_destroy(pool);
    gf_event_hub_destroy(hub);
}

TestSuite(sweeper, .init = setup, .fini = teardown);

static void start(void) {
    cr_assert_eq(gf_sweeper_start(&sweeper, hub, pool, sweep, &sweep_count, &err), GF_OK);
    gf_pool_drain(pool);
}

Test(sweeper, sweeps_at_the_start_and_after_each_deletion) {
    start();
    cr_expect_eq(sweep_count, 1);
    tell(1, GF_EVENT_PIPELINE_DELETED);
    gf_pool_drain(pool);
    cr_expect_eq(sweep_count, 2);
    tell(2, GF_EVENT_NAMESPACE_DELETED);
    gf_pool_drain(pool);
    cr_expect_eq(sweep_count, 3);
    tell(3, GF_EVENT_PIPELINE_CREATED);
    gf_pool_drain(pool);
    cr_expect_eq(sweep_count, 3);
}

Test(sweeper, a_deletion_during_a_sweep_causes_another) {
    deletes_meanwhile = true;
    start();
    cr_expect_eq(sweep_count, 2);
}

Test(sweeper, none_begins_once_it_was_stopped) {
    start();
    gf_sweeper_stop(&sweeper);
    tell(1, GF_EVENT_PIPELINE_DELETED);
    gf_pool_drain(pool);
    cr_expect_eq(sweep_count, 1);
}
