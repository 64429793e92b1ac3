/*
 * Random stories from fixed seeds: every command, reports in and out of order, a scheduler that may
 * be silent, clocks that jump, crashes with and without the effects of the last commit. The
 * invariants (world_check.c) hold after every step, and in the end, when the scheduler has answered
 * or its time is over, no run is left.
 */
#include "base/clock.h"
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/core/testing/fixture.h"
#include "engine/testing/world.h"

#include <stdio.h>

#include <criterion/criterion.h>

enum {
    SEEDS = 200,
    STEPS = 200,
    TASKS_MAX = 7,
    RUNS_MAX = 30, /* of one story */
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

/* 0, which is none, or up to a limit. */
static int64_t some(struct story *story, uint64_t percent, uint64_t most) {
    return chance(story, percent) ? 1 + (int64_t)below(story, most) : 0;
}

static int64_t run_count(struct story *story) {
    return (int64_t)strlen(world_runs(&story->world));
}

/* ---- Pipelines ---- */

static const char *random_tasks(struct story *story) {
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
    const char *tasks = gf_arena_strdup(&story->world.arena, text.ptr);
    gf_strbuf_fini(&text);
    return tasks;
}

static struct gf_retry_policy random_retry(struct story *story) {
    static const int32_t codes[] = {1, 143};
    if (chance(story, 40)) {
        return (struct gf_retry_policy){0};
    }
    return (struct gf_retry_policy){
        .max_attempts = 1 + (int32_t)below(story, 4),
        .initial_backoff_ms = some(story, 80, 3000),
        .jitter_percent = (int32_t)some(story, 50, 100),
        .exit_codes = chance(story, 20) ? codes : NULL,
        .retry_orphaned = chance(story, 50),
        .retry_timed_out = chance(story, 50),
    };
}

static void random_up(struct story *story) {
    struct gf_arena *arena = &story->world.arena;
    struct gf_config *config = gf_fixture_config(arena, random_tasks(story));
    struct gf_task_pool *pools = GF_ARENA_ARRAY(arena, 2, struct gf_task_pool);
    pools[0] = (struct gf_task_pool){GF_STR("aaa"), 1 + (int64_t)below(story, 3)};
    pools[1] = (struct gf_task_pool){GF_STR("bbb"), 1 + (int64_t)below(story, 2)};
    config->pools = pools;
    config->pool_count = below(story, 3);
    config->parallelism = (int64_t)below(story, 4);
    config->queue_policy =
        chance(story, 50) ? (enum gf_queue_policy)below(story, 4) : GF_QUEUE_POLICY_QUEUE;
    config->queue_limit = some(story, 20, 5);
    config->priority = (int32_t)some(story, 30, 3);
    config->timeout_ms = some(story, 30, 60000);
    config->task_parallelism = some(story, 30, 3);
    for (size_t i = 0; i < config->task_count; i++) {
        struct gf_task *task = &config->tasks[i];
        task->timeout_ms = some(story, 30, 30000);
        task->stop_timeout_ms = some(story, 30, 5000);
        task->retry = random_retry(story);
        task->retry.exit_code_count = task->retry.exit_codes == NULL ? 0 : 2;
        if (config->pool_count > 0 && chance(story, 60)) {
            task->pool = pools[below(story, config->pool_count)].pool_id;
        }
    }
    cr_assert_eq(world_up_config(&story->world, config), GF_OK);
}

/* ---- Commands ---- */

static struct gf_str random_request(struct story *story, uint64_t percent) {
    if (!chance(story, percent)) {
        return GF_STR("");
    }
    const char *id = gf_arena_printf(&story->world.arena, "req-%d", (int)below(story, 5));
    return gf_str_from(id);
}

static struct gf_input random_start(struct story *story) {
    static const struct gf_run_document document = {GF_STR("text/plain"), GF_STR("01"),
                                                    GF_STR("what to do")};
    struct gf_input input = world_start_input();
    input.u.start_run.request_id = random_request(story, 20);
    input.u.start_run.has_priority = chance(story, 30);
    input.u.start_run.priority = (int32_t)below(story, 5) - 2;
    input.u.start_run.document = chance(story, 10) ? &document : NULL;
    if (chance(story, 40)) {
        input.u.start_run.ordering_key = chance(story, 50) ? GF_STR("k") : GF_STR("other");
        input.u.start_run.ordering_policy = (enum gf_run_ordering_policy)below(story, 3);
    }
    return input;
}

static struct gf_input random_retry_run(struct story *story, int64_t run_id) {
    const bool failed_only = chance(story, 50);
    return (struct gf_input){.kind = GF_INPUT_RETRY_RUN,
                             .u.retry_run = {.namespace_id = GF_STR("default"),
                                             .pipeline_id = GF_STR("pipe"),
                                             .run_id = run_id,
                                             .failed_tasks_only = failed_only,
                                             .use_live_version = !failed_only && chance(story, 30),
                                             .request_id = random_request(story, 20)}};
}

static struct gf_input random_cancel(struct story *story, int64_t run_id) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_CANCEL_RUN,  GF_INPUT_CANCEL_RUN,
                                               GF_INPUT_CANCEL_TASK, GF_INPUT_CANCEL_TASK,
                                               GF_INPUT_REPAIR_RUN,  GF_INPUT_CANCEL_ALL_RUNS};
    struct gf_input input = world_run_input(kinds[below(story, GF_ARRAY_COUNT(kinds))], run_id);
    const char *task_id =
        gf_arena_printf(&story->world.arena, "task-%d", (int)below(story, TASKS_MAX));
    input.u.cancel.task_id = gf_str_from(task_id);
    input.u.cancel.force = chance(story, 40);
    return input;
}

