/*
 * The extensions that come with gofer: their images are archives, NAME:VERSION is in them.
 *
 * Design: the archive is imported at each start, which is what tells what is in it; layers that are
 * there already are not unpacked again. What is installed is changed only where its image is one of
 * gofer's own: somebody may have put another program in its place.
 */
#include "api/server/extension_care_internal.h"
#include "base/log.h"
#include "engine/scheduler/native/images/reference.h"
#include "engine/scheduler/native/images/semver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_PREFIX "gofer-extension-"

/* An image of the archive of an extension. */
struct archive {
    struct gf_reference reference; /* gofer-extension-NAME:VERSION */
    struct gf_digest digest;
};

static enum gf_code import(struct gf_extension_care *care, const char *name, struct gf_arena *arena,
                           struct archive *out, struct gf_error *err) {
    const char *path =
        gf_arena_printf(arena, "%s/" IMAGE_PREFIX "%s.tar", care->options.image_dir, name);
    const char *wanted = gf_arena_printf(arena, IMAGE_PREFIX "%s", name);
    const struct gf_image_import what = {.path = path, .fd = -1, .deadline_mono_ns = GF_NEVER};
    struct gf_image_report report = {0};
    if (care->options.images == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "the scheduler has no images");
    }
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return gf_fail(err, GF_NOT_FOUND,
                       "no extension '%s' comes with gofer: there is no file '%s'", name, path);
    }
    const enum gf_code rc = gf_image_store_import(care->options.images, &what, arena, &report, err);
    if (rc != GF_OK) {
        return rc;
    }
    for (size_t i = 0; i < report.count; i++) {
        struct archive archive = {.digest = report.items[i].name.digest};
        if (gf_reference_parse_name(gf_str_from(report.items[i].name.name), &archive.reference,
                                    NULL) == GF_OK &&
            strcmp(archive.reference.name, wanted) == 0) {
            *out = archive;
            return GF_OK;
        }
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s holds no image '%s'", path, wanted);
}

static enum gf_code find(struct gf_extension_care *care, const char *name, struct gf_arena *arena,
                         struct gf_extension *out, struct gf_error *err) {
    struct gf_store *store = care->options.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    const enum gf_code rc = store->ops->extensions->get(reader, gf_str_from(name), arena, out, err);
    store->ops->close_reader(store, reader);
    return rc;
}

/* Whether what is installed is to become what is in the archive. */
static bool is_older(const struct gf_extension *row, const struct archive *archive,
                     bool *out_same_name) {
    struct gf_reference installed;
    struct gf_semver old_version;
    struct gf_semver new_version;
    if (gf_reference_parse(row->spec.image, &installed, NULL) != GF_OK ||
        strcmp(installed.name, archive->reference.name) != 0) {
        return false;
    }
    *out_same_name = strcmp(installed.tag, archive->reference.tag) == 0;
    if (*out_same_name) {
        return row->serving.image_digest.len > 0 &&
               !gf_str_eq(row->serving.image_digest, gf_str_from(archive->digest.text));
    }
    return gf_semver_parse(gf_str_from(installed.tag), &old_version) &&
           gf_semver_parse(gf_str_from(archive->reference.tag), &new_version) &&
           gf_semver_cmp(&old_version, &new_version) < 0;
}

static enum gf_code install(struct gf_extension_care *care, const char *name,
                            const struct archive *archive, struct gf_error *err) {
    char image[GF_REFERENCE_BYTES];
    const struct gf_extension_spec spec = {
        .image = gf_str_from(gf_reference_format(&archive->reference, image)),
        .network = GF_NETWORK_NONE, /* it talks to gofer alone, and needs none for that */
    };
    const struct gf_input input = {
        .kind = GF_INPUT_INSTALL_EXTENSION,
        .u.extension.change = {.extension_id = gf_str_from(name), .spec = &spec},
    };
    bool changed = false;
    const enum gf_code rc = gf_care__command(care, &input, &changed, err);
    if (rc == GF_OK) {
        gf_log_info("provided_extension_installed", GF_KV_STR("extension", name),
                    GF_KV_STR("image", image));
    }
    return rc;
}

static enum gf_code update(struct gf_extension_care *care, const char *name,
                           const struct archive *archive, bool same_name, struct gf_error *err) {
    char image[GF_REFERENCE_BYTES];
    const struct gf_extension_spec spec = {
        .image = gf_str_from(gf_reference_format(&archive->reference, image))};
    const struct gf_input input = {
        .kind = GF_INPUT_UPDATE_EXTENSION,
        .u.extension.change = {.extension_id = gf_str_from(name),
                               .spec = &spec,
                               .set_image = !same_name,
                               .relaunch = same_name,
                               .image_is_here = same_name},
    };
    bool changed = false;
    const enum gf_code rc = gf_care__command(care, &input, &changed, err);
    if (rc == GF_OK && changed) {
        gf_log_info("provided_extension_updated", GF_KV_STR("extension", name),
                    GF_KV_STR("image", image));
    }
    return rc;
}

static enum gf_code provide(struct gf_extension_care *care, const char *name,
                            struct gf_arena *arena, struct gf_error *err) {
    struct archive archive;
    struct gf_extension row = {0};
    struct gf_error error = {0};
    bool same_name = false;
    enum gf_code rc = import(care, name, arena, &archive, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = find(care, name, arena, &row, &error);
    if (rc == GF_NOT_FOUND) {
        return install(care, name, &archive, err);
    }
    if (rc != GF_OK) {
        *err = error;
        return rc;
    }
    return is_older(&row, &archive, &same_name) ? update(care, name, &archive, same_name, err)
                                                : GF_OK;
}

/* One that is installed needs no archive: then there is nothing newer to be had. */
static bool is_installed(struct gf_extension_care *care, const char *name, struct gf_arena *arena) {
    struct gf_extension row = {0};
    return find(care, name, arena, &row, NULL) == GF_OK;
}

static void note(struct gf_extension_care *care, struct provided *provided,
                 const struct gf_error *error) {
    GF_MUTEX_GUARD(&care->mutex);
    provided->done = true;
    (void)snprintf(provided->trouble, sizeof(provided->trouble), "%s",
                   error == NULL ? "" : error->message);
}

void gf_care__run_provided(void *ctx) {
    struct gf_extension_care *care = ctx;
    for (size_t i = 0; i < care->provided_count && !atomic_load(&care->stopping); i++) {
        struct provided *provided = &care->provided[i];
        struct gf_error error = {0};
        struct gf_arena arena;
        gf_arena_init(&arena, CARE_STEP_BYTES_MAX);
        if (provide(care, provided->name, &arena, &error) == GF_OK) {
            note(care, provided, NULL);
        } else {
            const bool installed = is_installed(care, provided->name, &arena);
            gf_log_warn(installed ? "provided_extension_not_updated"
                                  : "provided_extension_not_installed",
                        GF_KV_STR("extension", provided->name), GF_KV_ERROR(&error));
            note(care, provided, installed ? NULL : &error);
        }
        gf_arena_fini(&arena);
    }
}
