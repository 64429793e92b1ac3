/*
 * Design: a keyring is opened from the store when it is first needed and kept. When the keys in the
 * store change, the ring is dropped: who holds it goes on with it, the next one opens it anew. Two
 * things make that safe:
 *
 * - Opening reads the keys without the mutex. A ring that was read while any ring was dropped might
 *   be one of those, so it is not kept but read again (`generation`).
 * - A ring that is held may have missed a new key, and so fail with GF_DATA_LOSS on a row that is
 *   right. Whoever reads holds the ring first and reads the row then, so that the ring has all keys
 *   older than the row; and where something does not open and the ring was dropped meanwhile, it
 *   tries again. Whoever writes is refused by the store where the key is gone (GF_ABORTED).
 */
#include "base/alloc.h"
#include "engine/secrets/vault_internal.h"

/* ---- Master keys ---- */

struct gf_vault_masters *gf_vault__masters_hold(struct gf_vault *vault) {
    GF_MUTEX_GUARD(&vault->mutex);
    vault->masters->user_count++;
    return vault->masters;
}

void gf_vault__masters_release(struct gf_vault *vault, struct gf_vault_masters *masters) {
    gf_mutex_lock(&vault->mutex);
    const bool last = --masters->user_count == 0;
    gf_mutex_unlock(&vault->mutex);
    if (last) {
        gf_master_keys_destroy(masters->keys);
        free(masters);
    }
}

void gf_vault__masters_replace(struct gf_vault *vault, struct gf_master_keys *keys) {
    struct gf_vault_masters *masters = GF_NEW(struct gf_vault_masters);
    *masters = (struct gf_vault_masters){keys, 1};
    gf_mutex_lock(&vault->mutex);
    struct gf_vault_masters *before = vault->masters;
    vault->masters = masters;
    gf_mutex_unlock(&vault->mutex);
    if (before != NULL) {
        gf_vault__masters_release(vault, before);
    }
}

/* ---- The cache ---- */

static void ring_free(struct gf_vault_ring *ring) {
    gf_keyring_destroy(ring->ring);
    free(ring);
}

/* The index of the ring in the cache; the count where it is not there. The mutex is held. */
static size_t find(const struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                   int64_t namespace_key) {
    size_t i = 0;
    while (i < vault->rings.count && !(vault->rings.items[i]->purpose == purpose &&
                                       vault->rings.items[i]->namespace_key == namespace_key)) {
        i++;
    }
    return i;
}

static struct gf_vault_ring *hold_known(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                        int64_t namespace_key, uint64_t *out_generation) {
    GF_MUTEX_GUARD(&vault->mutex);
    const size_t index = find(vault, purpose, namespace_key);
    *out_generation = vault->generation;
    if (index == vault->rings.count) {
        return NULL;
    }
    struct gf_vault_ring *ring = vault->rings.items[index];
    ring->user_count++;
    ring->last_use = ++vault->use_count;
    return ring;
}

/* Takes the ring out of the cache that has been unused for longest. The mutex is held. */
static struct gf_vault_ring *evict(struct gf_vault *vault) {
    size_t oldest = vault->rings.count;
    for (size_t i = 0; i < vault->rings.count; i++) {
        const struct gf_vault_ring *ring = vault->rings.items[i];
        if (ring->user_count == 0 && (oldest == vault->rings.count ||
                                      ring->last_use < vault->rings.items[oldest]->last_use)) {
            oldest = i;
        }
    }
    if (oldest == vault->rings.count) {
        return NULL;
    }
    struct gf_vault_ring *evicted = vault->rings.items[oldest];
    gf_vec_remove_swap(&vault->rings, oldest);
    return evicted;
}

/* Puts an opened ring into the cache, held. NULL where it may be an old one, or is there by now. */
static struct gf_vault_ring *keep(struct gf_vault *vault, struct gf_keyring *opened,
                                  uint64_t generation) {
    struct gf_vault_ring *ring = GF_NEW(struct gf_vault_ring);
    struct gf_vault_ring *evicted = NULL;
    *ring = (struct gf_vault_ring){
        .vault = vault,
        .ring = opened,
        .purpose = gf_keyring_purpose(opened),
        .namespace_key = gf_keyring_namespace_key(opened),
        .user_count = 1,
    };
    gf_mutex_lock(&vault->mutex);
    const bool kept = vault->generation == generation &&
                      find(vault, ring->purpose, ring->namespace_key) == vault->rings.count;
    if (kept) {
        ring->last_use = ++vault->use_count;
        evicted = vault->rings.count >= GF_VAULT_RINGS_MAX ? evict(vault) : NULL;
        gf_vec_push(&vault->rings, ring);
    }
    gf_mutex_unlock(&vault->mutex);
    if (evicted != NULL) {
        ring_free(evicted);
    }
    if (!kept) {
        ring_free(ring);
        return NULL;
    }
    return ring;
}

/* Opens the keys that are in the store; *out NULL where there are none. */
static enum gf_code open_ring(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                              int64_t namespace_key, struct gf_keyring **out,
                              struct gf_error *err) {
    struct gf_arena arena;
    struct gf_secret_key *rows = NULL;
    size_t count = 0;
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    enum gf_code rc = vault->store->ops->list_keys(vault->store, purpose, namespace_key, &arena,
                                                   &rows, &count, err);
    if (rc == GF_OK && count == 0) {
        *out = NULL;
    } else if (rc == GF_OK) {
        struct gf_vault_masters *masters = gf_vault__masters_hold(vault);
        rc = gf_keyring_create(masters->keys, purpose, namespace_key, rows, count, out, err);
        gf_vault__masters_release(vault, masters);
    }
    gf_arena_fini(&arena);
    return rc;
}

