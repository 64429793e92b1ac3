#include "engine/scheduler/native/fetch/blob.h"

#include "base/alloc.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/images/text.h"

#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

struct gf_blob {
    int fd;
    struct archive *archive; /* format "raw": one entry, the content */
    struct gf_progress *progress;
    bool hashed;
    bool compressed; /* else the content is the blob, and hashed once */
    struct gf_sha256 blob_hash;
    struct gf_sha256 content_hash;
    int64_t content_bytes;
    int64_t content_bytes_max;
    char buffer[GF_FETCH_READ_BYTES];
};

/* Reads and hashes the next bytes of the file; -1 and errno on failure. */
static ssize_t read_raw(struct gf_blob *blob) {
    ssize_t size = 0;
    do {
        size = read(blob->fd, blob->buffer, sizeof(blob->buffer));
    } while (size < 0 && errno == EINTR);
    if (size > 0) {
        if (blob->hashed) {
            gf_sha256_update(&blob->blob_hash, blob->buffer, (size_t)size);
        }
        gf_progress_add(blob->progress, size);
    }
    return size;
}

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **out_bytes) {
    struct gf_blob *blob = ctx;
    const ssize_t size = read_raw(blob);
    if (size < 0) {
        archive_set_error(archive, errno, "cannot read the file");
        return -1;
    }
    *out_bytes = blob->buffer;
    return size;
}

static enum gf_code fail_content(const struct gf_blob *blob, struct gf_error *err) {
    return gf_fail_archive(err, "cannot be decompressed: %s",
                           gf_show_cstr(archive_error_string(blob->archive)).text);
}

enum gf_code gf_blob_open(int fd, enum gf_blob_mode mode, int64_t content_bytes_max,
                          struct gf_progress *progress, struct gf_blob **out,
                          struct gf_error *err) {
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = GF_NEW(struct gf_blob);
    blob->fd = fd;
    blob->hashed = mode == GF_BLOB_HASHED;
    blob->progress = progress;
    blob->content_bytes_max = content_bytes_max;
    gf_sha256_init(&blob->blob_hash);
    gf_sha256_init(&blob->content_hash);
    blob->archive = archive_read_new();
    if (blob->archive == NULL) {
        gf_oom();
    }
    /* Anything but OK would mean that the library starts a program to decompress. */
    if (archive_read_support_filter_gzip(blob->archive) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(blob->archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(blob->archive) != ARCHIVE_OK) {
        return gf_fail(err, GF_INTERNAL, "libarchive was built without gzip or zstd");
    }
    struct archive_entry *entry = NULL;
    if (archive_read_open(blob->archive, blob, NULL, on_read, NULL) != ARCHIVE_OK ||
        archive_read_next_header(blob->archive, &entry) != ARCHIVE_OK) {
        return fail_content(blob, err);
    }
    const int filter_count = archive_filter_count(blob->archive) - 1; /* one is the file itself */
    if (filter_count > 1) {
        return gf_fail_archive(err, "is compressed more than once");
    }
    blob->compressed = filter_count > 0;
    *out = GF_TAKE(blob);
    return GF_OK;
}

void gf_blob_close(struct gf_blob *blob) {
    if (blob == NULL) {
        return;
    }
    (void)archive_read_free(blob->archive); /* accepts NULL; reading has nothing to report */
    free(blob);
}

void gf_blob_close_p(struct gf_blob **blob) {
    gf_blob_close(*blob);
}

enum gf_code gf_blob_read(struct gf_blob *blob, const void **out_bytes, size_t *out_size,
                          struct gf_error *err) {
    const void *bytes = NULL;
    size_t size = 0;
    la_int64_t offset = 0;
    int rc = ARCHIVE_OK;
    do {
        rc = archive_read_data_block(blob->archive, &bytes, &size, &offset);
    } while (rc == ARCHIVE_OK && size == 0);
    if (rc == ARCHIVE_EOF) {
        *out_size = 0;
        return GF_OK;
    }
    if (rc != ARCHIVE_OK) {
        return fail_content(blob, err);
    }
    if ((int64_t)size > blob->content_bytes_max - blob->content_bytes) {
        return gf_fail_limit(err, "holds more than %lld bytes", (long long)blob->content_bytes_max);
    }
    blob->content_bytes += (int64_t)size;
    if (blob->hashed && blob->compressed) {
        gf_sha256_update(&blob->content_hash, bytes, size);
    }
    *out_bytes = bytes;
    *out_size = size;
    return GF_OK;
}

enum gf_code gf_blob_finish_raw(struct gf_blob *blob, struct gf_digest *out_blob_digest,
                                struct gf_error *err) {
    gf_assert(blob->hashed);
    for (;;) {
        const ssize_t size = read_raw(blob);
        if (size < 0) {
            return gf_fail_system(err, "cannot read the file");
        }
        if (size == 0) {
            break;
        }
    }
    *out_blob_digest = gf_sha256_final(&blob->blob_hash);
    return GF_OK;
}

enum gf_code gf_blob_finish(struct gf_blob *blob, struct gf_digest *out_blob_digest,
                            struct gf_digest *out_content_digest, struct gf_error *err) {
    size_t size = 0;
    do {
        const void *bytes = NULL;
        const enum gf_code rc = gf_blob_read(blob, &bytes, &size, err);
        if (rc != GF_OK) {
            return rc;
        }
    } while (size > 0);
    const enum gf_code rc = gf_blob_finish_raw(blob, out_blob_digest, err);
    if (rc == GF_OK) {
        *out_content_digest =
            blob->compressed ? gf_sha256_final(&blob->content_hash) : *out_blob_digest;
    }
    return rc;
}
