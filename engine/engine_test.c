#include "base/alloc.h"
#include "engine/core/testing/fixture.h"
#include "engine/engine.h"
#include "engine/scheduler/null/null.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"
#include "engine/testing/puppet.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
}

static void teardown(void) {
    rig_fini(&rig);
}

TestSuite(engine, .init = setup, .fini = teardown, .timeout = 60);

/* ---- Starting ---- */

Test(engine, the_first_start_makes_the_default_namespace) {
    struct gf_namespace ns = {0};
    struct gf_store_reader *reader = rig.store->ops->open_reader(rig.store);
    cr_expect_eq(rig.store->ops->get_namespace(reader, GF_STR("default"), &rig.arena, &ns, NULL),
                 GF_OK);
    rig.store->ops->close_reader(rig.store, reader);
    cr_expect(gf_str_eq(ns.name, GF_STR("Default")));
    cr_expect_eq(gf_memory_store_commit_count(rig.store), 1);
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    cr_expect_eq(gf_memory_store_commit_count(rig.store), 1);
    cr_expect_eq(gf_event_hub_newest(rig.hub), 1);
}

Test(engine, a_store_that_cannot_be_written_is_an_error_of_the_start) {
    struct gf_store *broken = gf_memory_store_create();
    struct gf_event_hub *other_hub = gf_event_hub_create();
    const struct gf_engine_options options = {
        .store = broken, .hub = other_hub, .clock = gf_clock_system()};
    struct gf_engine *other = gf_engine_create(&options);
    struct gf_error err = {0};
    gf_memory_store_fail_after(broken, 0);
    gf_engine_set_scheduler(other, puppet_port(&rig.puppet));
    cr_expect_eq(gf_engine_start(other, &err), GF_UNAVAILABLE);
    cr_expect_gt(strlen(err.message), 0);
    gf_engine_destroy(other);
    gf_event_hub_destroy(other_hub);
    broken->ops->destroy(broken);
}

Test(engine, that_never_started_can_be_destroyed) {
    const struct gf_engine_options options = {
        .store = rig.store, .hub = rig.hub, .clock = gf_clock_system()};
    struct gf_engine *other = gf_engine_create(&options);
    gf_engine_stop(other);
    gf_engine_destroy(other);
    gf_engine_destroy(NULL);
}

/* ---- Runs ---- */

Test(engine, a_run_goes_from_its_start_to_its_end) {
    rig_up(&rig, "one; two < one");
    const int64_t run_id = rig_start_run(&rig);
    const struct puppet_launch one = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_str_eq(one.task_id, "one");
    cr_expect_str_eq(one.pipeline_id, "pipe");
    cr_expect_eq(one.run_id, run_id);
    puppet_started(&rig.puppet, one.attempt);
    puppet_exit(&rig.puppet, one.attempt, 0);
    const struct puppet_launch two = puppet_wait_launch(&rig.puppet, 2);
    cr_expect_str_eq(two.task_id, "two");
    puppet_exit(&rig.puppet, two.attempt, 4);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).status, GF_RUN_STATUS_FAILED);
    puppet_wait_forget(&rig.puppet, 2);
}

Test(engine, a_launch_carries_the_whole_environment) {
    struct gf_config *config = gf_fixture_checked(&rig.arena, "one");
    const struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("task"), 0},
                                          {GF_STR("B"), GF_STR("task"), 0}};
    const struct gf_variable of_run[] = {{GF_STR("B"), GF_STR("run"), 0}};
    config->tasks[0].variables = of_task;
    config->tasks[0].variable_count = 2;
    struct caller caller;
    caller_up(&caller, config);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    caller_start_run(&caller, "pipe");
    caller.command.input.u.start_run.variables = of_run;
    caller.command.input.u.start_run.variable_count = 1;
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect_str_eq(puppet_wait_launch(&rig.puppet, 1).environment,
                     "A=task\nB=run\nGOFER_NAMESPACE_ID=default\nGOFER_PIPELINE_ID=pipe\n"
                     "GOFER_RUN_ID=1\nGOFER_TASK_ATTEMPT=1\nGOFER_TASK_ID=one\n"
                     "GOFER_TASK_IMAGE=busybox:latest\n");
}

static void expect_stored(GF_UNUSED void *ctx, const struct gf_reply *reply) {
    cr_expect_eq(rig_stored_run(&rig, reply->run->run_id).run_key, reply->run->run_key);
}

