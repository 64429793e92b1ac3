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

TestSuite(tokens, .init = setup, .fini = teardown);

static void expect_metadata(const struct gf_event *event, size_t index, const char *key,
                            const char *value) {
    cr_assert_lt(index, event->metadata_count);
    cr_expect(gf_str_eq(event->metadata[index].key, gf_str_from(key)));
    cr_expect(gf_str_eq(event->metadata[index].value, gf_str_from(value)));
}

static void expect_stored(const struct gf_token *row, bool stored) {
    struct gf_token found = {0};
    cr_expect_eq(world_stored_token(&world, row->token_id, &found), stored ? GF_OK : GF_NOT_FOUND);
}

/* ---- The first one ---- */

Test(tokens, the_first_one_is_made_once_for_ever) {
    struct gf_token *first = world_token(&world, 1, "ann", "reader");
    struct gf_token stored = {0};
    const struct gf_token *second = world_token(&world, 2, "bob", "bootstrap");
    first->role_count = 0;
    cr_assert_eq(world_bootstrap(&world, first), GF_OK);
    cr_expect_eq(world.token.role_count, 1);
    cr_expect(gf_str_eq(world.token.role_ids[0], GF_STR("bootstrap")), "whatever its row says");
    cr_expect_eq(world.token.create_time, world.now);
    cr_assert_eq(world_stored_token(&world, first->token_id, &stored), GF_OK);
    cr_expect(gf_token_digest_eq(&stored.digest, &first->digest));
    const struct gf_event event = world_event(&world);
    cr_expect_eq(event.kind, GF_EVENT_TOKEN_CREATED);
    cr_expect(gf_str_eq(event.subject_id, first->token_id));
    cr_assert_eq(event.metadata_count, 2);
    expect_metadata(&event, 0, "kind", "HUMAN");
    expect_metadata(&event, 1, "user", "ann");
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(world_bootstrap(&world, second), GF_FAILED_PRECONDITION);
        cr_expect_str_eq(world.error.reason, "BOOTSTRAP_DONE");
        world_restart(&world);
    }
    /* Also when it is gone. */
    cr_assert_eq(world_token_command(&world, GF_INPUT_DELETE_TOKEN, first->token_id), GF_OK);
    world_restart(&world);
    cr_expect_eq(world_bootstrap(&world, second), GF_FAILED_PRECONDITION);
    expect_stored(second, false);
}

Test(tokens, whoever_may_start_the_service_can_have_a_first_one_again) {
    const struct gf_token *second = world_token(&world, 2, "bob", "bootstrap");
    const struct gf_token *third = world_token(&world, 3, "cleo", "bootstrap");
    cr_assert_eq(world_bootstrap(&world, world_token(&world, 1, "ann", "bootstrap")), GF_OK);
    world_restart(&world);
    gf_core_allow_bootstrap(world.core);
    cr_expect_eq(world_bootstrap(&world, second), GF_OK);
    cr_expect_eq(world_bootstrap(&world, third), GF_FAILED_PRECONDITION, "once more, not for ever");
    world_restart(&world);
    cr_expect_eq(world_bootstrap(&world, third), GF_FAILED_PRECONDITION);
    expect_stored(second, true);
    expect_stored(third, false);
}

Test(tokens, a_crash_before_the_commit_undoes_the_first_one) {
    const struct gf_input input = {.kind = GF_INPUT_BOOTSTRAP_TOKEN,
                                   .u.token.row = world_token(&world, 1, "ann", "bootstrap")};
    world_step_only(&world, &input);
    world_restart(&world);
    cr_expect_eq(world_step(&world, &input), GF_OK);
}

/* ---- Creating ---- */

Test(tokens, what_is_created_is_stored) {
    static const struct gf_label metadata[] = {{GF_STR("team"), GF_STR("infra")}};
    struct gf_token *row = world_token(&world, 1, "ci", "developer");
    struct gf_token stored = {0};
    row->kind = GF_TOKEN_KIND_BOT;
    row->description = GF_STR("builds");
    row->metadata = metadata;
    row->metadata_count = 1;
    row->disabled = true;
    row->last_use_time = 7;
    cr_assert_eq(world_create_token(&world, row, 3600 * 1000), GF_OK);
    world_restart(&world);
    cr_assert_eq(world_stored_token(&world, row->token_id, &stored), GF_OK);
    cr_expect(gf_str_eq(stored.user, GF_STR("ci")));
    cr_expect(gf_str_eq(stored.description, GF_STR("builds")));
    cr_expect(gf_str_eq(stored.role_ids[0], GF_STR("developer")));
    cr_expect(gf_str_eq(stored.metadata[0].value, GF_STR("infra")));
    cr_expect_not(stored.disabled, "that is for the commands to say");
    cr_expect_eq(stored.last_use_time, 0);
    cr_expect_eq(stored.expire_time, stored.create_time + 3600 * GF_NS_PER_SEC);
    cr_assert_eq(world_create_token(&world, world_token(&world, 2, "x", "admin"), 0), GF_OK);
    cr_expect_eq(world.token.expire_time, 0);
    cr_assert_eq(world_create_token(&world, world_token(&world, 3, "x", "admin"), INT64_MAX),
                 GF_OK);
    cr_expect_eq(world.token.expire_time, GF_NEVER, "as late as there is");
}

