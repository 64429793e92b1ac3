/*
 * Design: a fingerprint tells whether the same id was given for the same thing. That thing has the
 * value of a secret in it, which may be short, so that a plain hash in the store could be tried
 * out: the hash is keyed, with a key that is wrapped by the master key as all keys are, and that is
 * never renewed, so that a rotation forgets no request.
 */
#include "engine/secrets/vault_internal.h"

#include <string.h>

#include <sodium.h>

_Static_assert(GF_SECRET_FINGERPRINT_BYTES == crypto_generichash_BYTES, "fingerprint");

static void add_i64(crypto_generichash_state *state, int64_t number) {
    unsigned char bytes[sizeof(uint64_t)];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    }
    gf_assert(crypto_generichash_update(state, bytes, sizeof(bytes)) == 0);
}

static void add_str(crypto_generichash_state *state, struct gf_str text) {
    add_i64(state, (int64_t)text.len);
    gf_assert(crypto_generichash_update(state, (const unsigned char *)text.ptr, text.len) == 0);
}

static void start(const struct gf_vault *vault, struct gf_str label,
                  crypto_generichash_state *state) {
    gf_assert(crypto_generichash_init(state, vault->fingerprint_key, GF_DATA_KEY_BYTES,
                                      GF_SECRET_FINGERPRINT_BYTES) == 0);
    add_str(state, label);
}

static void finish(crypto_generichash_state *state, struct gf_vault_fingerprint *out) {
    gf_assert(crypto_generichash_final(state, out->bytes, sizeof(out->bytes)) == 0);
    sodium_memzero(state, sizeof(*state));
    gf_guarded_wipe_stack();
}

void gf_vault__fingerprint_put(const struct gf_vault *vault, const struct gf_vault_put *put,
                               struct gf_vault_fingerprint *out) {
    crypto_generichash_state state;
    start(vault, GF_STR("gofer put secret 1"), &state);
    add_i64(&state, put->place.namespace_key);
    add_i64(&state, put->place.pipeline_key);
    add_str(&state, put->place.key);
    add_str(&state, put->value);
    add_str(&state, put->description);
    add_i64(&state, put->force ? 1 : 0);
    add_i64(&state, (int64_t)put->namespace_count);
    for (size_t i = 0; i < put->namespace_count; i++) {
        add_str(&state, put->namespaces[i]);
    }
    finish(&state, out);
}

void gf_vault__fingerprint_rotation(const struct gf_vault *vault, enum gf_vault_scope scope,
                                    int64_t namespace_key, struct gf_vault_fingerprint *out) {
    crypto_generichash_state state;
    start(vault, GF_STR("gofer rotate keys 1"), &state);
    add_i64(&state, scope);
    add_i64(&state, namespace_key);
    finish(&state, out);
}

void gf_vault__fingerprint_settings(const struct gf_vault *vault, struct gf_str bytes,
                                    struct gf_vault_fingerprint *out) {
    crypto_generichash_state state;
    start(vault, GF_STR("gofer settings 1"), &state);
    add_str(&state, bytes);
    finish(&state, out);
}

enum gf_code gf_vault__find_request(struct gf_vault *vault, const struct gf_vault_caller *caller,
                                    struct gf_str request_id,
                                    const struct gf_vault_fingerprint *fingerprint,
                                    struct gf_arena *arena, struct gf_secret_request *out,
                                    bool *out_found, struct gf_error *err) {
    struct gf_secret_request request;
    if (request_id.len == 0) {
        *out_found = false;
        return GF_OK;
    }
    const enum gf_code rc = vault->store->ops->get_request(vault->store, caller->token_id,
                                                           request_id, arena, &request, err);
    const int64_t oldest = gf_clock_wall_ns(vault->options.clock) - GF_SECRET_REQUEST_KEEP_NS;
    if (rc == GF_NOT_FOUND || (rc == GF_OK && request.create_time < oldest)) {
        *out_found = false;
        return GF_OK;
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (request.fingerprint.len != sizeof(fingerprint->bytes) ||
        sodium_memcmp(request.fingerprint.ptr, fingerprint->bytes, sizeof(fingerprint->bytes)) !=
            0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "REQUEST_ID_REUSED",
                              "request id '%" GF_STR_FMT "' was used for another request before",
                              GF_STR_ARG(request_id));
    }
    *out = request;
    *out_found = true;
    return GF_OK;
}
