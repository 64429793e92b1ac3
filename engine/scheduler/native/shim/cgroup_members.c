/*
 * The processes in a container's control groups, besides the first one.
 */
#include "base/file.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    NUMBER_BYTES_MAX = 24,
    LIST_BYTES_MAX = 1 << 20, /* of cgroup.procs: some hundred thousand processes */
};

/* A group that was not made, because the container has no limit of its kind, has no directory. */
static enum gf_code join(const char *path, pid_t pid, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    GF_CLEANUP(gf_close_p) int fd = -1;
    char text[NUMBER_BYTES_MAX];
    if (path[0] == '\0') {
        return GF_OK;
    }
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &dir_fd, err);
    if (rc != GF_OK) {
        return rc == GF_NOT_FOUND ? GF_OK : rc;
    }
    rc = gf_file_open(dir_fd, "cgroup.procs", O_WRONLY, 0, &fd, err);
    if (rc != GF_OK) {
        return rc;
    }
    const int len = snprintf(text, sizeof(text), "%d", (int)pid);
    if (write(fd, text, (size_t)len) != len) {
        return gf_fail_errno(err, errno == ESRCH ? GF_UNAVAILABLE : GF_INTERNAL, errno,
                             "cgroup: cannot join '%s'", path);
    }
    return GF_OK;
}

enum gf_code gf_cgroup_join_split(const struct gf_cgroup *cgroup, pid_t pid, struct gf_error *err) {
    const char *const paths[] = {cgroup->spec->cgroup_memory, cgroup->spec->cgroup_pids,
                                 cgroup->spec->cgroup_cpu};
    enum gf_code rc = GF_OK;
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths) && rc == GF_OK; i++) {
        rc = join(paths[i], pid, err);
    }
    return rc;
}

/* The list of the first group that there is: all processes are in all of them. */
static bool read_list(const struct gf_cgroup *cgroup, struct gf_strbuf *out) {
    const char *const paths[] = {cgroup->spec->cgroup_unified, cgroup->spec->cgroup_memory,
                                 cgroup->spec->cgroup_pids, cgroup->spec->cgroup_cpu};
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        GF_CLEANUP(gf_close_p)
        int dir_fd = paths[i][0] == '\0' ? -1 : open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd >= 0 && gf_file_read(dir_fd, "cgroup.procs", out, NULL) == GF_OK) {
            return true;
        }
        gf_strbuf_reset(out);
    }
    return false;
}

void gf_cgroup_each_process(const struct gf_cgroup *cgroup, void (*fn)(pid_t pid, void *ctx),
                            void *ctx) {
    struct gf_strbuf list;
    gf_strbuf_init(&list, LIST_BYTES_MAX);
    if (read_list(cgroup, &list)) {
        struct gf_str rest = gf_strbuf_view(&list);
        while (rest.len > 0) {
            struct gf_str line;
            int64_t pid = 0;
            (void)gf_str_cut(rest, '\n', &line, &rest);
            if (gf_parse_i64(line, &pid) && pid > 0 && pid <= INT32_MAX) {
                fn((pid_t)pid, ctx);
            }
        }
    }
    gf_strbuf_fini(&list);
}
