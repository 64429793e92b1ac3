/*
 * The documents that are part of the program: the OpenAPI description of the API, and the page that
 * shows it. Each is there twice, as it is and compressed.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_DOCUMENTS_H_
#define GOFER_API_GATEWAY_DOCUMENTS_H_

#include "base/str.h"

#include <stdbool.h>

enum {
    GF_GATEWAY__DOCUMENT_COUNT = 4,
    GF_GATEWAY__DOCUMENT_ETAG_BYTES_MAX = 32, /* with its quotes and the final NUL */
};

struct gf_gateway__document {
    const char *path;
    const char *type;
    struct gf_str plain; /* static storage, as is the other */
    struct gf_str gzip;
    /* Entity tags of both: they differ where one byte does. */
    char plain_etag[GF_GATEWAY__DOCUMENT_ETAG_BYTES_MAX];
    char gzip_etag[GF_GATEWAY__DOCUMENT_ETAG_BYTES_MAX];
};

struct gf_gateway__documents {
    struct gf_gateway__document items[GF_GATEWAY__DOCUMENT_COUNT];
};

/* Fills in all of them, which takes a millisecond. Nothing is to be freed. */
void gf_gateway__documents_init(struct gf_gateway__documents *documents);

/* The document of a path, or NULL. */
const struct gf_gateway__document *
gf_gateway__document_find(const struct gf_gateway__documents *documents, struct gf_str path);

#endif /* GOFER_API_GATEWAY_DOCUMENTS_H_ */
