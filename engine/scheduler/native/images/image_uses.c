/*
 * DESIGN
 * Who uses an image is counted in memory: after a restart the containers that still run tell. When
 * an image was used last is told by the time of a file in its directory, `used`, which is touched
 * once a minute at most, so that a busy image costs nothing; and where it came from by another,
 * `pulled`, which gofer-fetch makes. Both are gone when the image is.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/images/image_store_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE_EVERY_NS (60 * 1000 * GF_NS_PER_MS)

enum {
    PATH_BYTES = sizeof("images//doomed") + GF_DIGEST_HEX_CHARS + 16
};

static struct gf_str key_of(const struct gf_digest *digest) {
    return (struct gf_str){gf_digest_hex(digest), GF_DIGEST_HEX_CHARS};
}

void gf_image_store__free_uses(struct gf_image_store *store) {
    size_t position = 0;
    void *use = NULL;
    while (gf_map_next(&store->uses, &position, NULL, &use)) {
        free(use);
    }
    gf_map_fini(&store->uses);
    position = 0;
    while (gf_map_next(&store->layer_sizes, &position, NULL, &use)) {
        free(use);
    }
    gf_map_fini(&store->layer_sizes);
}

struct gf_image_use *gf_image_store__use(struct gf_image_store *store,
                                         const struct gf_digest *digest, bool make) {
    gf_mutex_assert_held(&store->mutex);
    struct gf_image_use *use = gf_map_get(&store->uses, key_of(digest));
    if (use == NULL && make) {
        use = GF_NEW(struct gf_image_use);
        (void)gf_map_put(&store->uses, key_of(digest), use);
    }
    return use;
}

/* The path of a file of the image, below the store. */
static const char *path_of(const struct gf_digest *digest, const char *file, char out[PATH_BYTES]) {
    (void)snprintf(out, PATH_BYTES, "images/%s/%s", gf_digest_hex(digest), file);
    return out;
}

void gf_image_store__note(const struct gf_image_store *store, const struct gf_digest *digest) {
    char path[PATH_BYTES];
    GF_CLEANUP(gf_close_p)
    int fd = openat(store->root_fd, path_of(digest, "used", path),
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)futimens(fd, NULL);
    }
}

/*
 * False: it is being taken away, or was since it was looked up. *out_note: its use is to be written
 * down.
 */
static bool use_now(struct gf_image_store *store, const struct gf_digest *digest, bool *out_note) {
    const int64_t now = gf_wall_ns();
    GF_MUTEX_GUARD(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ true);
    if (use->removing || gf_image_catalog_find(store->catalog, digest) == NULL) {
        return false;
    }
    use->count++;
    use->last_use_time = now;
    *out_note = now - use->noted_time > NOTE_EVERY_NS || now < use->noted_time;
    if (*out_note) {
        use->noted_time = now;
    }
    return true;
}

enum gf_code gf_image_store_acquire(struct gf_image_store *store, struct gf_str reference,
                                    struct gf_image **out, struct gf_error *err) {
    GF_CLEANUP(gf_image_unref_p) struct gf_image *image = NULL;
    bool is_to_note = false;
    const enum gf_code rc = gf_image_store_resolve(store, reference, &image, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!use_now(store, &image->record.digest, &is_to_note)) {
        return gf_fail_reason(err, GF_NOT_FOUND, "IMAGE_NOT_FOUND",
                              "image '%" GF_STR_FMT "' is being removed", GF_STR_ARG(reference));
    }
    if (is_to_note) {
        gf_image_store__note(store, &image->record.digest);
    }
    *out = GF_TAKE(image);
    return GF_OK;
}

void gf_image_store_hold(struct gf_image_store *store, struct gf_str text) {
    struct gf_digest digest;
    if (gf_digest_parse(text, &digest, NULL) == GF_OK) {
        GF_MUTEX_GUARD(&store->mutex);
        gf_image_store__use(store, &digest, /* make = */ true)->count++;
    }
}

void gf_image_store_release(struct gf_image_store *store, struct gf_str text) {
    struct gf_digest digest;
    if (gf_digest_parse(text, &digest, NULL) != GF_OK) {
        return;
    }
    gf_mutex_lock(&store->mutex);
    struct gf_image_use *use = gf_image_store__use(store, &digest, /* make = */ false);
    gf_assert(use != NULL && use->count > 0);
    use->count--;
    const bool is_last = use->count == 0 && (use->doomed || store->cache_bytes > 0);
    gf_mutex_unlock(&store->mutex);
    if (is_last) {
        gf_image_store__wake_collector(store);
    }
}

struct gf_image_usage gf_image_store_usage(struct gf_image_store *store,
                                           const struct gf_digest *digest) {
    char path[PATH_BYTES];
    struct stat status;
    struct gf_image_usage usage = {
        .is_pulled = faccessat(store->root_fd, path_of(digest, "pulled", path), F_OK, 0) == 0};
    gf_mutex_lock(&store->mutex);
    const struct gf_image_use *use = gf_image_store__use(store, digest, /* make = */ false);
    if (use != NULL) {
        usage.container_count = use->count < INT32_MAX ? (int32_t)use->count : INT32_MAX;
        usage.last_use_time = use->last_use_time;
    }
    gf_mutex_unlock(&store->mutex);
    if (usage.last_use_time == 0 &&
        fstatat(store->root_fd, path_of(digest, "used", path), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        usage.last_use_time =
            (int64_t)status.st_mtim.tv_sec * GF_NS_PER_SEC + status.st_mtim.tv_nsec;
    }
    return usage;
}

void gf_image_store_stats(struct gf_image_store *store, struct gf_image_store_stats *out) {
    *out = (struct gf_image_store_stats){
        .cache_bytes = gf_gauge_read(&store->cached_bytes),
        .cache_bytes_max = store->cache_bytes,
        .evictions_total = gf_counter_read(&store->evictions),
    };
    GF_MUTEX_GUARD(&store->mutex);
    out->images = store->catalog->count;
    out->damages = store->catalog->damage_count;
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&store->uses, &position, NULL, &value)) {
        out->used += ((const struct gf_image_use *)value)->count > 0;
    }
}
