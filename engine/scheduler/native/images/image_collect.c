/*
 * DESIGN
 * One job at a time looks for what can go and has it removed. Whoever changes something that may
 * let an image go (its last holder leaves, a pull has brought more) wakes it; while it works, it
 * remembers that it has to look again.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/image_catalog.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct gf_digest_vec GF_VEC_FIELDS(struct gf_digest);

enum {
    MARK_PATH_BYTES = 128
};

/* Images that were to go when nobody holds them any more. */
static void find_doomed(struct gf_image_store *store, struct gf_digest_vec *out) {
    size_t position = 0;
    struct gf_str hex;
    void *value = NULL;
    GF_MUTEX_GUARD(&store->mutex);
    while (gf_map_next(&store->uses, &position, &hex, &value)) {
        const struct gf_image_use *use = value;
        struct gf_digest digest;
        if (use->doomed && use->count == 0 && !use->removing && gf_digest_from_hex(hex, &digest)) {
            gf_vec_push(out, digest);
        }
    }
}

/* Whether its mark is on the disk; an import takes that away. */
static bool is_marked(const struct gf_image_store *store, const struct gf_digest *digest) {
    char path[MARK_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "images/%s/doomed", gf_digest_hex(digest));
    return faccessat(store->root_fd, path, F_OK, 0) == 0;
}

static void pardon(struct gf_image_store *store, const struct gf_digest *digest) {
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ false);
    if (use != NULL) {
        use->doomed = false;
    }
}

static void remove_or_warn(struct gf_image_store *store, const struct gf_digest *digests,
                           size_t count) {
    struct gf_error error;
    const enum gf_code rc = gf_image_store__remove_images(store, digests, count, &error);
    if (rc != GF_OK && rc != GF_CANCELLED) {
        gf_log_warn("images_not_removed", GF_KV_ERROR(&error));
    }
}

static void collect_once(struct gf_image_store *store) {
    struct gf_digest_vec doomed = {0};
    find_doomed(store, &doomed);
    for (size_t i = doomed.count; i > 0; i--) {
        if (!is_marked(store, &doomed.items[i - 1])) {
            pardon(store, &doomed.items[i - 1]);
            gf_vec_remove(&doomed, i - 1);
        }
    }
    remove_or_warn(store, doomed.items, doomed.count);
    gf_vec_fini(&doomed);
    if (store->cache_bytes > 0) {
        struct gf_digest *evicted = NULL;
        const size_t count = gf_image_store__choose_evicted(store, &evicted);
        remove_or_warn(store, evicted, count);
        free(evicted);
    }
}

/* False: it is not to begin, as another one is at it or it may not yet. */
static bool begin(struct gf_image_store *store) {
    GF_MUTEX_GUARD(&store->mutex);
    if (!store->may_collect || store->collecting) {
        store->collect_again = store->collecting;
        return false;
    }
    store->collecting = true;
    return true;
}

/* True: there is something new to look at. */
static bool again(struct gf_image_store *store) {
    GF_MUTEX_GUARD(&store->mutex);
    const bool is_wanted = store->collect_again;
    store->collect_again = false;
    store->collecting = is_wanted;
    return is_wanted;
}

static void run(struct gf_image_store *store) {
    do {
        collect_once(store);
    } while (again(store));
}

void gf_image_store_collect(struct gf_image_store *store) {
    if (begin(store)) {
        run(store);
    }
}

/* Pool. */
static void collect_job(void *ctx) {
    run(ctx);
}

void gf_image_store__wake_collector(struct gf_image_store *store) {
    if (store->pool != NULL && begin(store)) {
        gf_pool_submit_reserved(store->pool, collect_job, store);
    }
}

void gf_image_store_start_collecting(struct gf_image_store *store) {
    GF_CLEANUP(gf_image_catalog_unref_p)
    struct gf_image_catalog *catalog = gf_image_store_catalog(store);
    for (size_t i = 0; i < catalog->count; i++) {
        const struct gf_digest *digest = &catalog->entries[i].image->record.digest;
        if (is_marked(store, digest)) {
            GF_MUTEX_GUARD(&store->mutex);
            gf_image_store__use(store, digest, /* make = */ true)->doomed = true;
        }
    }
    gf_mutex_lock(&store->mutex);
    store->may_collect = true;
    gf_mutex_unlock(&store->mutex);
    gf_image_store__wake_collector(store);
}

enum gf_code gf_image_store__take_in(struct gf_image_store *store, const struct gf_digest *digest,
                                     struct gf_image **out, struct gf_error *err) {
    const struct gf_reference reference = {.digest = *digest};
    struct gf_image *image = NULL;
    enum gf_code rc = gf_image_store__reload(store, err);
    if (rc == GF_OK) {
        GF_CLEANUP(gf_image_catalog_unref_p)
        struct gf_image_catalog *catalog = gf_image_store_catalog(store);
        rc = gf_image_catalog_get(catalog, &reference, &image, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "the image that was fetched");
    }
    gf_mutex_lock(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, &image->record.digest, /* make = */ true);
    use->last_use_time = gf_wall_ns();
    use->noted_time = use->last_use_time;
    use->doomed = false; /* gofer-fetch has taken the mark away as well */
    gf_mutex_unlock(&store->mutex);
    gf_image_store__note(store, &image->record.digest);
    if (store->cache_bytes > 0) {
        gf_image_store__wake_collector(store);
    }
    *out = image;
    return GF_OK;
}
