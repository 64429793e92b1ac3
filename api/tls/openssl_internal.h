/*
 * Objects of OpenSSL that are locals: for GF_CLEANUP. For api/tls alone.
 */
#ifndef GOFER_API_TLS_OPENSSL_INTERNAL_H_
#define GOFER_API_TLS_OPENSSL_INTERNAL_H_

#include "base/macros.h"
#include "base/str.h"

#include <openssl/pem.h>

static inline void gf_tls__free_bio(BIO **bio) {
    BIO_free(*bio);
}

static inline void gf_tls__free_certificate(X509 **certificate) {
    X509_free(*certificate);
}

static inline void gf_tls__free_key(EVP_PKEY **key) {
    EVP_PKEY_free(*key);
}

/* Reads a text, which is borrowed as long. */
static inline BIO *gf_tls__open_text(const struct gf_strbuf *text) {
    return BIO_new_mem_buf(text->ptr, (int)text->len);
}

#endif /* GOFER_API_TLS_OPENSSL_INTERNAL_H_ */
