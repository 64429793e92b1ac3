/*
 * DESIGN
 * What a container writes goes to a directory on disk or to a tmpfs, as the spec says. "volatile"
 * tells overlayfs not to sync it when it is unmounted: nobody reads an upper again after its
 * container. Where the file system cannot hold an upper (overlayfs itself, some network file
 * systems) a tmpfs takes its place.
 *
 * Layers are named to the kernel as /proc/self/fd/N: the option string of mount(2) is one page and
 * splits at ':' and ',', so that neither long paths nor strange ones could be written into it.
 *
 * With a user namespace a layer is a mount of its own that shows its files as those of the
 * container's ids (an idmapped mount). Older kernels take only what is mounted somewhere in this
 * namespace as a layer, so these mounts are stacked on the stage, where nobody ever comes by: they
 * go with the host's root. An upper directory cannot be such a mount; it belongs to the container's
 * root outright.
 */
#include "engine/scheduler/native/shim/rootfs.h"

#include "base/file.h"
#include "base/str.h"
#include "base/tree.h"
#include "engine/scheduler/native/shim/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MOUNT_OPTIONS_BYTES_MAX = 4096, /* the kernel's limit: a page */
    TMPFS_OPTIONS_BYTES_MAX = 64,
};

/* How an overlay is put together. */
struct plan {
    const struct gf_spec *spec;
    struct gf_strbuf layers; /* "lowerdir=..." */
    uid_t owner;             /* of what the container writes: its root, on the host */
};

/* A mount of the layer, with the ids of the namespace, on the stage. False: it cannot be had. */
static bool map_layer(const char *path, const char *stage, int user_namespace_fd, int *out_fd) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        .propagation = MS_PRIVATE,
        .userns_fd = (uint64_t)user_namespace_fd,
    };
    GF_CLEANUP(gf_close_p)
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0 ||
        syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) != 0 ||
        syscall(SYS_move_mount, fd, "", AT_FDCWD, stage, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        return false;
    }
    *out_fd = gf_take_fd(&fd);
    return true;
}

/* Opens every layer; the descriptors stay open until the process closes all. False: not with these
 * ids. */
static bool map_layers(struct plan *plan, int user_namespace_fd) {
    const struct gf_field_list *layers = &plan->spec->layers;
    gf_strbuf_append_cstr(&plan->layers, "lowerdir=");
    for (size_t i = 0; i < layers->count; i++) {
        int fd = -1;
        if (!map_layer(layers->items[i], plan->spec->stage, user_namespace_fd, &fd)) {
            return false;
        }
        gf_strbuf_printf(&plan->layers, "%s/proc/self/fd/%d", i == 0 ? "" : ":", fd);
    }
    return true;
}

/* The same with the ids as they are. */
static enum gf_code open_layers(struct plan *plan, struct gf_error *err) {
    const struct gf_field_list *layers = &plan->spec->layers;
    gf_strbuf_append_cstr(&plan->layers, "lowerdir=");
    for (size_t i = 0; i < layers->count; i++) {
        int fd = -1;
        enum gf_code rc =
            gf_file_open(AT_FDCWD, layers->items[i], O_PATH | O_DIRECTORY, 0, &fd, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "layer of the image");
        }
        gf_strbuf_printf(&plan->layers, "%s/proc/self/fd/%d", i == 0 ? "" : ":", fd);
    }
    return GF_OK;
}

/*
 * What a container has left in a kept root, but for what overlayfs worked with: that has a mark in
 * it against being used again, as its content may not be on disk after a power cut. Nobody keeps a
 * root over one.
 */
static enum gf_code renew_dirs(int parent_fd, struct gf_error *err) {
    enum gf_code rc = gf_tree_remove(parent_fd, "work", err);
    if (rc == GF_OK && mkdirat(parent_fd, "work", 0700) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the work directory");
    }
    return rc;
}

static enum gf_code make_dirs(int parent_fd, uid_t owner, struct gf_error *err) {
    if (mkdirat(parent_fd, "upper", 0755) != 0 || mkdirat(parent_fd, "work", 0700) != 0 ||
        (owner != 0 && fchownat(parent_fd, "upper", owner, owner, AT_SYMLINK_NOFOLLOW) != 0)) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the upper directory");
    }
    return GF_OK;
}

