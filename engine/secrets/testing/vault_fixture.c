#include "engine/secrets/testing/vault_fixture.h"

#include "engine/secrets/testing/keys.h"

#include <string.h>

#include <criterion/criterion.h>

enum {
    ARENA_BYTES_MAX = 256 << 20,
    REENCRYPT_CALLS_MAX = 1000,
};

static const struct gf_str globs[] = {{"team-*", 6}};

static const struct gf_vault_caller caller = {
    .token_id = {"tok_1", 5},
    .user = {"anna", 4},
    .peer = {"unix:", 5},
};

/* ---- The vault ---- */

static void on_changed(void *ctx) {
    struct gf_vault_fixture *fixture = ctx;
    fixture->changed_count++;
}

struct gf_master_keys *gf_vault_fixture_masters(struct gf_vault_fixture *fixture) {
    return gf_test_masters_of(fixture->master_texts);
}

enum gf_code gf_vault_fixture_open(struct gf_vault_fixture *fixture) {
    struct gf_master_keys *masters = gf_vault_fixture_masters(fixture);
    const struct gf_vault_options options = {
        .store = fixture->store,
        .masters = masters,
        .clock = &fixture->clock.clock,
        .changed = on_changed,
        .ctx = fixture,
    };
    const enum gf_code rc = gf_vault_create(&options, &fixture->vault, &fixture->err);
    if (rc != GF_OK) {
        gf_master_keys_destroy(masters);
    }
    return rc;
}

void gf_vault_fixture_close(struct gf_vault_fixture *fixture) {
    gf_vault_destroy(fixture->vault);
    fixture->vault = NULL;
}

void gf_vault_fixture_init(struct gf_vault_fixture *fixture, struct gf_secret_store *store) {
    memset(fixture, 0, sizeof(*fixture));
    gf_arena_init(&fixture->arena, ARENA_BYTES_MAX);
    gf_fake_clock_init(&fixture->clock, 0, 1000 * GF_NS_PER_DAY);
    fixture->store = store;
    fixture->master_texts[0] = gf_test_master_text(&fixture->arena);
    cr_assert_eq(gf_vault_fixture_open(fixture), GF_OK, "%s", fixture->err.message);
}

void gf_vault_fixture_fini(struct gf_vault_fixture *fixture) {
    gf_vault_fixture_close(fixture);
    fixture->store->ops->destroy(fixture->store);
    gf_arena_fini(&fixture->arena);
}

void gf_vault_fixture_new_master(struct gf_vault_fixture *fixture, bool keep_old) {
    fixture->master_texts[1] = keep_old ? fixture->master_texts[0] : NULL;
    fixture->master_texts[0] = gf_test_master_text(&fixture->arena);
}

/* ---- Secrets ---- */

struct gf_secret_place gf_vault_fixture_place(struct gf_vault_fixture *fixture, const char *path) {
    const char *slash = strrchr(path, '/');
    struct gf_secret_place place = {GF_VAULT_TEST_NAMESPACE, GF_VAULT_TEST_PIPELINE, {NULL, 0}};
    place.key = gf_str_from(gf_arena_strdup(&fixture->arena, slash == NULL ? path : slash + 1));
    if (slash == path) {
        place.namespace_key = 0;
        place.pipeline_key = 0;
    } else if (slash != NULL) {
        struct gf_str ns = {NULL, 0};
        struct gf_str pipeline = {NULL, 0};
        (void)gf_str_cut((struct gf_str){path, (size_t)(slash - path)}, '/', &ns, &pipeline);
        cr_assert(gf_parse_i64(ns, &place.namespace_key) &&
                  gf_parse_i64(pipeline, &place.pipeline_key));
    }
    return place;
}

