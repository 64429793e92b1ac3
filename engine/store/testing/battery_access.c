/* The battery: tokens, roles, and what the core remembers of its whole life. */
#include "engine/store/testing/battery_internal.h"

#include <string.h>

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

/* ---- Tokens ---- */

static void same_token(const struct gf_token *actual, const struct gf_token *expected) {
    must_be_same(actual, expected, token_id);
    cr_assert(gf_token_digest_eq(&actual->digest, &expected->digest));
    must_be_equal(actual, expected, kind);
    must_be_same(actual, expected, user);
    must_be_same(actual, expected, description);
    same_texts(actual->role_ids, actual->role_count, expected->role_ids, expected->role_count);
    same_labels(actual->metadata, actual->metadata_count, expected->metadata,
                expected->metadata_count);
    must_be_equal(actual, expected, disabled);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, expire_time);
    must_be_equal(actual, expected, last_use_time);
    must_be_same(actual, expected, last_use_peer);
    must_be_same(actual, expected, extension_id);
}

static struct gf_token *full_token(struct battery *battery, const char *token_id) {
    static const struct gf_str ROLES[] = {GF_STR("zeta"), GF_STR("admin"), GF_STR("Beta")};
    static const struct gf_label METADATA[] = {{GF_STR("a"), GF_STR("")},
                                               {GF_STR("team"), GF_STR("it's \xe2\x82\xac")}};
    struct gf_token *token = gf_rows_token(&battery->rows, token_id, NOW + 1);
    memset(token->digest.bytes, 0, sizeof(token->digest.bytes));
    token->digest.bytes[31] = 0xff; /* zeros and all are bytes like others */
    token->kind = GF_TOKEN_KIND_EXTENSION;
    token->user = GF_STR("somebody");
    token->description = GF_STR("for \"nights\"\nand days");
    token->role_ids = ROLES;
    token->role_count = GF_ARRAY_COUNT(ROLES);
    token->metadata = METADATA;
    token->metadata_count = GF_ARRAY_COUNT(METADATA);
    token->disabled = true;
    token->expire_time = NOW + 500;
    token->last_use_time = NOW + 60;
    token->last_use_peer = GF_STR("ipv6:[2001:db8::1]:5000");
    token->extension_id = GF_STR("cron");
    return token;
}

void gf_store_battery_tokens_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_token *plain = gf_rows_token(&battery.rows, "tok_plain", NOW);
    const struct gf_token *full = full_token(&battery, "tok_full");
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    struct gf_token found = {0};
    must(&battery, get_token, GF_STR("tok_plain"), &battery.arena, &found);
    same_token(&found, plain);
    must(&battery, get_token, GF_STR("tok_full"), &battery.arena, &found);
    same_token(&found, full);
    must_miss(&battery, "token 'tok_Full' not found", get_token, GF_STR("tok_Full"), &battery.arena,
              &found);
    same_token(&found, full);
    battery_close(&battery);
}

void gf_store_battery_tokens_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_token *token = full_token(&battery, "tok_1");
    const struct gf_token other = *gf_rows_token(&battery.rows, "tok_2", NOW + 1);
    battery_look(&battery);
    token->disabled = false;
    token->last_use_time = NOW + 120;
    token->last_use_peer = GF_STR("unix:");
    gf_rows_again_token(&battery.rows, token);
    battery_look(&battery);
    struct gf_token found = {0};
    must(&battery, get_token, GF_STR("tok_1"), &battery.arena, &found);
    same_token(&found, token);
    must(&battery, get_token, GF_STR("tok_2"), &battery.arena, &found);
    same_token(&found, &other);
    battery_close(&battery);
}

/* All tokens in pages: each is there once, in the order of the list. */
static size_t follow_tokens(struct battery *battery, size_t limit, struct gf_token *last) {
    size_t seen = 0;
    size_t count = limit;
    bool first = true;
    while (count == limit) {
        struct gf_token *items = NULL;
        must(battery, list_tokens, first ? NULL : last, limit, &battery->arena, &items, &count);
        for (size_t i = 0; i < count; i++) {
            cr_assert(first || items[i].create_time < last->create_time ||
                      (items[i].create_time == last->create_time &&
                       gf_str_cmp(items[i].token_id, last->token_id) < 0));
            /* Only these two count. */
            *last = (struct gf_token){.create_time = items[i].create_time,
                                      .token_id = items[i].token_id};
            first = false;
        }
        seen += count;
    }
    return seen;
}

