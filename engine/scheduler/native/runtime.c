/*
 * DESIGN
 * A container costs about twenty files and directories that live for as long as it does. On a disk
 * each of them is written, journalled and freed for nothing, because a reboot ends their meaning:
 * so they are kept in memory. /run is the place for that; where it is not in memory /dev/shm is,
 * and as everybody may write there, the directory is used only when it is ours alone.
 *
 * A restarted server must look where its predecessor put its attempts. The name of the directory is
 * therefore made from the identity of the data directory, and one that is there already is taken
 * before another place is considered.
 *
 * What is in memory goes with the machine, and anybody who may can remove it. So that this is not
 * taken for "nothing was ever there", a file on disk says which directory it was and under which
 * boot of the machine; it is removed when a server leaves nothing behind.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "engine/scheduler/native/native_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MARK_FILE "runtime"

enum {
    MARK_BYTES_MAX = 256
};

static const char *const PLACES[] = {"/run", "/dev/shm"};

static enum gf_code open_dir(const char *parent, const char *name, int *out_fd,
                             struct gf_error *err) {
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", parent, name);
    enum gf_code rc = gf_tree_make(AT_FDCWD, path, 0700, err);
    return rc == GF_OK ? gf_file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, out_fd, err) : rc;
}

/* ---- the runtime directory ---- */

static bool in_memory(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

/* A directory that nobody but us may enter, and no link to one. */
static bool is_ours(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

/* The directory below a place, or NULL where the place cannot be used. */
static char *find_in(const char *place, const char *name, bool make) {
    GF_CLEANUP(gf_free_p) char *ours = gf_asprintf("%s/gofer", place);
    GF_CLEANUP(gf_free_p) char *path = gf_asprintf("%s/%s", ours, name);
    if (!in_memory(place)) {
        return NULL;
    }
    if (make) {
        (void)mkdir(ours, 0700);
        if (is_ours(ours)) {
            (void)mkdir(path, 0700);
        }
    }
    return is_ours(ours) && is_ours(path) ? GF_TAKE(path) : NULL;
}

static char *choose_runtime(const char *dir, const char *instance) {
    for (int make = 0; make < 2; make++) {
        for (size_t i = 0; i < GF_ARRAY_COUNT(PLACES); i++) {
            char *found = find_in(PLACES[i], instance, make == 1);
            if (found != NULL) {
                return found;
            }
        }
    }
    return gf_strdup(dir);
}

static enum gf_code open_runtime(struct gf_native *native, const char *dir, const char *runtime_dir,
                                 struct gf_error *err) {
    native->runtime =
        runtime_dir != NULL ? gf_strdup(runtime_dir) : choose_runtime(dir, native->instance);
    enum gf_code rc = open_dir(native->runtime, "attempts", &native->attempts_fd, err);
    return rc == GF_OK ? open_dir(native->runtime, "trash", &native->trash_fd, err) : rc;
}

static enum gf_code identify(struct gf_native *native, struct gf_error *err) {
    struct stat status;
    if (fstat(native->uppers_fd, &status) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "'%s'", native->uppers);
    }
    snprintf(native->instance, sizeof(native->instance), "%" PRIx64 "-%" PRIx64,
             (uint64_t)status.st_dev, (uint64_t)status.st_ino);
    return GF_OK;
}

const char *gf_native_runtime_dir(const struct gf_native *native) {
    return native->runtime;
}

/* ---- what it was ---- */

static void write_mark(const struct gf_native *native, struct gf_strbuf *out) {
    struct stat status = {0};
    (void)fstat(native->attempts_fd, &status);
    gf_strbuf_printf(out, "%s %" PRIx64 "-%" PRIx64 "\n", native->boot_id, (uint64_t)status.st_dev,
                     (uint64_t)status.st_ino);
}

const char *gf_native__records_lost(const struct gf_native *native) {
    const char *sentence = NULL;
    struct gf_error error;
    struct gf_strbuf old;
    struct gf_strbuf now;
    gf_strbuf_init(&old, MARK_BYTES_MAX);
    gf_strbuf_init(&now, MARK_BYTES_MAX);
    write_mark(native, &now);
    const enum gf_code rc = gf_file_read(native->dir_fd, MARK_FILE, &old, &error);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        gf_log_warn("runtime_mark_unreadable", GF_KV_ERROR(&error));
        sentence = "it is not known whether records of the container were lost";
    } else if (rc == GF_OK &&
               !gf_str_has_prefix(gf_strbuf_view(&old), gf_str_from(native->boot_id))) {
        sentence = "the machine was restarted, and the records of the container were lost";
    } else if (rc == GF_OK && !gf_str_eq(gf_strbuf_view(&old), gf_strbuf_view(&now))) {
        sentence = "the records of the container were removed";
    }
    gf_strbuf_fini(&old);
    gf_strbuf_fini(&now);
    return sentence;
}

void gf_native__mark_runtime(struct gf_native *native) {
    struct gf_error error;
    struct gf_strbuf mark;
    gf_strbuf_init(&mark, MARK_BYTES_MAX);
    write_mark(native, &mark);
    if (gf_file_replace(native->dir_fd, MARK_FILE, gf_strbuf_view(&mark), 0600, GF_FILE_SYNC_FULL,
                        &error) != GF_OK) {
        gf_log_error("runtime_not_marked", GF_KV_ERROR(&error));
    }
    native->marked = true;
    gf_strbuf_fini(&mark);
}

/* ---- all of them ---- */

enum gf_code gf_native__open_dirs(struct gf_native *native, const struct gf_native_options *options,
                                  struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int stage_fd = -1;
    GF_CLEANUP(gf_free_p) char *dir = NULL;
    enum gf_code rc = open_dir(options->dir, "stage", &stage_fd, err);
    if (rc == GF_OK) {
        rc = open_dir(options->dir, "uppers", &native->uppers_fd, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    dir = realpath(options->dir, NULL);
    if (dir == NULL) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", options->dir);
    }
    rc = gf_file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &native->dir_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    native->stage = gf_asprintf("%s/stage", dir);
    native->uppers = gf_asprintf("%s/uppers", dir);
    native->disks_dir = gf_asprintf("%s/disks", dir);
    rc = identify(native, err);
    return rc == GF_OK ? open_runtime(native, dir, options->runtime_dir, err) : rc;
}

void gf_native__close_dirs(struct gf_native *native) {
    gf_close(&native->uppers_fd);
    gf_close(&native->attempts_fd);
    gf_close(&native->trash_fd);
    if (native->runtime != NULL) {
        GF_CLEANUP(gf_free_p) char *attempts = gf_asprintf("%s/attempts", native->runtime);
        GF_CLEANUP(gf_free_p) char *trash = gf_asprintf("%s/trash", native->runtime);
        /* They stay where a container still runs. */
        if (rmdir(attempts) == 0 && native->marked) {
            (void)unlinkat(native->dir_fd, MARK_FILE, 0);
        }
        (void)rmdir(trash);
        (void)rmdir(native->runtime);
    }
    gf_close(&native->dir_fd);
    free(native->runtime);
    free(native->stage);
    free(native->uppers);
    free(native->disks_dir);
}
