#include "engine/scheduler/native/fetch/testing/image_builder.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/platform.h"
#include "engine/scheduler/native/fetch/sha256.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum {
    TAR_BYTES_MAX = 8 * 1024 * 1024,
    FILE_BYTES_MAX = 32 * 1024 * 1024,
    ENTRY_TIME = 1000000000,
};

static void init(struct gf_test_tar *tar, const char *charset) {
    tar->bytes = gf_malloc(TAR_BYTES_MAX);
    tar->size = 0;
    tar->archive = archive_write_new();
    gf_assert(archive_write_set_format_pax(tar->archive) == ARCHIVE_OK);
    gf_assert(archive_write_set_bytes_in_last_block(tar->archive, 1) == ARCHIVE_OK);
    gf_assert(archive_write_set_options(tar->archive, charset) == ARCHIVE_OK);
    gf_assert(archive_write_open_memory(tar->archive, tar->bytes, TAR_BYTES_MAX, &tar->size) ==
              ARCHIVE_OK);
}

void gf_test_tar_init(struct gf_test_tar *tar) {
    init(tar, "hdrcharset=BINARY");
}

void gf_test_tar_init_utf8(struct gf_test_tar *tar) {
    init(tar, "hdrcharset=UTF-8");
}

void gf_test_tar_fini(struct gf_test_tar *tar) {
    (void)archive_write_free(tar->archive);
    free(tar->bytes);
}

struct archive_entry *gf_test_tar_entry(const char *name, mode_t type_and_mode) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_mode(entry, type_and_mode);
    archive_entry_set_mtime(entry, ENTRY_TIME, 0);
    return entry;
}

void gf_test_tar_add(struct gf_test_tar *tar, struct archive_entry *entry, const void *content) {
    const size_t size = (size_t)archive_entry_size(entry);
    gf_assert(archive_write_header(tar->archive, entry) >= ARCHIVE_WARN);
    if (content != NULL && size > 0) {
        gf_assert(archive_write_data(tar->archive, content, size) == (la_ssize_t)size);
    }
    archive_entry_free(entry);
}

void gf_test_tar_add_bytes(struct gf_test_tar *tar, struct archive_entry *entry,
                           struct gf_str content) {
    archive_entry_set_size(entry, (la_int64_t)content.len);
    gf_test_tar_add(tar, entry, content.ptr);
}

void gf_test_tar_file(struct gf_test_tar *tar, const char *name, mode_t mode, const char *content) {
    gf_test_tar_add_bytes(tar, gf_test_tar_entry(name, S_IFREG | mode), gf_str_from(content));
}

void gf_test_tar_directory(struct gf_test_tar *tar, const char *name, mode_t mode) {
    gf_test_tar_add(tar, gf_test_tar_entry(name, S_IFDIR | mode), NULL);
}

void gf_test_tar_symlink(struct gf_test_tar *tar, const char *name, const char *target) {
    struct archive_entry *entry = gf_test_tar_entry(name, S_IFLNK | 0777);
    archive_entry_set_symlink(entry, target);
    gf_test_tar_add(tar, entry, NULL);
}

void gf_test_tar_hardlink(struct gf_test_tar *tar, const char *name, const char *target) {
    struct archive_entry *entry = gf_test_tar_entry(name, S_IFREG | 0644);
    archive_entry_set_hardlink(entry, target);
    gf_test_tar_add(tar, entry, NULL);
}

void gf_test_tar_device(struct gf_test_tar *tar, const char *name, int major, int minor) {
    struct archive_entry *entry = gf_test_tar_entry(name, S_IFCHR | 0666);
    archive_entry_set_rdevmajor(entry, (dev_t)major);
    archive_entry_set_rdevminor(entry, (dev_t)minor);
    gf_test_tar_add(tar, entry, NULL);
}

struct gf_str gf_test_tar_finish(struct gf_test_tar *tar) {
    gf_assert(archive_write_close(tar->archive) == ARCHIVE_OK);
    return (struct gf_str){tar->bytes, tar->size};
}