void gf_store_battery_tokens_are_listed_newest_first(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_token last = {0};
    battery_look(&battery);
    cr_assert_eq(follow_tokens(&battery, 5, &last), 0);
    for (int i = 0; i < 100; i++) {
        /* Ten at a time, and not in the order of their names. */
        const struct gf_str id = gf_rows_text(&battery.rows, "tok_%03d", i * 37 % 100);
        (void)gf_rows_token(&battery.rows, id.ptr, NOW + i / 10);
    }
    battery_look(&battery);
    for (size_t limit = 1; limit <= 101; limit += 25) {
        cr_assert_eq(follow_tokens(&battery, limit, &last), 100);
        cr_assert_eq(last.create_time, NOW);
    }
    /* Behind one that is gone. */
    const struct gf_token gone = {.create_time = NOW + 5, .token_id = GF_STR("")};
    struct gf_token *items = NULL;
    size_t count = 0;
    must(&battery, list_tokens, &gone, 100, &battery.arena, &items, &count);
    cr_assert_eq(count, 50);
    battery_close(&battery);
}

void gf_store_battery_deleted_tokens_are_gone(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_token *token = gf_rows_token(&battery.rows, "tok_1", NOW);
    (void)gf_rows_token(&battery.rows, "tok_2", NOW);
    battery_look(&battery);
    gf_rows_delete_token(&battery.rows, "tok_1");
    gf_rows_delete_token(&battery.rows, "tok_unknown");
    battery_look(&battery);
    struct gf_token found = {0};
    must_miss(&battery, "token 'tok_1' not found", get_token, GF_STR("tok_1"), &battery.arena,
              &found);
    must(&battery, get_token, GF_STR("tok_2"), &battery.arena, &found);
    struct gf_token *items = NULL;
    size_t count = 0;
    must(&battery, list_tokens, NULL, 10, &battery.arena, &items, &count);
    cr_assert_eq(count, 1);
    /* Again, as another one. */
    token->create_time = NOW + 9;
    token->user = GF_STR("other");
    gf_rows_again_token(&battery.rows, token);
    battery_look(&battery);
    must(&battery, get_token, GF_STR("tok_1"), &battery.arena, &found);
    same_token(&found, token);
    battery_close(&battery);
}

/* ---- Roles ---- */

static void same_permission(const struct gf_permission *actual,
                            const struct gf_permission *expected) {
    same_texts(actual->namespaces, actual->namespace_count, expected->namespaces,
               expected->namespace_count);
    must_be_equal(actual, expected, target_count);
    for (size_t i = 0; i < expected->target_count; i++) {
        must_be_equal(&actual->targets[i], &expected->targets[i], resource);
        same_texts(actual->targets[i].globs, actual->targets[i].glob_count,
                   expected->targets[i].globs, expected->targets[i].glob_count);
    }
    must_be_equal(actual, expected, action_count);
    for (size_t i = 0; i < expected->action_count; i++) {
        cr_assert_eq(actual->actions[i], expected->actions[i]);
    }
    must_be_equal(actual, expected, run_id);
}

static void same_role(const struct gf_role *actual, const struct gf_role *expected) {
    must_be_same(actual, expected, role_id);
    must_be_same(actual, expected, description);
    must_be_equal(actual, expected, permission_count);
    for (size_t i = 0; i < expected->permission_count; i++) {
        same_permission(&actual->permissions[i], &expected->permissions[i]);
    }
    cr_assert_not(actual->system_role);
    must_be_equal(actual, expected, create_time);
    must_be_equal(actual, expected, update_time);
}

/* Permissions that have all that one can have. */
static void fill_role(struct gf_role *role) {
    static const struct gf_str NAMESPACES[] = {GF_STR("prod-*"), GF_STR("default")};
    static const struct gf_str GLOBS[] = {GF_STR("a*z"), GF_STR("*")};
    static const struct gf_permission_target TARGETS[] = {
        {.resource = GF_PERMISSION_RESOURCE_RUNS,
         .globs = GLOBS,
         .glob_count = GF_ARRAY_COUNT(GLOBS)},
        {.resource = GF_PERMISSION_RESOURCE_TASK_EXECUTIONS},
    };
    static const struct gf_permission_target SYSTEM[] = {
        {.resource = GF_PERMISSION_RESOURCE_SYSTEM},
    };
    static const enum gf_permission_action ACTIONS[] = {GF_PERMISSION_ACTION_WRITE,
                                                        GF_PERMISSION_ACTION_READ};
    static const struct gf_permission PERMISSIONS[] = {
        {.namespaces = NAMESPACES,
         .namespace_count = 2,
         .targets = TARGETS,
         .target_count = 2,
         .actions = ACTIONS,
         .action_count = 2},
        {.targets = SYSTEM, .target_count = 1, .actions = ACTIONS, .action_count = 1},
    };
    role->description = GF_STR("all that \xe2\x82\xac can buy");
    role->permissions = PERMISSIONS;
    role->permission_count = GF_ARRAY_COUNT(PERMISSIONS);
}

