/* Who listens to the engine knows of a batch before anybody else can act on it. */
#include "engine/core/testing/fixture.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;

enum {
    NOTES_MAX = 64,
};

/* What was told, in order; of runs their keys. Written on the engine's thread. */
struct ear {
    int64_t restored[NOTES_MAX];
    size_t restored_tasks[NOTES_MAX];
    _Atomic size_t restored_count;
    _Atomic int64_t batches;
    _Atomic int64_t launches;     /* in the batches */
    _Atomic int64_t newest_event; /* in them */
    _Atomic int64_t tokens;
    _Atomic bool bootstrapped;
};

static struct ear ear;

static void hear_restored(void *ctx, const struct gf_run *run, const struct gf_config *config) {
    struct ear *to = ctx;
    to->restored[to->restored_count] = run->run_id;
    to->restored_tasks[to->restored_count++] = config->task_count;
    cr_expect_eq(to->batches, 0, "first what was there, then what happens");
}

static void hear_committed(void *ctx, const struct gf_batch *batch) {
    struct ear *to = ctx;
    to->batches++;
    for (size_t i = 0; i < batch->effects.count; i++) {
        to->launches += batch->effects.items[i].kind == GF_EFFECT_LAUNCH;
    }
    if (batch->events.count > 0) {
        to->newest_event = batch->events.items[batch->events.count - 1].sequence;
    }
    to->tokens += (int64_t)batch->tokens.count;
    to->bootstrapped = to->bootstrapped || batch->bootstrapped;
}

static void listen(void) {
    ear = (struct ear){0};
    rig.listener = (struct gf_engine_listener){
        .ctx = &ear, .restored = hear_restored, .committed = hear_committed};
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
}

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
}

static void teardown(void) {
    rig_fini(&rig);
}

TestSuite(engine_listener, .init = setup, .fini = teardown, .timeout = 60);

Test(engine_listener, hears_of_the_runs_that_were_there) {
    rig_up(&rig, "one; two < one");
    const int64_t ended = rig_start_run(&rig);
    const int64_t running = rig_start_run(&rig);
    const struct gf_attempt one = puppet_wait_launch(&rig.puppet, 1).attempt;
    (void)puppet_wait_launch(&rig.puppet, 2);
    puppet_exit(&rig.puppet, one, 1);
    rig_wait_for(&rig, ended, GF_EVENT_RUN_COMPLETED);
    listen();
    cr_assert_eq(ear.restored_count, 1, "they are told before the start returns");
    cr_expect_eq(ear.restored[0], running);
    cr_expect_eq(ear.restored_tasks[0], 2);
}

/* What the listener knew when the reply came. */
static struct ear heard_at_reply;

static void note(GF_UNUSED void *ctx, GF_UNUSED const struct gf_reply *reply) {
    heard_at_reply.launches = ear.launches;
    heard_at_reply.tokens = ear.tokens;
    heard_at_reply.bootstrapped = ear.bootstrapped;
    heard_at_reply.newest_event = ear.newest_event;
}

Test(engine_listener, hears_of_a_batch_before_its_replies) {
    rig_up(&rig, "one");
    listen();
    struct caller caller;
    caller_start_run(&caller, "pipe");
    caller.on_done = note;
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect_eq(heard_at_reply.launches, 1);
    const struct gf_token row = {
        .token_id = GF_STR("tok_1"), .kind = GF_TOKEN_KIND_HUMAN, .user = GF_STR("ann")};
    caller_token(&caller, GF_INPUT_BOOTSTRAP_TOKEN, &row);
    caller.on_done = note;
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK);
    cr_expect_eq(heard_at_reply.tokens, 1);
    cr_expect(heard_at_reply.bootstrapped);
}

Test(engine_listener, hears_of_the_batch_of_a_launch_before_it) {
    rig_up(&rig, "one");
    listen();
    (void)rig_start_run(&rig);
    (void)puppet_wait_launch(&rig.puppet, 1);
    cr_expect_eq(ear.launches, 1);
}

Test(engine_listener, hears_nothing_of_what_was_not_written) {
    rig_up(&rig, "one");
    listen();
    gf_memory_store_fail_after(rig.store, 0);
    const int64_t batches = ear.batches;
    struct caller caller;
    caller_start_run(&caller, "pipe");
    cr_expect_eq(caller_call(&caller, rig.engine), GF_UNAVAILABLE);
    cr_expect_eq(ear.batches, batches);
    gf_memory_store_fail_after(rig.store, -1);
}

Test(engine_listener, hears_nothing_of_a_batch_without_rows) {
    rig_up(&rig, "one");
    listen();
    struct caller caller;
    caller_create_namespace(&caller, "default");
    const int64_t batches = ear.batches;
    cr_expect_eq(caller_call(&caller, rig.engine), GF_ALREADY_EXISTS);
    cr_expect_eq(ear.batches, batches);
}
