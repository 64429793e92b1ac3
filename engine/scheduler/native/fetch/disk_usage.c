#include "engine/scheduler/native/fetch/disk_usage.h"

#include "base/file.h"
#include "base/map.h"
#include "base/tree.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/images/text.h"

#include <sys/stat.h>

struct count {
    int64_t bytes;
    struct gf_map_i64 seen; /* inodes with several names; the value is no more than a mark */
};

static void count_fini(struct count *count) {
    gf_map_i64_fini(&count->seen);
}

static enum gf_code add_directory(struct count *count, int dir_fd, const char *name, int depth,
                                  struct gf_error *err);

static enum gf_code add_entry(struct count *count, int dir_fd, const char *name, int depth,
                              struct gf_error *err) {
    struct stat status;
    if (fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return gf_fail_system(err, "cannot look at '%s'", gf_show_cstr(name).text);
    }
    if (S_ISDIR(status.st_mode)) {
        return add_directory(count, dir_fd, name, depth + 1, err);
    }
    if (!S_ISREG(status.st_mode)) {
        return GF_OK;
    }
    if (status.st_nlink > 1 &&
        gf_map_i64_put(&count->seen, (int64_t)status.st_ino, count) != NULL) {
        return GF_OK;
    }
    count->bytes += status.st_size;
    return GF_OK;
}

static enum gf_code add_directory(struct count *count, int dir_fd, const char *name, int depth,
                                  struct gf_error *err) {
    if (depth > GF_TREE_DEPTH_MAX) {
        return gf_fail(err, GF_OUT_OF_RANGE, "more than %d directories deep", GF_TREE_DEPTH_MAX);
    }
    int fd = -1;
    enum gf_code rc = gf_file_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_closedir_p) DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        gf_oom();
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            return errno == 0 ? GF_OK : gf_fail_system(err, "cannot read a directory");
        }
        const struct gf_str entry_name = gf_str_from(entry->d_name);
        if (gf_str_eq(entry_name, GF_STR(".")) || gf_str_eq(entry_name, GF_STR(".."))) {
            continue;
        }
        rc = add_entry(count, fd, entry->d_name, depth, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
}

enum gf_code gf_fetch_disk_usage(int dir_fd, const char *name, int64_t *out_bytes,
                                 struct gf_error *err) {
    GF_CLEANUP(count_fini) struct count count = {0};
    const enum gf_code rc = add_directory(&count, dir_fd, name, 0, err);
    if (rc == GF_OK) {
        *out_bytes = count.bytes;
    }
    return rc;
}