static void expect_launch_stored(GF_UNUSED void *ctx, const struct gf_launch *launch) {
    struct gf_task_execution task = {0};
    struct gf_store_reader *reader = rig.store->ops->open_reader(rig.store);
    cr_expect_eq(rig.store->ops->get_task(reader, launch->attempt.run_key, launch->task->task_id,
                                          &rig.arena, &task, NULL),
                 GF_OK);
    rig.store->ops->close_reader(rig.store, reader);
    cr_expect_eq(task.state, GF_TASK_STATE_PROCESSING);
    cr_expect_eq(task.attempt, launch->attempt.attempt);
}

Test(engine, nothing_is_answered_or_launched_before_it_is_stored) {
    rig_up(&rig, "one");
    rig.puppet.on_launch = expect_launch_stored;
    struct caller caller;
    caller_start_run(&caller, "pipe");
    caller.on_done = expect_stored;
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    (void)puppet_wait_launch(&rig.puppet, 1);
    cr_expect_geq(gf_event_hub_newest(rig.hub), 1);
}

Test(engine, a_cancel_stops_the_container) {
    rig_up(&rig, "one; two < one");
    const int64_t run_id = rig_start_run(&rig);
    const struct puppet_launch one = puppet_wait_launch(&rig.puppet, 1);
    puppet_started(&rig.puppet, one.attempt);
    struct caller caller;
    caller_cancel_run(&caller, "pipe", run_id, false);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect_not(puppet_wait_stop(&rig.puppet, 1).force);
    caller_cancel_run(&caller, "pipe", run_id, true);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect(puppet_wait_stop(&rig.puppet, 2).force);
    puppet_stopped(&rig.puppet, one.attempt);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).status, GF_RUN_STATUS_CANCELLED);
}

Test(engine, refusals_are_answered_too) {
    struct caller caller;
    caller_start_run(&caller, "nobody");
    cr_expect_eq(caller_call(&caller, rig.engine), GF_NOT_FOUND);
    caller_create_namespace(&caller, "default");
    cr_expect_eq(caller_call(&caller, rig.engine), GF_ALREADY_EXISTS);
    cr_expect_eq(gf_memory_store_commit_count(rig.store), 1); /* refusals write nothing */
}

/* ---- Batches and queues ---- */

/* Holds the engine's thread inside a `done` until it is let go. */
struct gate {
    struct gf_latch reached;
    struct gf_latch open;
};

static void hold(void *ctx, GF_UNUSED const struct gf_reply *reply) {
    struct gate *gate = ctx;
    gf_latch_open(&gate->reached);
    gf_latch_wait(&gate->open);
}

static void close_gate(struct gate *gate, struct caller *caller) {
    gf_latch_init(&gate->reached);
    gf_latch_init(&gate->open);
    caller_create_namespace(caller, "default"); /* refused: it changes nothing */
    caller->on_done = hold;
    caller->ctx = gate;
    caller_submit(caller, rig.engine);
    gf_latch_wait(&gate->reached);
}

static void open_gate(struct gate *gate, struct caller *caller) {
    gf_latch_open(&gate->open);
    (void)caller_wait(caller);
    gf_latch_fini(&gate->reached);
    gf_latch_fini(&gate->open);
}

Test(engine, what_waits_goes_into_one_transaction) {
    rig_up(&rig, "one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[100];
    close_gate(&gate, &gate_caller);
    const int64_t commits = gf_memory_store_commit_count(rig.store);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
        cr_expect_eq(callers[i].run_id, (int64_t)i + 1);
    }
    cr_expect_eq(gf_memory_store_commit_count(rig.store), commits + 1);
    (void)puppet_wait_launch(&rig.puppet, 100);
    struct caller last;
    caller_create_namespace(&last, "default");
    (void)caller_call(&last, rig.engine); /* the figures of the batch before are there now */
    const struct gf_engine_stats stats = gf_engine_get_stats(rig.engine);
    cr_expect_eq(stats.core.runs_active, 100);
    cr_expect_eq(stats.commits_total, gf_memory_store_commit_count(rig.store));
    cr_expect_gt(stats.rows_total, 500);
}

/* How many of the ordinary commands were answered, and how many of them before an urgent one. */
static _Atomic int ordinary_count;
static _Atomic int ordinary_before_urgent;

