/* Encrypting anew: what lies under older keys. */
#include "engine/secrets/memory/memory_internal.h"
#include "engine/secrets/seal.h"

enum {
    ROW_BYTES_MAX = 1 << 20,
};

enum gf_code gf_memory_secret__list_values_below(struct gf_secret_store *base,
                                                 int64_t namespace_key, int64_t number,
                                                 size_t limit, struct gf_arena *arena,
                                                 struct gf_secret_value_row **out_items,
                                                 size_t *out_count,
                                                 GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_value_row *items = GF_ARENA_ARRAY(
        arena, store->secrets.count * GF_SECRET_VERSIONS_MAX, struct gf_secret_value_row);
    size_t count = 0;
    for (size_t i = 0; i < store->secrets.count; i++) {
        const struct secret_row *row = store->secrets.items[i];
        for (size_t v = 0; v < row->version_count && count < limit; v++) {
            const struct gf_secret_version *version = &row->versions[v]->version;
            if (row->secret.place.namespace_key == namespace_key && version->key_number < number) {
                struct gf_secret secret;
                gf_memory_secret__copy(&row->secret, arena, &secret);
                items[count].place = secret.place;
                gf_memory_secret__copy_version(version, arena, &items[count].version);
                count++;
            }
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__count_values_below(struct gf_secret_store *base,
                                                  int64_t namespace_key, int64_t number,
                                                  int64_t *out_count,
                                                  GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    int64_t count = 0;
    for (size_t i = 0; i < store->secrets.count; i++) {
        const struct secret_row *row = store->secrets.items[i];
        for (size_t v = 0; v < row->version_count; v++) {
            count += row->secret.place.namespace_key == namespace_key &&
                             row->versions[v]->version.key_number < number
                         ? 1
                         : 0;
        }
    }
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__replace_value(struct gf_secret_store *base,
                                             const struct gf_secret_place *place,
                                             const struct gf_secret_version *from,
                                             const struct gf_secret_version *to,
                                             struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct secret_row *row = gf_memory_secret__find(store, place);
    if (!gf_memory_secret__has_key(store, place->namespace_key, to->key_number)) {
        return gf_fail(err, GF_ABORTED, "the data key is gone by now");
    }
    for (size_t v = 0; row != NULL && v < row->version_count; v++) {
        struct gf_secret_version changed = row->versions[v]->version;
        if (changed.version != from->version || !gf_str_eq(changed.sealed, from->sealed)) {
            continue;
        }
        const enum gf_code rc = gf_memory_secret__may_change(store, err);
        if (rc != GF_OK) {
            return rc;
        }
        changed.sealed = to->sealed;
        changed.key_number = to->key_number;
        struct version_row *replaced = row->versions[v];
        row->versions[v] = gf_memory_secret__version_row(&changed);
        gf_memory_secret__free_version(replaced);
        return GF_OK;
    }
    return gf_fail(err, GF_ABORTED, "the value has changed meanwhile");
}

enum gf_code gf_memory_secret__list_marks_below(struct gf_secret_store *base, int64_t namespace_key,
                                                int64_t number, size_t limit,
                                                struct gf_arena *arena,
                                                struct gf_secret **out_items, size_t *out_count,
                                                GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret *items = GF_ARENA_ARRAY(arena, store->secrets.count, struct gf_secret);
    size_t count = 0;
    for (size_t i = 0; i < store->secrets.count && count < limit; i++) {
        const struct gf_secret *secret = &store->secrets.items[i]->secret;
        if (secret->place.namespace_key == namespace_key &&
            gf_secret_mark_key_number(secret->mark) < number) {
            gf_memory_secret__copy(secret, arena, &items[count++]);
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__replace_mark(struct gf_secret_store *base,
                                            const struct gf_secret_place *place, struct gf_str from,
                                            struct gf_str to, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct secret_row *row = gf_memory_secret__find(store, place);
    if (row == NULL || !gf_str_eq(row->secret.mark, from) ||
        !gf_memory_secret__has_key(store, place->namespace_key, gf_secret_mark_key_number(to))) {
        return gf_fail(err, GF_ABORTED, "the secret has changed meanwhile");
    }
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc == GF_OK) {
        struct gf_secret changed = row->secret;
        struct gf_arena arena;
        gf_arena_init(&arena, ROW_BYTES_MAX);
        changed.mark = to;
        gf_memory_secret__copy(&changed, &arena, &row->secret);
        gf_arena_fini(&row->arena);
        row->arena = arena;
    }
    return rc;
}
