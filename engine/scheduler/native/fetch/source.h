/*
 * The files that an import reads: those of a directory, or those of a tar file, which are copied
 * into a spool directory first, because the file that says what the others are may come last.
 *
 * Files are named by paths within the source ("index.json", "blobs/sha256/..."). A file whose size
 * or content matters must be checked against its digest by whoever reads it: a directory may change
 * meanwhile.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SOURCE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SOURCE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/progress.h"
#include "engine/scheduler/native/images/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct gf_source;

/* A directory. Owned by the caller; dir_fd is borrowed until it is closed. */
struct gf_source *gf_source_open_directory(int dir_fd) GF_MUST_USE;

/*
 * A tar file, not compressed or by gzip or zstd, read from fd to its end. Its files go into
 * spool_fd, an empty directory; the caller removes them when the source is closed. Symbolic and
 * hard links within the archive lead to their files; directories and other entries are left out.
 * Owned by the caller; borrowed: fd for the call, spool_fd until the source is closed, progress
 * (may be NULL) for the call. Codes: GF_INVALID_ARGUMENT (ARCHIVE_INVALID), GF_RESOURCE_EXHAUSTED.
 */
enum gf_code gf_source_open_archive(int fd, int spool_fd, const struct gf_fetch_limits *limits,
                                    struct gf_progress *progress, struct gf_source **out,
                                    struct gf_error *err) GF_MUST_USE;

/*
 * What a registry has: only blobs, read one by one, without names. `read` appends the blob, of at
 * most GF_FETCH_JSON_BYTES_MAX; size_bytes is what is said of it, and nothing of what comes needs
 * to be checked by it.
 */
struct gf_source_registry {
    void *ctx;
    enum gf_code (*read)(void *ctx, const struct gf_digest *digest, int64_t size_bytes,
                         bool is_manifest, struct gf_strbuf *out, struct gf_error *err);
};

/* Owned by the caller; registry is borrowed until it is closed. */
struct gf_source *gf_source_open_registry(const struct gf_source_registry *registry) GF_MUST_USE;
bool gf_source_is_registry(const struct gf_source *source);
enum gf_code gf_source_read_registry(struct gf_source *source, const struct gf_digest *digest,
                                     int64_t size_bytes, bool is_manifest, struct gf_strbuf *out,
                                     struct gf_error *err) GF_MUST_USE;

/* Accepts NULL. */
void gf_source_close(struct gf_source *source);
void gf_source_close_p(struct gf_source **source);

/* Whether there is such a file. */
bool gf_source_has(const struct gf_source *source, const char *path);

/*
 * Opens a regular file to read it; the caller closes *out_fd. Codes: GF_INVALID_ARGUMENT
 * (ARCHIVE_INVALID: there is none, or it is none).
 */
enum gf_code gf_source_open(const struct gf_source *source, const char *path, int *out_fd,
                            int64_t *out_size, struct gf_error *err) GF_MUST_USE;

/*
 * Appends a whole file. Codes: as above, GF_RESOURCE_EXHAUSTED (longer than out's limit, or more
 * than GF_FETCH_JSON_TOTAL_BYTES_MAX in all calls).
 */
enum gf_code gf_source_read(struct gf_source *source, const char *path, struct gf_strbuf *out,
                            struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_SOURCE_H_ */
