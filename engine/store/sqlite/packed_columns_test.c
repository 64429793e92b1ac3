/* What events and tokens have in packed columns: any bytes are those that were written, or refused.
 */
#include "base/macros.h"
#include "engine/store/sqlite/event_details.h"
#include "engine/store/sqlite/testing/fixture.h"
#include "engine/store/sqlite/token_lists.h"
#include "engine/store/testing/rows.h"

#include <string.h>

#include <criterion/criterion.h>

struct fixture {
    struct gf_arena arena;
    struct gf_strbuf bytes;
    struct gf_error err;
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, 16 << 20);
    gf_strbuf_init(&fixture->bytes, 4 << 20);
}

static void close_fixture(struct fixture *fixture) {
    gf_strbuf_fini(&fixture->bytes);
    gf_arena_fini(&fixture->arena);
}

/* ---- Details of events ---- */

Test(sqlite_event_details, an_event_of_a_run_that_goes_on_by_itself_has_none) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_event event = {.sequence = 7,
                                   .kind = GF_EVENT_RUN_STARTED,
                                   .namespace_id = GF_STR("default"),
                                   .task_id = GF_STR("main"),
                                   .run_id = 3};
    gf_sqlite__event_details_encode(&event, &fixture.bytes);
    cr_assert_eq(fixture.bytes.len, 0);
    close_fixture(&fixture);
}

Test(sqlite_event_details, damaged_bytes_are_refused) {
    static const struct {
        const char *what;
        struct gf_str bytes;
    } CASES[] = {
        {"an unknown format", GF_STR("\x02\x01\x01k")},
        {"a format and nothing", GF_STR("\x01")},
        {"an unknown field", GF_STR("\x01\x07\x01k")},
        {"an empty extension", GF_STR("\x01\x05\x00")},
        {"an empty subscription", GF_STR("\x01\x06\x00")},
        {"half a subscription", GF_STR("\x01\x06\x02s")},
        {"an empty key", GF_STR("\x01\x01\x00")},
        {"a key with NUL", GF_STR("\x01\x01\x01\x00")},
        {"a key beyond the end", GF_STR("\x01\x01\x02k")},
        {"an empty subject", GF_STR("\x01\x02\x00")},
        {"an empty actor", GF_STR("\x01\x03\x00\x00\x00")},
        {"half an actor", GF_STR("\x01\x03\x01t")},
        {"no metadata", GF_STR("\x01\x04\x00")},
        {"metadata out of order", GF_STR("\x01\x04\x02\x01"
                                         "b\x00\x01"
                                         "a\x00")},
        {"fields out of order", GF_STR("\x01\x02\x01s\x01\x01k")},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_event event = {.sequence = 7};
        cr_assert_eq(
            gf_sqlite__event_details_decode(CASES[i].bytes, &fixture.arena, &event, &fixture.err),
            GF_DATA_LOSS, "%s", CASES[i].what);
        cr_assert_eq(event.sequence, 7);
        cr_assert_eq(event.key.len + event.subject_id.len + event.actor.token_id.len +
                         event.extension_id.len + event.subscription_id.len,
                     0, "%s", CASES[i].what);
    }
    close_fixture(&fixture);
}

/* ---- Lists of tokens ---- */

Test(sqlite_token_lists, none_are_no_bytes) {
    struct fixture fixture;
    open_fixture(&fixture);
    gf_sqlite__token_lists_encode(&(const struct gf_token){.user = GF_STR("u")}, &fixture.bytes);
    cr_assert_eq(fixture.bytes.len, 0);
    close_fixture(&fixture);
}

Test(sqlite_token_lists, as_many_roles_as_a_token_may_have_come_back_and_no_more) {
    struct gf_str roles[GF_TOKEN_ROLES_MAX + 1];
    for (size_t i = 0; i < GF_ARRAY_COUNT(roles); i++) {
        roles[i] = GF_STR("role");
    }
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t count = GF_TOKEN_ROLES_MAX; count <= GF_TOKEN_ROLES_MAX + 1; count++) {
        const struct gf_token token = {.role_ids = roles, .role_count = count};
        struct gf_token found = {0};
        gf_strbuf_reset(&fixture.bytes);
        gf_sqlite__token_lists_encode(&token, &fixture.bytes);
        const enum gf_code rc = gf_sqlite__token_lists_decode(gf_strbuf_view(&fixture.bytes),
                                                              &fixture.arena, &found, NULL);
        cr_assert_eq(rc, count == GF_TOKEN_ROLES_MAX ? GF_OK : GF_DATA_LOSS);
        cr_assert_eq(found.role_count, rc == GF_OK ? count : 0);
    }
    close_fixture(&fixture);
}

