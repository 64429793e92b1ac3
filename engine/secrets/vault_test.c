/* What a vault does with secrets, requests, boxes, tokens of runs, uses and records. */
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

TestSuite(vault, .init = setup, .fini = teardown);

static const struct gf_vault_caller anna = {
    .token_id = {"tok_1", 5}, .user = {"anna", 4}, .peer = {"unix:", 5}};
static const struct gf_vault_caller bert = {
    .token_id = {"tok_2", 5}, .user = {"bert", 4}, .peer = {"unix:", 5}};

static struct gf_vault_put put_of(const char *path, const char *value) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, path);
    return (struct gf_vault_put){
        .place = place,
        .namespace_id = gf_secret_is_global(&place) ? GF_STR("") : GF_STR("team-a"),
        .pipeline_id = gf_secret_is_global(&place) ? GF_STR("") : GF_STR("nightly"),
        .value = gf_str_from(value),
    };
}

static enum gf_code put(const struct gf_vault_put *what, const struct gf_vault_caller *caller,
                        struct gf_vault_put_result *out) {
    return gf_vault_put(it.vault, what, caller, &it.arena, out, &it.err);
}

static struct gf_secret get(const char *path) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, path);
    struct gf_secret secret = {0};
    cr_assert_eq(gf_vault_get(it.vault, &place, &it.arena, &secret, NULL, NULL, &it.err), GF_OK,
                 "%s", it.err.message);
    return secret;
}

static struct gf_secret_change *changes(size_t expected_count) {
    struct gf_secret_change *items = NULL;
    size_t count = 0;
    cr_assert_eq(gf_vault_list_changes(it.vault, 0, 100, &it.arena, &items, &count, &it.err),
                 GF_OK);
    cr_assert_eq(count, expected_count);
    return items;
}

/* ---- Putting ---- */

Test(vault, a_value_comes_back_to_its_pipeline) {
    gf_vault_fixture_put(&it, "password", "correct horse");
    gf_vault_fixture_put(&it, "7/71/password", "another one");
    gf_vault_fixture_expect(&it, "password", "correct horse");
    gf_vault_fixture_expect(&it, "7/71/password", "another one");
    const char *value = NULL;
    cr_expect_eq(gf_vault_fixture_try_read(&it, "7/72/password", &value), GF_NOT_FOUND);
    cr_expect_eq(gf_vault_fixture_try_read(&it, "/password", &value), GF_NOT_FOUND);
    cr_expect_str_eq(it.err.message, "secret 'password' not found");
}

/* What somebody does between the look for the keys and the look for the secret. */
static const struct gf_secret_store_ops *real_ops;

static enum gf_code get_what_just_came(struct gf_secret_store *store,
                                       const struct gf_secret_place *place, int64_t version,
                                       struct gf_arena *arena, struct gf_secret *out_secret,
                                       struct gf_secret_version *out_version,
                                       struct gf_error *err) {
    store->ops = real_ops;
    gf_vault_fixture_put(&it, "password", "correct horse");
    return real_ops->get(store, place, version, arena, out_secret, out_version, err);
}

Test(vault, the_first_secret_may_come_while_it_is_read) {
    struct gf_secret_store_ops ops = *it.store->ops;
    real_ops = it.store->ops;
    ops.get = get_what_just_came;
    it.store->ops = &ops;
    gf_vault_fixture_expect(&it, "password", "correct horse");
    cr_expect_eq(it.store->ops, real_ops);
}

Test(vault, a_new_secret_is_told_from_a_next_version) {
    struct gf_vault_put what = put_of("password", "first value");
    struct gf_vault_put_result result;
    what.description = GF_STR("of the database");
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_expect(result.created);
    cr_expect_null(result.warning);
    cr_expect_eq(result.secret.latest_version, 1);
    cr_expect_eq(result.secret.create_time, 1000 * GF_NS_PER_DAY);
    what.value = GF_STR("second value");
    cr_expect_eq(put(&what, &anna, &result), GF_ALREADY_EXISTS);
    what.force = true;
    what.description = GF_STR("");
    gf_fake_clock_advance(&it.clock, 5);
    cr_assert_eq(put(&what, &bert, &result), GF_OK);
    cr_expect_not(result.created);
    cr_expect_eq(result.secret.latest_version, 2);
    cr_expect_eq(result.secret.create_time, 1000 * GF_NS_PER_DAY);
    cr_expect_eq(result.secret.update_time, 1000 * GF_NS_PER_DAY + 5);
    cr_expect(gf_str_eq(result.secret.description, GF_STR("of the database")), "as it was");
    gf_vault_fixture_expect(&it, "password", "second value");
    cr_expect_eq(it.changed_count, 2);
    const struct gf_secret_change *records = changes(2);
    cr_expect_eq(records[1].kind, GF_SECRET_CHANGE_PUT);
    cr_expect_eq(records[1].version, 2);
    cr_expect(gf_str_eq(records[1].user, bert.user));
    cr_expect(gf_str_eq(records[1].address, bert.peer));
    cr_expect(gf_str_eq(records[1].pipeline_id, GF_STR("nightly")));
}

