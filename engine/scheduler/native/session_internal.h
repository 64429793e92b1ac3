/*
 * Shared by the files of sessions on the server's side (engine/scheduler/session.h).
 *
 * session.c          the object: its life, its events, what comes from the shim
 * session_ops.c      what its user asks for, from any thread, and its way to the shim
 * session_connect.c  a job of the pool: from a request to a connection
 * kept_*.c           the containers of kept roots
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SESSION_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SESSION_INTERNAL_H_

#include "base/list.h"
#include "base/sync.h"
#include "engine/scheduler/native/native_internal.h"
#include "engine/scheduler/session.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What was asked for and has not been sent. */
struct gf_session_wishes {
    struct gf_strbuf input;
    size_t input_start;
    bool close_input;
    bool resize;
    struct gf_terminal_size size;
    uint64_t signals; /* bit n - 1: signal n; they coalesce, as those of the kernel do */
};

/*
 * One reference belongs to its user until close(), one to each job and each posted function that
 * has it.
 */
struct gf_session {
    struct gf_native *native;
    atomic_int references;
    struct gf_list_link link; /* of native->sessions, while it is not over; reactor's thread */
    /* As it was made; read by any thread. */
    enum gf_session_kind kind;
    struct gf_attempt attempt;
    struct gf_terminal_size terminal;
    struct gf_session_events events;
    int spec_fd;             /* of an exec; the job closes it */
    struct gf_error refusal; /* code GF_OK: the request is well-formed */
    /* Reactor's thread. */
    bool over; /* `ended` was called, or close() */
    bool started;
    int socket;                /* -1: not connected */
    struct gf_watch watch;     /* idle where there is nothing to wait for */
    bool blocked;              /* the socket takes no more for now */
    bool deaf;                 /* nothing can be sent any more */
    int64_t window;            /* how much input may be on the way */
    int64_t in_flight;         /* and is */
    struct gf_kept_root *kept; /* whose container this is in; NULL: none */
    /* Under the mutex. */
    struct gf_mutex mutex;
    struct gf_session_wishes wishes;
    int64_t unread; /* input that the program has not taken, wherever it is */
    bool refused;   /* input was, and `writable` is owed */
    bool paused;
    bool closed;
    bool posted; /* the wishes will be looked at */
};

/* ---- session.c ---- */

void gf_native__open_session(void *self, const struct gf_session_request *request,
                             const struct gf_session_events *events, struct gf_session **out);
extern const struct gf_session_ops GF_NATIVE_SESSION_OPS;

/* Ends all that are open, and every later one at once. Reactor's thread. */
void gf_native__end_sessions(struct gf_native *native);

struct gf_session *gf_session__ref(struct gf_session *session);
void gf_session__unref(struct gf_session *session);

/* Calls `ended`, once; where it is over nothing happens. Reactor's thread. */
void gf_session__fail(struct gf_session *session, enum gf_code code, const char *message);

/* A connection on which the session was asked for; owned from here on. Reactor's thread. */
void gf_session__connected(struct gf_session *session, int socket);

/* Waits for what there is to wait for. Reactor's thread. */
void gf_session__watch(struct gf_session *session);

/* Lets go of the connection. Reactor's thread. */
void gf_session__disconnect(struct gf_session *session);

/* ---- session_ops.c ---- */

/* Sends what it can of the wishes. Reactor's thread. */
void gf_session__send(struct gf_session *session);

/* The program has taken input: there may be room again. Reactor's thread. */
void gf_session__taken(struct gf_session *session, int64_t bytes);

/* ---- session_connect.c ---- */

/*
 * Connects to the shim of the attempt (a directory in attempts/) and asks for the session, on the
 * pool. Reactor's thread.
 */
void gf_session__connect(struct gf_session *session, const char *name);

/* A sealed memory file with what is to be run. Thread: any. */
enum gf_code gf_session__seal_spec(const struct gf_session_request *request, int *out_fd,
                                   struct gf_error *err);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SESSION_INTERNAL_H_ */
