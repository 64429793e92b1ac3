/*
 * Renewing keys. The new key is in the store, ACTIVE, before the call returns, and what is sealed
 * from then on lies under it. What lies under the old one is found by what the store says, not by a
 * note of this call: so that nothing is forgotten in a crash (vault_reencrypt.c).
 */
#include "engine/secrets/sealed_box.h"
#include "engine/secrets/vault_internal.h"

#include <string.h>

/* What one call of gf_vault_rotate works with. */
struct rotation {
    struct gf_vault *vault;
    const struct gf_secret_change *change;
    struct gf_secret_request request;
    bool has_request_id;
    struct gf_arena *arena;
};

static enum gf_code fail_running(struct gf_error *err) {
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "ROTATION_RUNNING",
                          "a rotation is under way: wait until everything is encrypted anew");
}

/* The request with what is pending by now; NULL where there is none. */
static const struct gf_secret_request *request_of(struct rotation *rotation, int64_t pending) {
    rotation->request.number = pending;
    return rotation->has_request_id ? &rotation->request : NULL;
}

/* ---- Keys of namespaces ---- */

static enum gf_code count_values(struct rotation *rotation, int64_t namespace_key,
                                 int64_t *out_count, struct gf_error *err) {
    struct gf_secret_store *store = rotation->vault->store;
    int64_t count = 0;
    const enum gf_code rc =
        store->ops->count_values_below(store, namespace_key, INT64_MAX, &count, err);
    if (rc == GF_OK) {
        *out_count += count;
    }
    return rc;
}

/* All but the last one are without record and request, which stand for all of them. */
static enum gf_code rotate_pipelines(struct rotation *rotation, int64_t *pending,
                                     struct gf_error *err) {
    enum {
        PER_PAGE = 100
    };
    struct gf_vault *vault = rotation->vault;
    struct gf_secret_store *store = vault->store;
    int64_t after = GF_SECRET_KEY_GLOBAL;
    size_t count = PER_PAGE;
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && count == PER_PAGE) {
        int64_t *namespaces = NULL;
        gf_arena_reset(rotation->arena);
        rc = store->ops->list_key_namespaces(store, GF_SECRET_KEY_VALUES,
                                             /* retired_only= */ false, after, PER_PAGE,
                                             rotation->arena, &namespaces, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            after = namespaces[i];
            rc = gf_vault__next_key(vault, GF_SECRET_KEY_VALUES, after, NULL, NULL, err);
            if (rc == GF_OK) {
                rc = count_values(rotation, after, pending, err);
            }
        }
    }
    return rc;
}

static enum gf_code rotate_values(struct rotation *rotation, int64_t namespace_key,
                                  int64_t *out_pending, struct gf_error *err) {
    struct gf_vault *vault = rotation->vault;
    const int64_t last = namespace_key < 0 ? GF_SECRET_KEY_GLOBAL : namespace_key;
    int64_t pending = 0;
    gf_mutex_lock(&vault->mutex);
    const bool running = vault->values_pending;
    vault->values_pending = true;
    gf_mutex_unlock(&vault->mutex);
    if (running) {
        return fail_running(err);
    }
    enum gf_code rc = namespace_key < 0 ? rotate_pipelines(rotation, &pending, err) : GF_OK;
    if (rc == GF_OK) {
        rc = count_values(rotation, last, &pending, err);
    }
    if (rc == GF_OK) {
        rc = gf_vault__next_key(vault, GF_SECRET_KEY_VALUES, last, rotation->change,
                                request_of(rotation, pending), err);
    }
    if (rc == GF_OK) {
        *out_pending = pending;
    } else {
        /* Some of the keys may be there: the store says. */
        gf_ignore(gf_vault__find_pending(vault, NULL));
    }
    return rc;
}

/* ---- Master keys ---- */

/* *out_pending: how many data keys others than the newest of these wrap. */
static enum gf_code check_masters(struct rotation *rotation, const struct gf_master_keys *masters,
                                  int64_t *out_pending, struct gf_error *err) {
    struct gf_secret_store *store = rotation->vault->store;
    struct gf_secret_master_use *uses = NULL;
    size_t count = 0;
    int64_t pending = 0;
    const enum gf_code rc =
        store->ops->list_master_keys(store, rotation->arena, &uses, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        size_t index = 0;
        if (!gf_master_keys_find(masters, uses[i].master_key_id, &index)) {
            return gf_fail_reason(err, GF_FAILED_PRECONDITION, "MASTER_KEY_MISSING",
                                  "the master key that is in use is not among the new ones: put "
                                  "the new key in front of it, and take it away when everything "
                                  "is encrypted anew");
        }
        pending += index != 0 ? uses[i].key_count : 0;
    }
    *out_pending = pending;
    return GF_OK;
}

static enum gf_code rotate_master(struct rotation *rotation, struct gf_master_keys *masters,
                                  int64_t *out_pending, struct gf_error *err) {
    struct gf_vault *vault = rotation->vault;
    struct gf_secret_store *store = vault->store;
    struct gf_vault_masters *current = gf_vault__masters_hold(vault);
    const bool same = gf_master_keys_count(masters) == 0 ||
                      gf_str_eq(gf_master_keys_id(masters, 0), gf_master_keys_id(current->keys, 0));
    int64_t running = 0;
    int64_t pending = 0;
    enum gf_code rc = check_masters(rotation, current->keys, &running, err);
    gf_vault__masters_release(vault, current);
    if (rc == GF_OK && same) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "NO_NEW_MASTER_KEY",
                              "there is no new master key: put one in front of that in use");
    }
    if (rc == GF_OK && running != 0) {
        return fail_running(err);
    }
    if (rc == GF_OK) {
        rc = check_masters(rotation, masters, &pending, err);
    }
    if (rc == GF_OK) {
        rc = store->ops->record(store, rotation->change, request_of(rotation, pending), err);
    }
    if (rc == GF_OK) {
        gf_vault__masters_replace(vault, masters);
        *out_pending = pending;
    }
    return rc;
}

