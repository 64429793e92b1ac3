/*
 * Random stories of a few extensions from fixed seeds: commands, what connections say, also those
 * of containers that are over, reports in and out of order, a scheduler that may be silent, clocks
 * that jump, crashes with and without the effects of the last commit. The invariants
 * (world_check_extensions.c) hold after every step; and in the end, when programs do as they are
 * told, each extension has the containers that it should have, and nothing is left to wait for.
 */
#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <stdio.h>

#include <criterion/criterion.h>

enum {
    SEEDS = 400,
    STEPS = 150,
    ROUNDS_MAX = 200, /* until all is at rest */
};

static const char *const NAMES[] = {"cron", "mine", "interval"};
static const char *const IMAGES[] = {"", "one", "two", "three"};

struct story {
    struct world world;
    uint64_t random;
    bool installed[GF_ARRAY_COUNT(NAMES)];
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

/* ---- Commands ---- */

static struct gf_input random_change(struct story *story, struct gf_extension_spec *spec,
                                     const char *name, bool update) {
    struct gf_input input =
        world_install_input(spec, name, IMAGES[below(story, GF_ARRAY_COUNT(IMAGES))]);
    struct gf_extension_change *change = &input.u.extension.change;
    if (update) {
        input.kind = GF_INPUT_UPDATE_EXTENSION;
        change->set_image = below(story, 3) > 0;
        change->set_policy = below(story, 4) == 0;
        change->relaunch = below(story, 4) == 0;
        change->update_policy = GF_EXTENSION_UPDATE_NEVER + (int)below(story, 3);
    }
    return input;
}

static struct gf_input random_command(struct story *story, struct gf_extension_spec *spec,
                                      const char *name) {
    switch (below(story, 6)) {
    case 0:
        return random_change(story, spec, name, /* update= */ false);
    case 1:
    case 2:
        return random_change(story, spec, name, /* update= */ true);
    case 3:
        return (struct gf_input){.kind = GF_INPUT_DISABLE_EXTENSION,
                                 .u.choice.extension_id = gf_str_from(name)};
    case 4:
        return (struct gf_input){.kind = GF_INPUT_ENABLE_EXTENSION,
                                 .u.choice.extension_id = gf_str_from(name)};
    default:
        return (struct gf_input){.kind = below(story, 3) == 0 ? GF_INPUT_UNINSTALL_EXTENSION
                                                              : GF_INPUT_ENABLE_EXTENSION,
                                 .u.choice.extension_id = gf_str_from(name)};
    }
}

static void note_command(struct story *story, const struct gf_input *input, size_t index) {
    if (story->world.error.code == GF_OK && input->kind == GF_INPUT_INSTALL_EXTENSION) {
        story->installed[index] = true;
    } else if (story->world.error.code == GF_OK && input->kind == GF_INPUT_UNINSTALL_EXTENSION) {
        story->installed[index] = false;
    }
}

static void give_command(struct story *story) {
    const size_t index = below(story, GF_ARRAY_COUNT(NAMES));
    struct gf_extension_spec spec;
    const struct gf_input input = random_command(story, &spec, NAMES[index]);
    (void)world_step(&story->world, &input);
    note_command(story, &input, index);
}

/* The answer is lost with the server, and what had to be told to the scheduler. */
static void give_command_and_crash(struct story *story) {
    const size_t index = below(story, GF_ARRAY_COUNT(NAMES));
    struct gf_extension_spec spec;
    const struct gf_input input = random_command(story, &spec, NAMES[index]);
    world_step_only(&story->world, &input);
    const struct gf_batch *batch = gf_core_batch(story->world.core);
    story->world.error = batch->effects.items[batch->effects.count - 1].kind == GF_EFFECT_REPLY
                             ? batch->effects.items[batch->effects.count - 1].reply->error
                             : (struct gf_error){0};
    note_command(story, &input, index);
    world_commit_without_effects(&story->world);
    world_restart(&story->world);
}

/* ---- Connections and the scheduler ---- */

static void say_something(struct story *story) {
    static const enum gf_input_kind kinds[] = {
        GF_INPUT_EXTENSION_REGISTERED, GF_INPUT_EXTENSION_READY,   GF_INPUT_EXTENSION_READY,
        GF_INPUT_EXTENSION_READY,      GF_INPUT_EXTENSION_DRAINED, GF_INPUT_EXTENSION_GONE};
    const size_t index = below(story, GF_ARRAY_COUNT(NAMES));
    if (!story->installed[index]) {
        return;
    }
    const int32_t latest = world_extension(&story->world, NAMES[index]).latest_attempt;
    const int32_t back = (int32_t)below(story, 4);
    (void)world_word(&story->world, kinds[below(story, GF_ARRAY_COUNT(kinds))], NAMES[index],
                     back > latest ? 0 : latest - back);
}

static void report_something(struct story *story) {
    static const enum gf_input_kind failures[] = {GF_INPUT_TASK_LAUNCH_FAILED, GF_INPUT_TASK_LOST,
                                                  GF_INPUT_TASK_NEVER_STARTED};
    struct world *world = &story->world;
    const struct gf_exit exit = {.exit_code = (int32_t)below(story, 2)};
    if (world->containers.count == 0) {
        return;
    }
    struct world_container *container =
        &world->containers.items[below(story, world->containers.count)];
    struct gf_attempt attempt = container->attempt;
    if (below(story, 10) == 0) {
        attempt.attempt--; /* late, of one that is over or is not this one */
        const struct gf_input late = {.kind = GF_INPUT_TASK_LOST, .u.failed.attempt = attempt};
        if (attempt.attempt > 0 &&
            world_instance(world, gf_arena_strdup(&world->arena, container->task_id.ptr),
                           attempt.attempt) == NULL) {
            (void)world_step(world, &late);
        }
    } else if (below(story, 3) > 0) {
        container->started = true;
        const struct gf_input started = {.kind = GF_INPUT_TASK_STARTED,
                                         .u.started.attempt = attempt};
        (void)world_step(world, &started);
    } else if (container->started) {
        world_report(world, attempt, &exit);
    } else {
        world_failed(world, failures[below(story, GF_ARRAY_COUNT(failures))], attempt, "");
    }
}

static void random_step(struct story *story) {
    const uint64_t choice = below(story, 100);
    if (choice < 20) {
        give_command(story);
    } else if (choice < 22) {
        give_command_and_crash(story);
    } else if (choice < 25) {
        world_restart(&story->world);
    } else if (choice < 50) {
        say_something(story);
    } else if (choice < 80) {
        report_something(story);
    } else if (choice < 82) {
        world_set_back(&story->world, 1 + (int64_t)below(story, 3600 * 1000));
    } else if (choice < 90 && gf_core_next_deadline(story->world.core) != GF_NEVER) {
        (void)world_advance_to_next(&story->world);
    } else {
        world_advance(&story->world, 1 + (int64_t)below(story, 20 * 1000));
    }
}

/* ---- The end ---- */

/* Every container does as it is told; false = there was nothing to do. */
static bool obey(struct story *story) {
    struct world *world = &story->world;
    for (size_t i = 0; i < world->containers.count; i++) {
        const struct world_container container = world->containers.items[i];
        const char *name = gf_arena_strdup(&world->arena, container.task_id.ptr);
        if (container.stop_asked) {
            world_instance_exit(world, name, container.attempt.attempt, 0);
            return true;
        }
        world_instance_started(world, name, container.attempt.attempt);
        const enum gf_code rc =
            world_word(world, GF_INPUT_EXTENSION_READY, name, container.attempt.attempt);
        cr_assert(rc == GF_OK || rc == GF_PERMISSION_DENIED);
    }
    return false;
}

static void come_to_rest(struct story *story) {
    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (!obey(story)) {
            if (gf_core_next_deadline(story->world.core) == GF_NEVER) {
                return;
            }
            (void)world_advance_to_next(&story->world);
        }
    }
    cr_assert_fail("it does not come to rest");
}

