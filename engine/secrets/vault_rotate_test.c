/* Renewing keys while all goes on, and after every step at which it can be cut off. */
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/sealed_box.h"
#include "engine/secrets/testing/vault_fixture.h"

#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

static struct gf_vault_fixture it;

static void setup(void) {
    gf_vault_fixture_init(&it, gf_memory_secret_store_create());
}

static void teardown(void) {
    gf_vault_fixture_fini(&it);
}

TestSuite(vault_rotate, .init = setup, .fini = teardown);

static const char *const paths[] = {"password", "token", "7/71/password", "8/80/password",
                                    "/password"};

static void put_all(void) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        gf_vault_fixture_put(&it, paths[i], "an old value");
        gf_vault_fixture_put(&it, paths[i], paths[i]);
    }
}

static void expect_all(void) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        gf_vault_fixture_expect(&it, paths[i], paths[i]);
    }
}

static int64_t active_key(enum gf_secret_key_purpose purpose, int64_t namespace_key) {
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    cr_assert_eq(it.store->ops->list_keys(it.store, purpose, namespace_key, &it.arena, &keys,
                                          &count, &it.err),
                 GF_OK);
    cr_assert_gt(count, 0);
    return keys[count - 1].number;
}

/* ---- Keys of namespaces ---- */

Test(vault_rotate, the_keys_of_one_namespace_are_renewed) {
    int64_t pending = 0;
    put_all();
    const int changed = it.changed_count;
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, 7, &pending), GF_OK);
    cr_expect_eq(pending, 6);
    cr_expect_eq(it.changed_count, changed + 1);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 7), 2);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 8), 1);
    expect_all();
    gf_vault_fixture_put(&it, "password", "password");
    cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, 8, &pending),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "ROTATION_RUNNING");
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK, "%s", it.err.message);
    expect_all();
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 1);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 7), 2);
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, 8, &pending), GF_OK);
    cr_expect_eq(pending, 2);
}

Test(vault_rotate, the_keys_of_all_namespaces_are_renewed_with_one_record) {
    int64_t pending = 0;
    struct gf_secret_change *changes = NULL;
    size_t count = 0;
    put_all();
    const int changed = it.changed_count;
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
    cr_expect_eq(pending, 10);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 7), 2);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 8), 2);
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 0), 2);
    cr_assert_eq(gf_vault_list_changes(it.vault, 0, 100, &it.arena, &changes, &count, &it.err),
                 GF_OK);
    cr_expect_eq(count, (size_t)changed + 1);
    cr_expect_eq(changes[count - 1].kind, GF_SECRET_CHANGE_KEYS_ROTATED);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    expect_all();
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 1);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 8), 1);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 0), 1);
}

Test(vault_rotate, many_values_are_encrypted_anew_in_portions) {
    enum {
        SECRETS = 300
    };
    int64_t pending = 0;
    int calls = 0;
    for (int i = 0; i < SECRETS; i++) {
        const char *path = gf_arena_printf(&it.arena, "key-%d", i);
        gf_vault_fixture_put(&it, path, path);
    }
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, 7, &pending), GF_OK);
    cr_expect_eq(pending, SECRETS);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, &calls), GF_OK);
    cr_expect_geq(calls, 5);
    for (int i = 0; i < SECRETS; i++) {
        const char *path = gf_arena_printf(&it.arena, "key-%d", i);
        gf_vault_fixture_expect(&it, path, path);
    }
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 1);
}

