/*
 * What the pages of the gateway share: everything that is no call.
 *
 * Thread: the http server's.
 */
#ifndef GOFER_API_GATEWAY_PAGES_INTERNAL_H_
#define GOFER_API_GATEWAY_PAGES_INTERNAL_H_

#include "api/gateway/documents.h"
#include "api/gateway/gateway_internal.h"
#include "api/gateway/origin.h"
#include "base/str.h"

struct gf_gateway__pages {
    struct gf_gateway__allowed allowed;
    struct gf_gateway__documents documents;
    int static_fd; /* of the directory; -1: none */
};

/* The document at the path of the request. */
void gf_gateway__serve_document(struct gf_gateway *gateway, struct gf_http_exchange *exchange);

/* For who watches the process from outside, and for Prometheus. */
void gf_gateway__serve_healthz(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
void gf_gateway__serve_readyz(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
void gf_gateway__serve_metrics(struct gf_gateway *gateway, struct gf_http_exchange *exchange);

#endif /* GOFER_API_GATEWAY_PAGES_INTERNAL_H_ */
