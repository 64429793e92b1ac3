#include "engine/scheduler/native/shim/record.h"

#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PROC_PATH_BYTES_MAX = 32,
    PROC_STAT_BYTES_MAX = 1024,
    START_TIME_COLUMN = 20, /* of /proc/PID/stat, counted from the one behind the name */
};

static enum gf_code write_record(int dir_fd, const char *name, const struct gf_strbuf *record,
                                 struct gf_error *err) {
    enum gf_code rc =
        gf_file_replace(dir_fd, name, gf_strbuf_view(record), 0600, GF_FILE_SYNC_NONE, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "record of the attempt");
}

/*
 * When the process was started, in ticks since the boot: with its pid, that names it for good. 0
 * where it cannot be told.
 */
static int64_t process_start_ticks(pid_t pid) {
    char path[PROC_PATH_BYTES_MAX];
    struct gf_strbuf stat;
    int64_t ticks = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    gf_strbuf_init(&stat, PROC_STAT_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, path, &stat, NULL) == GF_OK) {
        /* The name may hold anything, but nothing behind it holds a ')'. */
        const char *behind = strrchr(stat.ptr, ')');
        struct gf_str rest = gf_str_from(behind == NULL ? "" : behind + 1);
        struct gf_str column = {0};
        for (int i = 0; i < START_TIME_COLUMN + 1; i++) {
            (void)gf_str_cut(rest, ' ', &column, &rest);
        }
        if (!gf_parse_i64(column, &ticks)) {
            ticks = 0;
        }
    }
    gf_strbuf_fini(&stat);
    return ticks;
}

enum gf_code gf_record_write_start(int dir_fd, const struct gf_spec *spec, pid_t container_pid,
                                   struct gf_error *err) {
    const struct gf_shim_start start = {
        .boot_id = spec->boot_id,
        .image_digest = spec->image_digest,
        .shim_pid = getpid(),
        .shim_start_ticks = process_start_ticks(getpid()),
        .container_pid = container_pid,
        .container_start_ticks = process_start_ticks(container_pid),
    };
    struct gf_strbuf record;
    gf_strbuf_init(&record, GF_SHIM_MESSAGE_BYTES_MAX);
    enum gf_code rc = gf_shim_start_encode(&start, &record, err);
    if (rc == GF_OK) {
        rc = write_record(dir_fd, GF_ATTEMPT_FILE_START, &record, err);
    }
    gf_strbuf_fini(&record);
    return rc;
}

enum gf_code gf_record_write_exit(int dir_fd, const struct gf_shim_exit *exit,
                                  struct gf_error *err) {
    struct gf_strbuf record;
    gf_strbuf_init(&record, GF_SHIM_MESSAGE_BYTES_MAX);
    enum gf_code rc = gf_shim_exit_encode(exit, &record, err);
    if (rc == GF_OK) {
        rc = write_record(dir_fd, GF_ATTEMPT_FILE_EXIT, &record, err);
    }
    gf_strbuf_fini(&record);
    return rc;
}
