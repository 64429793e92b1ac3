/* Repairing a run that seems stuck: the scheduler is asked about each of its containers. */
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
    cr_assert_eq(world_up(&world, "one; two; tri < one"), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(repair, .init = setup, .fini = teardown);

/* Asks for it; gives how many replies there were before. */
static int64_t ask(void) {
    const int64_t before = world.reply_count;
    cr_assert_eq(world_repair(&world, 1), GF_OK);
    return before;
}

Test(repair, a_healthy_run_is_left_alone) {
    world_started(&world, "one");
    world_started(&world, "two");
    const int64_t newest = world_newest_event(&world);
    const int64_t replies = ask();
    cr_assert_eq(world.inquiries.count, 2);
    cr_expect_eq(world.reply_count, replies, "it waits for the scheduler");
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_eq(world.reply_count, replies);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_eq(world.reply_count, replies + 1);
    cr_expect_eq(world.error.code, GF_OK);
    cr_expect(world.unchanged);
    cr_expect_eq(world.action_count, 0);
    cr_expect_eq(world.run.run_id, 1);
    cr_expect_eq(world_newest_event(&world), newest);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
}

Test(repair, takes_up_again_what_is_found) {
    world_started(&world, "one");
    (void)ask();
    world_answer(&world, GF_INPUT_TASK_EXITED);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_str_eq(world_states(&world, 1), "Srp");
    cr_expect_not(world.unchanged);
    cr_assert_eq(world.action_count, 2);
    cr_expect(gf_str_eq(world.actions[0],
                        GF_STR("task 'one': its container had ended, which was not known")));
    cr_expect(
        gf_str_eq(world.actions[1], GF_STR("task 'two': its container runs, which was not known")));
    cr_expect_str_eq(world_events(&world, world_newest_event(&world) - 2),
                     "RUN_REPAIRED two:STARTED");
}

Test(repair, ends_what_is_not_found) {
    world_started(&world, "one");
    (void)ask();
    world_answer(&world, GF_INPUT_TASK_LOST);
    cr_expect_str_eq(world_states(&world, 1), "FpK");
    cr_expect_eq(world_task(&world, 1, "one").reason.kind, GF_REASON_ORPHANED);
    const int64_t launches = world.launch_count;
    world_answer(&world, GF_INPUT_TASK_NEVER_STARTED);
    cr_expect_eq(world.launch_count, launches + 1, "it is launched again");
    cr_expect_eq(world_task(&world, 1, "two").attempt, 1);
    cr_assert_eq(world.action_count, 2);
    cr_expect(
        gf_str_eq(world.actions[0], GF_STR("task 'one': nothing could be found of its container")));
    cr_expect(
        gf_str_eq(world.actions[1], GF_STR("task 'two': its container had not been started")));
}

/* The last answer may end the run: the reply shows it as it is then. */
Test(repair, may_end_the_run) {
    world_exit(&world, "two", 0);
    world_started(&world, "one");
    (void)ask();
    world_answer(&world, GF_INPUT_TASK_LOST);
    cr_expect_eq(world.run.state, GF_RUN_STATE_COMPLETE);
    cr_expect_eq(world.run.status, GF_RUN_STATUS_FAILED);
    cr_expect_eq(world.action_count, 1);
}

Test(repair, of_what_is_in_nobodys_hands_is_answered_at_once) {
    cr_assert_eq(world_cancel(&world, 1, false), GF_OK);
    world_stopped(&world, "one");
    world_stopped(&world, "two");
    int64_t replies = ask();
    cr_expect_eq(world.reply_count, replies + 1, "it has ended");
    cr_expect(world.unchanged);
    cr_assert_eq(world_up_parallel(&world, "one", 1), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    cr_assert_eq(world_start(&world), GF_OK);
    replies = world.reply_count;
    cr_assert_eq(world_repair(&world, 3), GF_OK);
    cr_expect_eq(world.reply_count, replies + 1, "it waits");
    cr_expect(world.unchanged);
    cr_expect_eq(world_repair(&world, 4), GF_NOT_FOUND);
    cr_expect_eq(world.inquiries.count, 0);
}

Test(repair, that_is_asked_for_twice_is_made_once) {
    const int64_t replies = ask();
    (void)ask();
    cr_expect_eq(world.inquiries.count, 2);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_eq(world.reply_count, replies + 2);
    cr_expect_eq(world.action_count, 2);
    /* And can be asked for again. */
    (void)ask();
    cr_expect_eq(world.inquiries.count, 2);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_eq(world.action_count, 0);
}

/* What happens meanwhile answers, too. */
Test(repair, an_attempt_that_ends_needs_no_answer_any_more) {
    const int64_t replies = ask();
    world_exit(&world, "one", 0);
    cr_assert_eq(world_cancel(&world, 1, true), GF_OK);
    world_stopped(&world, "two");
    world_stopped(&world, "tri");
    cr_expect_str_eq(world_runs(&world), "C");
    cr_expect_eq(world.reply_count, replies + 2, "of the cancel and of the repair");
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 0);
    /* Its answers come late and change nothing. */
    const int64_t newest = world_newest_event(&world);
    world_answer(&world, GF_INPUT_TASK_LOST);
    world_answer(&world, GF_INPUT_TASK_LOST);
    cr_expect_eq(world_newest_event(&world), newest);
}

Test(repair, a_scheduler_that_does_not_answer_is_not_waited_for) {
    const int64_t replies = ask();
    world_answer(&world, GF_INPUT_TASK_STARTED);
    world_advance(&world, GF_INQUIRY_MS_DEFAULT - 10);
    cr_expect_eq(world.reply_count, replies);
    world_advance(&world, 20);
    cr_assert_eq(world.reply_count, replies + 1);
    cr_expect_eq(world.error.code, GF_UNAVAILABLE);
    cr_expect_str_eq(world.error.message,
                     "the scheduler has not answered in time about 1 containers of run 1");
    cr_expect_str_eq(world_states(&world, 1), "rpw", "nothing was decided about it");
    world_answer(&world, GF_INPUT_TASK_STARTED);
    cr_expect_str_eq(world_states(&world, 1), "rrw");
    cr_expect_eq(world.reply_count, replies + 1);
}

Test(repair, a_service_that_stops_answers) {
    const int64_t replies = ask();
    gf_core_stop(world.core);
    world_commit(&world);
    cr_expect_eq(world.reply_count, replies + 1);
    cr_expect_eq(world.error.code, GF_UNAVAILABLE);
    gf_core_stop(world.core);
    cr_expect(gf_core_batch_is_empty(world.core));
}

Test(repair, is_forgotten_in_a_restart) {
    (void)ask();
    world_restart(&world);
    cr_expect_eq(gf_core_get_stats(world.core).deadlines, 2, "those of the launches");
    (void)ask();
    cr_expect_eq(world.inquiries.count, 2);
}

Test(repair, tells_of_a_bounded_number_of_actions) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 20);
    for (int i = 0; i <= GF_REPLY_ACTIONS_MAX; i++) {
        gf_strbuf_printf(&text, "%stask-%d", i == 0 ? "" : "; ", i);
    }
    cr_assert_eq(world_up(&world, text.ptr), GF_OK);
    gf_strbuf_fini(&text);
    cr_assert_eq(world_start(&world), GF_OK);
    const int64_t replies = world.reply_count;
    cr_assert_eq(world_repair(&world, 2), GF_OK);
    for (int i = 0; i <= GF_REPLY_ACTIONS_MAX; i++) {
        world_answer(&world, GF_INPUT_TASK_STARTED);
    }
    cr_expect_eq(world.reply_count, replies + 1);
    cr_expect_eq(world.action_count, GF_REPLY_ACTIONS_MAX);
    cr_expect_eq(world.action_total, GF_REPLY_ACTIONS_MAX + 1);
}
