/*
 * For tests: tar files with any entries, and images made of them.
 *
 * Nothing here fails: what cannot be done aborts the test.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TESTING_IMAGE_BUILDER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TESTING_IMAGE_BUILDER_H_

#include "base/str.h"
#include "base/vec.h"
#include "engine/scheduler/native/images/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__SANITIZE_ADDRESS__)
#define GF_TEST_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GF_TEST_IS_SANITIZED 1
#endif
#endif
#ifndef GF_TEST_IS_SANITIZED
#define GF_TEST_IS_SANITIZED 0
#endif

struct archive;
struct archive_entry;

/* A tar file (pax) that is being made in memory. */
struct gf_test_tar {
    struct archive *archive;
    char *bytes;
    size_t size;
};

/* Names are bytes; with _utf8 they must be UTF-8, as pax says. */
void gf_test_tar_init(struct gf_test_tar *tar);
void gf_test_tar_init_utf8(struct gf_test_tar *tar);
void gf_test_tar_fini(struct gf_test_tar *tar);

/* Entries are root's, with the time 1000000000, unless `entry` says otherwise. */
void gf_test_tar_file(struct gf_test_tar *tar, const char *name, mode_t mode, const char *content);
void gf_test_tar_directory(struct gf_test_tar *tar, const char *name, mode_t mode);
void gf_test_tar_symlink(struct gf_test_tar *tar, const char *name, const char *target);
void gf_test_tar_hardlink(struct gf_test_tar *tar, const char *name, const char *target);
void gf_test_tar_device(struct gf_test_tar *tar, const char *name, int major, int minor);

/* Any entry; its content has the size that it says. Owned by the caller. */
struct archive_entry *gf_test_tar_entry(const char *name, mode_t type_and_mode);
void gf_test_tar_add(struct gf_test_tar *tar, struct archive_entry *entry, const void *content);
/* The same with the size of `content`. */
void gf_test_tar_add_bytes(struct gf_test_tar *tar, struct archive_entry *entry,
                           struct gf_str content);

/* Ends the tar file. Its bytes are borrowed until fini. */
struct gf_str gf_test_tar_finish(struct gf_test_tar *tar);

enum gf_test_compression {
    GF_TEST_PLAIN,
    GF_TEST_GZIP,
    GF_TEST_ZSTD,
};

/* The bytes compressed, on the heap; freed by gf_test_free. */
struct gf_str gf_test_compress(struct gf_str bytes, enum gf_test_compression compression);
void gf_test_free(struct gf_str bytes);

/* The path of a new temporary directory, on the heap; removed by gf_test_remove_dir. */
char *gf_test_make_dir(void);
void gf_test_remove_dir(char *dir);

/* Writes a file below dir, with the directories above it. */
void gf_test_write(const char *dir, const char *path, struct gf_str bytes);
/* The content of a file, NUL-terminated, on the heap. */
char *gf_test_read(const char *dir, const char *path);

/* Writes bytes as a blob of an OCI layout. Gives its digest. */
struct gf_digest gf_test_write_blob(const char *dir, struct gf_str bytes);

/* How an image is made. Zeroed: a sound one for this machine, not compressed. */
struct gf_test_image {
    const char *name;         /* of the annotation ref.name; NULL: none */
    const char *architecture; /* of the configuration; NULL: this machine's */
    const char *config;       /* the member "config" as JSON; NULL: {} */
    enum gf_test_compression compression;
    const struct gf_digest *diff_ids; /* instead of the right ones */
};

/* The descriptor of a manifest, as JSON on the heap, with its blobs written to dir. */
char *gf_test_write_manifest(const char *dir, const struct gf_test_image *image,
                             const struct gf_str *layers, size_t layer_count);

/* A whole layout with one image. */
void gf_test_write_layout(const char *dir, const struct gf_test_image *image,
                          const struct gf_str *layers, size_t layer_count);

/* index.json with these descriptors, comma separated. */
void gf_test_write_index(const char *dir, const char *descriptors);

/* The configuration of an image, as JSON on the heap. */
char *gf_test_config(const struct gf_test_image *image, const struct gf_str *layers,
                     size_t layer_count);

/* All files below dir as one tar file at `path`. */
void gf_test_tar_directory_tree(const char *dir, const char *path,
                                enum gf_test_compression compression);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_TESTING_IMAGE_BUILDER_H_ */
