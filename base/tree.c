/*
 * Design: the tree is walked with a stack of open directories instead of recursion. Every name is
 * resolved by openat2 (NO_XDEV, NO_SYMLINKS, BENEATH) from the directory above, so that neither a
 * link nor a mount (a bind mount of the same file system too) leads out of the tree, whatever
 * others do to it meanwhile.
 *
 * A tree may be deeper than there are descriptors for: whoever made it had a working directory and
 * no path. What lies below the deepest level is moved up into the first one, where it is found
 * again.
 */
#include "base/tree.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    REMOVE_ROUNDS_MAX = 16, /* through one directory that others keep filling */
    MOVES_MAX = 1 << 20,    /* of what lies too deep, in one tree */
    MOVED_NAME_BYTES = 32,
};

#define RENAME_NOREPLACE_FLAG 1U /* as in linux/fs.h */

/* As in linux/openat2.h, which musl does not have. */
struct open_how_v0 {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

enum {
    OPENAT2_NO_XDEV = 0x01,
    OPENAT2_NO_SYMLINKS = 0x04,
    OPENAT2_BENEATH = 0x08,
};

struct level {
    DIR *dir;
    char *name; /* in the directory above; owned */
    int rounds;
};

struct walk {
    struct level levels[GF_TREE_DEPTH_MAX];
    size_t depth;
    int moves;
    int root_fd; /* where the name of the first level is; borrowed */
};

enum gf_code gf_tree_make(int dir_fd, const char *path, mode_t mode, struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *partial = gf_strdup(path);
    size_t end = 0;
    do {
        end += strspn(partial + end, "/");
        end += strcspn(partial + end, "/");
        const char kept = partial[end];
        partial[end] = '\0';
        struct stat status;
        if (mkdirat(dir_fd, partial, mode) != 0 && errno != EEXIST) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", partial);
        }
        if (fstatat(dir_fd, partial, &status, 0) != 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", partial);
        }
        if (!S_ISDIR(status.st_mode)) {
            return gf_fail(err, GF_FAILED_PRECONDITION, "'%s' is no directory", partial);
        }
        partial[end] = kept;
    } while (partial[end] != '\0');
    return GF_OK;
}

static int open_beneath(int dir_fd, const char *name, int flags) {
    const struct open_how_v0 how = {
        .flags = (uint64_t)(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        .resolve = OPENAT2_NO_XDEV | OPENAT2_NO_SYMLINKS | OPENAT2_BENEATH,
    };
    long fd = -1;
    do {
        fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return (int)fd;
}

/* Lets the owner into a directory that was closed even to him (mode 0, say). */
static void unlock_directory(int dir_fd, const char *name) {
    GF_CLEANUP(gf_close_p) int fd = open_beneath(dir_fd, name, O_PATH);
    if (fd >= 0) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        (void)chmod(path, 0700); /* Where it fails, the open that comes next says why. */
    }
}

/* Moves a directory up into the first level; that one is then looked through once more. */
static enum gf_code move_up(struct walk *walk, int dir_fd, const char *name, struct gf_error *err) {
    struct level *first = &walk->levels[0];
    char moved[MOVED_NAME_BYTES];
    while (walk->moves < MOVES_MAX) {
        (void)snprintf(moved, sizeof(moved), ".too-deep-%d", walk->moves++);
        if (syscall(SYS_renameat2, dir_fd, name, dirfd(first->dir), moved, RENAME_NOREPLACE_FLAG) ==
                0 ||
            errno == ENOENT) {
            first->rounds = 0;
            return GF_OK;
        }
        if (errno != EEXIST) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", name);
        }
    }
    return gf_fail(err, GF_OUT_OF_RANGE, "more than %d directories are deeper than %d levels",
                   MOVES_MAX, GF_TREE_DEPTH_MAX);
}

static enum gf_code enter(struct walk *walk, int dir_fd, const char *name, struct gf_error *err) {
    if (walk->depth == GF_TREE_DEPTH_MAX) {
        return move_up(walk, dir_fd, name, err);
    }
    GF_CLEANUP(gf_close_p) int fd = open_beneath(dir_fd, name, O_RDONLY);
    if (fd < 0 && errno == EACCES) {
        unlock_directory(dir_fd, name);
        fd = open_beneath(dir_fd, name, O_RDONLY);
    }
    if (fd < 0 && errno == ENOENT) {
        return GF_OK; /* Somebody else was faster. */
    }
    if (fd < 0 && errno == EXDEV) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "directory '%s' is a mount point", name);
    }
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", name);
    }
    (void)gf_take_fd(&fd); /* The stream owns it now. */
    walk->levels[walk->depth++] = (struct level){.dir = dir, .name = gf_strdup(name)};
    return GF_OK;
}

