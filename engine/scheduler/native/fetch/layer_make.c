#include "base/tree.h"
#include "engine/scheduler/native/fetch/beneath.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/layer_internal.h"
#include "engine/scheduler/native/images/text.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>

struct timespec gf_layer__mtime(struct archive_entry *entry) {
    if (!archive_entry_mtime_is_set(entry)) {
        return (struct timespec){.tv_sec = 0};
    }
    return (struct timespec){
        .tv_sec = archive_entry_mtime(entry),
        .tv_nsec = archive_entry_mtime_nsec(entry),
    };
}

/* Access time and modification time, in the order of futimens. */
struct times {
    struct timespec both[2];
};

static struct times times_of(struct archive_entry *entry) {
    const struct timespec mtime = gf_layer__mtime(entry);
    return (struct times){{mtime, mtime}};
}

static enum gf_code owner_of(struct archive_entry *entry, uid_t *out_uid, gid_t *out_gid,
                             struct gf_error *err) {
    const la_int64_t uid = archive_entry_uid(entry);
    const la_int64_t gid = archive_entry_gid(entry);
    /* The highest number means "leave as it is" to chown. */
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) {
        return gf_fail_archive(err, "owner %lld:%lld is out of range", (long long)uid,
                               (long long)gid);
    }
    *out_uid = (uid_t)uid;
    *out_gid = (gid_t)gid;
    return GF_OK;
}

/* File capabilities and what users keep; never what would steer overlayfs or a security module. */
static bool keeps_attribute(struct gf_str name) {
    return gf_str_eq(name, GF_STR("security.capability")) ||
           (gf_str_has_prefix(name, GF_STR("user.")) &&
            !gf_str_has_prefix(name, GF_STR("user.overlay.")));
}

static enum gf_code set_attributes(int fd, struct archive_entry *entry, struct gf_error *err) {
    const char *name = NULL;
    const void *value = NULL;
    size_t size = 0;
    size_t total = 0;
    (void)archive_entry_xattr_reset(entry);
    while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        if (name == NULL || !keeps_attribute(gf_str_from(name))) {
            continue;
        }
        if (size > GF_FETCH_XATTR_BYTES_MAX ||
            (total += size + strlen(name)) > GF_FETCH_XATTR_BYTES_MAX) {
            return gf_fail_limit(err, "more than %d bytes of extended attributes",
                                 GF_FETCH_XATTR_BYTES_MAX);
        }
        if (fsetxattr(fd, name, value, size, 0) == 0) {
            continue;
        }
        /* A file system without user.* loses nothing that a container relies on. */
        if (errno == ENOTSUP && gf_str_has_prefix(gf_str_from(name), GF_STR("user."))) {
            continue;
        }
        return gf_fail_system(err, "cannot set the attribute '%s'", gf_show_cstr(name).text);
    }
    return GF_OK;
}

