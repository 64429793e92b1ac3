/* Values for tasks and subscriptions, and what is noted of their use. */
#include "engine/secrets/vault_internal.h"

#include <string.h>

/* ---- Notes ---- */

/* The mutex is held. */
static struct gf_vault_use *find_use(struct gf_vault *vault, const struct gf_secret_place *place) {
    for (size_t i = 0; i < vault->uses.count; i++) {
        struct gf_vault_use *use = &vault->uses.items[i];
        if (use->namespace_key == place->namespace_key &&
            use->pipeline_key == place->pipeline_key && use->key_len == place->key.len &&
            memcmp(use->key, place->key.ptr, use->key_len) == 0) {
            return use;
        }
    }
    return NULL;
}

static void note(struct gf_vault *vault, const struct gf_secret_place *place, int64_t time) {
    GF_MUTEX_GUARD(&vault->mutex);
    struct gf_vault_use *use = find_use(vault, place);
    if (use != NULL) {
        use->time = time > use->time ? time : use->time;
        return;
    }
    if (vault->uses.count >= GF_VAULT_USES_MAX || place->key.len > sizeof(use->key)) {
        return;
    }
    use = gf_vec_push_zeroed(&vault->uses);
    use->namespace_key = place->namespace_key;
    use->pipeline_key = place->pipeline_key;
    use->time = time;
    use->key_len = place->key.len;
    memcpy(use->key, place->key.ptr, place->key.len);
}

enum gf_code gf_vault_flush_uses(struct gf_vault *vault, struct gf_error *err) {
    gf_mutex_lock(&vault->mutex);
    struct gf_vault_uses noted = vault->uses;
    vault->uses = (struct gf_vault_uses){0};
    gf_mutex_unlock(&vault->mutex);
    if (noted.count == 0) {
        return GF_OK;
    }
    GF_VEC(struct gf_secret_use) uses = {0};
    for (size_t i = 0; i < noted.count; i++) {
        const struct gf_vault_use *use = &noted.items[i];
        const struct gf_secret_use row = {
            {use->namespace_key, use->pipeline_key, {use->key, use->key_len}}, use->time};
        gf_vec_push(&uses, row);
    }
    const enum gf_code rc = vault->store->ops->touch(vault->store, uses.items, uses.count, err);
    for (size_t i = 0; rc != GF_OK && i < uses.count; i++) {
        note(vault, &uses.items[i].place, uses.items[i].time);
    }
    gf_vec_fini(&uses);
    gf_vec_fini(&noted);
    return rc;
}

/* ---- Values ---- */

enum gf_code gf_vault_resolve(struct gf_vault *vault, const struct gf_vault_user *user,
                              enum gf_reference_kind kind, struct gf_str key,
                              struct gf_secret_buffer *out, struct gf_error *err) {
    gf_assert(kind == GF_REFERENCE_PIPELINE_SECRET || kind == GF_REFERENCE_GLOBAL_SECRET);
    struct gf_secret_place place = {.key = key};
    int64_t version = 0;
    if (user == NULL && kind != GF_REFERENCE_GLOBAL_SECRET) {
        return gf_vault__fail_missing(key, err);
    }
    if (kind == GF_REFERENCE_PIPELINE_SECRET) {
        place.namespace_key = user->namespace_key;
        place.pipeline_key = user->pipeline_key;
    }
    const enum gf_code rc = gf_vault__read(vault, &place, 0, user, out, &version, err);
    if (rc == GF_OK) {
        note(vault, &place, gf_clock_wall_ns(vault->options.clock));
    }
    return rc;
}

/* ---- Figures ---- */

void gf_vault_stats(struct gf_vault *vault, struct gf_vault_stats *out) {
    *out = (struct gf_vault_stats){
        .keyrings_limit = GF_VAULT_RINGS_MAX,
        .keyring_opens_total = gf_counter_read(&vault->ring_opens),
        .uses_limit = GF_VAULT_USES_MAX,
        .values_opened_total = gf_counter_read(&vault->values_opened),
        .values_sealed_total = gf_counter_read(&vault->values_sealed),
        .failures_total = gf_counter_read(&vault->failures),
    };
    GF_MUTEX_GUARD(&vault->mutex);
    out->keyrings = vault->rings.count;
    out->uses = vault->uses.count;
}
