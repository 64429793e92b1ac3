/* The metadata of events: what is told of each kind, and what is left out. */
#include "engine/core/core.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(facts, .init = setup, .fini = teardown);

/* The facts of the newest event of a kind as "key=value key=value"; there must be one. */
static const char *facts_of(enum gf_event_kind kind) {
    struct gf_event *events = NULL;
    size_t count = world_list_events(&world, 0, &events);
    while (count > 0 && events[count - 1].kind != kind) {
        count--;
    }
    cr_assert_gt(count, 0, "no event of kind %s", gf_event_kind_name(kind));
    const struct gf_event *event = &events[count - 1];
    const char *text = "";
    for (size_t i = 0; i < event->metadata_count; i++) {
        text = gf_arena_printf(&world.arena, "%s%s%.*s=%.*s", text, i == 0 ? "" : " ",
                               (int)event->metadata[i].key.len, event->metadata[i].key.ptr,
                               (int)event->metadata[i].value.len, event->metadata[i].value.ptr);
    }
    return text;
}

static void start_by(enum gf_initiator_kind kind, const char *id) {
    struct gf_input input = world_start_input();
    input.u.start_run.initiator = (struct gf_initiator){.kind = kind, .id = gf_str_from(id)};
    cr_assert_eq(world_step(&world, &input), GF_OK);
}

Test(facts, a_version_is_told_with_its_hash) {
    struct gf_config *config = gf_fixture_checked(&world.arena, "one");
    cr_assert_eq(world_register(&world, config, false), GF_OK);
    const char *wanted = gf_arena_printf(&world.arena, "content_hash=%.*s",
                                         (int)config->content_hash.len, config->content_hash.ptr);
    cr_expect_str_eq(facts_of(GF_EVENT_PIPELINE_CONFIG_REGISTERED), wanted);
}

Test(facts, a_deployment_is_told_with_what_was_live_before) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_expect_str_eq(facts_of(GF_EVENT_DEPLOYMENT_STARTED), "start_version=1 strategy=INSTANT");
    cr_assert_eq(world_up(&world, "two"), GF_OK);
    cr_assert_eq(world_up(&world, "three"), GF_OK);
    cr_expect_str_eq(facts_of(GF_EVENT_DEPLOYMENT_STARTED), "start_version=2 strategy=INSTANT");
    cr_expect_str_eq(facts_of(GF_EVENT_DEPLOYMENT_COMPLETED), "start_version=2 status=SUCCESSFUL");
}

Test(facts, a_run_is_told_with_who_started_it) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    start_by(GF_INITIATOR_HUMAN, "ann");
    cr_expect_str_eq(facts_of(GF_EVENT_RUN_QUEUED), "initiator_kind=HUMAN initiator_name=ann");
    start_by(GF_INITIATOR_BOT, "");
    cr_expect_str_eq(facts_of(GF_EVENT_RUN_QUEUED), "initiator_kind=BOT");
    start_by(GF_INITIATOR_UNSPECIFIED, "");
    cr_expect_str_eq(facts_of(GF_EVENT_RUN_QUEUED), "");
}

Test(facts, a_container_is_told_with_its_place) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_started(&world, "one");
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_STARTED),
                     "image_digest=sha256:abc node=here");
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_STARTED), "", "nobody told where it ran");
}

Test(facts, success_is_told_with_its_exit_code_alone) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 0);
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_COMPLETED), "exit_code=0");
    cr_expect_str_eq(facts_of(GF_EVENT_RUN_COMPLETED), "");
}

Test(facts, a_failure_is_told_with_its_reason) {
    struct gf_config *config = gf_fixture_config(&world.arena, "one");
    config->tasks[0].retry =
        (struct gf_retry_policy){.max_attempts = 2, .initial_backoff_ms = 1, .max_backoff_ms = 1};
    cr_assert_eq(world_up_config(&world, config), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_exit(&world, "one", 3);
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_RETRIED), "exit_code=3 reason=ABNORMAL_EXIT");
    (void)world_advance_to_next(&world);
    world_exit(&world, "one", 127);
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_COMPLETED),
                     "exit_code=127 reason=ABNORMAL_EXIT");
    cr_expect_str_eq(facts_of(GF_EVENT_RUN_COMPLETED), "reason=ABNORMAL_EXIT");
}

Test(facts, what_never_ran_has_no_exit_code) {
    cr_assert_eq(world_up(&world, "one; two < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    world_failed(&world, GF_INPUT_TASK_LAUNCH_FAILED, world_find(&world, "one")->attempt, "no");
    struct gf_event *events = NULL;
    const size_t count = world_list_events(&world, 0, &events);
    cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_COMPLETED), "reason=FAILED_PRECONDITION",
                     "that of the task that was skipped");
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == GF_EVENT_TASK_EXECUTION_COMPLETED &&
            gf_str_eq(events[i].task_id, GF_STR("one"))) {
            cr_assert_eq(events[i].metadata_count, 1);
            cr_expect(gf_str_eq(events[i].metadata[0].value, GF_STR("SCHEDULER_ERROR")));
        }
    }
}

Test(facts, a_cancel_is_told_with_its_force) {
    cr_assert_eq(world_up(&world, "one; two"), GF_OK);
    for (int force = 0; force < 2; force++) {
        const char *wanted = force ? "force=true" : "force=false";
        cr_assert_eq(world_start(&world), GF_OK);
        cr_assert_eq(world_cancel_task(&world, force + 1, "one", force), GF_OK);
        cr_expect_str_eq(facts_of(GF_EVENT_TASK_EXECUTION_CANCELLATION_STARTED), wanted);
        cr_assert_eq(world_cancel(&world, force + 1, force), GF_OK);
        cr_expect_str_eq(facts_of(GF_EVENT_RUN_CANCELLATION_STARTED), wanted);
        world_stopped_in(&world, force + 1, "one");
        world_stopped_in(&world, force + 1, "two");
        cr_expect_str_eq(facts_of(GF_EVENT_RUN_COMPLETED), "reason=USER_CANCELLED");
    }
}

/* Several steps of one batch: no fact is another one's. */
Test(facts, a_batch_keeps_the_facts_of_each_event) {
    cr_assert_eq(world_up(&world, "one"), GF_OK);
    const int64_t before = world_newest_event(&world);
    struct gf_input input = world_start_input();
    input.u.start_run.initiator =
        (struct gf_initiator){.kind = GF_INITIATOR_HUMAN, .id = GF_STR("ann")};
    world_step_only(&world, &input);
    input.u.start_run.initiator =
        (struct gf_initiator){.kind = GF_INITIATOR_BOT, .id = GF_STR("bob")};
    world_step_only(&world, &input);
    world_commit(&world);
    struct gf_event *events = NULL;
    const size_t count = world_list_events(&world, before, &events);
    const char *const names[] = {"ann", "bob"};
    size_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind == GF_EVENT_RUN_QUEUED) {
            cr_assert_lt(seen, GF_ARRAY_COUNT(names));
            cr_assert_eq(events[i].metadata_count, 2);
            cr_expect(gf_str_eq(events[i].metadata[1].value, gf_str_from(names[seen++])));
        }
    }
    cr_expect_eq(seen, 2);
}