static void count_ordinary(GF_UNUSED void *ctx, GF_UNUSED const struct gf_reply *reply) {
    ordinary_count++;
}

static void note_urgent(GF_UNUSED void *ctx, GF_UNUSED const struct gf_reply *reply) {
    ordinary_before_urgent = ordinary_count;
}

enum {
    URGENT_COMMANDS = 7,
};

static const struct gf_str TOKEN_ROLES[] = {{"reader", 6}};
static const struct gf_token TOKEN = {.token_id = {"tok_0123", 8},
                                      .kind = GF_TOKEN_KIND_BOT,
                                      .user = {"ci", 2},
                                      .role_ids = TOKEN_ROLES,
                                      .role_count = 1};

static void make_token(void) {
    struct caller caller;
    caller_token(&caller, GF_INPUT_CREATE_TOKEN, &TOKEN);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
}

static void submit_urgent(struct caller callers[URGENT_COMMANDS], int64_t run_id) {
    caller_cancel_run(&callers[0], "pipe", run_id, false);
    caller_end(&callers[1], GF_INPUT_CANCEL_TASK, "pipe", run_id, "one");
    caller_end(&callers[2], GF_INPUT_CANCEL_ALL_RUNS, "pipe", 0, NULL);
    caller_end(&callers[3], GF_INPUT_REPAIR_RUN, "pipe", run_id, NULL);
    caller_pause_run_starts(&callers[4], true);
    caller_token(&callers[5], GF_INPUT_DISABLE_TOKEN, &TOKEN);
    caller_token(&callers[6], GF_INPUT_DELETE_TOKEN, &TOKEN);
    for (size_t i = 0; i < URGENT_COMMANDS; i++) {
        callers[i].on_done = note_urgent;
        caller_submit(&callers[i], rig.engine);
    }
}

Test(engine, a_full_queue_refuses_commands_and_takes_what_ends_and_pauses) {
    rig_up(&rig, "one");
    make_token();
    const int64_t run_id = rig_start_run(&rig);
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_QUEUE_COMMANDS_MAX, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_COMMANDS_MAX; i++) {
        caller_create_namespace(&callers[i], "default");
        callers[i].on_done = count_ordinary;
        caller_submit(&callers[i], rig.engine);
    }
    struct caller refused;
    struct gf_error err = {0};
    caller_start_run(&refused, "pipe");
    cr_expect_eq(gf_engine_submit(rig.engine, &refused.command, &err), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(refused.done_count, 0);
    struct caller urgent[URGENT_COMMANDS];
    submit_urgent(urgent, run_id);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < URGENT_COMMANDS; i++) {
        cr_expect_eq(caller_wait(&urgent[i]), GF_OK, "%zu: %s", i, urgent[i].error.message);
    }
    cr_expect_eq(ordinary_before_urgent, 0); /* they went before what waited longer */
    for (size_t i = 0; i < GF_ENGINE_QUEUE_COMMANDS_MAX; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_ALREADY_EXISTS);
    }
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    free(callers);
}

Test(engine, waiting_urgent_commands_have_a_bound_of_their_own) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_QUEUE_URGENT_MAX, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_URGENT_MAX; i++) {
        caller_cancel_run(&callers[i], "pipe", run_id, false);
        caller_submit(&callers[i], rig.engine);
    }
    struct caller refused;
    caller_cancel_run(&refused, "pipe", run_id, false);
    cr_expect_eq(gf_engine_submit(rig.engine, &refused.command, NULL), GF_RESOURCE_EXHAUSTED);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_URGENT_MAX; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
    }
    cr_expect_eq(caller_call(&refused, rig.engine), GF_OK); /* there is room again */
    puppet_stopped(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt);
    free(callers);
}

Test(engine, stopping_answers_everything_that_is_queued) {
    rig_up(&rig, "one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[50];
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    gf_latch_open(&gate.open);
    gf_engine_stop(rig.engine);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
    }
    (void)caller_wait(&gate_caller);
    struct caller late;
    caller_start_run(&late, "pipe");
    cr_expect_eq(gf_engine_submit(rig.engine, &late.command, NULL), GF_UNAVAILABLE);
    caller_cancel_run(&late, "pipe", 1, false);
    cr_expect_eq(gf_engine_submit(rig.engine, &late.command, NULL), GF_UNAVAILABLE);
    /* Reports that come now are dropped, and told again after the next start. */
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
}

