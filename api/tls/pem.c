#include "api/tls/pem.h"

#include "base/file.h"

#include <fcntl.h>
#include <string.h>

void gf_tls_pem_init(struct gf_tls_pem *pem) {
    gf_strbuf_init(&pem->cert, GF_TLS_PEM_BYTES_MAX);
    gf_strbuf_init(&pem->key, GF_TLS_PEM_BYTES_MAX);
    gf_strbuf_init(&pem->authorities, GF_TLS_PEM_BYTES_MAX);
}

void gf_tls_pem_fini(struct gf_tls_pem *pem) {
    if (pem->key.ptr != NULL) {
        explicit_bzero(pem->key.ptr, pem->key.capacity);
    }
    gf_strbuf_fini(&pem->cert);
    gf_strbuf_fini(&pem->key);
    gf_strbuf_fini(&pem->authorities);
}

enum gf_code gf_tls_pem_read(const char *what, const char *file, const char *label,
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
