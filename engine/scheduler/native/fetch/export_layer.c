#include "engine/scheduler/native/fetch/export_layer.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/images/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum {
    ATTRIBUTE_NAMES_BYTES_MAX = GF_FETCH_XATTR_BYTES_MAX,
};

struct names GF_VEC_FIELDS(char *);

struct exporter {
    struct archive *archive;
    gf_export_sink_fn *sink;
    void *ctx;
    struct gf_error sink_error; /* what the sink said; code GF_OK: nothing */
    struct gf_map links;        /* "dev:ino" -> the path that came first, owned */
    char path[GF_FETCH_PATH_CHARS_MAX + 1];
    size_t path_len;
    char buffer[GF_FETCH_READ_BYTES];
};

static void exporter_free_p(struct exporter **exporter) {
    size_t position = 0;
    void *path = NULL;
    while (gf_map_next(&(*exporter)->links, &position, NULL, &path)) {
        free(path);
    }
    gf_map_fini(&(*exporter)->links);
    (void)archive_write_free((*exporter)->archive); /* closed before, where it matters */
    free(*exporter);
}

static void names_fini(struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    gf_vec_fini(names);
}

static void entry_free_p(struct archive_entry **entry) {
    archive_entry_free(*entry);
}

static la_ssize_t on_write(struct archive *archive, void *ctx, const void *bytes, size_t size) {
    struct exporter *exporter = ctx;
    if (exporter->sink(exporter->ctx, bytes, size, &exporter->sink_error) != GF_OK) {
        archive_set_error(archive, EIO, "the output failed");
        return -1;
    }
    return (la_ssize_t)size;
}

static enum gf_code fail_write(const struct exporter *exporter, struct gf_error *err) {
    if (exporter->sink_error.code != GF_OK) {
        *err = exporter->sink_error;
        return err->code;
    }
    return gf_fail(err, GF_INTERNAL, "cannot write '%s': %s", gf_show_cstr(exporter->path).text,
                   gf_show_cstr(archive_error_string(exporter->archive)).text);
}

/* ---- one entry ---- */

static struct archive_entry *make_entry(const struct exporter *exporter, const char *path,
                                        const struct stat *status) {
    struct archive_entry *entry = archive_entry_new();
    (void)exporter;
    if (entry == NULL) {
        gf_oom();
    }
    archive_entry_set_pathname(entry, path);
    archive_entry_set_mode(entry, status->st_mode);
    archive_entry_set_uid(entry, status->st_uid);
    archive_entry_set_gid(entry, status->st_gid);
    archive_entry_set_mtime(entry, status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
    archive_entry_set_size(entry, S_ISREG(status->st_mode) ? status->st_size : 0);
    return entry;
}

static bool keeps_attribute(const char *name) {
    const struct gf_str text = gf_str_from(name);
    return gf_str_eq(text, GF_STR("security.capability")) ||
           gf_str_has_prefix(text, GF_STR("user."));
}

static int compare_names(const void *a, const void *b) {
    char *const *left = a;
    char *const *right = b;
    return strcmp(*left, *right);
}

static enum gf_code add_attributes(const struct exporter *exporter, int fd,
                                   struct archive_entry *entry, struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *list = gf_malloc(ATTRIBUTE_NAMES_BYTES_MAX);
    GF_CLEANUP(gf_free_p) char *value = gf_malloc(GF_FETCH_XATTR_BYTES_MAX);
    GF_CLEANUP(names_fini) struct names names = {NULL};
    const ssize_t size = flistxattr(fd, list, ATTRIBUTE_NAMES_BYTES_MAX);
    if (size < 0 && errno != ENOTSUP) {
        return gf_fail_system(err, "attributes of '%s'", gf_show_cstr(exporter->path).text);
    }
    for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1) {
        if (keeps_attribute(list + at)) {
            gf_vec_push(&names, gf_strdup(list + at));
        }
    }
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof(char *), compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        const ssize_t length = fgetxattr(fd, names.items[i], value, GF_FETCH_XATTR_BYTES_MAX);
        if (length < 0) {
            return gf_fail_system(err, "attribute '%s' of '%s'", gf_show_cstr(names.items[i]).text,
                                  gf_show_cstr(exporter->path).text);
        }
        archive_entry_xattr_add_entry(entry, names.items[i], value, (size_t)length);
    }
    return GF_OK;
}

