/*
 * DESIGN
 * A session is a connection of its own to the shim of its container; the shim does the work, and
 * what is said is in protocol.h. This side holds no output at all: while it is paused the socket is
 * not read, and what that means for the program is the shim's affair. Whatever happens to the
 * connection, the session has exactly one end.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/socket.h"
#include "engine/scheduler/native/kept.h"
#include "engine/scheduler/native/session_internal.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum {
    MESSAGES_AT_ONCE_MAX = 16, /* so that one session does not hold the reactor up */
    INPUT_BUFFER_BYTES = 2 * GF_SESSION_INPUT_BYTES_MAX, /* what is sent goes when all is */
};

/* ---- life ---- */

struct gf_session *gf_session__ref(struct gf_session *session) {
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

void gf_session__unref(struct gf_session *session) {
    if (atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    gf_assert(session->over && session->socket < 0);
    if (session->wishes.input.ptr != NULL) {
        explicit_bzero(session->wishes.input.ptr, session->wishes.input.len);
    }
    gf_strbuf_fini(&session->wishes.input);
    gf_close(&session->spec_fd);
    gf_mutex_fini(&session->mutex);
    free(session);
}

void gf_session__disconnect(struct gf_session *session) {
    gf_watch_stop(&session->watch);
    gf_close(&session->socket);
    if (gf_list_linked(&session->link)) {
        gf_list_remove(&session->link);
    }
    gf_kept_leave(session);
}

static void end(struct gf_session *session, const struct gf_session_end *how) {
    if (session->over) {
        return;
    }
    session->over = true;
    gf_session__disconnect(session);
    session->events.ended(session->events.ctx, how);
}

void gf_session__fail(struct gf_session *session, enum gf_code code, const char *message) {
    struct gf_session_end how = {0};
    (void)gf_fail(&how.error, code, "%s", message);
    end(session, &how);
}

/* ---- what comes from the shim ---- */

static void session_started(struct gf_session *session,
                            const struct gf_shim_session_started *started) {
    const struct gf_session_start start = {
        .terminal = started->terminal,
        .accepts_input = started->accepts_input,
    };
    if (session->started) {
        return;
    }
    session->started = true;
    session->window = started->window;
    session->events.started(session->events.ctx, &start);
    if (!session->over) {
        gf_session__send(session);
    }
}

/* The shim's limits are those that the port promises. */
_Static_assert((int)GF_SHIM_DATA_BYTES_MAX <= (int)GF_SESSION_CHUNK_BYTES_MAX, "a piece is one");
_Static_assert((int)GF_SHIM_BEHIND_BYTES_MAX == (int)GF_SESSION_BEHIND_BYTES_MAX, "behind");
_Static_assert((int)GF_SHIM_SESSIONS_MAX == (int)GF_SESSIONS_PER_CONTAINER_MAX, "sessions");
_Static_assert((int)GF_SHIM_TERMINAL_CELLS_MAX == (int)GF_SESSION_TERMINAL_CELLS_MAX, "cells");

static void session_output(struct gf_session *session, const struct gf_shim_data *data) {
    if (session->started && data->stream >= GF_LOG_STREAM_STDOUT &&
        data->stream <= GF_LOG_STREAM_STDERR && data->bytes.len > 0) {
        session->events.output(session->events.ctx, (enum gf_log_stream)data->stream, data->bytes);
    }
}

static void session_exited(struct gf_session *session, const struct gf_shim_session_exited *exit) {
    const struct gf_session_end how = {
        .exit_code = (int32_t)exit->exit_code,
        .exit_signal = (int32_t)exit->exit_signal,
        .out_of_memory = exit->out_of_memory,
    };
    end(session, &how);
}

static void take_message(struct gf_session *session, struct gf_str bytes) {
    struct gf_shim_message message;
    if (gf_shim_message_decode(bytes, &message, NULL) != GF_OK) {
        gf_session__fail(session, GF_INTERNAL, "the container's shim sent what is no message");
        return;
    }
    switch (message.kind) {
    case GF_SHIM_MESSAGE_SESSION_STARTED:
        session_started(session, &message.u.session_started);
        break;
    case GF_SHIM_MESSAGE_OUTPUT:
        session_output(session, &message.u.data);
        break;
    case GF_SHIM_MESSAGE_TAKEN:
        gf_session__taken(session, message.u.taken.bytes);
        break;
    case GF_SHIM_MESSAGE_SESSION_EXITED:
        session_exited(session, &message.u.session_exited);
        break;
    case GF_SHIM_MESSAGE_SESSION_FAILED:
        gf_session__fail(session, (enum gf_code)message.u.session_failed.code,
                         message.u.session_failed.message);
        break;
    case GF_SHIM_MESSAGE_UNSUPPORTED:
        gf_session__fail(session, GF_UNIMPLEMENTED,
                         "the container was started by a version of gofer without sessions");
        break;
    case GF_SHIM_MESSAGE_EXITED: /* told to every connection that is no session yet */
        gf_session__fail(session, GF_FAILED_PRECONDITION, "the container's program has ended");
        break;
    case GF_SHIM_MESSAGE_STARTED:
    case GF_SHIM_MESSAGE_UNKNOWN:
    case GF_SHIM_MESSAGE_PONG:
    case GF_SHIM_MESSAGE_PING:
    case GF_SHIM_MESSAGE_STOP:
    case GF_SHIM_MESSAGE_SIGNAL:
    case GF_SHIM_MESSAGE_ATTACH:
    case GF_SHIM_MESSAGE_EXEC:
    case GF_SHIM_MESSAGE_INPUT:
    case GF_SHIM_MESSAGE_CLOSE_INPUT:
    case GF_SHIM_MESSAGE_RESIZE:
        break;
    }
}

static bool is_paused(struct gf_session *session) {
    GF_MUTEX_GUARD(&session->mutex);
    return session->paused;
}

static void receive(struct gf_session *session) {
    char bytes[GF_SHIM_SESSION_MESSAGE_BYTES_MAX];
    for (int i = 0; i < MESSAGES_AT_ONCE_MAX && !session->over && !is_paused(session); i++) {
        struct gf_socket_message received;
        const enum gf_code rc =
            gf_socket_receive(session->socket, bytes, sizeof(bytes), &received, NULL);
        if (rc == GF_RESOURCE_EXHAUSTED) {
            return;
        }
        if (rc == GF_OUT_OF_RANGE) {
            continue; /* a message of a later version */
        }
        if (rc != GF_OK || received.size == 0) {
            gf_session__fail(session, session->started ? GF_UNAVAILABLE : GF_FAILED_PRECONDITION,
                             "the container has ended");
            return;
        }
        for (size_t k = 0; k < received.fd_count; k++) {
            gf_close(&received.fds[k]);
        }
        take_message(session, (struct gf_str){bytes, received.size});
    }
}

/* ---- waiting ---- */

static void on_event(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_session *session = gf_session__ref(ctx);
    (void)watch;
    if ((events & (uint32_t)EPOLLOUT) != 0 || (events & (uint32_t)EPOLLERR) != 0) {
        gf_session__send(session);
    }
    receive(session);
    if (!session->over) {
        gf_session__watch(session);
    }
    gf_session__unref(session);
}

void gf_session__watch(struct gf_session *session) {
    const uint32_t wanted = (is_paused(session) ? 0 : (uint32_t)EPOLLIN) |
                            (session->blocked && !session->deaf ? (uint32_t)EPOLLOUT : 0);
    if (session->socket < 0) {
        return;
    }
    /* Without anything to wait for it is not watched: its end would come again and again. */
    if (wanted == 0) {
        gf_watch_stop(&session->watch);
    } else if (gf_watch_active(&session->watch)) {
        gf_watch_modify(&session->watch, wanted);
    } else {
        struct gf_error error;
        if (gf_watch_start(session->native->options.reactor, &session->watch, session->socket,
                           wanted, on_event, session, &error) != GF_OK) {
            gf_session__fail(session, error.code, error.message);
        }
    }
}

void gf_session__connected(struct gf_session *session, int socket) {
    if (session->over) {
        gf_close(&socket);
        return;
    }
    session->socket = socket;
    gf_session__watch(session);
}

/* ---- opening ---- */

static void open_in_container(struct gf_session *session) {
    struct gf_native_attempt *attempt = gf_native__find(session->native, session->attempt);
    if (attempt == NULL) {
        gf_session__fail(session, GF_NOT_FOUND, "there is no such container");
    } else if (attempt->ended) {
        gf_session__fail(session, GF_FAILED_PRECONDITION, "the container has ended");
    } else if (!attempt->started) {
        gf_session__fail(session, GF_FAILED_PRECONDITION, "the container does not run yet");
    } else {
        gf_session__connect(session, attempt->name);
    }
}

static void open_now(void *ctx) {
    struct gf_session *session = ctx;
    struct gf_native *native = session->native;
    gf_list_push_back(&native->sessions, &session->link);
    if (session->over) {
        gf_list_remove(&session->link); /* it was closed on the way */
    } else if (!native->reporting) {
        gf_session__fail(session, GF_UNAVAILABLE, "the server is being stopped");
    } else if (native->options.debugging_disabled) {
        gf_session__fail(session, GF_FAILED_PRECONDITION, "sessions are switched off");
    } else if (session->refusal.code != GF_OK) {
        gf_session__fail(session, session->refusal.code, session->refusal.message);
    } else if (session->kind == GF_SESSION_EXEC_KEPT) {
        gf_kept_enter(session);
    } else {
        open_in_container(session);
    }
    gf_session__unref(session);
}

void gf_native__open_session(void *self, const struct gf_session_request *request,
                             const struct gf_session_events *events, struct gf_session **out) {
    struct gf_native *native = self;
    struct gf_session *session = GF_NEW(struct gf_session);
    session->native = native;
    session->kind = request->kind;
    session->attempt = request->attempt;
    session->terminal = request->terminal;
    session->events = *events;
    session->spec_fd = -1;
    session->socket = -1;
    atomic_init(&session->references, 1);
    gf_mutex_init(&session->mutex, GF_RANK_SESSION);
    gf_strbuf_init(&session->wishes.input, INPUT_BUFFER_BYTES);
    if (request->kind != GF_SESSION_ATTACH) {
        (void)!gf_session__seal_spec(request, &session->spec_fd, &session->refusal);
    }
    *out = session;
    if (!gf_reactor_post(native->options.reactor, open_now, gf_session__ref(session))) {
        session->over = true; /* the server has ended; nobody is told anything any more */
        gf_session__unref(session);
    }
}

void gf_native__end_sessions(struct gf_native *native) {
    while (!gf_list_empty(&native->sessions)) {
        struct gf_session *session =
            GF_CONTAINER_OF(gf_list_first(&native->sessions), struct gf_session, link);
        gf_session__fail(session, GF_UNAVAILABLE, "the server is being stopped");
    }
}
