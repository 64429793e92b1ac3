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

static void init_fields(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                        const struct gf_mask_set *masks) {
    pump->bytes_max = bytes_max;
    pump->bytes = 0;
    pump->dropped_bytes = 0;
    pump->kept = log_fd >= 0;
    pump->truncated = false;
    pump->failure.code = GF_OK;
    pump->tap = NULL;
    pump->tap_ctx = NULL;
    pump->masks = masks;
    for (size_t i = 0; i < GF_PUMP_STREAMS; i++) {
        gf_mask_stream_init(&pump->streams[i].mask, masks);
        pump->streams[i].show_ns = GF_NEVER;
    }
}

static enum gf_code begin_log(struct gf_pump *pump, int log_fd, struct gf_error *err) {
    struct stat status;
    /* Most logs are new, and those need no reading. */
    const bool is_new = fstat(log_fd, &status) == 0 && status.st_size == 0;
    enum gf_code rc = is_new ? gf_logframe_writer_init(&pump->writer, log_fd, err)
                             : gf_logframe_writer_resume(&pump->writer, log_fd, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "cannot begin the log");
}

enum gf_code gf_pump_init(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                          const struct gf_mask_set *masks, struct gf_error *err) {
    init_fields(pump, log_fd, bytes_max, masks);
    return pump->kept ? begin_log(pump, log_fd, err) : GF_OK;
}

enum gf_code gf_pump_init_ring(struct gf_pump *pump, int log_fd, int64_t ring_bytes,
                               int64_t bytes_max, const struct gf_mask_set *masks,
                               struct gf_error *err) {
    if (ring_bytes == 0 || log_fd < 0) {
        return gf_pump_init(pump, log_fd, bytes_max, masks, err);
    }
    init_fields(pump, log_fd, /* bytes_max = */ 0, masks);
    struct gf_error why = {0};
    enum gf_code rc = gf_logframe_ring_open(&pump->writer, log_fd, ring_bytes, &why);
    if (rc == GF_OK) {
        return GF_OK;
    }
    if (rc != GF_UNIMPLEMENTED) {
        *err = why;
        return gf_wrap(err, "cannot begin the log");
    }
    pump->bytes_max = bytes_max;
    rc = begin_log(pump, log_fd, err);
    if (rc == GF_OK) {
        struct gf_strbuf note;
        gf_strbuf_init(&note, GF_LOGFRAME_NOTE_BYTES_MAX);
        gf_strbuf_printf(&note, "%s: this one is cut at %" PRId64 " bytes\n", why.message,
                         bytes_max);
        gf_ignore(gf_logframe_write(&pump->writer, GF_LOG_STREAM_SYSTEM, gf_wall_ns(),
                                    gf_strbuf_view(&note), NULL));
        gf_strbuf_fini(&note);
    }
    return rc;
}

/*
 * How many of the bytes go into the log: whole frames, until one fails. A log that is no ring ends
 * there, so that what is missing is all behind it; a ring is that of a program which may run for
 * years after a disk was full for a minute, and goes on with what comes next.
 */
static size_t write_log(struct gf_pump *pump, enum gf_log_stream stream, struct gf_str bytes) {
    const int64_t now_ns = gf_wall_ns();
    bool writes = pump->writer.ring.bytes_max > 0 || pump->failure.code == GF_OK;
    size_t at = 0;
    while (at < bytes.len && writes) {
        const size_t left = bytes.len - at;
        const struct gf_str part = {bytes.ptr + at, left < GF_LOGFRAME_PAYLOAD_BYTES_MAX
                                                        ? left
                                                        : GF_LOGFRAME_PAYLOAD_BYTES_MAX};
        writes = gf_logframe_write(&pump->writer, stream, now_ns, part, &pump->failure) == GF_OK;
        at += writes ? part.len : 0;
    }
    return at;
}

static void take(struct gf_pump *pump, enum gf_log_stream stream, struct gf_str bytes) {
    if (pump->tap != NULL && bytes.len > 0) {
        pump->tap(stream, bytes, pump->tap_ctx);
    }
    if (!pump->kept) {
        return;
    }
    const size_t wanted = bytes.len;
    if (pump->bytes_max > 0 && (int64_t)bytes.len > pump->bytes_max - pump->bytes) {
        bytes.len = (size_t)(pump->bytes_max - pump->bytes);
    }
    const size_t written = write_log(pump, stream, bytes);
    pump->bytes += (int64_t)written;
    pump->dropped_bytes += (int64_t)(wanted - written);
    pump->truncated = pump->truncated || written < wanted;
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
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        end_stream(pump, stream);
        gf_close(fd);
    }
}

void gf_pump_finish(struct gf_pump *pump) {
    struct gf_strbuf note;
    for (size_t i = 0; i < GF_PUMP_STREAMS; i++) {
        end_stream(pump, STREAMS[i]); /* one that was given up before its end */
    }
    if (!pump->kept) {
        return;
    }
    gf_strbuf_init(&note, GF_LOGFRAME_NOTE_BYTES_MAX);
    if (pump->failure.code != GF_OK) {
        gf_strbuf_append_cstr(&note, pump->failure.message);
    } else {
        gf_strbuf_printf(&note, "output beyond %" PRId64 " bytes was dropped", pump->bytes_max);
    }
    gf_strbuf_printf(&note, ": %" PRId64 " bytes are missing", pump->dropped_bytes);
    /* On a full disk the log stays without an end; the exit record tells that it was cut. */
    const enum gf_code rc =
        pump->truncated ? gf_logframe_end_cut(&pump->writer, gf_wall_ns(), pump->dropped_bytes,
                                              gf_strbuf_view(&note), &pump->failure)
                        : gf_logframe_end(&pump->writer, gf_wall_ns(), &pump->failure);
    if (rc != GF_OK) {
        pump->truncated = true;
    }
    gf_strbuf_fini(&note);
}
