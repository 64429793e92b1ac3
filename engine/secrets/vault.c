/* Opening and closing the vault, and what reads and removes secrets. */
#include "engine/secrets/vault.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "engine/secrets/seal.h"
#include "engine/secrets/vault_internal.h"

/* ---- Opening and closing ---- */

/* Whether the master keys are there that wrap what is in the store. */
static enum gf_code check_masters(struct gf_vault *vault, struct gf_error *err) {
    struct gf_arena arena;
    struct gf_secret_master_use *uses = NULL;
    size_t count = 0;
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    enum gf_code rc = vault->store->ops->list_master_keys(vault->store, &arena, &uses, &count, err);
    for (size_t i = 0; rc == GF_OK && i < count; i++) {
        const struct gf_str id = uses[i].master_key_id;
        if (!gf_master_keys_find(vault->masters->keys, id, &(size_t){0})) {
            const bool printable =
                id.len < GF_MASTER_KEY_ID_BYTES && gf_identifier_check(id, "", NULL) == GF_OK;
            const struct gf_str shown = printable ? id : GF_STR("?");
            rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "MASTER_KEY_MISSING",
                                "the secrets are encrypted with the master key '%" GF_STR_FMT
                                "', which is not among those of the service: add it behind the "
                                "newest one",
                                GF_STR_ARG(shown));
        }
    }
    gf_arena_fini(&arena);
    return rc;
}

