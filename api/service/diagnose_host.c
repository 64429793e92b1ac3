#include "api/service/diagnose.h"
#include "base/file.h"
#include "base/macros.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum {
    PROC_BYTES_MAX = 64 << 10,
    DESCRIPTORS_MIN = 4096,
    DISK_FREE_PERCENT_MIN = 5,
    SYNC_MS_MAX = 100,
    CLOCK_AHEAD_SECONDS_MAX = 60,
};
#define DISK_FREE_BYTES_MIN (INT64_C(1) << 30)
#define DISK_FULL_BYTES (INT64_C(64) << 20)
#define LOCKED_BYTES_MIN (INT64_C(8) << 20)
#define CLOCK_EARLIEST_SECONDS INT64_C(1704067200) /* 2024 */

struct gf_finding gf_finding_skipped(const char *why) {
    return (struct gf_finding){.result = GF_FINDING_SKIPPED, .description = why};
}

static struct gf_finding ok(const char *description) {
    return (struct gf_finding){.result = GF_FINDING_OK, .description = description};
}

static struct gf_finding warn(const char *description, const char *remedy) {
    return (struct gf_finding){GF_FINDING_WARNING, description, remedy};
}

static struct gf_finding failed(const char *description, const char *remedy) {
    return (struct gf_finding){GF_FINDING_FAILED, description, remedy};
}

static bool is_native(const struct gf_read *read) {
    return strcmp(read->services->scheduler.ops->name, "native") == 0;
}

static struct gf_finding skip_scheduler(struct gf_read *read) {
    return gf_finding_skipped(gf_arena_printf(read->arena, "the scheduler '%s' does not need it",
                                              read->services->scheduler.ops->name));
}

/* Whether a small file, as of /proc, has the word; white space ends words. */
static bool file_has_word(const char *path, const char *word) {
    struct gf_strbuf text;
    const size_t size = strlen(word);
    bool found = false;
    gf_strbuf_init(&text, PROC_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, path, &text, NULL) == GF_OK) {
        const char *end = text.ptr + text.len;
        for (const char *at = text.ptr;
             !found && (at = memmem(at, (size_t)(end - at), word, size)) != NULL; at++) {
            const bool begins = at == text.ptr || strchr(" \t\n", at[-1]) != NULL;
            const bool ends = at + size == end || strchr(" \t\n", at[size]) != NULL;
            found = begins && ends;
        }
    }
    gf_strbuf_fini(&text);
    return found;
}

/* ---- The kernel ---- */

static bool has_cgroup_v2(void) {
    return access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
}

static bool has_controller(struct gf_read *read, const char *name) {
    if (file_has_word("/sys/fs/cgroup/cgroup.controllers", name)) {
        return true;
    }
    return access(gf_arena_printf(read->arena, "/sys/fs/cgroup/%s/tasks", name), F_OK) == 0;
}

static struct gf_finding check_cgroup_v2(struct gf_read *read) {
    if (!is_native(read)) {
        return skip_scheduler(read);
    }
    if (has_cgroup_v2()) {
        return ok("control groups are those of version 2");
    }
    if (access("/sys/fs/cgroup", X_OK) == 0) {
        return warn("control groups are those of version 1, which cannot end all processes of a "
                    "container at once",
                    "start the kernel with systemd.unified_cgroup_hierarchy=1");
    }
    return warn("there are no control groups: limits of tasks are not enforced",
                "mount the cgroup2 file system at /sys/fs/cgroup");
}

static struct gf_finding check_cgroup_controllers(struct gf_read *read) {
    static const char *const controllers[] = {"memory", "cpu", "pids"};
    const char *missing = "";
    if (!is_native(read)) {
        return skip_scheduler(read);
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(controllers); i++) {
        if (!has_controller(read, controllers[i])) {
            missing = gf_arena_printf(read->arena, "%s%s%s", missing,
                                      missing[0] == '\0' ? "" : ", ", controllers[i]);
        }
    }
    if (missing[0] == '\0') {
        return ok("limits of memory, processor time and processes are enforced");
    }
    return warn(gf_arena_printf(read->arena,
                                "control groups lack: %s; such limits of tasks are "
                                "not enforced",
                                missing),
                "let the service have these controllers (systemd: Delegate=yes)");
}

static struct gf_finding check_overlayfs(struct gf_read *read) {
    if (!is_native(read)) {
        return skip_scheduler(read);
    }
    return file_has_word("/proc/filesystems", "overlay")
               ? ok("the overlay file system is there")
               : failed("the overlay file system is not there, or its module is not loaded: no "
                        "container can start",
                        "load it: modprobe overlay");
}

static struct gf_finding check_memfd(struct gf_read *read) {
    GF_CLEANUP(gf_close_p) int fd = memfd_create("gofer-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)read;
    return fd >= 0 ? ok("sealed memory files are there")
                   : failed("the kernel gives no memory files, with which containers are started",
                            "allow memfd_create for the service");
}

static struct gf_finding check_privileges(struct gf_read *read) {
    if (!is_native(read)) {
        return skip_scheduler(read);
    }
    return geteuid() == 0 ? ok("the service may make containers")
                          : failed("the service is not root and cannot make containers",
                                   "start it as root, or with the scheduler null");
}

/* ---- What the process may have ---- */

static struct gf_finding check_descriptors(struct gf_read *read) {
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_MIN) {
        return warn(gf_arena_printf(read->arena,
                                    "the process may open %" PRIu64 " files: many followers and "
                                    "containers may be refused",
                                    (uint64_t)limit.rlim_cur),
                    "raise the limit (systemd: LimitNOFILE=65536)");
    }
    return ok("the process may open enough files");
}

