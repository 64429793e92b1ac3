/*
 * Connecting to a gofer server from C.
 *
 * The calls themselves are generated: "gofer/v1/run.gofer.h" and its like declare one function for
 * each RPC, which takes the channel of a client. This header has what stands around them.
 *
 * Thread: a client may be used by any threads at once.
 */
#ifndef GOFER_CLIENTS_C_CLIENT_H_
#define GOFER_CLIENTS_C_CLIENT_H_

#include "api/rpc/client.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_CLIENT_TIMEOUT_MS_DEFAULT = 30 * 1000, /* of a unary call */
};

struct gf_client;

/* The reason of the error for a token that would travel where others can read it. */
#define GF_CLIENT_REASON_TOKEN_IN_CLEAR "TOKEN_IN_CLEAR"

/* Zero or NULL in any field means its default. Borrowed for the call of gf_client_create. */
struct gf_client_options {
    const char *host;                    /* "HOST:PORT" or "unix:/PATH"; default 127.0.0.1:8080 */
    const char *token;                   /* default: none is sent */
    const char *user_agent;              /* default: "gofer-c" */
    const struct gf_rpc_client_tls *tls; /* default: no TLS; empty files mean the system's */
    bool token_in_clear;                 /* send the token to another machine without TLS, too */
};

/*
 * Makes a client; the connection is made by the first call. Owned by the caller.
 *
 * A token goes to another machine over TLS only, unless token_in_clear: whoever is on the way could
 * read it, and be the caller from then on.
 *
 * Codes: GF_INVALID_ARGUMENT for a malformed host or token, or for unusable TLS files;
 * GF_FAILED_PRECONDITION with reason GF_CLIENT_REASON_TOKEN_IN_CLEAR.
 */
enum gf_code gf_client_create(const struct gf_client_options *options,
                              struct gf_client **out_client, struct gf_error *err) GF_MUST_USE;

/*
 * Whether what is sent to this host stays on this machine: a unix socket, a loopback address, or
 * `localhost`. Says nothing about whether the host is well-formed.
 */
bool gf_client_host_is_local(const char *host);

/* Its calls and streams are over. Accepts NULL. */
void gf_client_destroy(struct gf_client *client);

/* For the generated calls. Borrowed until gf_client_destroy. */
struct gf_rpc_channel *gf_client_channel(struct gf_client *client);

/* The options of a unary call that may take the default time. */
struct gf_rpc_call_opts gf_client_unary_options(void);

#endif /* GOFER_CLIENTS_C_CLIENT_H_ */