/* ---- The call ---- */

static enum gf_code rotate(struct rotation *rotation, enum gf_vault_scope scope,
                           int64_t namespace_key, struct gf_master_keys *masters,
                           int64_t *out_pending, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    switch (scope) {
    case GF_VAULT_SCOPE_MASTER:
        gf_assert(masters != NULL);
        return rotate_master(rotation, masters, out_pending, err);
    case GF_VAULT_SCOPE_NAMESPACE:
        return rotate_values(rotation, namespace_key, out_pending, err);
    case GF_VAULT_SCOPE_SEALING:
        rc = gf_vault__next_key(rotation->vault, GF_SECRET_KEY_SEALING, GF_SECRET_KEY_GLOBAL,
                                rotation->change, request_of(rotation, 0), err);
        if (rc == GF_OK) {
            *out_pending = 0;
        }
        return rc;
    case GF_VAULT_SCOPE_UNSPECIFIED:
        break;
    }
    return gf_fail_field(err, "scope", "the scope is not known");
}

static bool begin(struct gf_vault *vault) {
    GF_MUTEX_GUARD(&vault->mutex);
    const bool running = vault->rotating;
    vault->rotating = true;
    return !running;
}

static void end(struct gf_vault *vault) {
    GF_MUTEX_GUARD(&vault->mutex);
    vault->rotating = false;
}

enum gf_code gf_vault_rotate(struct gf_vault *vault, enum gf_vault_scope scope,
                             int64_t namespace_key, struct gf_str namespace_id,
                             struct gf_master_keys *masters, struct gf_str request_id,
                             const struct gf_vault_caller *caller, int64_t *out_pending,
                             struct gf_error *err) {
    struct gf_arena arena;
    struct gf_vault_fingerprint fingerprint;
    struct gf_secret_request before;
    bool found = false;
    const bool of_one = scope == GF_VAULT_SCOPE_NAMESPACE && namespace_key > 0;
    const struct gf_secret_place place = {.namespace_key = of_one ? namespace_key : 0};
    struct gf_secret_change change = gf_vault__change(vault, GF_SECRET_CHANGE_KEYS_ROTATED, &place,
                                                      namespace_id, GF_STR(""), caller);
    change.version = (int64_t)scope;
    gf_vault__fingerprint_rotation(vault, scope, namespace_key, &fingerprint);
    if (!begin(vault)) {
        return fail_running(err);
    }
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    enum gf_code rc = gf_vault__find_request(vault, caller, request_id, &fingerprint, &arena,
                                             &before, &found, err);
    if (rc == GF_OK && found) {
        *out_pending = before.number;
        gf_master_keys_destroy(masters);
    } else if (rc == GF_OK) {
        struct rotation rotation = {
            .vault = vault,
            .change = &change,
            .request =
                {
                    .caller = caller->token_id,
                    .request_id = request_id,
                    .fingerprint = {(const char *)fingerprint.bytes, sizeof(fingerprint.bytes)},
                    .create_time = change.time,
                },
            .has_request_id = request_id.len != 0,
            .arena = &arena,
        };
        rc = rotate(&rotation, scope, namespace_key, masters, out_pending, err);
    }
    gf_arena_fini(&arena);
    end(vault);
    if (rc == GF_OK && !found) {
        gf_vault__changed(vault);
    }
    return rc;
}

/* ---- Sealed boxes ---- */

_Static_assert(sizeof(((struct gf_vault_sealing_key *)0)->key_id) == GF_SEALING_KEY_ID_BYTES, "id");

enum gf_code gf_vault_sealing_key(struct gf_vault *vault, struct gf_vault_sealing_key *out,
                                  struct gf_error *err) {
    struct gf_sealing_key key;
    GF_CLEANUP(gf_vault__ring_release_p) struct gf_vault_ring *ring = NULL;
    enum gf_code rc = gf_vault__ring_hold(vault, GF_SECRET_KEY_SEALING, GF_SECRET_KEY_GLOBAL,
                                          /* make= */ true, &ring, err);
    if (rc == GF_OK) {
        rc = gf_sealing_key_get(ring->ring, &key, err);
    }
    if (rc == GF_OK) {
        memcpy(out->key_id, key.key_id, sizeof(out->key_id));
        memcpy(out->public_key, key.public_key, sizeof(out->public_key));
    }
    return rc;
}

enum gf_code gf_vault_open_box(struct gf_vault *vault, struct gf_str key_id, struct gf_str box,
                               struct gf_secret_buffer *out, struct gf_error *err) {
    GF_CLEANUP(gf_vault__ring_release_p) struct gf_vault_ring *ring = NULL;
    const enum gf_code rc = gf_vault__ring_hold(vault, GF_SECRET_KEY_SEALING, GF_SECRET_KEY_GLOBAL,
                                                /* make= */ true, &ring, err);
    return rc == GF_OK ? gf_sealed_box_open(ring->ring, key_id, box, "value.sealed", out, err) : rc;
}
