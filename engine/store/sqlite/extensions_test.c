/* Extensions in the file: damage is named with its place, and what is deleted goes in portions. */
#include "engine/core/limits.h"
#include "engine/store/sqlite/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

#define NOW INT64_C(1700000000000000000)

/* A store with pipeline 1 "pipe" and extension 3 "cron" with all that can belong to it. */
struct fixture {
    struct gf_sqlite_fixture sqlite;
    struct gf_store *store;
    struct gf_rows rows;
    struct gf_arena arena;
    struct gf_error err;
};

static void open_fixture(struct fixture *fixture, int starts) {
    memset(fixture, 0, sizeof(*fixture));
    gf_sqlite_fixture_init(&fixture->sqlite);
    gf_rows_init(&fixture->rows);
    gf_arena_init(&fixture->arena, 64 << 20);
    fixture->store = gf_sqlite_fixture_open(&fixture->sqlite, NULL);
    const struct gf_namespace *ns = gf_rows_namespace(&fixture->rows, 1, "default");
    const struct gf_pipeline *pipeline = gf_rows_pipeline(&fixture->rows, ns, 1, "pipe");
    struct gf_extension *cron = gf_rows_extension(&fixture->rows, 3, "cron");
    cron->spec.image = GF_STR("cron:1");
    cron->role_ids = (const struct gf_str[]){GF_STR("admin")};
    cron->role_count = 1;
    (void)gf_rows_subscription(&fixture->rows, pipeline, cron, 4, "nightly");
    (void)gf_rows_subscription(&fixture->rows, pipeline, cron, 5, "daily");
    for (int i = 0; i < starts; i++) {
        const struct gf_str key = gf_rows_text(&fixture->rows, "key-%d", i);
        (void)gf_rows_start_key(&fixture->rows, 4 + i % 2, key.ptr, NOW + i);
    }
    (void)gf_rows_delivery(&fixture->rows, cron, 6);
    gf_rows_delivery(&fixture->rows, cron, 7)->dead = true;
    (void)gf_rows_delivery_id(&fixture->rows, 3, "id", 1, NOW);
    (void)gf_rows_report(&fixture->rows, cron, "report", NOW);
    gf_rows_commit(&fixture->rows, fixture->store);
}

static void close_fixture(struct fixture *fixture) {
    fixture->store->ops->destroy(fixture->store);
    gf_arena_fini(&fixture->arena);
    gf_rows_fini(&fixture->rows);
    gf_sqlite_fixture_fini(&fixture->sqlite);
}

static void reopen(struct fixture *fixture, const char *change) {
    char text[512];
    fixture->store->ops->destroy(fixture->store);
    if (change != NULL) {
        (void)snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; %s", change);
        gf_sqlite_fixture_exec(&fixture->sqlite, text);
    }
    fixture->store = gf_sqlite_fixture_open(&fixture->sqlite, NULL);
}

/* ---- Damage ---- */

/* Reads everything there is; the first error. */
static enum gf_code read_all(struct fixture *fixture, struct gf_store_reader *reader) {
    const struct gf_store_extension_ops *ops = fixture->store->ops->extensions;
    struct gf_extension *extensions = NULL;
    struct gf_subscription *subscriptions = NULL;
    struct gf_start_key start = {0};
    struct gf_delivery delivery = {0};
    struct gf_report *reports = NULL;
    int64_t *rows = NULL;
    size_t count = 0;
    struct gf_arena *arena = &fixture->arena;
    struct gf_error *err = &fixture->err;
    enum gf_code rc = ops->list(reader, GF_STR(""), 10, arena, &extensions, &count, err);
    if (rc == GF_OK) {
        rc = ops->scan_subscriptions(reader, 0, 0, 10, arena, &subscriptions, &count, err);
    }
    if (rc == GF_OK) {
        rc = ops->get_start_key(reader, 4, GF_STR("key-0"), arena, &start, err);
    }
    if (rc == GF_OK) {
        rc = ops->get_delivery(reader, 6, true, arena, &delivery, err);
    }
    if (rc == GF_OK) {
        const struct gf_report_list_options options = {.extension_key = 3, .limit = 10};
        rc = ops->list_reports(reader, &options, arena, &reports, &rows, &count, err);
    }
    return rc;
}

