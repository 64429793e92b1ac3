#include "engine/secrets/seal.h"
#include "engine/secrets/testing/keys.h"

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 8 << 20,
};

struct fixture {
    struct gf_arena arena;
    struct gf_master_keys *masters;
    struct gf_keyring *ring; /* of namespace 7, with one key */
    struct gf_secret_buffer out;
    struct gf_error err;
};

static const struct gf_secret_place home = {7, 70, {"password", 8}};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, ARENA_BYTES_MAX);
    gf_secret_buffer_init(&fixture->out, GF_SECRET_VALUE_BYTES_MAX);
    fixture->masters = gf_test_masters(1);
    fixture->ring = gf_test_ring(fixture->masters, GF_SECRET_KEY_VALUES, 7, 1);
}

static void close_fixture(struct fixture *fixture) {
    gf_secret_buffer_fini(&fixture->out);
    gf_keyring_destroy(fixture->ring);
    gf_master_keys_destroy(fixture->masters);
    gf_arena_fini(&fixture->arena);
}

static struct gf_secret_version seal_at(struct fixture *fixture,
                                        const struct gf_secret_place *place, int64_t version,
                                        struct gf_str value) {
    struct gf_secret_version row = {.create_time = 5};
    cr_assert_eq(
        gf_secret_seal(fixture->ring, place, version, value, &fixture->arena, &row, &fixture->err),
        GF_OK, "%s", fixture->err.message);
    return row;
}

static enum gf_code try_open(struct fixture *fixture, const struct gf_secret_place *place,
                             int64_t version, const struct gf_secret_version *row) {
    gf_secret_buffer_truncate(&fixture->out, 0);
    const enum gf_code rc =
        gf_secret_open(fixture->ring, place, version, row, &fixture->out, &fixture->err);
    cr_expect(rc == GF_OK || fixture->out.len == 0);
    cr_expect(rc == GF_OK || strstr(fixture->err.message, "hunter2") == NULL);
    return rc;
}

Test(seal, values_come_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2\0\xff"));
    cr_expect_eq(row.version, 3);
    cr_expect_eq(row.size_bytes, 9);
    cr_expect_eq(row.key_number, 1);
    cr_expect_eq(row.create_time, 5);
    cr_expect_eq(row.sealed.len, 9 + GF_SEALED_OVERHEAD_BYTES);
    cr_expect_null(memmem(row.sealed.ptr, row.sealed.len, "hunter2", 7));
    cr_expect_eq(try_open(&fixture, &home, 3, &row), GF_OK);
    cr_expect(gf_str_eq(gf_secret_buffer_view(&fixture.out), GF_STR("hunter2\0\xff")));
    const struct gf_secret_version again = seal_at(&fixture, &home, 3, GF_STR("hunter2\0\xff"));
    cr_expect_not(gf_str_eq(row.sealed, again.sealed), "nonces differ");
    close_fixture(&fixture);
}

