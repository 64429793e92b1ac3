/*
 * DESIGN
 * What is asked for is noted under a mutex and looked at on the reactor's thread, once however
 * often it was asked: so no call waits for a socket, and none is out of order with another of its
 * kind. Signals and sizes overtake input that the program does not read.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/session_internal.h"

#include <string.h>

enum {
    SIGNAL_MAX = 64
};

_Static_assert((int)GF_SESSION_INPUT_BYTES_MAX >= 2 * (int)GF_SESSION_CHUNK_BYTES_MAX,
               "there can be room for a piece while another one is on the way");

/* ---- asking; any thread ---- */

static void look(void *ctx) {
    struct gf_session *session = ctx;
    gf_mutex_lock(&session->mutex);
    session->posted = false;
    gf_mutex_unlock(&session->mutex);
    if (!session->over) {
        gf_session__send(session);
        if (!session->over) {
            gf_session__watch(session);
        }
    }
    gf_session__unref(session);
}

/* Under the mutex: whether the caller is to post, once it has unlocked. */
static bool note(struct gf_session *session) {
    const bool first = !session->posted;
    session->posted = true;
    return first;
}

static void post(struct gf_session *session, bool wanted) {
    if (wanted &&
        !gf_reactor_post(session->native->options.reactor, look, gf_session__ref(session))) {
        gf_session__unref(session); /* the server is ending */
    }
}

/* Makes room in the buffer, at a cost that what was sent has paid for. */
static void forget_sent(struct gf_session_wishes *wishes) {
    if (wishes->input_start == wishes->input.len ||
        wishes->input_start >= GF_SESSION_INPUT_BYTES_MAX) {
        const size_t left = wishes->input.len - wishes->input_start;
        if (left > 0) {
            memmove(wishes->input.ptr, wishes->input.ptr + wishes->input_start, left);
        }
        gf_strbuf_truncate(&wishes->input, left);
        wishes->input_start = 0;
    }
}

static enum gf_code session_input(struct gf_session *session, struct gf_str bytes,
                                  struct gf_error *err) {
    gf_assert(bytes.len <= GF_SESSION_CHUNK_BYTES_MAX);
    bool first = false;
    bool full = false;
    gf_mutex_lock(&session->mutex);
    struct gf_session_wishes *wishes = &session->wishes;
    if (session->unread + (int64_t)bytes.len > GF_SESSION_INPUT_BYTES_MAX) {
        session->refused = true;
        full = true;
    } else if (!wishes->close_input && bytes.len > 0) {
        forget_sent(wishes);
        gf_strbuf_append(&wishes->input, bytes);
        session->unread += (int64_t)bytes.len;
        first = note(session);
    }
    gf_mutex_unlock(&session->mutex);
    post(session, first);
    return full ? gf_fail(err, GF_RESOURCE_EXHAUSTED, "the program does not read its input")
                : GF_OK;
}

static void session_close_input(struct gf_session *session) {
    gf_mutex_lock(&session->mutex);
    session->wishes.close_input = true;
    const bool first = note(session);
    gf_mutex_unlock(&session->mutex);
    post(session, first);
}

static void session_resize(struct gf_session *session, struct gf_terminal_size size) {
    if (size.columns < 0 || size.columns > GF_SESSION_TERMINAL_CELLS_MAX || size.rows < 0 ||
        size.rows > GF_SESSION_TERMINAL_CELLS_MAX) {
        return;
    }
    gf_mutex_lock(&session->mutex);
    session->wishes.resize = true;
    session->wishes.size = size;
    const bool first = note(session);
    gf_mutex_unlock(&session->mutex);
    post(session, first);
}

static void session_signal(struct gf_session *session, int number) {
    if (number < 1 || number > SIGNAL_MAX) {
        return;
    }
    gf_mutex_lock(&session->mutex);
    session->wishes.signals |= UINT64_C(1) << (number - 1);
    const bool first = note(session);
    gf_mutex_unlock(&session->mutex);
    post(session, first);
}

static void session_pause(struct gf_session *session, bool paused) {
    gf_mutex_lock(&session->mutex);
    session->paused = paused;
    const bool first = note(session);
    gf_mutex_unlock(&session->mutex);
    post(session, first);
}

static void close_now(void *ctx) {
    struct gf_session *session = ctx;
    if (!session->over) {
        session->over = true;
        gf_session__disconnect(session);
    }
}

static void session_close(struct gf_session *session) {
    gf_reactor_call(session->native->options.reactor, close_now, session);
    gf_session__unref(session);
}

