/*
 * DESIGN
 * What counts against the limit are the layers that pulled images need and imported ones do not,
 * each once. How large a layer is, is found by looking at its files, once in the life of a server;
 * without a limit nobody looks.
 *
 * An image that is larger than the limit by itself goes first: it would push out all others, and
 * then go too.
 */
#include "base/alloc.h"
#include "base/disk_usage.h"
#include "base/log.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <stdlib.h>

/* A layer, and who needs it. */
struct layer {
    int64_t bytes;
    size_t pulled_count;   /* images */
    size_t imported_count; /* likewise */
};

/* An image that may go. */
struct candidate {
    const struct gf_image *image; /* borrowed from the catalog */
    int64_t last_use_time;
    bool is_too_large;
};

struct plan {
    struct gf_map layers; /* hexadecimal digits -> struct layer, owned */
    GF_VEC(struct candidate) candidates;
    int64_t total_bytes;
};

static struct gf_str key_of(const struct gf_digest *digest) {
    return (struct gf_str){gf_digest_hex(digest), GF_DIGEST_HEX_CHARS};
}

static void plan_fini(struct plan *plan) {
    size_t position = 0;
    void *layer = NULL;
    while (gf_map_next(&plan->layers, &position, NULL, &layer)) {
        free(layer);
    }
    gf_map_fini(&plan->layers);
    gf_vec_fini(&plan->candidates);
}

static int64_t layer_size(struct gf_image_store *store, const struct gf_digest *layer,
                          const char *path) {
    int64_t bytes = 0;
    gf_mutex_lock(&store->mutex);
    const int64_t *known = gf_map_get(&store->layer_sizes, key_of(layer));
    bytes = known != NULL ? *known : -1;
    gf_mutex_unlock(&store->mutex);
    if (bytes >= 0) {
        return bytes;
    }
    if (gf_disk_usage(path, &bytes, NULL) != GF_OK) {
        return 0;
    }
    GF_MUTEX_GUARD(&store->mutex);
    free(gf_map_put(&store->layer_sizes, key_of(layer), gf_memdup(&bytes, sizeof(bytes))));
    return bytes;
}

static void add_image(struct plan *plan, struct gf_image_store *store, const struct gf_image *image,
                      bool is_pulled) {
    for (size_t i = 0; i < image->record.layer_count; i++) {
        const struct gf_digest *digest = &image->record.layers[i];
        struct layer *layer = gf_map_get(&plan->layers, key_of(digest));
        if (layer == NULL) {
            layer = GF_NEW(struct layer);
            layer->bytes = layer_size(store, digest, image->layer_paths[i]);
            (void)gf_map_put(&plan->layers, key_of(digest), layer);
        }
        layer->pulled_count += is_pulled ? 1 : 0;
        layer->imported_count += is_pulled ? 0 : 1;
    }
}

static void sum_up(struct plan *plan) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&plan->layers, &position, NULL, &value)) {
        const struct layer *layer = value;
        plan->total_bytes += layer->imported_count == 0 ? layer->bytes : 0;
    }
}

static void remove_image(struct plan *plan, const struct gf_image *image) {
    for (size_t i = 0; i < image->record.layer_count; i++) {
        struct layer *layer = gf_map_get(&plan->layers, key_of(&image->record.layers[i]));
        layer->pulled_count--;
        if (layer->pulled_count == 0 && layer->imported_count == 0) {
            plan->total_bytes -= layer->bytes;
        }
    }
}

static int compare(const void *a, const void *b) {
    const struct candidate *left = a;
    const struct candidate *right = b;
    if (left->is_too_large != right->is_too_large) {
        return left->is_too_large ? -1 : 1;
    }
    return left->last_use_time < right->last_use_time   ? -1
           : left->last_use_time > right->last_use_time ? 1
                                                        : 0;
}

static void make_plan(struct plan *plan, struct gf_image_store *store,
                      const struct gf_image_catalog *catalog) {
    for (size_t i = 0; i < catalog->count; i++) {
        const struct gf_image *image = catalog->entries[i].image;
        const struct gf_image_usage usage = gf_image_store_usage(store, &image->record.digest);
        add_image(plan, store, image, usage.is_pulled);
        if (usage.is_pulled && usage.container_count == 0) {
            const struct candidate candidate = {
                .image = image,
                .last_use_time =
                    usage.last_use_time != 0 ? usage.last_use_time : image->record.imported_ns,
                .is_too_large = image->record.size_bytes > store->cache_bytes,
            };
            gf_vec_push(&plan->candidates, candidate);
        }
    }
    sum_up(plan);
    if (plan->candidates.count > 0) {
        qsort(plan->candidates.items, plan->candidates.count, sizeof(struct candidate), compare);
    }
}

size_t gf_image_store__choose_evicted(struct gf_image_store *store, struct gf_digest **out) {
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    GF_CLEANUP(plan_fini) struct plan plan = {.total_bytes = 0};
    make_plan(&plan, store, catalog);
    struct gf_digest *chosen = gf_calloc(plan.candidates.count + 1, sizeof(*chosen));
    size_t count = 0;
    while (count < plan.candidates.count && plan.total_bytes > store->cache_bytes) {
        const struct gf_image *image = plan.candidates.items[count].image;
        gf_log_info("image_evicted", GF_KV_STR("digest", image->record.digest.text),
                    GF_KV_I64("size_bytes", image->record.size_bytes),
                    GF_KV_I64("cache_bytes", store->cache_bytes));
        remove_image(&plan, image);
        chosen[count++] = image->record.digest;
    }
    gf_gauge_set(&store->cached_bytes, plan.total_bytes);
    gf_counter_add(&store->evictions, count);
    *out = chosen;
    return count;
}
