/*
 * DESIGN. gRPC takes a new certificate without a word of what is wrong with it, at the handshake of
 * somebody else. So certificate and key are held against each other before a listener gets them,
 * with the OpenSSL that gRPC itself uses.
 */
#include "api/tls/openssl_internal.h"
#include "api/tls/pem.h"
#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

enum {
    REASON_BYTES_MAX = 160
};

/* Nobody types a password here. */
static int no_password(char *out, int size, int for_writing, void *ctx) {
    (void)out;
    (void)size;
    (void)for_writing;
    (void)ctx;
    return 0;
}

/* The newest error of OpenSSL, which holds nothing of a key, and none left behind. */
static const char *take_reason(char out[REASON_BYTES_MAX]) {
    const unsigned long number = ERR_peek_last_error();
    const char *reason = number != 0 ? ERR_reason_error_string(number) : NULL;
    (void)snprintf(out, REASON_BYTES_MAX, "%s", reason != NULL ? reason : "malformed");
    ERR_clear_error();
    return out;
}

static enum gf_code check_authorities(const struct gf_tls_pem *pem, const char *file,
                                      struct gf_error *err) {
    char reason[REASON_BYTES_MAX];
    GF_CLEANUP(gf_tls__free_bio) BIO *bio = gf_tls__open_text(&pem->authorities);
    GF_CLEANUP(gf_tls__free_certificate)
    X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    if (certificate == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "TLS client authorities '%s': %s", file,
                       take_reason(reason));
    }
    return GF_OK;
}

static int64_t expiry_of(const X509 *certificate) {
    struct tm when = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) != 1) {
        return GF_NEVER;
    }
    const int64_t seconds = (int64_t)timegm(&when);
    return seconds >= GF_NEVER / GF_NS_PER_SEC ? GF_NEVER : seconds * GF_NS_PER_SEC;
}

enum gf_code gf_tls_check(const struct gf_tls_pem *pem, const struct gf_tls_files *files,
                          int64_t *out_expires_ns, struct gf_error *err) {
    char reason[REASON_BYTES_MAX];
    ERR_clear_error();
    GF_CLEANUP(gf_tls__free_bio) BIO *cert_text = gf_tls__open_text(&pem->cert);
    GF_CLEANUP(gf_tls__free_bio) BIO *key_text = gf_tls__open_text(&pem->key);
    GF_CLEANUP(gf_tls__free_certificate)
    X509 *certificate = PEM_read_bio_X509_AUX(cert_text, NULL, no_password, NULL);
    if (certificate == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "TLS certificate '%s': %s", files->cert_file,
                       take_reason(reason));
    }
    GF_CLEANUP(gf_tls__free_key)
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_text, NULL, no_password, NULL);
    if (key == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "TLS key '%s': %s (a key with a password cannot be used)", files->key_file,
                       take_reason(reason));
    }
    if (X509_check_private_key(certificate, key) != 1) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "TLS certificate '%s' and key '%s' cannot be used together: %s",
                       files->cert_file, files->key_file, take_reason(reason));
    }
    if (files->client_ca_file != NULL) {
        const enum gf_code code = check_authorities(pem, files->client_ca_file, err);
        if (code != GF_OK) {
            return code;
        }
    }
    *out_expires_ns = expiry_of(certificate);
    return GF_OK;
}
