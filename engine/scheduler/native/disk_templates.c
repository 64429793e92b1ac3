#include "engine/scheduler/native/disk_templates.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    OUTPUT_BYTES_MAX = 65536
};

#define MIB (INT64_C(1) << 20)
#define UNFINISHED "making-"

static const char *const PROGRAMS[] = {
    "/usr/sbin/mkfs.ext4",
    "/sbin/mkfs.ext4",
    "/usr/bin/mkfs.ext4",
};

static const char *find_program(void) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(PROGRAMS); i++) {
        if (access(PROGRAMS[i], X_OK) == 0) {
            return PROGRAMS[i];
        }
    }
    return NULL;
}

static bool has_loop_devices(void) {
    GF_CLEANUP(gf_close_p) int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    return fd >= 0;
}

static void remove_unfinished(const char *dir) {
    GF_CLEANUP(gf_closedir_p) DIR *entries = opendir(dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (gf_str_has_prefix(gf_str_from(entry->d_name), GF_STR(UNFINISHED))) {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
}

void gf_disk_templates_init(struct gf_disk_templates *templates, const char *dir) {
    *templates = (struct gf_disk_templates){.dir = gf_strdup(dir), .program = find_program()};
    if (templates->program == NULL) {
        templates->why_not = "there is no mkfs.ext4 (install e2fsprogs), so what a container "
                             "writes to disk is not limited";
    } else if (!has_loop_devices()) {
        templates->why_not = "this machine has no loop devices, so what a container writes to "
                             "disk is not limited";
    }
    remove_unfinished(dir);
}

void gf_disk_templates_fini(struct gf_disk_templates *templates) {
    if (templates->dir != NULL) {
        free(templates->dir);
        templates->dir = NULL;
    }
}

/* ---- making one ---- */

static enum gf_code make_file(const char *path, int64_t bytes, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, err);
    if (rc == GF_OK && ftruncate(fd, bytes) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", path);
    }
    return rc;
}

/*
 * Nothing is written ahead, and there is nothing that a container without a future does not need:
 * no journal, no room for growth, no copies of the tables, no blocks kept for root. All that counts
 * is said, so that the machine's own configuration of mkfs does not.
 */
static enum gf_code run_mkfs(const struct gf_disk_templates *templates, const char *path,
                             struct gf_error *err) {
    const char *const argv[] = {
        "mkfs.ext4",
        "-q",
        "-F",
        "-m0",
        "-b4096",
        "-I256",
        "-i16384",
        "-O",
        "none,64bit,dir_index,dir_nlink,ext_attr,extent,extra_isize,filetype,flex_bg,huge_file,"
        "large_file,sparse_super2,uninit_bg",
        "-E",
        "lazy_itable_init=1,nodiscard,packed_meta_blocks=1,num_backup_sb=0,root_owner=0:0",
        path,
        NULL,
    };
    const char *const envp[] = {"MKE2FS_CONFIG=/dev/null", NULL};
    const struct gf_proc_spec spec = {.program = templates->program, .argv = argv, .envp = envp};
    struct gf_proc_exit status;
    struct gf_strbuf output;
    gf_strbuf_init(&output, OUTPUT_BYTES_MAX);
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_DISK_TEMPLATE_MKFS_MS_MAX);
    enum gf_code rc = gf_proc_run(&spec, deadline, &output, &status, err);
    gf_strbuf_fini(&output);
    if (rc == GF_OK && (status.signaled || status.status != 0)) {
        char text[GF_PROC_EXIT_BYTES_MAX];
        rc = gf_fail(err, GF_INTERNAL, "mkfs.ext4: %s", gf_proc_exit_format(status, text));
    }
    return rc;
}

/* What has its name is taken as it is, for ever: also after a power cut it must be whole. */
static enum gf_code sync_file(const char *path, struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
    return rc == GF_OK ? gf_file_sync_data(fd, err) : rc;
}

/* Somebody who names a size of his own for every task must not fill the disk with them. */
static void drop_oldest(const char *dir) {
    GF_CLEANUP(gf_closedir_p) DIR *entries = opendir(dir);
    GF_CLEANUP(gf_free_p) char *oldest = NULL;
    struct timespec oldest_time = {0};
    const struct dirent *entry = NULL;
    size_t count = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        struct stat status;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        count++;
        if (oldest == NULL || status.st_mtim.tv_sec < oldest_time.tv_sec) {
            free(oldest);
            oldest = gf_strdup(entry->d_name);
            oldest_time = status.st_mtim;
        }
    }
    if (count >= GF_DISK_TEMPLATES_MAX) {
        /* A launch that was given its path fails, once in a long while. */
        (void)unlinkat(dirfd(entries), oldest, 0);
    }
}

static enum gf_code make_template(const struct gf_disk_templates *templates, const char *path,
                                  int64_t bytes, const char *name, struct gf_error *err) {
    GF_CLEANUP(gf_free_p)
    char *unfinished = gf_asprintf("%s/" UNFINISHED "%s", templates->dir, name);
    enum gf_code rc = gf_tree_make(AT_FDCWD, templates->dir, 0700, err);
    if (rc != GF_OK) {
        return rc;
    }
    drop_oldest(templates->dir);
    rc = make_file(unfinished, bytes, err);
    if (rc == GF_OK) {
        rc = run_mkfs(templates, unfinished, err);
    }
    if (rc == GF_OK) {
        rc = sync_file(unfinished, err);
    }
    if (rc == GF_OK && rename(unfinished, path) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s'", path);
    }
    if (rc != GF_OK) {
        (void)unlink(unfinished);
    }
    return rc;
}

enum gf_code gf_disk_templates_get(const struct gf_disk_templates *templates, int64_t bytes,
                                   const char *name, struct gf_arena *arena, const char **out_path,
                                   struct gf_error *err) {
    if (templates->why_not != NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "%s", templates->why_not);
    }
    if (bytes > GF_DISK_BYTES_MAX) {
        bytes = GF_DISK_BYTES_MAX;
    }
    if (bytes < GF_DISK_BYTES_MIN) {
        bytes = GF_DISK_BYTES_MIN;
    }
    const int64_t mib = (bytes + MIB - 1) / MIB;
    const char *path = gf_arena_printf(arena, "%s/%" PRId64, templates->dir, mib);
    enum gf_code rc =
        access(path, F_OK) == 0 ? GF_OK : make_template(templates, path, mib * MIB, name, err);
    if (rc != GF_OK) {
        return gf_wrap(err, "disk of %" PRId64 " MiB", mib);
    }
    *out_path = path;
    return GF_OK;
}
