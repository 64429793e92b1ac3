/* Tokens, roles and runs, as the engine tells of them and as calls find them. */
#include "api/access/table.h"
#include "base/clock.h"
#include "engine/auth/system_roles.h"

#include <stdio.h>

#include <criterion/criterion.h>

static struct gf_token make_token(const char *id, struct gf_str *role_ids, size_t role_count) {
    struct gf_token token = {
        .token_id = gf_str_from(id),
        .kind = GF_TOKEN_KIND_BOT,
        .user = GF_STR("someone"),
        .role_ids = role_ids,
        .role_count = role_count,
    };
    gf_token_digest(token.token_id, &token.digest);
    return token;
}

/* A role that may read runs in one namespace. */
static void put_reader(struct gf_access_table *table, const char *role_id,
                       const char *namespace_id) {
    const struct gf_str namespaces = gf_str_from(namespace_id);
    const enum gf_permission_action action = GF_PERMISSION_ACTION_READ;
    const struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_RUNS};
    const struct gf_permission permission = {&namespaces, 1, &target, 1, &action, 1, 0};
    const struct gf_role role = {
        .role_id = gf_str_from(role_id), .permissions = &permission, .permission_count = 1};
    (void)gf_access_table_put_role(table, &role);
}

static bool may_read(struct gf_access_table *table, struct gf_access_entry *entry,
                     const char *namespace_id) {
    const struct gf_access_query query = {GF_PERMISSION_RESOURCE_RUNS, GF_PERMISSION_ACTION_READ,
                                          gf_str_from(namespace_id), GF_STR("nightly"), 1};
    return gf_access_table_allows(table, entry, &query);
}

Test(access_table, token_is_found_by_its_digest_until_it_is_removed) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_token token = make_token("tok_one", NULL, 0);
    cr_assert_null(gf_access_table_find_token(table, &token.digest));
    cr_assert_not(gf_access_table_put_token(table, &token), "it has no streams");
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    cr_assert_not_null(entry);
    cr_assert(gf_str_eq(entry->token_id, GF_STR("tok_one")));
    cr_assert(gf_str_eq(entry->user, GF_STR("someone")));
    cr_assert(gf_access_entry_valid(entry, 1));
    cr_assert_eq(gf_access_table_token_count(table), 1);
    atomic_store(&entry->stream_count, 1);
    cr_assert(gf_access_table_remove_token(table, token.token_id));
    cr_assert_null(gf_access_table_find_token(table, &token.digest));
    cr_assert_not(gf_access_entry_valid(entry, 1), "who has it sees that it has gone");
    cr_assert(gf_str_eq(entry->token_id, GF_STR("tok_one")));
    gf_access_entry_unref(entry);
    cr_assert_not(gf_access_table_remove_token(table, token.token_id));
    gf_access_table_destroy(table);
}

Test(access_table, disabled_and_expired_tokens_are_not_valid) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_token token = make_token("tok_one", NULL, 0);
    token.expire_time = 100;
    (void)gf_access_table_put_token(table, &token);
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    cr_assert(gf_access_entry_valid(entry, 99));
    cr_assert_not(gf_access_entry_valid(entry, 100));
    token.disabled = true;
    (void)gf_access_table_put_token(table, &token);
    cr_assert_not(gf_access_entry_valid(entry, 99));
    token.disabled = false;
    (void)gf_access_table_put_token(table, &token);
    cr_assert(gf_access_entry_valid(entry, 99));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, expiries_come_in_order_and_once) {
    struct gf_access_table *table = gf_access_table_create();
    cr_assert_eq(gf_access_table_next_expiry(table), GF_NEVER);
    struct gf_token late = make_token("tok_late", NULL, 0);
    struct gf_token soon = make_token("tok_soon", NULL, 0);
    struct gf_token never = make_token("tok_never", NULL, 0);
    late.expire_time = 200;
    soon.expire_time = 100;
    (void)gf_access_table_put_token(table, &late);
    (void)gf_access_table_put_token(table, &soon);
    (void)gf_access_table_put_token(table, &never);
    cr_assert_eq(gf_access_table_next_expiry(table), 100);
    cr_assert_not(gf_access_table_expire(table, 99));
    cr_assert(gf_access_table_expire(table, 100));
    cr_assert_eq(gf_access_table_next_expiry(table), 200);
    (void)gf_access_table_put_token(table, &soon); /* a use is noted: nothing is new */
    cr_assert_eq(gf_access_table_next_expiry(table), 200);
    (void)gf_access_table_remove_token(table, late.token_id);
    cr_assert_eq(gf_access_table_next_expiry(table), GF_NEVER);
    gf_access_table_destroy(table);
}