static enum gf_code mount_overlay(const char *target, const char *upper_parent,
                                  const struct plan *plan, struct gf_error *err) {
    struct gf_strbuf options;
    enum gf_code rc = GF_OK;
    gf_strbuf_init(&options, MOUNT_OPTIONS_BYTES_MAX);
    gf_strbuf_append(&options, gf_strbuf_view(&plan->layers));
    gf_strbuf_printf(&options, ",upperdir=%supper,workdir=%swork,volatile", upper_parent,
                     upper_parent);
    if (options.overflowed) {
        rc = gf_fail(err, GF_INTERNAL, "too many layers for one mount");
    } else if (mount("overlay", target, "overlay", MS_NODEV | MS_NOSUID, options.ptr) != 0) {
        rc = gf_fail_errno(err, errno == EINVAL ? GF_INVALID_ARGUMENT : GF_INTERNAL, errno,
                           "cannot mount the image's layers");
    }
    gf_strbuf_fini(&options);
    return rc;
}

static enum gf_code enter_dir(const char *path, struct gf_error *err) {
    if (chdir(path) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot enter '%s'", path);
    }
    return GF_OK;
}

/* The root with its upper directory on disk; the working directory is the root afterwards. */
static enum gf_code mount_on_disk(const struct plan *plan, struct gf_error *err) {
    const struct gf_spec *spec = plan->spec;
    GF_CLEANUP(gf_close_p) int fd = -1;
    char upper_parent[32];
    if (!spec->kept_upper && mkdir(spec->upper, 0700) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the upper directory");
    }
    enum gf_code rc = gf_file_open(AT_FDCWD, spec->upper, O_PATH | O_DIRECTORY, 0, &fd, err);
    if (rc == GF_OK && spec->disk_template[0] != '\0') {
        const int upper_fd = fd;
        rc = gf_disk_mount(spec->disk_template, upper_fd, &fd, err);
        if (rc == GF_OK) {
            (void)close(upper_fd);
        }
    }
    if (rc == GF_OK) {
        rc = spec->kept_upper ? renew_dirs(fd, err) : make_dirs(fd, plan->owner, err);
    }
    if (rc == GF_OK) {
        snprintf(upper_parent, sizeof(upper_parent), "/proc/self/fd/%d/", fd);
        rc = mount_overlay(spec->stage, upper_parent, plan, err);
    }
    return rc == GF_OK ? enter_dir(spec->stage, err) : rc;
}

/* The same in memory: the tmpfs is mounted on the stage, the root inside it. */
static enum gf_code mount_in_memory(const struct plan *plan, struct gf_error *err) {
    const struct gf_spec *spec = plan->spec;
    char options[TMPFS_OPTIONS_BYTES_MAX] = "mode=0700";
    if (spec->upper_bytes_max > 0) {
        snprintf(options, sizeof(options), "mode=0700,size=%" PRId64, spec->upper_bytes_max);
    }
    if (mount("tmpfs", spec->stage, "tmpfs", MS_NODEV | MS_NOSUID, options) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount a tmpfs");
    }
    enum gf_code rc = enter_dir(spec->stage, err);
    if (rc == GF_OK) {
        rc = make_dirs(AT_FDCWD, plan->owner, err);
    }
    if (rc == GF_OK && mkdir("root", 0755) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the root directory");
    }
    if (rc == GF_OK) {
        rc = mount_overlay("root", "", plan, err);
    }
    return rc == GF_OK ? enter_dir("root", err) : rc;
}

/* The host's mounts hang below the new root for a moment ("." on "."), then they are let go. */
static enum gf_code pivot(struct gf_error *err) {
    if (syscall(SYS_pivot_root, ".", ".") != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot change the root");
    }
    if (umount2(".", MNT_DETACH) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot let go of the host's root");
    }
    return enter_dir("/", err);
}

static enum gf_code take_layers(struct plan *plan, struct gf_user_namespace *user_namespace,
                                struct gf_error *err) {
    if (user_namespace->fd >= 0) {
        if (map_layers(plan, user_namespace->fd)) {
            plan->owner = user_namespace->first;
            return GF_OK;
        }
        gf_user_namespace_drop(user_namespace);
        gf_strbuf_reset(&plan->layers);
    }
    return open_layers(plan, err);
}

enum gf_code gf_rootfs_enter(const struct gf_spec *spec, struct gf_user_namespace *user_namespace,
                             struct gf_error *err) {
    const bool in_memory = spec->upper[0] == '\0';
    struct plan plan = {.spec = spec};
    gf_strbuf_init(&plan.layers, MOUNT_OPTIONS_BYTES_MAX);

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the mounts private");
    }
    enum gf_code rc = take_layers(&plan, user_namespace, err);
    if (rc == GF_OK && !in_memory) {
        rc = mount_on_disk(&plan, err);
    }
    if ((rc == GF_OK && in_memory) || (rc == GF_INVALID_ARGUMENT && !spec->kept_upper)) {
        rc = mount_in_memory(&plan, err);
    }
    gf_strbuf_fini(&plan.layers);
    return rc == GF_OK ? pivot(err) : rc;
}