Test(sqlite_token_lists, damaged_bytes_are_refused) {
    static const struct {
        const char *what;
        struct gf_str bytes;
    } CASES[] = {
        {"no roles", GF_STR("\x01\x01\x00")},
        {"more roles than there are", GF_STR("\x01\x01\x02\x01r")},
        {"a role that is not UTF-8", GF_STR("\x01\x01\x01\x01\xff")},
        {"no metadata", GF_STR("\x01\x02\x00")},
        {"an unknown field", GF_STR("\x01\x03\x01\x01r")},
        {"bytes behind the end", GF_STR("\x01\x01\x01\x01r\x00")},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_token token = {0};
        cr_assert_eq(
            gf_sqlite__token_lists_decode(CASES[i].bytes, &fixture.arena, &token, &fixture.err),
            GF_DATA_LOSS, "%s", CASES[i].what);
        cr_assert_eq(token.role_count + token.metadata_count, 0, "%s", CASES[i].what);
    }
    close_fixture(&fixture);
}

/* ---- Rows that somebody has changed behind the store's back ---- */

static void make_changed(struct gf_sqlite_fixture *sqlite, const char *change) {
    struct gf_rows rows;
    gf_sqlite_fixture_init(sqlite);
    gf_rows_init(&rows);
    struct gf_store *store = gf_sqlite_fixture_open(sqlite, NULL);
    (void)gf_rows_token(&rows, "tok_1", 1);
    (void)gf_rows_role(&rows, "role");
    gf_rows_event(&rows, GF_EVENT_ROLE_CREATED, "", "", 0)->subject_id = GF_STR("role");
    gf_rows_commit(&rows, store);
    store->ops->destroy(store);
    gf_rows_fini(&rows);
    char text[256];
    (void)snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; %s", change);
    gf_sqlite_fixture_exec(sqlite, text);
}

/* What the schema itself forbids is found when the file is opened. */
Test(sqlite_packed_columns, a_token_that_cannot_be_is_refused_with_the_file) {
    static const char *const CHANGES[] = {
        "UPDATE tokens SET digest = x'00'",
        "UPDATE tokens SET digest = zeroblob(33)",
        "UPDATE tokens SET kind = 4",
        "UPDATE tokens SET disabled = 2",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CHANGES); i++) {
        struct gf_sqlite_fixture sqlite;
        make_changed(&sqlite, CHANGES[i]);
        gf_sqlite_fixture_refused(&sqlite, GF_DATA_LOSS, "tokens");
        gf_sqlite_fixture_fini(&sqlite);
    }
}

Test(sqlite_packed_columns, damaged_rows_are_named_and_give_nothing) {
    static const struct {
        const char *change;
        const char *part; /* of the message */
    } CASES[] = {
        {"UPDATE tokens SET lists = x'01'", "token 'tok_1': the stored lists of a token"},
        {"UPDATE roles SET permissions = x''", "role 'role': the stored permissions are damaged"},
        {"UPDATE roles SET permissions = x'010101000106000105'", "role 'role'"},
        {"UPDATE events SET details = x'01'", "event 1: the stored details are damaged"},
    };
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct gf_sqlite_fixture sqlite;
        make_changed(&sqlite, CASES[i].change);
        struct gf_store *store = gf_sqlite_fixture_open(&sqlite, NULL);
        struct gf_store_reader *reader = store->ops->open_reader(store);
        struct gf_token *tokens = NULL;
        struct gf_role role = {0};
        struct gf_event event = {0};
        size_t count = 0;
        enum gf_code rc = store->ops->list_tokens(reader, NULL, 10, &fixture.arena, &tokens, &count,
                                                  &fixture.err);
        if (rc == GF_OK) {
            rc = store->ops->get_role(reader, GF_STR("role"), &fixture.arena, &role, &fixture.err);
        }
        if (rc == GF_OK) {
            rc = store->ops->get_event(reader, 1, &fixture.arena, &event, &fixture.err);
        }
        cr_expect_eq(rc, GF_DATA_LOSS, "%s", CASES[i].change);
        cr_expect_not_null(strstr(fixture.err.message, CASES[i].part), "%s", fixture.err.message);
        cr_expect_eq(event.sequence, 0);
        store->ops->close_reader(store, reader);
        store->ops->destroy(store);
        gf_sqlite_fixture_fini(&sqlite);
    }
    close_fixture(&fixture);
}
