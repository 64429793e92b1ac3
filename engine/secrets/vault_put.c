/*
 * Storing values. A put reads what is there, seals the next version, and stores it where that still
 * follows; where somebody else was faster it begins again, so that two puts at once are two
 * versions, and of two with one request id the second finds the first.
 */
#include "base/identifier.h"
#include "base/mask.h"
#include "engine/secrets/seal.h"
#include "engine/secrets/vault_internal.h"

/* ---- Checks ---- */

static enum gf_code check_description(struct gf_str text, struct gf_error *err) {
    size_t chars = 0;
    if (!gf_utf8_valid(text)) {
        return gf_fail_field(err, "description", "the description is not UTF-8");
    }
    for (size_t i = 0; i < text.len; i++) {
        chars += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    }
    if (chars > GF_SECRET_DESCRIPTION_CHARS_MAX) {
        return gf_fail_field(err, "description", "the description has %zu characters, at most %d",
                             chars, GF_SECRET_DESCRIPTION_CHARS_MAX);
    }
    return GF_OK;
}

static enum gf_code check(const struct gf_vault_put *put, struct gf_error *err) {
    enum gf_code rc = gf_identifier_check(put->place.key, "key", err);
    if (rc == GF_OK) {
        rc = gf_secret_check_value(put->value, "value", err);
    }
    if (rc == GF_OK) {
        rc = check_description(put->description, err);
    }
    if (rc == GF_OK && put->namespace_count != 0) {
        gf_assert(gf_secret_is_global(&put->place));
        rc = gf_secret_check_namespaces(put->namespaces, put->namespace_count, "namespaces", err);
    }
    return rc;
}

/* ---- One try ---- */

/* What one call of gf_vault_put works with. */
struct put {
    struct gf_vault *vault;
    const struct gf_vault_put *put;
    const struct gf_vault_caller *caller;
    struct gf_vault_fingerprint fingerprint;
    struct gf_arena *arena; /* of one try */
};

/* What is known before; latest_version 0 where the secret is new. */
static enum gf_code read_known(const struct put *work, struct gf_keyring *ring,
                               struct gf_secret *out, struct gf_error *err) {
    struct gf_secret_store *store = work->vault->store;
    const struct gf_secret_place *place = &work->put->place;
    const enum gf_code rc = store->ops->get(store, place, 0, work->arena, out, NULL, err);
    if (rc == GF_NOT_FOUND) {
        *out = (struct gf_secret){.place = *place};
        return gf_secret_is_global(place) && work->put->namespace_count == 0
                   ? gf_secret_check_namespaces(NULL, 0, "namespaces", err)
                   : GF_OK;
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!work->put->force) {
        return gf_fail(err, GF_ALREADY_EXISTS,
                       "secret '%" GF_STR_FMT "' exists already; force stores a next version",
                       GF_STR_ARG(place->key));
    }
    out->place = *place;
    const enum gf_code marked = gf_secret_check_mark(ring, out, NULL, err);
    if (marked == GF_DATA_LOSS) {
        (void)gf_wrap(err, "delete the secret, and store it anew");
    }
    return marked;
}

/* Fills in what is known from now on. */
static void describe(const struct put *work, int64_t now, struct gf_secret *secret) {
    const struct gf_vault_put *put = work->put;
    secret->namespace_id = put->namespace_id;
    secret->pipeline_id = put->pipeline_id;
    if (put->namespace_count != 0) {
        secret->namespaces = put->namespaces;
        secret->namespace_count = put->namespace_count;
    }
    if (put->description.len != 0) {
        secret->description = put->description;
    }
    if (secret->latest_version == 0) {
        secret->create_time = now;
    }
    secret->latest_version++;
    secret->update_time = now;
}

