/*
 * How fast the bare core is: no thread, no store, no scheduler. Prints one line for each figure.
 * The time is that of the processor, so that other work on the machine does not count.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "engine/core/config.h"
#include "engine/core/core.h"

#include <stdio.h>
#include <time.h>

enum {
    BATCH_INPUTS = 256,
    RUNS = 200000,
    TASKS_MAX = 100000,
};

struct bench {
    struct gf_core *core;
    struct gf_config config; /* version 1 of the pipeline */
    int64_t now;
    int64_t steps;
    int64_t pending;
    GF_VEC(struct gf_attempt) launched; /* to be ended in the next round */
};

static double cpu_seconds(void) {
    struct timespec now;
    gf_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void finish_batch(struct bench *bench) {
    const struct gf_batch *batch = gf_core_batch(bench->core);
    for (size_t i = 0; i < batch->effects.count; i++) {
        if (batch->effects.items[i].kind == GF_EFFECT_LAUNCH) {
            gf_vec_push(&bench->launched, batch->effects.items[i].attempt);
        }
    }
    gf_core_batch_done(bench->core);
    bench->pending = 0;
}

/* A pipeline that the core does not know does not exist; a large config leaves its memory. */
static void give(struct bench *bench, const struct gf_need *need) {
    if (need->kind == GF_NEED_CONFIG) {
        gf_core_give_config(bench->core, need, &bench->config);
    } else {
        gf_core_give_pipeline(bench->core, need, NULL);
    }
}

static void step(struct bench *bench, const struct gf_input *input) {
    struct gf_need need;
    bench->now += 1000;
    while (gf_core_step(bench->core, input, bench->now, &need) == GF_STEP_NEED) {
        give(bench, &need);
    }
    bench->steps++;
    if (++bench->pending == BATCH_INPUTS) {
        finish_batch(bench);
    }
}

static void end_all(struct bench *bench) {
    finish_batch(bench);
    while (bench->launched.count > 0) {
        __typeof__(bench->launched) attempts = bench->launched;
        memset(&bench->launched, 0, sizeof(bench->launched));
        for (size_t i = 0; i < attempts.count; i++) {
            const struct gf_input started = {.kind = GF_INPUT_TASK_STARTED,
                                             .u.started = {.attempt = attempts.items[i]}};
            const struct gf_input exited = {.kind = GF_INPUT_TASK_EXITED,
                                            .u.exited = {.attempt = attempts.items[i]}};
            step(bench, &started);
            step(bench, &exited);
        }
        gf_vec_fini(&attempts);
        finish_batch(bench);
    }
}

static void init(struct bench *bench) {
    const struct gf_core_limits limits = {0};
    const struct gf_core_start start = {1, 1, 1, 1};
    const struct gf_input ns = {.kind = GF_INPUT_CREATE_NAMESPACE,
                                .u.ns.namespace_id = GF_STR("default")};
    *bench = (struct bench){.core = gf_core_create(&limits, &start), .now = GF_NS_PER_DAY};
    step(bench, &ns);
}

static void fini(struct bench *bench) {
    gf_core_destroy(bench->core);
    gf_vec_fini(&bench->launched);
}

/* Registers and deploys a pipeline of a first task and others that wait for it. */
static void up(struct bench *bench, struct gf_arena *arena, size_t task_count) {
    struct gf_config config = {.pipeline_id = GF_STR("pipe"), .task_count = task_count};
    config.tasks = GF_ARENA_ARRAY(arena, task_count, struct gf_task);
    for (size_t i = 0; i < task_count; i++) {
        struct gf_task *task = &config.tasks[i];
        task->task_id = gf_str_from(gf_arena_printf(arena, "task-%06zu", i));
        task->image = GF_STR("busybox:latest");
        if (i > 0) {
            task->parents = GF_ARENA_NEW(arena, struct gf_parent);
            task->parents[0] = (struct gf_parent){config.tasks[0].task_id, 0, GF_PARENT_SUCCESS};
            task->parent_count = 1;
        }
    }
    gf_assert(gf_config_check(&config, arena, NULL) == GF_OK);
    const struct gf_input input = {.kind = GF_INPUT_REGISTER_CONFIG,
                                   .u.register_config = {.namespace_id = GF_STR("default"),
                                                         .config = &config,
                                                         .deploy = true}};
    step(bench, &input);
    finish_batch(bench);
    config.version = 1;
    bench->config = config;
    bench->steps = 0;
}

static const struct gf_input start_run = {
    .kind = GF_INPUT_START_RUN,
    .actor = {.token_id = GF_STR("tok_0123456789abcdefghijkl"),
              .user = GF_STR("ci"),
              .peer = GF_STR("ipv4:192.0.2.7:51234")},
    .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};

static void bench_runs(void) {
    struct bench bench;
    struct gf_arena arena;
    gf_arena_init(&arena, (size_t)1 << 30);
    init(&bench);
    up(&bench, &arena, 1);
    const double begin = cpu_seconds();
    for (int i = 0; i < RUNS / 1000; i++) {
        for (int n = 0; n < 1000; n++) {
            step(&bench, &start_run);
        }
        end_all(&bench);
    }
    const double seconds = cpu_seconds() - begin;
    gf_assert(gf_core_get_stats(bench.core).runs_active == 0);
    (void)printf("core single-task runs, batches of %d: %.0f runs/s, %.0f steps/s, %.0f ns/step\n",
                 BATCH_INPUTS, RUNS / seconds, (double)bench.steps / seconds,
                 seconds * 1e9 / (double)bench.steps);
    fini(&bench);
    gf_arena_fini(&arena);
}

static void bench_tasks(size_t task_count) {
    struct bench bench;
    struct gf_arena arena;
    gf_arena_init(&arena, (size_t)1 << 30);
    init(&bench);
    up(&bench, &arena, task_count);
    const double begin = cpu_seconds();
    step(&bench, &start_run);
    end_all(&bench);
    const double seconds = cpu_seconds() - begin;
    gf_assert(gf_core_get_stats(bench.core).runs_active == 0);
    (void)printf("core one run of %zu tasks: %.4f s, %.0f ns/task\n", task_count, seconds,
                 seconds * 1e9 / (double)task_count);
    fini(&bench);
    gf_arena_fini(&arena);
}

int main(void) {
    bench_runs();
    for (size_t count = 1000; count <= TASKS_MAX; count *= 10) {
        bench_tasks(count);
    }
    return 0;
}