Test(sqlite_extensions, damaged_rows_are_named_and_give_nothing) {
    static const struct {
        const char *change;
        const char *part; /* of the message */
    } CASES[] = {
        {"UPDATE extensions SET state = x'01'",
         "extension 'cron': the stored containers are damaged"},
        {"UPDATE extension_contents SET spec = x'010100'",
         "extension 'cron': the stored settings are damaged"},
        {"UPDATE extension_contents SET fallback = x'02'", "extension 'cron'"},
        {"UPDATE extensions SET update_policy = 9", "extensions"},
        {"UPDATE extensions SET latest_attempt = 1 << 40", "extensions"},
        {"UPDATE subscriptions SET status = 0", "subscriptions"},
        {"UPDATE subscriptions SET reason = 99", "subscriptions"},
        {"UPDATE start_keys SET outcome = 2", "start keys"},
        {"UPDATE deliveries SET kind = 4", "deliveries"},
        {"UPDATE reports SET outcome = 7", "reports"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CASES); i++) {
        struct fixture fixture;
        open_fixture(&fixture, 1);
        reopen(&fixture, CASES[i].change);
        struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
        cr_expect_eq(read_all(&fixture, reader), GF_DATA_LOSS, "%s", CASES[i].change);
        cr_expect_not_null(strstr(fixture.err.message, CASES[i].part), "%s: %s", CASES[i].change,
                           fixture.err.message);
        fixture.store->ops->close_reader(fixture.store, reader);
        close_fixture(&fixture);
    }
}

/* What the schema itself forbids is found when the file is opened. */
Test(sqlite_extensions, flags_that_cannot_be_are_refused_with_the_file) {
    static const char *const CHANGES[] = {
        "UPDATE extensions SET disabled = 2",
        "UPDATE extension_contents SET has_fallback = 2",
        "UPDATE deliveries SET dead = 2",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(CHANGES); i++) {
        struct fixture fixture;
        char text[256];
        open_fixture(&fixture, 1);
        fixture.store->ops->destroy(fixture.store);
        (void)snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; %s", CHANGES[i]);
        gf_sqlite_fixture_exec(&fixture.sqlite, text);
        gf_sqlite_fixture_refused(&fixture.sqlite, GF_DATA_LOSS, "CHECK");
        gf_arena_fini(&fixture.arena);
        gf_rows_fini(&fixture.rows);
        gf_sqlite_fixture_fini(&fixture.sqlite);
    }
}

Test(sqlite_extensions, what_does_not_fit_the_caller_is_refused) {
    struct fixture fixture;
    open_fixture(&fixture, 1);
    struct gf_arena small;
    struct gf_delivery delivery = {0};
    const struct gf_extension cron = {.extension_key = 3};
    char *content = gf_arena_alloc(&fixture.arena, 1 << 20);
    memset(content, 'x', 1 << 20);
    gf_rows_delivery(&fixture.rows, &cron, 8)->content = (struct gf_str){content, 1 << 20};
    gf_rows_commit(&fixture.rows, fixture.store);
    gf_arena_init(&small, 64 << 10);
    struct gf_store_reader *reader = fixture.store->ops->open_reader(fixture.store);
    const struct gf_store_extension_ops *ops = fixture.store->ops->extensions;
    cr_expect_eq(ops->get_delivery(reader, 8, true, &small, &delivery, &fixture.err),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(delivery.delivery_key, 0);
    cr_expect_eq(ops->get_delivery(reader, 8, false, &small, &delivery, &fixture.err), GF_OK);
    cr_expect_eq(delivery.content_bytes, 1 << 20);
    fixture.store->ops->close_reader(fixture.store, reader);
    gf_arena_fini(&small);
    close_fixture(&fixture);
}

/* ---- Portions ---- */

static int64_t rows_left(struct fixture *fixture) {
    return gf_sqlite_fixture_query(
        &fixture->sqlite,
        "SELECT (SELECT count(*) FROM extensions) + (SELECT count(*) FROM extension_contents)"
        " + (SELECT count(*) FROM subscriptions) + (SELECT count(*) FROM start_keys)"
        " + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM reports)"
        " + (SELECT count(*) FROM delivery_ids)");
}

/* To the end, with a restart behind each portion; gives how many commits that took. */
static int purge(struct fixture *fixture, int64_t at_last) {
    int64_t left = rows_left(fixture);
    int commits = 0;
    gf_rows_commit(&fixture->rows, fixture->store);
    for (int64_t before = left;; before = left) {
        left = rows_left(fixture);
        commits++;
        cr_assert_leq(before - left, GF_SQLITE_PURGE_ROWS_MAX);
        if (left == at_last) {
            break;
        }
        cr_assert_lt(left, before, "a commit removed nothing: %lld left", (long long)left);
        reopen(fixture, NULL);
        cr_assert(fixture->store->ops->has_backlog(fixture->store));
        gf_rows_commit(&fixture->rows, fixture->store);
    }
    return commits;
}

Test(sqlite_extensions, a_deleted_extension_goes_in_portions) {
    struct fixture fixture;
    open_fixture(&fixture, 3 * GF_SQLITE_PURGE_ROWS_MAX);
    gf_rows_delete_extension(&fixture.rows, 3);
    cr_expect_geq(purge(&fixture, 0), 4);
    close_fixture(&fixture);
}

Test(sqlite_extensions, a_deleted_subscription_goes_in_portions) {
    struct fixture fixture;
    open_fixture(&fixture, 4 * GF_SQLITE_PURGE_ROWS_MAX);
    gf_rows_delete_subscription(&fixture.rows, 4);
    const int64_t left = rows_left(&fixture) - 2 * GF_SQLITE_PURGE_ROWS_MAX - 1;
    cr_expect_geq(purge(&fixture, left), 3);
    cr_expect_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM start_keys WHERE "
                                                          "subscription_key = 5"),
                 2 * GF_SQLITE_PURGE_ROWS_MAX);
    close_fixture(&fixture);
}