static enum gf_code store_version(const struct put *work, struct gf_vault_ring *ring,
                                  struct gf_secret *secret, struct gf_error *err) {
    const struct gf_vault_put *put = work->put;
    struct gf_vault *vault = work->vault;
    const bool created = secret->latest_version == 0;
    /* Times of a secret only rise, whatever the clock does: they are part of what proves it. */
    const int64_t wall = gf_clock_wall_ns(vault->options.clock);
    const int64_t now = wall > secret->update_time ? wall : secret->update_time;
    describe(work, now, secret);
    struct gf_secret_version version = {.create_time = now, .create_user = work->caller->user};
    enum gf_code rc = gf_secret_seal(ring->ring, &put->place, secret->latest_version, put->value,
                                     work->arena, &version, err);
    if (rc == GF_OK) {
        rc = gf_secret_mark(ring->ring, secret, work->arena, &secret->mark, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_secret_change change =
        gf_vault__change(vault, GF_SECRET_CHANGE_PUT, &put->place, put->namespace_id,
                         put->pipeline_id, work->caller);
    change.version = secret->latest_version;
    const struct gf_secret_request request = {
        .caller = work->caller->token_id,
        .request_id = put->request_id,
        .fingerprint = {(const char *)work->fingerprint.bytes, sizeof(work->fingerprint.bytes)},
        .create_time = now,
        .number = secret->latest_version,
        .created = created,
    };
    return vault->store->ops->put(vault->store, secret, &version, &change,
                                  put->request_id.len != 0 ? &request : NULL, err);
}

/* The outcome of the same request before. */
static enum gf_code replay(const struct put *work, const struct gf_secret_request *request,
                           struct gf_vault_put_result *out, struct gf_error *err) {
    struct gf_secret_store *store = work->vault->store;
    const struct gf_secret_place *place = &work->put->place;
    struct gf_secret secret;
    const enum gf_code rc = store->ops->get(store, place, 0, work->arena, &secret, NULL, err);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        return rc;
    }
    if (rc == GF_NOT_FOUND || secret.create_time > request->create_time ||
        secret.latest_version < request->number) {
        return gf_fail(err, GF_NOT_FOUND,
                       "secret '%" GF_STR_FMT "', which this request stored, was deleted since",
                       GF_STR_ARG(place->key));
    }
    secret.latest_version = request->number;
    secret.update_time = request->create_time;
    out->secret = secret;
    out->created = request->created;
    return GF_OK;
}

static enum gf_code try_put(const struct put *work, struct gf_vault_put_result *out,
                            bool *out_stored, struct gf_error *err) {
    struct gf_vault *vault = work->vault;
    struct gf_secret_request request;
    struct gf_secret secret;
    bool found = false;
    enum gf_code rc =
        gf_vault__find_request(vault, work->caller, work->put->request_id, &work->fingerprint,
                               work->arena, &request, &found, err);
    if (rc != GF_OK || found) {
        return rc == GF_OK ? replay(work, &request, out, err) : rc;
    }
    GF_CLEANUP(gf_vault__ring_release_p) struct gf_vault_ring *ring = NULL;
    rc = gf_vault__ring_hold(vault, GF_SECRET_KEY_VALUES, work->put->place.namespace_key,
                             /* make= */ true, &ring, err);
    if (rc == GF_OK) {
        rc = read_known(work, ring->ring, &secret, err);
        if (rc == GF_DATA_LOSS && gf_vault__ring_is_dropped(ring)) {
            return gf_fail(err, GF_ABORTED, "the data keys have changed meanwhile");
        }
    }
    if (rc == GF_OK) {
        rc = store_version(work, ring, &secret, err);
        if (rc == GF_ABORTED && !gf_vault__ring_is_dropped(ring)) {
            /* It may be the data key that is gone: with its namespace. */
            gf_vault__ring_drop(vault, GF_SECRET_KEY_VALUES, work->put->place.namespace_key);
        }
    }
    if (rc == GF_OK) {
        out->secret = secret;
        out->created = secret.latest_version == 1;
        *out_stored = true;
    }
    return rc;
}

/* ---- The call ---- */

/* Into the caller's arena, from that of the try. */
static void copy_secret(const struct gf_secret *from, struct gf_arena *arena,
                        struct gf_secret *out) {
    struct gf_str *namespaces = GF_ARENA_ARRAY(arena, from->namespace_count, struct gf_str);
    for (size_t i = 0; i < from->namespace_count; i++) {
        namespaces[i] = gf_arena_str(arena, from->namespaces[i]);
    }
    *out = *from;
    out->place.key = gf_arena_str(arena, from->place.key);
    out->namespace_id = gf_arena_str(arena, from->namespace_id);
    out->pipeline_id = gf_arena_str(arena, from->pipeline_id);
    out->namespaces = namespaces;
    out->description = gf_arena_str(arena, from->description);
    out->mark = gf_arena_str(arena, from->mark);
}

enum gf_code gf_vault_put(struct gf_vault *vault, const struct gf_vault_put *put,
                          const struct gf_vault_caller *caller, struct gf_arena *arena,
                          struct gf_vault_put_result *out, struct gf_error *err) {
    enum gf_code rc = check(put, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_arena scratch;
    struct gf_vault_put_result result = {.warning = gf_mask_warning(put->value)};
    struct put work = {.vault = vault, .put = put, .caller = caller, .arena = &scratch};
    bool stored = false;
    if (put->request_id.len != 0) {
        gf_vault__fingerprint_put(vault, put, &work.fingerprint);
    }
    gf_arena_init(&scratch, GF_VAULT_ROW_BYTES_MAX);
    rc = GF_ABORTED;
    for (int tries = 0; tries < GF_VAULT_TRIES_MAX && rc == GF_ABORTED; tries++) {
        gf_arena_reset(&scratch);
        rc = try_put(&work, &result, &stored, err);
    }
    if (rc == GF_OK) {
        copy_secret(&result.secret, arena, &result.secret);
        *out = result;
    }
    gf_arena_fini(&scratch);
    if (stored) {
        gf_counter_add(&vault->values_sealed, 1);
        gf_vault__changed(vault);
    }
    return rc;
}