Test(vault, a_clock_that_goes_back_does_not_break_a_secret) {
    gf_vault_fixture_put(&it, "password", "first value");
    it.clock.wall_now_ns -= GF_NS_PER_DAY;
    gf_vault_fixture_put(&it, "password", "second value");
    gf_vault_fixture_expect(&it, "password", "second value");
}

Test(vault, bad_requests_are_refused_by_field) {
    static char large[GF_SECRET_VALUE_BYTES_MAX + 1];
    struct gf_vault_put_result result;
    struct gf_vault_put what = put_of("password", "");
    cr_expect_eq(put(&what, &anna, &result), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "value");
    what.value = (struct gf_str){large, sizeof(large)};
    cr_expect_eq(put(&what, &anna, &result), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "value");
    what = put_of("pass word", "value");
    cr_expect_eq(put(&what, &anna, &result), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "key");
    what = put_of("password", "value");
    what.description = GF_STR("\xff");
    cr_expect_eq(put(&what, &anna, &result), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "description");
    what = put_of("/password", "value");
    cr_expect_eq(put(&what, &anna, &result), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "namespaces");
    cr_expect_eq(it.changed_count, 0);
}

Test(vault, a_value_too_short_to_mask_is_warned_of) {
    const struct gf_vault_put what = put_of("pin", "1234");
    struct gf_vault_put_result result;
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_not_null(result.warning);
}

Test(vault, global_secrets_are_for_the_namespaces_that_they_name) {
    const struct gf_str globs[] = {GF_STR("team-a"), GF_STR("*-prod")};
    struct gf_vault_put what = put_of("/password", "correct horse");
    struct gf_vault_put_result result;
    const struct gf_vault_user users[] = {
        {8, 80, GF_STR("team-a")}, {9, 90, GF_STR("eu-prod")}, {10, 100, GF_STR("team-b")}};
    what.namespaces = globs;
    what.namespace_count = 2;
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    for (size_t i = 0; i < GF_ARRAY_COUNT(users); i++) {
        struct gf_secret_buffer out;
        gf_secret_buffer_init(&out, 1000);
        cr_expect_eq(gf_vault_resolve(it.vault, &users[i], GF_REFERENCE_GLOBAL_SECRET,
                                      what.place.key, &out, &it.err),
                     i < 2 ? GF_OK : GF_NOT_FOUND);
        gf_secret_buffer_fini(&out);
    }
    /* A next version without globs keeps them; one with others has those. */
    what.force = true;
    what.namespace_count = 0;
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_eq(result.secret.namespace_count, 2);
    what.namespaces = globs + 1;
    what.namespace_count = 1;
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_eq(result.secret.namespace_count, 1);
    const char *value = NULL;
    cr_expect_eq(gf_vault_fixture_try_read(&it, "/password", &value), GF_NOT_FOUND);
}

/* ---- Requests ---- */

Test(vault, a_request_is_done_once) {
    struct gf_vault_put what = put_of("password", "correct horse");
    struct gf_vault_put_result first;
    struct gf_vault_put_result again;
    what.request_id = GF_STR("r-1");
    what.force = true;
    cr_assert_eq(put(&what, &anna, &first), GF_OK);
    gf_vault_fixture_put(&it, "password", "a newer one");
    gf_fake_clock_advance(&it.clock, GF_NS_PER_HOUR);
    cr_assert_eq(put(&what, &anna, &again), GF_OK, "%s", it.err.message);
    cr_expect(again.created);
    cr_expect_eq(again.secret.latest_version, 1);
    cr_expect_eq(again.secret.update_time, first.secret.update_time);
    cr_expect_eq(get("password").latest_version, 2);
    cr_expect_eq(it.changed_count, 2);
    /* Another caller has ids of its own. */
    cr_assert_eq(put(&what, &bert, &again), GF_OK);
    cr_expect_eq(again.secret.latest_version, 3);
}

