#include "engine/scheduler/native/shim/record.h"

#include "base/file.h"
#include "engine/scheduler/native/shim/proc_stat.h"

#include <unistd.h>

static enum gf_code write_record(int dir_fd, const char *name, const struct gf_strbuf *record,
                                 struct gf_error *err) {
    enum gf_code rc =
        gf_file_replace(dir_fd, name, gf_strbuf_view(record), 0600, GF_FILE_SYNC_NONE, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "record of the attempt");
}

enum gf_code gf_record_write_start(int dir_fd, const struct gf_spec *spec, pid_t container_pid,
                                   struct gf_error *err) {
    const struct gf_shim_start start = {
        .boot_id = spec->boot_id,
        .image_digest = spec->image_digest,
        .shim_pid = getpid(),
        .shim_start_ticks = gf_proc_stat_start_ticks(getpid()),
        .container_pid = container_pid,
        .container_start_ticks = gf_proc_stat_start_ticks(container_pid),
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
