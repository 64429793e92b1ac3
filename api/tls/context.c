#include "api/tls/context.h"

#include "api/tls/openssl_internal.h"

#include <openssl/err.h>

static void free_context(SSL_CTX **context) {
    SSL_CTX_free(*context);
}

static enum gf_code refuse(const char *what, const char *file, struct gf_error *err) {
    const unsigned long number = ERR_peek_last_error();
    const char *reason = number != 0 ? ERR_reason_error_string(number) : NULL;
    ERR_clear_error();
    return gf_fail(err, GF_INVALID_ARGUMENT, "TLS %s '%s': %s", what, file,
                   reason != NULL ? reason : "cannot be used");
}

/* The certificate, and those behind it that lead to an authority. */
static bool use_chain(SSL_CTX *context, const struct gf_tls_pem *pem) {
    GF_CLEANUP(gf_tls__free_bio) BIO *text = gf_tls__open_text(&pem->cert);
    GF_CLEANUP(gf_tls__free_certificate) X509 *first = PEM_read_bio_X509_AUX(text, NULL, NULL, "");
    if (first == NULL || SSL_CTX_use_certificate(context, first) != 1) {
        return false;
    }
    X509 *next = NULL;
    while ((next = PEM_read_bio_X509(text, NULL, NULL, "")) != NULL) {
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return false;
        }
    }
    ERR_clear_error(); /* the end of the text counts as one */
    return true;
}

static bool use_key(SSL_CTX *context, const struct gf_tls_pem *pem) {
    GF_CLEANUP(gf_tls__free_bio) BIO *text = gf_tls__open_text(&pem->key);
    GF_CLEANUP(gf_tls__free_key) EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, "");
    return key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
}

static bool use_authorities(SSL_CTX *context, const struct gf_tls_pem *pem) {
    GF_CLEANUP(gf_tls__free_bio) BIO *text = gf_tls__open_text(&pem->authorities);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    size_t count = 0;
    for (;; count++) {
        GF_CLEANUP(gf_tls__free_certificate) X509 *next = PEM_read_bio_X509(text, NULL, NULL, "");
        if (next == NULL) {
            break;
        }
        if (X509_STORE_add_cert(store, next) != 1 || SSL_CTX_add_client_CA(context, next) != 1) {
            return false;
        }
    }
    ERR_clear_error();
    return count > 0;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned offered_size, void *ctx) {
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void set_rules(SSL_CTX *context, const struct gf_tls_files *files) {
    static const unsigned char session_context[] = "gofer";
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    if (files->client_ca_file != NULL) {
        (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        (void)SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_verify(context,
                           files->clients_optional
                               ? SSL_VERIFY_PEER
                               : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           NULL);
    } else {
        (void)SSL_CTX_set_num_tickets(context, 1);
    }
}

enum gf_code gf_tls_context_create(const struct gf_tls_pem *pem, const struct gf_tls_files *files,
                                   SSL_CTX **out_context, struct gf_error *err) {
    ERR_clear_error();
    GF_CLEANUP(free_context) SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        return refuse("certificate", files->cert_file, err);
    }
    set_rules(context, files);
    if (!use_chain(context, pem)) {
        return refuse("certificate", files->cert_file, err);
    }
    if (!use_key(context, pem)) {
        return refuse("key", files->key_file, err);
    }
    if (files->client_ca_file != NULL && !use_authorities(context, pem)) {
        return refuse("client authorities", files->client_ca_file, err);
    }
    *out_context = GF_TAKE(context);
    return GF_OK;
}
