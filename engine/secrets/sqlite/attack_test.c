/*
 * Who can write to the database, and what that gets him: an error. Rows are exchanged, set back and
 * changed in every way; files are cut off and changed bit by bit. The answer is never another value
 * than the one that was stored last, and nothing crashes.
 */
#include "engine/secrets/sqlite/testing/fixture.h"
#include "engine/secrets/testing/vault_fixture.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_secret_fixture file;
static struct gf_vault_fixture it;

static const char *const paths[] = {"password", "other-key", "7/71/password", "8/80/password",
                                    "/password"};

static void setup(void) {
    gf_secret_fixture_init(&file);
    gf_vault_fixture_init(&it, gf_secret_fixture_open(&file));
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        gf_fake_clock_advance(&it.clock, 1);
        gf_vault_fixture_put(&it, paths[i], "an old value");
        gf_fake_clock_advance(&it.clock, 1);
        gf_vault_fixture_put(&it, paths[i], paths[i]);
    }
}

static void teardown(void) {
    gf_vault_fixture_fini(&it);
    gf_secret_fixture_fini(&file);
}

TestSuite(secret_attack, .init = setup, .fini = teardown, .timeout = 120);

static void stop(void) {
    gf_vault_fixture_close(&it);
    it.store->ops->destroy(it.store);
    it.store = NULL;
}

static void start(void) {
    it.store = gf_secret_fixture_open(&file);
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK, "%s", it.err.message);
}

/* While the server is down. */
static void attack(const char *sql) {
    stop();
    gf_secret_fixture_exec(&file, sql);
    start();
}

static void expect_refused(const char *path, const char *what) {
    const char *value = NULL;
    const enum gf_code rc = gf_vault_fixture_try_read(&it, path, &value);
    cr_expect(rc == GF_DATA_LOSS || rc == GF_FAILED_PRECONDITION, "%s: %s: %s", what, path,
              rc == GF_OK ? value : it.err.message);
    cr_expect_null(strstr(it.err.message, "an old value"));
}

#define SECRET(ns, pipeline, name)                                                                 \
    "(SELECT secret_key FROM secrets WHERE namespace_key = " #ns " AND pipeline_key = " #pipeline  \
    " AND key = '" name "')"

/* ---- Rows ---- */

struct attack {
    const char *name;
    const char *sql;
    const char *victim; /* the path that must not open */
};

/* One value in the place of another, and all that can be read of it. */
#define TAKE(from, to)                                                                             \
    "UPDATE versions SET (sealed, key_number, size_bytes, create_time) ="                          \
    " (SELECT sealed, key_number, size_bytes, create_time FROM versions v"                         \
    " WHERE v.secret_key = " from " AND v.version = 2)"                                            \
    " WHERE secret_key = " to " AND version = 2;"                                                  \
    "UPDATE secrets SET update_time = (SELECT create_time FROM versions"                           \
    " WHERE secret_key = " to " AND version = 2) WHERE secret_key = " to

/* A secret with all that it has in the place of another one. */
#define MOVE(from, ns, pipeline, name)                                                             \
    "DELETE FROM versions WHERE secret_key = " SECRET(                                             \
        ns, pipeline, name) ";"                                                                    \
                            "DELETE FROM secrets WHERE namespace_key = " #ns                       \
                            " AND pipeline_key = " #pipeline " AND key = '" name "';"              \
                            "UPDATE versions SET namespace_key = " #ns " WHERE secret_key = " from \
                            ";"                                                                    \
                            "UPDATE secrets SET namespace_key = " #ns                              \
                            ", pipeline_key = " #pipeline ", key = '" name "'"                     \
                            " WHERE secret_key = " from

#define MINE SECRET(7, 70, "password")