enum gf_code gf_vault_fixture_try_put(struct gf_vault_fixture *fixture, const char *path,
                                      const char *value) {
    const struct gf_secret_place place = gf_vault_fixture_place(fixture, path);
    const bool global = gf_secret_is_global(&place);
    const struct gf_vault_put put = {
        .place = place,
        .namespace_id = global ? GF_STR("") : GF_STR("team-a"),
        .pipeline_id = global ? GF_STR("") : GF_STR("nightly"),
        .value = gf_str_from(value),
        .namespaces = global ? globs : NULL,
        .namespace_count = global ? 1 : 0,
        .force = true,
    };
    struct gf_vault_put_result result;
    return gf_vault_put(fixture->vault, &put, &caller, &fixture->arena, &result, &fixture->err);
}

void gf_vault_fixture_put(struct gf_vault_fixture *fixture, const char *path, const char *value) {
    cr_assert_eq(gf_vault_fixture_try_put(fixture, path, value), GF_OK, "%s: %s", path,
                 fixture->err.message);
}

enum gf_code gf_vault_fixture_try_read(struct gf_vault_fixture *fixture, const char *path,
                                       const char **out_value) {
    const struct gf_secret_place place = gf_vault_fixture_place(fixture, path);
    const bool global = gf_secret_is_global(&place);
    const struct gf_vault_user user = {
        .namespace_key = global ? GF_VAULT_TEST_NAMESPACE : place.namespace_key,
        .pipeline_key = global ? GF_VAULT_TEST_PIPELINE : place.pipeline_key,
        .namespace_id = GF_STR("team-a"),
    };
    struct gf_secret_buffer out;
    gf_secret_buffer_init(&out, GF_SECRET_VALUE_BYTES_MAX);
    const enum gf_code rc = gf_vault_resolve(
        fixture->vault, &user, global ? GF_REFERENCE_GLOBAL_SECRET : GF_REFERENCE_PIPELINE_SECRET,
        place.key, &out, &fixture->err);
    if (rc == GF_OK) {
        *out_value = gf_arena_str(&fixture->arena, gf_secret_buffer_view(&out)).ptr;
    } else {
        cr_expect_eq(out.len, 0, "nothing is left of a value that was not to be had");
    }
    gf_secret_buffer_fini(&out);
    return rc;
}

void gf_vault_fixture_expect(struct gf_vault_fixture *fixture, const char *path,
                             const char *value) {
    const char *actual = NULL;
    cr_assert_eq(gf_vault_fixture_try_read(fixture, path, &actual), GF_OK, "%s: %s", path,
                 fixture->err.message);
    cr_expect_str_eq(actual, value);
}

/* ---- Keys ---- */

enum gf_code gf_vault_fixture_rotate(struct gf_vault_fixture *fixture, enum gf_vault_scope scope,
                                     int64_t namespace_key, int64_t *out_pending) {
    struct gf_master_keys *masters =
        scope == GF_VAULT_SCOPE_MASTER ? gf_vault_fixture_masters(fixture) : NULL;
    const enum gf_code rc =
        gf_vault_rotate(fixture->vault, scope, namespace_key, GF_STR(""), masters, GF_STR(""),
                        &caller, out_pending, &fixture->err);
    if (rc != GF_OK) {
        gf_master_keys_destroy(masters);
    }
    return rc;
}

enum gf_code gf_vault_fixture_reencrypt(struct gf_vault_fixture *fixture, int *out_calls) {
    enum gf_code rc = GF_OK;
    bool more = true;
    int calls = 0;
    while (rc == GF_OK && more) {
        cr_assert_lt(calls, REENCRYPT_CALLS_MAX, "it comes to no end");
        rc = gf_vault_reencrypt(fixture->vault, &more, &fixture->err);
        calls++;
    }
    if (out_calls != NULL) {
        *out_calls = calls;
    }
    return rc;
}

size_t gf_vault_fixture_count_keys(struct gf_vault_fixture *fixture,
                                   enum gf_secret_key_purpose purpose, int64_t namespace_key) {
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    cr_assert_eq(fixture->store->ops->list_keys(fixture->store, purpose, namespace_key,
                                                &fixture->arena, &keys, &count, &fixture->err),
                 GF_OK);
    return count;
}