/* Switches, and what is removed. */
static struct gf_input random_change(struct story *story) {
    const uint64_t kind = below(story, 6);
    if (kind == 0) {
        return (struct gf_input){.kind = GF_INPUT_UPDATE_PREFERENCES,
                                 .u.preferences = {.set_run_starts_paused = true,
                                                   .run_starts_paused = chance(story, 30)}};
    }
    if (kind == 1) {
        return (struct gf_input){.kind = GF_INPUT_UPDATE_NAMESPACE,
                                 .u.ns = {.namespace_id = GF_STR("default"),
                                          .run_parallelism = some(story, 50, 4),
                                          .set_run_parallelism = true}};
    }
    if (kind < 4) {
        return (struct gf_input){
            .kind = chance(story, 30) ? GF_INPUT_DISABLE_PIPELINE : GF_INPUT_ENABLE_PIPELINE,
            .u.pipeline = {.namespace_id = GF_STR("default"), .pipeline_id = GF_STR("pipe")}};
    }
    return (struct gf_input){
        .kind = kind == 4 ? GF_INPUT_DEPLOY : GF_INPUT_DELETE_CONFIG,
        .u.deploy = {
            .namespace_id = GF_STR("default"),
            .pipeline_id = GF_STR("pipe"),
            .version = 1 + (int64_t)below(story, 4),
            .request = {GF_STR("ann"), kind == 4 ? random_request(story, 30) : GF_STR("")}}};
}

static struct gf_input random_command(struct story *story) {
    const int64_t runs = run_count(story);
    const int64_t run_id = 1 + (int64_t)below(story, (uint64_t)runs + 2);
    const uint64_t kind = below(story, 100);
    if (kind < 45 && runs < RUNS_MAX) {
        return random_start(story);
    }
    if (kind < 55 && runs < RUNS_MAX) {
        return random_retry_run(story, run_id);
    }
    return kind < 88 ? random_cancel(story, run_id) : random_change(story);
}

static void give_command(struct story *story) {
    struct world *world = &story->world;
    const struct gf_input input = random_command(story);
    const int64_t replies = world->reply_count;
    (void)world_step(world, &input);
    cr_assert(world->reply_count > replies || input.kind == GF_INPUT_REPAIR_RUN,
              "seed %llu: no reply", (unsigned long long)story->seed);
}

/* A pipeline without active runs goes, and another one of its name takes its place. */
static void replace_pipeline(struct story *story) {
    if (world_pipeline(&story->world, GF_INPUT_DELETE_PIPELINE) == GF_OK) {
        random_up(story);
    }
}