/* ---- Failing writes ---- */

Test(engine, a_failed_commit_refuses_launches_nothing_and_is_told_once) {
    rig_up(&rig, "one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[10];
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], i == 9 ? "nobody" : "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    gf_memory_store_fail_after(rig.store, 0);
    const int64_t newest = gf_event_hub_newest(rig.hub);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_UNAVAILABLE);
    }
    struct caller late;
    caller_start_run(&late, "pipe");
    cr_expect_eq(gf_engine_submit(rig.engine, &late.command, NULL), GF_UNAVAILABLE);
    gf_engine_stop(rig.engine);
    cr_expect_eq(rig.fatal_count, 1);
    cr_expect_eq(puppet_launch_count(&rig.puppet), 0);
    cr_expect_eq(gf_event_hub_newest(rig.hub), newest);
    /* Its successor begins where the store is. */
    gf_memory_store_fail_after(rig.store, -1);
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    cr_expect_eq(rig_start_run(&rig), 1);
}

Test(engine, what_is_queued_behind_a_failed_commit_is_refused) {
    rig_up(&rig, "one");
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt attempt = puppet_wait_launch(&rig.puppet, 1).attempt;
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_BATCH_INPUTS_MAX + 10, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_BATCH_INPUTS_MAX + 10; i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    struct caller cancel;
    caller_cancel_run(&cancel, "pipe", run_id, false);
    caller_submit(&cancel, rig.engine);
    puppet_exit(&rig.puppet, attempt, 0);
    gf_memory_store_fail_after(rig.store, 0);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_BATCH_INPUTS_MAX + 10; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_UNAVAILABLE);
    }
    cr_expect_eq(caller_wait(&cancel), GF_UNAVAILABLE);
    free(callers);
}

/* ---- Restarts ---- */

Test(engine, a_restart_asks_the_scheduler_about_what_may_run) {
    rig_up(&rig, "one; two; tri < one");
    const int64_t run_id = rig_start_run(&rig);
    const struct gf_attempt one = puppet_wait_launch(&rig.puppet, 1).attempt;
    puppet_started(&rig.puppet, one);
    rig_wait_for(&rig, run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    cr_expect(rig.puppet.recover_called);
    cr_assert_eq(rig.puppet.recovered.count, 2);
    cr_expect_eq(rig.puppet.recovered.items[0].task_index, 0);
    cr_expect_eq(rig.puppet.recovered.items[1].task_index, 1);
    puppet_exit(&rig.puppet, rig.puppet.recovered.items[0], 0);
    rig.puppet.events->never_started(rig.puppet.events->ctx, rig.puppet.recovered.items[1]);
    const struct puppet_launch first = puppet_wait_launch(&rig.puppet, 1);
    const struct puppet_launch second = puppet_wait_launch(&rig.puppet, 2);
    puppet_exit(&rig.puppet, first.attempt, 0);
    puppet_exit(&rig.puppet, second.attempt, 0);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(engine, a_restart_launches_what_waited) {
    rig_restart(&rig, (struct gf_core_limits){.attempts_running_max = 1}, NULL);
    rig_up(&rig, "one; two");
    const int64_t run_id = rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    rig_restart(&rig, (struct gf_core_limits){.attempts_running_max = 2}, NULL);
    cr_expect_str_eq(puppet_wait_launch(&rig.puppet, 1).task_id, "two");
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    rig.puppet.events->lost(rig.puppet.events->ctx, rig.puppet.recovered.items[0],
                            GF_STR("it is gone"));
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(rig_stored_run(&rig, run_id).reason.kind, GF_REASON_ORPHANED);
}

/* ---- Checkpoints ---- */

static _Atomic int slow_jobs;

static void slow_job(void *ctx) {
    gf_latch_wait(ctx);
    slow_jobs++;
}

Test(engine, checkpoints_run_in_the_pool_one_at_a_time) {
    const struct gf_pool_opts pool_options = {.thread_count = 1, .queue_limit = 4, .name = "test"};
    struct gf_pool *pool = gf_pool_create(&pool_options);
    struct gf_latch latch;
    gf_latch_init(&latch);
    rig_restart(&rig, (struct gf_core_limits){0}, pool);
    gf_pool_submit_reserved(pool, slow_job, &latch); /* the pool is busy */
    rig_up(&rig, "one");
    for (int i = 0; i < 4 * GF_ENGINE_CHECKPOINT_ROWS / 6; i++) { /* six rows each */
        (void)rig_start_run(&rig);
    }
    cr_expect_eq(gf_memory_store_checkpoint_count(rig.store), 0);
    gf_latch_open(&latch);
    gf_engine_stop(rig.engine); /* waits for it */
    /* The one that was held up, and perhaps one more behind it. */
    const int64_t checkpoints = gf_memory_store_checkpoint_count(rig.store);
    cr_expect(checkpoints == 1 || checkpoints == 2);
    cr_expect_eq(gf_engine_get_stats(rig.engine).checkpoints_total, checkpoints);
    gf_pool_destroy(pool);
    gf_latch_fini(&latch);
}

/* ---- The null scheduler ---- */

Test(engine, the_null_scheduler_ends_a_thousand_runs) {
    gf_engine_destroy(rig.engine);
    gf_event_hub_destroy(rig.hub);
    rig.hub = gf_event_hub_create();
    const struct gf_engine_options options = {
        .store = rig.store, .hub = rig.hub, .clock = gf_clock_system()};
    rig.engine = gf_engine_create(&options);
    struct gf_null_scheduler *null_scheduler =
        gf_null_scheduler_create(gf_engine_scheduler_events(rig.engine), gf_clock_system());
    gf_engine_set_scheduler(rig.engine, gf_null_scheduler_port(null_scheduler));
    cr_assert_eq(gf_engine_start(rig.engine, NULL), GF_OK);
    rig_up(&rig, "one; two < one; tri < two:failure");
    struct caller *callers = gf_calloc(1000, sizeof(*callers));
    for (int i = 0; i < 1000; i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], rig.engine);
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(caller_wait(&callers[i]), GF_OK);
    }
    gf_engine_stop(rig.engine); /* finishes what is queued, and what comes of it */
    for (int64_t id = 1; id <= 1000; id++) {
        cr_assert_eq(rig_stored_run(&rig, id).status, GF_RUN_STATUS_SUCCESSFUL);
    }
    const struct gf_engine_stats stats = gf_engine_get_stats(rig.engine);
    cr_expect_eq(stats.core.runs_active, 0);
    cr_expect_eq(stats.core.attempts_running, 0);
    gf_null_scheduler_destroy(null_scheduler);
    free(callers);
}

