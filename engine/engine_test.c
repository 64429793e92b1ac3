#include "base/alloc.h"
#include "engine/core/testing/fixture.h"
#include "engine/engine.h"
#include "engine/scheduler/null/null.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"
#include "engine/testing/puppet.h"

#include <criterion/criterion.h>

/* ---- An engine with a puppet for a scheduler ---- */

static struct gf_arena arena;
static struct gf_store *store;
static struct gf_event_hub *hub;
static struct gf_engine *engine;
static struct puppet puppet;
static int64_t hub_begin; /* the newest event when the hub was new */
static _Atomic int fatal_count;

static void on_fatal(GF_UNUSED void *ctx, const struct gf_error *error) {
    cr_expect_eq(error->code, GF_UNAVAILABLE);
    fatal_count++;
}

static void start_engine(struct gf_core_limits limits, struct gf_pool *pool) {
    const struct gf_engine_options options = {.store = store,
                                              .hub = hub,
                                              .clock = gf_clock_system(),
                                              .pool = pool,
                                              .limits = limits,
                                              .on_fatal = on_fatal};
    struct gf_error err = {0};
    struct gf_core_start start = {0};
    cr_assert_eq(store->ops->load_start(store, &arena, &start, NULL), GF_OK);
    hub_begin = start.next_event_sequence - 1;
    engine = gf_engine_create(&options);
    puppet.events = gf_engine_scheduler_events(engine);
    gf_engine_set_scheduler(engine, puppet_port(&puppet));
    cr_assert_eq(gf_engine_start(engine, &err), GF_OK, "%s", err.message);
}

static void setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    store = gf_memory_store_create();
    hub = gf_event_hub_create();
    puppet_init(&puppet);
    start_engine((struct gf_core_limits){0}, NULL);
}

static void teardown(void) {
    gf_engine_destroy(engine);
    puppet_fini(&puppet);
    gf_event_hub_destroy(hub);
    store->ops->destroy(store);
    gf_arena_fini(&arena);
}

/* Ends the engine and starts another one on the same store. */
static void restart(struct gf_core_limits limits) {
    gf_engine_destroy(engine);
    gf_event_hub_destroy(hub);
    puppet_fini(&puppet);
    puppet_init(&puppet);
    hub = gf_event_hub_create();
    start_engine(limits, NULL);
}

TestSuite(engine, .init = setup, .fini = teardown, .timeout = 60);

static void up(const char *tasks) {
    struct caller caller;
    caller_up(&caller, gf_fixture_checked(&arena, tasks));
    cr_assert_eq(caller_call(&caller, engine), GF_OK, "%s", caller.error.message);
}

static int64_t start_run(void) {
    struct caller caller;
    caller_start_run(&caller, "pipe");
    cr_assert_eq(caller_call(&caller, engine), GF_OK, "%s", caller.error.message);
    return caller.run_id;
}

static struct gf_run stored_run(int64_t run_id) {
    struct gf_pipeline pipeline = {0};
    struct gf_run run = {0};
    struct gf_store_reader *reader = store->ops->open_reader(store);
    cr_assert_eq(store->ops->get_pipeline(reader, GF_STR("default"), GF_STR("pipe"), &arena,
                                          &pipeline, NULL),
                 GF_OK);
    cr_assert_eq(store->ops->get_run(reader, pipeline.pipeline_key, run_id, &arena, &run, NULL),
                 GF_OK);
    store->ops->close_reader(store, reader);
    return run;
}

/* Waits for an event of this kind about the run, by following the hub. */
struct waiter {
    struct gf_event_follower follower;
    struct gf_latch woken;
};

static void on_wake(struct gf_event_follower *follower) {
    gf_latch_open(&GF_CONTAINER_OF(follower, struct waiter, follower)->woken);
}

static void wait_for(int64_t run_id, enum gf_event_kind kind) {
    struct waiter waiter = {.follower = {.filter =
                                             {
                                                 .namespace_id = GF_STR("default"),
                                                 .pipeline_id = GF_STR("pipe"),
                                                 .run_id = run_id,
                                             },
                                         .wake = on_wake}};
    gf_event_kinds_add(&waiter.follower.filter.kinds, kind);
    gf_latch_init(&waiter.woken);
    cr_assert_eq(gf_event_hub_add(hub, &waiter.follower, NULL), GF_OK);
    gf_event_hub_arm(hub, &waiter.follower, hub_begin);
    gf_latch_wait(&waiter.woken);
    gf_event_hub_remove(hub, &waiter.follower);
    gf_latch_fini(&waiter.woken);
}