static const struct attack attacks[] = {
    {"a value of another key", TAKE(SECRET(7, 70, "other-key"), MINE), "password"},
    {"a value of another pipeline", TAKE(SECRET(7, 71, "password"), MINE), "password"},
    {"a value of another namespace", TAKE(SECRET(8, 80, "password"), MINE), "password"},
    {"a global value", TAKE(SECRET(0, 0, "password"), MINE), "password"},
    {"a value for a global one", TAKE(MINE, SECRET(0, 0, "password")), "/password"},
    {"a secret of another key", MOVE(SECRET(7, 70, "other-key"), 7, 70, "password"), "password"},
    {"a secret of another pipeline", MOVE(SECRET(7, 71, "password"), 7, 70, "password"),
     "password"},
    {"a secret of another namespace", MOVE(SECRET(8, 80, "password"), 7, 70, "password"),
     "password"},
    {"the value of the version before",
     "UPDATE versions SET sealed = (SELECT sealed FROM versions v WHERE v.secret_key = " MINE
     " AND v.version = 1), size_bytes = 12 WHERE secret_key = " MINE " AND version = 2",
     "password"},
    {"the version before as the newest",
     "DELETE FROM versions WHERE secret_key = " MINE " AND version = 2;"
     "UPDATE versions SET version = 2 WHERE secret_key = " MINE,
     "password"},
    {"an older newest version", "UPDATE secrets SET latest_version = 1 WHERE secret_key = " MINE,
     "password"},
    {"an older newest version with its time",
     "UPDATE secrets SET latest_version = 1, update_time = create_time WHERE secret_key = " MINE,
     "password"},
    {"a version of the future",
     "UPDATE versions SET version = 3 WHERE secret_key = " MINE " AND version = 2;"
     "UPDATE secrets SET latest_version = 3 WHERE secret_key = " MINE,
     "password"},
    {"other namespaces",
     "UPDATE secrets SET namespaces = 'team-*\nteam-b' WHERE key = 'password'"
     " AND namespace_key = 0",
     "/password"},
    {"all namespaces", "UPDATE secrets SET namespaces = '*' WHERE namespace_key = 0", "/password"},
    {"the mark of another one",
     "UPDATE secrets SET mark = (SELECT mark FROM secrets s WHERE s.secret_key = " SECRET(
         7, 71, "password") ") WHERE secret_key = " MINE,
     "password"},
    {"no mark", "UPDATE secrets SET mark = x'' WHERE secret_key = " MINE, "password"},
    {"another creation", "UPDATE secrets SET create_time = create_time - 1", "password"},
    {"another time of the version",
     "UPDATE versions SET create_time = create_time + 1 WHERE secret_key = " MINE
     " AND version = 2;"
     "UPDATE secrets SET update_time = update_time + 1 WHERE secret_key = " MINE,
     "password"},
    {"another data key", "UPDATE versions SET key_number = 2", "password"},
    {"no data key", "DELETE FROM keys WHERE purpose = 1 AND namespace_key = 7", "password"},
    {"the data key of another namespace",
     "UPDATE keys SET wrapped = (SELECT wrapped FROM keys k WHERE k.purpose = 1"
     " AND k.namespace_key = 8) WHERE purpose = 1 AND namespace_key = 7",
     "password"},
    {"a data key of the server",
     "UPDATE keys SET wrapped = (SELECT wrapped FROM keys k WHERE k.purpose = 2)"
     " WHERE purpose = 1 AND namespace_key = 7",
     "password"},
    {"a retired data key", "UPDATE keys SET state = 2 WHERE namespace_key = 7", "password"},
    {"a short value", "UPDATE versions SET sealed = substr(sealed, 1, 20)", "password"},
    {"an empty value", "UPDATE versions SET sealed = x'', size_bytes = 0", "password"},
    {"a size that is another", "UPDATE versions SET size_bytes = 1000000", "password"},
};

Test(secret_attack, changed_rows_do_not_open) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(attacks); i++) {
        teardown();
        setup();
        attack(attacks[i].sql);
        expect_refused(attacks[i].victim, attacks[i].name);
        /* Nor do they get in the way of what they cannot be put right by. */
        bool more = true;
        for (int calls = 0; more && calls < 10; calls++) {
            const enum gf_code rc = gf_vault_reencrypt(it.vault, &more, &it.err);
            cr_expect(rc == GF_OK || rc == GF_DATA_LOSS, "%s: %s", attacks[i].name, it.err.message);
            more = more && rc == GF_OK;
        }
        expect_refused(attacks[i].victim, attacks[i].name);
    }
}

/* A rotation must not make a good row of a bad one. */
Test(secret_attack, changed_rows_do_not_open_after_a_rotation_either) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(attacks); i++) {
        int64_t pending = 0;
        teardown();
        setup();
        attack(attacks[i].sql);
        if (gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending) == GF_OK) {
            gf_ignore(gf_vault_fixture_reencrypt(&it, NULL));
        }
        expect_refused(attacks[i].victim, attacks[i].name);
    }
}

Test(secret_attack, a_secret_of_another_life_does_not_come_back) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, "password");
    const struct gf_vault_caller caller = {0};
    stop();
    gf_secret_fixture_exec(&file, "CREATE TABLE loot AS SELECT * FROM versions");
    start();
    cr_assert_eq(gf_vault_remove(it.vault, &place, GF_STR(""), GF_STR(""), &caller, &it.err),
                 GF_OK);
    gf_fake_clock_advance(&it.clock, 1);
    gf_vault_fixture_put(&it, "password", "an old value");
    gf_fake_clock_advance(&it.clock, 1);
    gf_vault_fixture_put(&it, "password", "a new value!");
    attack("UPDATE versions SET (sealed, size_bytes, key_number, create_time) ="
           " (SELECT sealed, size_bytes, key_number, create_time FROM loot"
           " WHERE loot.secret_key = 1 AND loot.version = versions.version)"
           " WHERE secret_key = " MINE);
    expect_refused("password", "values of before");
}

