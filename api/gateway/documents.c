#include "api/gateway/documents.h"

#include "base/siphash.h"

#include <inttypes.h>
#include <stdio.h>

/* The bytes of a file and of what gzip makes of it (BUILD.bazel). */
#define DOCUMENT_BYTES(name)                                                                       \
    extern const char gf_gateway_##name##_start[];                                                 \
    extern const char gf_gateway_##name##_end[];                                                   \
    extern const char gf_gateway_##name##_gz_start[];                                              \
    extern const char gf_gateway_##name##_gz_end[]

DOCUMENT_BYTES(openapi);
DOCUMENT_BYTES(docs_html);
DOCUMENT_BYTES(docs_css);
DOCUMENT_BYTES(docs_js);

#define BYTES_BETWEEN(start, end) ((struct gf_str){(start), (size_t)((end) - (start))})
#define DOCUMENT(at, content_type, name)                                                           \
    (struct gf_gateway__document) {                                                                \
        .path = (at), .type = (content_type),                                                      \
        .plain = BYTES_BETWEEN(gf_gateway_##name##_start, gf_gateway_##name##_end),                \
        .gzip = BYTES_BETWEEN(gf_gateway_##name##_gz_start, gf_gateway_##name##_gz_end),           \
    }

static void make_etag(struct gf_str bytes, char out[GF_GATEWAY__DOCUMENT_ETAG_BYTES_MAX]) {
    /* Fixed, so that every process of one version has the same tags. */
    static const uint64_t key[2] = {UINT64_C(0x676f6665722d7761), UINT64_C(0x67617465776179)};
    (void)snprintf(out, GF_GATEWAY__DOCUMENT_ETAG_BYTES_MAX, "\"%016" PRIx64 "\"",
                   gf_siphash(key, bytes.ptr, bytes.len));
}

void gf_gateway__documents_init(struct gf_gateway__documents *documents) {
    *documents = (struct gf_gateway__documents){{
        DOCUMENT("/openapi.json", "application/json", openapi),
        DOCUMENT("/docs", "text/html; charset=utf-8", docs_html),
        DOCUMENT("/docs/page.css", "text/css; charset=utf-8", docs_css),
        DOCUMENT("/docs/page.js", "text/javascript; charset=utf-8", docs_js),
    }};
    for (size_t i = 0; i < GF_GATEWAY__DOCUMENT_COUNT; i++) {
        struct gf_gateway__document *item = &documents->items[i];
        make_etag(item->plain, item->plain_etag);
        make_etag(item->gzip, item->gzip_etag);
    }
}

const struct gf_gateway__document *
gf_gateway__document_find(const struct gf_gateway__documents *documents, struct gf_str path) {
    for (size_t i = 0; i < GF_GATEWAY__DOCUMENT_COUNT; i++) {
        if (gf_str_eq(path, gf_str_from(documents->items[i].path))) {
            return &documents->items[i];
        }
    }
    return NULL;
}
