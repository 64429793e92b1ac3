#include "base/alloc.h"
#include "engine/secrets/memory/memory_internal.h"
#include "engine/secrets/seal.h"

#include <inttypes.h>

enum {
    ROW_BYTES_MAX = 1 << 20,
};

static int compare_places(const struct gf_secret_place *a, const struct gf_secret_place *b) {
    if (a->namespace_key != b->namespace_key) {
        return a->namespace_key < b->namespace_key ? -1 : 1;
    }
    if (a->pipeline_key != b->pipeline_key) {
        return a->pipeline_key < b->pipeline_key ? -1 : 1;
    }
    return gf_str_cmp(a->key, b->key);
}

struct secret_row *gf_memory_secret__find(struct memory_secret_store *store,
                                          const struct gf_secret_place *place) {
    for (size_t i = 0; i < store->secrets.count; i++) {
        if (compare_places(&store->secrets.items[i]->secret.place, place) == 0) {
            return store->secrets.items[i];
        }
    }
    return NULL;
}

static enum gf_code fail_missing(const struct gf_secret_place *place, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "secret '%" GF_STR_FMT "' not found", GF_STR_ARG(place->key));
}

/* ---- Changes ---- */

static void insert(struct memory_secret_store *store, struct secret_row *row) {
    gf_vec_push(&store->secrets, row);
    size_t at = store->secrets.count - 1;
    while (at > 0 &&
           compare_places(&store->secrets.items[at - 1]->secret.place, &row->secret.place) > 0) {
        store->secrets.items[at] = store->secrets.items[at - 1];
        at--;
    }
    store->secrets.items[at] = row;
}

static enum gf_code check_room(const struct memory_secret_store *store,
                               const struct gf_secret_place *place, struct gf_error *err) {
    const size_t limit =
        gf_secret_is_global(place) ? GF_SECRETS_GLOBAL_MAX : GF_SECRETS_PER_PIPELINE_MAX;
    size_t count = 0;
    for (size_t i = 0; i < store->secrets.count; i++) {
        const struct gf_secret_place *other = &store->secrets.items[i]->secret.place;
        count += other->namespace_key == place->namespace_key &&
                         other->pipeline_key == place->pipeline_key
                     ? 1
                     : 0;
    }
    if (count >= limit) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %zu secrets already, the limit",
                       count);
    }
    return GF_OK;
}

static enum gf_code check_keys(const struct memory_secret_store *store,
                               const struct gf_secret *secret,
                               const struct gf_secret_version *version, struct gf_error *err) {
    const int64_t namespace_key = secret->place.namespace_key;
    if (!gf_memory_secret__has_key(store, namespace_key, version->key_number) ||
        !gf_memory_secret__has_key(store, namespace_key, gf_secret_mark_key_number(secret->mark))) {
        return gf_fail(err, GF_ABORTED, "the data key is gone by now");
    }
    return GF_OK;
}

/* Replaces what is known of a secret; the two times of its life stay. */
static void replace(struct secret_row *row, const struct gf_secret *secret) {
    const int64_t create_time = row->secret.create_time;
    const int64_t last_use_time = row->secret.last_use_time;
    struct gf_arena arena;
    struct gf_secret copy;
    gf_arena_init(&arena, ROW_BYTES_MAX);
    gf_memory_secret__copy(secret, &arena, &copy);
    copy.create_time = create_time;
    copy.last_use_time = last_use_time;
    gf_arena_fini(&row->arena);
    row->arena = arena;
    row->secret = copy;
}

