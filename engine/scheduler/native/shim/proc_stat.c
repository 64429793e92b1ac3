#include "engine/scheduler/native/shim/proc_stat.h"

#include "base/file.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_BYTES_MAX = 32,
    STAT_BYTES_MAX = 1024,
    /* Columns counted from the one behind the name. */
    SESSION_COLUMN = 4,
    START_TIME_COLUMN = 20,
};

static int64_t read_column(pid_t pid, int column_number) {
    char path[PATH_BYTES_MAX];
    struct gf_strbuf stat;
    int64_t value = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    gf_strbuf_init(&stat, STAT_BYTES_MAX);
    if (gf_file_read(AT_FDCWD, path, &stat, NULL) == GF_OK) {
        /* The name may hold anything, but nothing behind it holds a ')'. */
        const char *behind = strrchr(stat.ptr, ')');
        struct gf_str rest = gf_str_from(behind == NULL ? "" : behind + 1);
        struct gf_str column = {0};
        for (int i = 0; i < column_number + 1; i++) {
            (void)gf_str_cut(rest, ' ', &column, &rest);
        }
        if (!gf_parse_i64(column, &value)) {
            value = 0;
        }
    }
    gf_strbuf_fini(&stat);
    return value;
}

int64_t gf_proc_stat_start_ticks(pid_t pid) {
    return read_column(pid, START_TIME_COLUMN);
}

pid_t gf_proc_stat_session(pid_t pid) {
    return (pid_t)read_column(pid, SESSION_COLUMN);
}
