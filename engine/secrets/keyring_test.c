#include "engine/secrets/keyring.h"
#include "engine/secrets/testing/keys.h"

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 1 << 20,
};

struct fixture {
    struct gf_arena arena;
    struct gf_master_keys *masters;
    struct gf_error err;
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, ARENA_BYTES_MAX);
    fixture->masters = gf_test_masters(1);
}

static void close_fixture(struct fixture *fixture) {
    gf_master_keys_destroy(fixture->masters);
    gf_arena_fini(&fixture->arena);
}

static enum gf_code try_open(struct fixture *fixture, struct gf_master_keys *masters,
                             int64_t namespace_key, const struct gf_secret_key *rows,
                             size_t count) {
    struct gf_keyring *ring = NULL;
    const enum gf_code rc = gf_keyring_create(masters, GF_SECRET_KEY_VALUES, namespace_key, rows,
                                              count, &ring, &fixture->err);
    cr_expect_eq(ring != NULL, rc == GF_OK);
    gf_keyring_destroy(ring);
    return rc;
}

/* Whether two rings derive the same key of a number. */
static bool same_key(struct gf_keyring *a, struct gf_keyring *b, int64_t number) {
    unsigned char *of_a = NULL;
    unsigned char *of_b = NULL;
    cr_assert_eq(gf_keyring_derive(a, number, GF_DATA_KEY_ENCRYPT, &of_a, NULL), GF_OK);
    cr_assert_eq(gf_keyring_derive(b, number, GF_DATA_KEY_ENCRYPT, &of_b, NULL), GF_OK);
    const bool same = memcmp(of_a, of_b, GF_DATA_KEY_BYTES) == 0;
    gf_guarded_free(of_a);
    gf_guarded_free(of_b);
    return same;
}

Test(keyring, keys_follow_one_another) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 3, &fixture.arena);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(rows[i].number, (int64_t)i + 1);
        cr_expect_eq(rows[i].wrapped.len, GF_SECRET_KEY_WRAPPED_BYTES);
        cr_expect(gf_str_eq(rows[i].master_key_id, gf_master_keys_id(fixture.masters, 0)));
    }
    const struct gf_secret_key shuffled[] = {rows[1], rows[2], rows[0]};
    struct gf_keyring *ring = NULL;
    cr_assert_eq(gf_keyring_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, shuffled, 3, &ring,
                                   &fixture.err),
                 GF_OK, "%s", fixture.err.message);
    cr_expect_eq(gf_keyring_active(ring), 3);
    cr_expect_eq(gf_keyring_count(ring), 3);
    cr_expect_eq(gf_keyring_number(ring, 0), 1);
    cr_expect_eq(gf_keyring_namespace_key(ring), 7);
    cr_expect_not(same_key(ring, ring, 1) && same_key(ring, ring, 2) &&
                  gf_str_eq(rows[0].wrapped, rows[1].wrapped));
    unsigned char *key = NULL;
    cr_expect_eq(gf_keyring_derive(ring, 4, GF_DATA_KEY_ENCRYPT, &key, NULL), GF_DATA_LOSS);
    cr_expect_null(key);
    gf_keyring_destroy(ring);
    close_fixture(&fixture);
}

Test(keyring, each_use_has_a_key_of_its_own) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_keyring *ring = gf_test_ring(fixture.masters, GF_SECRET_KEY_VALUES, 7, 2);
    unsigned char *keys[4] = {0};
    cr_assert_eq(gf_keyring_derive(ring, 1, GF_DATA_KEY_ENCRYPT, &keys[0], NULL), GF_OK);
    cr_assert_eq(gf_keyring_derive(ring, 1, GF_DATA_KEY_MARK, &keys[1], NULL), GF_OK);
    cr_assert_eq(gf_keyring_derive(ring, 1, GF_DATA_KEY_BOX, &keys[2], NULL), GF_OK);
    cr_assert_eq(gf_keyring_derive(ring, 2, GF_DATA_KEY_ENCRYPT, &keys[3], NULL), GF_OK);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = i + 1; j < 4; j++) {
            cr_expect_neq(memcmp(keys[i], keys[j], GF_DATA_KEY_BYTES), 0);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        gf_guarded_free(keys[i]);
    }
    gf_keyring_destroy(ring);
    close_fixture(&fixture);
}