/* ---- Figures ---- */

Test(engine, stats_tell_what_became_of_runs_and_commands) {
    rig_up(&rig, "one; two < one");
    const int64_t run_id = rig_start_run(&rig);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 2).attempt, 4);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    puppet_wait_forget(&rig.puppet, 2); /* what is released is counted before it */
    gf_engine_stop(rig.engine);
    const struct gf_engine_stats stats = gf_engine_get_stats(rig.engine);
    cr_expect_eq(stats.runs_ended_total[GF_RUN_STATUS_FAILED], 1);
    cr_expect_eq(stats.runs_ended_total[GF_RUN_STATUS_SUCCESSFUL], 0);
    cr_expect_eq(stats.tasks_ended_total[GF_TASK_STATUS_SUCCESSFUL], 1);
    cr_expect_eq(stats.tasks_ended_total[GF_TASK_STATUS_FAILED], 1);
    cr_expect_eq(stats.attempts_failed_total[GF_REASON_ABNORMAL_EXIT], 1);
    cr_expect_eq(stats.attempts_retried_total, 0);
    cr_expect_eq(stats.launches_total, 2);
    cr_expect_eq(stats.events_total[GF_EVENT_RUN_COMPLETED], 1);
    cr_expect_eq(stats.replies_total[GF_OK], 2); /* up, and the start of the run */
    cr_expect_eq(stats.wait.count, (uint64_t)stats.inputs_total);
    cr_expect_eq(stats.commit.count, (uint64_t)stats.commits_total);
    cr_expect_geq(stats.step.count, stats.commit.count - 1); /* the start commits without steps */
    cr_expect_eq(stats.commands_queued + stats.urgent_queued + stats.reports_queued, 0);
    cr_expect_eq(stats.commands_limit, GF_ENGINE_QUEUE_COMMANDS_MAX);
    cr_expect_eq(stats.core.runs_running, 0);
    cr_expect_eq(stats.core.namespaces, 1);
}