Test(vault, a_request_id_stands_for_one_request) {
    struct gf_vault_put what = put_of("password", "correct horse");
    struct gf_vault_put_result result;
    const struct gf_str globs[] = {GF_STR("team-a")};
    what.request_id = GF_STR("r-1");
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    struct gf_vault_put others[5];
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        others[i] = what;
    }
    others[0].value = GF_STR("correct horsf");
    others[1].place.key = GF_STR("passwore");
    others[2].description = GF_STR("another");
    others[3].force = true;
    others[4].place = gf_vault_fixture_place(&it, "/password");
    others[4].namespaces = globs;
    others[4].namespace_count = 1;
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        cr_expect_eq(put(&others[i], &anna, &result), GF_FAILED_PRECONDITION, "%zu", i);
        cr_expect_str_eq(it.err.reason, "REQUEST_ID_REUSED");
    }
    int64_t pending = 0;
    cr_expect_eq(gf_vault_rotate(it.vault, GF_VAULT_SCOPE_SEALING, -1, GF_STR(""), NULL,
                                 GF_STR("r-1"), &anna, &pending, &it.err),
                 GF_FAILED_PRECONDITION);
    cr_expect_eq(it.changed_count, 1);
}

Test(vault, a_request_outlives_a_restart_and_a_rotation_for_a_day) {
    struct gf_vault_put what = put_of("password", "correct horse");
    struct gf_vault_put_result result;
    int64_t pending = 0;
    what.request_id = GF_STR("r-1");
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_eq(gf_vault_fixture_rotate(&it, GF_VAULT_SCOPE_NAMESPACE, -1, &pending), GF_OK);
    cr_assert_eq(gf_vault_fixture_reencrypt(&it, NULL), GF_OK);
    gf_vault_fixture_close(&it);
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK);
    gf_fake_clock_advance(&it.clock, GF_SECRET_REQUEST_KEEP_NS);
    cr_assert_eq(put(&what, &anna, &result), GF_OK, "%s", it.err.message);
    cr_expect_eq(get("password").latest_version, 1);
    gf_fake_clock_advance(&it.clock, 1);
    cr_expect_eq(put(&what, &anna, &result), GF_ALREADY_EXISTS);
}

Test(vault, what_a_request_stored_and_is_gone_is_not_stored_again) {
    struct gf_vault_put what = put_of("password", "correct horse");
    struct gf_vault_put_result result;
    what.request_id = GF_STR("r-1");
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_eq(
        gf_vault_remove(it.vault, &what.place, what.namespace_id, what.pipeline_id, &anna, &it.err),
        GF_OK);
    cr_expect_eq(put(&what, &anna, &result), GF_NOT_FOUND);
    gf_fake_clock_advance(&it.clock, 1);
    gf_vault_fixture_put(&it, "password", "another secret");
    cr_expect_eq(put(&what, &anna, &result), GF_NOT_FOUND);
}

Test(vault, a_fingerprint_is_no_plain_hash) {
    struct gf_vault_put what = put_of("password", "1234");
    struct gf_vault_put_result result;
    struct gf_secret_request mine;
    struct gf_secret_request others;
    what.request_id = GF_STR("r-1");
    cr_assert_eq(put(&what, &anna, &result), GF_OK);
    cr_assert_eq(it.store->ops->get_request(it.store, anna.token_id, what.request_id, &it.arena,
                                            &mine, &it.err),
                 GF_OK);
    struct gf_vault_fixture other;
    gf_vault_fixture_init(&other, gf_memory_secret_store_create());
    cr_assert_eq(gf_vault_put(other.vault, &what, &anna, &it.arena, &result, &it.err), GF_OK);
    cr_assert_eq(other.store->ops->get_request(other.store, anna.token_id, what.request_id,
                                               &it.arena, &others, &it.err),
                 GF_OK);
    cr_expect_not(gf_str_eq(mine.fingerprint, others.fingerprint));
    gf_vault_fixture_fini(&other);
}

/* ---- Reading and removing ---- */

