/*
 * TLS credentials of gRPC from PEM files. For api/rpc alone.
 *
 *     tls.c          reading files; credentials of channels
 *     tls_source.c   certificates of servers, which change while they serve
 *     tls_check.c    whether a certificate can be used (the only user of OpenSSL's own functions)
 *
 * Thread: any.
 */
#ifndef GOFER_API_RPC_TLS_INTERNAL_H_
#define GOFER_API_RPC_TLS_INTERNAL_H_

#include "api/rpc/client.h"
#include "api/rpc/server.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc_security.h>

enum {
    GF_RPC__PEM_BYTES_MAX = 1024 * 1024
};

/* ---- tls.c ---- */

/* PEM texts, NUL-terminated; the key is wiped before it is freed. A zeroed one is empty. */
struct gf_rpc__pem {
    struct gf_strbuf cert;
    struct gf_strbuf key;
    struct gf_strbuf authorities;
};

void gf_rpc__pem_init(struct gf_rpc__pem *pem);
void gf_rpc__pem_fini(struct gf_rpc__pem *pem);

/*
 * Appends a file that must hold a PEM block whose label ends in `label` ("RSA PRIVATE KEY" ends in
 * "PRIVATE KEY"). `what` it is goes before messages. Code: GF_INVALID_ARGUMENT, whatever the file's
 * trouble: the caller named it.
 */
enum gf_code gf_rpc__pem_read(const char *what, const char *file, const char *label,
                              struct gf_strbuf *out, struct gf_error *err) GF_MUST_USE;

/*
 * The credentials of a channel; tls may be NULL: without TLS. Owned by the caller. Code:
 * GF_INVALID_ARGUMENT, with a message that names the file.
 */
enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) GF_MUST_USE;

/* ---- tls_check.c ---- */

/*
 * Whether certificate and key belong together and the authorities can be read. *out_expires_ns is
 * when the certificate ends, as gf_wall_ns. Code: GF_INVALID_ARGUMENT.
 */
enum gf_code gf_rpc__tls_check(const struct gf_rpc__pem *pem, const struct gf_rpc_server_tls *files,
                               int64_t *out_expires_ns, struct gf_error *err) GF_MUST_USE;

/* ---- tls_source.c ---- */

/* The files of one listener, and what was last read of them. Owned by the server. */
struct gf_rpc__tls_source;

/* Reads and checks the files. Code: GF_INVALID_ARGUMENT, with a message that names the file. */
enum gf_code gf_rpc__tls_source_create(const struct gf_rpc_server_tls *files,
                                       struct gf_rpc__tls_source **out_source,
                                       struct gf_error *err) GF_MUST_USE;
/* After the server of gRPC that has its credentials is gone. Accepts NULL. */
void gf_rpc__tls_source_destroy(struct gf_rpc__tls_source *source);

/* Credentials that ask the source at each handshake. Owned by the caller. */
grpc_server_credentials *gf_rpc__tls_source_credentials(struct gf_rpc__tls_source *source);

/* As gf_rpc_server_reload_tls, for one. */
enum gf_code gf_rpc__tls_source_reload(struct gf_rpc__tls_source *source,
                                       struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_RPC_TLS_INTERNAL_H_ */
