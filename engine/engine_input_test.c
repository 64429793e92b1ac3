/* Documents that runs work on: from the command to the launch, and through the store. */
#include "base/alloc.h"
#include "engine/core/limits.h"
#include "engine/core/testing/fixture.h"
#include "engine/store/memory/memory.h"
#include "engine/testing/caller.h"
#include "engine/testing/rig.h"

#include <criterion/criterion.h>

static struct rig rig;

static void setup(void) {
    rig_init(&rig, (struct gf_core_limits){0});
}

static void teardown(void) {
    rig_fini(&rig);
}

TestSuite(engine_input, .init = setup, .fini = teardown, .timeout = 60);

static const struct gf_run_document DOCUMENT = {
    .media_type = {"application/json", 16},
    .digest = {"0123456789abcdef", 16},
    .content = {"{\"answer\": 42}", 14},
};

static void start_with(struct caller *caller, const struct gf_run_document *document) {
    caller_start_run(caller, "pipe");
    caller->command.input.u.start_run.document = document;
}

static int64_t run_with_document(void) {
    struct caller caller;
    start_with(&caller, &DOCUMENT);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
    return caller.run_id;
}

static void expect_document(const struct puppet_launch *launch) {
    cr_assert_not_null(launch->input);
    cr_expect_str_eq(launch->input, "{\"answer\": 42}");
    cr_expect_not_null(strstr(launch->environment, "GOFER_INPUT=" GF_INPUT_PATH "\n"));
}

Test(engine_input, every_launch_of_the_run_has_it) {
    rig_up(&rig, "one; two < one");
    (void)run_with_document();
    struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    expect_document(&launch);
    puppet_exit(&rig.puppet, launch.attempt, 0);
    launch = puppet_wait_launch(&rig.puppet, 2);
    expect_document(&launch);
}

Test(engine_input, a_run_without_one_has_no_variable_either) {
    rig_up(&rig, "one");
    (void)rig_start_run(&rig);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_null(launch.input);
    cr_expect_null(strstr(launch.environment, "GOFER_INPUT"));
}

Test(engine_input, a_restart_does_not_lose_it) {
    rig_up(&rig, "one; two < one");
    (void)run_with_document();
    const struct gf_attempt one = puppet_wait_launch(&rig.puppet, 1).attempt;
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    puppet_exit(&rig.puppet, one, 0);
    const struct puppet_launch two = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_str_eq(two.task_id, "two");
    expect_document(&two);
}

Test(engine_input, a_retry_works_on_the_same) {
    rig_up(&rig, "one");
    const int64_t run_id = run_with_document();
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 1);
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    struct caller caller;
    caller_retry_run(&caller, "pipe", run_id, /* failed_tasks_only= */ false);
    cr_assert_eq(caller_call(&caller, rig.engine), GF_OK, "%s", caller.error.message);
    const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 1);
    cr_expect_eq(launch.run_id, run_id + 1);
    expect_document(&launch);
}

/* ---- The store ---- */

static const struct gf_store_ops *true_ops;
static _Atomic int reads;

static enum gf_code count_input(struct gf_store_reader *reader, int64_t run_key,
                                struct gf_arena *arena, struct gf_str *out_content,
                                struct gf_error *err) {
    reads++;
    return true_ops->get_run_input(reader, run_key, arena, out_content, err);
}

Test(engine_input, tasks_that_are_launched_together_read_it_once) {
    true_ops = rig.store->ops;
    struct gf_store_ops counting = *true_ops;
    counting.get_run_input = count_input;
    rig_up(&rig, "one; two; tri; four < one");
    gf_engine_stop(rig.engine); /* nobody reads the ops now */
    rig.store->ops = &counting;
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    for (int i = 0; i < 2; i++) {
        (void)run_with_document();
        for (size_t task = 1; task <= 3; task++) {
            const struct puppet_launch launch = puppet_wait_launch(&rig.puppet, 3 * i + task);
            expect_document(&launch);
        }
        cr_expect_eq(reads, i + 1);
    }
    puppet_exit(&rig.puppet, puppet_wait_launch(&rig.puppet, 1).attempt, 0);
    const struct puppet_launch last = puppet_wait_launch(&rig.puppet, 7);
    expect_document(&last);
    cr_expect_eq(reads, 3);
    gf_engine_stop(rig.engine);
    rig.store->ops = true_ops;
}