Test(vault_rotate, what_does_not_open_keeps_its_key_and_holds_nothing_up) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, "password");
    struct gf_secret secret;
    struct gf_secret_version good;
    int64_t pending = 0;
    const char *value = NULL;
    put_all();
    cr_assert_eq(it.store->ops->get(it.store, &place, 0, &it.arena, &secret, &good, &it.err),
                 GF_OK);
    struct gf_secret_version bad = good;
    char *bytes = gf_arena_memdup(&it.arena, good.sealed.ptr, good.sealed.len);
    bytes[good.sealed.len - 1] ^= 1;
    bad.sealed.ptr = bytes;
    cr_assert_eq(it.store->ops->replace_value(it.store, &place, &good, &bad, &it.err), GF_OK);
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
    cr_expect_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_DATA_LOSS);
    cr_expect_not_null(strstr(it.err.message, "1 keys, values or marks"), "%s", it.err.message);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 2);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 8), 1);
    cr_expect_eq(gf_vault_fixture_try_read(&it, "password", &value), GF_DATA_LOSS);
    for (size_t i = 1; i < GF_ARRAY_COUNT(paths); i++) {
        gf_vault_fixture_expect(&it, paths[i], paths[i]);
    }
    /* It is no reason to refuse the next rotation, and is gone with its secret. */
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, 7, &pending), GF_OK);
    cr_expect_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_DATA_LOSS);
    const struct gf_vault_caller caller = {0};
    cr_assert_eq(gf_vault_remove(it.vault, &place, GF_STR(""), GF_STR(""), &caller, &it.err),
                 GF_OK);
    cr_expect_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 1);
}

Test(vault_rotate, a_rotation_is_done_once_for_a_request) {
    const struct gf_vault_caller caller = {.token_id = GF_STR("tok_1")};
    int64_t pending = 0;
    put_all();
    for (int i = 0; i < 2; i++) {
        pending = 0;
        cr_assert_eq(gf_vault_rotate(it.vault, GF_VAULT_SCOPE_NAMESPACE, -1, GF_STR(""), NULL,
                                     GF_STR("r-1"), &caller, &pending, &it.err),
                     GF_OK, "%s", it.err.message);
        cr_expect_eq(pending, 10);
    }
    cr_expect_eq(active_key(GF_SECRET_KEY_VALUES, 7), 2);
    cr_expect_eq(gf_vault_rotate(it.vault, GF_VAULT_SCOPE_NAMESPACE, 7, GF_STR(""), NULL,
                                 GF_STR("r-1"), &caller, &pending, &it.err),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "REQUEST_ID_REUSED");
}

/* ---- Master keys ---- */

static size_t keys_not_wrapped_by_newest(void) {
    struct gf_master_keys *masters = gf_vault_fixture_masters(&it);
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    cr_assert_eq(it.store->ops->list_keys_not_wrapped_by(it.store, gf_master_keys_id(masters, 0),
                                                         1000, &it.arena, &keys, &count, &it.err),
                 GF_OK);
    gf_master_keys_destroy(masters);
    return count;
}

Test(vault_rotate, a_new_master_key_wraps_all_keys) {
    int64_t pending = 0;
    put_all();
    cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_MASTER, -1, &pending),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "NO_NEW_MASTER_KEY");
    gf_vault_fixture_new_master(&it, /* keep_old= */ true);
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_MASTER, -1, &pending), GF_OK, "%s",
                 it.err.message);
    cr_expect_eq(pending, 7, "of three namespaces, and four of the server");
    cr_expect_eq(keys_not_wrapped_by_newest(), 7);
    expect_all();
    const char *const newest = it.master_texts[0];
    gf_vault_fixture_new_master(&it, /* keep_old= */ true);
    cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_MASTER, -1, &pending),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "ROTATION_RUNNING");
    it.master_texts[0] = newest;
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    cr_expect_eq(keys_not_wrapped_by_newest(), 0);
    /* The old one is of no use any more. */
    it.master_texts[1] = NULL;
    gf_vault_fixture_close(&it);
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK, "%s", it.err.message);
    expect_all();
}

Test(vault_rotate, a_master_key_in_use_must_stay) {
    int64_t pending = 0;
    put_all();
    gf_vault_fixture_new_master(&it, /* keep_old= */ false);
    cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_MASTER, -1, &pending),
                 GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "MASTER_KEY_MISSING");
    expect_all();
    gf_vault_fixture_close(&it);
    cr_expect_eq(gf_vault_fixture_open(&it), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(it.err.reason, "MASTER_KEY_MISSING");
}

/* ---- Sealing keys ---- */