/* ---- Starting ---- */

Test(engine, the_first_start_makes_the_default_namespace) {
    struct gf_namespace ns = {0};
    struct gf_store_reader *reader = store->ops->open_reader(store);
    cr_expect_eq(store->ops->get_namespace(reader, GF_STR("default"), &arena, &ns, NULL), GF_OK);
    store->ops->close_reader(store, reader);
    cr_expect(gf_str_eq(ns.name, GF_STR("Default")));
    cr_expect_eq(gf_memory_store_commit_count(store), 1);
    restart((struct gf_core_limits){0});
    cr_expect_eq(gf_memory_store_commit_count(store), 1);
    cr_expect_eq(gf_event_hub_newest(hub), 1);
}

Test(engine, a_store_that_cannot_be_written_is_an_error_of_the_start) {
    struct gf_store *broken = gf_memory_store_create();
    struct gf_event_hub *other_hub = gf_event_hub_create();
    const struct gf_engine_options options = {
        .store = broken, .hub = other_hub, .clock = gf_clock_system()};
    struct gf_engine *other = gf_engine_create(&options);
    struct gf_error err = {0};
    gf_memory_store_fail_after(broken, 0);
    gf_engine_set_scheduler(other, puppet_port(&puppet));
    cr_expect_eq(gf_engine_start(other, &err), GF_UNAVAILABLE);
    cr_expect_gt(strlen(err.message), 0);
    gf_engine_destroy(other);
    gf_event_hub_destroy(other_hub);
    broken->ops->destroy(broken);
}

Test(engine, that_never_started_can_be_destroyed) {
    const struct gf_engine_options options = {
        .store = store, .hub = hub, .clock = gf_clock_system()};
    struct gf_engine *other = gf_engine_create(&options);
    gf_engine_stop(other);
    gf_engine_destroy(other);
    gf_engine_destroy(NULL);
}

/* ---- Runs ---- */

