/* What requests with an id have done. */
#include "base/alloc.h"
#include "engine/secrets/memory/memory_internal.h"

enum {
    ROW_BYTES_MAX = 1 << 20,
};

static const struct gf_secret_request *find(const struct memory_secret_store *store,
                                            struct gf_str caller, struct gf_str request_id) {
    for (size_t i = 0; i < store->requests.count; i++) {
        const struct gf_secret_request *request = &store->requests.items[i]->request;
        if (gf_str_eq(request->caller, caller) && gf_str_eq(request->request_id, request_id)) {
            return request;
        }
    }
    return NULL;
}

static bool is_too_old(const struct gf_secret_request *request, int64_t now) {
    return request->create_time < now - GF_SECRET_REQUEST_KEEP_NS;
}

enum gf_code gf_memory_secret__check_request(const struct memory_secret_store *store,
                                             const struct gf_secret_request *request,
                                             struct gf_error *err) {
    const struct gf_secret_request *other =
        request == NULL ? NULL : find(store, request->caller, request->request_id);
    if (other == NULL || is_too_old(other, request->create_time)) {
        return GF_OK;
    }
    return gf_fail(err, GF_ABORTED, "there is a request with this id by now");
}

void gf_memory_secret__free_request(struct request_row *row) {
    gf_arena_fini(&row->arena);
    free(row);
}

void gf_memory_secret__add_request(struct memory_secret_store *store,
                                   const struct gf_secret_request *request) {
    if (request == NULL) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < store->requests.count; i++) {
        struct request_row *other = store->requests.items[i];
        if (is_too_old(&other->request, request->create_time)) {
            gf_memory_secret__free_request(other);
        } else {
            store->requests.items[kept++] = other;
        }
    }
    store->requests.count = kept;
    struct request_row *row = GF_NEW(struct request_row);
    gf_arena_init(&row->arena, ROW_BYTES_MAX);
    gf_memory_secret__copy_request(request, &row->arena, &row->request);
    gf_vec_push(&store->requests, row);
}

enum gf_code gf_memory_secret__get_request(struct gf_secret_store *base, struct gf_str caller,
                                           struct gf_str request_id, struct gf_arena *arena,
                                           struct gf_secret_request *out_request,
                                           struct gf_error *err) {
    struct memory_secret_store *store = gf_memory_secret__of(base);
    GF_MUTEX_GUARD(&store->mutex);
    const struct gf_secret_request *request = find(store, caller, request_id);
    if (request == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "no request has this id");
    }
    gf_memory_secret__copy_request(request, arena, out_request);
    return GF_OK;
}
