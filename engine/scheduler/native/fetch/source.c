#include "engine/scheduler/native/fetch/source.h"

#include "base/alloc.h"
#include "base/map.h"
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/blob.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/path.h"
#include "engine/scheduler/native/fetch/tar.h"
#include "engine/scheduler/native/images/text.h"

#include <sys/stat.h>
#include <unistd.h>

/* What an archive has under a path. */
struct spooled {
    int64_t number; /* of the file in the spool; of nothing where it is a link */
    char *link;     /* path within the archive that it leads to, or NULL */
};

struct gf_source {
    int dir_fd;                                /* the directory itself, or the spool; borrowed */
    const struct gf_source_registry *registry; /* then there is nothing else; or NULL */
    bool is_archive;                           /* then `files` says what is where */
    int64_t number;                            /* of the file that was spooled last */
    size_t names_bytes;
    size_t read_bytes;   /* by gf_source_read */
    struct gf_map files; /* path -> struct spooled, owned */
};

enum {
    SPOOL_NAME_BYTES = 32
};

static const char *spool_name(int64_t number, char out[SPOOL_NAME_BYTES]) {
    (void)snprintf(out, SPOOL_NAME_BYTES, "file-%lld", (long long)number);
    return out;
}

static void spooled_free(struct spooled *spooled) {
    if (spooled != NULL) {
        free(spooled->link);
        free(spooled);
    }
}

struct gf_source *gf_source_open_directory(int dir_fd) {
    struct gf_source *source = GF_NEW(struct gf_source);
    source->dir_fd = dir_fd;
    gf_map_init(&source->files);
    return source;
}

struct gf_source *gf_source_open_registry(const struct gf_source_registry *registry) {
    struct gf_source *source = gf_source_open_directory(-1);
    source->registry = registry;
    return source;
}

bool gf_source_is_registry(const struct gf_source *source) {
    return source->registry != NULL;
}

static enum gf_code count_read(struct gf_source *source, size_t bytes, struct gf_error *err) {
    source->read_bytes += bytes;
    if (source->read_bytes > GF_FETCH_JSON_TOTAL_BYTES_MAX) {
        return gf_fail_limit(err, "more than %d bytes of indexes, manifests and configurations",
                             GF_FETCH_JSON_TOTAL_BYTES_MAX);
    }
    return GF_OK;
}

enum gf_code gf_source_read_registry(struct gf_source *source, const struct gf_digest *digest,
                                     int64_t size_bytes, bool is_manifest, struct gf_strbuf *out,
                                     struct gf_error *err) {
    const enum gf_code rc =
        source->registry->read(source->registry->ctx, digest, size_bytes, is_manifest, out, err);
    return rc == GF_OK ? count_read(source, out->len, err) : rc;
}

void gf_source_close(struct gf_source *source) {
    if (source == NULL) {
        return;
    }
    size_t position = 0;
    void *spooled = NULL;
    while (gf_map_next(&source->files, &position, NULL, &spooled)) {
        spooled_free(spooled);
    }
    gf_map_fini(&source->files);
    free(source);
}

void gf_source_close_p(struct gf_source **source) {
    gf_source_close(*source);
}

static void put_file(struct gf_source *source, const struct gf_path *path, int64_t number,
                     char *link) {
    struct spooled *spooled = GF_NEW(struct spooled);
    spooled->number = number;
    spooled->link = link;
    spooled_free(gf_map_put(&source->files, (struct gf_str){path->text, path->len}, spooled));
}

static enum gf_code spool_file(struct gf_source *source, struct gf_tar *tar,
                               struct archive_entry *entry, const struct gf_path *path,
                               struct gf_error *err) {
    char name[SPOOL_NAME_BYTES];
    const int64_t number = ++source->number;
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(source->dir_fd, spool_name(number, name),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd, err);
    if (rc == GF_OK) {
        rc = gf_tar_copy_data(tar, archive_entry_size(entry), fd, err);
    }
    if (rc == GF_OK) {
        put_file(source, path, number, NULL);
    }
    return rc;
}

/* The path that a symbolic link at `path` leads to: "a/b" and "../c/d" give "c/d". */
static enum gf_code resolve_symlink(const struct gf_path *path, const char *target,
                                    struct gf_path *out, struct gf_error *err) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf joined;
    gf_strbuf_init(&joined, GF_FETCH_PATH_CHARS_MAX);
    struct gf_str folder = gf_path_parent(path);
    struct gf_str rest = gf_str_from(target);
    while (gf_str_has_prefix(rest, GF_STR("../")) && folder.len > 0) {
        rest = (struct gf_str){rest.ptr + 3, rest.len - 3};
        while (folder.len > 0 && folder.ptr[folder.len - 1] != '/') {
            folder.len--;
        }
        folder.len -= folder.len > 0 ? 1 : 0;
    }
    gf_strbuf_append(&joined, folder);
    if (folder.len > 0) {
        gf_strbuf_append_char(&joined, '/');
    }
    gf_strbuf_append(&joined, rest);
    if (joined.overflowed || (rest.len > 0 && rest.ptr[0] == '/')) {
        return gf_fail_archive(err, "entry '%s': the link leads out of the archive",
                               gf_show_cstr(path->text).text);
    }
    /* What still holds ".." leads out, or is not worth understanding. */
    return gf_path_parse(joined.len > 0 ? joined.ptr : "", out, err);
}

