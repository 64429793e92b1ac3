#include "api/server/data_dir.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DIR_MODE = 0700,
    TASKS_MODE = 0755,
    FILE_MODE = 0600,
    ADDRESSES_BYTES_MAX = 16 << 10,
};

static const char lock_name[] = "lock";
static const char *const address_names[GF_DATA_DIR_FILE_COUNT] = {
    [GF_DATA_DIR_ADDRESSES] = "addresses",
    [GF_DATA_DIR_HTTP_ADDRESSES] = "http_addresses",
    [GF_DATA_DIR_EXTERNAL_ADDRESSES] = "external_addresses",
};
static const char spool_name[] = "spool";
static const char tasks_name[] = "tasks";

static enum gf_code make_dir(int parent_fd, const char *name, const char *path,
                             struct gf_error *err) {
    if (mkdirat(parent_fd, name, DIR_MODE) != 0 && errno != EEXIST) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", path);
    }
    return GF_OK;
}

static enum gf_code take_lock(struct gf_data_dir *dir, struct gf_error *err) {
    enum gf_code rc =
        gf_file_open(dir->fd, lock_name, O_RDWR | O_CREAT, FILE_MODE, &dir->lock_fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = gf_file_lock(dir->lock_fd, err);
    if (rc == GF_FAILED_PRECONDITION) {
        return gf_fail_reason(err, rc, "DATA_DIR_IN_USE",
                              "data directory '%s' is in use by another gofer service", dir->path);
    }
    return rc;
}

static enum gf_code empty_spool(const struct gf_data_dir *dir, struct gf_error *err) {
    struct gf_error ignored;
    gf_ignore(gf_tree_remove(dir->fd, spool_name, &ignored));
    return make_dir(dir->fd, spool_name, dir->spool_path, err);
}

/*
 * The directory of the socket for tasks. Nobody but the owner gets to it, through the data
 * directory; users of containers do, where it is mounted.
 */
static enum gf_code make_tasks(const struct gf_data_dir *dir, struct gf_error *err) {
    const enum gf_code rc = make_dir(dir->fd, tasks_name, dir->tasks_path, err);
    if (rc == GF_OK && fchmodat(dir->fd, tasks_name, TASKS_MODE, 0) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'",
                             dir->tasks_path);
    }
    return rc;
}

/* Whoever can put files of his own here in the place of ours can do all that the service can. */
static enum gf_code check_mode(const struct gf_data_dir *dir, struct gf_error *err) {
    struct stat status;
    if (fstat(dir->fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", dir->path);
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "DATA_DIR_OPEN",
                              "data directory '%s' can be changed by others (mode %04o): close it "
                              "with 'chmod 700'",
                              dir->path, (unsigned)status.st_mode & 07777);
    }
    return GF_OK;
}

/* Containers mount it: it must not depend on where somebody is. */
static enum gf_code make_absolute(struct gf_data_dir *dir, struct gf_error *err) {
    char *path = realpath(dir->path, NULL);
    if (path == NULL) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "directory '%s'", dir->path);
    }
    free(dir->tasks_path);
    dir->tasks_path = gf_asprintf("%s/%s", path, tasks_name);
    free(path);
    return GF_OK;
}

enum gf_code gf_data_dir_open(const char *path, struct gf_data_dir *out, struct gf_error *err) {
    struct gf_data_dir dir = {
        .fd = -1,
        .lock_fd = -1,
        .path = gf_strdup(path),
        .store_path = gf_asprintf("%s/gofer.db", path),
        .images_path = gf_asprintf("%s/images", path),
        .logs_path = gf_asprintf("%s/logs", path),
        .native_path = gf_asprintf("%s/native", path),
        .spool_path = gf_asprintf("%s/%s", path, spool_name),
        .secrets_path = gf_asprintf("%s/secrets.db", path),
        .master_key_path = gf_asprintf("%s/master.key", path),
        .tasks_path = gf_asprintf("%s/%s", path, tasks_name),
    };
    enum gf_code rc = gf_tree_make(AT_FDCWD, path, DIR_MODE, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir.fd, err);
    }
    if (rc == GF_OK) {
        rc = make_absolute(&dir, err);
    }
    if (rc == GF_OK) {
        rc = check_mode(&dir, err);
    }
    if (rc == GF_OK) {
        rc = take_lock(&dir, err);
    }
    if (rc == GF_OK) {
        rc = empty_spool(&dir, err);
    }
    if (rc == GF_OK) {
        rc = make_tasks(&dir, err);
    }
    if (rc != GF_OK) {
        gf_data_dir_close(&dir);
        return rc;
    }
    gf_data_dir_remove_addresses(&dir); /* of a server that was killed */
    *out = dir;
    return GF_OK;
}

void gf_data_dir_close(struct gf_data_dir *dir) {
    gf_close(&dir->lock_fd);
    gf_close(&dir->fd);
    free(dir->path);
    free(dir->store_path);
    free(dir->images_path);
    free(dir->logs_path);
    free(dir->native_path);
    free(dir->spool_path);
    free(dir->secrets_path);
    free(dir->master_key_path);
    free(dir->tasks_path);
    *dir = (struct gf_data_dir){.fd = -1, .lock_fd = -1};
}

enum gf_code gf_data_dir_write_addresses(const struct gf_data_dir *dir, enum gf_data_dir_file file,
                                         char *const *addresses, size_t count,
                                         struct gf_error *err) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, ADDRESSES_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        gf_strbuf_printf(&text, "%s\n", addresses[i]);
    }
    const enum gf_code rc = gf_file_replace(dir->fd, address_names[file], gf_strbuf_view(&text),
                                            FILE_MODE, GF_FILE_SYNC_NONE, err);
    gf_strbuf_fini(&text);
    return rc;
}

void gf_data_dir_remove_addresses(const struct gf_data_dir *dir) {
    for (size_t i = 0; dir->fd >= 0 && i < GF_DATA_DIR_FILE_COUNT; i++) {
        (void)unlinkat(dir->fd, address_names[i], 0);
    }
}
