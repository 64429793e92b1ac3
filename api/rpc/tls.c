#include "api/rpc/tls_internal.h"
#include "base/file.h"
#include "base/str.h"

#include <string.h>

/* PEM texts; the key is wiped before it is freed. */
struct pem {
    struct gf_strbuf cert;
    struct gf_strbuf key;
    struct gf_strbuf authorities;
};

static void pem_init(struct pem *pem) {
    gf_strbuf_init(&pem->cert, GF_RPC__PEM_BYTES_MAX);
    gf_strbuf_init(&pem->key, GF_RPC__PEM_BYTES_MAX);
    gf_strbuf_init(&pem->authorities, GF_RPC__PEM_BYTES_MAX);
}

static void pem_fini(struct pem *pem) {
    if (pem->key.ptr != NULL) {
        explicit_bzero(pem->key.ptr, pem->key.capacity);
    }
    gf_strbuf_fini(&pem->cert);
    gf_strbuf_fini(&pem->key);
    gf_strbuf_fini(&pem->authorities);
}

/* Reads a file that must hold a PEM block whose label ends in `label` ("RSA PRIVATE KEY" ends in
 * "PRIVATE KEY"). */
static enum gf_code read_pem(const char *what, const char *file, const char *label,
                             struct gf_strbuf *out, struct gf_error *err) {
    if (gf_file_read(AT_FDCWD, file, out, err) != GF_OK) {
        if (err != NULL) {
            err->code = GF_INVALID_ARGUMENT; /* Whatever the file's trouble: the caller named it. */
        }
        (void)gf_wrap(err, "%s", what);
        return GF_INVALID_ARGUMENT;
    }
    const char *begin = out->len > 0 ? strstr(out->ptr, "-----BEGIN ") : NULL;
    for (; begin != NULL; begin = strstr(begin + 1, "-----BEGIN ")) {
        const size_t line = strcspn(begin, "\r\n");
        const char *found = strstr(begin, label);
        if (found != NULL && found < begin + line) {
            return GF_OK;
        }
    }
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s: '%s' holds no %s in PEM", what, file, label);
}

static enum gf_code read_pair(const char *cert_file, const char *key_file, struct pem *out,
                              struct gf_error *err) {
    if (cert_file == NULL || key_file == NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "a TLS certificate and its key must be given together");
    }
    const enum gf_code code =
        read_pem("TLS certificate", cert_file, "CERTIFICATE", &out->cert, err);
    if (code != GF_OK) {
        return code;
    }
    return read_pem("TLS key", key_file, "PRIVATE KEY", &out->key, err);
}

enum gf_code gf_rpc__server_credentials(const struct gf_rpc_server_tls *tls,
                                        grpc_server_credentials **out_credentials,
                                        struct gf_error *err) {
    if (tls == NULL) {
        *out_credentials = grpc_insecure_server_credentials_create();
        return GF_OK;
    }
    GF_CLEANUP(pem_fini) struct pem pem;
    pem_init(&pem);
    enum gf_code code = read_pair(tls->cert_file, tls->key_file, &pem, err);
    if (code == GF_OK && tls->client_ca_file != NULL) {
        code = read_pem("TLS client authorities", tls->client_ca_file, "CERTIFICATE",
                        &pem.authorities, err);
    }
    if (code != GF_OK) {
        return code;
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key.ptr, .cert_chain = pem.cert.ptr};
    const bool ask_clients = tls->client_ca_file != NULL;
    *out_credentials = grpc_ssl_server_credentials_create_ex(
        ask_clients ? pem.authorities.ptr : NULL, &pair, 1,
        ask_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                    : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
    return GF_OK;
}

enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) {
    if (tls == NULL) {
        *out_credentials = grpc_insecure_credentials_create();
        return GF_OK;
    }
    GF_CLEANUP(pem_fini) struct pem pem;
    pem_init(&pem);
    const bool has_pair = tls->cert_file != NULL || tls->key_file != NULL;
    enum gf_code code = GF_OK;
    if (has_pair) {
        code = read_pair(tls->cert_file, tls->key_file, &pem, err);
    }
    if (code == GF_OK && tls->root_file != NULL) {
        code = read_pem("TLS authorities", tls->root_file, "CERTIFICATE", &pem.authorities, err);
    }
    if (code != GF_OK) {
        return code;
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key.ptr, .cert_chain = pem.cert.ptr};
    *out_credentials = grpc_ssl_credentials_create_ex(
        tls->root_file != NULL ? pem.authorities.ptr : NULL, has_pair ? &pair : NULL, NULL, NULL);
    return GF_OK;
}
