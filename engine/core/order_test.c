/* Runs with an ordering key: one after another, or only the newest of those that wait. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    cr_assert_eq(world_up(&world, "one"), GF_OK);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(order, .init = setup, .fini = teardown);

static void start(const char *key, enum gf_run_ordering_policy policy) {
    cr_assert_eq(world_start_key(&world, key, policy), GF_OK, "%s", world.error.message);
}

static void exit_run(int64_t run_id) {
    world_exit_in(&world, run_id, "one", 0);
}

/* ---- STRICT ---- */

Test(order, runs_of_a_key_run_one_after_another) {
    start("k", GF_RUN_ORDERING_UNSPECIFIED);
    cr_expect_eq(world.run.ordering_policy, GF_RUN_ORDERING_STRICT);
    cr_expect(gf_str_eq(world.run.ordering_key, GF_STR("k")));
    start("k", GF_RUN_ORDERING_STRICT);
    start("other", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    start("", GF_RUN_ORDERING_UNSPECIFIED);
    cr_expect_eq(world.run.ordering_policy, GF_RUN_ORDERING_UNSPECIFIED);
    cr_expect_str_eq(world_runs(&world), "rqrqr");
    exit_run(1);
    cr_expect_str_eq(world_runs(&world), "Srrqr");
    world_restart(&world);
    cr_expect_str_eq(world_runs(&world), "Srrqr");
    exit_run(2);
    cr_expect_str_eq(world_runs(&world), "SSrrr");
    exit_run(4);
    /* A key that nobody has any more begins anew. */
    start("k", GF_RUN_ORDERING_STRICT);
    cr_expect_eq(world.run.state, GF_RUN_STATE_RUNNING);
}

Test(order, a_higher_priority_does_not_overtake_its_key) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    start("k", GF_RUN_ORDERING_STRICT);
    struct gf_input input = world_start_input();
    input.u.start_run.ordering_key = GF_STR("k");
    input.u.start_run.has_priority = true;
    for (int32_t priority = 1; priority <= 3; priority++) {
        input.u.start_run.priority = priority;
        cr_assert_eq(world_step(&world, &input), GF_OK);
    }
    cr_assert_eq(world_start_priority(&world, 2), GF_OK);
    for (int64_t run_id = 1; run_id <= 4; run_id++) {
        cr_expect_eq(world_run(&world, run_id).state,
                     run_id == 1 ? GF_RUN_STATE_RUNNING : GF_RUN_STATE_QUEUED);
    }
    exit_run(1);
    /* 2 leads its key and has a lower priority than 5. */
    cr_expect_str_eq(world_runs(&world), "Sqqqr");
    exit_run(5);
    cr_expect_str_eq(world_runs(&world), "SrqqS");
    exit_run(2);
    cr_expect_str_eq(world_runs(&world), "SSrqS");
}

Test(order, a_run_that_waits_for_its_key_takes_no_slot) {
    cr_assert_eq(world_up_parallel(&world, "one", 2), GF_OK);
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    start("", GF_RUN_ORDERING_UNSPECIFIED);
    start("", GF_RUN_ORDERING_UNSPECIFIED);
    cr_expect_str_eq(world_runs(&world), "rqrq");
    exit_run(1);
    cr_expect_str_eq(world_runs(&world), "Srrq");
}

Test(order, whoever_ends_lets_the_next_one_go) {
    for (int i = 0; i < 5; i++) {
        start("k", GF_RUN_ORDERING_STRICT);
    }
    cr_assert_eq(world_cancel(&world, 3, false), GF_OK); /* waits behind others */
    cr_expect_str_eq(world_runs(&world), "rqCqq");
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK); /* runs until its container is gone */
    cr_expect_str_eq(world_runs(&world), "rqCqq");
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "CrCqq");
    exit_run(2);
    cr_expect_str_eq(world_runs(&world), "CSCrq");
    cr_assert_eq(world_cancel_all(&world, true), GF_OK);
    cr_expect_eq(world.run_count, 2);
    world_stopped(&world, "one");
    cr_expect_str_eq(world_runs(&world), "CSCCC");
}

/* The first of a key may itself wait for a slot. */
Test(order, a_leader_that_waits_can_be_cancelled) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    start("", GF_RUN_ORDERING_UNSPECIFIED);
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    cr_assert_eq(world_cancel(&world, 2, false), GF_OK);
    cr_expect_str_eq(world_runs(&world), "rCq");
    world_restart(&world);
    exit_run(1);
    cr_expect_str_eq(world_runs(&world), "SCr");
}

Test(order, keys_are_of_their_pipeline) {
    struct gf_config *other = gf_fixture_config(&world.arena, "two");
    other->pipeline_id = GF_STR("other");
    cr_assert_eq(world_up_config(&world, other), GF_OK);
    start("k", GF_RUN_ORDERING_STRICT);
    struct gf_input input = world_start_input();
    input.u.start_run.pipeline_id = GF_STR("other");
    input.u.start_run.ordering_key = GF_STR("k");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    cr_expect_eq(world.run.state, GF_RUN_STATE_RUNNING);
}