struct gf_str gf_test_compress(struct gf_str bytes, enum gf_test_compression compression) {
    size_t size = 0;
    const size_t capacity = bytes.len + bytes.len / 8 + 65536;
    char *out = gf_malloc(capacity);
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = gf_test_tar_entry("data", S_IFREG | 0644);
    gf_assert(archive_write_set_format_raw(archive) == ARCHIVE_OK);
    gf_assert(archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK);
    if (compression == GF_TEST_GZIP) {
        gf_assert(archive_write_add_filter_gzip(archive) == ARCHIVE_OK);
        /* The same bytes give the same bytes. */
        gf_assert(archive_write_set_filter_option(archive, "gzip", "timestamp", NULL) ==
                  ARCHIVE_OK);
    } else if (compression == GF_TEST_ZSTD) {
        gf_assert(archive_write_add_filter_zstd(archive) == ARCHIVE_OK);
    }
    gf_assert(archive_write_open_memory(archive, out, capacity, &size) == ARCHIVE_OK);
    gf_assert(archive_write_header(archive, entry) == ARCHIVE_OK);
    gf_assert(archive_write_data(archive, bytes.ptr, bytes.len) == (la_ssize_t)bytes.len);
    gf_assert(archive_write_close(archive) == ARCHIVE_OK);
    archive_entry_free(entry);
    (void)archive_write_free(archive);
    return (struct gf_str){out, size};
}

void gf_test_free(struct gf_str bytes) {
    free((void *)(uintptr_t)bytes.ptr);
}

char *gf_test_make_dir(void) {
    const char *base = getenv("TEST_TMPDIR");
    char *dir = gf_asprintf("%s/gofer-images.XXXXXX", base != NULL ? base : "/tmp");
    gf_assert(mkdtemp(dir) != NULL);
    return dir;
}

void gf_test_remove_dir(char *dir) {
    gf_assert(gf_tree_remove(AT_FDCWD, dir, NULL) == GF_OK);
    free(dir);
}

void gf_test_write(const char *dir, const char *path, struct gf_str bytes) {
    GF_CLEANUP(gf_free_p) char *whole = gf_asprintf("%s/%s", dir, path);
    char *last = strrchr(whole, '/');
    *last = '\0';
    gf_assert(gf_tree_make(AT_FDCWD, whole, 0755, NULL) == GF_OK);
    *last = '/';
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_assert(gf_file_open(AT_FDCWD, whole, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL) ==
              GF_OK);
    gf_assert(gf_write_all(fd, bytes.ptr, bytes.len, NULL) == GF_OK);
}

char *gf_test_read(const char *dir, const char *path) {
    GF_CLEANUP(gf_free_p) char *whole = gf_asprintf("%s/%s", dir, path);
    struct gf_strbuf text;
    gf_strbuf_init(&text, FILE_BYTES_MAX);
    gf_assert(gf_file_read(AT_FDCWD, whole, &text, NULL) == GF_OK);
    return gf_strbuf_take(&text);
}

struct gf_digest gf_test_write_blob(const char *dir, struct gf_str bytes) {
    const struct gf_digest digest = gf_sha256_of(bytes);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("blobs/sha256/%s", gf_digest_hex(&digest));
    gf_test_write(dir, path, bytes);
    return digest;
}

char *gf_test_config(const struct gf_test_image *image, const struct gf_str *layers,
                     size_t layer_count) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, FILE_BYTES_MAX);
    gf_strbuf_printf(&text,
                     "{\"os\": \"linux\", \"architecture\": \"%s\", \"config\": %s, "
                     "\"created\": \"2001-09-09T01:46:40Z\", "
                     "\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [",
                     image->architecture != NULL ? image->architecture
                                                 : gf_platform_host().architecture,
                     image->config != NULL ? image->config : "{}");
    for (size_t i = 0; i < layer_count; i++) {
        const struct gf_digest diff_id =
            image->diff_ids != NULL ? image->diff_ids[i] : gf_sha256_of(layers[i]);
        gf_strbuf_printf(&text, "%s\"%s\"", i > 0 ? "," : "", diff_id.text);
    }
    gf_strbuf_append_cstr(&text, "]}}");
    return gf_strbuf_take(&text);
}

