#include "engine/scheduler/native/fetch/import.h"

#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/install.h"
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

/* Unpacks one layer into the work directory, under the digits of its diff id. */
static enum gf_code unpack_layer(struct importer *importer, const struct gf_found_image *image,
                                 size_t index, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int blob_fd = -1;
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
    const struct gf_install_layer install = {
        .blob_fd = blob_fd,
        .digest = &layer->digest,
        .diff_id = diff_id,
        .limits = import->limits,
        .progress = import->progress,
    };
    return gf_install_unpack(importer->store, &install, &importer->usage, err);
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

/* Records first, then names: a name never leads to nothing. */
static enum gf_code publish_images(const struct importer *importer, struct gf_arena *arena,
                                   struct gf_image_report *out, struct gf_error *err) {
    struct gf_image_report report = {
        .items = GF_ARENA_ARRAY(arena, GF_IMAGE_ARCHIVE_NAMES_MAX, struct gf_image_report_item),
    };
    for (size_t i = 0; i < importer->images.count; i++) {
        struct gf_found_image *image = importer->images.items[i];
        bool is_new = false;
        enum gf_code rc = gf_install_record(importer->store, importer->import->now_wall_ns, arena,
                                            &image->record, &is_new, err);
        if (rc == GF_OK) {
            rc = gf_fetch_store_set_origin(importer->store, &image->record.digest,
                                           /* is_pulled= */ false, err);
        }
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
        enum gf_code rc = gf_install_work_dir(store, "spool", 0700, &spool_fd, err);
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