void gf_store_battery_roles_come_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    const struct gf_role *plain = gf_rows_role(&battery.rows, "plain");
    struct gf_role *full = gf_rows_role(&battery.rows, "full");
    fill_role(full);
    battery_look(&battery);
    battery_reopen(&battery, factory);
    battery_look(&battery);
    struct gf_role found = {0};
    must(&battery, get_role, GF_STR("plain"), &battery.arena, &found);
    same_role(&found, plain);
    must(&battery, get_role, GF_STR("full"), &battery.arena, &found);
    same_role(&found, full);
    must_miss(&battery, "role 'Full' not found", get_role, GF_STR("Full"), &battery.arena, &found);
    battery_close(&battery);
}

void gf_store_battery_roles_change(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    struct gf_role *role = gf_rows_role(&battery.rows, "role");
    battery_look(&battery);
    fill_role(role);
    role->update_time += 10;
    gf_rows_again_role(&battery.rows, role);
    battery_look(&battery);
    struct gf_role found = {0};
    must(&battery, get_role, GF_STR("role"), &battery.arena, &found);
    same_role(&found, role);
    battery_close(&battery);
}

void gf_store_battery_roles_are_listed_in_pages(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    for (int i = 0; i < 50; i++) {
        (void)gf_rows_role(&battery.rows,
                           gf_rows_text(&battery.rows, "%c-%03d", i % 2 == 0 ? 'R' : 'r', i).ptr);
    }
    battery_look(&battery);
    for (size_t limit = 1; limit <= 51; limit += 10) {
        struct gf_str after = GF_STR("");
        size_t seen = 0;
        size_t count = limit;
        while (count == limit) {
            struct gf_role *items = NULL;
            must(&battery, list_roles, after, limit, &battery.arena, &items, &count);
            for (size_t i = 0; i < count; i++) {
                cr_assert_gt(gf_str_cmp(items[i].role_id, after), 0);
                after = items[i].role_id;
            }
            seen += count;
        }
        cr_assert_eq(seen, 50);
    }
    battery_close(&battery);
}

void gf_store_battery_deleted_roles_are_gone(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    (void)gf_rows_role(&battery.rows, "one");
    (void)gf_rows_role(&battery.rows, "two");
    battery_look(&battery);
    gf_rows_delete_role(&battery.rows, "one");
    gf_rows_delete_role(&battery.rows, "two");
    gf_rows_delete_role(&battery.rows, "unknown");
    /* One that goes and one that comes have the same id: this one is another. */
    struct gf_role *again = gf_rows_role(&battery.rows, "two");
    again->create_time = NOW + 77;
    battery_look(&battery);
    struct gf_role found = {0};
    must_miss(&battery, "role 'one' not found", get_role, GF_STR("one"), &battery.arena, &found);
    must(&battery, get_role, GF_STR("two"), &battery.arena, &found);
    same_role(&found, again);
    battery_close(&battery);
}

/* ---- What the core remembers ---- */

void gf_store_battery_what_the_core_remembers_comes_back(const struct gf_store_factory *factory) {
    struct battery battery;
    battery_open(&battery, factory);
    gf_rows_source_sequence(&battery.rows, 12);
    battery_look(&battery);
    struct gf_core_start start = battery_load_start(&battery);
    cr_assert_not(start.bootstrapped);
    cr_assert_eq(start.source_sequence, 12);
    gf_rows_bootstrapped(&battery.rows);
    battery_look(&battery);
    gf_rows_source_sequence(&battery.rows, INT64_MAX);
    battery_look(&battery);
    battery_look(&battery); /* a batch without them changes nothing */
    for (int i = 0; i < 2; i++) {
        start = battery_load_start(&battery);
        cr_assert(start.bootstrapped);
        cr_assert_eq(start.source_sequence, INT64_MAX);
        battery_reopen(&battery, factory);
    }
    battery_close(&battery);
}