static void expect_refused(const struct gf_token *row, int64_t lifetime_ms, enum gf_code code,
                           const char *field) {
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_create_token(&world, row, lifetime_ms), code, "%s: %s", field,
                 world.error.message);
    cr_expect_str_eq(world.error.field, field);
    cr_expect_eq(world_newest_event(&world), newest);
    expect_stored(row, false);
}

Test(tokens, bad_ones_are_refused) {
    static const struct gf_str twice[] = {GF_STR("reader"), GF_STR("admin"), GF_STR("reader")};
    static const struct gf_str bad[] = {GF_STR("reader"), GF_STR("a b")};
    static const struct gf_label no_key[] = {{GF_STR(""), GF_STR("x")}};
    struct gf_str many[GF_TOKEN_ROLES_MAX + 1];
    char long_user[GF_TOKEN_USER_CHARS_MAX + 2] = {0};
    memset(long_user, 'a', sizeof(long_user) - 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(many); i++) {
        many[i] = gf_str_from(gf_arena_printf(&world.arena, "role-%zu", i));
    }
    const struct gf_token good = *world_token(&world, 1, "ann", "reader");
    struct gf_token row = good;
    row.kind = GF_TOKEN_KIND_RUN;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "kind");
    row.kind = GF_TOKEN_KIND_UNSPECIFIED;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "kind");
    row = good;
    row.user = GF_STR("");
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "user");
    row.user = gf_str_from(long_user);
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "user");
    row.user = GF_STR("a\nb");
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "user");
    row = good;
    row.description = GF_STR("\xff");
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "description");
    row = good;
    row.role_count = 0;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "role_ids");
    row.role_ids = many;
    row.role_count = GF_ARRAY_COUNT(many);
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "role_ids");
    row.role_ids = twice;
    row.role_count = 3;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "role_ids[2]");
    row.role_ids = bad;
    row.role_count = 2;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "role_ids[1]");
    row = good;
    row.metadata = no_key;
    row.metadata_count = 1;
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "metadata[\"\"]");
    expect_refused(&good, GF_TOKEN_LIFETIME_MS_MIN - 1, GF_INVALID_ARGUMENT, "lifetime");
    expect_refused(&good, -1, GF_INVALID_ARGUMENT, "lifetime");
    row = good;
    row.extension_id = GF_STR("cron");
    expect_refused(&row, 0, GF_INVALID_ARGUMENT, "extension_id");
    cr_expect_eq(world_create_token(&world, &good, GF_TOKEN_LIFETIME_MS_MIN), GF_OK);
}

Test(tokens, roles_and_extensions_must_be_there) {
    struct gf_token *row = world_token(&world, 1, "ann", "nobody");
    expect_refused(row, 0, GF_NOT_FOUND, "");
    cr_expect_str_eq(world.error.message, "role 'nobody' does not exist");
    expect_refused(world_token(&world, 2, "ann", "bootstrap"), 0, GF_PERMISSION_DENIED, "");
    row->kind = GF_TOKEN_KIND_EXTENSION;
    expect_refused(row, 0, GF_INVALID_ARGUMENT, "extension_id");
    row->extension_id = GF_STR("cron");
    row->role_count = 0;
    expect_refused(row, 0, GF_NOT_FOUND, "");
    cr_expect_str_eq(world.error.message, "extension 'cron' does not exist");
}