static enum gf_code lose_input(GF_UNUSED struct gf_store_reader *reader, GF_UNUSED int64_t run_key,
                               GF_UNUSED struct gf_arena *arena,
                               GF_UNUSED struct gf_str *out_content, struct gf_error *err) {
    return gf_fail(err, GF_DATA_LOSS, "the page is damaged");
}

Test(engine_input, a_store_that_cannot_give_it_fails_the_task) {
    const struct gf_store_ops *const ops = rig.store->ops;
    struct gf_store_ops broken = *ops;
    broken.get_run_input = lose_input;
    rig_up(&rig, "one");
    gf_engine_stop(rig.engine); /* nobody reads the ops now */
    rig.store->ops = &broken;
    rig_restart(&rig, (struct gf_core_limits){0}, NULL);
    const int64_t run_id = run_with_document();
    rig_wait_for(&rig, run_id, GF_EVENT_RUN_COMPLETED);
    const struct gf_task_execution task = rig_stored_task(&rig, run_id, "one");
    cr_expect_eq(task.status, GF_TASK_STATUS_FAILED);
    cr_expect_eq(task.reason.kind, GF_REASON_SCHEDULER_ERROR);
    cr_expect(gf_str_eq(task.reason.text,
                        GF_STR("cannot read the input of the run: the page is damaged")),
              "%.*s", (int)task.reason.text.len, task.reason.text.ptr);
    cr_expect_eq(puppet_launch_count(&rig.puppet), 0);
    gf_engine_stop(rig.engine);
    rig.store->ops = ops;
}

/* ---- Batches ---- */

struct gate {
    struct gf_latch reached;
    struct gf_latch open;
};

static void hold(void *ctx, GF_UNUSED const struct gf_reply *reply) {
    struct gate *gate = ctx;
    gf_latch_open(&gate->reached);
    gf_latch_wait(&gate->open);
}

Test(engine_input, a_batch_ends_when_it_holds_too_much) {
    enum {
        RUNS = 2 * (int)GF_ENGINE_BATCH_BYTES_MAX / (int)GF_RUN_INPUT_BYTES_MAX + 8
    };
    static char content[GF_RUN_INPUT_BYTES_MAX];
    const struct gf_run_document large = {.media_type = DOCUMENT.media_type,
                                          .digest = DOCUMENT.digest,
                                          .content = {content, sizeof(content)}};
    memset(content, 'x', sizeof(content));
    rig_up(&rig, "one");
    struct caller *callers = gf_calloc(RUNS, sizeof(*callers));
    struct caller holder;
    struct gate gate;
    gf_latch_init(&gate.reached);
    gf_latch_init(&gate.open);
    caller_create_namespace(&holder, "default");
    holder.on_done = hold;
    holder.ctx = &gate;
    caller_submit(&holder, rig.engine);
    gf_latch_wait(&gate.reached);
    const int64_t commits = gf_memory_store_commit_count(rig.store);
    for (int i = 0; i < RUNS; i++) {
        start_with(&callers[i], &large);
        caller_submit(&callers[i], rig.engine);
    }
    gf_latch_open(&gate.open);
    cr_expect_eq(caller_wait(&holder), GF_ALREADY_EXISTS);
    for (int i = 0; i < RUNS; i++) {
        cr_expect_eq(caller_wait(&callers[i]), GF_OK);
    }
    cr_expect_eq(gf_memory_store_commit_count(rig.store), commits + 3);
    gf_latch_fini(&gate.reached);
    gf_latch_fini(&gate.open);
    free(callers);
}
