/*
 * TLS credentials of gRPC from PEM files. For api/rpc alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_TLS_INTERNAL_H_
#define GOFER_API_RPC_TLS_INTERNAL_H_

#include "api/rpc/client.h"
#include "api/rpc/server.h"
#include "api/tls/source.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc_security.h>

/*
 * The credentials of a channel; tls may be NULL: without TLS. Owned by the caller. Code:
 * GF_INVALID_ARGUMENT, with a message that names the file.
 */
enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) GF_MUST_USE;

/* Credentials that ask the source at each handshake. Owned by the caller. */
grpc_server_credentials *gf_rpc__server_credentials(struct gf_tls_source *source);

#endif /* GOFER_API_RPC_TLS_INTERNAL_H_ */
