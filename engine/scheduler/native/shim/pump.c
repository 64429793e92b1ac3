#include "engine/scheduler/native/shim/pump.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Those of gf_pump.streams. */
static const enum gf_log_stream STREAMS[GF_PUMP_STREAMS] = {GF_LOG_STREAM_STDOUT,
                                                            GF_LOG_STREAM_STDERR};

enum gf_code gf_pump_init(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                          const struct gf_mask_set *masks, struct gf_error *err) {
    pump->bytes_max = bytes_max;
    pump->bytes = 0;
    pump->truncated = false;
    pump->failure.code = GF_OK;
    pump->masks = masks;
    for (size_t i = 0; i < GF_PUMP_STREAMS; i++) {
        gf_mask_stream_init(&pump->streams[i].mask, masks);
        pump->streams[i].show_ns = GF_NEVER;
    }
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

/* ---- masking ---- */

static struct gf_pump_stream *find_stream(struct gf_pump *pump, enum gf_log_stream stream) {
    gf_assert(stream == GF_LOG_STREAM_STDOUT || stream == GF_LOG_STREAM_STDERR);
    return &pump->streams[stream == GF_LOG_STREAM_STDOUT ? 0 : 1];
}

static void mask(struct gf_pump *pump, enum gf_log_stream stream, size_t size) {
    struct gf_pump_stream *state = find_stream(pump, stream);
    const size_t masked = gf_mask_feed(&state->mask, pump->buffer, size, pump->masked);
    explicit_bzero(pump->buffer, size);
    take(pump, stream, (struct gf_str){pump->masked, masked});
    state->show_ns = gf_mask_held(&state->mask) == 0
                         ? GF_NEVER
                         : gf_deadline_after_ms(gf_mono_ns(), GF_PUMP_IDLE_MS);
}

int64_t gf_pump_deadline(const struct gf_pump *pump) {
    const int64_t a = pump->streams[0].show_ns;
    const int64_t b = pump->streams[1].show_ns;
    return a < b ? a : b;
}

void gf_pump_show(struct gf_pump *pump, int64_t now_ns) {
    for (size_t i = 0; i < GF_PUMP_STREAMS; i++) {
        struct gf_pump_stream *state = &pump->streams[i];
        if (now_ns >= state->show_ns) {
            state->show_ns = GF_NEVER;
            const size_t shown = gf_mask_show(&state->mask, pump->masked);
            take(pump, STREAMS[i], (struct gf_str){pump->masked, shown});
        }
    }
}

static void end_stream(struct gf_pump *pump, enum gf_log_stream stream) {
    struct gf_pump_stream *state = find_stream(pump, stream);
    if (pump->masks != NULL) {
        const size_t last = gf_mask_flush(&state->mask, pump->masked);
        take(pump, stream, (struct gf_str){pump->masked, last});
        state->show_ns = GF_NEVER;
    }
}

/* ---- moving ---- */

void gf_pump_move(struct gf_pump *pump, int *fd, enum gf_log_stream stream) {
    const ssize_t n = read(*fd, pump->buffer, sizeof(pump->buffer));
    if (n > 0) {
        if (pump->masks == NULL) {
            take(pump, stream, (struct gf_str){pump->buffer, (size_t)n});
        } else {
            mask(pump, stream, (size_t)n);
        }
        if ((size_t)n == sizeof(pump->buffer)) {
            /* The pipe was full: a larger one lets its writer run on. Refused: it stays. */
            (void)fcntl(*fd, F_SETPIPE_SZ, GF_PUMP_PIPE_BYTES);
        }
    } else if (n == 0 || errno != EINTR) {
        end_stream(pump, stream);
        gf_close(fd);
    }
}

void gf_pump_finish(struct gf_pump *pump) {
    struct gf_strbuf note;
    for (size_t i = 0; i < GF_PUMP_STREAMS; i++) {
        end_stream(pump, STREAMS[i]); /* one that was given up before its end */
    }
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