Test(sqlite_extensions, a_deleted_namespace_takes_subscriptions_along_in_portions) {
    struct fixture fixture;
    open_fixture(&fixture, 2 * GF_SQLITE_PURGE_ROWS_MAX);
    gf_rows_delete_namespace(&fixture.rows, 1);
    /* The extension, its deliveries, their id and report stay. */
    cr_expect_geq(purge(&fixture, 6), 3);
    while (fixture.store->ops->has_backlog(fixture.store)) {
        gf_rows_commit(&fixture.rows, fixture.store);
    }
    cr_expect_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM namespaces"), 0);
    close_fixture(&fixture);
}

Test(sqlite_extensions, old_start_keys_go_a_few_at_a_time) {
    struct fixture fixture;
    open_fixture(&fixture, 100);
    for (int i = 1; i <= 5; i++) {
        const struct gf_str key = gf_rows_text(&fixture.rows, "new-%d", i);
        (void)gf_rows_start_key(&fixture.rows, 4, key.ptr, NOW + 2 * GF_START_KEY_AGE_NS);
        gf_rows_commit(&fixture.rows, fixture.store);
        cr_assert_eq(gf_sqlite_fixture_query(&fixture.sqlite, "SELECT count(*) FROM start_keys"),
                     100 - i);
    }
    close_fixture(&fixture);
}

/* What a start of a run changes of an extension is not written together with what is large. */
Test(sqlite_extensions, a_large_registration_is_written_once) {
    struct fixture fixture;
    open_fixture(&fixture, 1);
    char *bytes = gf_arena_alloc(&fixture.arena, GF_REGISTRATION_BYTES_MAX);
    memset(bytes, 'x', GF_REGISTRATION_BYTES_MAX);
    struct gf_extension cron = {
        .extension_key = 3,
        .extension_id = GF_STR("cron"),
        .registration = {bytes, GF_REGISTRATION_BYTES_MAX},
    };
    gf_rows_again_extension(&fixture.rows, &cron);
    gf_rows_commit(&fixture.rows, fixture.store);
    cr_assert_eq(fixture.store->ops->checkpoint(fixture.store, &fixture.err), GF_OK);
    const int64_t before = gf_sqlite_fixture_size(&fixture.sqlite, "-wal");
    for (int i = 0; i < 10; i++) {
        cron.run_count++;
        gf_rows_again_extension(&fixture.rows, &cron);
        gf_rows_commit(&fixture.rows, fixture.store);
    }
    cr_expect_lt(gf_sqlite_fixture_size(&fixture.sqlite, "-wal") - before,
                 GF_REGISTRATION_BYTES_MAX);
    close_fixture(&fixture);
}
