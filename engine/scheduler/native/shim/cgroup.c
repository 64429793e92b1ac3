#include "engine/scheduler/native/shim/cgroup.h"

#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CPU_PERIOD_US = 100000,
    CPU_QUOTA_US_MIN = 1000, /* the kernel takes no less */
    VALUE_BYTES_MAX = 64,
    STAT_BYTES_MAX = 4096,
    REMOVE_ATTEMPTS_MAX = 400,
    REMOVE_PAUSE_MS_MAX = 10,
};

void gf_cgroup_init(struct gf_cgroup *cgroup, const struct gf_spec *spec) {
    *cgroup = (struct gf_cgroup){.spec = spec, .unified_fd = -1, .pids_fd = -1, .memory_fd = -1};
}

/* ---- writing ---- */

static enum gf_code write_text(int dir_fd, const char *file, const char *text,
                               struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);
    const size_t len = strlen(text);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cgroup: cannot write '%s' to %s", text,
                             file);
    }
    return GF_OK;
}

static enum gf_code write_number(int dir_fd, const char *file, int64_t number,
                                 struct gf_error *err) {
    char text[VALUE_BYTES_MAX];
    snprintf(text, sizeof(text), "%" PRId64, number);
    return write_text(dir_fd, file, text, err);
}

/* For files that a kernel may lack: swap accounting, groups that die as one. */
static void write_optional(int dir_fd, const char *file, const char *text) {
    (void)write_text(dir_fd, file, text, NULL);
}

static int64_t cpu_quota_us(int64_t cpu_millis) {
    const int64_t millis_max = INT64_MAX / CPU_PERIOD_US;
    const int64_t millis = cpu_millis < millis_max ? cpu_millis : millis_max;
    const int64_t quota = millis * CPU_PERIOD_US / 1000;
    return quota > CPU_QUOTA_US_MIN ? quota : CPU_QUOTA_US_MIN;
}

/* The container's own pid 1 is not the task's, so it does not count against the task's limit. */
static int64_t pids_limit(int64_t pid_count) {
    return pid_count < INT64_MAX ? pid_count + 1 : pid_count;
}

static enum gf_code make_dir(const char *path, int *out_fd, struct gf_error *err) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cgroup: cannot make '%s'", path);
    }
    return gf_file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, out_fd, err);
}

enum gf_code gf_cgroup_make_unified(struct gf_cgroup *cgroup, struct gf_error *err) {
    const struct gf_spec *spec = cgroup->spec;
    if (spec->cgroup_unified[0] == '\0') {
        return GF_OK;
    }
    enum gf_code rc = make_dir(spec->cgroup_unified, &cgroup->unified_fd, err);
    const int fd = cgroup->unified_fd;
    /* A controller with a v1 hierarchy of its own cannot be in the unified one too. */
    if (rc == GF_OK && spec->cgroup_memory[0] == '\0') {
        cgroup->memory_fd = fd;
        if (spec->memory_bytes > 0) {
            rc = write_number(fd, "memory.max", spec->memory_bytes, err);
            write_optional(fd, "memory.swap.max", "0");
            /* A container with a part of its processes killed is of no use to anybody. */
            write_optional(fd, "memory.oom.group", "1");
        }
    }
    if (rc == GF_OK && spec->cpu_millis > 0 && spec->cgroup_cpu[0] == '\0') {
        char text[VALUE_BYTES_MAX];
        snprintf(text, sizeof(text), "%" PRId64 " %d", cpu_quota_us(spec->cpu_millis),
                 CPU_PERIOD_US);
        rc = write_text(fd, "cpu.max", text, err);
    }
    if (rc == GF_OK && spec->cgroup_pids[0] == '\0') {
        cgroup->pids_fd = fd;
        if (spec->pid_count > 0) {
            rc = write_number(fd, "pids.max", pids_limit(spec->pid_count), err);
        }
    }
    return rc;
}

static enum gf_code make_memory(struct gf_cgroup *cgroup, pid_t pid, struct gf_error *err) {
    const struct gf_spec *spec = cgroup->spec;
    if (spec->cgroup_memory[0] == '\0') {
        return GF_OK;
    }
    enum gf_code rc = make_dir(spec->cgroup_memory, &cgroup->memory_fd, err);
    if (rc == GF_OK && spec->memory_bytes > 0) {
        char text[VALUE_BYTES_MAX];
        rc = write_number(cgroup->memory_fd, "memory.limit_in_bytes", spec->memory_bytes, err);
        snprintf(text, sizeof(text), "%" PRId64, spec->memory_bytes);
        /* No swap beyond the limit; a kernel that does not count swap can be told not to use it. */
        write_optional(cgroup->memory_fd, "memory.memsw.limit_in_bytes", text);
        write_optional(cgroup->memory_fd, "memory.swappiness", "0");
    }
    return rc == GF_OK ? write_number(cgroup->memory_fd, "cgroup.procs", pid, err) : rc;
}

