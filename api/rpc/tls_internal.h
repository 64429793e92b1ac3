/*
 * TLS credentials of gRPC from PEM files. For api/rpc alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_TLS_INTERNAL_H_
#define GOFER_API_RPC_TLS_INTERNAL_H_

#include "api/rpc/client.h"
#include "api/rpc/server.h"
#include "base/error.h"
#include "base/macros.h"

#include <grpc/grpc_security.h>

enum {
    GF_RPC__PEM_BYTES_MAX = 1024 * 1024
};

/*
 * Reads the files, which must hold certificates and keys in PEM. tls may be NULL: credentials
 * without TLS. Owned by the caller. Whether key and certificate match shows only when they are
 * used. Code: GF_INVALID_ARGUMENT, with a message that names the file.
 */
enum gf_code gf_rpc__server_credentials(const struct gf_rpc_server_tls *tls,
                                        grpc_server_credentials **out_credentials,
                                        struct gf_error *err) GF_MUST_USE;
enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_RPC_TLS_INTERNAL_H_ */