/* ---- NEWEST ---- */

Test(order, only_the_newest_of_those_that_wait_is_kept) {
    start("k", GF_RUN_ORDERING_NEWEST);
    start("k", GF_RUN_ORDERING_NEWEST);
    start("other", GF_RUN_ORDERING_NEWEST);
    cr_expect_str_eq(world_runs(&world), "rqr");
    start("k", GF_RUN_ORDERING_NEWEST);
    cr_expect_str_eq(world_runs(&world), "rCrq");
    const struct gf_run run = world_run(&world, 2);
    cr_expect_eq(run.reason.kind, GF_REASON_COALESCED);
    cr_expect(
        gf_str_eq(run.reason.text, GF_STR("run 4 has the same ordering key and took its place")));
    cr_expect(run.cancel_requested);
    cr_expect_eq(run.start_time, 0);
    world_restart(&world);
    start("k", GF_RUN_ORDERING_NEWEST);
    cr_expect_str_eq(world_runs(&world), "rCrCq");
    exit_run(1);
    cr_expect_str_eq(world_runs(&world), "SCrCr");
}

/* Those that wait for a slot of their pipeline wait, too, also the first of the key. */
Test(order, a_leader_that_has_not_begun_gives_way) {
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    start("", GF_RUN_ORDERING_UNSPECIFIED);
    for (int i = 0; i < 3; i++) {
        start("k", GF_RUN_ORDERING_NEWEST);
    }
    cr_expect_str_eq(world_runs(&world), "rCCq");
    exit_run(1);
    cr_expect_str_eq(world_runs(&world), "SCCr");
}

/* What becomes of the others is for the newest to say. */
Test(order, policies_may_be_mixed) {
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    cr_expect_str_eq(world_runs(&world), "rqq");
    start("k", GF_RUN_ORDERING_NEWEST);
    cr_expect_str_eq(world_runs(&world), "rCCq");
    start("k", GF_RUN_ORDERING_STRICT);
    cr_expect_str_eq(world_runs(&world), "rCCqq");
    exit_run(1);
    exit_run(4);
    cr_expect_str_eq(world_runs(&world), "SCCSr");
}

Test(order, a_coalesced_run_leaves_its_place_in_the_queue) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->parallelism = 1;
    config->queue_limit = 1;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    for (int i = 0; i < 4; i++) {
        start("k", GF_RUN_ORDERING_NEWEST);
    }
    cr_expect_str_eq(world_runs(&world), "rCCq");
    cr_expect_eq(world_start_key(&world, "k", GF_RUN_ORDERING_STRICT), GF_RESOURCE_EXHAUSTED);
    cr_expect_str_eq(world.error.reason, "QUEUE_FULL");
    cr_expect_eq(world_start_key(&world, "z", GF_RUN_ORDERING_NEWEST), GF_RESOURCE_EXHAUSTED);
}

/* Those that their key holds back fill the queue, but take no slot from others. */
Test(order, a_full_queue_of_a_key_does_not_refuse_what_begins_at_once) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->parallelism = 2;
    config->queue_limit = 2;
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    start("k", GF_RUN_ORDERING_STRICT);
    cr_expect_str_eq(world_runs(&world), "rqq");
    start("z", GF_RUN_ORDERING_STRICT);
    cr_expect_str_eq(world_runs(&world), "rqqr");
    cr_expect_eq(world_start_key(&world, "y", GF_RUN_ORDERING_STRICT), GF_RESOURCE_EXHAUSTED);
}

Test(order, a_retry_has_the_key_of_its_run) {
    start("k", GF_RUN_ORDERING_NEWEST);
    world_exit(&world, "one", 1);
    start("k", GF_RUN_ORDERING_STRICT);
    cr_assert_eq(world_retry(&world, 1, false), GF_OK);
    cr_expect_eq(world.run.state, GF_RUN_STATE_QUEUED);
    cr_expect(gf_str_eq(world.run.ordering_key, GF_STR("k")));
    cr_expect_eq(world.run.ordering_policy, GF_RUN_ORDERING_NEWEST);
}

/* ---- Bad ones ---- */

Test(order, bad_keys_are_refused) {
    char *key = gf_arena_alloc(&world.arena, GF_ORDERING_KEY_CHARS_MAX + 2);
    memset(key, 'k', GF_ORDERING_KEY_CHARS_MAX + 1);
    const char *const bad[] = {key, "a\nb", "\x7f", "\xff"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        cr_expect_eq(world_start_key(&world, bad[i], GF_RUN_ORDERING_STRICT), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(world.error.field, "ordering_key");
    }
    cr_expect_eq(world_start_key(&world, "", GF_RUN_ORDERING_STRICT), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(world.error.field, "ordering_policy");
    cr_expect_eq(world_start_key(&world, key + 1, GF_RUN_ORDERING_STRICT), GF_OK);
}
