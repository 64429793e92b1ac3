#include "engine/scheduler/native/fetch/install.h"

#include "base/file.h"
#include "engine/scheduler/native/fetch/blob.h"
#include "engine/scheduler/native/fetch/disk_usage.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/sha256.h"

#include <sys/stat.h>

enum gf_code gf_install_work_dir(const struct gf_fetch_store *store, const char *name, mode_t mode,
                                 int *out_fd, struct gf_error *err) {
    if (mkdirat(store->work_fd, name, mode) != 0) {
        return gf_fail_system(err, "cannot make a directory in the image store");
    }
    return gf_file_open(store->work_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out_fd, err);
}

/*
 * Compares what was read with what the image says. `unpacked` is how the unpacking went: a blob
 * that is not the one that was meant explains any failure of it.
 */
static enum gf_code check_digests(struct gf_blob *blob, const struct gf_install_layer *layer,
                                  enum gf_code unpacked, struct gf_error *err) {
    struct gf_digest got_blob;
    struct gf_digest got_content;
    struct gf_error cause;
    enum gf_code rc = unpacked == GF_OK ? gf_blob_finish(blob, &got_blob, &got_content, &cause)
                                        : gf_blob_finish_raw(blob, &got_blob, &cause);
    if (rc != GF_OK && unpacked == GF_OK) {
        /* What follows the tar file cannot be decompressed. */
        unpacked = gf_fail_reason(err, rc, cause.reason, "%s", cause.message);
        rc = gf_blob_finish_raw(blob, &got_blob, &cause);
    }
    if (rc == GF_OK && gf_digest_is_set(layer->digest)) {
        const enum gf_code checked = gf_digest_check(layer->digest, &got_blob, &cause);
        if (checked != GF_OK) {
            return gf_fail_reason(err, checked, cause.reason, "%s", cause.message);
        }
    }
    if (unpacked != GF_OK) {
        return unpacked;
    }
    rc = gf_digest_check(layer->diff_id, &got_content, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "unpacked content");
}

enum gf_code gf_install_unpack(const struct gf_fetch_store *store,
                               const struct gf_install_layer *layer, struct gf_layer_usage *usage,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    enum gf_code rc =
        gf_install_work_dir(store, gf_digest_hex(layer->diff_id), 0755, &root_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_blob_open(layer->blob_fd, GF_BLOB_HASHED, layer->limits->unpacked_bytes,
                      layer->progress, &blob, err);
    if (rc == GF_OK) {
        rc = gf_layer_unpack(blob, root_fd, layer->limits, usage, err);
    }
    return blob != NULL ? check_digests(blob, layer, rc, err) : rc;
}

/* Whether a layer that is further up is the same. */
static bool comes_again(const struct gf_image_record *record, size_t index) {
    for (size_t i = index + 1; i < record->layer_count; i++) {
        if (gf_digest_eq(&record->layers[i], &record->layers[index])) {
            return true;
        }
    }
    return false;
}

/*
 * Leaves out the layers that overlayfs must not see: those that come again further up, where
 * nothing of them shows through (it refuses a directory twice), and those below one whose root
 * hides them all (it does not ask a root). The diff ids that stay are copied into arena.
 */
static enum gf_code settle_layers(const struct gf_fetch_store *store, struct gf_arena *arena,
                                  struct gf_image_record *record, struct gf_error *err) {
    struct gf_digest *layers = GF_ARENA_ARRAY(arena, record->layer_count, struct gf_digest);
    size_t count = 0;
    for (size_t i = 0; i < record->layer_count; i++) {
        GF_CLEANUP(gf_close_p) int fd = -1;
        const enum gf_code rc = gf_file_open(store->layers_fd, gf_digest_hex(&record->layers[i]),
                                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (gf_layer_is_opaque(fd)) {
            count = 0;
        }
        if (!comes_again(record, i)) {
            layers[count++] = record->layers[i];
        }
    }
    record->layers = layers;
    record->layer_count = count;
    return GF_OK;
}

enum gf_code gf_install_record(const struct gf_fetch_store *store, int64_t now_wall_ns,
                               struct gf_arena *arena, struct gf_image_record *record,
                               bool *out_is_new, struct gf_error *err) {
    enum gf_code rc = settle_layers(store, arena, record, err);
    record->imported_ns = now_wall_ns;
    record->size_bytes = 0;
    for (size_t i = 0; rc == GF_OK && i < record->layer_count; i++) {
        int64_t bytes = 0;
        rc = gf_fetch_disk_usage(store->layers_fd, gf_digest_hex(&record->layers[i]), &bytes, err);
        record->size_bytes += rc == GF_OK ? bytes : 0;
    }
    return rc == GF_OK ? gf_fetch_store_publish_record(store, record, out_is_new, err) : rc;
}