/* A group of one controller: its limit, and the process. Without a limit there is none. */
static enum gf_code make_single(const char *path, const char *file, int64_t value, pid_t pid,
                                int *out_fd, struct gf_error *err) {
    if (path[0] == '\0' || value == 0) {
        return GF_OK;
    }
    enum gf_code rc = make_dir(path, out_fd, err);
    if (rc == GF_OK) {
        rc = write_number(*out_fd, file, value, err);
    }
    return rc == GF_OK ? write_number(*out_fd, "cgroup.procs", pid, err) : rc;
}

enum gf_code gf_cgroup_make_split(struct gf_cgroup *cgroup, pid_t pid, struct gf_error *err) {
    const struct gf_spec *spec = cgroup->spec;
    GF_CLEANUP(gf_close_p) int cpu_fd = -1;
    enum gf_code rc = make_memory(cgroup, pid, err);
    if (rc == GF_OK) {
        rc = make_single(spec->cgroup_pids, "pids.max",
                         spec->pid_count > 0 ? pids_limit(spec->pid_count) : 0, pid,
                         &cgroup->pids_fd, err);
    }
    if (rc == GF_OK) {
        rc = make_single(spec->cgroup_cpu, "cpu.cfs_quota_us",
                         spec->cpu_millis > 0 ? cpu_quota_us(spec->cpu_millis) : 0, pid, &cpu_fd,
                         err);
    }
    return rc;
}

/* ---- reading ---- */

/* Reads a small file whole; false where it cannot be read. */
static bool read_text(int dir_fd, const char *file, char *text, size_t size) {
    GF_CLEANUP(gf_close_p) int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (n < 0) {
        return false;
    }
    text[n] = '\0';
    return true;
}

static int64_t read_number(int dir_fd, const char *file) {
    char text[VALUE_BYTES_MAX];
    int64_t number = 0;
    struct gf_str line;
    struct gf_str rest;
    if (!read_text(dir_fd, file, text, sizeof(text))) {
        return 0;
    }
    (void)gf_str_cut(gf_str_from(text), '\n', &line, &rest);
    return gf_parse_i64(line, &number) ? number : 0;
}

/* The number behind `key` in a file of lines "key number". */
static int64_t read_keyed(int dir_fd, const char *file, struct gf_str key) {
    char text[STAT_BYTES_MAX];
    if (!read_text(dir_fd, file, text, sizeof(text))) {
        return 0;
    }
    struct gf_str rest = gf_str_from(text);
    while (rest.len > 0) {
        struct gf_str line;
        struct gf_str name;
        struct gf_str value;
        int64_t number = 0;
        (void)gf_str_cut(rest, '\n', &line, &rest);
        if (gf_str_cut(line, ' ', &name, &value) && gf_str_eq(name, key) &&
            gf_parse_i64(value, &number)) {
            return number;
        }
    }
    return 0;
}

void gf_cgroup_read_usage(const struct gf_cgroup *cgroup, struct gf_cgroup_usage *out_usage) {
    struct gf_cgroup_usage usage = {0};
    const bool split = cgroup->spec->cgroup_memory[0] != '\0';
    if (cgroup->memory_fd >= 0 && split) {
        usage.peak_memory_bytes = read_number(cgroup->memory_fd, "memory.max_usage_in_bytes");
        usage.oom_killed =
            read_keyed(cgroup->memory_fd, "memory.oom_control", GF_STR("oom_kill")) > 0;
    } else if (cgroup->memory_fd >= 0) {
        usage.peak_memory_bytes = read_number(cgroup->memory_fd, "memory.peak");
        usage.oom_killed = read_keyed(cgroup->memory_fd, "memory.events", GF_STR("oom_kill")) > 0;
    }
    if (cgroup->unified_fd >= 0) {
        usage.cpu_time_ns = read_keyed(cgroup->unified_fd, "cpu.stat", GF_STR("usage_usec")) * 1000;
    }
    if (cgroup->pids_fd >= 0) {
        const int64_t peak = read_number(cgroup->pids_fd, "pids.peak");
        usage.peak_pid_count = peak > 1 ? peak - 1 : 0;
    }
    *out_usage = usage;
}

/* ---- removing ---- */

static void remove_dir(const char *path) {
    if (path[0] == '\0') {
        return;
    }
    for (int i = 0; i < REMOVE_ATTEMPTS_MAX; i++) {
        if (rmdir(path) == 0 || errno != EBUSY) {
            return;
        }
        (void)poll(NULL, 0, i < REMOVE_PAUSE_MS_MAX ? i : REMOVE_PAUSE_MS_MAX);
    }
}

void gf_cgroup_remove(struct gf_cgroup *cgroup) {
    if (cgroup->memory_fd != cgroup->unified_fd) {
        gf_close(&cgroup->memory_fd);
    }
    cgroup->memory_fd = -1;
    if (cgroup->pids_fd != cgroup->unified_fd) {
        gf_close(&cgroup->pids_fd);
    }
    cgroup->pids_fd = -1;
    gf_close(&cgroup->unified_fd);
    remove_dir(cgroup->spec->cgroup_pids);
    remove_dir(cgroup->spec->cgroup_cpu);
    remove_dir(cgroup->spec->cgroup_memory);
    remove_dir(cgroup->spec->cgroup_unified);
}
