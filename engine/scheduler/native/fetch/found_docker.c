/*
 * Images of a docker archive: manifest.json lists, for each image, the file of its configuration,
 * its names, and the files of its layers. Digests are known where file names are made of them; the
 * layers are checked against the configuration's diff ids in any case.
 */
#include "engine/scheduler/native/fetch/config.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/images/text.h"

/* The digest that a file name is made of: "blobs/sha256/<hex>", "<hex>.json". */
static bool digest_of_path(const char *path, struct gf_digest *out) {
    struct gf_str text = gf_str_from(path);
    const struct gf_str blobs = GF_STR("blobs/sha256/");
    const struct gf_str json = GF_STR(".json");
    if (gf_str_has_prefix(text, blobs)) {
        text = (struct gf_str){text.ptr + blobs.len, text.len - blobs.len};
    } else if (gf_str_has_suffix(text, json)) {
        text.len -= json.len;
    } else {
        return false;
    }
    return gf_digest_from_hex(text, out);
}

static enum gf_code read_config(struct gf_source *source, const json_t *json,
                                struct gf_found_image *image, struct gf_error *err) {
    const char *path = NULL;
    struct gf_digest expected;
    enum gf_code rc = gf_json_string(json, "Config", &path, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    rc = gf_source_read(source, path, &text, err);
    if (rc == GF_OK && digest_of_path(path, &expected)) {
        const struct gf_digest got = gf_sha256_of(gf_strbuf_view(&text));
        rc = gf_digest_check(&expected, &got, err);
    }
    if (rc == GF_OK) {
        rc = gf_config_read(gf_strbuf_view(&text), &image->arena, &image->record, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "configuration");
    }
    image->record.digest = image->record.config;
    return GF_OK;
}

static enum gf_code read_layers(const json_t *json, struct gf_found_image *image,
                                struct gf_error *err) {
    json_t *paths = NULL;
    enum gf_code rc = gf_json_array(json, "Layers", GF_IMAGE_LAYERS_MAX, &paths, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (json_array_size(paths) != image->record.layer_count) {
        return gf_fail_archive(err, "manifest.json has %zu layers, the configuration %zu",
                               json_array_size(paths), image->record.layer_count);
    }
    rc = gf_found__alloc_layers(image, err);
    for (size_t i = 0; rc == GF_OK && i < image->record.layer_count; i++) {
        const json_t *path = json_array_get(paths, i);
        if (!json_is_string(path)) {
            return gf_fail_archive(err, "JSON: 'Layers' must hold strings");
        }
        struct gf_found_layer *layer = &image->layers[i];
        layer->size_bytes = -1;
        rc = gf_found__copy(image, json_string_value(path), &layer->path, err);
        if (rc == GF_OK) {
            (void)digest_of_path(layer->path, &layer->digest); /* else nobody says */
        }
    }
    return rc;
}

static enum gf_code read_names(const json_t *json, struct gf_found_images *images,
                               struct gf_found_image *image, struct gf_error *err) {
    json_t *names = NULL;
    enum gf_code rc =
        gf_json_array_optional(json, "RepoTags", GF_IMAGE_ARCHIVE_NAMES_MAX, &names, err);
    for (size_t i = 0; rc == GF_OK && i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);
        if (!json_is_string(name)) {
            return gf_fail_archive(err, "JSON: 'RepoTags' must hold strings");
        }
        rc = gf_found__add_name(images, image, json_string_value(name), err);
    }
    return rc;
}

static enum gf_code read_image(struct gf_source *source, const json_t *json,
                               struct gf_found_images *images, struct gf_error *err) {
    struct gf_found_image *image = gf_found__add(images);
    enum gf_code rc = read_config(source, json, image, err);
    if (rc == GF_OK) {
        rc = read_layers(json, image, err);
    }
    return rc == GF_OK ? read_names(json, images, image, err) : rc;
}

enum gf_code gf_found__read_docker(struct gf_source *source, struct gf_found_images *out,
                                   struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    gf_strbuf_init(&text, GF_FETCH_JSON_BYTES_MAX);
    enum gf_code rc = gf_source_read(source, "manifest.json", &text, err);
    if (rc == GF_OK) {
        rc = gf_json_parse(gf_strbuf_view(&text), &root, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (!json_is_array(root) || json_array_size(root) > GF_FETCH_INDEX_ENTRIES_MAX) {
        return gf_fail_archive(err, "manifest.json must be an array of at most %d images",
                               GF_FETCH_INDEX_ENTRIES_MAX);
    }
    for (size_t i = 0; i < json_array_size(root); i++) {
        rc = read_image(source, json_array_get(root, i), out, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "manifest.json, image %zu", i + 1);
        }
    }
    return rc;
}
