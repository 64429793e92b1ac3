/*
 * Design: one address may have several sockets (a host of IPv4 and of IPv6), but its files are one
 * source, which tells each change once. So the context that is made of them is shared as well.
 */
#include "api/http/server_internal.h"
#include "api/tls/context.h"
#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

/* Takes into use what is new, if anything is. */
static enum gf_code renew(struct gf_http__certificate *certificate, struct gf_error *err) {
    GF_CLEANUP(gf_tls_pem_fini) struct gf_tls_pem pem;
    SSL_CTX *context = NULL;
    gf_tls_pem_init(&pem);
    if (!gf_tls_source_fetch(certificate->source, &pem)) {
        return GF_OK;
    }
    const struct gf_tls_files *files = gf_tls_source_files(certificate->source);
    const enum gf_code code = gf_tls_context_create(&pem, files, &context, err);
    if (code == GF_OK) {
        SSL_CTX_free(certificate->context);
        certificate->context = context;
    }
    return code;
}

enum gf_code gf_http__certificate_create(const struct gf_tls_files *files,
                                         struct gf_http__certificate **out_certificate,
                                         struct gf_error *err) {
    struct gf_http__certificate *certificate = GF_NEW(struct gf_http__certificate);
    enum gf_code code = gf_tls_source_create(files, &certificate->source, err);
    if (code == GF_OK) {
        code = renew(certificate, err);
    }
    if (code != GF_OK) {
        gf_http__certificate_destroy(certificate);
        return code;
    }
    gf_assert(certificate->context != NULL);
    *out_certificate = certificate;
    return GF_OK;
}

void gf_http__certificate_destroy(struct gf_http__certificate *certificate) {
    if (certificate == NULL) {
        return;
    }
    SSL_CTX_free(certificate->context);
    gf_tls_source_destroy(certificate->source);
    free(certificate);
}

SSL_CTX *gf_http__certificate_context(struct gf_http__certificate *certificate) {
    struct gf_error err;
    if (renew(certificate, &err) != GF_OK) {
        gf_log_warn("tls_certificate_refused", GF_KV_ERROR(&err));
    }
    return certificate->context;
}

enum gf_code gf_http_server_reload_tls(struct gf_http_server *server, size_t *out_count,
                                       struct gf_error *err) {
    enum gf_code first = GF_OK;
    for (size_t i = 0; i < server->certificates.count; i++) {
        const enum gf_code code = gf_tls_source_reload(server->certificates.items[i]->source,
                                                       first == GF_OK ? err : NULL);
        first = first == GF_OK ? code : first;
    }
    *out_count = server->certificates.count;
    return first;
}