Test(seal, values_are_limited) {
    static char large[GF_SECRET_VALUE_BYTES_MAX + 1];
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_secret_version row = {0};
    cr_expect_eq(gf_secret_seal(fixture.ring, &home, 1, (struct gf_str){large, sizeof(large)},
                                &fixture.arena, &row, &fixture.err),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(
        gf_secret_seal(fixture.ring, &home, 1, GF_STR(""), &fixture.arena, &row, &fixture.err),
        GF_INVALID_ARGUMENT);
    row = seal_at(&fixture, &home, 1, (struct gf_str){large, sizeof(large) - 1});
    cr_expect_eq(try_open(&fixture, &home, 1, &row), GF_OK);
    struct gf_secret_buffer small;
    gf_secret_buffer_init(&small, 100);
    cr_expect_eq(gf_secret_open(fixture.ring, &home, 1, &row, &small, &fixture.err),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(small.len, 0);
    gf_secret_buffer_fini(&small);
    close_fixture(&fixture);
}

Test(seal, no_ciphertext_opens_in_another_place) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    struct gf_secret_place place = home;
    place.key = GF_STR("password2");
    cr_expect_eq(try_open(&fixture, &place, 3, &row), GF_DATA_LOSS, "another name");
    place = home;
    place.pipeline_key = 71;
    cr_expect_eq(try_open(&fixture, &place, 3, &row), GF_DATA_LOSS, "another pipeline");
    struct gf_secret_version claimed = row;
    claimed.version = 4;
    cr_expect_eq(try_open(&fixture, &home, 4, &claimed), GF_DATA_LOSS, "another version");
    cr_expect_eq(try_open(&fixture, &home, 4, &row), GF_DATA_LOSS, "an older row for the newest");
    cr_expect_not_null(strstr(fixture.err.message, "version 4 of secret 'password'"));
    cr_expect_eq(try_open(&fixture, &home, 3, &row), GF_OK);
    close_fixture(&fixture);
}

Test(seal, no_ciphertext_opens_in_another_namespace) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    gf_keyring_destroy(fixture.ring);
    fixture.ring = gf_test_ring(fixture.masters, GF_SECRET_KEY_VALUES, 8, 1);
    struct gf_secret_place place = home;
    place.namespace_key = 8;
    cr_expect_eq(try_open(&fixture, &place, 3, &row), GF_DATA_LOSS);
    gf_keyring_destroy(fixture.ring);
    fixture.ring = gf_test_ring(fixture.masters, GF_SECRET_KEY_VALUES, GF_SECRET_KEY_GLOBAL, 1);
    const struct gf_secret_place global = {0, 0, GF_STR("password")};
    cr_expect_eq(try_open(&fixture, &global, 3, &row), GF_DATA_LOSS);
    close_fixture(&fixture);
}

Test(seal, parts_of_a_place_do_not_run_together) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_place one = {7, 70, GF_STR("ab")};
    const struct gf_secret_place two = {7, 70, GF_STR("a")};
    const struct gf_secret_version row = seal_at(&fixture, &one, 1, GF_STR("hunter2"));
    cr_expect_eq(try_open(&fixture, &two, 1, &row), GF_DATA_LOSS);
    const struct gf_secret_place swapped = {7, 1, GF_STR("ab")};
    cr_expect_eq(try_open(&fixture, &swapped, 70, &row), GF_DATA_LOSS);
    close_fixture(&fixture);
}

Test(seal, every_changed_byte_is_noticed) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    char *bytes = gf_arena_memdup(&fixture.arena, row.sealed.ptr, row.sealed.len);
    struct gf_secret_version changed = row;
    changed.sealed.ptr = bytes;
    for (size_t at = 0; at < row.sealed.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] = (char)(row.sealed.ptr[at] ^ (1 << bit));
            cr_expect_eq(try_open(&fixture, &home, 3, &changed), GF_DATA_LOSS, "byte %zu", at);
        }
        bytes[at] = row.sealed.ptr[at];
    }
    cr_expect_eq(try_open(&fixture, &home, 3, &changed), GF_OK);
    close_fixture(&fixture);
}

Test(seal, every_cut_is_noticed) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    for (size_t len = 0; len < row.sealed.len; len++) {
        struct gf_secret_version cut = row;
        cut.sealed.len = len;
        cr_expect_eq(try_open(&fixture, &home, 3, &cut), GF_DATA_LOSS);
        cut.size_bytes = (int64_t)len - GF_SEALED_OVERHEAD_BYTES;
        cr_expect_eq(try_open(&fixture, &home, 3, &cut), GF_DATA_LOSS);
    }
    struct gf_secret_version grown = row;
    char *bytes = gf_arena_alloc(&fixture.arena, row.sealed.len + 1);
    memcpy(bytes, row.sealed.ptr, row.sealed.len);
    grown.sealed = (struct gf_str){bytes, row.sealed.len + 1};
    grown.size_bytes++;
    cr_expect_eq(try_open(&fixture, &home, 3, &grown), GF_DATA_LOSS);
    close_fixture(&fixture);
}

Test(seal, columns_beside_the_ciphertext_are_checked) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_version row = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    struct gf_secret_version changed = row;
    changed.size_bytes = 6;
    cr_expect_eq(try_open(&fixture, &home, 3, &changed), GF_DATA_LOSS);
    changed = row;
    changed.key_number = 2;
    cr_expect_eq(try_open(&fixture, &home, 3, &changed), GF_DATA_LOSS);
    close_fixture(&fixture);
}