enum gf_code gf_layer__set_metadata(int fd, struct archive_entry *entry, struct gf_error *err) {
    uid_t uid = 0;
    gid_t gid = 0;
    const enum gf_code rc = owner_of(entry, &uid, &gid, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* In this order: a change of owner clears set-user-id bits and capabilities. */
    if (fchown(fd, uid, gid) != 0) {
        return gf_fail_system(err, "cannot set the owner");
    }
    if (fchmod(fd, archive_entry_perm(entry) & 07777) != 0) {
        return gf_fail_system(err, "cannot set the mode");
    }
    return set_attributes(fd, entry, err);
}

/* Removes what has the entry's name: a later entry wins. */
static enum gf_code clear_name(const struct gf_layer__entry *entry, struct gf_error *err) {
    return gf_tree_remove(entry->parent_fd, entry->name, err);
}

enum gf_code gf_layer__make_directory(const struct gf_layer__entry *entry, struct gf_error *err) {
    struct stat status;
    const bool there = fstatat(entry->parent_fd, entry->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISDIR(status.st_mode)) {
        const enum gf_code rc = clear_name(entry, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (!(there && S_ISDIR(status.st_mode)) && mkdirat(entry->parent_fd, entry->name, 0700) != 0) {
        return gf_fail_system(err, "cannot make the directory");
    }
    GF_CLEANUP(gf_close_p) int fd = -1;
    const enum gf_code rc =
        gf_beneath_open_dir(entry->parent_fd, gf_str_from(entry->name), &fd, err);
    return rc == GF_OK ? gf_layer__set_metadata(fd, entry->archive_entry, err) : rc;
}

enum gf_code gf_layer__make_file(const struct gf_layer__entry *entry, struct gf_tar *tar,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    /* Most names are new: the open itself tells whether one is not. */
    fd = openat(entry->parent_fd, entry->name, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        const enum gf_code rc = clear_name(entry, err);
        if (rc != GF_OK) {
            return rc;
        }
        fd = openat(entry->parent_fd, entry->name, flags, 0600);
    }
    if (fd < 0) {
        return gf_fail_system(err, "cannot make the file");
    }
    enum gf_code rc = gf_tar_copy_data(tar, archive_entry_size(entry->archive_entry), fd, err);
    if (rc == GF_OK) {
        rc = gf_layer__set_metadata(fd, entry->archive_entry, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const struct times times = times_of(entry->archive_entry);
    if (futimens(fd, times.both) != 0) {
        return gf_fail_system(err, "cannot set the time");
    }
    return GF_OK;
}

/* Owner and times of what cannot be opened, and must not be followed. */
static enum gf_code set_metadata_at(const struct gf_layer__entry *entry, struct gf_error *err) {
    uid_t uid = 0;
    gid_t gid = 0;
    const enum gf_code rc = owner_of(entry->archive_entry, &uid, &gid, err);
    if (rc != GF_OK) {
        return rc;
    }
    const struct times times = times_of(entry->archive_entry);
    if (fchownat(entry->parent_fd, entry->name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return gf_fail_system(err, "cannot set the owner");
    }
    if (utimensat(entry->parent_fd, entry->name, times.both, AT_SYMLINK_NOFOLLOW) != 0) {
        return gf_fail_system(err, "cannot set the time");
    }
    return GF_OK;
}

enum gf_code gf_layer__make_symlink(const struct gf_layer__entry *entry, struct gf_error *err) {
    const char *target = archive_entry_symlink(entry->archive_entry);
    if (target == NULL || target[0] == '\0' || strlen(target) > GF_FETCH_PATH_CHARS_MAX) {
        return gf_fail_archive(err,
                               "a symbolic link without a target, or with one of more than %d "
                               "characters",
                               GF_FETCH_PATH_CHARS_MAX);
    }
    const enum gf_code rc = clear_name(entry, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (symlinkat(target, entry->parent_fd, entry->name) != 0) {
        return gf_fail_system(err, "cannot make the symbolic link");
    }
    return set_metadata_at(entry, err);
}

enum gf_code gf_layer__make_hardlink(const struct gf_layer__entry *entry, struct gf_error *err) {
    struct gf_path target;
    const char *target_name = archive_entry_hardlink(entry->archive_entry);
    enum gf_code rc = gf_path_parse(target_name, &target, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "hard link");
    }
    GF_CLEANUP(gf_close_p) int target_fd = -1;
    if (target.len > 0) {
        rc = gf_beneath_open_dir(entry->root_fd, gf_path_parent(&target), &target_fd, err);
    }
    struct stat status;
    struct stat own;
    if (target.len == 0 || rc != GF_OK ||
        fstatat(target_fd, gf_path_last(&target), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        S_ISDIR(status.st_mode)) {
        return gf_fail_archive(err, "a hard link to '%s', which is no file of this layer",
                               gf_show_cstr(target_name).text);
    }
    /* A link to itself: removing the name first would lose the file. */
    if (fstatat(entry->parent_fd, entry->name, &own, AT_SYMLINK_NOFOLLOW) == 0 &&
        own.st_ino == status.st_ino && own.st_dev == status.st_dev) {
        return GF_OK;
    }
    rc = clear_name(entry, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* Without AT_SYMLINK_FOLLOW: a link to a symbolic link is a second name of it. */
    if (linkat(target_fd, gf_path_last(&target), entry->parent_fd, entry->name, 0) != 0) {
        return gf_fail_system(err, "cannot make the hard link to '%s'",
                              gf_show_cstr(target_name).text);
    }
    return GF_OK;
}

enum gf_code gf_layer__make_fifo(const struct gf_layer__entry *entry, struct gf_error *err) {
    const enum gf_code rc = clear_name(entry, err);
    if (rc != GF_OK) {
        return rc;
    }
    const mode_t mode = archive_entry_perm(entry->archive_entry) & 07777;
    if (mknodat(entry->parent_fd, entry->name, S_IFIFO | 0600, 0) != 0 ||
        fchmodat(entry->parent_fd, entry->name, mode, 0) != 0) {
        return gf_fail_system(err, "cannot make the named pipe");
    }
    return set_metadata_at(entry, err);
}