Test(vault, a_value_is_revealed_with_a_record) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, "password");
    struct gf_secret_buffer out;
    int64_t version = 0;
    gf_secret_buffer_init(&out, 1000);
    gf_vault_fixture_put(&it, "password", "first value");
    gf_vault_fixture_put(&it, "password", "second value");
    for (int64_t wanted = 0; wanted <= 2; wanted++) {
        cr_assert_eq(gf_vault_reveal(it.vault, &place, wanted, GF_STR("team-a"), GF_STR("nightly"),
                                     &bert, &out, &version, &it.err),
                     GF_OK);
        cr_expect_eq(version, wanted == 0 ? 2 : wanted);
        cr_expect_str_eq(out.ptr, version == 1 ? "first value" : "second value");
        gf_secret_buffer_truncate(&out, 0);
    }
    cr_expect_eq(gf_vault_reveal(it.vault, &place, 3, GF_STR("team-a"), GF_STR("nightly"), &bert,
                                 &out, &version, &it.err),
                 GF_NOT_FOUND);
    const struct gf_secret_change *records = changes(5);
    cr_expect_eq(records[3].kind, GF_SECRET_CHANGE_REVEALED);
    cr_expect_eq(records[3].version, 1);
    cr_expect(gf_str_eq(records[3].user, bert.user));
    cr_expect_eq(it.changed_count, 5);
    /* Without the record there is no value. */
    gf_memory_secret_store_fail_after(it.store, 0);
    cr_expect_eq(gf_vault_reveal(it.vault, &place, 0, GF_STR("team-a"), GF_STR("nightly"), &bert,
                                 &out, &version, &it.err),
                 GF_UNAVAILABLE);
    cr_expect_eq(out.len, 0);
    gf_secret_buffer_fini(&out);
}

Test(vault, removed_secrets_are_gone) {
    const struct gf_secret_place place = gf_vault_fixture_place(&it, "password");
    const char *value = NULL;
    gf_vault_fixture_put(&it, "password", "correct horse");
    cr_assert_eq(
        gf_vault_remove(it.vault, &place, GF_STR("team-a"), GF_STR("nightly"), &anna, &it.err),
        GF_OK);
    cr_expect_eq(gf_vault_fixture_try_read(&it, "password", &value), GF_NOT_FOUND);
    cr_expect_eq(
        gf_vault_remove(it.vault, &place, GF_STR("team-a"), GF_STR("nightly"), &anna, &it.err),
        GF_NOT_FOUND);
    cr_expect_eq(changes(2)[1].kind, GF_SECRET_CHANGE_DELETED);
}

Test(vault, secrets_go_with_their_pipeline_and_namespace) {
    struct gf_secret_place after = {0};
    struct gf_secret_place *places = NULL;
    size_t count = 0;
    const char *value = NULL;
    gf_vault_fixture_put(&it, "password", "correct horse");
    gf_vault_fixture_put(&it, "7/71/password", "another");
    gf_vault_fixture_put(&it, "8/80/password", "third");
    cr_assert_eq(gf_vault_list_places(it.vault, &after, 10, &it.arena, &places, &count, &it.err),
                 GF_OK);
    cr_assert_eq(count, 3);
    cr_expect_eq(places[2].pipeline_key, 80);
    cr_assert_eq(gf_vault_remove_pipeline(it.vault, 7, 70, &it.err), GF_OK);
    cr_expect_eq(gf_vault_fixture_try_read(&it, "password", &value), GF_NOT_FOUND);
    gf_vault_fixture_expect(&it, "7/71/password", "another");
    cr_assert_eq(gf_vault_remove_namespace(it.vault, 7, &it.err), GF_OK);
    cr_expect_eq(gf_vault_fixture_count_keys(&it, GF_SECRET_KEY_VALUES, 7), 0);
    /* Where somebody puts one there all the same, it lies under a new key. */
    gf_vault_fixture_put(&it, "7/71/password", "late");
    gf_vault_fixture_expect(&it, "7/71/password", "late");
    gf_vault_fixture_expect(&it, "8/80/password", "third");
}

Test(vault, more_namespaces_than_rings_are_kept) {
    enum {
        NAMESPACES = 300
    };
    for (int i = 1; i <= NAMESPACES; i++) {
        const char *path = gf_arena_printf(&it.arena, "%d/1/password", i);
        gf_vault_fixture_put(&it, path, path);
    }
    for (int i = 1; i <= NAMESPACES; i++) {
        const char *path = gf_arena_printf(&it.arena, "%d/1/password", i);
        gf_vault_fixture_expect(&it, path, path);
    }
}

/* ---- Uses ---- */

