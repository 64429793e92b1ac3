/*
 * DESIGN
 * A tar file says how large a file is before it has the file, and manifests hold the digests of
 * layers: so every layer is made twice, once to know size and digest and once to be written. No
 * copy of it is kept anywhere. Layers never change, so both times give the same; that is checked.
 */
#include "engine/scheduler/native/fetch/export.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/export_layer.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/images/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>
#include <jansson.h>

enum {
    PATH_BYTES = sizeof("blobs/sha256//layer.tar") + GF_DIGEST_HEX_CHARS,
    REFERENCE_BYTES = 2 * GF_REFERENCE_BYTES,
};

/* What a layer is as a file. */
struct made_layer {
    struct gf_digest digest;
    int64_t size;
};

struct exporter {
    const struct gf_export *export;
    const struct gf_fetch_store *store;
    struct archive *archive;
    struct gf_arena arena;
    struct gf_image_record record;
    struct made_layer *layers; /* record.layer_count */
    /* Of the layer that is being made. */
    struct gf_sha256 hash;
    int64_t size;
    bool is_written;
};

static void exporter_free_p(struct exporter **exporter) {
    if ((*exporter)->archive != NULL) {
        (void)archive_write_free((*exporter)->archive); /* closed before, where it matters */
    }
    free((*exporter)->layers);
    gf_arena_fini(&(*exporter)->arena);
    free(*exporter);
}

static void text_free_p(char **text) {
    free(*text);
}

static enum gf_code fail_write(const struct exporter *exporter, struct gf_error *err) {
    return gf_fail(err, GF_UNAVAILABLE, "cannot write the archive: %s",
                   gf_show_cstr(archive_error_string(exporter->archive)).text);
}

/* ---- layers ---- */

static enum gf_code take_bytes(void *ctx, const void *bytes, size_t size, struct gf_error *err) {
    struct exporter *exporter = ctx;
    gf_sha256_update(&exporter->hash, bytes, size);
    exporter->size += (int64_t)size;
    if (exporter->is_written &&
        archive_write_data(exporter->archive, bytes, size) != (la_ssize_t)size) {
        return fail_write(exporter, err);
    }
    return GF_OK;
}

/* Makes the layer: to be measured, or to be written as well. */
static enum gf_code make_layer(struct exporter *exporter, size_t index, bool is_written,
                               struct made_layer *out, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc =
        gf_file_open(exporter->store->layers_fd, gf_digest_hex(&exporter->record.layers[index]),
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
    exporter->size = 0;
    exporter->is_written = is_written;
    gf_sha256_init(&exporter->hash);
    if (rc == GF_OK) {
        rc = gf_export_layer(fd, take_bytes, exporter, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "layer %zu", index + 1);
    }
    *out = (struct made_layer){gf_sha256_final(&exporter->hash), exporter->size};
    return GF_OK;
}

static enum gf_code measure_layers(struct exporter *exporter, struct gf_error *err) {
    enum gf_code rc = GF_OK;
    exporter->layers = gf_calloc(exporter->record.layer_count, sizeof(*exporter->layers));
    for (size_t i = 0; rc == GF_OK && i < exporter->record.layer_count; i++) {
        rc = make_layer(exporter, i, /* is_written = */ false, &exporter->layers[i], err);
    }
    return rc;
}

/* ---- files of the archive ---- */

static enum gf_code write_header(struct exporter *exporter, const char *path, int64_t size,
                                 struct gf_error *err) {
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) {
        gf_oom();
    }
    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 0, 0);
    archive_entry_set_size(entry, size);
    const int rc = archive_write_header(exporter->archive, entry);
    archive_entry_free(entry);
    return rc == ARCHIVE_OK ? GF_OK : fail_write(exporter, err);
}

static enum gf_code write_text(struct exporter *exporter, const char *path, struct gf_str text,
                               struct gf_error *err) {
    const enum gf_code rc = write_header(exporter, path, (int64_t)text.len, err);
    if (rc == GF_OK &&
        archive_write_data(exporter->archive, text.ptr, text.len) != (la_ssize_t)text.len) {
        return fail_write(exporter, err);
    }
    return rc;
}

static bool is_repeated(const struct exporter *exporter, size_t index) {
    for (size_t i = 0; i < index; i++) {
        if (gf_digest_eq(&exporter->layers[i].digest, &exporter->layers[index].digest)) {
            return true;
        }
    }
    return false;
}

static enum gf_code write_layers(struct exporter *exporter, const char *format,
                                 struct gf_error *err) {
    enum gf_code rc = GF_OK;
    for (size_t i = 0; rc == GF_OK && i < exporter->record.layer_count; i++) {
        char path[PATH_BYTES];
        struct made_layer again;
        if (is_repeated(exporter, i)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s%s%s", format,
                       gf_digest_hex(&exporter->layers[i].digest),
                       exporter->export->is_docker ? "/layer.tar" : "");
        rc = write_header(exporter, path, exporter->layers[i].size, err);
        if (rc == GF_OK) {
            rc = make_layer(exporter, i, /* is_written = */ true, &again, err);
        }
        if (rc == GF_OK && !gf_digest_eq(&again.digest, &exporter->layers[i].digest)) {
            rc = gf_fail(err, GF_DATA_LOSS, "layer %zu changed while it was read", i + 1);
        }
    }
    return rc;
}

