/*
 * Random stories from fixed seeds: pipelines, starts, cancels, reports in and out of order, crashes
 * with and without the effects of the last commit. The invariants (world_check.c) hold after every
 * step, and in the end, when the scheduler has answered everything, no run is left.
 */
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/testing/world.h"

#include <stdio.h>

#include <criterion/criterion.h>

enum {
    SEEDS = 200,
    STEPS = 120,
    TASKS_MAX = 7,
    RUNS_MAX = 25, /* of one story */
};

struct story {
    struct world world;
    uint64_t random;
    uint64_t seed;
};

static uint64_t next_random(struct story *story) {
    story->random ^= story->random << 13;
    story->random ^= story->random >> 7;
    story->random ^= story->random << 17;
    return story->random;
}

static uint64_t below(struct story *story, uint64_t limit) {
    return next_random(story) % limit;
}

static bool chance(struct story *story, uint64_t percent) {
    return below(story, 100) < percent;
}

/* ---- What can happen ---- */

static void random_up(struct story *story) {
    static const char *const rules[] = {"any", "success", "failure"};
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 16);
    const uint64_t count = 1 + below(story, TASKS_MAX);
    for (uint64_t i = 0; i < count; i++) {
        gf_strbuf_printf(&text, "task-%d <", (int)i);
        for (uint64_t p = 0; p < i; p++) {
            if (chance(story, 35)) {
                gf_strbuf_printf(&text, " task-%d:%s", (int)p, rules[below(story, 3)]);
            }
        }
        gf_strbuf_append_char(&text, ';');
    }
    cr_assert_eq(world_up_parallel(&story->world, text.ptr, (int64_t)below(story, 4)), GF_OK);
    gf_strbuf_fini(&text);
}

static void random_start(struct story *story) {
    char request[16] = "";
    if (chance(story, 30)) {
        (void)snprintf(request, sizeof(request), "req-%d", (int)below(story, 5));
    }
    if (story->world.pipeline.latest_run_id < RUNS_MAX) {
        (void)world_start_request(&story->world, request);
    }
}

static void random_report(struct story *story) {
    struct world *world = &story->world;
    if (world->containers.count == 0) {
        return;
    }
    struct world_container *container =
        &world->containers.items[below(story, world->containers.count)];
    const struct gf_attempt attempt = container->attempt;
    if (!container->started && chance(story, 60)) {
        container->started = true;
        const struct gf_input input = {.kind = GF_INPUT_TASK_STARTED, .u.started.attempt = attempt};
        (void)world_step(world, &input);
        return;
    }
    const uint64_t kind = below(story, 100);
    if (kind < 5) {
        world_failed(world, GF_INPUT_TASK_LAUNCH_FAILED, attempt, "");
    } else if (kind < 10) {
        world_failed(world, GF_INPUT_TASK_LOST, attempt, "");
    } else if (kind < 13) {
        world_failed(world, GF_INPUT_TASK_NEVER_STARTED, attempt, "");
    } else {
        const struct gf_exit exit = {.exit_code = chance(story, 30) ? 1 : 0,
                                     .stopped = container->stop_asked && chance(story, 80),
                                     .timed_out = chance(story, 5),
                                     .end_time = world->now};
        world_report(world, attempt, &exit);
    }
}

/* A report about nothing that is live. */
static void random_stale_report(struct story *story) {
    struct world *world = &story->world;
    const struct gf_attempt attempt = {.run_key = (int64_t)below(story, RUNS_MAX * 2),
                                       .task_index = (int32_t)below(story, TASKS_MAX * 2),
                                       .attempt = 2 + (int32_t)below(story, 3)};
    const struct gf_exit exit = {.exit_code = 1};
    world_report(world, attempt, &exit);
}

static void random_cancel(struct story *story) {
    const int64_t newest = story->world.pipeline.latest_run_id;
    (void)world_cancel(&story->world, 1 + (int64_t)below(story, (uint64_t)newest + 2),
                       chance(story, 40));
}

/* Some steps go into one batch, whose effects may be lost with the core. */
static void random_crash(struct story *story) {
    struct world *world = &story->world;
    const struct gf_input start = {
        .kind = GF_INPUT_START_RUN,
        .u.start_run = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    const struct gf_input cancel = {.kind = GF_INPUT_CANCEL_RUN,
                                    .u.cancel = {.namespace_id = GF_STR("default"),
                                                 .pipeline_id = GF_STR("pipe"),
                                                 .run_id = 1 + (int64_t)below(story, RUNS_MAX)}};
    if (chance(story, 50) && world->pipeline.latest_run_id < RUNS_MAX) {
        world_step_only(world, &start);
        world->pipeline.latest_run_id++; /* a reply that is lost told so */
    }
    if (chance(story, 50)) {
        world_step_only(world, &cancel);
    }
    if (chance(story, 50)) {
        world_commit_without_effects(world);
    }
    if (world->limits.attempts_running_max > 0) {
        world->limits.attempts_running_max += (int64_t)below(story, 2);
    }
    world_restart(world);
}

static void random_step(struct story *story) {
    const uint64_t kind = below(story, 100);
    if (kind < 5) {
        random_up(story);
    } else if (kind < 25) {
        random_start(story);
    } else if (kind < 32) {
        random_cancel(story);
    } else if (kind < 37) {
        random_stale_report(story);
    } else if (kind < 42) {
        random_crash(story);
    } else {
        random_report(story);
    }
}

/* ---- The story ---- */

static void check(struct story *story, const char *when, size_t step) {
    const char *fault = world_check(&story->world);
    cr_assert_null(fault, "seed %llu, %s %zu: %s", (unsigned long long)story->seed, when, step,
                   fault);
}

static void tell(uint64_t seed) {
    struct story story = {.seed = seed, .random = seed * 0x9e3779b97f4a7c15u + 1};
    world_init(&story.world,
               (struct gf_core_limits){.attempts_running_max = (int64_t)below(&story, 6)});
    random_up(&story);
    for (size_t step = 0; step < STEPS; step++) {
        random_step(&story);
        check(&story, "step", step);
    }
    size_t step = 0;
    while (gf_core_get_stats(story.world.core).runs_active > 0) {
        cr_assert_gt(story.world.containers.count, 0, "seed %llu: stuck", (unsigned long long)seed);
        cr_assert_lt(step, 100000);
        random_report(&story);
        step++;
    }
    check(&story, "end", step);
    world_fini(&story.world);
}

Test(random, every_story_keeps_the_invariants_and_ends, .timeout = 300) {
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        tell(seed);
    }
}
