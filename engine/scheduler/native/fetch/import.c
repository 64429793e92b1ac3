#include "engine/scheduler/native/fetch/import.h"

#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/blob.h"
#include "engine/scheduler/native/fetch/disk_usage.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/fetch/source.h"
#include "engine/scheduler/native/images/text.h"

#include <sys/stat.h>

/* What an import has at hand while it runs. */
struct importer {
    const struct gf_import *import;
    const struct gf_fetch_store *store;
    struct gf_source *source;
    struct gf_found_images images;
    struct gf_layer_usage usage;
};

static void importer_fini(struct importer *importer) {
    gf_found_images_fini(&importer->images);
}

/* Makes a directory in the work directory and opens it. */
static enum gf_code make_work_dir(const struct gf_fetch_store *store, const char *name, mode_t mode,
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
static enum gf_code check_digests(struct gf_blob *blob, const struct gf_found_layer *layer,
                                  const struct gf_digest *diff_id, enum gf_code unpacked,
                                  struct gf_error *err) {
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
    if (rc == GF_OK && gf_digest_is_set(&layer->digest)) {
        const enum gf_code checked = gf_digest_check(&layer->digest, &got_blob, &cause);
        if (checked != GF_OK) {
            return gf_fail_reason(err, checked, cause.reason, "%s", cause.message);
        }
    }
    if (unpacked != GF_OK) {
        return unpacked;
    }
    rc = gf_digest_check(diff_id, &got_content, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "unpacked content");
}

/* Unpacks one layer into the work directory, under the digits of its diff id. */
static enum gf_code unpack_layer(struct importer *importer, const struct gf_found_image *image,
                                 size_t index, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int blob_fd = -1;
    GF_CLEANUP(gf_close_p) int root_fd = -1;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    int64_t size = 0;
    const struct gf_import *import = importer->import;
    const struct gf_found_layer *layer = &image->layers[index];
    const struct gf_digest *diff_id = &image->record.layers[index];
    enum gf_code rc = gf_source_open(importer->source, layer->path, &blob_fd, &size, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (layer->size_bytes >= 0 && size != layer->size_bytes) {
        return gf_fail_reason(err, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH",
                              "has %lld bytes, expected %lld", (long long)size,
                              (long long)layer->size_bytes);
    }
    gf_progress_step(import->progress, size, "layer %zu of %zu", index + 1,
                     image->record.layer_count);
    rc = make_work_dir(importer->store, gf_digest_hex(diff_id), 0755, &root_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_blob_open(blob_fd, GF_BLOB_HASHED, import->limits->unpacked_bytes, import->progress,
                      &blob, err);
    if (rc == GF_OK) {
        rc = gf_layer_unpack(blob, root_fd, import->limits, &importer->usage, err);
    }
    return blob != NULL ? check_digests(blob, layer, diff_id, rc, err) : rc;
}

static bool is_unpacked(const struct importer *importer, const struct gf_digest *diff_id) {
    struct stat status;
    return gf_fetch_store_has_layer(importer->store, diff_id) ||
           fstatat(importer->store->work_fd, gf_digest_hex(diff_id), &status,
                   AT_SYMLINK_NOFOLLOW) == 0;
}

static enum gf_code unpack_image(struct importer *importer, const struct gf_found_image *image,
                                 struct gf_error *err) {
    const size_t count = image->record.layer_count;
    for (size_t i = 0; i < count; i++) {
        const struct gf_digest *diff_id = &image->record.layers[i];
        if (is_unpacked(importer, diff_id)) {
            continue;
        }
        const enum gf_code rc = unpack_layer(importer, image, i, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "layer %zu", i + 1);
        }
    }
    return GF_OK;
}

static enum gf_code publish_layers(const struct importer *importer, struct gf_error *err) {
    gf_progress_step(importer->import->progress, 0, "to the disk");
    enum gf_code rc = gf_fetch_store_sync(importer->store, err);
    for (size_t i = 0; rc == GF_OK && i < importer->images.count; i++) {
        const struct gf_image_record *record = &importer->images.items[i]->record;
        for (size_t j = 0; rc == GF_OK && j < record->layer_count; j++) {
            const struct gf_digest *diff_id = &record->layers[j];
            if (!gf_fetch_store_has_layer(importer->store, diff_id)) {
                rc = gf_fetch_store_publish_layer(importer->store, gf_digest_hex(diff_id), diff_id,
                                                  err);
            }
        }
    }
    return rc;
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

static enum gf_code publish_record(const struct importer *importer, struct gf_arena *arena,
                                   struct gf_image_record *record, bool *out_is_new,
                                   struct gf_error *err) {
    enum gf_code rc = settle_layers(importer->store, arena, record, err);
    record->imported_ns = importer->import->now_wall_ns;
    record->size_bytes = 0;
    for (size_t i = 0; rc == GF_OK && i < record->layer_count; i++) {
        int64_t bytes = 0;
        rc = gf_fetch_disk_usage(importer->store->layers_fd, gf_digest_hex(&record->layers[i]),
                                 &bytes, err);
        record->size_bytes += rc == GF_OK ? bytes : 0;
    }
    if (rc == GF_OK) {
        rc = gf_fetch_store_publish_record(importer->store, record, out_is_new, err);
    }
    return rc == GF_OK ? gf_fetch_store_set_origin(importer->store, &record->digest,
                                                   /* is_pulled = */ false, err)
                       : rc;
}

/* Records first, then names: a name never leads to nothing. */
static enum gf_code publish_images(const struct importer *importer, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) {
    struct gf_image_report report = {
        .items = GF_ARENA_ARRAY(arena, GF_IMAGE_ARCHIVE_NAMES_MAX, struct gf_image_report_item),
    };
    for (size_t i = 0; i < importer->images.count; i++) {
        struct gf_found_image *image = importer->images.items[i];
        bool is_new = false;
        const enum gf_code rc = publish_record(importer, arena, &image->record, &is_new, err);
        if (rc != GF_OK) {
            return rc;
        }
        for (size_t j = 0; j < image->names.count; j++) {
            gf_assert(report.count < GF_IMAGE_ARCHIVE_NAMES_MAX);
            struct gf_image_report_item *item = &report.items[report.count++];
            item->is_new = is_new;
            item->name.digest = image->record.digest;
            (void)snprintf(item->name.name, sizeof(item->name.name), "%s", image->names.items[j]);
        }
    }
    for (size_t i = 0; i < report.count; i++) {
        const enum gf_code rc =
            gf_fetch_store_publish_name(importer->store, &report.items[i].name, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out = report;
    return GF_OK;
}

/* Gives the caller's name to the only image, and refuses images without a name. */
static enum gf_code settle_names(struct importer *importer, struct gf_error *err) {
    struct gf_found_images *images = &importer->images;
    const char *name = importer->import->name;
    if (name != NULL) {
        if (images->count != 1) {
            return gf_fail_field(err, "name",
                                 "the archive holds %zu images: a name can be given to one only",
                                 images->count);
        }
        gf_vec_clear(&images->items[0]->names);
        return gf_found__add_name(images, images->items[0], name, err);
    }
    for (size_t i = 0; i < images->count; i++) {
        const struct gf_found_image *image = images->items[i];
        if (image->names.count > 0) {
            continue;
        }
        if (image->bare_tag[0] != '\0') {
            return gf_fail_field(err, "name",
                                 "the archive calls its image '%s', which may be a tag: give it a "
                                 "name with --name NAME:TAG",
                                 image->bare_tag);
        }
        return gf_fail_field(err, "name",
                             "the archive has no name for its image: give it one with --name "
                             "NAME:TAG");
    }
    return GF_OK;
}

static enum gf_code run(struct importer *importer, struct gf_arena *arena,
                        struct gf_image_report *out, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int lock_fd = -1;
    enum gf_code rc = gf_find_images(importer->source, &importer->images, err);
    if (rc == GF_OK) {
        rc = settle_names(importer, err);
    }
    for (size_t i = 0; rc == GF_OK && i < importer->images.count; i++) {
        rc = unpack_image(importer, importer->images.items[i], err);
    }
    if (rc == GF_OK) {
        rc = gf_fetch_store_lock(importer->store, /* alone = */ false, &lock_fd, err);
    }
    if (rc == GF_OK) {
        rc = publish_layers(importer, err);
    }
    if (rc == GF_OK && importer->usage.devices_skipped > 0) {
        gf_progress_note(importer->import->progress, "left out %lld device nodes",
                         (long long)importer->usage.devices_skipped);
    }
    return rc == GF_OK ? publish_images(importer, arena, out, err) : rc;
}

enum gf_code gf_import_run(const struct gf_import *import, const struct gf_fetch_store *store,
                           struct gf_arena *arena, struct gf_image_report *out,
                           struct gf_error *err) {
    GF_CLEANUP(gf_source_close_p) struct gf_source *source = NULL;
    GF_CLEANUP(gf_close_p) int spool_fd = -1;
    gf_progress_step(import->progress, 0, "reading the archive");
    if (import->is_directory) {
        source = gf_source_open_directory(import->source_fd);
    } else {
        enum gf_code rc = make_work_dir(store, "spool", 0700, &spool_fd, err);
        if (rc == GF_OK) {
            rc = gf_source_open_archive(import->source_fd, spool_fd, import->limits,
                                        import->progress, &source, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    GF_CLEANUP(importer_fini)
    struct importer importer = {
        .import = import,
        .store = store,
        .source = source,
    };
    return run(&importer, arena, out, err);
}
