/*
 * Random stories of tokens and roles from fixed seeds, with time that passes, and crashes with and
 * without the effects of the last commit. What must hold of the rows (world_check.c) does after
 * every step, and a restart finds the same.
 */
#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

enum {
    SEEDS = 100,
    STEPS = 150,
    TOKENS_MAX = 250, /* one digest each */
};

struct story {
    struct world world;
    uint64_t random;
    uint8_t token_count;
};

static uint64_t below(struct story *story, uint64_t limit) {
    story->random ^= story->random << 13;
    story->random ^= story->random >> 7;
    story->random ^= story->random << 17;
    return story->random % limit;
}

static const char *role_name(struct story *story) {
    static const char *const names[] = {"team-a", "team-b", "team-c", "reader", "bootstrap"};
    return names[below(story, GF_ARRAY_COUNT(names))];
}

static const struct gf_token *token_of(struct story *story, uint8_t number) {
    return world_token(&story->world, number, "ann", role_name(story));
}

static struct gf_input random_token(struct story *story) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_ENABLE_TOKEN, GF_INPUT_DISABLE_TOKEN,
                                               GF_INPUT_DELETE_TOKEN};
    struct gf_input input = {.kind = GF_INPUT_CREATE_TOKEN};
    const uint64_t kind = below(story, 10);
    if (kind < 6 && story->token_count < TOKENS_MAX) {
        input.kind = kind == 0 ? GF_INPUT_BOOTSTRAP_TOKEN : GF_INPUT_CREATE_TOKEN;
        input.u.token.row = token_of(story, ++story->token_count);
        input.u.token.lifetime_ms = below(story, 2) * (60 + (int64_t)below(story, 7200)) * 1000;
    } else {
        input.kind = kinds[below(story, GF_ARRAY_COUNT(kinds))];
        input.u.token.row = token_of(story, 1 + (uint8_t)below(story, story->token_count + 1u));
    }
    return input;
}

static struct gf_input random_role(struct story *story) {
    static const enum gf_input_kind kinds[] = {GF_INPUT_CREATE_ROLE, GF_INPUT_UPDATE_ROLE,
                                               GF_INPUT_DELETE_ROLE};
    const enum gf_permission_resource resource =
        below(story, 2) == 0 ? GF_PERMISSION_RESOURCE_RUNS : GF_PERMISSION_RESOURCE_PIPELINES;
    return (struct gf_input){
        .kind = kinds[below(story, GF_ARRAY_COUNT(kinds))],
        .u.role = {.row = world_role(&story->world, role_name(story), resource),
                   .set_permissions = true}};
}

static struct gf_input random_command(struct story *story) {
    const uint64_t kind = below(story, 20);
    if (kind < 10) {
        return random_token(story);
    }
    if (kind < 16) {
        return random_role(story);
    }
    if (kind < 18) {
        return (struct gf_input){.kind = GF_INPUT_DELETE_EXPIRED_TOKENS};
    }
    struct gf_token_use *use = GF_ARENA_NEW(&story->world.arena, struct gf_token_use);
    *use = (struct gf_token_use){token_of(story, 1)->token_id, story->world.now, GF_STR("unix:")};
    return (struct gf_input){.kind = GF_INPUT_TOUCH_TOKENS, .u.touch = {use, 1}};
}

static void random_batch(struct story *story) {
    struct world *world = &story->world;
    const uint64_t steps = 1 + below(story, 6);
    for (uint64_t i = 0; i < steps; i++) {
        const struct gf_input input = random_command(story);
        world_step_only(world, &input);
    }
    const uint64_t end = below(story, 10);
    if (end == 0) {
        world_restart(world);
    } else if (end == 1) {
        world_commit_without_effects(world);
        world_restart(world);
    } else {
        world_commit(world);
    }
}

/* What is created, and what is in use, is the same to a core that was restored. */
static void compare_with_restart(struct story *story) {
    static const char *const names[] = {"team-a", "team-b", "team-c"};
    struct world *world = &story->world;
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        const struct gf_role row = {.role_id = gf_str_from(names[i])};
        const struct gf_input input = {.kind = GF_INPUT_DELETE_ROLE, .u.role.row = &row};
        struct gf_need need;
        cr_assert_eq(gf_core_step(world->core, &input, world->now, &need), GF_STEP_DONE);
        const struct gf_batch *batch = gf_core_batch(world->core);
        const enum gf_code before =
            batch->effects.items[batch->effects.count - 1].reply->error.code;
        world_restart(world);
        cr_assert_eq(world_step(world, &input), before);
    }
}

static void tell(uint64_t seed) {
    struct story story = {.random = seed * 0x9e3779b97f4a7c15u + 1};
    struct world *world = &story.world;
    world_init(world, (struct gf_core_limits){0});
    for (size_t step = 0; step < STEPS; step++) {
        random_batch(&story);
        if (below(&story, 4) == 0) {
            world_advance(world, (int64_t)below(&story, 1800 * 1000));
        }
        const char *fault = world_check(world);
        cr_assert_null(fault, "seed %llu, step %zu: %s", (unsigned long long)seed, step, fault);
    }
    compare_with_restart(&story);
    world_fini(world);
}

Test(random_access, every_story_keeps_the_invariants, .timeout = 300) {
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        tell(seed);
    }
}
