/*
 * Certificates and keys as texts in PEM, read from files and checked. For those who make listeners
 * and channels.
 *
 * Thread: any.
 */
#ifndef GOFER_API_TLS_PEM_H_
#define GOFER_API_TLS_PEM_H_

#include "api/tls/files.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdint.h>

enum {
    GF_TLS_PEM_BYTES_MAX = 1024 * 1024 /* of a file */
};

/* PEM texts, NUL-terminated; the key is wiped before it is freed. A zeroed one is empty. */
struct gf_tls_pem {
    struct gf_strbuf cert;
    struct gf_strbuf key;
    struct gf_strbuf authorities;
};

void gf_tls_pem_init(struct gf_tls_pem *pem);
void gf_tls_pem_fini(struct gf_tls_pem *pem);

/*
 * Appends a file that must hold a PEM block whose label ends in `label` ("RSA PRIVATE KEY" ends in
 * "PRIVATE KEY"). `what` it is goes before messages. Code: GF_INVALID_ARGUMENT, whatever the file's
 * trouble: the caller named it.
 */
enum gf_code gf_tls_pem_read(const char *what, const char *file, const char *label,
                             struct gf_strbuf *out, struct gf_error *err) GF_MUST_USE;

/*
 * Whether certificate and key belong together and the authorities can be read; `files` are for
 * messages, and tell whether there are authorities. *out_expires_ns is when the certificate ends,
 * as gf_wall_ns. Code: GF_INVALID_ARGUMENT.
 */
enum gf_code gf_tls_check(const struct gf_tls_pem *pem, const struct gf_tls_files *files,
                          int64_t *out_expires_ns, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_TLS_PEM_H_ */
