/*
 * Images of an OCI layout: index.json leads to manifests, or by way of further indexes to one
 * manifest per platform; a manifest names a configuration and layers. All but index.json itself are
 * blobs, named and checked by their digests.
 */
#include "engine/scheduler/native/fetch/config.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found_oci_internal.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/platform.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/images/text.h"

#include <stdio.h>

enum {
    BLOB_PATH_BYTES = sizeof("blobs/sha256/") + GF_DIGEST_HEX_CHARS,
};

static const char *const index_types[] = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
};

static const char *const manifest_types[] = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
};

static const char *const config_types[] = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
};

/* Of those below. */
static const char *const foreign_layer_types[] = {
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

/* Whether a layer is compressed is seen from its first bytes. */
static const char *const layer_types[] = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

static bool is_one_of(const char *type, const char *const *types, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (gf_str_eq(gf_str_from(type), gf_str_from(types[i]))) {
            return true;
        }
    }
    return false;
}

#define IS_ONE_OF(type, types) is_one_of((type), (types), GF_ARRAY_COUNT(types))

bool gf_found__is_index(const char *media_type) {
    return IS_ONE_OF(media_type, index_types);
}

bool gf_found__is_manifest(const char *media_type) {
    return IS_ONE_OF(media_type, manifest_types);
}

static enum gf_code read_descriptor(const json_t *json, struct gf_found_descriptor *out,
                                    struct gf_error *err) {
    struct gf_found_descriptor descriptor;
    enum gf_code rc = gf_json_string(json, "mediaType", &descriptor.media_type, err);
    if (rc == GF_OK) {
        rc = gf_json_digest(json, "digest", &descriptor.digest, err);
    }
    if (rc == GF_OK) {
        rc = gf_json_size(json, "size", &descriptor.size_bytes, err);
    }
    if (rc == GF_OK) {
        *out = descriptor;
    }
    return rc;
}

static const char *blob_path(const struct gf_digest *digest, char out[BLOB_PATH_BYTES]) {
    (void)snprintf(out, BLOB_PATH_BYTES, "blobs/sha256/%s", gf_digest_hex(digest));
    return out;
}

/* Reads a blob of JSON whole and checks its size and digest. */
static enum gf_code read_blob(struct gf_source *source,
                              const struct gf_found_descriptor *descriptor, bool is_manifest,
                              struct gf_strbuf *out, struct gf_error *err) {
    char path[BLOB_PATH_BYTES];
    const enum gf_code rc =
        gf_source_is_registry(source)
            ? gf_source_read_registry(source, &descriptor->digest, descriptor->size_bytes,
                                      is_manifest, out, err)
            : gf_source_read(source, blob_path(&descriptor->digest, path), out, err);
    if (rc != GF_OK) {
        return rc;
    }
    if ((int64_t)out->len != descriptor->size_bytes) {
        return gf_fail_reason(
            err, GF_INVALID_ARGUMENT, "DIGEST_MISMATCH", "blob %s has %zu bytes, expected %lld",
            gf_digest_hex(&descriptor->digest), out->len, (long long)descriptor->size_bytes);
    }
    const struct gf_digest got = gf_sha256_of(gf_strbuf_view(out));
    return gf_digest_check(&descriptor->digest, &got, err);
}

static enum gf_code read_layer(struct gf_found_image *image, size_t index, const json_t *json,
                               struct gf_error *err) {
    struct gf_found_descriptor descriptor;
    char path[BLOB_PATH_BYTES];
    const enum gf_code rc = read_descriptor(json, &descriptor, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!IS_ONE_OF(descriptor.media_type, layer_types)) {
        return gf_fail_archive(err, "media type '%s' is no layer of files",
                               gf_show_cstr(descriptor.media_type).text);
    }
    struct gf_found_layer *layer = &image->layers[index];
    layer->digest = descriptor.digest;
    layer->size_bytes = descriptor.size_bytes;
    return gf_found__copy(image, blob_path(&descriptor.digest, path), &layer->path, err);
}

static enum gf_code refuse_foreign(const json_t *layer, struct gf_error *err) {
    const char *type = "";
    const enum gf_code rc = gf_json_string(layer, "mediaType", &type, err);
    if (rc == GF_OK && IS_ONE_OF(type, foreign_layer_types)) {
        return gf_fail_archive(err, "media type '%s' is a layer that registries may not give out",
                               type);
    }
    return rc;
}

