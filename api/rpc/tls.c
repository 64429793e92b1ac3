#include "api/rpc/tls_internal.h"
#include "api/tls/pem.h"

enum gf_code gf_rpc__channel_credentials(const struct gf_rpc_client_tls *tls,
                                         grpc_channel_credentials **out_credentials,
                                         struct gf_error *err) {
    if (tls == NULL) {
        *out_credentials = grpc_insecure_credentials_create();
        return GF_OK;
    }
    GF_CLEANUP(gf_tls_pem_fini) struct gf_tls_pem pem;
    gf_tls_pem_init(&pem);
    const bool has_pair = tls->cert_file != NULL || tls->key_file != NULL;
    enum gf_code code = GF_OK;
    if (has_pair && (tls->cert_file == NULL || tls->key_file == NULL)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "a TLS certificate and its key must be given together");
    }
    if (has_pair) {
        code = gf_tls_pem_read("TLS certificate", tls->cert_file, "CERTIFICATE", &pem.cert, err);
    }
    if (code == GF_OK && has_pair) {
        code = gf_tls_pem_read("TLS key", tls->key_file, "PRIVATE KEY", &pem.key, err);
    }
    if (code == GF_OK && tls->root_file != NULL) {
        code = gf_tls_pem_read("TLS authorities", tls->root_file, "CERTIFICATE", &pem.authorities,
                               err);
    }
    if (code == GF_OK && has_pair) {
        const struct gf_tls_files files = {.cert_file = tls->cert_file, .key_file = tls->key_file};
        int64_t expires_ns = 0;
        code = gf_tls_check(&pem, &files, &expires_ns, err);
    }
    if (code != GF_OK) {
        return code;
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key.ptr, .cert_chain = pem.cert.ptr};
    *out_credentials = grpc_ssl_credentials_create_ex(
        tls->root_file != NULL ? pem.authorities.ptr : NULL, has_pair ? &pair : NULL, NULL, NULL);
    return GF_OK;
}

/* Called by gRPC before each handshake, and once when the listener is made. */
static grpc_ssl_certificate_config_reload_status
fetch(void *ctx, grpc_ssl_server_certificate_config **out_config) {
    struct gf_tls_source *source = ctx;
    GF_CLEANUP(gf_tls_pem_fini) struct gf_tls_pem pem;
    gf_tls_pem_init(&pem);
    if (!gf_tls_source_fetch(source, &pem)) {
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    const grpc_ssl_pem_key_cert_pair pair = {.private_key = pem.key.ptr,
                                             .cert_chain = pem.cert.ptr};
    /* gRPC 1.51 aborts without authorities, also where it asks for no certificate and so has no use
     * for them: then it gets what is at hand. */
    *out_config = grpc_ssl_server_certificate_config_create(
        gf_tls_source_files(source)->client_ca_file != NULL ? pem.authorities.ptr : pem.cert.ptr,
        &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_server_credentials *gf_rpc__server_credentials(struct gf_tls_source *source) {
    grpc_ssl_client_certificate_request_type clients = GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    if (gf_tls_source_files(source)->client_ca_file != NULL) {
        clients = gf_tls_source_files(source)->clients_optional
                      ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY
                      : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    }
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(clients, fetch, source));
}