Test(vault_rotate, an_older_sealing_key_opens_boxes_for_a_day) {
    struct gf_vault_sealing_key key;
    struct gf_vault_sealing_key next;
    unsigned char box[5 + GF_SEALED_BOX_OVERHEAD_BYTES];
    struct gf_secret_buffer out;
    int64_t pending = -1;
    gf_secret_buffer_init(&out, GF_SECRET_VALUE_BYTES_MAX);
    cr_assert_eq(gf_vault_sealing_key(it.vault, &key, &it.err), GF_OK);
    cr_assert_eq(crypto_box_seal(box, (const unsigned char *)"horse", 5, key.public_key), 0);
    const struct gf_str sealed = {(const char *)box, sizeof(box)};
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_SEALING, -1, &pending), GF_OK);
    cr_expect_eq(pending, 0);
    cr_assert_eq(gf_vault_sealing_key(it.vault, &next, &it.err), GF_OK);
    cr_expect_str_neq(key.key_id, next.key_id);
    gf_fake_clock_advance(&it.clock, GF_NS_PER_DAY - 1);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    cr_expect_eq(gf_vault_open_box(it.vault, gf_str_from(key.key_id), sealed, &out, &it.err),
                 GF_OK);
    gf_fake_clock_advance(&it.clock, 1);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    cr_expect_eq(gf_vault_open_box(it.vault, gf_str_from(key.key_id), sealed, &out, &it.err),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_SEALING, 0), 1);
    gf_secret_buffer_fini(&out);
}

/* ---- Cut off ---- */

/* All rotations, one after the other, as far as the store lets them. */
static enum gf_code rotate_everything(void) {
    static const enum gf_vault_scope scopes[] = {GF_VAULT_SCOPE_MASTER, GF_VAULT_SCOPE_NAMESPACE,
                                                 GF_VAULT_SCOPE_SEALING};
    int64_t pending = 0;
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < GF_ARRAY_COUNT(scopes); i++) {
        rc = gf_vault_fixture_rotate(&it, scopes[i], -1, &pending);
        if (rc == GF_OK) {
            rc = gf_vault_fixture_reencrypt(&it, NULL);
        }
    }
    return rc;
}

Test(vault_rotate, a_rotation_survives_being_cut_off_at_every_step) {
    enum {
        STEPS_MAX = 200
    };
    bool complete = false;
    int64_t step = 0;
    for (step = 0; !complete && step < STEPS_MAX; step++) {
        teardown();
        setup();
        put_all();
        gf_vault_fixture_new_master(&it, /* keep_old= */ true);
        gf_memory_secret_store_fail_after(it.store, step);
        const enum gf_code rc = rotate_everything();
        cr_assert(rc == GF_OK || rc == GF_UNAVAILABLE, "step %d: %s", (int)step, it.err.message);
        complete = rc == GF_OK;
        gf_memory_secret_store_fail_after(it.store, -1);
        expect_all();
        /* The server starts again, with the same master keys, and goes on. */
        gf_vault_fixture_close(&it);
        cr_assert_eq(gf_vault_fixture_open(&it), GF_OK, "%s", it.err.message);
        expect_all();
        cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK, "%s", it.err.message);
        expect_all();
        cr_expect_eq(keys_not_wrapped_by_newest(), 0);
        for (int64_t ns = 0; ns <= 8; ns = ns == 0 ? 7 : ns + 1) {
            cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, ns), 1);
        }
        int64_t pending = 0;
        cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
    }
    cr_expect(complete && step > 20, "%d steps", (int)step);
}

/* Without a restart: the same vault goes on when the store does. */
Test(vault_rotate, a_store_that_fails_for_a_while_is_no_harm) {
    for (int64_t step = 0; step < 40; step++) {
        teardown();
        setup();
        put_all();
        gf_vault_fixture_new_master(&it, /* keep_old= */ true);
        gf_memory_secret_store_fail_after(it.store, step);
        (void)rotate_everything();
        gf_memory_secret_store_fail_after(it.store, -1);
        expect_all();
        cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK, "step %d: %s", (int)step,
                     it.err.message);
        expect_all();
        int64_t pending = 0;
        cr_expect_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
        gf_vault_fixture_put(&it, "password", "password");
        expect_all();
    }
}