static enum gf_code write_header(struct exporter *exporter, struct archive_entry *entry,
                                 struct gf_error *err) {
    /* Names that are no text of the locale are written as bytes, with a warning. */
    return archive_write_header(exporter->archive, entry) >= ARCHIVE_WARN
               ? GF_OK
               : fail_write(exporter, err);
}

static enum gf_code write_content(struct exporter *exporter, int fd, int64_t size,
                                  struct gf_error *err) {
    for (int64_t left = size; left > 0;) {
        const size_t wanted =
            left < (int64_t)sizeof(exporter->buffer) ? (size_t)left : sizeof(exporter->buffer);
        const ssize_t got = read(fd, exporter->buffer, wanted);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0
                       ? gf_fail_system(err, "cannot read '%s'", gf_show_cstr(exporter->path).text)
                       : gf_fail(err, GF_DATA_LOSS, "'%s' became shorter while it was read",
                                 gf_show_cstr(exporter->path).text);
        }
        if (archive_write_data(exporter->archive, exporter->buffer, (size_t)got) != got) {
            return fail_write(exporter, err);
        }
        left -= got;
    }
    return GF_OK;
}

/* An empty file that hides something: NAME is what it is called in the directory of the path. */
static enum gf_code write_whiteout(struct exporter *exporter, const char *directory,
                                   size_t directory_len, const char *name, struct gf_error *err) {
    static const struct stat plain = {.st_mode = S_IFREG | 0644};
    GF_CLEANUP(gf_free_p)
    char *path =
        gf_asprintf("%.*s%s%s", (int)directory_len, directory, directory_len > 0 ? "/" : "", name);
    GF_CLEANUP(entry_free_p) struct archive_entry *entry = make_entry(exporter, path, &plain);
    return write_header(exporter, entry, err);
}

/* True where the file came before under another name: the entry is a link to that. */
static bool is_link(struct exporter *exporter, const struct stat *status,
                    struct archive_entry *entry) {
    char key[48];
    if (status->st_nlink < 2 || S_ISDIR(status->st_mode)) {
        return false;
    }
    (void)snprintf(key, sizeof(key), "%llu:%llu", (unsigned long long)status->st_dev,
                   (unsigned long long)status->st_ino);
    const char *first = gf_map_get(&exporter->links, gf_str_from(key));
    if (first == NULL) {
        (void)gf_map_put(&exporter->links, gf_str_from(key), gf_strdup(exporter->path));
        return false;
    }
    archive_entry_set_hardlink(entry, first);
    archive_entry_unset_size(entry);
    return true;
}

static enum gf_code write_file(struct exporter *exporter, int dir_fd, const char *name,
                               const struct stat *status, struct archive_entry *entry,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, &fd, err);
    if (rc == GF_OK) {
        rc = add_attributes(exporter, fd, entry, err);
    }
    if (rc == GF_OK) {
        rc = write_header(exporter, entry, err);
    }
    return rc == GF_OK ? write_content(exporter, fd, status->st_size, err) : rc;
}

static enum gf_code write_symlink(struct exporter *exporter, int dir_fd, const char *name,
                                  struct archive_entry *entry, struct gf_error *err) {
    char target[GF_FETCH_PATH_CHARS_MAX + 1];
    const ssize_t size = readlinkat(dir_fd, name, target, sizeof(target) - 1);
    if (size < 0) {
        return gf_fail_system(err, "cannot read the link '%s'", gf_show_cstr(exporter->path).text);
    }
    target[size] = '\0';
    archive_entry_set_symlink(entry, target);
    return write_header(exporter, entry, err);
}

/* ---- a directory with all that is in it ---- */

static enum gf_code write_directory(struct exporter *exporter, int fd, int depth,
                                    struct gf_error *err);

