/*
 * The gateway: every unary and server-streaming call of the API over HTTP, by the Connect protocol
 * (JSON and binary) and gRPC-Web, and what browsers and machines want besides.
 *
 *     POST /gofer.v1.RunService/GetRun    a call; the content type tells the protocol
 *     GET  /gofer.v1.RunService/GetRun    the same of methods that only read (Connect GET)
 *     GET  /openapi.json, /docs           the description of the API, and a page to read it
 *     GET  /healthz, /readyz              whether the process lives; whether it can serve
 *     GET  /metrics                       figures for Prometheus (SystemService/GetMetrics)
 *     GET  anything else                  files of the static directory, where there is one
 *
 * Calls are carried into the rpc server (api/rpc/carried.h): who may do what, and how much, is
 * decided there, as for gRPC.
 *
 * Thread: create and destroy from one; the rest is the http server's.
 */
#ifndef GOFER_API_GATEWAY_GATEWAY_H_
#define GOFER_API_GATEWAY_GATEWAY_H_

#include "api/codec/json/schema.h"
#include "api/gateway/stats.h"
#include "api/http/server.h"
#include "api/rpc/server.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_GATEWAY_ORIGINS_MAX = 64,
    GF_GATEWAY_HOSTS_MAX = 64,
};

struct gf_gateway;

/* All borrowed until destroy. */
struct gf_gateway_options {
    struct gf_rpc_server *rpc; /* with its services; started before the http server */
    const struct gf_schema *schema;
    struct gf_pool *pool;   /* reads requests that take their time; joined before destroy */
    const char *static_dir; /* of the files; NULL: none */
    /* Origins ("https://ui.example.com") that may call from a browser; none: CORS is off. */
    const char *const *origins;
    size_t origin_count;
    /*
     * Names that a request may have as its host, besides addresses and "localhost", where it comes
     * to an address of this machine alone: so that no web page reaches it by a name of its own (DNS
     * rebinding).
     */
    const char *const *hosts;
    size_t host_count;
    /* Whether the server can serve now; else err says why. Must not block. Thread: the http
     * server's. NULL: it always can. */
    enum gf_code (*ready)(void *ctx, struct gf_error *err);
    void *ready_ctx;
    const char *version; /* of the program */
};

/* Owned by the caller. Codes: GF_INVALID_ARGUMENT (an origin or a host that is none, with field; a
 * directory that cannot be opened). */
enum gf_code gf_gateway_create(const struct gf_gateway_options *options,
                               struct gf_gateway **out_gateway, struct gf_error *err) GF_MUST_USE;
/* After the http server has stopped. Accepts NULL. */
void gf_gateway_destroy(struct gf_gateway *gateway);

/* For the options of an http server; its ctx is the gateway. */
extern const struct gf_http_handler gf_gateway_handler;

/* Ends all streams, as they have no end of their own, before the http server stops. Thread: any. */
void gf_gateway_drain(struct gf_gateway *gateway);

/* What there was since the start, and is now. Thread: any. */
void gf_gateway_stats(const struct gf_gateway *gateway, struct gf_gateway_stats *out);

#endif /* GOFER_API_GATEWAY_GATEWAY_H_ */