static void check_rest(struct story *story) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(NAMES); i++) {
        if (!story->installed[i]) {
            continue;
        }
        const struct gf_extension row = world_extension(&story->world, NAMES[i]);
        const bool serves = !row.disabled && row.spec.image.len > 0;
        cr_expect_eq(row.serving.attempt > 0, serves, "%s: %s", NAMES[i],
                     world_seats(&story->world, NAMES[i]));
        cr_expect_eq(row.serving.ready_time > 0, serves);
        cr_expect_eq(row.successor.attempt, 0);
        cr_expect_eq(row.leaving.attempt, 0);
        cr_expect_not(row.has_fallback);
    }
}

static void tell_story(uint64_t seed) {
    struct story story = {.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    world_init(&story.world, (struct gf_core_limits){0});
    for (int i = 0; i < STEPS; i++) {
        random_step(&story);
        const char *fault = world_check(&story.world);
        cr_assert_null(fault, "seed %d, step %d: %s", (int)seed, i, fault);
    }
    come_to_rest(&story);
    check_rest(&story);
    const char *fault = world_check(&story.world);
    cr_assert_null(fault, "seed %d, at rest: %s", (int)seed, fault);
    world_fini(&story.world);
}

Test(random_extensions, stories_keep_the_invariants) {
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        tell_story(seed);
    }
}