/* ---- what describes the image ---- */

static char *dump(json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    if (text == NULL) {
        gf_oom();
    }
    return text;
}

static json_t *words(const struct gf_image_words *from) {
    json_t *array = json_array();
    for (size_t i = 0; i < from->count; i++) {
        (void)json_array_append_new(array, json_string_nocheck(from->items[i]));
    }
    return array;
}

static void set_text(json_t *object, const char *key, const char *text) {
    if (text[0] != '\0') {
        (void)json_object_set_new(object, key, json_string_nocheck(text));
    }
}

static json_t *make_container_config(const struct gf_image_record *record) {
    json_t *config = json_object();
    (void)json_object_set_new(config, "Entrypoint", words(&record->entrypoint));
    (void)json_object_set_new(config, "Cmd", words(&record->cmd));
    (void)json_object_set_new(config, "Env", words(&record->env));
    set_text(config, "WorkingDir", record->workdir);
    set_text(config, "User", record->user);
    set_text(config, "StopSignal", record->stop_signal);
    return config;
}

/* "linux/arm64/v8" */
static void set_platform(json_t *object, const char *platform) {
    static const char *const keys[] = {"os", "architecture", "variant"};
    struct gf_str rest = gf_str_from(platform);
    for (size_t i = 0; i < GF_ARRAY_COUNT(keys) && rest.len > 0; i++) {
        struct gf_str part;
        (void)gf_str_cut(rest, '/', &part, &rest);
        (void)json_object_set_new(object, keys[i], json_stringn_nocheck(part.ptr, part.len));
    }
}

static char *make_config(const struct exporter *exporter) {
    const struct gf_image_record *record = &exporter->record;
    json_t *root = json_object();
    json_t *diff_ids = json_array();
    json_t *rootfs = json_object();
    set_platform(root, record->platform);
    if (record->created_ns != 0) {
        char time[GF_TIME_BYTES_MAX];
        set_text(root, "created", gf_time_format(record->created_ns, time));
    }
    (void)json_object_set_new(root, "config", make_container_config(record));
    for (size_t i = 0; i < record->layer_count; i++) {
        (void)json_array_append_new(diff_ids, json_string(exporter->layers[i].digest.text));
    }
    (void)json_object_set_new(rootfs, "type", json_string("layers"));
    (void)json_object_set_new(rootfs, "diff_ids", diff_ids);
    (void)json_object_set_new(root, "rootfs", rootfs);
    return dump(root);
}

static json_t *descriptor(const char *media_type, const struct gf_digest *digest, int64_t size) {
    json_t *object = json_object();
    (void)json_object_set_new(object, "mediaType", json_string(media_type));
    (void)json_object_set_new(object, "digest", json_string(digest->text));
    (void)json_object_set_new(object, "size", json_integer(size));
    return object;
}

static char *make_manifest(const struct exporter *exporter, struct gf_str config) {
    const struct gf_digest digest = gf_sha256_of(config);
    json_t *root = json_object();
    json_t *layers = json_array();
    for (size_t i = 0; i < exporter->record.layer_count; i++) {
        (void)json_array_append_new(layers, descriptor("application/vnd.oci.image.layer.v1.tar",
                                                       &exporter->layers[i].digest,
                                                       exporter->layers[i].size));
    }
    (void)json_object_set_new(root, "schemaVersion", json_integer(2));
    (void)json_object_set_new(root, "mediaType",
                              json_string("application/vnd.oci.image.manifest.v1+json"));
    (void)json_object_set_new(
        root, "config",
        descriptor("application/vnd.oci.image.config.v1+json", &digest, (int64_t)config.len));
    (void)json_object_set_new(root, "layers", layers);
    return dump(root);
}

/* A descriptor for each name; one without a name where there is none. */
static char *make_index(const struct exporter *exporter, struct gf_str manifest) {
    const struct gf_digest digest = gf_sha256_of(manifest);
    const struct gf_export *export = exporter->export;
    json_t *root = json_object();
    json_t *manifests = json_array();
    const size_t count = export->name_count > 0 ? export->name_count : 1;
    for (size_t i = 0; i < count; i++) {
        json_t *entry = descriptor("application/vnd.oci.image.manifest.v1+json", &digest,
                                   (int64_t)manifest.len);
        if (i < export->name_count) {
            json_t *annotations = json_object();
            set_text(annotations, "org.opencontainers.image.ref.name", export->names[i]);
            (void)json_object_set_new(entry, "annotations", annotations);
        }
        (void)json_array_append_new(manifests, entry);
    }
    (void)json_object_set_new(root, "schemaVersion", json_integer(2));
    (void)json_object_set_new(root, "manifests", manifests);
    return dump(root);
}