Test(vault, uses_are_noted_and_written_later) {
    gf_vault_fixture_put(&it, "password", "correct horse");
    gf_vault_fixture_put(&it, "unused", "correct horse");
    gf_fake_clock_advance(&it.clock, 5);
    gf_vault_fixture_expect(&it, "password", "correct horse");
    cr_expect_eq(get("password").last_use_time, 0);
    gf_memory_secret_store_fail_after(it.store, 0);
    cr_expect_eq(gf_vault_flush_uses(it.vault, &it.err), GF_UNAVAILABLE);
    gf_memory_secret_store_fail_after(it.store, -1);
    cr_assert_eq(gf_vault_flush_uses(it.vault, &it.err), GF_OK, "what could not be written waits");
    cr_expect_eq(get("password").last_use_time, 1000 * GF_NS_PER_DAY + 5);
    cr_expect_eq(get("unused").last_use_time, 0);
    gf_memory_secret_store_fail_after(it.store, 0);
    cr_expect_eq(gf_vault_flush_uses(it.vault, &it.err), GF_OK, "there is nothing left to write");
}

/* ---- Boxes ---- */

Test(vault, sealed_boxes_open) {
    struct gf_vault_sealing_key key;
    unsigned char box[5 + GF_SEALED_BOX_OVERHEAD_BYTES];
    struct gf_secret_buffer out;
    gf_secret_buffer_init(&out, GF_SECRET_VALUE_BYTES_MAX);
    cr_assert_eq(gf_vault_sealing_key(it.vault, &key, &it.err), GF_OK);
    cr_assert_eq(crypto_box_seal(box, (const unsigned char *)"horse", 5, key.public_key), 0);
    const struct gf_str sealed = {(const char *)box, sizeof(box)};
    cr_assert_eq(gf_vault_open_box(it.vault, gf_str_from(key.key_id), sealed, &out, &it.err),
                 GF_OK);
    cr_expect_str_eq(out.ptr, "horse");
    gf_secret_buffer_truncate(&out, 0);
    cr_expect_eq(
        gf_vault_open_box(it.vault, GF_STR("seal-9-0123456789abcdef"), sealed, &out, &it.err),
        GF_INVALID_ARGUMENT);
    cr_expect_str_eq(it.err.field, "value.sealed.key_id");
    box[10] ^= 1;
    cr_expect_eq(gf_vault_open_box(it.vault, gf_str_from(key.key_id), sealed, &out, &it.err),
                 GF_INVALID_ARGUMENT);
    cr_expect_eq(out.len, 0);
    gf_secret_buffer_fini(&out);
}

/* ---- Tokens of runs ---- */

Test(vault, tokens_of_runs_survive_a_restart) {
    const struct gf_run_identity run = {
        .run_key = 5, .run_id = 3, .namespace_id = GF_STR("team-a"), .pipeline_id = GF_STR("pipe")};
    struct gf_run_identity other = run;
    struct gf_token_text token;
    other.run_id = 4;
    gf_vault_make_run_token(it.vault, &run, &token);
    const struct gf_str text = gf_token_text_view(&token);
    cr_expect_eq(gf_vault_verify_run_token(it.vault, &run, text, &it.err), GF_OK);
    cr_expect_eq(gf_vault_verify_run_token(it.vault, &other, text, &it.err), GF_UNAUTHENTICATED);
    gf_vault_fixture_close(&it);
    gf_vault_fixture_new_master(&it, /* keep_old= */ true);
    cr_assert_eq(gf_vault_fixture_open(&it), GF_OK);
    cr_expect_eq(gf_vault_verify_run_token(it.vault, &run, text, &it.err), GF_OK);
    struct gf_vault_fixture stranger;
    gf_vault_fixture_init(&stranger, gf_memory_secret_store_create());
    cr_expect_eq(gf_vault_verify_run_token(stranger.vault, &run, text, &it.err),
                 GF_UNAUTHENTICATED);
    gf_vault_fixture_fini(&stranger);
}

/* ---- Figures ---- */

Test(vault, stats_tell_what_was_sealed_and_opened) {
    struct gf_vault_stats stats;
    gf_vault_stats(it.vault, &stats);
    const size_t keyrings = stats.keyrings;
    gf_vault_fixture_put(&it, "password", "correct horse");
    gf_vault_fixture_expect(&it, "password", "correct horse");
    gf_vault_fixture_expect(&it, "password", "correct horse");
    const char *value = NULL;
    cr_expect_eq(gf_vault_fixture_try_read(&it, "7/72/password", &value), GF_NOT_FOUND);
    gf_vault_stats(it.vault, &stats);
    cr_expect_eq(stats.values_sealed_total, 1);
    cr_expect_eq(stats.values_opened_total, 2);
    cr_expect_eq(stats.failures_total, 0);
    cr_expect_gt(stats.keyrings, keyrings);
    cr_expect_leq(stats.keyrings, stats.keyrings_limit);
    cr_expect_gt(stats.keyring_opens_total, 0);
}