Test(engine, a_run_goes_from_its_start_to_its_end) {
    up("one; two < one");
    const int64_t run_id = start_run();
    const struct puppet_launch one = puppet_wait_launch(&puppet, 1);
    cr_expect_str_eq(one.task_id, "one");
    cr_expect_str_eq(one.pipeline_id, "pipe");
    cr_expect_eq(one.run_id, run_id);
    puppet_started(&puppet, one.attempt);
    puppet_exit(&puppet, one.attempt, 0);
    const struct puppet_launch two = puppet_wait_launch(&puppet, 2);
    cr_expect_str_eq(two.task_id, "two");
    puppet_exit(&puppet, two.attempt, 4);
    wait_for(run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(stored_run(run_id).status, GF_RUN_STATUS_FAILED);
    puppet_wait_forget(&puppet, 2);
}

Test(engine, a_launch_carries_the_whole_environment) {
    struct gf_config *config = gf_fixture_checked(&arena, "one");
    const struct gf_variable of_task[] = {{GF_STR("A"), GF_STR("task"), 0},
                                          {GF_STR("B"), GF_STR("task"), 0}};
    const struct gf_variable of_run[] = {{GF_STR("B"), GF_STR("run"), 0}};
    config->tasks[0].variables = of_task;
    config->tasks[0].variable_count = 2;
    struct caller caller;
    caller_up(&caller, config);
    cr_assert_eq(caller_call(&caller, engine), GF_OK);
    caller_start_run(&caller, "pipe");
    caller.command.input.u.start_run.variables = of_run;
    caller.command.input.u.start_run.variable_count = 1;
    cr_assert_eq(caller_call(&caller, engine), GF_OK);
    cr_expect_str_eq(puppet_wait_launch(&puppet, 1).environment,
                     "A=task\nB=run\nGOFER_NAMESPACE_ID=default\nGOFER_PIPELINE_ID=pipe\n"
                     "GOFER_RUN_ID=1\nGOFER_TASK_ATTEMPT=1\nGOFER_TASK_ID=one\n"
                     "GOFER_TASK_IMAGE=busybox:latest\n");
}

static void expect_stored(GF_UNUSED void *ctx, const struct gf_reply *reply) {
    cr_expect_eq(stored_run(reply->run->run_id).run_key, reply->run->run_key);
}

static void expect_launch_stored(GF_UNUSED void *ctx, const struct gf_launch *launch) {
    struct gf_task_execution task = {0};
    struct gf_store_reader *reader = store->ops->open_reader(store);
    cr_expect_eq(store->ops->get_task(reader, launch->attempt.run_key, launch->task->task_id,
                                      &arena, &task, NULL),
                 GF_OK);
    store->ops->close_reader(store, reader);
    cr_expect_eq(task.state, GF_TASK_STATE_PROCESSING);
    cr_expect_eq(task.attempt, launch->attempt.attempt);
}

Test(engine, nothing_is_answered_or_launched_before_it_is_stored) {
    up("one");
    puppet.on_launch = expect_launch_stored;
    struct caller caller;
    caller_start_run(&caller, "pipe");
    caller.on_done = expect_stored;
    cr_assert_eq(caller_call(&caller, engine), GF_OK);
    (void)puppet_wait_launch(&puppet, 1);
    cr_expect_geq(gf_event_hub_newest(hub), 1);
}

Test(engine, a_cancel_stops_the_container) {
    up("one; two < one");
    const int64_t run_id = start_run();
    const struct puppet_launch one = puppet_wait_launch(&puppet, 1);
    puppet_started(&puppet, one.attempt);
    struct caller caller;
    caller_cancel_run(&caller, "pipe", run_id, false);
    cr_assert_eq(caller_call(&caller, engine), GF_OK);
    cr_expect_not(puppet_wait_stop(&puppet, 1).force);
    caller_cancel_run(&caller, "pipe", run_id, true);
    cr_assert_eq(caller_call(&caller, engine), GF_OK);
    cr_expect(puppet_wait_stop(&puppet, 2).force);
    puppet_stopped(&puppet, one.attempt);
    wait_for(run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(stored_run(run_id).status, GF_RUN_STATUS_CANCELLED);
}

Test(engine, refusals_are_answered_too) {
    struct caller caller;
    caller_start_run(&caller, "nobody");
    cr_expect_eq(caller_call(&caller, engine), GF_NOT_FOUND);
    caller_create_namespace(&caller, "default");
    cr_expect_eq(caller_call(&caller, engine), GF_ALREADY_EXISTS);
    cr_expect_eq(gf_memory_store_commit_count(store), 1); /* refusals write nothing */
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
    caller_submit(caller, engine);
    gf_latch_wait(&gate->reached);
}

static void open_gate(struct gate *gate, struct caller *caller) {
    gf_latch_open(&gate->open);
    (void)caller_wait(caller);
    gf_latch_fini(&gate->reached);
    gf_latch_fini(&gate->open);
}

Test(engine, what_waits_goes_into_one_transaction) {
    up("one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[100];
    close_gate(&gate, &gate_caller);
    const int64_t commits = gf_memory_store_commit_count(store);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], engine);
    }
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
        cr_expect_eq(callers[i].run_id, (int64_t)i + 1);
    }
    cr_expect_eq(gf_memory_store_commit_count(store), commits + 1);
    (void)puppet_wait_launch(&puppet, 100);
    struct caller last;
    caller_create_namespace(&last, "default");
    (void)caller_call(&last, engine); /* the figures of the batch before are there now */
    const struct gf_engine_stats stats = gf_engine_get_stats(engine);
    cr_expect_eq(stats.core.runs_active, 100);
    cr_expect_eq(stats.commits_total, gf_memory_store_commit_count(store));
    cr_expect_gt(stats.rows_total, 500);
}

Test(engine, a_full_queue_refuses_commands_and_takes_cancels) {
    up("one");
    const int64_t run_id = start_run();
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_QUEUE_COMMANDS_MAX, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_COMMANDS_MAX; i++) {
        caller_create_namespace(&callers[i], "default");
        caller_submit(&callers[i], engine);
    }
    struct caller refused;
    struct gf_error err = {0};
    caller_start_run(&refused, "pipe");
    cr_expect_eq(gf_engine_submit(engine, &refused.command, &err), GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(refused.done_count, 0);
    struct caller cancel;
    caller_cancel_run(&cancel, "pipe", run_id, false);
    caller_submit(&cancel, engine);
    puppet_exit(&puppet, puppet_wait_launch(&puppet, 1).attempt, 0);
    open_gate(&gate, &gate_caller);
    cr_expect_eq(caller_wait(&cancel), GF_OK); /* it went before what waited longer */
    for (size_t i = 0; i < GF_ENGINE_QUEUE_COMMANDS_MAX; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_ALREADY_EXISTS);
    }
    wait_for(run_id, GF_EVENT_RUN_COMPLETED);
    free(callers);
}

