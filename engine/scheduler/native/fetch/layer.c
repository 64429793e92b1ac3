/*
 * Design: files are made as their entries come. Whiteouts and the times of directories wait until
 * the end: a whiteout counts for the layers below only, so it must know whether this layer has the
 * name itself, before or behind it; and each file that is made changes its directory's time.
 *
 * Entries come directory by directory, so the directory of the last entry is kept open. It cannot
 * go stale: only an entry in a directory above it could remove it, and that entry takes its place.
 */
#include "engine/scheduler/native/fetch/layer.h"

#include "base/arena.h"
#include "base/vec.h"
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/layer_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <archive.h>

static const struct gf_str whiteout_prefix = {".wh.", 4};
static const struct gf_str whiteout_meta_prefix = {".wh..wh.", 8};
static const struct gf_str whiteout_opaque = {".wh..wh..opq", 12};

enum later_kind {
    LATER_WHITEOUT,
    LATER_OPAQUE,
    LATER_TIME,
};

/* Something to do when all entries are there. */
struct later {
    enum later_kind kind;
    struct gf_str directory; /* in the arena */
    const char *name;        /* what to hide in it; in the arena */
    struct timespec mtime;
};

struct unpacker {
    struct gf_tar *tar;
    int root_fd; /* borrowed */
    const struct gf_fetch_limits *limits;
    struct gf_layer_usage *usage;
    int parent_fd; /* of the directory below; -1: none is open */
    struct gf_path parent;
    struct gf_arena arena;
    GF_VEC(struct later) later;
};

static void unpacker_fini(struct unpacker *unpacker) {
    gf_tar_close(unpacker->tar);
    gf_close(&unpacker->parent_fd);
    gf_vec_fini(&unpacker->later);
    gf_arena_fini(&unpacker->arena);
}

static enum gf_code add_later(struct unpacker *unpacker, enum later_kind kind,
                              struct gf_str directory, const char *name, struct timespec mtime,
                              struct gf_error *err) {
    const size_t name_size = strlen(name) + 1;
    /* The element of the list is charged to the arena as well. */
    char *text =
        gf_arena_try_alloc(&unpacker->arena, directory.len + name_size + sizeof(struct later));
    if (text == NULL) {
        return gf_fail_limit(err, "too many directories and whiteouts");
    }
    memcpy(text, name, name_size);
    if (directory.len > 0) {
        memcpy(text + name_size, directory.ptr, directory.len);
    }
    const struct later later = {
        .kind = kind,
        .directory = {text + name_size, directory.len},
        .name = text,
        .mtime = mtime,
    };
    gf_vec_push(&unpacker->later, later);
    return GF_OK;
}

