/*
 * Design: names must come through as they are. libarchive converts the names of pax headers from
 * UTF-8 to the locale: under a UTF-8 locale it also composes them (a decomposed "é" becomes another
 * file name), under the C locale it gives up with a warning and hands out the bytes, which is what
 * is wanted. So this program never calls setlocale, and that one warning is no error.
 */
#include "engine/scheduler/native/fetch/tar.h"

#include "base/alloc.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

#include <stdbool.h>
#include <unistd.h>

#include <archive.h>

struct gf_tar {
    struct archive *archive;
    struct gf_blob *blob;
    bool opened;
    bool blob_failed; /* then blob_error says why libarchive stopped */
    struct gf_error blob_error;
};

static la_ssize_t on_read(struct archive *archive, void *ctx, const void **out_bytes) {
    struct gf_tar *tar = ctx;
    size_t size = 0;
    if (gf_blob_read(tar->blob, out_bytes, &size, &tar->blob_error) != GF_OK) {
        tar->blob_failed = true;
        archive_set_error(archive, EIO, "the content cannot be read");
        return -1;
    }
    return (la_ssize_t)size;
}

struct gf_tar *gf_tar_open(struct gf_blob *blob) {
    struct gf_tar *tar = GF_NEW(struct gf_tar);
    tar->blob = blob;
    tar->archive = archive_read_new();
    if (tar->archive == NULL || archive_read_support_format_tar(tar->archive) != ARCHIVE_OK) {
        gf_oom();
    }
    return tar;
}

void gf_tar_close(struct gf_tar *tar) {
    if (tar == NULL) {
        return;
    }
    (void)archive_read_free(tar->archive); /* reading has nothing to report */
    free(tar);
}

void gf_tar_close_p(struct gf_tar **tar) {
    gf_tar_close(*tar);
}

static enum gf_code fail_tar(const struct gf_tar *tar, struct gf_error *err) {
    if (tar->blob_failed) {
        return gf_fail_reason(err, tar->blob_error.code, tar->blob_error.reason, "%s",
                              tar->blob_error.message);
    }
    return gf_fail_archive(err, "is no sound tar file: %s",
                           gf_show_cstr(archive_error_string(tar->archive)).text);
}

static bool is_conversion_warning(const struct gf_tar *tar) {
    const struct gf_str text = gf_str_from(archive_error_string(tar->archive));
    return gf_str_has_suffix(text, GF_STR("to current locale."));
}

enum gf_code gf_tar_next(struct gf_tar *tar, struct archive_entry **out_entry,
                         struct gf_error *err) {
    struct archive_entry *entry = NULL;
    if (!tar->opened) {
        if (archive_read_open(tar->archive, tar, NULL, on_read, NULL) != ARCHIVE_OK) {
            return fail_tar(tar, err);
        }
        tar->opened = true;
    }
    const int rc = archive_read_next_header(tar->archive, &entry);
    if (rc == ARCHIVE_EOF) {
        *out_entry = NULL;
        return GF_OK;
    }
    if (rc != ARCHIVE_OK && !(rc == ARCHIVE_WARN && is_conversion_warning(tar))) {
        return fail_tar(tar, err);
    }
    *out_entry = entry;
    return GF_OK;
}

static enum gf_code pwrite_all(int fd, const char *bytes, size_t size, int64_t offset,
                               struct gf_error *err) {
    while (size > 0) {
        const ssize_t written = pwrite(fd, bytes, size, offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return gf_fail_system(err, "cannot write");
        }
        bytes += written;
        size -= (size_t)written;
        offset += written;
    }
    return GF_OK;
}

enum gf_code gf_tar_copy_data(struct gf_tar *tar, int64_t size, int fd, struct gf_error *err) {
    int64_t end = 0; /* of what was written */
    for (;;) {
        const void *bytes = NULL;
        size_t block_size = 0;
        la_int64_t offset = 0;
        const int rc = archive_read_data_block(tar->archive, &bytes, &block_size, &offset);
        if (rc == ARCHIVE_EOF) {
            break;
        }
        if (rc != ARCHIVE_OK) {
            return fail_tar(tar, err);
        }
        if (offset < end || offset > size || (int64_t)block_size > size - offset) {
            return gf_fail_archive(err, "is no sound tar file: more data than the entry's size");
        }
        const enum gf_code written = pwrite_all(fd, bytes, block_size, offset, err);
        if (written != GF_OK) {
            return written;
        }
        end = offset + (int64_t)block_size;
    }
    /* A hole at the end has no data behind it. */
    if (end < size && ftruncate(fd, size) != 0) {
        return gf_fail_system(err, "cannot write");
    }
    return GF_OK;
}
