#include "api/rpc/tls_internal.h"
#include "base/file.h"

#include <string.h>

void gf_rpc__pem_init(struct gf_rpc__pem *pem) {
    gf_strbuf_init(&pem->cert, GF_RPC__PEM_BYTES_MAX);
    gf_strbuf_init(&pem->key, GF_RPC__PEM_BYTES_MAX);
    gf_strbuf_init(&pem->authorities, GF_RPC__PEM_BYTES_MAX);
}

void gf_rpc__pem_fini(struct gf_rpc__pem *pem) {
    if (pem->key.ptr != NULL) {
        explicit_bzero(pem->key.ptr, pem->key.capacity);
    }
    gf_strbuf_fini(&pem->cert);
    gf_strbuf_fini(&pem->key);
    gf_strbuf_fini(&pem->authorities);
}

enum gf_code gf_rpc__pem_read(const char *what, const char *file, const char *label,
                              struct gf_strbuf *out, struct gf_error *err) {
    if (gf_file_read(AT_FDCWD, file, out, err) != GF_OK) {
        if (err != NULL) {
            err->code = GF_INVALID_ARGUMENT;
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

enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) {
    if (tls == NULL) {
        *out_credentials = grpc_insecure_credentials_create();
        return GF_OK;
    }
    GF_CLEANUP(gf_rpc__pem_fini) struct gf_rpc__pem pem;
    gf_rpc__pem_init(&pem);
    const bool has_pair = tls->cert_file != NULL || tls->key_file != NULL;
    enum gf_code code = GF_OK;
    if (has_pair && (tls->cert_file == NULL || tls->key_file == NULL)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "a TLS certificate and its key must be given together");
    }
    if (has_pair) {
        code = gf_rpc__pem_read("TLS certificate", tls->cert_file, "CERTIFICATE", &pem.cert, err);
    }
    if (code == GF_OK && has_pair) {
        code = gf_rpc__pem_read("TLS key", tls->key_file, "PRIVATE KEY", &pem.key, err);
    }
    if (code == GF_OK && tls->root_file != NULL) {
        code = gf_rpc__pem_read("TLS authorities", tls->root_file, "CERTIFICATE", &pem.authorities,
                                err);
    }
    if (code == GF_OK && has_pair) {
        const struct gf_rpc_server_tls files = {.cert_file = tls->cert_file,
                                                .key_file = tls->key_file};
        int64_t expires_ns = 0;
        code = gf_rpc__tls_check(&pem, &files, &expires_ns, err);
    }
    if (code != GF_OK) {
        return code;
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key.ptr, .cert_chain = pem.cert.ptr};
    *out_credentials = grpc_ssl_credentials_create_ex(
        tls->root_file != NULL ? pem.authorities.ptr : NULL, has_pair ? &pair : NULL, NULL, NULL);
    return GF_OK;
}