char *gf_test_write_manifest(const char *dir, const struct gf_test_image *image,
                             const struct gf_str *layers, size_t layer_count) {
    static const char *const suffixes[] = {"", "+gzip", "+zstd"};
    GF_CLEANUP(gf_free_p) char *config = gf_test_config(image, layers, layer_count);
    const struct gf_digest config_digest = gf_test_write_blob(dir, gf_str_from(config));
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf text;
    gf_strbuf_init(&text, FILE_BYTES_MAX);
    gf_strbuf_printf(&text,
                     "{\"schemaVersion\": 2, \"config\": {\"mediaType\": "
                     "\"application/vnd.oci.image.config.v1+json\", \"digest\": \"%s\", "
                     "\"size\": %zu}, \"layers\": [",
                     config_digest.text, strlen(config));
    for (size_t i = 0; i < layer_count; i++) {
        const struct gf_str packed = gf_test_compress(layers[i], image->compression);
        const struct gf_digest digest = gf_test_write_blob(dir, packed);
        gf_strbuf_printf(&text,
                         "%s{\"mediaType\": \"application/vnd.oci.image.layer.v1.tar%s\", "
                         "\"digest\": \"%s\", \"size\": %zu}",
                         i > 0 ? "," : "", suffixes[image->compression], digest.text, packed.len);
        gf_test_free(packed);
    }
    gf_strbuf_append_cstr(&text, "]}");
    const struct gf_digest digest = gf_test_write_blob(dir, gf_strbuf_view(&text));
    return gf_asprintf("{\"mediaType\": \"application/vnd.oci.image.manifest.v1+json\", "
                       "\"digest\": \"%s\", \"size\": %zu, \"annotations\": {%s%s%s}}",
                       digest.text, text.len,
                       image->name != NULL ? "\"org.opencontainers.image.ref.name\": \"" : "",
                       image->name != NULL ? image->name : "", image->name != NULL ? "\"" : "");
}

void gf_test_write_index(const char *dir, const char *descriptors) {
    GF_CLEANUP(gf_free_p)
    char *index = gf_asprintf("{\"schemaVersion\": 2, \"manifests\": [%s]}", descriptors);
    gf_test_write(dir, "index.json", gf_str_from(index));
    gf_test_write(dir, "oci-layout", GF_STR("{\"imageLayoutVersion\": \"1.0.0\"}"));
}

void gf_test_write_layout(const char *dir, const struct gf_test_image *image,
                          const struct gf_str *layers, size_t layer_count) {
    GF_CLEANUP(gf_free_p)
    char *descriptor = gf_test_write_manifest(dir, image, layers, layer_count);
    gf_test_write_index(dir, descriptor);
}

void gf_test_tar_directory_tree(const char *dir, const char *path,
                                enum gf_test_compression compression) {
    struct gf_test_tar tar;
    gf_test_tar_init(&tar);
    char *roots[] = {(char *)(uintptr_t)dir, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    gf_assert(tree != NULL);
    for (const FTSENT *file = fts_read(tree); file != NULL; file = fts_read(tree)) {
        if (file->fts_info != FTS_F) {
            continue;
        }
        GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf content;
        gf_strbuf_init(&content, FILE_BYTES_MAX);
        gf_assert(gf_file_read(AT_FDCWD, file->fts_path, &content, NULL) == GF_OK);
        struct archive_entry *entry =
            gf_test_tar_entry(file->fts_path + strlen(dir) + 1, S_IFREG | 0644);
        gf_test_tar_add_bytes(&tar, entry, gf_strbuf_view(&content));
    }
    (void)fts_close(tree);
    const struct gf_str packed = gf_test_compress(gf_test_tar_finish(&tar), compression);
    gf_test_tar_fini(&tar);
    GF_CLEANUP(gf_close_p) int fd = -1;
    gf_assert(gf_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL) == GF_OK);
    gf_assert(gf_write_all(fd, packed.ptr, packed.len, NULL) == GF_OK);
    gf_test_free(packed);
}