Test(engine, waiting_cancels_have_a_bound_of_their_own) {
    up("one");
    const int64_t run_id = start_run();
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_QUEUE_URGENT_MAX, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_URGENT_MAX; i++) {
        caller_cancel_run(&callers[i], "pipe", run_id, false);
        caller_submit(&callers[i], engine);
    }
    struct caller refused;
    caller_cancel_run(&refused, "pipe", run_id, false);
    cr_expect_eq(gf_engine_submit(engine, &refused.command, NULL), GF_RESOURCE_EXHAUSTED);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_QUEUE_URGENT_MAX; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
    }
    cr_expect_eq(caller_call(&refused, engine), GF_OK); /* there is room again */
    puppet_stopped(&puppet, puppet_wait_launch(&puppet, 1).attempt);
    free(callers);
}

Test(engine, stopping_answers_everything_that_is_queued) {
    up("one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[50];
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], engine);
    }
    gf_latch_open(&gate.open);
    gf_engine_stop(engine);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
    }
    (void)caller_wait(&gate_caller);
    struct caller late;
    caller_start_run(&late, "pipe");
    cr_expect_eq(gf_engine_submit(engine, &late.command, NULL), GF_UNAVAILABLE);
    caller_cancel_run(&late, "pipe", 1, false);
    cr_expect_eq(gf_engine_submit(engine, &late.command, NULL), GF_UNAVAILABLE);
    /* Reports that come now are dropped, and told again after the next start. */
    puppet_exit(&puppet, puppet_wait_launch(&puppet, 1).attempt, 0);
}

/* ---- Failing writes ---- */

Test(engine, a_failed_commit_refuses_launches_nothing_and_is_told_once) {
    up("one");
    struct gate gate;
    struct caller gate_caller;
    struct caller callers[10];
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        caller_start_run(&callers[i], i == 9 ? "nobody" : "pipe");
        caller_submit(&callers[i], engine);
    }
    gf_memory_store_fail_after(store, 0);
    const int64_t newest = gf_event_hub_newest(hub);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ARRAY_COUNT(callers); i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_UNAVAILABLE);
    }
    struct caller late;
    caller_start_run(&late, "pipe");
    cr_expect_eq(gf_engine_submit(engine, &late.command, NULL), GF_UNAVAILABLE);
    gf_engine_stop(engine);
    cr_expect_eq(fatal_count, 1);
    cr_expect_eq(puppet_launch_count(&puppet), 0);
    cr_expect_eq(gf_event_hub_newest(hub), newest);
    /* Its successor begins where the store is. */
    gf_memory_store_fail_after(store, -1);
    restart((struct gf_core_limits){0});
    cr_expect_eq(start_run(), 1);
}

Test(engine, what_is_queued_behind_a_failed_commit_is_refused) {
    up("one");
    const int64_t run_id = start_run();
    const struct gf_attempt attempt = puppet_wait_launch(&puppet, 1).attempt;
    struct gate gate;
    struct caller gate_caller;
    struct caller *callers = gf_calloc(GF_ENGINE_BATCH_INPUTS_MAX + 10, sizeof(*callers));
    close_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_BATCH_INPUTS_MAX + 10; i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], engine);
    }
    struct caller cancel;
    caller_cancel_run(&cancel, "pipe", run_id, false);
    caller_submit(&cancel, engine);
    puppet_exit(&puppet, attempt, 0);
    gf_memory_store_fail_after(store, 0);
    open_gate(&gate, &gate_caller);
    for (size_t i = 0; i < GF_ENGINE_BATCH_INPUTS_MAX + 10; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_UNAVAILABLE);
    }
    cr_expect_eq(caller_wait(&cancel), GF_UNAVAILABLE);
    free(callers);
}

/* ---- Restarts ---- */