enum gf_code gf_memory_secret__put(struct gf_secret_store *base, const struct gf_secret *secret,
                                   const struct gf_secret_version *version,
                                   const struct gf_secret_change *change,
                                   const struct gf_secret_request *request, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    gf_assert(secret->latest_version == version->version);
    GF_MUTEX_GUARD(&store->mutex);
    struct secret_row *row = gf_memory_secret__find(store, &secret->place);
    const int64_t latest = row == NULL ? 0 : row->secret.latest_version;
    if (version->version != latest + 1) {
        return gf_fail(err, GF_ABORTED, "secret '%" GF_STR_FMT "' has version %" PRId64 " by now",
                       GF_STR_ARG(secret->place.key), latest);
    }
    enum gf_code rc = check_keys(store, secret, version, err);
    if (rc == GF_OK) {
        rc = gf_memory_secret__check_request(store, request, err);
    }
    if (rc == GF_OK && row == NULL) {
        rc = check_room(store, &secret->place, err);
    }
    if (rc == GF_OK) {
        rc = gf_memory_secret__may_change(store, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (row == NULL) {
        row = GF_NEW(struct secret_row);
        gf_arena_init(&row->arena, ROW_BYTES_MAX);
        gf_memory_secret__copy(secret, &row->arena, &row->secret);
        insert(store, row);
    } else {
        replace(row, secret);
    }
    row->versions[row->version_count++] = gf_memory_secret__version_row(version);
    if (row->version_count > GF_SECRET_VERSIONS_MAX) {
        gf_memory_secret__free_version(row->versions[0]);
        row->version_count--;
        memmove(row->versions, row->versions + 1, row->version_count * sizeof(row->versions[0]));
    }
    gf_memory_secret__add_change(store, change);
    gf_memory_secret__add_request(store, request);
    return GF_OK;
}

enum gf_code gf_memory_secret__remove(struct gf_secret_store *base,
                                      const struct gf_secret_place *place,
                                      const struct gf_secret_change *change, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct secret_row *row = gf_memory_secret__find(store, place);
    if (row == NULL) {
        return fail_missing(place, err);
    }
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < store->secrets.count; i++) {
        if (store->secrets.items[i] == row) {
            gf_vec_remove(&store->secrets, i);
            break;
        }
    }
    gf_memory_secret__free_secret(row);
    gf_memory_secret__add_change(store, change);
    return GF_OK;
}

/* pipeline_key 0: of all pipelines. */
static void remove_all(struct memory_secret_store *store, int64_t namespace_key,
                       int64_t pipeline_key) {
    size_t kept = 0;
    for (size_t i = 0; i < store->secrets.count; i++) {
        struct secret_row *row = store->secrets.items[i];
        const struct gf_secret_place *place = &row->secret.place;
        if (place->namespace_key == namespace_key &&
            (pipeline_key == 0 || place->pipeline_key == pipeline_key)) {
            gf_memory_secret__free_secret(row);
        } else {
            store->secrets.items[kept++] = row;
        }
    }
    store->secrets.count = kept;
}

enum gf_code gf_memory_secret__remove_pipeline(struct gf_secret_store *base, int64_t namespace_key,
                                               int64_t pipeline_key, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    gf_assert(namespace_key != 0 && pipeline_key != 0);
    GF_MUTEX_GUARD(&store->mutex);
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc == GF_OK) {
        remove_all(store, namespace_key, pipeline_key);
    }
    return rc;
}

enum gf_code gf_memory_secret__remove_namespace(struct gf_secret_store *base, int64_t namespace_key,
                                                struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    gf_assert(namespace_key != 0);
    GF_MUTEX_GUARD(&store->mutex);
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    if (rc != GF_OK) {
        return rc;
    }
    size_t kept = 0;
    remove_all(store, namespace_key, 0);
    for (size_t i = 0; i < store->keys.count; i++) {
        struct key_row *row = store->keys.items[i];
        if (row->key.namespace_key == namespace_key) {
            gf_memory_secret__free_key(row);
        } else {
            store->keys.items[kept++] = row;
        }
    }
    store->keys.count = kept;
    return GF_OK;
}

enum gf_code gf_memory_secret__touch(struct gf_secret_store *base, const struct gf_secret_use *uses,
                                     size_t count, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const enum gf_code rc = gf_memory_secret__may_change(store, err);
    for (size_t i = 0; i < count && rc == GF_OK; i++) {
        struct secret_row *row = gf_memory_secret__find(store, &uses[i].place);
        if (row != NULL && row->secret.last_use_time < uses[i].time) {
            row->secret.last_use_time = uses[i].time;
        }
    }
    return rc;
}

