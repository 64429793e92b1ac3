#include "base/alloc.h"
#include "engine/store/memory/memory_internal.h"

#include <string.h>

struct memory_namespace *gf_memory__find_namespace(const struct memory_store *store,
                                                   struct gf_str namespace_id) {
    return gf_map_get(&store->namespaces_by_id, namespace_id);
}

struct memory_pipeline *gf_memory__find_pipeline(const struct memory_store *store,
                                                 int64_t namespace_key, struct gf_str pipeline_id) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_i64_next(&store->pipelines, &position, NULL, &value)) {
        struct memory_pipeline *pipeline = value;
        if (pipeline->row.namespace_key == namespace_key &&
            gf_str_eq(pipeline->row.pipeline_id, pipeline_id)) {
            return pipeline;
        }
    }
    return NULL;
}

/* Binary search in an array that is sorted by `field`; NULL where there is none. */
#define SEARCH(vec, field, wanted)                                                                 \
    ({                                                                                             \
        size_t low_ = 0;                                                                           \
        size_t high_ = (vec)->count;                                                               \
        while (low_ < high_) {                                                                     \
            const size_t middle_ = low_ + (high_ - low_) / 2;                                      \
            if ((vec)->items[middle_]->row.field < (wanted)) {                                     \
                low_ = middle_ + 1;                                                                \
            } else {                                                                               \
                high_ = middle_;                                                                   \
            }                                                                                      \
        }                                                                                          \
        low_ < (vec)->count && (vec)->items[low_]->row.field == (wanted) ? (vec)->items[low_]      \
                                                                         : NULL;                   \
    })

struct memory_config *gf_memory__find_config(const struct memory_pipeline *pipeline,
                                             int64_t version) {
    return SEARCH(&pipeline->configs, version, version);
}

struct memory_deployment *gf_memory__find_deployment(const struct memory_pipeline *pipeline,
                                                     int64_t deployment_id) {
    return SEARCH(&pipeline->deployments, deployment_id, deployment_id);
}

struct memory_run *gf_memory__find_run(const struct memory_pipeline *pipeline, int64_t run_id) {
    return SEARCH(&pipeline->runs, run_id, run_id);
}

char *gf_memory__request_key(struct gf_str caller, struct gf_str request_id,
                             struct gf_str *out_key) {
    /* A caller has no NUL, so that no two pairs have the same key. */
    const size_t size = caller.len + 1 + request_id.len;
    char *key = gf_calloc(size + 1, 1);
    if (caller.len > 0) {
        memcpy(key, caller.ptr, caller.len);
    }
    if (request_id.len > 0) {
        memcpy(key + caller.len + 1, request_id.ptr, request_id.len);
    }
    *out_key = (struct gf_str){key, size};
    return key;
}