Test(seal, values_move_to_the_newest_key) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 2, &fixture.arena);
    struct gf_secret_key first = rows[0];
    first.state = GF_SECRET_KEY_ACTIVE;
    gf_keyring_destroy(fixture.ring);
    cr_assert_eq(
        gf_keyring_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, &first, 1, &fixture.ring, NULL),
        GF_OK);
    const struct gf_secret_version old = seal_at(&fixture, &home, 3, GF_STR("hunter2"));
    gf_keyring_destroy(fixture.ring);
    cr_assert_eq(
        gf_keyring_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, rows, 2, &fixture.ring, NULL),
        GF_OK);
    cr_expect_eq(try_open(&fixture, &home, 3, &old), GF_OK, "the retired key still reads");

    struct gf_secret_version renewed = {0};
    bool changed = false;
    cr_assert_eq(gf_secret_reseal(fixture.ring, &home, &old, &fixture.arena, &renewed, &changed,
                                  &fixture.err),
                 GF_OK);
    cr_expect(changed);
    cr_expect_eq(renewed.key_number, 2);
    cr_expect_eq(renewed.version, 3);
    cr_expect_eq(renewed.create_time, 5);
    gf_keyring_destroy(fixture.ring);
    cr_assert_eq(gf_keyring_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, &rows[1], 1,
                                   &fixture.ring, NULL),
                 GF_OK);
    cr_expect_eq(try_open(&fixture, &home, 3, &renewed), GF_OK);
    cr_expect(gf_str_eq(gf_secret_buffer_view(&fixture.out), GF_STR("hunter2")));
    cr_expect_eq(try_open(&fixture, &home, 3, &old), GF_DATA_LOSS, "its key is gone");
    cr_assert_eq(gf_secret_reseal(fixture.ring, &home, &renewed, &fixture.arena, &renewed, &changed,
                                  &fixture.err),
                 GF_OK);
    cr_expect_not(changed);
    close_fixture(&fixture);
}

/* ---- Marks ---- */

static struct gf_secret marked(struct fixture *fixture, const struct gf_str *globs, size_t count) {
    struct gf_secret secret = {
        .place = {0, 0, GF_STR("password")},
        .namespaces = globs,
        .namespace_count = count,
        .latest_version = 3,
    };
    cr_assert_eq(gf_secret_mark(fixture->ring, &secret, &fixture->arena, &secret.mark, NULL),
                 GF_OK);
    return secret;
}

static enum gf_code check(struct fixture *fixture, const struct gf_secret *secret) {
    return gf_secret_check_mark(fixture->ring, secret, NULL, &fixture->err);
}

Test(seal, nobody_can_be_let_in_behind_the_services_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    gf_keyring_destroy(fixture.ring);
    fixture.ring = gf_test_ring(fixture.masters, GF_SECRET_KEY_VALUES, GF_SECRET_KEY_GLOBAL, 1);
    const struct gf_str globs[] = {GF_STR("team-a"), GF_STR("team-b"), GF_STR("*")};
    const struct gf_str joined[] = {GF_STR("team-ateam-b")};
    const struct gf_secret secret = marked(&fixture, globs, 2);
    bool old = true;
    cr_expect_eq(gf_secret_check_mark(fixture.ring, &secret, &old, NULL), GF_OK);
    cr_expect_not(old);
    struct gf_secret changed = secret;
    changed.namespace_count = 3;
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "a glob more");
    changed.namespace_count = 1;
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "a glob less");
    changed.namespaces = joined;
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "globs joined");
    changed = secret;
    changed.latest_version = 2;
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "an older version as the newest");
    changed = secret;
    changed.place.key = GF_STR("passwore");
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "another name");
    static char long_key[1000];
    changed.place.key = (struct gf_str){long_key, sizeof(long_key)};
    cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS, "a name that nobody has");
    char *mark = gf_arena_memdup(&fixture.arena, secret.mark.ptr, secret.mark.len);
    changed = secret;
    changed.mark.ptr = mark;
    for (size_t i = 0; i < secret.mark.len; i++) {
        mark[i] ^= 1;
        cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS);
        mark[i] ^= 1;
        changed.mark.len = i;
        cr_expect_eq(check(&fixture, &changed), GF_DATA_LOSS);
        changed.mark.len = secret.mark.len;
    }
    cr_expect_eq(check(&fixture, &changed), GF_OK);
    close_fixture(&fixture);
}
