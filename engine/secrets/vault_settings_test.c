/* Settings of extensions, sealed to lie elsewhere, and the tokens of their containers. */
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/vault_fixture.h"

#include <string.h>

#include <criterion/criterion.h>

static struct gf_vault_fixture it;

static void setup(void) {
    gf_vault_fixture_init(&it, gf_memory_secret_store_create());
}

static void teardown(void) {
    gf_vault_fixture_fini(&it);
}

TestSuite(vault_settings, .init = setup, .fini = teardown);

static const struct gf_str place = {"extension/cron", 14};
static const struct gf_str settings = {"zone=Europe/Oslo", 16};

static struct gf_str seal(struct gf_str at, struct gf_str bytes) {
    struct gf_str sealed;
    gf_vault_seal_settings(it.vault, at, bytes, &it.arena, &sealed);
    cr_assert_eq(sealed.len, bytes.len + GF_VAULT_SETTINGS_OVERHEAD_BYTES);
    return sealed;
}

static enum gf_code open_in(struct gf_vault *vault, struct gf_str at, struct gf_str sealed,
                            struct gf_str expected) {
    struct gf_secret_buffer out;
    gf_secret_buffer_init(&out, 1 << 20);
    gf_secret_buffer_append(&out, GF_STR("before "));
    const enum gf_code rc = gf_vault_open_settings(vault, at, sealed, &out, &it.err);
    const struct gf_str opened = {out.ptr + 7, out.len - 7};
    cr_assert(rc != GF_OK || gf_str_eq(opened, expected));
    cr_assert(rc == GF_OK || out.len == 7, "nothing is left of what did not open");
    gf_secret_buffer_fini(&out);
    return rc;
}

static bool opens(struct gf_str at, struct gf_str sealed) {
    const enum gf_code rc = open_in(it.vault, at, sealed, settings);
    cr_assert(rc == GF_OK || rc == GF_DATA_LOSS);
    return rc == GF_OK;
}

Test(vault_settings, come_back) {
    const struct gf_str first = seal(place, settings);
    const struct gf_str second = seal(place, settings);
    cr_expect(opens(place, first));
    cr_expect(opens(place, second));
    cr_expect_not(gf_str_eq(first, second), "the same settings do not look the same");
    cr_expect_null(memmem(first.ptr, first.len, "Oslo", 4));
    cr_expect_eq(open_in(it.vault, place, seal(place, GF_STR("")), GF_STR("")), GF_OK);
}

Test(vault_settings, large_ones_come_back_where_there_is_room) {
    const size_t size = 256 << 10;
    char *bytes = gf_arena_alloc(&it.arena, size);
    memset(bytes, 'x', size);
    const struct gf_str large = {bytes, size};
    const struct gf_str sealed = seal(place, large);
    struct gf_secret_buffer out;
    cr_expect_eq(open_in(it.vault, place, sealed, large), GF_OK);
    gf_secret_buffer_init(&out, size - 1);
    cr_expect_eq(gf_vault_open_settings(it.vault, place, sealed, &out, &it.err),
                 GF_RESOURCE_EXHAUSTED);
    cr_expect_eq(out.len, 0);
    gf_secret_buffer_fini(&out);
}

Test(vault_settings, do_not_open_elsewhere) {
    const struct gf_str sealed = seal(place, settings);
    const struct gf_str others[] = {
        GF_STR("extension/croN"),
        GF_STR("extension/cro"),
        GF_STR("extension/cron/"),
        GF_STR(""),
        GF_STR("subscription/default/nightly/cron/cron"),
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        cr_expect_not(opens(others[i], sealed), "place %zu", i);
        cr_expect_not_null(strstr(it.err.message, "do not open"), "%s", it.err.message);
        cr_expect_null(strstr(it.err.message, "Oslo"));
    }
}

Test(vault_settings, every_changed_bit_is_seen) {
    const struct gf_str sealed = seal(place, settings);
    char *bytes = gf_arena_memdup(&it.arena, sealed.ptr, sealed.len);
    const struct gf_str changed = {bytes, sealed.len};
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        cr_assert_not(opens(place, changed), "bit %zu", bit);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t len = 0; len < sealed.len; len++) {
        const struct gf_str shorter = {gf_arena_memdup(&it.arena, sealed.ptr, len), len};
        cr_assert_not(opens(place, shorter), "%zu bytes", len);
    }
}

Test(vault_settings, open_after_every_rotation_and_restart) {
    const struct gf_str sealed = seal(place, settings);
    const int64_t fingerprint = gf_vault_fingerprint_settings(it.vault, settings);
    int64_t pending = 0;
    gf_vault_fixture_put(&it, "password", "a value");
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    gf_vault_fixture_new_master(&it, /* keep_old= */ true);
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_MASTER, 0, &pending), GF_OK);
    cr_expect(opens(place, sealed));
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_SETTINGS, 0), 1);
    gf_vault_fixture_close(&it);
    it.master_texts[1] = NULL; /* the old one is thrown away */
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK, "%s", it.err.message);
    cr_expect(opens(place, sealed));
    cr_expect_eq(gf_vault_fingerprint_settings(it.vault, settings), fingerprint);
}

Test(vault_settings, another_server_cannot_open_them) {
    const struct gf_str sealed = seal(place, settings);
    struct gf_vault_fixture stranger;
    gf_vault_fixture_init(&stranger, gf_memory_secret_store_create());
    cr_expect_eq(open_in(stranger.vault, place, sealed, settings), GF_DATA_LOSS);
    cr_expect_neq(gf_vault_fingerprint_settings(stranger.vault, settings),
                  gf_vault_fingerprint_settings(it.vault, settings));
    gf_vault_fixture_fini(&stranger);
}

Test(vault_settings, fingerprints_tell_settings_apart) {
    const int64_t fingerprint = gf_vault_fingerprint_settings(it.vault, settings);
    cr_expect_eq(gf_vault_fingerprint_settings(it.vault, settings), fingerprint);
    cr_expect_neq(gf_vault_fingerprint_settings(it.vault, GF_STR("zone=Europe/Osl0")), fingerprint);
    cr_expect_neq(gf_vault_fingerprint_settings(it.vault, GF_STR("")), fingerprint);
}

Test(vault_settings, tokens_of_containers_survive_a_restart) {
    const struct gf_extension_identity cron = {
        .extension_key = 5, .attempt = 3, .extension_id = GF_STR("cron"), .create_time = 17};
    struct gf_extension_identity next = cron;
    struct gf_token_text token;
    next.attempt++;
    gf_vault_make_extension_token(it.vault, &cron, &token);
    const struct gf_str text = gf_token_text_view(&token);
    cr_expect_eq(gf_vault_verify_extension_token(it.vault, &cron, text, &it.err), GF_OK);
    cr_expect_eq(gf_vault_verify_extension_token(it.vault, &next, text, &it.err),
                 GF_UNAUTHENTICATED);
    gf_vault_fixture_close(&it);
    gf_vault_fixture_new_master(&it, /* keep_old= */ true);
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK);
    cr_expect_eq(gf_vault_verify_extension_token(it.vault, &cron, text, &it.err), GF_OK);
    struct gf_vault_fixture stranger;
    gf_vault_fixture_init(&stranger, gf_memory_secret_store_create());
    cr_expect_eq(gf_vault_verify_extension_token(stranger.vault, &cron, text, &it.err),
                 GF_UNAUTHENTICATED);
    gf_vault_fixture_fini(&stranger);
}
