#include "engine/secrets/memory/memory.h"

#include "base/alloc.h"
#include "engine/secrets/memory/memory_internal.h"

enum {
    ROW_BYTES_MAX = 1 << 20,
};

static void destroy(struct gf_secret_store *base) {
    if (base == NULL) {
        return;
    }
    struct memory_secret_store *store = gf_memory_secret__of(base);
    for (size_t i = 0; i < store->secrets.count; i++) {
        gf_memory_secret__free_secret(store->secrets.items[i]);
    }
    for (size_t i = 0; i < store->keys.count; i++) {
        gf_memory_secret__free_key(store->keys.items[i]);
    }
    for (size_t i = 0; i < store->changes.count; i++) {
        gf_memory_secret__free_change(store->changes.items[i]);
    }
    for (size_t i = 0; i < store->requests.count; i++) {
        gf_memory_secret__free_request(store->requests.items[i]);
    }
    gf_vec_fini(&store->requests);
    gf_vec_fini(&store->secrets);
    gf_vec_fini(&store->keys);
    gf_vec_fini(&store->changes);
    gf_mutex_fini(&store->mutex);
    free(store);
}

enum gf_code gf_memory_secret__may_change(struct memory_secret_store *store, struct gf_error *err) {
    if (store->changes_left == 0) {
        return gf_fail(err, GF_UNAVAILABLE, "the change fails, as it was told to");
    }
    if (store->changes_left > 0) {
        store->changes_left--;
    }
    return GF_OK;
}

/* ---- Records of changes ---- */

void gf_memory_secret__add_change(struct memory_secret_store *store,
                                  const struct gf_secret_change *change) {
    if (change == NULL) {
        return;
    }
    struct change_row *row = GF_NEW(struct change_row);
    gf_arena_init(&row->arena, ROW_BYTES_MAX);
    gf_memory_secret__copy_change(change, &row->arena, &row->change);
    const int64_t time_us = change->time / 1000;
    row->change.sequence = store->next_sequence > time_us ? store->next_sequence : time_us;
    store->next_sequence = row->change.sequence + 1;
    gf_vec_push(&store->changes, row);
}

static enum gf_code record(struct gf_secret_store *base, const struct gf_secret_change *change,
                           const struct gf_secret_request *request, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    enum gf_code rc = gf_memory_secret__check_request(store, request, err);
    if (rc == GF_OK) {
        rc = gf_memory_secret__may_change(store, err);
    }
    if (rc == GF_OK) {
        gf_memory_secret__add_change(store, change);
        gf_memory_secret__add_request(store, request);
    }
    return rc;
}

static enum gf_code list_changes(struct gf_secret_store *base, int64_t after_sequence, size_t limit,
                                 struct gf_arena *arena, struct gf_secret_change **out_items,
                                 size_t *out_count, GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_change *items =
        GF_ARENA_ARRAY(arena, store->changes.count, struct gf_secret_change);
    size_t count = 0;
    for (size_t i = 0; i < store->changes.count && count < limit; i++) {
        const struct gf_secret_change *change = &store->changes.items[i]->change;
        if (change->sequence > after_sequence) {
            gf_memory_secret__copy_change(change, arena, &items[count++]);
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

static enum gf_code forget_changes(struct gf_secret_store *base, int64_t up_to_sequence,
                                   struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    while (rc == GF_OK && store->changes.count > 0 &&
           store->changes.items[0]->change.sequence <= up_to_sequence) {
        gf_memory_secret__free_change(store->changes.items[0]);
        gf_vec_remove(&store->changes, 0);
    }
    return rc;
}

/* ---- The store ---- */

static const struct gf_secret_store_ops ops = {
    .destroy = destroy,
    .put = gf_memory_secret__put,
    .get = gf_memory_secret__get,
    .list_versions = gf_memory_secret__list_versions,
    .list = gf_memory_secret__list,
    .remove = gf_memory_secret__remove,
    .remove_pipeline = gf_memory_secret__remove_pipeline,
    .remove_namespace = gf_memory_secret__remove_namespace,
    .list_places = gf_memory_secret__list_places,
    .touch = gf_memory_secret__touch,
    .get_request = gf_memory_secret__get_request,
    .put_key = gf_memory_secret__put_key,
    .list_keys = gf_memory_secret__list_keys,
    .list_key_namespaces = gf_memory_secret__list_key_namespaces,
    .list_master_keys = gf_memory_secret__list_master_keys,
    .list_keys_not_wrapped_by = gf_memory_secret__list_keys_not_wrapped_by,
    .replace_key = gf_memory_secret__replace_key,
    .remove_key = gf_memory_secret__remove_key,
    .list_values_below = gf_memory_secret__list_values_below,
    .count_values_below = gf_memory_secret__count_values_below,
    .replace_value = gf_memory_secret__replace_value,
    .list_marks_below = gf_memory_secret__list_marks_below,
    .replace_mark = gf_memory_secret__replace_mark,
    .record = record,
    .list_changes = list_changes,
    .forget_changes = forget_changes,
};

struct gf_secret_store *gf_memory_secret_store_create(void) {
    struct memory_secret_store *store = GF_NEW(struct memory_secret_store);
    store->base.ops = &ops;
    store->next_sequence = 1;
    store->changes_left = -1;
    gf_mutex_init(&store->mutex, GF_RANK_STORE);
    return &store->base;
}

void gf_memory_secret_store_fail_after(struct gf_secret_store *base, int64_t changes_left) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    store->changes_left = changes_left;
}