static void leave(struct walk *walk) {
    struct level *level = &walk->levels[--walk->depth];
    gf_closedir_p(&level->dir);
    free(level->name);
}

static bool is_directory(int dir_fd, const char *name) {
    struct stat status;
    return fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* Removes one entry of the directory, or enters it when it is a directory itself. */
static enum gf_code remove_entry(struct walk *walk, int dir_fd, const char *name,
                                 struct gf_error *err) {
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) {
        return GF_OK;
    }
    if (errno == EISDIR || (errno == EPERM && is_directory(dir_fd, name))) {
        return enter(walk, dir_fd, name, err);
    }
    /* The root of the tree may stand anywhere: its own directory's mode is not ours to change. */
    if (errno == EACCES && walk->depth > 0 && fchmod(dir_fd, 0700) == 0) {
        if (is_directory(dir_fd, name)) {
            return enter(walk, dir_fd, name, err);
        }
        if (unlinkat(dir_fd, name, 0) == 0) {
            return GF_OK;
        }
    }
    return gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", name);
}

/* The innermost directory has nothing left: removes it. What came meanwhile is removed once more.
 */
static enum gf_code remove_emptied(struct walk *walk, struct gf_error *err) {
    struct level *level = &walk->levels[walk->depth - 1];
    const int above_fd =
        walk->depth == 1 ? walk->root_fd : dirfd(walk->levels[walk->depth - 2].dir);
    if (unlinkat(above_fd, level->name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
        leave(walk);
        return GF_OK;
    }
    if ((errno == ENOTEMPTY || errno == EEXIST) && level->rounds < REMOVE_ROUNDS_MAX) {
        level->rounds++;
        rewinddir(level->dir);
        return GF_OK;
    }
    return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", level->name);
}

/* One step: one entry of the innermost directory, or its end. */
static enum gf_code step(struct walk *walk, struct gf_error *err) {
    DIR *dir = walk->levels[walk->depth - 1].dir;
    errno = 0;
    const struct dirent *entry = readdir(dir);
    if (entry == NULL && errno != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'",
                             walk->levels[walk->depth - 1].name);
    }
    if (entry == NULL) {
        return remove_emptied(walk, err);
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
        return GF_OK;
    }
    return remove_entry(walk, dirfd(dir), entry->d_name, err);
}

enum gf_code gf_tree_remove(int dir_fd, const char *path, struct gf_error *err) {
    /* The way to the tree is the caller's and may have links; from its name on there are none. */
    GF_CLEANUP(gf_free_p) char *parent = gf_strdup(path);
    size_t len = strlen(parent);
    while (len > 1 && parent[len - 1] == '/') {
        parent[--len] = '\0';
    }
    char *slash = strrchr(parent, '/');
    const char *name = slash == NULL ? parent : slash + 1;
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "path '%s' names nothing to remove", path);
    }
    GF_CLEANUP(gf_close_p) int parent_fd = -1;
    GF_CLEANUP(gf_free_p) char *name_copy = gf_strdup(name);
    if (slash != NULL) {
        *(slash == parent ? slash + 1 : slash) = '\0';
    }
    parent_fd = openat(dir_fd, slash == NULL ? "." : parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent_fd < 0) {
        return errno == ENOENT ? GF_OK
                               : gf_fail_errno(err, gf_code_from_errno(errno), errno,
                                               "directory of '%s'", path);
    }
    GF_CLEANUP(gf_free_p) struct walk *walk = GF_NEW(struct walk);
    walk->root_fd = parent_fd;
    enum gf_code rc = remove_entry(walk, parent_fd, name_copy, err);
    while (rc == GF_OK && walk->depth > 0) {
        rc = step(walk, err);
    }
    while (walk->depth > 0) {
        leave(walk);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "tree '%s'", path);
    }
    return rc;
}