Test(engine, a_restart_asks_the_scheduler_about_what_may_run) {
    up("one; two; tri < one");
    const int64_t run_id = start_run();
    const struct gf_attempt one = puppet_wait_launch(&puppet, 1).attempt;
    puppet_started(&puppet, one);
    wait_for(run_id, GF_EVENT_TASK_EXECUTION_STARTED);
    restart((struct gf_core_limits){0});
    cr_expect(puppet.recover_called);
    cr_assert_eq(puppet.recovered.count, 2);
    cr_expect_eq(puppet.recovered.items[0].task_index, 0);
    cr_expect_eq(puppet.recovered.items[1].task_index, 1);
    puppet_exit(&puppet, puppet.recovered.items[0], 0);
    puppet.events->never_started(puppet.events->ctx, puppet.recovered.items[1]);
    const struct puppet_launch first = puppet_wait_launch(&puppet, 1);
    const struct puppet_launch second = puppet_wait_launch(&puppet, 2);
    puppet_exit(&puppet, first.attempt, 0);
    puppet_exit(&puppet, second.attempt, 0);
    wait_for(run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(stored_run(run_id).status, GF_RUN_STATUS_SUCCESSFUL);
}

Test(engine, a_restart_launches_what_waited) {
    restart((struct gf_core_limits){.attempts_running_max = 1});
    up("one; two");
    const int64_t run_id = start_run();
    (void)puppet_wait_launch(&puppet, 1);
    restart((struct gf_core_limits){.attempts_running_max = 2});
    cr_expect_str_eq(puppet_wait_launch(&puppet, 1).task_id, "two");
    puppet_exit(&puppet, puppet_wait_launch(&puppet, 1).attempt, 0);
    puppet.events->lost(puppet.events->ctx, puppet.recovered.items[0], GF_STR("it is gone"));
    wait_for(run_id, GF_EVENT_RUN_COMPLETED);
    cr_expect_eq(stored_run(run_id).reason.kind, GF_REASON_ORPHANED);
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
    gf_engine_destroy(engine);
    gf_event_hub_destroy(hub);
    hub = gf_event_hub_create();
    puppet.recover_called = false;
    start_engine((struct gf_core_limits){0}, pool);
    gf_pool_submit_reserved(pool, slow_job, &latch); /* the pool is busy */
    up("one");
    for (int i = 0; i < 4 * GF_ENGINE_CHECKPOINT_ROWS / 6; i++) { /* six rows each */
        (void)start_run();
    }
    cr_expect_eq(gf_memory_store_checkpoint_count(store), 0);
    gf_latch_open(&latch);
    gf_engine_stop(engine); /* waits for it */
    /* The one that was held up, and perhaps one more behind it. */
    const int64_t checkpoints = gf_memory_store_checkpoint_count(store);
    cr_expect(checkpoints == 1 || checkpoints == 2);
    cr_expect_eq(gf_engine_get_stats(engine).checkpoints_total, checkpoints);
    gf_pool_destroy(pool);
    gf_latch_fini(&latch);
}

/* ---- The null scheduler ---- */

Test(engine, the_null_scheduler_ends_a_thousand_runs) {
    gf_engine_destroy(engine);
    gf_event_hub_destroy(hub);
    hub = gf_event_hub_create();
    const struct gf_engine_options options = {
        .store = store, .hub = hub, .clock = gf_clock_system(), .on_fatal = on_fatal};
    engine = gf_engine_create(&options);
    struct gf_null_scheduler *null_scheduler =
        gf_null_scheduler_create(gf_engine_scheduler_events(engine), gf_clock_system());
    gf_engine_set_scheduler(engine, gf_null_scheduler_port(null_scheduler));
    cr_assert_eq(gf_engine_start(engine, NULL), GF_OK);
    up("one; two < one; tri < two:failure");
    struct caller *callers = gf_calloc(1000, sizeof(*callers));
    for (int i = 0; i < 1000; i++) {
        caller_start_run(&callers[i], "pipe");
        caller_submit(&callers[i], engine);
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(caller_wait(&callers[i]), GF_OK);
    }
    gf_engine_stop(engine); /* finishes what is queued, and what comes of it */
    for (int64_t id = 1; id <= 1000; id++) {
        cr_assert_eq(stored_run(id).status, GF_RUN_STATUS_SUCCESSFUL);
    }
    const struct gf_engine_stats stats = gf_engine_get_stats(engine);
    cr_expect_eq(stats.core.runs_active, 0);
    cr_expect_eq(stats.core.attempts_running, 0);
    gf_null_scheduler_destroy(null_scheduler);
    free(callers);
}
