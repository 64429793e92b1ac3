/*
 * The headers that every response has, and CORS.
 *
 * Policies are the strictest that a page of our own can live with: it loads from here alone, runs
 * no script and no style that stands in the page, and is shown in no frame. CORS knows no
 * credentials: browsers send nothing by themselves that would let a page in, as gofer has no
 * cookies; the page must have a token of its own.
 */
#include "api/gateway/pages_internal.h"

#include <string.h>

/* What clients of Connect and gRPC-Web send, and read from answers. */
static const char *const cors_headers =
    "authorization, content-type, content-encoding, connect-accept-encoding, "
    "connect-content-encoding, connect-protocol-version, connect-timeout-ms, grpc-accept-encoding, "
    "grpc-encoding, grpc-timeout, if-none-match, x-grpc-web, x-request-id, x-user-agent";
static const char *const cors_exposed =
    "connect-accept-encoding, connect-content-encoding, content-encoding, etag, "
    "grpc-accept-encoding, grpc-encoding, grpc-message, grpc-status, grpc-status-details-bin, "
    "retry-after, x-request-id";
static const char *const cors_seconds_max = "7200"; /* more than browsers take */

static const struct {
    const char *name;
    const char *value;
} fixed[] = {
    {"Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; "
                                "frame-ancestors 'none'; object-src 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Frame-Options", "DENY"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
};

static bool is_cors(const struct gf_gateway *gateway, const struct gf_http_exchange *exchange,
                    struct gf_str *out_origin) {
    *out_origin = gf_http_header(exchange, "origin");
    return out_origin->ptr != NULL &&
           gf_gateway__origin_is_allowed(&gateway->pages->allowed, *out_origin);
}

void gf_gateway__common_headers(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                struct gf_gateway__head *head) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(fixed); i++) {
        gf_gateway__head_add(head, fixed[i].name, gf_str_from(fixed[i].value));
    }
    /* Not for an address of this machine: there "localhost" would be kept to TLS for all who use
     * that name. */
    if (gf_http_is_tls(exchange) && !gf_http_is_local(exchange)) {
        gf_gateway__head_add(head, "Strict-Transport-Security", GF_STR("max-age=31536000"));
    }
    if (gateway->pages->allowed.origin_count == 0) {
        return;
    }
    gf_gateway__head_add(head, "Vary", GF_STR("Origin"));
    struct gf_str origin;
    if (is_cors(gateway, exchange, &origin)) {
        gf_gateway__head_add(head, "Access-Control-Allow-Origin", origin);
        gf_gateway__head_add(head, "Access-Control-Expose-Headers", gf_str_from(cors_exposed));
    }
}

void gf_gateway__answer_options(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                struct gf_str methods) {
    struct gf_gateway__head head;
    gf_gateway__head_init(&head, gateway, exchange, 204);
    gf_gateway__head_add(&head, "Allow", methods);
    struct gf_str origin;
    struct gf_str asked = gf_http_header(exchange, "access-control-request-method");
    if (asked.ptr != NULL && is_cors(gateway, exchange, &origin)) {
        gf_gateway__head_add(&head, "Access-Control-Allow-Methods", methods);
        gf_gateway__head_add(&head, "Access-Control-Allow-Headers", gf_str_from(cors_headers));
        gf_gateway__head_add(&head, "Access-Control-Max-Age", gf_str_from(cors_seconds_max));
        struct gf_str private = gf_http_header(exchange, "access-control-request-private-network");
        if (gf_str_eq(private, GF_STR("true"))) {
            gf_gateway__head_add(&head, "Access-Control-Allow-Private-Network", GF_STR("true"));
        }
    }
    gf_gateway__respond_static(gateway, exchange, &head, GF_STR(""));
}

static bool is_unix(struct gf_str peer) {
    return gf_str_has_prefix(peer, GF_STR("unix:"));
}

bool gf_gateway__admit(struct gf_gateway *gateway, struct gf_http_exchange *exchange) {
    const struct gf_gateway__visit visit = {
        .host = gf_http_header(exchange, "host"),
        .origin = gf_http_header(exchange, "origin"),
        .site = gf_http_header(exchange, "sec-fetch-site"),
        .mode = gf_http_header(exchange, "sec-fetch-mode"),
        .is_tls = gf_http_is_tls(exchange),
        .is_local = gf_http_is_local(exchange) && !is_unix(gf_http_peer(exchange)),
    };
    struct gf_error err;
    enum gf_code code = gf_gateway__visit_check(&gateway->pages->allowed, &visit, &err);
    if (code == GF_OK) {
        return true;
    }
    gateway->refused_total++;
    gf_gateway__respond_error(gateway, exchange, gf_gateway__http_status(code), &err, NULL,
                              (struct gf_str){NULL, 0});
    return false;
}
