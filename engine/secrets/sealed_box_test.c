#include "engine/secrets/sealed_box.h"
#include "engine/secrets/testing/keys.h"

#include <criterion/criterion.h>
#include <sodium.h>

enum {
    ARENA_BYTES_MAX = 1 << 20,
};

struct fixture {
    struct gf_arena arena;
    struct gf_master_keys *masters;
    struct gf_secret_key *rows; /* two sealing keys */
    struct gf_keyring *ring;
    struct gf_sealing_key key;
    struct gf_secret_buffer out;
    struct gf_error err;
    unsigned char box[7 + GF_SEALED_BOX_OVERHEAD_BYTES];
};

static void open_fixture(struct fixture *fixture) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, ARENA_BYTES_MAX);
    gf_secret_buffer_init(&fixture->out, 2 * GF_SECRET_VALUE_BYTES_MAX);
    fixture->masters = gf_test_masters(1);
    fixture->rows = gf_test_keys(fixture->masters, GF_SECRET_KEY_SEALING, 0, 2, &fixture->arena);
    cr_assert_eq(gf_keyring_create(fixture->masters, GF_SECRET_KEY_SEALING, 0, fixture->rows, 2,
                                   &fixture->ring, NULL),
                 GF_OK);
    cr_assert_eq(gf_sealing_key_get(fixture->ring, &fixture->key, NULL), GF_OK);
    cr_assert_eq(
        crypto_box_seal(fixture->box, (const unsigned char *)"hunter2", 7, fixture->key.public_key),
        0);
}

static void close_fixture(struct fixture *fixture) {
    gf_secret_buffer_fini(&fixture->out);
    gf_keyring_destroy(fixture->ring);
    gf_master_keys_destroy(fixture->masters);
    gf_arena_fini(&fixture->arena);
}

static enum gf_code try_open(struct fixture *fixture, const char *key_id, size_t len) {
    gf_secret_buffer_truncate(&fixture->out, 0);
    const enum gf_code rc = gf_sealed_box_open(fixture->ring, gf_str_from(key_id),
                                               (struct gf_str){(const char *)fixture->box, len},
                                               "value.sealed", &fixture->out, &fixture->err);
    cr_expect(rc == GF_OK || fixture->out.len == 0);
    return rc;
}

Test(sealed_box, opens) {
    struct fixture fixture;
    open_fixture(&fixture);
    cr_expect_eq(try_open(&fixture, fixture.key.key_id, sizeof(fixture.box)), GF_OK, "%s",
                 fixture.err.message);
    cr_expect(gf_str_eq(gf_secret_buffer_view(&fixture.out), GF_STR("hunter2")));
    cr_expect_eq(strncmp(fixture.key.key_id, "seal-2-", 7), 0);
    struct gf_sealing_key again = {0};
    cr_assert_eq(gf_sealing_key_get(fixture.ring, &again, NULL), GF_OK);
    cr_expect_eq(memcmp(&again, &fixture.key, sizeof(again)), 0, "the key stays the same");
    close_fixture(&fixture);
}

Test(sealed_box, every_change_is_noticed) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t i = 0; i < sizeof(fixture.box); i++) {
        /* The highest bit of a public key does not count, by the rules of X25519; but it is hashed
         * into the nonce. */
        for (unsigned bit = 0; bit < 8; bit++) {
            fixture.box[i] ^= (unsigned char)(1U << bit);
            cr_expect_eq(try_open(&fixture, fixture.key.key_id, sizeof(fixture.box)),
                         GF_INVALID_ARGUMENT);
            fixture.box[i] ^= (unsigned char)(1U << bit);
        }
        cr_expect_eq(try_open(&fixture, fixture.key.key_id, i), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(fixture.err.field, "value.sealed.ciphertext");
    }
    close_fixture(&fixture);
}

Test(sealed_box, boxes_for_an_older_key_open_while_it_is_kept) {
    struct fixture fixture;
    open_fixture(&fixture);
    char old_id[GF_SEALING_KEY_ID_BYTES];
    memcpy(old_id, fixture.key.key_id, sizeof(old_id));
    struct gf_secret_key rows[3] = {fixture.rows[0], fixture.rows[1]};
    cr_assert_eq(gf_secret_key_create(fixture.masters, GF_SECRET_KEY_SEALING, 0, rows, 2, 1,
                                      &fixture.arena, &rows[2], NULL),
                 GF_OK);
    rows[1].state = GF_SECRET_KEY_RETIRED;
    gf_keyring_destroy(fixture.ring);
    cr_assert_eq(
        gf_keyring_create(fixture.masters, GF_SECRET_KEY_SEALING, 0, rows, 3, &fixture.ring, NULL),
        GF_OK);
    cr_assert_eq(gf_sealing_key_get(fixture.ring, &fixture.key, NULL), GF_OK);
    cr_expect_str_neq(fixture.key.key_id, old_id);
    cr_expect_eq(try_open(&fixture, old_id, sizeof(fixture.box)), GF_OK);
    cr_expect_eq(try_open(&fixture, fixture.key.key_id, sizeof(fixture.box)), GF_INVALID_ARGUMENT);
    gf_keyring_destroy(fixture.ring);
    cr_assert_eq(gf_keyring_create(fixture.masters, GF_SECRET_KEY_SEALING, 0, &rows[2], 1,
                                   &fixture.ring, NULL),
                 GF_OK);
    cr_expect_eq(try_open(&fixture, old_id, sizeof(fixture.box)), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(fixture.err.reason, "SEALING_KEY_UNKNOWN");
    cr_expect_str_eq(fixture.err.field, "value.sealed.key_id");
    close_fixture(&fixture);
}

Test(sealed_box, key_ids_are_compared_whole) {
    struct fixture fixture;
    open_fixture(&fixture);
    static const char *const ids[] = {"",
                                      "seal",
                                      "seal-",
                                      "seal-2",
                                      "seal-2-",
                                      "seal-9-0",
                                      "seal-2-00000000",
                                      "-2-",
                                      "seal-99999999999999999999-0"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ids); i++) {
        cr_expect_eq(try_open(&fixture, ids[i], sizeof(fixture.box)), GF_INVALID_ARGUMENT);
        cr_expect_str_eq(fixture.err.field, "value.sealed.key_id");
    }
    close_fixture(&fixture);
}

Test(sealed_box, sizes_are_limited) {
    static unsigned char value[GF_SECRET_VALUE_BYTES_MAX + 1];
    static unsigned char box[sizeof(value) + GF_SEALED_BOX_OVERHEAD_BYTES];
    struct fixture fixture;
    open_fixture(&fixture);
    for (size_t over = 0; over < 2; over++) {
        const size_t size = GF_SECRET_VALUE_BYTES_MAX + over;
        cr_assert_eq(crypto_box_seal(box, value, size, fixture.key.public_key), 0);
        cr_expect_eq(gf_sealed_box_open(
                         fixture.ring, gf_str_from(fixture.key.key_id),
                         (struct gf_str){(const char *)box, size + GF_SEALED_BOX_OVERHEAD_BYTES},
                         "value.sealed", &fixture.out, NULL),
                     over == 0 ? GF_OK : GF_INVALID_ARGUMENT);
    }
    close_fixture(&fixture);
}