Test(tokens, two_with_the_same_id_cannot_be) {
    const struct gf_token *row = world_token(&world, 1, "ann", "reader");
    const struct gf_token delete_row = {.token_id = row->token_id};
    const struct gf_input delete = {.kind = GF_INPUT_DELETE_TOKEN, .u.token.row = &delete_row};
    const struct gf_input create = {.kind = GF_INPUT_CREATE_TOKEN, .u.token.row = row};
    cr_assert_eq(world_create_token(&world, row, 0), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_expect_eq(world_create_token(&world, row, 0), GF_INTERNAL);
    cr_expect_eq(world_bootstrap(&world, row), GF_INTERNAL);
    cr_expect_eq(world_newest_event(&world), newest);
    /* Nor one like another that the same batch deletes. */
    world_step_only(&world, &delete);
    world_step_only(&world, &create);
    world_commit(&world);
    cr_expect_eq(world.error.code, GF_INTERNAL);
    expect_stored(row, false);
    cr_expect_eq(world_bootstrap(&world, world_token(&world, 2, "bob", "x")), GF_OK,
                 "what was refused has not bootstrapped");
}

Test(tokens, one_that_is_made_and_deleted_in_a_batch_was_never_stored) {
    const struct gf_token *row = world_token(&world, 1, "ann", "reader");
    const struct gf_input create = {.kind = GF_INPUT_CREATE_TOKEN, .u.token.row = row};
    const struct gf_input disable = {.kind = GF_INPUT_DISABLE_TOKEN, .u.token.row = row};
    const struct gf_input delete = {.kind = GF_INPUT_DELETE_TOKEN, .u.token.row = row};
    const int64_t newest = world_newest_event(&world);
    world_step_only(&world, &create);
    world_step_only(&world, &disable);
    world_step_only(&world, &delete);
    cr_expect_eq(gf_core_batch(world.core)->tokens.count, 0);
    cr_expect_eq(gf_core_batch(world.core)->deleted_tokens.count, 1);
    world_commit(&world);
    expect_stored(row, false);
    cr_expect_str_eq(world_events(&world, newest), "TOKEN_CREATED TOKEN_DISABLED TOKEN_DELETED");
}

/* ---- Repeated calls ---- */

static struct gf_input request_input(const struct gf_token *row, const char *request_id) {
    return (struct gf_input){
        .kind = GF_INPUT_CREATE_TOKEN,
        .u.token = {.row = row, .request = {.request_id = gf_str_from(request_id)}}};
}

Test(tokens, a_repeated_call_answers_with_the_first_token) {
    const struct gf_token *first = world_token(&world, 1, "ann", "reader");
    const struct gf_token *again = world_token(&world, 2, "ann", "reader");
    const struct gf_input input = request_input(first, "r-1");
    const struct gf_input repeat = request_input(again, "r-1");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const int64_t newest = world_newest_event(&world);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(world_step(&world, &repeat), GF_OK);
        cr_expect_eq(world.replayed.kind, GF_REQUEST_CREATE_TOKEN);
        cr_expect(gf_str_eq(world.replayed.subject_id, first->token_id));
        cr_expect_eq(world.token.token_id.len, 0, "it is read from the store");
        world_restart(&world);
    }
    cr_expect_eq(world_newest_event(&world), newest);
    expect_stored(again, false);
}

Test(tokens, another_token_with_the_same_request_is_refused) {
    static const struct gf_str two[] = {GF_STR("reader"), GF_STR("admin")};
    static const struct gf_label metadata[] = {{GF_STR("a"), GF_STR("b")}};
    struct gf_token row = *world_token(&world, 1, "ann", "reader");
    struct gf_input input = request_input(&row, "r-1");
    cr_assert_eq(world_step(&world, &input), GF_OK);
    const struct gf_token first = row;
    for (int what = 0; what < 6; what++) {
        row = first;
        row.token_id = world_token(&world, 2, "ann", "reader")->token_id;
        row.user = what == 0 ? GF_STR("bob") : row.user;
        row.description = what == 1 ? GF_STR("x") : row.description;
        row.kind = what == 2 ? GF_TOKEN_KIND_BOT : row.kind;
        row.role_ids = what == 3 ? two : row.role_ids;
        row.role_count = what == 3 ? 2 : 1;
        row.metadata = what == 4 ? metadata : NULL;
        row.metadata_count = what == 4;
        input.u.token.lifetime_ms = what == 5 ? GF_TOKEN_LIFETIME_MS_MIN : 0;
        cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION, "difference %d", what);
        cr_expect_str_eq(world.error.reason, "REQUEST_ID_REUSED");
    }
}

/* ---- Enabling, disabling, deleting ---- */