/* ---- the two kinds ---- */

static enum gf_code write_blob(struct exporter *exporter, struct gf_str text,
                               struct gf_error *err) {
    char path[PATH_BYTES];
    const struct gf_digest digest = gf_sha256_of(text);
    (void)snprintf(path, sizeof(path), "blobs/sha256/%s", gf_digest_hex(&digest));
    return write_text(exporter, path, text, err);
}

static enum gf_code write_oci(struct exporter *exporter, struct gf_error *err) {
    GF_CLEANUP(text_free_p) char *config = make_config(exporter);
    GF_CLEANUP(text_free_p) char *manifest = make_manifest(exporter, gf_str_from(config));
    GF_CLEANUP(text_free_p) char *index = make_index(exporter, gf_str_from(manifest));
    enum gf_code rc =
        write_text(exporter, "oci-layout", GF_STR("{\"imageLayoutVersion\":\"1.0.0\"}"), err);
    if (rc == GF_OK) {
        rc = write_text(exporter, "index.json", gf_str_from(index), err);
    }
    if (rc == GF_OK) {
        rc = write_blob(exporter, gf_str_from(manifest), err);
    }
    if (rc == GF_OK) {
        rc = write_blob(exporter, gf_str_from(config), err);
    }
    return rc == GF_OK ? write_layers(exporter, "blobs/sha256/", err) : rc;
}

static char *make_docker_manifest(const struct exporter *exporter, const char *config_path) {
    const struct gf_export *export = exporter->export;
    json_t *root = json_array();
    json_t *image = json_object();
    json_t *names = json_array();
    json_t *layers = json_array();
    for (size_t i = 0; i < export->name_count; i++) {
        (void)json_array_append_new(names, json_string(export->names[i]));
    }
    for (size_t i = 0; i < exporter->record.layer_count; i++) {
        (void)json_array_append_new(
            layers, json_sprintf("%s/layer.tar", gf_digest_hex(&exporter->layers[i].digest)));
    }
    (void)json_object_set_new(image, "Config", json_string(config_path));
    (void)json_object_set_new(image, "RepoTags", names);
    (void)json_object_set_new(image, "Layers", layers);
    (void)json_array_append_new(root, image);
    return dump(root);
}

static enum gf_code write_docker(struct exporter *exporter, struct gf_error *err) {
    GF_CLEANUP(text_free_p) char *config = make_config(exporter);
    const struct gf_digest digest = gf_sha256_of(gf_str_from(config));
    char config_path[PATH_BYTES];
    (void)snprintf(config_path, sizeof(config_path), "%s.json", gf_digest_hex(&digest));
    GF_CLEANUP(text_free_p) char *manifest = make_docker_manifest(exporter, config_path);
    enum gf_code rc = write_text(exporter, "manifest.json", gf_str_from(manifest), err);
    if (rc == GF_OK) {
        rc = write_text(exporter, config_path, gf_str_from(config), err);
    }
    return rc == GF_OK ? write_layers(exporter, "", err) : rc;
}

/* ---- all of it ---- */

static enum gf_code read_record(struct exporter *exporter, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    char path[PATH_BYTES];
    gf_strbuf_init(&text, GF_IMAGE_RECORD_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/record", gf_digest_hex(exporter->export->digest));
    enum gf_code rc = gf_file_read(exporter->store->images_fd, path, &text, err);
    if (rc == GF_OK) {
        rc = gf_image_record_parse(gf_strbuf_view(&text), &exporter->arena, &exporter->record, err);
    }
    return rc == GF_OK ? GF_OK : gf_wrap(err, "image '%s'", exporter->export->digest->text);
}

static enum gf_code open_archive(struct exporter *exporter, struct gf_error *err) {
    exporter->archive = archive_write_new();
    if (exporter->archive == NULL) {
        gf_oom();
    }
    if (archive_write_set_format_pax_restricted(exporter->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(exporter->archive, 1) != ARCHIVE_OK ||
        archive_write_open_fd(exporter->archive, exporter->export->out_fd) != ARCHIVE_OK) {
        return fail_write(exporter, err);
    }
    return GF_OK;
}

enum gf_code gf_export_run(const struct gf_export *export, const struct gf_fetch_store *store,
                           struct gf_error *err) {
    GF_CLEANUP(exporter_free_p) struct exporter *exporter = GF_NEW(struct exporter);
    exporter->export = export;
    exporter->store = store;
    gf_arena_init(&exporter->arena, GF_IMAGE_RECORD_ARENA_BYTES_MAX);
    enum gf_code rc = read_record(exporter, err);
    if (rc == GF_OK) {
        rc = measure_layers(exporter, err);
    }
    if (rc == GF_OK) {
        rc = open_archive(exporter, err);
    }
    if (rc == GF_OK) {
        rc = export->is_docker ? write_docker(exporter, err) : write_oci(exporter, err);
    }
    if (rc == GF_OK && archive_write_close(exporter->archive) != ARCHIVE_OK) {
        rc = fail_write(exporter, err);
    }
    return rc;
}