Test(keyring, every_changed_byte_is_noticed) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_key *row =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 1, &fixture.arena);
    for (size_t at = 0; at < GF_SECRET_KEY_WRAPPED_BYTES; at++) {
        char bytes[GF_SECRET_KEY_WRAPPED_BYTES];
        struct gf_secret_key changed = *row;
        memcpy(bytes, row->wrapped.ptr, sizeof(bytes));
        changed.wrapped.ptr = bytes;
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[at] = (char)(row->wrapped.ptr[at] ^ (1 << bit));
            cr_expect_eq(try_open(&fixture, fixture.masters, 7, &changed, 1), GF_DATA_LOSS);
        }
        bytes[at] = row->wrapped.ptr[at];
        cr_expect_eq(try_open(&fixture, fixture.masters, 7, &changed, 1), GF_OK);
        changed.wrapped.len = at;
        cr_expect_eq(try_open(&fixture, fixture.masters, 7, &changed, 1), GF_DATA_LOSS);
    }
    close_fixture(&fixture);
}

Test(keyring, keys_do_not_open_in_another_place) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 2, &fixture.arena);
    struct gf_secret_key moved = rows[1];
    moved.namespace_key = 8;
    cr_expect_eq(try_open(&fixture, fixture.masters, 8, &moved, 1), GF_DATA_LOSS);
    moved = rows[1];
    moved.number = 3;
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, &moved, 1), GF_DATA_LOSS);
    moved = rows[1];
    moved.wrapped = rows[0].wrapped;
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, &moved, 1), GF_DATA_LOSS);
    cr_expect_eq(try_open(&fixture, fixture.masters, 8, &rows[1], 1), GF_DATA_LOSS);
    moved = gf_test_keys(fixture.masters, GF_SECRET_KEY_SEALING, 7, 1, &fixture.arena)[0];
    moved.purpose = GF_SECRET_KEY_VALUES;
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, &moved, 1), GF_DATA_LOSS);
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, &rows[1], 1), GF_OK);
    close_fixture(&fixture);
}

Test(keyring, states_are_checked) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 3, &fixture.arena);
    struct gf_secret_key changed[3] = {rows[0], rows[1], rows[2]};
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 3), GF_OK);
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 2), GF_DATA_LOSS, "rolled back");
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 0), GF_DATA_LOSS);
    changed[1].state = GF_SECRET_KEY_ACTIVE;
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 3), GF_DATA_LOSS);
    changed[2].state = GF_SECRET_KEY_RETIRED;
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 3), GF_DATA_LOSS);
    changed[2] = rows[2];
    changed[1] = rows[2];
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, changed, 3), GF_DATA_LOSS, "twice");
    close_fixture(&fixture);
}

Test(keyring, a_wrong_master_key_is_named) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_master_keys *other = gf_test_masters(1);
    const struct gf_secret_key *row =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 1, &fixture.arena);
    cr_expect_eq(try_open(&fixture, other, 7, row, 1), GF_FAILED_PRECONDITION);
    cr_expect_not_null(strstr(fixture.err.message, row->master_key_id.ptr));
    cr_expect_str_eq(fixture.err.reason, "MASTER_KEY_MISSING");
    /* Who claims that another key has wrapped it gets nowhere. */
    struct gf_secret_key claimed = *row;
    claimed.master_key_id = gf_master_keys_id(other, 0);
    cr_expect_eq(try_open(&fixture, other, 7, &claimed, 1), GF_DATA_LOSS);
    claimed.master_key_id = GF_STR("\xff\n not a key id, and long, and bad");
    cr_expect_eq(try_open(&fixture, other, 7, &claimed, 1), GF_FAILED_PRECONDITION);
    cr_expect_null(strchr(fixture.err.message, '\n'));
    struct gf_master_keys *none = gf_master_keys_create();
    struct gf_secret_key out = {0};
    cr_expect_eq(gf_secret_key_create(none, GF_SECRET_KEY_VALUES, 7, NULL, 0, 1, &fixture.arena,
                                      &out, &fixture.err),
                 GF_FAILED_PRECONDITION);
    gf_master_keys_destroy(none);
    gf_master_keys_destroy(other);
    close_fixture(&fixture);
}