static enum gf_code spool_entry(struct gf_source *source, struct gf_tar *tar,
                                struct archive_entry *entry, struct gf_error *err) {
    struct gf_path path;
    struct gf_path target;
    const char *name = archive_entry_pathname(entry);
    enum gf_code rc = gf_path_parse(name != NULL ? name : "", &path, err);
    if (rc != GF_OK || path.len == 0) {
        return rc;
    }
    const char *hardlink = archive_entry_hardlink(entry);
    const char *symlink = archive_entry_symlink(entry);
    const char *link = hardlink != NULL ? hardlink : symlink != NULL ? symlink : "";
    source->names_bytes += path.len + strlen(link);
    if (source->names_bytes > GF_FETCH_ARCHIVE_NAMES_BYTES_MAX) {
        return gf_fail_limit(err, "more than %d bytes of names", GF_FETCH_ARCHIVE_NAMES_BYTES_MAX);
    }
    if (hardlink != NULL) {
        rc = gf_path_parse(hardlink, &target, err);
    } else if (symlink != NULL) {
        rc = resolve_symlink(&path, symlink, &target, err);
    } else if (archive_entry_filetype(entry) == AE_IFREG) {
        return spool_file(source, tar, entry, &path, err);
    } else {
        return GF_OK;
    }
    if (rc == GF_OK) {
        put_file(source, &path, 0, gf_strdup(target.text));
    }
    return rc;
}

enum gf_code gf_source_open_archive(int fd, int spool_fd, const struct gf_fetch_limits *limits,
                                    struct gf_progress *progress, struct gf_source **out,
                                    struct gf_error *err) {
    GF_CLEANUP(gf_source_close_p) struct gf_source *source = gf_source_open_directory(spool_fd);
    source->is_archive = true;
    GF_CLEANUP(gf_blob_close_p) struct gf_blob *blob = NULL;
    GF_CLEANUP(gf_tar_close_p) struct gf_tar *tar = NULL;
    enum gf_code rc = gf_blob_open(fd, GF_BLOB_PLAIN, limits->archive_bytes, progress, &blob, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "the archive");
    }
    tar = gf_tar_open(blob);
    for (size_t count = 0;; count++) {
        struct archive_entry *entry = NULL;
        rc = gf_tar_next(tar, &entry, err);
        if (rc == GF_OK && entry == NULL) {
            break;
        }
        if (rc == GF_OK && count == GF_FETCH_ARCHIVE_ENTRIES_MAX) {
            rc = gf_fail_limit(err, "more than %d files", GF_FETCH_ARCHIVE_ENTRIES_MAX);
        }
        if (rc == GF_OK) {
            rc = spool_entry(source, tar, entry, err);
        }
        if (rc != GF_OK) {
            return gf_wrap(err, "the archive");
        }
    }
    *out = GF_TAKE(source);
    return GF_OK;
}

/* The spooled file of a path, behind all links; NULL where there is none. */
static const struct spooled *find(const struct gf_source *source, const char *path) {
    const struct spooled *spooled = gf_map_get(&source->files, gf_str_from(path));
    for (int i = 0; spooled != NULL && spooled->link != NULL; i++) {
        if (i == GF_FETCH_ARCHIVE_LINKS_MAX) {
            return NULL;
        }
        spooled = gf_map_get(&source->files, gf_str_from(spooled->link));
    }
    return spooled;
}

static enum gf_code open_file(const struct gf_source *source, const char *path, int *out_fd,
                              struct gf_error *err) {
    if (!source->is_archive) {
        return gf_beneath_open_file(source->dir_fd, path, out_fd, err);
    }
    char name[SPOOL_NAME_BYTES];
    const struct spooled *spooled = find(source, path);
    if (spooled == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "no such file");
    }
    return gf_file_open(source->dir_fd, spool_name(spooled->number, name), O_RDONLY | O_NOFOLLOW, 0,
                        out_fd, err);
}

bool gf_source_has(const struct gf_source *source, const char *path) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    return open_file(source, path, &fd, NULL) == GF_OK;
}

enum gf_code gf_source_open(const struct gf_source *source, const char *path, int *out_fd,
                            int64_t *out_size, struct gf_error *err) {
    struct gf_path parsed;
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_path_parse(path, &parsed, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = open_file(source, parsed.text, &fd, err);
    if (rc == GF_NOT_FOUND) {
        return gf_fail_archive(err, "the archive lacks the file '%s'", gf_show_cstr(path).text);
    }
    struct stat status;
    if (rc == GF_OK && fstat(fd, &status) != 0) {
        rc = gf_fail_system(err, "file '%s'", gf_show_cstr(path).text);
    }
    if (rc == GF_OK) {
        *out_size = status.st_size;
        *out_fd = gf_take_fd(&fd);
    }
    return rc;
}

enum gf_code gf_source_read(struct gf_source *source, const char *path, struct gf_strbuf *out,
                            struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    int64_t size = 0;
    enum gf_code rc = gf_source_open(source, path, &fd, &size, err);
    if (rc == GF_OK) {
        rc = gf_read_all(fd, out, err);
    }
    if (rc == GF_OK) {
        rc = count_read(source, out->len, err);
    }
    if (rc == GF_OUT_OF_RANGE) {
        return gf_fail_limit(err, "file '%s' has more than %zu bytes", gf_show_cstr(path).text,
                             out->limit);
    }
    return rc;
}
