#include "engine/scheduler/native/fetch/pack.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/images/digest.h"
#include "engine/scheduler/native/images/text.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum {
    BLOB_PATH_BYTES = sizeof("blobs/sha256/") + GF_DIGEST_HEX_CHARS,
};

struct packer {
    int dir_fd;
    struct archive *archive;
    GF_VEC(struct gf_digest) blobs;
    char buffer[GF_FETCH_READ_BYTES];
};

static void packer_free_p(struct packer **packer) {
    if (*packer != NULL) {
        (void)archive_write_free((*packer)->archive); /* closed before, where it matters */
        gf_vec_fini(&(*packer)->blobs);
        free(*packer);
    }
}

static enum gf_code fail_write(const struct packer *packer, struct gf_error *err) {
    return gf_fail(err, GF_UNAVAILABLE, "cannot write the tar file: %s",
                   gf_show_cstr(archive_error_string(packer->archive)).text);
}

static enum gf_code write_header(const struct packer *packer, const char *path, int64_t size,
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
    const int rc = archive_write_header(packer->archive, entry);
    archive_entry_free(entry);
    return rc == ARCHIVE_OK ? GF_OK : fail_write(packer, err);
}

static enum gf_code write_file(struct packer *packer, const char *path, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct stat status;
    enum gf_code rc = gf_beneath_open_file(packer->dir_fd, path, &fd, err);
    if (rc == GF_NOT_FOUND) {
        return gf_fail_archive(err, "no OCI layout: there is no '%s'", path);
    }
    if (rc == GF_OK && fstat(fd, &status) != 0) {
        rc = gf_fail_system(err, "file '%s'", path);
    }
    if (rc == GF_OK) {
        rc = write_header(packer, path, status.st_size, err);
    }
    for (int64_t left = rc == GF_OK ? status.st_size : 0; left > 0;) {
        const size_t wanted =
            left < (int64_t)sizeof(packer->buffer) ? (size_t)left : sizeof(packer->buffer);
        const ssize_t size = read(fd, packer->buffer, wanted);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return gf_fail_system(err, "cannot read '%s'", path);
        }
        if (size == 0) {
            return gf_fail_archive(err, "'%s' became shorter while it was read", path);
        }
        if (archive_write_data(packer->archive, packer->buffer, (size_t)size) != size) {
            return fail_write(packer, err);
        }
        left -= size;
    }
    return rc;
}

static int compare_digests(const void *a, const void *b) {
    const struct gf_digest *left = a;
    const struct gf_digest *right = b;
    return memcmp(left->text, right->text, sizeof(left->text));
}

static enum gf_code list_blobs(struct packer *packer, struct gf_error *err) {
    int fd = -1;
    enum gf_code rc = gf_beneath_open_dir(packer->dir_fd, GF_STR("blobs/sha256"), &fd, err);
    if (rc == GF_NOT_FOUND) {
        return gf_fail_archive(err, "no OCI layout: there is no 'blobs/sha256'");
    }
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        struct gf_digest digest;
        if (!gf_digest_from_hex(gf_str_from(entry->d_name), &digest)) {
            continue;
        }
        if (packer->blobs.count == GF_FETCH_ARCHIVE_ENTRIES_MAX) {
            return gf_fail_limit(err, "more than %d blobs", GF_FETCH_ARCHIVE_ENTRIES_MAX);
        }
        gf_vec_push(&packer->blobs, digest);
    }
    if (packer->blobs.count > 0) {
        qsort(packer->blobs.items, packer->blobs.count, sizeof(struct gf_digest), compare_digests);
    }
    return GF_OK;
}

enum gf_code gf_pack(int dir_fd, int out_fd, struct gf_error *err) {
    GF_CLEANUP(packer_free_p) struct packer *packer = GF_NEW(struct packer);
    packer->dir_fd = dir_fd;
    packer->archive = archive_write_new();
    if (packer->archive == NULL) {
        gf_oom();
    }
    enum gf_code rc = list_blobs(packer, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* Restricted: plain headers wherever they can say it. */
    if (archive_write_set_format_pax_restricted(packer->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(packer->archive, 1) != ARCHIVE_OK ||
        archive_write_open_fd(packer->archive, out_fd) != ARCHIVE_OK) {
        return fail_write(packer, err);
    }
    rc = write_file(packer, "oci-layout", err);
    if (rc == GF_OK) {
        rc = write_file(packer, "index.json", err);
    }
    for (size_t i = 0; rc == GF_OK && i < packer->blobs.count; i++) {
        char path[BLOB_PATH_BYTES];
        (void)snprintf(path, sizeof(path), "blobs/sha256/%s",
                       gf_digest_hex(&packer->blobs.items[i]));
        rc = write_file(packer, path, err);
    }
    if (rc == GF_OK && archive_write_close(packer->archive) != ARCHIVE_OK) {
        rc = fail_write(packer, err);
    }
    return rc;
}
