#include "base/clock.h"
#include "engine/core/core.h"
#include "engine/core/limits.h"
#include "engine/testing/world.h"

#include <criterion/criterion.h>

static struct world world;

static void setup(void) {
    world_init(&world, (struct gf_core_limits){0});
}

static void teardown(void) {
    const char *fault = world_check(&world);
    cr_expect_null(fault, "%s", fault);
    world_fini(&world);
}

TestSuite(token_expiry, .init = setup, .fini = teardown);

enum {
    MINUTE_MS = 60 * 1000,
    KEPT_MS = (int)(GF_TOKEN_EXPIRED_KEPT_NS / GF_NS_PER_MS),
};

static const struct gf_token *make(uint8_t seed, int64_t lifetime_ms) {
    const struct gf_token *row = world_token(&world, seed, "ann", "reader");
    cr_assert_eq(world_create_token(&world, row, lifetime_ms), GF_OK);
    return row;
}

static bool is_stored(const struct gf_token *row) {
    struct gf_token found = {0};
    return world_stored_token(&world, row->token_id, &found) == GF_OK;
}

static enum gf_code delete_expired(void) {
    const struct gf_input input = {.kind = GF_INPUT_DELETE_EXPIRED_TOKENS,
                                   .actor.user = GF_STR("ann")};
    return world_step(&world, &input);
}

Test(token_expiry, a_command_removes_what_has_expired) {
    const struct gf_token *soon = make(1, MINUTE_MS);
    const struct gf_token *later = make(2, 10 * MINUTE_MS);
    const struct gf_token *never = make(3, 0);
    const struct gf_token *disabled = make(4, MINUTE_MS);
    cr_assert_eq(world_token_command(&world, GF_INPUT_DISABLE_TOKEN, disabled->token_id), GF_OK);
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect(world.unchanged);
    world_restart(&world);
    world_advance(&world, 2 * MINUTE_MS);
    cr_expect(is_stored(soon), "for a while it can be seen");
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world.deleted_count, 2);
    cr_expect_not(world.unchanged);
    cr_expect_str_eq(world_events(&world, newest), "TOKEN_DELETED TOKEN_DELETED");
    cr_expect(gf_str_eq(world_event(&world).actor.user, GF_STR("ann")));
    cr_expect_not(is_stored(soon) || is_stored(disabled));
    cr_expect(is_stored(later) && is_stored(never));
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world.deleted_count, 0);
}

Test(token_expiry, the_moment_itself_counts) {
    const struct gf_token *row = make(1, MINUTE_MS);
    world.now = world.token.expire_time - 2000; /* the step is 1000 ns later */
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world.deleted_count, 0);
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world.deleted_count, 1);
    cr_expect_not(is_stored(row));
}

Test(token_expiry, gofer_removes_them_by_itself_after_a_while) {
    const struct gf_token *row = make(1, MINUTE_MS);
    cr_expect_eq(gf_core_next_deadline(world.core),
                 world.token.expire_time + GF_TOKEN_EXPIRED_KEPT_NS);
    world_restart(&world);
    world_advance(&world, MINUTE_MS + KEPT_MS - 1);
    cr_expect(is_stored(row));
    world_advance(&world, 1);
    cr_expect_not(is_stored(row));
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_TOKEN_DELETED);
    cr_expect_eq(event.actor.user.len + event.actor.peer.len, 0, "nobody did it");
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
}

Test(token_expiry, one_without_an_end_sets_no_deadline) {
    (void)make(1, 0);
    (void)make(2, INT64_MAX);
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
}

Test(token_expiry, a_role_is_free_when_its_token_has_expired) {
    cr_assert_eq(world_create_role(&world, world_role(&world, "team", GF_PERMISSION_RESOURCE_RUNS)),
                 GF_OK);
    cr_assert_eq(world_create_token(&world, world_token(&world, 1, "ann", "team"), MINUTE_MS),
                 GF_OK);
    world_advance(&world, 2 * MINUTE_MS);
    cr_expect_eq(world_delete_role(&world, "team"), GF_FAILED_PRECONDITION);
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world_delete_role(&world, "team"), GF_OK);
}

/* ---- Very many ---- */

/* Restored, which is faster than created. Those of the world's core alone. */
static void restore_many(size_t count, int64_t expire_time) {
    for (size_t i = 0; i < count; i++) {
        struct gf_token row = *world_token(&world, 0, "ann", "reader");
        struct gf_token_id id;
        memcpy(row.digest.bytes, &i, sizeof(i));
        row.digest.bytes[31] = 1;
        gf_token_id_of(&row.digest, &id);
        row.token_id = gf_str_from(id.chars);
        row.create_time = 1;
        row.expire_time = expire_time;
        gf_core_restore_token(world.core, &row);
    }
}

Test(token_expiry, very_many_take_several_steps) {
    const struct gf_input clock = {.kind = GF_INPUT_CLOCK};
    const struct gf_input other = {.kind = GF_INPUT_DELETE_EXPIRED_TOKENS};
    struct gf_need need;
    restore_many(2 * GF_CORE_STEP_TOKENS_MAX + 1, world.now);
    const int64_t replies = world.reply_count;
    cr_assert_eq(delete_expired(), GF_OK);
    cr_expect_eq(world.reply_count, replies, "it is answered at the end");
    cr_expect_eq(gf_core_next_deadline(world.core), 0);
    cr_assert_eq(gf_core_step(world.core, &other, world.now, &need), GF_STEP_DONE);
    cr_expect_eq(gf_core_batch(world.core)->deleted_tokens.count, GF_CORE_STEP_TOKENS_MAX);
    world_commit(&world);
    cr_expect_eq(world.reply_count, replies);
    (void)world_step(&world, &clock);
    cr_expect_eq(world.reply_count, replies + 2, "and so is who came while it went on");
    cr_expect_eq(world.deleted_count, 2 * GF_CORE_STEP_TOKENS_MAX + 1);
    cr_expect(gf_str_eq(world_event(&world).actor.user, GF_STR("ann")));
    cr_expect_eq(gf_core_next_deadline(world.core), GF_NEVER);
}

Test(token_expiry, who_waits_is_answered_when_the_service_stops) {
    restore_many(GF_CORE_STEP_TOKENS_MAX + 1, world.now);
    cr_assert_eq(delete_expired(), GF_OK);
    gf_core_stop(world.core);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_UNAVAILABLE);
}

Test(token_expiry, there_is_a_limit_to_all) {
    restore_many(GF_TOKENS_MAX, GF_NEVER);
    cr_expect_eq(world_create_token(&world, world_token(&world, 1, "ann", "reader"), 0),
                 GF_RESOURCE_EXHAUSTED);
}
