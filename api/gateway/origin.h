/*
 * Who may send requests from a browser: hosts and origins.
 *
 * A web page may send requests to any address that its reader's machine reaches. Its own name may
 * even point there (DNS rebinding); then the browser takes gofer for the page's own server. Two
 * rules keep such pages out, also where no token is asked for:
 *
 *   - host: what comes to an address of this machine alone must name an address, "localhost" or a
 *     host of the configuration. A page that made its own name point here says that name.
 *   - origin: a request that tells its origin must come from the same host, or from an origin of
 *     the configuration. One without an origin that the browser calls foreign (Sec-Fetch-Site) must
 *     be a navigation: somebody who follows a link.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_ORIGIN_H_
#define GOFER_API_GATEWAY_ORIGIN_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GF_GATEWAY__HOST_BYTES_MAX = 255,
};

/* Host and port as they stand in the header Host or behind "://" of an origin. Borrowed. */
struct gf_gateway__host {
    struct gf_str name; /* without the brackets of an IPv6 address */
    struct gf_str port; /* digits; "" where none is given */
    bool is_address;
};

/* False where the text is no host with or without a port. Names have letters, digits, '-', '_' and
 * '.' only. */
bool gf_gateway__host_parse(struct gf_str text, struct gf_gateway__host *out_host) GF_MUST_USE;

/* Of the options: GF_INVALID_ARGUMENT where it is no origin ("https://ui.example.com", with a port
 * where it is not that of the scheme, in lower case), no name of a host. */
enum gf_code gf_gateway__origin_check(const char *origin, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_gateway__host_check(const char *host, struct gf_error *err) GF_MUST_USE;

/* What a request says, and where it came. */
struct gf_gateway__visit {
    struct gf_str host;   /* the header; {NULL, 0} without one, as of HTTP/1.0 */
    struct gf_str origin; /* the same */
    struct gf_str site;   /* Sec-Fetch-Site */
    struct gf_str mode;   /* Sec-Fetch-Mode */
    bool is_tls;
    bool is_local; /* to an address of this machine alone; false for unix sockets, which no browser
                    * reaches */
};

/* What the configuration allows. Borrowed. */
struct gf_gateway__allowed {
    const char *const *origins;
    size_t origin_count;
    const char *const *hosts;
    size_t host_count;
};

/* True where the origin is one of the configuration: then CORS lets its pages call and read. */
bool gf_gateway__origin_is_allowed(const struct gf_gateway__allowed *allowed, struct gf_str origin);

/* Codes: GF_INVALID_ARGUMENT (no host), GF_PERMISSION_DENIED. The message names the setting that
 * would let the request in. */
enum gf_code gf_gateway__visit_check(const struct gf_gateway__allowed *allowed,
                                     const struct gf_gateway__visit *visit,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_ORIGIN_H_ */