Test(keyring, a_retired_key_that_does_not_open_fails_alone) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_master_keys *other = gf_test_masters(1);
    const struct gf_secret_key *lost =
        gf_test_keys(other, GF_SECRET_KEY_VALUES, 7, 1, &fixture.arena);
    const struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, 2, &fixture.arena);
    struct gf_secret_key mixed[2] = {lost[0], rows[1]};
    mixed[0].state = GF_SECRET_KEY_RETIRED;
    struct gf_keyring *ring = NULL;
    unsigned char *key = NULL;
    cr_assert_eq(
        gf_keyring_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, mixed, 2, &ring, &fixture.err),
        GF_OK);
    cr_expect_eq(gf_keyring_derive(ring, 1, GF_DATA_KEY_ENCRYPT, &key, &fixture.err),
                 GF_FAILED_PRECONDITION);
    cr_expect_eq(gf_keyring_derive(ring, 2, GF_DATA_KEY_ENCRYPT, &key, &fixture.err), GF_OK);
    gf_guarded_free(key);
    gf_keyring_destroy(ring);
    gf_master_keys_destroy(other);
    close_fixture(&fixture);
}

Test(keyring, keys_are_wrapped_anew_while_the_old_master_key_is_there) {
    struct fixture fixture;
    open_fixture(&fixture);
    const char *old_text = gf_test_master_text(&fixture.arena);
    const char *new_text = gf_test_master_text(&fixture.arena);
    const char *const before_texts[] = {old_text, NULL};
    const char *const during_texts[] = {new_text, old_text, NULL};
    const char *const after_texts[] = {new_text, NULL};
    struct gf_master_keys *before = gf_test_masters_of(before_texts);
    struct gf_master_keys *during = gf_test_masters_of(during_texts);
    struct gf_master_keys *after = gf_test_masters_of(after_texts);
    const struct gf_secret_key *row =
        gf_test_keys(before, GF_SECRET_KEY_VALUES, 7, 1, &fixture.arena);
    struct gf_secret_key wrapped = {0};
    bool changed = false;
    cr_expect_eq(gf_secret_key_rewrap(after, row, &fixture.arena, &wrapped, &changed, &fixture.err),
                 GF_FAILED_PRECONDITION);
    cr_assert_eq(
        gf_secret_key_rewrap(during, row, &fixture.arena, &wrapped, &changed, &fixture.err), GF_OK);
    cr_expect(changed);
    cr_expect_eq(wrapped.number, 1);
    cr_expect_eq(wrapped.state, GF_SECRET_KEY_ACTIVE);
    cr_expect_eq(try_open(&fixture, before, 7, &wrapped, 1), GF_FAILED_PRECONDITION);
    struct gf_keyring *old_ring = NULL;
    struct gf_keyring *new_ring = NULL;
    cr_assert_eq(gf_keyring_create(during, GF_SECRET_KEY_VALUES, 7, row, 1, &old_ring, NULL),
                 GF_OK);
    cr_assert_eq(gf_keyring_create(after, GF_SECRET_KEY_VALUES, 7, &wrapped, 1, &new_ring, NULL),
                 GF_OK);
    cr_expect(same_key(old_ring, new_ring, 1));
    struct gf_secret_key again = {0};
    cr_assert_eq(gf_secret_key_rewrap(after, &wrapped, &fixture.arena, &again, &changed, NULL),
                 GF_OK);
    cr_expect_not(changed);
    cr_expect(gf_str_eq(again.wrapped, wrapped.wrapped));
    gf_keyring_destroy(old_ring);
    gf_keyring_destroy(new_ring);
    gf_master_keys_destroy(before);
    gf_master_keys_destroy(during);
    gf_master_keys_destroy(after);
    close_fixture(&fixture);
}

Test(keyring, there_is_a_limit) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_secret_key *rows =
        gf_test_keys(fixture.masters, GF_SECRET_KEY_VALUES, 7, GF_KEYRING_KEYS_MAX, &fixture.arena);
    struct gf_secret_key more = {0};
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, rows, GF_KEYRING_KEYS_MAX), GF_OK);
    cr_expect_eq(gf_secret_key_create(fixture.masters, GF_SECRET_KEY_VALUES, 7, rows,
                                      GF_KEYRING_KEYS_MAX, 1, &fixture.arena, &more, &fixture.err),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(try_open(&fixture, fixture.masters, 7, rows, GF_KEYRING_KEYS_MAX + 1),
                 GF_RESOURCE_EXHAUSTED);
    close_fixture(&fixture);
}