enum gf_code gf_vault__find_pending(struct gf_vault *vault, struct gf_error *err) {
    struct gf_arena arena;
    int64_t *namespaces = NULL;
    size_t count = 0;
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    const enum gf_code rc = vault->store->ops->list_key_namespaces(
        vault->store, GF_SECRET_KEY_VALUES, /* retired_only= */ true, -1, 1, &arena, &namespaces,
        &count, err);
    if (rc == GF_OK) {
        gf_mutex_lock(&vault->mutex);
        vault->values_pending = count != 0;
        gf_mutex_unlock(&vault->mutex);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code open_all(struct gf_vault *vault, struct gf_error *err) {
    enum gf_code rc = check_masters(vault, err);
    if (rc == GF_OK) {
        rc = gf_vault__server_secret(vault, GF_SECRET_KEY_RUN_TOKENS, GF_DATA_KEY_RUN_TOKEN,
                                     &vault->run_token_secret, err);
    }
    if (rc == GF_OK) {
        rc = gf_vault__server_secret(vault, GF_SECRET_KEY_REQUESTS, GF_DATA_KEY_FINGERPRINT,
                                     &vault->fingerprint_key, err);
    }
    if (rc == GF_OK) {
        rc = gf_vault__load_settings_key(vault, err);
    }
    struct gf_vault_ring *sealing = NULL;
    if (rc == GF_OK) {
        rc = gf_vault__ring_hold(vault, GF_SECRET_KEY_SEALING, GF_SECRET_KEY_GLOBAL,
                                 /* make= */ true, &sealing, err);
        gf_vault__ring_release(sealing);
    }
    return rc == GF_OK ? gf_vault__find_pending(vault, err) : rc;
}

static void wipe(struct gf_vault *vault) {
    gf_vault__rings_free(vault);
    gf_guarded_free(vault->run_token_secret);
    gf_guarded_free(vault->fingerprint_key);
    gf_guarded_fini(&vault->settings_key);
    gf_vec_fini(&vault->uses);
    gf_mutex_fini(&vault->mutex);
    free(vault);
}

enum gf_code gf_vault_create(const struct gf_vault_options *options, struct gf_vault **out_vault,
                             struct gf_error *err) {
    gf_assert(gf_master_keys_count(options->masters) > 0);
    struct gf_vault *vault = GF_NEW(struct gf_vault);
    vault->options = *options;
    vault->store = options->store;
    vault->pass.after_namespace_key = -1;
    gf_mutex_init(&vault->mutex, GF_RANK_SECRETS);
    gf_vault__masters_replace(vault, options->masters);
    const enum gf_code rc = open_all(vault, err);
    if (rc != GF_OK) {
        /* The master keys stay the caller's. */
        free(vault->masters);
        wipe(vault);
        return rc;
    }
    *out_vault = vault;
    return GF_OK;
}

void gf_vault_destroy(struct gf_vault *vault) {
    if (vault == NULL) {
        return;
    }
    gf_vault__masters_release(vault, vault->masters);
    wipe(vault);
}

/* ---- Records ---- */

void gf_vault__changed(struct gf_vault *vault) {
    if (vault->options.changed != NULL) {
        vault->options.changed(vault->options.ctx);
    }
}

static struct gf_str clip(struct gf_str text) {
    if (text.len > GF_SECRET_CHANGE_TEXT_BYTES_MAX) {
        text.len = GF_SECRET_CHANGE_TEXT_BYTES_MAX;
        while (text.len > 0 && !gf_utf8_valid(text)) {
            text.len--;
        }
    }
    return text;
}

struct gf_secret_change gf_vault__change(const struct gf_vault *vault,
                                         enum gf_secret_change_kind kind,
                                         const struct gf_secret_place *place,
                                         struct gf_str namespace_id, struct gf_str pipeline_id,
                                         const struct gf_vault_caller *caller) {
    return (struct gf_secret_change){
        .kind = kind,
        .place = *place,
        .namespace_id = clip(namespace_id),
        .pipeline_id = clip(pipeline_id),
        .time = gf_clock_wall_ns(vault->options.clock),
        .user = clip(caller->user),
        .address = clip(caller->peer),
        .token_id = clip(caller->token_id),
    };
}

enum gf_code gf_vault_list_changes(struct gf_vault *vault, int64_t after_sequence, size_t limit,
                                   struct gf_arena *arena, struct gf_secret_change **out_items,
                                   size_t *out_count, struct gf_error *err) {
    return vault->store->ops->list_changes(vault->store, after_sequence, limit, arena, out_items,
                                           out_count, err);
}

enum gf_code gf_vault_forget_changes(struct gf_vault *vault, int64_t up_to_sequence,
                                     struct gf_error *err) {
    return vault->store->ops->forget_changes(vault->store, up_to_sequence, err);
}

/* ---- Reading ---- */

enum gf_code gf_vault__fail_missing(struct gf_str key, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "secret '%" GF_STR_FMT "' not found", GF_STR_ARG(key));
}

/* The ring is held; NULL: there is no key at all. */
static enum gf_code read_with(struct gf_vault *vault, struct gf_vault_ring *ring,
                              const struct gf_secret_place *place, int64_t version,
                              const struct gf_vault_user *user, struct gf_secret_buffer *out,
                              int64_t *out_version, struct gf_error *err) {
    struct gf_arena arena;
    struct gf_secret secret;
    struct gf_secret_version row;
    gf_arena_init(&arena, GF_VAULT_ROW_BYTES_MAX);
    enum gf_code rc =
        vault->store->ops->get(vault->store, place, version, &arena, &secret, &row, err);
    if (rc == GF_OK && ring == NULL) {
        rc = gf_fail(err, GF_DATA_LOSS, "secret '%" GF_STR_FMT "': its data keys are gone",
                     GF_STR_ARG(place->key));
    }
    if (rc == GF_OK) {
        /* What was asked for counts, not what the row says of its place. */
        secret.place = *place;
        rc = gf_secret_check_mark(ring->ring, &secret, NULL, err);
    }
    if (rc == GF_OK && user != NULL &&
        !gf_secret_usable_in(&secret, user->namespace_key, user->namespace_id)) {
        rc = gf_vault__fail_missing(place->key, err);
    }
    if (rc == GF_OK) {
        rc = gf_secret_check_version(&secret, &row, err);
    }
    if (rc == GF_OK) {
        const int64_t wanted = version == 0 ? secret.latest_version : version;
        rc = gf_secret_open(ring->ring, place, wanted, &row, out, err);
        if (rc == GF_OK) {
            *out_version = wanted;
        }
    }
    gf_arena_fini(&arena);
    return rc;
}

enum gf_code gf_vault__read(struct gf_vault *vault, const struct gf_secret_place *place,
                            int64_t version, const struct gf_vault_user *user,
                            struct gf_secret_buffer *out, int64_t *out_version,
                            struct gf_error *err) {
    bool had_no_key = false;
    for (int tries = 0; tries < GF_VAULT_TRIES_MAX; tries++) {
        struct gf_vault_ring *ring = NULL;
        enum gf_code rc = gf_vault__ring_hold(vault, GF_SECRET_KEY_VALUES, place->namespace_key,
                                              /* make= */ false, &ring, err);
        if (rc != GF_OK) {
            return rc;
        }
        rc = read_with(vault, ring, place, version, user, out, out_version, err);
        /* Between the two the first secret may have come, with its key. */
        const bool changed = ring == NULL ? !had_no_key : gf_vault__ring_is_dropped(ring);
        const bool again = rc == GF_DATA_LOSS && changed;
        had_no_key = ring == NULL;
        gf_vault__ring_release(ring);
        if (!again) {
            gf_counter_add(&vault->values_opened, rc == GF_OK);
            gf_counter_add(&vault->failures, rc != GF_OK && rc != GF_NOT_FOUND);
            return rc;
        }
    }
    return gf_fail(err, GF_ABORTED, "the data keys change all the time; try again");
}

enum gf_code gf_vault_get(struct gf_vault *vault, const struct gf_secret_place *place,
                          struct gf_arena *arena, struct gf_secret *out_secret,
                          struct gf_secret_version **out_versions, size_t *out_count,
                          struct gf_error *err) {
    struct gf_secret_store *store = vault->store;
    struct gf_secret secret;
    const enum gf_code rc = store->ops->get(store, place, 0, arena, &secret, NULL, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (out_versions != NULL) {
        const enum gf_code listed =
            store->ops->list_versions(store, place, arena, out_versions, out_count, err);
        if (listed != GF_OK) {
            return listed;
        }
    }
    *out_secret = secret;
    return GF_OK;
}

enum gf_code gf_vault_list(struct gf_vault *vault, int64_t namespace_key, int64_t pipeline_key,
                           struct gf_str after_key, size_t limit, struct gf_arena *arena,
                           struct gf_secret **out_items, size_t *out_count, struct gf_error *err) {
    return vault->store->ops->list(vault->store, namespace_key, pipeline_key, after_key, limit,
                                   arena, out_items, out_count, err);
}

enum gf_code gf_vault_list_places(struct gf_vault *vault, const struct gf_secret_place *after,
                                  size_t limit, struct gf_arena *arena,
                                  struct gf_secret_place **out_items, size_t *out_count,
                                  struct gf_error *err) {
    return vault->store->ops->list_places(vault->store, after, limit, arena, out_items, out_count,
                                          err);
}

enum gf_code gf_vault_reveal(struct gf_vault *vault, const struct gf_secret_place *place,
                             int64_t version, struct gf_str namespace_id, struct gf_str pipeline_id,
                             const struct gf_vault_caller *caller, struct gf_secret_buffer *out,
                             int64_t *out_version, struct gf_error *err) {
    if (version < 0) {
        return gf_fail_field(err, "version", "the version is negative");
    }
    const size_t before = out->len;
    int64_t revealed = 0;
    enum gf_code rc = gf_vault__read(vault, place, version, NULL, out, &revealed, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_secret_change change = gf_vault__change(vault, GF_SECRET_CHANGE_REVEALED, place,
                                                      namespace_id, pipeline_id, caller);
    change.version = revealed;
    rc = vault->store->ops->record(vault->store, &change, NULL, err);
    if (rc != GF_OK) {
        gf_secret_buffer_truncate(out, before);
        return rc;
    }
    *out_version = revealed;
    gf_vault__changed(vault);
    return GF_OK;
}

/* ---- Removing ---- */

enum gf_code gf_vault_remove(struct gf_vault *vault, const struct gf_secret_place *place,
                             struct gf_str namespace_id, struct gf_str pipeline_id,
                             const struct gf_vault_caller *caller, struct gf_error *err) {
    const struct gf_secret_change change =
        gf_vault__change(vault, GF_SECRET_CHANGE_DELETED, place, namespace_id, pipeline_id, caller);
    const enum gf_code rc = vault->store->ops->remove(vault->store, place, &change, err);
    if (rc == GF_OK) {
        gf_vault__changed(vault);
    }
    return rc;
}

enum gf_code gf_vault_remove_pipeline(struct gf_vault *vault, int64_t namespace_key,
                                      int64_t pipeline_key, struct gf_error *err) {
    return vault->store->ops->remove_pipeline(vault->store, namespace_key, pipeline_key, err);
}

enum gf_code gf_vault_remove_namespace(struct gf_vault *vault, int64_t namespace_key,
                                       struct gf_error *err) {
    const enum gf_code rc = vault->store->ops->remove_namespace(vault->store, namespace_key, err);
    gf_vault__ring_drop(vault, GF_SECRET_KEY_VALUES, namespace_key);
    return rc;
}
