/*
 * DESIGN
 * What a container writes goes to a directory on disk or to a tmpfs, as the spec says. "volatile"
 * tells overlayfs not to sync it when it is unmounted: nobody reads an upper again after its
 * container. Where the file system cannot hold an upper (overlayfs itself, some network file
 * systems) a tmpfs takes its place.
 *
 * Layers are named to the kernel as /proc/self/fd/N: the option string of mount(2) is one page and
 * splits at ':' and ',', so that neither long paths nor strange ones could be written into it.
 */
#include "engine/scheduler/native/shim/rootfs.h"

#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* "lowerdir=...": opens every layer; the descriptors stay open until the process closes all. */
static enum gf_code append_layers(const struct gf_spec *spec, struct gf_strbuf *options,
                                  struct gf_error *err) {
    gf_strbuf_append_cstr(options, "lowerdir=");
    for (size_t i = 0; i < spec->layers.count; i++) {
        int fd = -1;
        enum gf_code rc =
            gf_file_open(AT_FDCWD, spec->layers.items[i], O_PATH | O_DIRECTORY, 0, &fd, err);
        if (rc != GF_OK) {
            return gf_wrap(err, "layer of the image");
        }
        gf_strbuf_printf(options, "%s/proc/self/fd/%d", i == 0 ? "" : ":", fd);
    }
    return GF_OK;
}

static enum gf_code make_dirs(int parent_fd, struct gf_error *err) {
    if (mkdirat(parent_fd, "upper", 0755) != 0 || mkdirat(parent_fd, "work", 0700) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the upper directory");
    }
    return GF_OK;
}

static enum gf_code mount_overlay(const char *target, const char *upper_parent,
                                  const struct gf_strbuf *layers, struct gf_error *err) {
    struct gf_strbuf options;
    enum gf_code rc = GF_OK;
    gf_strbuf_init(&options, MOUNT_OPTIONS_BYTES_MAX);
    gf_strbuf_append(&options, gf_strbuf_view(layers));
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
static enum gf_code mount_on_disk(const struct gf_spec *spec, const struct gf_strbuf *layers,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    char upper_parent[32];
    if (mkdir(spec->upper, 0700) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the upper directory");
    }
    enum gf_code rc = gf_file_open(AT_FDCWD, spec->upper, O_PATH | O_DIRECTORY, 0, &fd, err);
    if (rc == GF_OK) {
        rc = make_dirs(fd, err);
    }
    if (rc == GF_OK) {
        snprintf(upper_parent, sizeof(upper_parent), "/proc/self/fd/%d/", fd);
        rc = mount_overlay(spec->stage, upper_parent, layers, err);
    }
    return rc == GF_OK ? enter_dir(spec->stage, err) : rc;
}

/* The same in memory: the tmpfs is mounted on the stage, the root inside it. */
static enum gf_code mount_in_memory(const struct gf_spec *spec, const struct gf_strbuf *layers,
                                    struct gf_error *err) {
    char options[TMPFS_OPTIONS_BYTES_MAX] = "mode=0700";
    if (spec->upper_bytes_max > 0) {
        snprintf(options, sizeof(options), "mode=0700,size=%" PRId64, spec->upper_bytes_max);
    }
    if (mount("tmpfs", spec->stage, "tmpfs", MS_NODEV | MS_NOSUID, options) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot mount a tmpfs");
    }
    enum gf_code rc = enter_dir(spec->stage, err);
    if (rc == GF_OK) {
        rc = make_dirs(AT_FDCWD, err);
    }
    if (rc == GF_OK && mkdir("root", 0755) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the root directory");
    }
    if (rc == GF_OK) {
        rc = mount_overlay("root", "", layers, err);
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

enum gf_code gf_rootfs_enter(const struct gf_spec *spec, struct gf_error *err) {
    const bool in_memory = spec->upper[0] == '\0';
    struct gf_strbuf layers;
    gf_strbuf_init(&layers, MOUNT_OPTIONS_BYTES_MAX);

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot make the mounts private");
    }
    enum gf_code rc = append_layers(spec, &layers, err);
    if (rc == GF_OK && !in_memory) {
        rc = mount_on_disk(spec, &layers, err);
    }
    if ((rc == GF_OK && in_memory) || rc == GF_INVALID_ARGUMENT) {
        rc = mount_in_memory(spec, &layers, err);
    }
    gf_strbuf_fini(&layers);
    return rc == GF_OK ? pivot(err) : rc;
}