Test(secret_attack, rows_that_are_set_back_do_not_open) {
    stop();
    gf_secret_fixture_exec(&file, "CREATE TABLE loot AS SELECT * FROM versions;"
                                  "CREATE TABLE known AS SELECT * FROM secrets");
    start();
    gf_fake_clock_advance(&it.clock, 1);
    gf_vault_fixture_put(&it, "password", "a third value");
    attack("UPDATE secrets SET latest_version = 2, update_time ="
           " (SELECT update_time FROM known WHERE known.secret_key = secrets.secret_key)"
           " WHERE secret_key = " MINE);
    expect_refused("password", "what is known, but for the mark");
    attack("UPDATE secrets SET mark = (SELECT mark FROM known"
           " WHERE known.secret_key = secrets.secret_key), latest_version = 3"
           " WHERE secret_key = " MINE);
    expect_refused("password", "the mark alone");
}

/* ---- Master keys ---- */

Test(secret_attack, the_wrong_master_key_opens_nothing) {
    gf_vault_fixture_close(&it);
    gf_vault_fixture_new_master(&it, /* keep_old= */ false);
    cr_expect_eq(gf_vault_fixture_open(&it), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "MASTER_KEY_MISSING");
}

Test(secret_attack, a_master_key_of_the_same_name_opens_nothing) {
    struct gf_master_keys *masters = NULL;
    gf_vault_fixture_close(&it);
    gf_vault_fixture_new_master(&it, /* keep_old= */ false);
    masters = gf_vault_fixture_masters(&it);
    const struct gf_str id = gf_master_keys_id(masters, 0);
    it.store->ops->destroy(it.store);
    gf_secret_fixture_exec(
        &file, gf_arena_printf(&it.arena, "UPDATE keys SET master_key_id = '%" GF_STR_FMT "'",
                               GF_STR_ARG(id)));
    gf_master_keys_destroy(masters);
    it.store = gf_secret_fixture_open(&file);
    cr_expect_eq(gf_vault_fixture_open(&it), GF_DATA_LOSS);
}

/* ---- Files ---- */

/* Opens what is left of the file, if that can be, and reads all: right, or refused. */
static void read_what_is_left(const char *what, size_t at) {
    struct gf_error err = {0};
    struct gf_secret_store *store = NULL;
    enum gf_code rc = gf_sqlite_secret_store_open(file.path, &store, &err);
    cr_assert(rc == GF_OK || rc == GF_DATA_LOSS || rc == GF_FAILED_PRECONDITION, "%s at %zu: %s",
              what, at, err.message);
    if (rc != GF_OK) {
        return;
    }
    it.store = store;
    rc = gf_vault_fixture_open(&it);
    cr_assert(rc == GF_OK || rc == GF_DATA_LOSS || rc == GF_FAILED_PRECONDITION, "%s at %zu: %s",
              what, at, it.err.message);
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(paths); i++) {
        const char *value = NULL;
        const enum gf_code read = gf_vault_fixture_try_read(&it, paths[i], &value);
        cr_assert(read != GF_OK || strcmp(value, paths[i]) == 0, "%s at %zu: '%s'", what, at,
                  value);
        cr_assert(read == GF_OK || read == GF_DATA_LOSS || read == GF_FAILED_PRECONDITION ||
                      read == GF_NOT_FOUND,
                  "%s at %zu: %s", what, at, it.err.message);
    }
    gf_vault_fixture_close(&it);
    it.store->ops->destroy(it.store);
    it.store = NULL;
}

static void remove_logs(void) {
    (void)remove(gf_arena_printf(&it.arena, "%s-wal", file.path));
    (void)remove(gf_arena_printf(&it.arena, "%s-shm", file.path));
}

Test(secret_attack, files_with_other_bits_give_no_other_value) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, 16 << 20);
    stop();
    gf_secret_fixture_load(&file, &bytes);
    const struct gf_str whole = {gf_arena_memdup(&it.arena, bytes.ptr, bytes.len), bytes.len};
    /* A prime step, so that all kinds of places in pages are met. */
    for (size_t at = 0; at < whole.len; at += 151) {
        gf_strbuf_reset(&bytes);
        gf_strbuf_append(&bytes, whole);
        bytes.ptr[at] = (char)(bytes.ptr[at] ^ (1 << (at % 8)));
        remove_logs();
        gf_secret_fixture_save(&file, gf_strbuf_view(&bytes));
        read_what_is_left("a bit", at);
    }
    remove_logs();
    gf_secret_fixture_save(&file, whole);
    start();
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        gf_vault_fixture_expect(&it, paths[i], paths[i]);
    }
    gf_strbuf_fini(&bytes);
}

Test(secret_attack, files_that_are_cut_off_give_no_other_value) {
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, 16 << 20);
    stop();
    gf_secret_fixture_load(&file, &bytes);
    for (size_t size = 0; size < bytes.len; size += 1021) {
        remove_logs();
        gf_secret_fixture_save(&file, (struct gf_str){bytes.ptr, size});
        read_what_is_left("cut off", size);
    }
    remove_logs();
    gf_secret_fixture_save(&file, gf_strbuf_view(&bytes));
    start();
    gf_strbuf_fini(&bytes);
}