/* ---- Reading ---- */

enum gf_code gf_memory_secret__get(struct gf_secret_store *base,
                                   const struct gf_secret_place *place, int64_t version,
                                   struct gf_arena *arena, struct gf_secret *out_secret,
                                   struct gf_secret_version *out_version, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const struct secret_row *row = gf_memory_secret__find(store, place);
    if (row == NULL) {
        return fail_missing(place, err);
    }
    const struct gf_secret_version *found = NULL;
    for (size_t i = 0; i < row->version_count; i++) {
        const struct gf_secret_version *candidate = &row->versions[i]->version;
        if (candidate->version == (version == 0 ? row->secret.latest_version : version)) {
            found = candidate;
        }
    }
    if (out_version != NULL && found == NULL) {
        return gf_fail(err, GF_NOT_FOUND,
                       "version %" PRId64 " of secret '%" GF_STR_FMT "' not found", version,
                       GF_STR_ARG(place->key));
    }
    gf_memory_secret__copy(&row->secret, arena, out_secret);
    if (out_version != NULL) {
        gf_memory_secret__copy_version(found, arena, out_version);
    }
    return GF_OK;
}

enum gf_code gf_memory_secret__list_versions(struct gf_secret_store *base,
                                             const struct gf_secret_place *place,
                                             struct gf_arena *arena,
                                             struct gf_secret_version **out_items,
                                             size_t *out_count, struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const struct secret_row *row = gf_memory_secret__find(store, place);
    if (row == NULL) {
        return fail_missing(place, err);
    }
    struct gf_secret_version *items =
        GF_ARENA_ARRAY(arena, row->version_count, struct gf_secret_version);
    for (size_t i = 0; i < row->version_count; i++) {
        struct gf_secret_version version = row->versions[row->version_count - 1 - i]->version;
        version.sealed = (struct gf_str){0};
        gf_memory_secret__copy_version(&version, arena, &items[i]);
    }
    *out_items = items;
    *out_count = row->version_count;
    return GF_OK;
}

enum gf_code gf_memory_secret__list(struct gf_secret_store *base, int64_t namespace_key,
                                    int64_t pipeline_key, struct gf_str after_key, size_t limit,
                                    struct gf_arena *arena, struct gf_secret **out_items,
                                    size_t *out_count, GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret *items = GF_ARENA_ARRAY(arena, store->secrets.count, struct gf_secret);
    size_t count = 0;
    for (size_t i = 0; i < store->secrets.count && count < limit; i++) {
        const struct gf_secret *secret = &store->secrets.items[i]->secret;
        if (secret->place.namespace_key == namespace_key &&
            secret->place.pipeline_key == pipeline_key &&
            gf_str_cmp(secret->place.key, after_key) > 0) {
            gf_memory_secret__copy(secret, arena, &items[count++]);
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}

enum gf_code gf_memory_secret__list_places(struct gf_secret_store *base,
                                           const struct gf_secret_place *after, size_t limit,
                                           struct gf_arena *arena,
                                           struct gf_secret_place **out_items, size_t *out_count,
                                           GF_UNUSED struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_secret_place *items =
        GF_ARENA_ARRAY(arena, store->secrets.count, struct gf_secret_place);
    struct gf_secret_place last = {after->namespace_key, after->pipeline_key, {NULL, 0}};
    size_t count = 0;
    for (size_t i = 0; i < store->secrets.count && count < limit; i++) {
        struct gf_secret_place place = store->secrets.items[i]->secret.place;
        place.key = (struct gf_str){NULL, 0};
        if (place.pipeline_key != 0 && compare_places(&place, &last) > 0) {
            items[count++] = place;
            last = place;
        }
    }
    *out_items = items;
    *out_count = count;
    return GF_OK;
}