static enum gf_code write_child(struct exporter *exporter, int dir_fd, const char *name, int depth,
                                struct gf_error *err) {
    struct stat status;
    const size_t parent_len = exporter->path_len;
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return gf_fail_system(err, "'%s'", gf_show_cstr(name).text);
    }
    if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0)) {
        GF_CLEANUP(gf_free_p) char *hidden = gf_asprintf(".wh.%s", name);
        return write_whiteout(exporter, exporter->path, parent_len, hidden, err);
    }
    const int len = snprintf(exporter->path + parent_len, sizeof(exporter->path) - parent_len,
                             "%s%s", parent_len > 0 ? "/" : "", name);
    if (len < 0 || parent_len + (size_t)len >= sizeof(exporter->path)) {
        return gf_fail_limit(err, "a path with more than %d bytes", GF_FETCH_PATH_CHARS_MAX);
    }
    exporter->path_len = parent_len + (size_t)len;
    enum gf_code rc = GF_OK;
    GF_CLEANUP(entry_free_p)
    struct archive_entry *entry = make_entry(exporter, exporter->path, &status);
    if (S_ISDIR(status.st_mode)) {
        GF_CLEANUP(gf_close_p) int fd = -1;
        rc = gf_beneath_open_dir(dir_fd, gf_str_from(name), &fd, err);
        if (rc == GF_OK) {
            rc = write_directory(exporter, fd, depth + 1, err);
        }
    } else if (is_link(exporter, &status, entry)) {
        rc = write_header(exporter, entry, err);
    } else if (S_ISREG(status.st_mode)) {
        rc = write_file(exporter, dir_fd, name, &status, entry, err);
    } else if (S_ISLNK(status.st_mode)) {
        rc = write_symlink(exporter, dir_fd, name, entry, err);
    } else if (S_ISFIFO(status.st_mode)) {
        rc = write_header(exporter, entry, err);
    }
    exporter->path_len = parent_len;
    exporter->path[parent_len] = '\0';
    return rc;
}

static enum gf_code list_names(int dir_fd, struct names *out, struct gf_error *err) {
    const int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return gf_fail_system(err, "cannot read a directory of the layer");
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            gf_vec_push(out, gf_strdup(entry->d_name));
        }
    }
    if (out->count > 0) {
        qsort(out->items, out->count, sizeof(char *), compare_names);
    }
    return GF_OK;
}

/* The path is that of the directory. */
static enum gf_code write_directory(struct exporter *exporter, int fd, int depth,
                                    struct gf_error *err) {
    GF_CLEANUP(names_fini) struct names names = {NULL};
    struct stat status;
    if (depth > GF_FETCH_PATH_DEPTH_MAX) {
        return gf_fail_limit(err, "directories are more than %d deep", GF_FETCH_PATH_DEPTH_MAX);
    }
    if (fstat(fd, &status) != 0) {
        return gf_fail_system(err, "'%s'", gf_show_cstr(exporter->path).text);
    }
    GF_CLEANUP(entry_free_p)
    struct archive_entry *entry =
        make_entry(exporter, exporter->path_len > 0 ? exporter->path : "./", &status);
    enum gf_code rc = add_attributes(exporter, fd, entry, err);
    if (rc == GF_OK) {
        rc = write_header(exporter, entry, err);
    }
    if (rc == GF_OK && gf_layer_is_opaque(fd)) {
        rc = write_whiteout(exporter, exporter->path, exporter->path_len, ".wh..wh..opq", err);
    }
    if (rc == GF_OK) {
        rc = list_names(fd, &names, err);
    }
    for (size_t i = 0; rc == GF_OK && i < names.count; i++) {
        rc = write_child(exporter, fd, names.items[i], depth, err);
    }
    return rc;
}

enum gf_code gf_export_layer(int root_fd, gf_export_sink_fn *sink, void *ctx,
                             struct gf_error *err) {
    GF_CLEANUP(exporter_free_p) struct exporter *exporter = GF_NEW(struct exporter);
    exporter->sink = sink;
    exporter->ctx = ctx;
    exporter->archive = archive_write_new();
    if (exporter->archive == NULL) {
        gf_oom();
    }
    if (archive_write_set_format_pax(exporter->archive) != ARCHIVE_OK ||
        archive_write_set_options(exporter->archive, "hdrcharset=BINARY") != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(exporter->archive, 1) != ARCHIVE_OK ||
        archive_write_open(exporter->archive, exporter, NULL, on_write, NULL) != ARCHIVE_OK) {
        return fail_write(exporter, err);
    }
    const enum gf_code rc = write_directory(exporter, root_fd, 0, err);
    if (rc == GF_OK && archive_write_close(exporter->archive) != ARCHIVE_OK) {
        return fail_write(exporter, err);
    }
    return rc;
}