const struct gf_session_ops GF_NATIVE_SESSION_OPS = {
    .input = session_input,
    .close_input = session_close_input,
    .resize = session_resize,
    .signal = session_signal,
    .pause = session_pause,
    .close = session_close,
};

/* ---- sending; reactor's thread ---- */

/* False: not now, or never: see session->blocked and session->deaf. */
static bool send_message(struct gf_session *session, const struct gf_shim_message *message) {
    struct gf_strbuf bytes;
    struct gf_error error;
    gf_strbuf_init(&bytes, GF_SHIM_SESSION_MESSAGE_BYTES_MAX);
    enum gf_code rc = gf_shim_message_encode(message, &bytes, &error);
    gf_assert(rc == GF_OK);
    rc = gf_socket_send(session->socket, bytes.ptr, bytes.len, NULL, 0, NULL);
    if (bytes.ptr != NULL) {
        explicit_bzero(bytes.ptr, bytes.len);
    }
    gf_strbuf_fini(&bytes);
    session->blocked = rc == GF_RESOURCE_EXHAUSTED;
    session->deaf = rc != GF_OK && rc != GF_RESOURCE_EXHAUSTED;
    return rc == GF_OK;
}

static bool send_size(struct gf_session *session, struct gf_session_wishes *wishes) {
    const struct gf_shim_message message = {
        .kind = GF_SHIM_MESSAGE_RESIZE,
        .u.size = {.columns = wishes->size.columns, .rows = wishes->size.rows},
    };
    if (wishes->resize && !send_message(session, &message)) {
        return false;
    }
    wishes->resize = false;
    return true;
}

static bool send_signals(struct gf_session *session, struct gf_session_wishes *wishes) {
    for (int number = 1; number <= SIGNAL_MAX && wishes->signals != 0; number++) {
        const uint64_t bit = UINT64_C(1) << (number - 1);
        const struct gf_shim_message message = {
            .kind = GF_SHIM_MESSAGE_SIGNAL,
            .u.signal.number = number,
        };
        if ((wishes->signals & bit) != 0) {
            if (!send_message(session, &message)) {
                return false;
            }
            wishes->signals &= ~bit;
        }
    }
    return true;
}

/* As much as may be on the way. */
static bool send_input(struct gf_session *session, struct gf_session_wishes *wishes) {
    while (wishes->input_start < wishes->input.len && session->in_flight < session->window) {
        const size_t left = wishes->input.len - wishes->input_start;
        const size_t room = (size_t)(session->window - session->in_flight);
        size_t size = left < room ? left : room;
        size = size < GF_SHIM_DATA_BYTES_MAX ? size : GF_SHIM_DATA_BYTES_MAX;
        const struct gf_shim_message message = {
            .kind = GF_SHIM_MESSAGE_INPUT,
            .u.data.bytes = {wishes->input.ptr + wishes->input_start, size},
        };
        if (!send_message(session, &message)) {
            return false;
        }
        wishes->input_start += size;
        session->in_flight += (int64_t)size;
    }
    return wishes->input_start == wishes->input.len;
}

/*
 * The wishes are sent under the mutex: the socket does not block, and whoever asks meanwhile waits
 * for a copy of some bytes.
 */
void gf_session__send(struct gf_session *session) {
    const struct gf_shim_message end = {.kind = GF_SHIM_MESSAGE_CLOSE_INPUT};
    if (!session->started || session->deaf) {
        return;
    }
    GF_MUTEX_GUARD(&session->mutex);
    struct gf_session_wishes *wishes = &session->wishes;
    session->blocked = false;
    if (send_size(session, wishes) && send_signals(session, wishes) &&
        send_input(session, wishes) && wishes->close_input && send_message(session, &end)) {
        wishes->close_input = false;
    }
}

void gf_session__taken(struct gf_session *session, int64_t bytes) {
    session->in_flight -= bytes < session->in_flight ? bytes : session->in_flight;
    gf_mutex_lock(&session->mutex);
    session->unread -= bytes < session->unread ? bytes : session->unread;
    const bool writable = session->refused && session->unread <= GF_SESSION_INPUT_BYTES_MAX -
                                                                     GF_SESSION_CHUNK_BYTES_MAX;
    if (writable) {
        session->refused = false;
    }
    gf_mutex_unlock(&session->mutex);
    gf_session__send(session);
    if (writable) {
        session->events.writable(session->events.ctx);
    }
}
