/*
 * One session (protocol.h): a connection, and the program behind it. Part of sessions.h, which
 * owns them all.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSION_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSION_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/mask.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/backlog.h"
#include "engine/scheduler/native/shim/exec.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GF_SHIM_SESSION_WINDOW_BYTES = 64 << 10,
    /* How long what has left the session of an exec may keep its streams open after its end. */
    GF_SHIM_SESSION_DRAIN_MS = 500,
    /*
     * From then on a stream ends when it is empty, or when this much was read of it since the end:
     * no less than a pipe holds, so that all that the program itself has written comes, however
     * slowly it is read, and whoever else goes on writing.
     */
    GF_SHIM_SESSION_DRAIN_BYTES_MAX = 1 << 20,
    GF_SHIM_SESSION_STREAMS = 2,
};

/* What a session waits for. */
enum {
    GF_SHIM_SESSION_SLOT_SOCKET,
    GF_SHIM_SESSION_SLOT_INPUT,
    GF_SHIM_SESSION_SLOT_STDOUT,
    GF_SHIM_SESSION_SLOT_STDERR,
    GF_SHIM_SESSION_SLOT_READY,
    GF_SHIM_SESSION_SLOT_PROCESS,
    GF_SHIM_SESSION_SLOTS,
};

/* What all sessions of a container share; the owner's. */
struct gf_shim_session_host {
    struct gf_exec_place place;
    struct gf_container *container;  /* that of the place; its input and terminal are used */
    const struct gf_mask_set *masks; /* NULL: nothing is masked */
    struct gf_backlog backlog;       /* output of the main program; open while one is attached */
};

/* The fields are private to session*.c, but for the first three. */
struct gf_shim_session {
    bool used;
    bool attached;                    /* to the main program; else it is an exec */
    int socket_fd;                    /* -1: the other side is gone */
    const struct gf_backlog *backlog; /* where output comes from */
    uint64_t position;                /* in it */
    struct gf_strbuf first;           /* to be sent before all else, and behind it */
    struct gf_strbuf last;
    /* Input that the program has not taken. */
    char *input; /* GF_SHIM_SESSION_WINDOW_BYTES on the heap; NULL: there was none yet */
    size_t input_start;
    size_t input_end;
    bool input_ends;      /* behind what there is */
    char input_last_byte; /* that was written */
    int64_t untold;       /* taken by the program, not told to the other side */
    /* Of an exec. */
    struct gf_exec exec;
    struct gf_backlog own_backlog;
    bool terminal;
    bool executes; /* the program was about to be executed */
    bool ended;    /* the program has: `status` says how */
    int status;
    int64_t drain_ns; /* GF_SHIM_SESSION_DRAIN_MS after the end; GF_NEVER before it */
    size_t drained_bytes[GF_SHIM_SESSION_STREAMS]; /* read since the end */
    struct gf_mask_stream masks[GF_SHIM_SESSION_STREAMS];
    int64_t show_ns[GF_SHIM_SESSION_STREAMS];
};

/* ---- session.c ---- */

/*
 * Begin a session on a connection, which is owned from here on; what fails is told through it, and
 * *session stays unused. An exec's spec is borrowed until the call returns.
 */
void gf_shim_session_attach(struct gf_shim_session *session, struct gf_shim_session_host *host,
                            int socket_fd, const struct gf_shim_size *size);
void gf_shim_session_exec(struct gf_shim_session *session, struct gf_shim_session_host *host,
                          int socket_fd, const struct gf_exec_spec *spec);

/* Tells a connection that there is no session, and closes it. */
void gf_shim_session_refuse(int socket_fd, enum gf_code code, const char *message);

/* Fills what to wait for; a slot with nothing to wait for has fd -1. */
void gf_shim_session_slots(const struct gf_shim_session *session,
                           const struct gf_shim_session_host *host,
                           struct pollfd out_fds[GF_SHIM_SESSION_SLOTS]);

/* When it has something to do without an event, monotonic; GF_NEVER: not. */
int64_t gf_shim_session_deadline(const struct gf_shim_session *session);

/* Deals with what poll has found (NULL: nothing) and with what the clock says; may end it. */
void gf_shim_session_handle(struct gf_shim_session *session, struct gf_shim_session_host *host,
                            const struct pollfd *fds);

/* The container has ended: so has the program, once it is reaped, which may take a moment. */
void gf_shim_session_container_ended(struct gf_shim_session *session,
                                     struct gf_shim_session_host *host,
                                     const struct gf_shim_exit *exit);

/* Ends it at once; nothing more is told, and the program of an exec is waited for. */
void gf_shim_session_drop(struct gf_shim_session *session, struct gf_shim_session_host *host);

/* ---- session_output.c ---- */

void gf_shim_session__init_output(struct gf_shim_session *session,
                                  const struct gf_shim_session_host *host);

/*
 * Reads once from a stream of an exec; at its end, or when it was drained for long enough, closes
 * it. `i`: 0 stdout, 1 stderr.
 */
void gf_shim_session__read(struct gf_shim_session *session, size_t i);

/* Shows what was held back for long. */
void gf_shim_session__show(struct gf_shim_session *session, int64_t now_ns);

/* Sends what there is until the socket takes no more. False: the session is over. */
bool gf_shim_session__send(struct gf_shim_session *session);

/* Whether something waits to be sent. */
bool gf_shim_session__has_output(const struct gf_shim_session *session);

/* ---- session_input.c ---- */

/* The descriptor that input goes to; -1 in it: the program takes none. */
int *gf_shim_session__input_fd(struct gf_shim_session *session, struct gf_shim_session_host *host);

/* Takes a message of the other side. False: it breaks the rules. */
bool gf_shim_session__take(struct gf_shim_session *session, struct gf_shim_session_host *host,
                           const struct gf_shim_message *message);

/* Gives the program what it takes now. */
void gf_shim_session__write(struct gf_shim_session *session, struct gf_shim_session_host *host);

/* Whether there is something to give. */
bool gf_shim_session__has_input(const struct gf_shim_session *session);

/* Wipes and frees what is kept. */
void gf_shim_session__fini_input(struct gf_shim_session *session);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSION_H_ */