static struct gf_finding check_locked_memory(struct gf_read *read) {
    struct rlimit limit = {0};
    (void)read;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < (rlim_t)LOCKED_BYTES_MIN && geteuid() != 0) {
        return warn("little memory can be locked: secrets may be swapped out to the disk",
                    "raise the limit (systemd: LimitMEMLOCK=64M), or encrypt the swap space");
    }
    return ok("memory with secrets can be locked");
}

/* ---- The disk ---- */

static struct gf_finding check_disk_space(struct gf_read *read) {
    const char *path = read->services->host.data_path;
    struct statvfs fs = {0};
    if (path == NULL || statvfs(path, &fs) != 0 || fs.f_blocks == 0) {
        return gf_finding_skipped("the file system of the data directory tells nothing");
    }
    const int64_t bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
    const int64_t percent = (int64_t)(fs.f_bavail * 100 / fs.f_blocks);
    const char *found = gf_arena_printf(
        read->arena, "the data directory has %" PRId64 " MiB left, %" PRId64 " percent",
        bytes >> 20, percent);
    if (bytes < DISK_FULL_BYTES || (fs.f_files > 0 && fs.f_favail == 0)) {
        return failed(found, "make room: the service stops when it cannot write");
    }
    return bytes < DISK_FREE_BYTES_MIN || percent < DISK_FREE_PERCENT_MIN
               ? warn(found, "make room, or give the data directory a larger disk")
               : ok(found);
}

/* A file without a name, so that nothing is left of it. */
static struct gf_finding check_disk_sync(struct gf_read *read) {
    const char *path = read->services->host.data_path;
    GF_CLEANUP(gf_close_p) int fd = -1;
    struct gf_error error = {0};
    if (path == NULL ||
        gf_file_open(AT_FDCWD, path, O_TMPFILE | O_RDWR, 0600, &fd, &error) != GF_OK) {
        return gf_finding_skipped("the file system has no files without names to try it with");
    }
    const int64_t start = gf_mono_ns();
    enum gf_code rc = gf_write_all(fd, "gofer", 5, &error);
    if (rc == GF_OK) {
        rc = gf_file_sync_data(fd, &error);
    }
    if (rc != GF_OK) {
        return failed(gf_arena_printf(read->arena, "the disk cannot be written: %s", error.message),
                      "look at the disk and its file system");
    }
    const int64_t duration_ms = (gf_mono_ns() - start) / GF_NS_PER_MS;
    const char *found =
        gf_arena_printf(read->arena, "a write is on the disk after %" PRId64 " ms", duration_ms);
    return duration_ms > SYNC_MS_MAX
               ? warn(found, "every change waits for the disk: use a faster one")
               : ok(found);
}

/* ---- The clock ---- */

/* The time of the newest event; 0 where there is none, or it cannot be read. */
static int64_t read_newest_time(struct gf_read *read) {
    struct gf_event event = {0};
    const int64_t newest = gf_event_hub_newest(read->services->hub);
    return newest > 0 &&
                   read->store->get_event(read->reader, newest, read->arena, &event, NULL) == GF_OK
               ? event.time
               : 0;
}

static struct gf_finding check_clock(struct gf_read *read) {
    struct timex state = {0};
    const int64_t now = gf_clock_wall_ns(read->services->clock);
    const int64_t ahead = read_newest_time(read) - now;
    if (now < CLOCK_EARLIEST_SECONDS * GF_NS_PER_SEC) {
        return failed("the clock of the host is years behind",
                      "set it: tokens, deadlines and certificates go by it");
    }
    if (ahead > CLOCK_AHEAD_SECONDS_MAX * GF_NS_PER_SEC) {
        return warn(gf_arena_printf(read->arena,
                                    "the clock was set back: the newest event is %" PRId64
                                    " s ahead of it",
                                    ahead / GF_NS_PER_SEC),
                    "set the clock: tokens and deadlines go by it");
    }
    if (adjtimex(&state) == -1) {
        return gf_finding_skipped("the kernel does not tell whether the clock is synchronised");
    }
    return (state.status & STA_UNSYNC) != 0
               ? warn("the clock is not synchronised with others",
                      "run a time service, as chrony or systemd-timesyncd")
               : ok("the clock is synchronised");
}

const struct gf_check *gf_host_checks(size_t *out_count) {
    static const struct gf_check checks[] = {
        {"privileges", check_privileges},
        {"cgroup_v2", check_cgroup_v2},
        {"cgroup_controllers", check_cgroup_controllers},
        {"overlayfs", check_overlayfs},
        {"memfd", check_memfd},
        {"descriptors", check_descriptors},
        {"locked_memory", check_locked_memory},
        {"disk_space", check_disk_space},
        {"disk_sync", check_disk_sync},
        {"clock", check_clock},
    };
    *out_count = GF_ARRAY_COUNT(checks);
    return checks;
}
