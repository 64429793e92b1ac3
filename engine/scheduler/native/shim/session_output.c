/*
 * DESIGN
 * The main program's output comes from a backlog that all who are attached share; that of an exec
 * from one of its own, which is filled only while it is empty: so the program waits for its reader,
 * and not more than one read lies here.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/shim/pump.h"
#include "engine/scheduler/native/shim/session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES_MAX = GF_BACKLOG_PIECE_BYTES_MAX
};

_Static_assert((int)GF_BACKLOG_PIECE_BYTES_MAX == (int)GF_SHIM_DATA_BYTES_MAX,
               "a piece goes into one message");

static const enum gf_log_stream STREAMS[GF_SHIM_SESSION_STREAMS] = {GF_LOG_STREAM_STDOUT,
                                                                    GF_LOG_STREAM_STDERR};

/* Used by one session at a time, within one call. Untouched until there is an exec. */
static char read_buffer[READ_BYTES_MAX];
static char masked_buffer[READ_BYTES_MAX + GF_MASK_HELD_BYTES_MAX];

void gf_shim_session__init_output(struct gf_shim_session *session,
                                  const struct gf_shim_session_host *host) {
    for (size_t i = 0; i < GF_SHIM_SESSION_STREAMS; i++) {
        gf_mask_stream_init(&session->masks[i], host->masks);
        session->show_ns[i] = GF_NEVER;
    }
}

static void add(struct gf_shim_session *session, size_t i, const char *bytes, size_t size) {
    while (size > 0) {
        const size_t piece = size < GF_BACKLOG_PIECE_BYTES_MAX ? size : GF_BACKLOG_PIECE_BYTES_MAX;
        gf_backlog_add(&session->own_backlog, STREAMS[i], (struct gf_str){bytes, piece});
        bytes += piece;
        size -= piece;
    }
}

static void mask(struct gf_shim_session *session, size_t i, size_t size) {
    const size_t masked = gf_mask_feed(&session->masks[i], read_buffer, size, masked_buffer);
    explicit_bzero(read_buffer, size);
    add(session, i, masked_buffer, masked);
    session->show_ns[i] = gf_mask_held(&session->masks[i]) == 0
                              ? GF_NEVER
                              : gf_deadline_after_ms(gf_mono_ns(), GF_PUMP_IDLE_MS);
}

static void end_stream(struct gf_shim_session *session, size_t i, int *fd) {
    gf_close(fd);
    session->show_ns[i] = GF_NEVER;
    if (session->masks[i].set != NULL) {
        const size_t last = gf_mask_flush(&session->masks[i], masked_buffer);
        add(session, i, masked_buffer, last);
    }
}

void gf_shim_session__read(struct gf_shim_session *session, size_t i) {
    int *fd = i == 0 ? &session->exec.stdout_fd : &session->exec.stderr_fd;
    if (session->drained_bytes[i] >= GF_SHIM_SESSION_DRAIN_BYTES_MAX &&
        gf_mono_ns() >= session->drain_ns) {
        end_stream(session, i, fd);
        return;
    }
    const ssize_t n = read(*fd, read_buffer, sizeof(read_buffer));
    if (n > 0 && session->ended) {
        session->drained_bytes[i] += (size_t)n;
    }
    if (n > 0 && session->masks[i].set != NULL) {
        mask(session, i, (size_t)n);
    } else if (n > 0) {
        add(session, i, read_buffer, (size_t)n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN) ||
               (errno == EAGAIN && gf_mono_ns() >= session->drain_ns)) {
        end_stream(session, i, fd);
    }
}

void gf_shim_session__show(struct gf_shim_session *session, int64_t now_ns) {
    for (size_t i = 0; i < GF_SHIM_SESSION_STREAMS; i++) {
        if (now_ns >= session->show_ns[i]) {
            session->show_ns[i] = GF_NEVER;
            const size_t shown = gf_mask_show(&session->masks[i], masked_buffer);
            add(session, i, masked_buffer, shown);
        }
    }
}

/* ---- sending ---- */

/* Whether the socket took it, or will take nothing ever again: see *gone. */
static bool send_bytes(struct gf_shim_session *session, struct gf_str bytes, bool *gone) {
    const enum gf_code rc = gf_socket_send(session->socket_fd, bytes.ptr, bytes.len, NULL, 0, NULL);
    *gone = rc != GF_OK && rc != GF_RESOURCE_EXHAUSTED;
    return rc == GF_OK;
}

static bool send_kept(struct gf_shim_session *session, struct gf_strbuf *kept, bool *gone) {
    if (kept->len == 0) {
        return true;
    }
    const bool sent = send_bytes(session, gf_strbuf_view(kept), gone);
    if (sent) {
        gf_strbuf_reset(kept);
    }
    return sent;
}

static bool send_message(struct gf_shim_session *session, const struct gf_shim_message *message,
                         bool *gone) {
    static char memory[GF_SHIM_SESSION_MESSAGE_BYTES_MAX + 1];
    struct gf_strbuf bytes;
    gf_strbuf_init_in(&bytes, memory, sizeof(memory));
    const bool encoded = gf_shim_message_encode(message, &bytes, NULL) == GF_OK;
    gf_assert(encoded);
    return send_bytes(session, gf_strbuf_view(&bytes), gone);
}

static bool send_taken(struct gf_shim_session *session, bool *gone) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_TAKEN,
        .u.taken.bytes = session->untold,
    };
    const bool sent = session->untold == 0 || send_message(session, &message, gone);
    if (sent) {
        session->untold = 0;
    }
    return sent;
}

static bool send_output(struct gf_shim_session *session, bool *gone) {
    enum gf_log_stream stream = GF_LOG_STREAM_STDOUT;
    struct gf_shim_message message = {.kind = GF_SHIM_MESSAGE_OUTPUT};
    uint64_t next = 0;
    while (gf_backlog_next(session->backlog, session->position, &stream, &message.u.data.bytes,
                           &next)) {
        message.u.data.stream = stream;
        if (!send_message(session, &message, gone)) {
            return false;
        }
        session->position = next;
    }
    return true;
}

bool gf_shim_session__send(struct gf_shim_session *session) {
    bool gone = false;
    if (send_kept(session, &session->first, &gone) && send_taken(session, &gone) &&
        send_output(session, &gone) && session->last.len > 0) {
        return !send_kept(session, &session->last, &gone) && !gone;
    }
    return !gone;
}

bool gf_shim_session__has_output(const struct gf_shim_session *session) {
    return session->first.len > 0 || session->last.len > 0 || session->untold > 0 ||
           (session->backlog != NULL && session->position != session->backlog->head);
}