static enum gf_code read_layers(struct gf_source *source, struct gf_found_image *image,
                                const json_t *manifest, struct gf_error *err) {
    json_t *layers = NULL;
    enum gf_code rc = gf_json_array(manifest, "layers", GF_IMAGE_LAYERS_MAX, &layers, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (json_array_size(layers) != image->record.layer_count) {
        return gf_fail_archive(err, "the manifest has %zu layers, the configuration %zu",
                               json_array_size(layers), image->record.layer_count);
    }
    rc = gf_found__alloc_layers(image, err);
    for (size_t i = 0; rc == GF_OK && i < image->record.layer_count; i++) {
        const json_t *layer = json_array_get(layers, i);
        rc = gf_source_is_registry(source) ? refuse_foreign(layer, err) : GF_OK;
        if (rc == GF_OK) {
            rc = read_layer(image, i, layer, err);
        }
        if (rc != GF_OK) {
            return gf_wrap(err, "layer %zu", i + 1);
        }
    }
    return rc;
}

static enum gf_code read_config(struct gf_source *source, struct gf_found_image *image,
                                const json_t *manifest, struct gf_error *err) {
    json_t *json = NULL;
    struct gf_found_descriptor descriptor;
    enum gf_code rc = gf_json_object(manifest, "config", &json, err);
    if (rc == GF_OK) {
        rc = read_descriptor(json, &descriptor, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!IS_ONE_OF(descriptor.media_type, config_types)) {
        return gf_fail_archive(err, "media type '%s' is no configuration of an image",
                               gf_show_cstr(descriptor.media_type).text);
    }
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    rc = read_blob(source, &descriptor, /* is_manifest= */ false, &text, err);
    if (rc == GF_OK) {
        rc = gf_config_read(gf_strbuf_view(&text), &image->arena, &image->record, err);
    }
    return rc == GF_OK ? GF_OK : gf_wrap(err, "configuration");
}

enum gf_code gf_found__read_manifest(struct gf_source *source,
                                     const struct gf_found_descriptor *descriptor,
                                     struct gf_found_images *images, struct gf_found_image **out,
                                     struct gf_error *err) {
    for (size_t i = 0; i < images->count; i++) {
        if (gf_digest_eq(&images->items[i]->record.digest, &descriptor->digest)) {
            *out = images->items[i];
            return GF_OK;
        }
    }
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_json_unref_p) json_t *manifest = NULL;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    struct gf_found_image *image = gf_found__add(images);
    image->record.digest = descriptor->digest;
    enum gf_code rc = read_blob(source, descriptor, /* is_manifest= */ true, &text, err);
    if (rc == GF_OK) {
        rc = gf_json_parse(gf_strbuf_view(&text), &manifest, err);
    }
    if (rc == GF_OK) {
        rc = read_config(source, image, manifest, err);
    }
    if (rc == GF_OK) {
        rc = read_layers(source, image, manifest, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "image %.12s", gf_digest_hex(&descriptor->digest));
    }
    *out = image;
    return GF_OK;
}

/* How well an entry of an index fits this machine; adds its platform to `seen`. */
static enum gf_code rank_entry(const json_t *json, int *out_rank, struct gf_strbuf *seen,
                               struct gf_error *err) {
    json_t *json_platform = NULL;
    struct gf_platform platform = {"", "", ""};
    enum gf_code rc = gf_json_object_optional(json, "platform", &json_platform, err);
    if (rc == GF_OK && json_platform != NULL) {
        rc = gf_platform_read(json_platform, &platform, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const int rank = gf_platform_rank(&platform);
    if (rank == 0) {
        char text[GF_PLATFORM_BYTES_MAX];
        gf_strbuf_printf(seen, "%s%s", seen->len > 0 ? ", " : "",
                         gf_platform_format(&platform, text));
    }
    *out_rank = rank;
    return GF_OK;
}

enum gf_code gf_found__fail_platform(const struct gf_strbuf *seen, struct gf_error *err) {
    const struct gf_platform host = gf_platform_host();
    char text[GF_PLATFORM_BYTES_MAX];
    if (seen->len == 0) {
        return gf_fail_archive(err, "the index holds no image");
    }
    return gf_fail_reason(err, GF_INVALID_ARGUMENT, "PLATFORM_MISSING",
                          "no image for this machine, %s, only for %s%s",
                          gf_platform_format(&host, text), seen->ptr,
                          seen->overflowed ? " and others" : "");
}

enum gf_code gf_found__choose(struct gf_source *source, const struct gf_found_descriptor *index,
                              int depth_left, struct gf_strbuf *seen,
                              struct gf_found_descriptor *out, int *out_rank,
                              struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    json_t *entries = NULL;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    if (depth_left == 0) {
        return gf_fail_archive(err, "more than %d indexes within each other",
                               GF_FETCH_INDEX_DEPTH_MAX);
    }
    enum gf_code rc = read_blob(source, index, /* is_manifest= */ true, &text, err);
    if (rc == GF_OK) {
        rc = gf_json_parse(gf_strbuf_view(&text), &root, err);
    }
    if (rc == GF_OK) {
        rc = gf_json_array(root, "manifests", GF_FETCH_INDEX_ENTRIES_MAX, &entries, err);
    }
    int best_rank = 0;
    for (size_t i = 0; rc == GF_OK && i < json_array_size(entries); i++) {
        struct gf_found_descriptor entry = {NULL};
        int rank = 0;
        rc = read_descriptor(json_array_get(entries, i), &entry, err);
        if (rc == GF_OK) {
            rc = rank_entry(json_array_get(entries, i), &rank, seen, err);
        }
        if (rc == GF_OK && rank > 0 && gf_found__is_index(entry.media_type)) {
            const struct gf_found_descriptor inner = entry;
            rc = gf_found__choose(source, &inner, depth_left - 1, seen, &entry, &rank, err);
        } else if (!gf_found__is_manifest(entry.media_type)) {
            rank = 0;
        }
        if (rc == GF_OK && rank > best_rank) {
            best_rank = rank;
            *out = entry;
        }
    }
    if (rc == GF_OK) {
        *out_rank = best_rank;
    }
    return rc;
}

/* A name where it can be one; a word alone may as well be a tag, which is kept aside. */
static enum gf_code read_names(const json_t *json, struct gf_found_images *images,
                               struct gf_found_image *image, struct gf_error *err) {
    json_t *annotations = NULL;
    const char *full_name = "";
    const char *ref_name = "";
    enum gf_code rc = gf_json_object_optional(json, "annotations", &annotations, err);
    if (rc != GF_OK || annotations == NULL) {
        return rc;
    }
    rc = gf_json_string_optional(annotations, "io.containerd.image.name", &full_name, err);
    if (rc == GF_OK) {
        rc = gf_json_string_optional(annotations, "org.opencontainers.image.ref.name", &ref_name,
                                     err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (full_name[0] != '\0') {
        return gf_found__add_name(images, image, full_name, err);
    }
    if (strpbrk(ref_name, "/:") != NULL) {
        return gf_found__add_name(images, image, ref_name, err);
    }
    return gf_found__copy(image, gf_show_cstr(ref_name).text, &image->bare_tag, err);
}

/* One entry of index.json: an image, or an index with one image for each of several platforms. */
static enum gf_code read_entry(struct gf_source *source, const json_t *json,
                               struct gf_found_images *images, struct gf_strbuf *seen,
                               struct gf_error *err) {
    struct gf_found_descriptor descriptor;
    int rank = 0;
    enum gf_code rc = read_descriptor(json, &descriptor, err);
    if (rc == GF_OK) {
        rc = rank_entry(json, &rank, seen, err);
    }
    if (rc != GF_OK || rank == 0) {
        return rc;
    }
    if (gf_found__is_index(descriptor.media_type)) {
        const struct gf_found_descriptor index = descriptor;
        rc = gf_found__choose(source, &index, GF_FETCH_INDEX_DEPTH_MAX, seen, &descriptor, &rank,
                              err);
        if (rc == GF_OK && rank == 0) {
            rc = gf_found__fail_platform(seen, err);
        }
    } else if (!gf_found__is_manifest(descriptor.media_type)) {
        return gf_fail_archive(err, "media type '%s' in the index is not known",
                               gf_show_cstr(descriptor.media_type).text);
    }
    struct gf_found_image *image = NULL;
    if (rc == GF_OK) {
        rc = gf_found__read_manifest(source, &descriptor, images, &image, err);
    }
    return rc == GF_OK ? read_names(json, images, image, err) : rc;
}

enum gf_code gf_found__read_oci(struct gf_source *source, struct gf_found_images *out,
                                struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf seen;
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    json_t *entries = NULL;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    gf_strbuf_init(&seen, GF_FOUND_PLATFORMS_BYTES_MAX);
    enum gf_code rc = gf_source_read(source, "index.json", &text, err);
    if (rc == GF_OK) {
        rc = gf_json_parse(gf_strbuf_view(&text), &root, err);
    }
    if (rc == GF_OK) {
        rc = gf_json_array(root, "manifests", GF_FETCH_INDEX_ENTRIES_MAX, &entries, err);
    }
    for (size_t i = 0; rc == GF_OK && i < json_array_size(entries); i++) {
        rc = read_entry(source, json_array_get(entries, i), out, &seen, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "index.json, entry %zu", i + 1);
        }
    }
    if (rc == GF_OK && out->count == 0) {
        rc = gf_found__fail_platform(&seen, err);
    }
    return rc;
}
