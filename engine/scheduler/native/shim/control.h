/*
 * The shim's side of the conversation with servers (protocol.h): the socket it was born with, and a
 * listening socket in the attempt's directory, at which a later server finds it.
 *
 * Everybody who is connected hears of the start and of the end; who connects later hears of them at
 * once. A connection on which a session is asked for is handed over and is none of this module's
 * any more. Only root and the shim's own user may connect.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTROL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTROL_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/protocol.h"

#include <poll.h>
#include <stddef.h>

enum {
    GF_CONTROL_CLIENTS_MAX = 16, /* with the first; the connection of one more is closed at once */
    GF_CONTROL_POLL_FDS_MAX = GF_CONTROL_CLIENTS_MAX + 1,
};

/* Called for every request that is not answered by this module: STOP and SIGNAL. */
typedef void gf_control_request_fn(const struct gf_shim_message *request, void *ctx);

/*
 * Called with a connection on which a session is asked for (ATTACH or EXEC): both descriptors are
 * the callee's. spec_fd is what came with the request; -1: nothing did.
 */
typedef void gf_control_session_fn(int socket_fd, const struct gf_shim_message *request,
                                   int spec_fd, void *ctx);

/* A value in the caller's memory. */
struct gf_control {
    int listen_fd; /* -1: does not listen */
    int client_fds[GF_CONTROL_CLIENTS_MAX];
    struct gf_strbuf started; /* encoded; empty: not yet */
    struct gf_strbuf exited;
    gf_control_request_fn *request;
    void *ctx;
    gf_control_session_fn *session; /* set by the owner; NULL: there are no sessions */
    void *session_ctx;
};

/* server_fd is owned from here on. */
void gf_control_init(struct gf_control *control, int server_fd, gf_control_request_fn *request,
                     void *ctx);

/* Closes everything and removes the socket from the attempt's directory. */
void gf_control_fini(struct gf_control *control, int dir_fd);

/* Begins to listen in the attempt's directory. */
enum gf_code gf_control_listen(struct gf_control *control, int dir_fd,
                               struct gf_error *err) GF_MUST_USE;

/* Tells everybody, now and later: STARTED or EXITED, each once. */
void gf_control_announce(struct gf_control *control, const struct gf_shim_message *message);

/* Fills what to wait for; gives the count. */
size_t gf_control_poll_fds(const struct gf_control *control,
                           struct pollfd out_fds[GF_CONTROL_POLL_FDS_MAX]);

/* Deals with what poll has found in those: new clients, requests, clients that have left. */
void gf_control_handle(struct gf_control *control, const struct pollfd *fds);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTROL_H_ */
