/*
 * What OpenSSL needs to serve with a certificate.
 *
 * Thread: any.
 */
#ifndef GOFER_API_TLS_CONTEXT_H_
#define GOFER_API_TLS_CONTEXT_H_

#include "api/tls/files.h"
#include "api/tls/pem.h"
#include "base/error.h"
#include "base/macros.h"

#include <openssl/ssl.h>

/*
 * A context for servers of HTTP/1.1: TLS 1.2 and later, no renegotiation, no compression, no early
 * data, plaintext wiped behind its reader. Sessions may be resumed (by tickets, whose keys are the
 * context's) unless clients show certificates, which are looked at each time.
 *
 * Owned by the caller (SSL_CTX_free); connections keep it alive. `pem` was checked by gf_tls_check.
 * Code: GF_INVALID_ARGUMENT, with a message that names the file.
 */
enum gf_code gf_tls_context_create(const struct gf_tls_pem *pem, const struct gf_tls_files *files,
                                   SSL_CTX **out_context, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_TLS_CONTEXT_H_ */