Test(access_table, one_of_the_roles_is_enough) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_str roles[] = {GF_STR("of-red"), GF_STR("of-blue"), GF_STR("of-nothing")};
    struct gf_token token = make_token("tok_one", roles, 3);
    put_reader(table, "of-red", "red");
    put_reader(table, "of-blue", "blue");
    (void)gf_access_table_put_token(table, &token);
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    cr_assert(may_read(table, entry, "red"));
    cr_assert(may_read(table, entry, "blue"));
    cr_assert_not(may_read(table, entry, "green"));
    cr_assert(gf_access_table_allows_some(table, entry, GF_PERMISSION_RESOURCE_RUNS,
                                          GF_PERMISSION_ACTION_READ, GF_STR("")));
    cr_assert_not(gf_access_table_allows_some(table, entry, GF_PERMISSION_RESOURCE_RUNS,
                                              GF_PERMISSION_ACTION_WRITE, GF_STR("")));
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const struct gf_role **found = NULL;
    size_t count = 0;
    gf_access_table_roles(table, entry, &arena, &found, &count);
    cr_assert_eq(count, 2, "one is not there");
    cr_assert(gf_str_eq(found[0]->role_id, GF_STR("of-red")));
    gf_arena_fini(&arena);
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, roles_change_for_those_who_have_them) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_str role_ids[] = {GF_STR("team")};
    struct gf_token token = make_token("tok_one", role_ids, 1);
    (void)gf_access_table_put_token(table, &token);
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    cr_assert_not(may_read(table, entry, "red"), "the role is not there yet");
    put_reader(table, "team", "red");
    cr_assert(may_read(table, entry, "red"));
    put_reader(table, "team", "blue");
    cr_assert_not(may_read(table, entry, "red"));
    cr_assert(may_read(table, entry, "blue"));
    cr_assert(gf_access_table_remove_role(table, GF_STR("team")));
    cr_assert_not(may_read(table, entry, "blue"));
    cr_assert_not(gf_access_table_remove_role(table, GF_STR("nobody-has-it")));
    put_reader(table, "team", "green");
    cr_assert(may_read(table, entry, "green"));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, tokens_may_get_other_roles) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_str red[] = {GF_STR("of-red")};
    struct gf_str blue[] = {GF_STR("of-blue")};
    put_reader(table, "of-red", "red");
    put_reader(table, "of-blue", "blue");
    struct gf_token token = make_token("tok_one", red, 1);
    (void)gf_access_table_put_token(table, &token);
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    token.role_ids = blue;
    (void)gf_access_table_put_token(table, &token);
    cr_assert_not(may_read(table, entry, "red"));
    cr_assert(may_read(table, entry, "blue"));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, roles_of_the_system_cannot_be_taken_over) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_str roles[] = {GF_STR("reader")};
    struct gf_token token = make_token("tok_one", roles, 1);
    (void)gf_access_table_put_token(table, &token);
    struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
    cr_assert(may_read(table, entry, "default"));
    put_reader(table, "reader", "*"); /* was there before an upgrade that brought the role */
    cr_assert_not(may_read(table, entry, "red"));
    cr_assert_not(gf_access_table_remove_role(table, GF_STR("reader")));
    cr_assert(may_read(table, entry, "default"));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, anonymous_callers_have_their_role) {
    struct gf_access_table *table = gf_access_table_create();
    struct gf_access_entry *entry = gf_access_table_anonymous(table);
    cr_assert_eq(entry->kind, GF_PRINCIPAL_ANONYMOUS);
    cr_assert(may_read(table, entry, "default"));
    cr_assert_not(may_read(table, entry, "red"));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, run_has_its_own_rights_until_it_is_over) {
    struct gf_access_table *table = gf_access_table_create();
    const struct gf_run run = {.run_key = 42,
                               .run_id = 1,
                               .namespace_id = GF_STR("red"),
                               .pipeline_id = GF_STR("nightly")};
    cr_assert_null(gf_access_table_find_run(table, 42));
    gf_access_table_put_run(table, &run);
    gf_access_table_put_run(table, &run);
    cr_assert_eq(gf_access_table_run_count(table), 1);
    struct gf_access_entry *entry = gf_access_table_find_run(table, 42);
    cr_assert(gf_str_eq(entry->user, GF_STR("red/nightly/1")));
    cr_assert(may_read(table, entry, "red"));
    cr_assert_not(may_read(table, entry, "blue"));
    const struct gf_access_query other = {GF_PERMISSION_RESOURCE_RUNS, GF_PERMISSION_ACTION_READ,
                                          GF_STR("red"), GF_STR("nightly"), 2};
    cr_assert_not(gf_access_table_allows(table, entry, &other));
    atomic_store(&entry->stream_count, 1);
    cr_assert(gf_access_table_remove_run(table, 42));
    cr_assert_not(gf_access_entry_valid(entry, 1));
    cr_assert_not(may_read(table, entry, "red"));
    cr_assert_null(gf_access_table_find_run(table, 42));
    cr_assert_not(gf_access_table_remove_run(table, 42));
    gf_access_entry_unref(entry);
    gf_access_table_destroy(table);
}

Test(access_table, many_tokens_and_roles) {
    struct gf_access_table *table = gf_access_table_create();
    char ids[300][24];
    struct gf_str roles[1];
    for (size_t i = 0; i < 300; i++) {
        char role[24];
        (void)snprintf(ids[i], sizeof(ids[i]), "tok_%zu", i);
        (void)snprintf(role, sizeof(role), "role-%zu", i % 7);
        roles[0] = gf_str_from(role);
        struct gf_token token = make_token(ids[i], roles, 1);
        (void)gf_access_table_put_token(table, &token);
    }
    put_reader(table, "role-3", "red");
    size_t allowed = 0;
    for (size_t i = 0; i < 300; i++) {
        const struct gf_token token = make_token(ids[i], NULL, 0);
        struct gf_access_entry *entry = gf_access_table_find_token(table, &token.digest);
        allowed += may_read(table, entry, "red") ? 1 : 0;
        gf_access_entry_unref(entry);
        if (i % 2 == 0) {
            (void)gf_access_table_remove_token(table, token.token_id);
        }
    }
    cr_assert_eq(allowed, 43);
    cr_assert_eq(gf_access_table_token_count(table), 150);
    gf_access_table_destroy(table);
}
