/*
 * All sessions of a container: ways to its program for those who look on, and programs beside it.
 * What the two sides say is in protocol.h.
 *
 * Without sessions this costs a comparison for each event.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSIONS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSIONS_H_

#include "base/logframe.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/session.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    GF_SESSIONS_POLL_FDS_MAX = GF_SHIM_SESSIONS_MAX * GF_SHIM_SESSION_SLOTS,
    /* After the end of the container: how long a reader that takes nothing at all is waited for. */
    GF_SESSIONS_STUCK_MS_MAX = 10000,
};

/* A value in the caller's memory, zeroed. The host is filled in by the owner. */
struct gf_sessions {
    struct gf_shim_session_host host;
    bool open;    /* the container's program runs: set by the owner */
    size_t count; /* that are used */
    struct gf_shim_session sessions[GF_SHIM_SESSIONS_MAX];
};

/* A gf_control_session_fn whose ctx is the sessions. */
void gf_sessions_begin(int socket_fd, const struct gf_shim_message *request, int spec_fd,
                       void *ctx);

/* Output of the main program, masked, for those who are attached; a gf_pump_tap_fn. */
void gf_sessions_tap(enum gf_log_stream stream, struct gf_str bytes, void *ctx);

/* Fills what to wait for; gives the count. */
size_t gf_sessions_poll_fds(const struct gf_sessions *sessions,
                            struct pollfd out_fds[GF_SESSIONS_POLL_FDS_MAX]);

/* The next deadline, monotonic; GF_NEVER: none. */
int64_t gf_sessions_deadline(const struct gf_sessions *sessions);

/*
 * Deals with what poll has found in those (NULL: nothing), and with what has come from the tap:
 * after every poll.
 */
void gf_sessions_handle(struct gf_sessions *sessions, const struct pollfd *fds);

/*
 * The container has ended, and all output of the main program was given to the tap: kills and
 * reaps all other programs, without which process 1 cannot be waited for.
 */
void gf_sessions_container_ended(struct gf_sessions *sessions, const struct gf_shim_exit *exit);

/* Returns when everybody has got what there is, or has taken nothing for a long time. */
void gf_sessions_finish(struct gf_sessions *sessions);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SESSIONS_H_ */
