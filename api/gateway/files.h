/*
 * Files of the static directory: the user interface.
 *
 * Nothing outside of the directory is ever opened, whatever stands in it: the kernel resolves every
 * path beneath it and follows no symbolic link (openat2). Hidden files are not served. The
 * directory is the one that had the name when the gateway was created.
 *
 *   - A directory has its index.html; without a slash at the end of the path it redirects to that.
 *   - A path that leads nowhere and has no dot in it is a place within the user interface
 *     ("/runs/17"): the index.html at the top answers.
 *   - Beside a file of text may stand FILE.gz, the same compressed, not older: it is sent to those
 *     who take gzip.
 *   - Names with a hash in them are cached for a year and never asked for again: those where
 *     between the last '-' or '.' and the ending stand 8 to 64 letters and digits, one of them a
 *     digit ("index-4f9ab21c.js"). Everything else is kept by browsers, but asked for each time.
 *
 * Thread: any, once opened.
 */
#ifndef GOFER_API_GATEWAY_FILES_H_
#define GOFER_API_GATEWAY_FILES_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_GATEWAY__ETAG_BYTES_MAX = 64, /* with its quotes and the final NUL */
};

/* Opens the directory. Owned by the caller: *out_fd. Code: GF_INVALID_ARGUMENT. */
enum gf_code gf_gateway__files_open(const char *dir, int *out_fd, struct gf_error *err) GF_MUST_USE;

/* A file as it is found. A value; fd is the caller's to close. */
struct gf_gateway__file {
    int fd;
    uint64_t size;
    int64_t mtime_seconds;
    char etag[GF_GATEWAY__ETAG_BYTES_MAX];
    const char *type;          /* content type; static storage */
    const char *cache_control; /* static storage */
    bool is_gzip;
    bool varies; /* with what the client accepts */
};

/*
 * Finds the file of a decoded path (gf_gateway__path_decode). is_gzip_taken: the client takes gzip.
 *
 * Codes: GF_NOT_FOUND; GF_FAILED_PRECONDITION (a directory without a slash at the end of its path);
 * GF_UNAVAILABLE (no descriptors, no memory).
 */
enum gf_code gf_gateway__file_find(int dir_fd, struct gf_str path, bool is_gzip_taken,
                                   struct gf_gateway__file *out_file,
                                   struct gf_error *err) GF_MUST_USE;

/* The content type that goes with the ending of a name. Static storage. */
const char *gf_gateway__content_type(struct gf_str name);

/* Whether a name has a hash in it, as above. */
bool gf_gateway__is_hashed(struct gf_str name);

#endif /* GOFER_API_GATEWAY_FILES_H_ */
