#include "engine/scheduler/native/shim/keep.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/scheduler/native/kept_record.h"

#include <fcntl.h>
#include <stdio.h>

bool gf_keep_wanted(const struct gf_spec *spec, const struct gf_shim_exit *exit) {
    return spec->keep[0] != '\0' && spec->upper[0] != '\0' && !exit->stopped &&
           (exit->exit_code != 0 || exit->timed_out || exit->out_of_memory);
}

static enum gf_code write_record(const struct gf_spec *spec, const struct gf_kept_record *record,
                                 struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int dir_fd = -1;
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, GF_KEPT_RECORD_BYTES_MAX);
    enum gf_code rc = gf_kept_record_encode(record, &bytes, err);
    if (rc == GF_OK) {
        rc = gf_file_open(AT_FDCWD, spec->upper, O_RDONLY | O_DIRECTORY, 0, &dir_fd, err);
    }
    if (rc == GF_OK) {
        rc = gf_file_replace(dir_fd, GF_KEPT_FILE, gf_strbuf_view(&bytes), 0600, GF_FILE_SYNC_NONE,
                             err);
    }
    gf_strbuf_fini(&bytes);
    return rc;
}

void gf_keep(const struct gf_spec *spec, int64_t user_id_first, struct gf_shim_exit *exit) {
    const struct gf_kept_record record = {
        .boot_id = spec->boot_id,
        .image_digest = spec->image_digest,
        .hostname = spec->hostname,
        .user = spec->user,
        .workdir = spec->workdir,
        .user_id_first = user_id_first,
        .memory_bytes = spec->memory_bytes,
        .cpu_millis = spec->cpu_millis,
        .pid_count = spec->pid_count,
        .expire_time = exit->end_time + spec->keep_ms * GF_NS_PER_MS,
    };
    if (write_record(spec, &record, NULL) == GF_OK && rename(spec->upper, spec->keep) == 0) {
        exit->root_expire_time = record.expire_time;
    }
}
