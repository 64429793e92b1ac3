/*
 * An echo service of every shape, a server for it and a channel to it: for tests and measurements.
 *
 * Thread: the caller's, except what is said to be a callback.
 */
#ifndef GOFER_API_RPC_TESTDATA_ECHO_SERVICE_H_
#define GOFER_API_RPC_TESTDATA_ECHO_SERVICE_H_

#include "api/rpc/call.h"
#include "api/rpc/client.h"
#include "api/rpc/server.h"
#include "gofer/testing/echo.pb-c.h"

typedef Gofer__Testing__EchoRequest gf_echo_request;
typedef Gofer__Testing__EchoResponse gf_echo_response;

enum gf_echo_method {
    GF_ECHO_UNARY,
    GF_ECHO_COLLECT, /* client stream: answers with the number of messages and their bytes */
    GF_ECHO_REPEAT,  /* server stream: `count` answers */
    GF_ECHO_CHAT,    /* bidi stream: each message comes back */
    GF_ECHO_METHOD_COUNT,
};

/* "gofer.testing.Echo" */
extern const struct gf_rpc_service gf_echo_service;
extern const struct gf_rpc_method gf_echo_methods[GF_ECHO_METHOD_COUNT];

/* The handlers that do what the comments above say; ctx is not used. */
extern const struct gf_rpc_handler gf_echo_handlers[GF_ECHO_METHOD_COUNT];

/* A server on a free port of 127.0.0.1 and a channel to it. */
struct gf_echo_env {
    struct gf_rpc_server *server;
    struct gf_rpc_channel *channel;
    char target[160];
};

/* Aborts on failure. handlers NULL: gf_echo_handlers. opts may be NULL. */
void gf_echo_env_start(struct gf_echo_env *env, const struct gf_rpc_server_opts *opts,
                       const struct gf_rpc_handler *handlers, void *ctx);

/* Destroys the channel, then the server without grace. */
void gf_echo_env_stop(struct gf_echo_env *env);

/* A request; payload is `size` times 'x', owned by the caller (free). */
gf_echo_request gf_echo_request_make(const char *id, size_t size, int count);

#endif /* GOFER_API_RPC_TESTDATA_ECHO_SERVICE_H_ */