/* Opens the directory that the path's last part goes into, unless it is open already. */
static enum gf_code open_parent(struct unpacker *unpacker, const struct gf_path *path,
                                struct gf_error *err) {
    const struct gf_str parent = gf_path_parent(path);
    const struct gf_str open = {unpacker->parent.text, unpacker->parent.len};
    if (unpacker->parent_fd >= 0 && gf_str_eq(parent, open)) {
        return GF_OK;
    }
    int fd = -1;
    const enum gf_code rc = gf_beneath_make_dir(unpacker->root_fd, parent, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_close(&unpacker->parent_fd);
    unpacker->parent_fd = fd;
    if (parent.len > 0) {
        memcpy(unpacker->parent.text, parent.ptr, parent.len);
    }
    unpacker->parent.len = parent.len;
    return GF_OK;
}

static enum gf_code unpack_whiteout(struct unpacker *unpacker, const struct gf_path *path,
                                    struct gf_error *err) {
    const struct gf_str name = gf_str_from(gf_path_last(path));
    const struct timespec never = {0};
    if (gf_str_eq(name, whiteout_opaque)) {
        return add_later(unpacker, LATER_OPAQUE, gf_path_parent(path), "", never, err);
    }
    if (gf_str_has_prefix(name, whiteout_meta_prefix)) {
        return GF_OK; /* notes of aufs, which mean nothing here */
    }
    const char *hidden = name.ptr + whiteout_prefix.len;
    if (hidden[0] == '\0' || gf_str_eq(gf_str_from(hidden), GF_STR(".")) ||
        gf_str_eq(gf_str_from(hidden), GF_STR(".."))) {
        return gf_fail_archive(err, "a whiteout of no file");
    }
    return add_later(unpacker, LATER_WHITEOUT, gf_path_parent(path), hidden, never, err);
}

/* The root is there already; it takes its entry's owner, mode and time. */
static enum gf_code unpack_root(struct unpacker *unpacker, struct archive_entry *entry,
                                struct gf_error *err) {
    if (archive_entry_filetype(entry) != AE_IFDIR || archive_entry_hardlink(entry) != NULL) {
        return gf_fail_archive(err, "the root must be a directory");
    }
    const enum gf_code rc = gf_layer__set_metadata(unpacker->root_fd, entry, err);
    if (rc != GF_OK) {
        return rc;
    }
    return add_later(unpacker, LATER_TIME, (struct gf_str){NULL, 0}, "", gf_layer__mtime(entry),
                     err);
}

static enum gf_code unpack_directory(struct unpacker *unpacker, const struct gf_path *path,
                                     const struct gf_layer__entry *entry, struct gf_error *err) {
    const enum gf_code rc = gf_layer__make_directory(entry, err);
    if (rc != GF_OK) {
        return rc;
    }
    return add_later(unpacker, LATER_TIME, (struct gf_str){path->text, path->len}, "",
                     gf_layer__mtime(entry->archive_entry), err);
}

static enum gf_code unpack_file(struct unpacker *unpacker, const struct gf_layer__entry *entry,
                                struct gf_error *err) {
    const int64_t size = archive_entry_size(entry->archive_entry);
    if (size < 0 || size > unpacker->limits->unpacked_bytes - unpacker->usage->bytes) {
        return gf_fail_limit(err, "the image unpacks to more than %lld bytes",
                             (long long)unpacker->limits->unpacked_bytes);
    }
    unpacker->usage->bytes += size;
    return gf_layer__make_file(entry, unpacker->tar, err);
}

static enum gf_code unpack_other(struct unpacker *unpacker, const struct gf_path *path,
                                 const struct gf_layer__entry *entry, struct gf_error *err) {
    if (archive_entry_hardlink(entry->archive_entry) != NULL) {
        return gf_layer__make_hardlink(entry, err);
    }
    switch (archive_entry_filetype(entry->archive_entry)) {
    case AE_IFDIR:
        return unpack_directory(unpacker, path, entry, err);
    case AE_IFREG:
        return unpack_file(unpacker, entry, err);
    case AE_IFLNK:
        return gf_layer__make_symlink(entry, err);
    case AE_IFIFO:
        return gf_layer__make_fifo(entry, err);
    case AE_IFCHR:
    case AE_IFBLK:
        unpacker->usage->devices_skipped++;
        return GF_OK;
    default:
        return gf_fail_archive(err, "is of an unknown type");
    }
}

static enum gf_code unpack_entry(struct unpacker *unpacker, struct archive_entry *archive_entry,
                                 struct gf_error *err) {
    const char *name = archive_entry_pathname(archive_entry);
    struct gf_path path;
    enum gf_code rc = gf_path_parse(name != NULL ? name : "", &path, err);
    if (rc != GF_OK) {
        return rc; /* names the entry itself */
    }
    if (unpacker->usage->files++ >= unpacker->limits->unpacked_files) {
        rc = gf_fail_limit(err, "the image has more than %lld files",
                           (long long)unpacker->limits->unpacked_files);
    } else if (path.len == 0) {
        rc = unpack_root(unpacker, archive_entry, err);
    } else if (gf_str_has_prefix(gf_str_from(gf_path_last(&path)), whiteout_prefix)) {
        rc = unpack_whiteout(unpacker, &path, err);
    } else {
        rc = open_parent(unpacker, &path, err);
        if (rc == GF_OK) {
            const struct gf_layer__entry entry = {
                .archive_entry = archive_entry,
                .root_fd = unpacker->root_fd,
                .parent_fd = unpacker->parent_fd,
                .name = gf_path_last(&path),
            };
            rc = unpack_other(unpacker, &path, &entry, err);
        }
    }
    return rc == GF_OK ? GF_OK : gf_wrap(err, "entry '%s'", gf_show_cstr(name).text);
}

static enum gf_code do_whiteout(const struct unpacker *unpacker, const struct later *later,
                                struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc = gf_beneath_make_dir(unpacker->root_fd, later->directory, &fd, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "whiteout in '%s'", gf_show(later->directory).text);
    }
    return later->kind == LATER_OPAQUE ? gf_layer__set_opaque(fd, err)
                                       : gf_layer__make_whiteout(fd, later->name, err);
}

/* A directory that a later entry replaced has no time to set. */
static enum gf_code do_time(const struct unpacker *unpacker, const struct later *later,
                            struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    if (gf_beneath_open_dir(unpacker->root_fd, later->directory, &fd, NULL) != GF_OK) {
        return GF_OK;
    }
    const struct timespec times[] = {later->mtime, later->mtime};
    if (futimens(fd, times) != 0) {
        return gf_fail_system(err, "cannot set the time of '%s'", gf_show(later->directory).text);
    }
    return GF_OK;
}

static enum gf_code do_later(const struct unpacker *unpacker, struct gf_error *err) {
    for (size_t i = 0; i < unpacker->later.count; i++) {
        const struct later *later = &unpacker->later.items[i];
        if (later->kind != LATER_TIME) {
            const enum gf_code rc = do_whiteout(unpacker, later, err);
            if (rc != GF_OK) {
                return rc;
            }
        }
    }
    for (size_t i = 0; i < unpacker->later.count; i++) {
        const struct later *later = &unpacker->later.items[i];
        if (later->kind == LATER_TIME) {
            const enum gf_code rc = do_time(unpacker, later, err);
            if (rc != GF_OK) {
                return rc;
            }
        }
    }
    return GF_OK;
}

enum gf_code gf_layer_unpack(struct gf_blob *blob, int root_fd,
                             const struct gf_fetch_limits *limits, struct gf_layer_usage *usage,
                             struct gf_error *err) {
    GF_CLEANUP(unpacker_fini)
    struct unpacker unpacker = {
        .tar = gf_tar_open(blob),
        .root_fd = root_fd,
        .limits = limits,
        .usage = usage,
        .parent_fd = -1,
    };
    gf_arena_init(&unpacker.arena, GF_FETCH_DIRECTORIES_BYTES_MAX);
    for (;;) {
        struct archive_entry *entry = NULL;
        enum gf_code rc = gf_tar_next(unpacker.tar, &entry, err);
        if (rc != GF_OK) {
            return rc;
        }
        if (entry == NULL) {
            return do_later(&unpacker, err);
        }
        rc = unpack_entry(&unpacker, entry, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
}
