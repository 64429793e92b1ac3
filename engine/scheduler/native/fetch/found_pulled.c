/*
 * What a name of a registry means: a manifest, or an index with one for this machine. Unlike a
 * layout, a registry gives a document without saying for certain which kind it is.
 */
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found_oci_internal.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/images/text.h"

/* Manifests of Docker's first kind, signed or not. */
static bool is_old_type(const char *type) {
    return strcmp(type, "application/vnd.docker.distribution.manifest.v1+json") == 0 ||
           strcmp(type, "application/vnd.docker.distribution.manifest.v1+prettyjws") == 0;
}

/* Which kind of document it is: what it calls itself, what the registry calls it, what it looks
 * like. One that could be read as both kinds, by different programs, is refused. */
static enum gf_code settle_type(const struct gf_found_root *root, const json_t *json,
                                bool *out_is_index, struct gf_error *err) {
    const char *own_type = "";
    const bool has_manifests = json_object_get(json, "manifests") != NULL;
    const bool has_layers = json_object_get(json, "layers") != NULL;
    const bool is_old = json_object_get(json, "fsLayers") != NULL;
    const enum gf_code rc = gf_json_string_optional(json, "mediaType", &own_type, err);
    if (rc != GF_OK) {
        return rc;
    }
    const char *said = own_type[0] != '\0' ? own_type : root->media_type;
    if (is_old || is_old_type(said) || is_old_type(root->media_type)) {
        return gf_fail_archive(err, "a manifest of Docker's schema 1, whose layers cannot be "
                                    "checked: push the image again with a newer tool");
    }
    const bool is_index = has_manifests || gf_found__is_index(said);
    const bool is_manifest = has_layers || gf_found__is_manifest(said);
    const bool is_other =
        own_type[0] != '\0' && !gf_found__is_index(own_type) && !gf_found__is_manifest(own_type);
    if (is_index == is_manifest || is_other) {
        return gf_fail_archive(err,
                               "media type '%s' is neither a manifest of an image nor an "
                               "index of them",
                               gf_show_cstr(said).text);
    }
    *out_is_index = is_index;
    return GF_OK;
}

enum gf_code gf_find_pulled(struct gf_source *source, const struct gf_found_root *root,
                            struct gf_found_images *out, struct gf_error *err) {
    GF_CLEANUP(gf_found_images_fini) struct gf_found_images images = {0};
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf seen;
    GF_CLEANUP(gf_json_unref_p) json_t *json = NULL;
    struct gf_found_image *image = NULL;
    struct gf_found_descriptor descriptor = {
        .media_type = root->media_type,
        .digest = root->digest,
        .size_bytes = (int64_t)root->text.len,
    };
    bool is_index = false;
    int rank = 0;
    gf_strbuf_init(&seen, GF_FOUND_PLATFORMS_BYTES_MAX);
    enum gf_code rc = gf_json_parse(root->text, &json, err);
    if (rc == GF_OK) {
        rc = settle_type(root, json, &is_index, err);
    }
    if (rc == GF_OK && is_index) {
        const struct gf_found_descriptor index = descriptor;
        rc = gf_found__choose(source, &index, GF_FETCH_INDEX_DEPTH_MAX, &seen, &descriptor, &rank,
                              err);
        if (rc == GF_OK && rank == 0) {
            rc = gf_found__fail_platform(&seen, err);
        }
    }
    if (rc == GF_OK) {
        rc = gf_found__read_manifest(source, &descriptor, &images, &image, err);
    }
    if (rc == GF_OK) {
        *out = images;
        images = (struct gf_found_images){0};
    }
    return rc;
}
