#include "engine/secrets/memory/memory_internal.h"
#include "engine/secrets/seal.h"

#include <inttypes.h>

static bool is_of(const struct gf_secret_key *key, enum gf_secret_key_purpose purpose,
                  int64_t namespace_key) {
    return key->purpose == purpose && key->namespace_key == namespace_key;
}

/* The newest key of a place; NULL where there is none. Keys of one place are by number. */
static struct key_row *newest(struct memory_secret_store *store, enum gf_secret_key_purpose purpose,
                              int64_t namespace_key) {
    struct key_row *found = NULL;
    for (size_t i = 0; i < store->keys.count; i++) {
        if (is_of(&store->keys.items[i]->key, purpose, namespace_key)) {
            found = store->keys.items[i];
        }
    }
    return found;
}

enum gf_code gf_memory_secret__put_key(struct gf_secret_store *base,
                                       const struct gf_secret_key *key,
                                       const struct gf_secret_change *change,
                                       const struct gf_secret_request *request,
                                       struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    gf_assert(key->state == GF_SECRET_KEY_ACTIVE);
    GF_MUTEX_GUARD(&store->mutex);
    struct key_row *before = newest(store, key->purpose, key->namespace_key);
    if (key->number != (before == NULL ? 0 : before->key.number) + 1) {
        return gf_fail(err, GF_ABORTED, "there is another data key by now");
    }
    enum gf_code rc = gf_memory_secret__check_request(store, request, err);
    if (rc == GF_OK) {
        rc = gf_memory_secret__may_change(store, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (before != NULL) {
        before->key.state = GF_SECRET_KEY_RETIRED;
    }
    struct key_row *row = gf_memory_secret__key_row(key);
    gf_vec_push(&store->keys, row);
    gf_memory_secret__add_change(store, change);
    gf_memory_secret__add_request(store, request);
    return GF_OK;
}

bool gf_memory_secret__has_key(const struct memory_secret_store *store, int64_t namespace_key,
                               int64_t number) {
    for (size_t i = 0; i < store->keys.count; i++) {
        const struct gf_secret_key *key = &store->keys.items[i]->key;
        if (is_of(key, GF_SECRET_KEY_VALUES, namespace_key) && key->number == number) {
            return true;
        }
    }
    return false;
}

enum gf_code gf_memory_secret__list_key_namespaces(struct gf_secret_store *base,
                                                   enum gf_secret_key_purpose purpose,
                                                   bool retired_only, int64_t after_namespace_key,
                                                   size_t limit, struct gf_arena *arena,
                                                   int64_t **out_items, size_t *out_count,
                                                   GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    int64_t *items = GF_ARENA_ARRAY(arena, store->keys.count, int64_t);
    int64_t last = after_namespace_key;
    size_t count = 0;
    while (count < limit) {
        const struct gf_secret_key *next = NULL;
        for (size_t i = 0; i < store->keys.count; i++) {
            const struct gf_secret_key *key = &store->keys.items[i]->key;
            if (key->purpose == purpose && key->namespace_key > last &&
                (!retired_only || key->state == GF_SECRET_KEY_RETIRED) &&
                (next == NULL || key->namespace_key < next->namespace_key)) {
                next = key;
            }
        }
        if (next == NULL) {
            break;
        }
        last = next->namespace_key;
        items[count++] = last;
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__list_master_keys(struct gf_secret_store *base,
                                                struct gf_arena *arena,
                                                struct gf_secret_master_use **out_items,
                                                size_t *out_count, GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_master_use *items =
        GF_ARENA_ARRAY(arena, store->keys.count, struct gf_secret_master_use);
    size_t count = 0;
    for (size_t i = 0; i < store->keys.count; i++) {
        const struct gf_str id = store->keys.items[i]->key.master_key_id;
        size_t at = 0;
        while (at < count && gf_str_cmp(items[at].master_key_id, id) < 0) {
            at++;
        }
        if (at == count || !gf_str_eq(items[at].master_key_id, id)) {
            memmove(items + at + 1, items + at, (count - at) * sizeof(items[0]));
            items[at] = (struct gf_secret_master_use){gf_arena_str(arena, id), 0};
            count++;
        }
        items[at].key_count++;
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__list_keys(struct gf_secret_store *base,
                                         enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                         struct gf_arena *arena, struct gf_secret_key **out_items,
                                         size_t *out_count, GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_key *items = GF_ARENA_ARRAY(arena, store->keys.count, struct gf_secret_key);
    size_t count = 0;
    for (size_t i = 0; i < store->keys.count; i++) {
        const struct gf_secret_key *key = &store->keys.items[i]->key;
        if (is_of(key, purpose, namespace_key)) {
            gf_memory_secret__copy_key(key, arena, &items[count++]);
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__list_keys_not_wrapped_by(
    struct gf_secret_store *base, struct gf_str master_key_id, size_t limit, struct gf_arena *arena,
    struct gf_secret_key **out_items, size_t *out_count, GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_key *items = GF_ARENA_ARRAY(arena, store->keys.count, struct gf_secret_key);
    size_t count = 0;
    for (size_t i = 0; i < store->keys.count && count < limit; i++) {
        const struct gf_secret_key *key = &store->keys.items[i]->key;
        if (!gf_str_eq(key->master_key_id, master_key_id)) {
            gf_memory_secret__copy_key(key, arena, &items[count++]);
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

/* The place of a key in the list; the count where it is not there. */
static size_t index_of(const struct memory_secret_store *store, enum gf_secret_key_purpose purpose,
                       int64_t namespace_key, int64_t number) {
    size_t i = 0;
    while (i < store->keys.count && !(is_of(&store->keys.items[i]->key, purpose, namespace_key) &&
                                      store->keys.items[i]->key.number == number)) {
        i++;
    }
    return i;
}

enum gf_code gf_memory_secret__replace_key(struct gf_secret_store *base,
                                           const struct gf_secret_key *from,
                                           const struct gf_secret_key *to, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const size_t index = index_of(store, from->purpose, from->namespace_key, from->number);
    if (index == store->keys.count ||
        !gf_str_eq(store->keys.items[index]->key.wrapped, from->wrapped)) {
        return gf_fail(err, GF_ABORTED, "the data key has changed meanwhile");
    }
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc == GF_OK) {
        struct key_row *replaced = store->keys.items[index];
        struct gf_secret_key changed = replaced->key;
        changed.wrapped = to->wrapped;
        changed.master_key_id = to->master_key_id;
        store->keys.items[index] = gf_memory_secret__key_row(&changed);
        gf_memory_secret__free_key(replaced);
    }
    return rc;
}

/* Whether a value or a mark of the namespace lies under the key. */
static bool is_used(const struct memory_secret_store *store, int64_t namespace_key,
                    int64_t number) {
    for (size_t i = 0; i < store->secrets.count; i++) {
        const struct secret_row *row = store->secrets.items[i];
        if (row->secret.place.namespace_key != namespace_key) {
            continue;
        }
        if (gf_secret_mark_key_number(row->secret.mark) == number) {
            return true;
        }
        for (size_t v = 0; v < row->version_count; v++) {
            if (row->versions[v]->version.key_number == number) {
                return true;
            }
        }
    }
    return false;
}

enum gf_code gf_memory_secret__remove_key(struct gf_secret_store *base,
                                          enum gf_secret_key_purpose purpose, int64_t namespace_key,
                                          int64_t number, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const size_t index = index_of(store, purpose, namespace_key, number);
    if (index == store->keys.count) {
        return gf_fail(err, GF_NOT_FOUND, "data key %" PRId64 " not found", number);
    }
    if (store->keys.items[index]->key.state == GF_SECRET_KEY_ACTIVE ||
        (purpose == GF_SECRET_KEY_VALUES && is_used(store, namespace_key, number))) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "data key %" PRId64 " is in use", number);
    }
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc == GF_OK) {
        gf_memory_secret__free_key(store->keys.items[index]);
        gf_vec_remove(&store->keys, index);
    }
    return rc;
}