Test(tokens, are_disabled_and_enabled) {
    const struct gf_token *row = world_token(&world, 1, "ann", "reader");
    struct gf_token stored = {0};
    cr_assert_eq(world_create_token(&world, row, 0), GF_OK);
    const int64_t newest = world_newest_event(&world);
    cr_assert_eq(world_token_command(&world, GF_INPUT_DISABLE_TOKEN, row->token_id), GF_OK);
    cr_expect_not(world.unchanged);
    cr_expect(world.token.disabled);
    world_restart(&world);
    cr_assert_eq(world_stored_token(&world, row->token_id, &stored), GF_OK);
    cr_expect(stored.disabled);
    cr_assert_eq(world_token_command(&world, GF_INPUT_DISABLE_TOKEN, row->token_id), GF_OK);
    cr_expect(world.unchanged);
    cr_assert_eq(world_token_command(&world, GF_INPUT_ENABLE_TOKEN, row->token_id), GF_OK);
    cr_expect_not(world.unchanged || world.token.disabled);
    cr_assert_eq(world_token_command(&world, GF_INPUT_ENABLE_TOKEN, row->token_id), GF_OK);
    cr_expect(world.unchanged);
    cr_expect_str_eq(world_events(&world, newest), "TOKEN_DISABLED TOKEN_ENABLED");
}

Test(tokens, a_deleted_one_is_gone) {
    const struct gf_token *row = world_token(&world, 1, "ann", "reader");
    const enum gf_input_kind kinds[] = {GF_INPUT_DELETE_TOKEN, GF_INPUT_ENABLE_TOKEN,
                                        GF_INPUT_DISABLE_TOKEN};
    cr_assert_eq(world_create_token(&world, row, 0), GF_OK);
    cr_assert_eq(world_token_command(&world, GF_INPUT_DELETE_TOKEN, row->token_id), GF_OK);
    cr_expect_eq(world_event(&world).kind, GF_EVENT_TOKEN_DELETED);
    expect_stored(row, false);
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds); i++) {
        cr_expect_eq(world_token_command(&world, kinds[i], row->token_id), GF_NOT_FOUND);
        world_restart(&world);
    }
}

Test(tokens, nobody_changes_the_own_one) {
    const struct gf_token *row = world_token(&world, 1, "ann", "admin");
    const enum gf_input_kind kinds[] = {GF_INPUT_DELETE_TOKEN, GF_INPUT_ENABLE_TOKEN,
                                        GF_INPUT_DISABLE_TOKEN};
    struct gf_input input = {.u.token.row = row, .actor.token_id = row->token_id};
    cr_assert_eq(world_create_token(&world, row, 0), GF_OK);
    const int64_t newest = world_newest_event(&world);
    for (size_t i = 0; i < GF_ARRAY_COUNT(kinds); i++) {
        input.kind = kinds[i];
        cr_expect_eq(world_step(&world, &input), GF_FAILED_PRECONDITION);
    }
    cr_expect_eq(world_newest_event(&world), newest);
    expect_stored(row, true);
}

/* ---- Uses ---- */

static void touch(const struct gf_token_use *uses, size_t count) {
    const struct gf_input input = {.kind = GF_INPUT_TOUCH_TOKENS, .u.touch = {uses, count}};
    cr_assert_eq(world_step(&world, &input), GF_OK);
}

Test(tokens, the_last_use_is_kept_to_the_minute) {
    const int64_t minute = 60 * GF_NS_PER_SEC;
    const struct gf_token *row = world_token(&world, 1, "ann", "reader");
    const struct gf_token_use uses[] = {
        {GF_STR("tok_gone"), 100 * minute, GF_STR("unix:")},
        {row->token_id, 100 * minute + 5, GF_STR("ipv4:192.0.2.7:1")},
    };
    const struct gf_token_use same = {row->token_id, 101 * minute - 1, GF_STR("unix:")};
    const struct gf_token_use older = {row->token_id, 99 * minute, GF_STR("unix:")};
    struct gf_token stored = {0};
    cr_assert_eq(world_create_token(&world, row, 0), GF_OK);
    const int64_t newest = world_newest_event(&world);
    touch(uses, 2);
    cr_expect_not(world.unchanged);
    touch(&same, 1);
    cr_expect(world.unchanged);
    touch(&older, 1);
    cr_expect(world.unchanged);
    world_restart(&world);
    touch(&same, 1);
    cr_expect(world.unchanged);
    cr_assert_eq(world_stored_token(&world, row->token_id, &stored), GF_OK);
    cr_expect_eq(stored.last_use_time, 100 * minute);
    cr_expect(gf_str_eq(stored.last_use_peer, GF_STR("ipv4:192.0.2.7:1")));
    cr_expect_eq(world_newest_event(&world), newest, "no event tells of it");
}

Test(tokens, more_uses_than_the_limit_are_refused) {
    static struct gf_token_use uses[GF_TOKEN_USES_MAX + 1];
    const struct gf_input input = {.kind = GF_INPUT_TOUCH_TOKENS,
                                   .u.touch = {uses, GF_TOKEN_USES_MAX + 1}};
    cr_expect_eq(world_step(&world, &input), GF_INVALID_ARGUMENT);
    touch(uses, GF_TOKEN_USES_MAX);
}
