/*
 * Encrypting anew, in portions: data keys that an older master key wraps, then, namespace by
 * namespace, the values and marks under older data keys, and last the keys that nothing lies under
 * any more. What is to be done is read from the store each time: a crash between any two steps
 * leaves work to do and nothing broken.
 *
 * What does not open cannot be encrypted anew, and is left as it is: its key stays. It must not
 * keep the rest from being done, so a pass counts it, asks the store for as much more, since it
 * comes first again, and says at its end that there was some.
 */
#include "engine/secrets/seal.h"
#include "engine/secrets/vault_internal.h"

#include <inttypes.h>

/* What one portion works with. */
struct portion {
    struct gf_vault *vault;
    struct gf_secret_store *store;
    struct gf_vault_pass *pass;
    struct gf_arena arena;
    bool changed; /* something was changed by others meanwhile: look again */
};

/*
 * What to make of the code of one item: GF_OK to go on. *damaged counts it where it does not open.
 */
static enum gf_code judge(struct portion *portion, enum gf_code rc, size_t *damaged,
                          const struct gf_error *err) {
    if (rc == GF_ABORTED) {
        portion->changed = true;
        return GF_OK;
    }
    if (rc == GF_DATA_LOSS || rc == GF_FAILED_PRECONDITION) {
        (*damaged)++;
        if (portion->pass->first.code == GF_OK) {
            portion->pass->first = *err;
        }
        return GF_OK;
    }
    return rc;
}

/* ---- Data keys ---- */

static enum gf_code rewrap(struct portion *portion, struct gf_master_keys *masters, bool *out_more,
                           struct gf_error *err) {
    struct gf_secret_store *store = portion->store;
    struct gf_secret_key *keys = NULL;
    struct gf_error failed = {0};
    const size_t limit = portion->pass->keys_skipped + GF_VAULT_KEYS_PER_PORTION;
    size_t damaged = 0;
    size_t count = 0;
    enum gf_code rc = store->ops->list_keys_not_wrapped_by(
        store, gf_master_keys_id(masters, 0), limit, &portion->arena, &keys, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        struct gf_secret_key wrapped;
        bool differs = false;
        rc = gf_secret_key_rewrap(masters, &keys[i], &portion->arena, &wrapped, &differs, &failed);
        if (rc == GF_OK) {
            rc = store->ops->replace_key(store, &keys[i], &wrapped, &failed);
        }
        rc = judge(portion, rc, &damaged, &failed);
    }
    if (rc != GF_OK) {
        *err = failed;
        return rc;
    }
    portion->pass->keys_skipped = damaged;
    *out_more = count == limit || portion->changed;
    return GF_OK;
}

/* ---- Values and marks of a namespace ---- */

static enum gf_code reseal_value(struct portion *portion, struct gf_keyring *ring,
                                 const struct gf_secret_value_row *row, struct gf_error *err) {
    struct gf_secret_version sealed;
    bool differs = false;
    const enum gf_code rc =
        gf_secret_reseal(ring, &row->place, &row->version, &portion->arena, &sealed, &differs, err);
    if (rc != GF_OK || !differs) {
        return rc;
    }
    return portion->store->ops->replace_value(portion->store, &row->place, &row->version, &sealed,
                                              err);
}

