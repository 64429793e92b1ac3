#include "engine/scheduler/native/shim/pump.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum gf_code gf_pump_init(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                          struct gf_error *err) {
    pump->bytes_max = bytes_max;
    pump->bytes = 0;
    pump->truncated = false;
    pump->failure.code = GF_OK;
    struct stat status;
    /* Most logs are new, and those need no reading. */
    const bool is_new = fstat(log_fd, &status) == 0 && status.st_size == 0;
    enum gf_code rc = is_new ? gf_logframe_writer_init(&pump->writer, log_fd, err)
                             : gf_logframe_writer_resume(&pump->writer, log_fd, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "cannot begin the log");
}

static void take(struct gf_pump *pump, enum gf_log_stream stream, struct gf_str bytes) {
    if (pump->bytes_max > 0) {
        const int64_t room = pump->bytes_max - pump->bytes;
        if ((int64_t)bytes.len > room) {
            bytes.len = (size_t)room;
            pump->truncated = true;
        }
    }
    if (bytes.len == 0 || pump->failure.code != GF_OK) {
        return;
    }
    if (gf_logframe_write(&pump->writer, stream, gf_wall_ns(), bytes, &pump->failure) != GF_OK) {
        pump->truncated = true;
        return;
    }
    pump->bytes += (int64_t)bytes.len;
}

void gf_pump_move(struct gf_pump *pump, int *fd, enum gf_log_stream stream) {
    const ssize_t n = read(*fd, pump->buffer, sizeof(pump->buffer));
    if (n > 0) {
        take(pump, stream, (struct gf_str){pump->buffer, (size_t)n});
        if ((size_t)n == sizeof(pump->buffer)) {
            /* The pipe was full: a larger one lets its writer run on. Refused: it stays. */
            (void)fcntl(*fd, F_SETPIPE_SZ, GF_PUMP_PIPE_BYTES);
        }
    } else if (n == 0 || errno != EINTR) {
        gf_close(fd);
    }
}

void gf_pump_finish(struct gf_pump *pump) {
    struct gf_strbuf note;
    gf_strbuf_init(&note, GF_ERROR_MESSAGE_BYTES_MAX);
    if (pump->failure.code != GF_OK) {
        gf_strbuf_append_cstr(&note, pump->failure.message);
    } else if (pump->truncated) {
        gf_strbuf_printf(&note, "output beyond %" PRId64 " bytes was dropped", pump->bytes_max);
    }
    /* On a full disk the log stays without an end; the exit record tells that it was cut. */
    if (gf_logframe_end(&pump->writer, gf_wall_ns(), pump->truncated, gf_strbuf_view(&note),
                        &pump->failure) != GF_OK) {
        pump->truncated = true;
    }
    gf_strbuf_fini(&note);
}