static bool has_changed(struct gf_vault *vault, uint64_t generation) {
    GF_MUTEX_GUARD(&vault->mutex);
    return vault->generation != generation;
}

enum gf_code gf_vault__ring_hold(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                 int64_t namespace_key, bool make, struct gf_vault_ring **out,
                                 struct gf_error *err) {
    for (int tries = 0; tries < GF_VAULT_TRIES_MAX; tries++) {
        uint64_t generation = 0;
        struct gf_keyring *opened = NULL;
        struct gf_vault_ring *ring = hold_known(vault, purpose, namespace_key, &generation);
        if (ring != NULL) {
            *out = ring;
            return GF_OK;
        }
        gf_counter_add(&vault->ring_opens, 1);
        enum gf_code rc = open_ring(vault, purpose, namespace_key, &opened, err);
        if (rc != GF_OK && !has_changed(vault, generation)) {
            return rc;
        }
        if (rc == GF_OK && opened == NULL && !make) {
            *out = NULL;
            return GF_OK;
        }
        if (rc == GF_OK && opened == NULL) {
            rc = gf_vault__next_key(vault, purpose, namespace_key, NULL, NULL, err);
            if (rc != GF_OK) {
                return rc;
            }
        } else if (rc == GF_OK) {
            ring = keep(vault, opened, generation);
        }
        if (ring != NULL) {
            *out = ring;
            return GF_OK;
        }
    }
    return gf_fail(err, GF_ABORTED, "the data keys change all the time; try again");
}

void gf_vault__ring_release(struct gf_vault_ring *ring) {
    if (ring == NULL) {
        return;
    }
    struct gf_vault *vault = ring->vault;
    gf_mutex_lock(&vault->mutex);
    const bool last = --ring->user_count == 0 && ring->dropped;
    gf_mutex_unlock(&vault->mutex);
    if (last) {
        ring_free(ring);
    }
}

void gf_vault__ring_release_p(struct gf_vault_ring **ring) {
    gf_vault__ring_release(*ring);
}

bool gf_vault__ring_is_dropped(struct gf_vault_ring *ring) {
    GF_MUTEX_GUARD(&ring->vault->mutex);
    return ring->dropped;
}

void gf_vault__ring_drop(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                         int64_t namespace_key) {
    struct gf_vault_ring *unused = NULL;
    gf_mutex_lock(&vault->mutex);
    const size_t index = find(vault, purpose, namespace_key);
    vault->generation++;
    if (index != vault->rings.count) {
        struct gf_vault_ring *ring = vault->rings.items[index];
        ring->dropped = true;
        unused = ring->user_count == 0 ? ring : NULL;
        gf_vec_remove_swap(&vault->rings, index);
    }
    gf_mutex_unlock(&vault->mutex);
    if (unused != NULL) {
        ring_free(unused);
    }
}

void gf_vault__rings_free(struct gf_vault *vault) {
    for (size_t i = 0; i < vault->rings.count; i++) {
        gf_assert(vault->rings.items[i]->user_count == 0);
        ring_free(vault->rings.items[i]);
    }
    gf_vec_fini(&vault->rings);
}

/* ---- Making keys ---- */

static enum gf_code try_next_key(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                 int64_t namespace_key, const struct gf_secret_change *change,
                                 const struct gf_secret_request *request, struct gf_arena *arena,
                                 struct gf_error *err) {
    struct gf_secret_store *store = vault->store;
    struct gf_secret_key *rows = NULL;
    struct gf_secret_key row;
    size_t count = 0;
    enum gf_code rc =
        store->ops->list_keys(store, purpose, namespace_key, arena, &rows, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_vault_masters *masters = gf_vault__masters_hold(vault);
    rc = gf_secret_key_create(masters->keys, purpose, namespace_key, rows, count,
                              gf_clock_wall_ns(vault->options.clock), arena, &row, err);
    gf_vault__masters_release(vault, masters);
    return rc == GF_OK ? store->ops->put_key(store, &row, change, request, err) : rc;
}

enum gf_code gf_vault__next_key(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                int64_t namespace_key, const struct gf_secret_change *change,
                                const struct gf_secret_request *request, struct gf_error *err) {
    const bool is_first = change == NULL && request == NULL;
    struct gf_arena arena;
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    enum gf_code rc = GF_ABORTED;
    for (int tries = 0; tries < GF_VAULT_TRIES_MAX && rc == GF_ABORTED; tries++) {
        gf_arena_reset(&arena);
        rc = try_next_key(vault, purpose, namespace_key, change, request, &arena, err);
        if (rc == GF_ABORTED && is_first) {
            /* Somebody else has made it: that is as good. */
            rc = GF_OK;
        }
    }
    gf_arena_fini(&arena);
    /* Also where the answer of the store was lost: the key may be there. */
    gf_vault__ring_drop(vault, purpose, namespace_key);
    return rc;
}

enum gf_code gf_vault__server_secret(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                     enum gf_data_key_use use, unsigned char **out,
                                     struct gf_error *err) {
    struct gf_vault_ring *ring = NULL;
    enum gf_code rc =
        gf_vault__ring_hold(vault, purpose, GF_SECRET_KEY_GLOBAL, /* make= */ true, &ring, err);
    if (rc == GF_OK) {
        rc = gf_keyring_derive(ring->ring, gf_keyring_active(ring->ring), use, out, err);
        gf_vault__ring_release(ring);
        gf_vault__ring_drop(vault, purpose, GF_SECRET_KEY_GLOBAL);
    }
    return rc;
}