static enum gf_code mark_anew(struct portion *portion, struct gf_keyring *ring,
                              const struct gf_secret *secret, struct gf_error *err) {
    struct gf_str mark = {0};
    /* Only what was right is marked: else a forged secret would become a good one. */
    enum gf_code rc = gf_secret_check_mark(ring, secret, NULL, err);
    if (rc == GF_OK) {
        rc = gf_secret_mark(ring, secret, &portion->arena, &mark, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    return portion->store->ops->replace_mark(portion->store, &secret->place, secret->mark, mark,
                                             err);
}

static enum gf_code reseal_values(struct portion *portion, int64_t namespace_key,
                                  struct gf_keyring *ring, bool *out_more, struct gf_error *err) {
    struct gf_secret_store *store = portion->store;
    struct gf_secret_value_row *rows = NULL;
    struct gf_error failed = {0};
    const size_t limit = portion->pass->values_skipped + GF_VAULT_VALUES_PER_PORTION;
    size_t damaged = 0;
    size_t count = 0;
    enum gf_code rc = store->ops->list_values_below(store, namespace_key, gf_keyring_active(ring),
                                                    limit, &portion->arena, &rows, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        rc = reseal_value(portion, ring, &rows[i], &failed);
        rc = judge(portion, rc, &damaged, &failed);
    }
    if (rc != GF_OK) {
        *err = failed;
        return rc;
    }
    portion->pass->values_skipped = damaged;
    *out_more = count == limit || portion->changed;
    return GF_OK;
}

static enum gf_code renew_marks(struct portion *portion, int64_t namespace_key,
                                struct gf_keyring *ring, bool *out_more, struct gf_error *err) {
    struct gf_secret_store *store = portion->store;
    struct gf_secret *secrets = NULL;
    struct gf_error failed = {0};
    const size_t limit = portion->pass->marks_skipped + GF_VAULT_VALUES_PER_PORTION;
    size_t damaged = 0;
    size_t count = 0;
    enum gf_code rc = store->ops->list_marks_below(store, namespace_key, gf_keyring_active(ring),
                                                   limit, &portion->arena, &secrets, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        rc = mark_anew(portion, ring, &secrets[i], &failed);
        rc = judge(portion, rc, &damaged, &failed);
    }
    if (rc != GF_OK) {
        *err = failed;
        return rc;
    }
    portion->pass->marks_skipped = damaged;
    *out_more = count == limit || portion->changed;
    return GF_OK;
}

/* ---- Keys that nothing lies under ---- */

/* Removes those of the RETIRED keys that can go. `before` is for SEALING: made before that time. */
static enum gf_code remove_keys(struct portion *portion, enum gf_secret_key_purpose purpose,
                                int64_t namespace_key, int64_t before, struct gf_error *err) {
    struct gf_secret_store *store = portion->store;
    struct gf_secret_key *keys = NULL;
    size_t count = 0;
    bool removed = false;
    enum gf_code rc =
        store->ops->list_keys(store, purpose, namespace_key, &portion->arena, &keys, &count, err);
    for (size_t i = 0; rc == GF_OK && i + 1 < count; i++) {
        /* A key was in use until the next one was made. */
        if (keys[i].state != GF_SECRET_KEY_RETIRED || keys[i + 1].create_time > before) {
            continue;
        }
        rc = store->ops->remove_key(store, purpose, namespace_key, keys[i].number, err);
        removed = removed || rc == GF_OK;
        if (rc == GF_FAILED_PRECONDITION || rc == GF_NOT_FOUND) {
            rc = GF_OK;
        }
    }
    if (removed) {
        gf_vault__ring_drop(portion->vault, purpose, namespace_key);
    }
    return rc;
}

/* ---- Portions ---- */

static enum gf_code renew_namespace(struct portion *portion, int64_t namespace_key,
                                    struct gf_error *err) {
    GF_CLEANUP(gf_vault__ring_release_p) struct gf_vault_ring *ring = NULL;
    bool more = false;
    enum gf_code rc = gf_vault__ring_hold(portion->vault, GF_SECRET_KEY_VALUES, namespace_key,
                                          /* make= */ false, &ring, err);
    if (rc == GF_DATA_LOSS || rc == GF_FAILED_PRECONDITION) {
        /* Nothing of this namespace opens: on with the next one. */
        rc = judge(portion, rc, &portion->pass->values_skipped, err);
    }
    if (rc == GF_OK && ring != NULL) {
        rc = reseal_values(portion, namespace_key, ring->ring, &more, err);
        if (rc == GF_OK && !more) {
            rc = renew_marks(portion, namespace_key, ring->ring, &more, err);
        }
        if (rc == GF_OK && !more) {
            rc = remove_keys(portion, GF_SECRET_KEY_VALUES, namespace_key, INT64_MAX, err);
        }
    }
    if (rc == GF_OK && !more) {
        portion->pass->after_namespace_key = namespace_key;
        portion->pass->damaged += portion->pass->values_skipped + portion->pass->marks_skipped;
        portion->pass->values_skipped = 0;
        portion->pass->marks_skipped = 0;
    }
    return rc;
}

/* The last portion: the next call begins anew. */
static enum gf_code end_pass(struct portion *portion, struct gf_error *err) {
    struct gf_vault *vault = portion->vault;
    const int64_t now = gf_clock_wall_ns(vault->options.clock);
    const enum gf_code rc = remove_keys(portion, GF_SECRET_KEY_SEALING, GF_SECRET_KEY_GLOBAL,
                                        now - GF_VAULT_SEALING_KEEP_NS, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_vault_pass done = *portion->pass;
    *portion->pass = (struct gf_vault_pass){.after_namespace_key = -1};
    gf_mutex_lock(&vault->mutex);
    vault->values_pending = false;
    gf_mutex_unlock(&vault->mutex);
    const size_t damaged = done.keys_skipped + done.damaged;
    if (damaged == 0) {
        return GF_OK;
    }
    return gf_fail(err, GF_DATA_LOSS,
                   "%zu keys, values or marks do not open and stay under older keys; the first: %s",
                   damaged, done.first.message);
}

static enum gf_code renew(struct portion *portion, bool *out_more, struct gf_error *err) {
    struct gf_secret_store *store = portion->store;
    int64_t *namespaces = NULL;
    size_t count = 0;
    bool more = false;
    struct gf_vault_masters *masters = gf_vault__masters_hold(portion->vault);
    enum gf_code rc = rewrap(portion, masters->keys, &more, err);
    gf_vault__masters_release(portion->vault, masters);
    if (rc != GF_OK || more) {
        *out_more = more;
        return rc;
    }
    rc = store->ops->list_key_namespaces(store, GF_SECRET_KEY_VALUES, /* retired_only= */ true,
                                         portion->pass->after_namespace_key, 1, &portion->arena,
                                         &namespaces, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    *out_more = count != 0;
    return count != 0 ? renew_namespace(portion, namespaces[0], err) : end_pass(portion, err);
}

enum gf_code gf_vault_reencrypt(struct gf_vault *vault, bool *out_more, struct gf_error *err) {
    struct portion portion = {.vault = vault, .store = vault->store, .pass = &vault->pass};
    bool more = false;
    gf_mutex_lock(&vault->mutex);
    const bool busy = vault->reencrypting;
    vault->reencrypting = true;
    gf_mutex_unlock(&vault->mutex);
    if (busy) {
        *out_more = false;
        return GF_OK;
    }
    gf_arena_init(&portion.arena, GF_VAULT_PORTION_BYTES_MAX);
    const enum gf_code rc = renew(&portion, &more, err);
    gf_arena_fini(&portion.arena);
    gf_mutex_lock(&vault->mutex);
    vault->reencrypting = false;
    gf_mutex_unlock(&vault->mutex);
    if (rc == GF_OK) {
        *out_more = more;
    }
    return rc;
}