/* ---- The scheduler ---- */

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
                                       .attempt = 200 + (int32_t)below(story, 3)};
    const struct gf_exit exit = {.exit_code = 1};
    world_report(world, attempt, &exit);
}

static bool has_container(const struct world *world, struct gf_attempt attempt) {
    for (size_t i = 0; i < world->containers.count; i++) {
        if (memcmp(&world->containers.items[i].attempt, &attempt, sizeof(attempt)) == 0) {
            return true;
        }
    }
    return false;
}

static void random_answer(struct story *story) {
    struct world *world = &story->world;
    if (world->inquiries.count == 0) {
        return;
    }
    static const enum gf_input_kind kinds[] = {GF_INPUT_TASK_STARTED, GF_INPUT_TASK_EXITED,
                                               GF_INPUT_TASK_LOST, GF_INPUT_TASK_NEVER_STARTED};
    const uint64_t first = has_container(world, world->inquiries.items[0]) ? 0 : 1;
    world_answer(world, kinds[first + below(story, GF_ARRAY_COUNT(kinds) - first)]);
}

/* ---- Time, and the ends of the world ---- */

static void random_time(struct story *story) {
    struct world *world = &story->world;
    const uint64_t kind = below(story, 100);
    if (kind < 45 && gf_core_next_deadline(world->core) != GF_NEVER) {
        (void)world_advance_to_next(world);
    } else if (kind < 90) {
        world_advance(world, (int64_t)below(story, 5000));
    } else if (kind < 95) {
        world_advance(world, (int64_t)below(story, 3600 * 1000));
    } else {
        world_set_back(world, (int64_t)below(story, 3600 * 1000));
    }
}

/* Some steps go into one batch, whose effects may be lost with the core. */
static void random_crash(struct story *story) {
    struct world *world = &story->world;
    const uint64_t steps = below(story, 4);
    for (uint64_t i = 0; i < steps; i++) {
        const struct gf_input input = random_command(story);
        world_step_only(world, &input);
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
    if (kind < 4) {
        random_up(story);
    } else if (kind < 36) {
        give_command(story);
    } else if (kind < 38) {
        replace_pipeline(story);
    } else if (kind < 41) {
        random_stale_report(story);
    } else if (kind < 45) {
        random_crash(story);
    } else if (kind < 50) {
        random_answer(story);
    } else if (kind < 60) {
        random_time(story);
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

static struct gf_core_limits random_limits(struct story *story) {
    return (struct gf_core_limits){
        .runs_active_max = some(story, 10, 20),
        .runs_running_max = some(story, 30, 6),
        .namespace_runs_max = some(story, 20, 5),
        .pipeline_runs_max = some(story, 20, 4),
        .pipeline_queue_max = some(story, 20, 8),
        .attempts_running_max = (int64_t)below(story, 6),
        .run_timeout_ms_max = some(story, 20, 90000),
        .task_timeout_ms_max = some(story, 20, 60000),
        .stop_timeout_ms = some(story, 50, 5000),
        .launch_lease_ms = some(story, 70, 20000),
        .stop_lease_ms = some(story, 70, 5000),
        .inquiry_ms = some(story, 70, 5000),
    };
}

static void tell(uint64_t seed) {
    struct story story = {.seed = seed, .random = seed * 0x9e3779b97f4a7c15u + 1};
    world_init(&story.world, random_limits(&story));
    random_up(&story);
    for (size_t step = 0; step < STEPS; step++) {
        random_step(&story);
        check(&story, "step", step);
    }
    size_t step = 0;
    while (gf_core_get_stats(story.world.core).runs_active > 0) {
        cr_assert(story.world.containers.count > 0 ||
                      gf_core_next_deadline(story.world.core) != GF_NEVER,
                  "seed %llu: stuck", (unsigned long long)seed);
        cr_assert_lt(step, 100000);
        if (story.world.containers.count > 0) {
            random_report(&story);
        } else {
            (void)world_advance_to_next(&story.world);
        }
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
