/*
 * The listener for events from outside: `POST /external/EXTENSION_ID`, on a port of its own,
 * becomes an ExternalEvent of the extension. A request is checked against what the extension has
 * declared (ExternalEventVerification of its registration: HMAC over the raw body, delivery id),
 * then stored, and only then answered:
 *
 *     202 stored; also for a delivery id that was stored within 7 days, which is not stored again
 *     400 the delivery id is malformed
 *     401 the signature is missing or wrong, or its time is too far from now
 *     404 no such extension, or it takes no such requests
 *     405, 408, 413, 431 not POST; the body came too slowly, or is larger than allowed; headers
 *         larger, or more, than allowed
 *     429 with Retry-After: too many from this address or for this extension, or too many wait
 *     503 with Retry-After: the server cannot store now, has not the key to verify with, or the
 *         extension is disabled
 *
 * No request learns more than that of what is installed here. An extension that declares no
 * verification gets every request, with `verified` false, and no delivery id of the sender counts.
 *
 * Requests of this machine (loopback, unix sockets) have no limit of their address: they may be
 * those of a proxy, and which address it names is not believed.
 *
 * Thread: as of api/http/server.h.
 */
#ifndef GOFER_API_EXTERNAL_LISTENER_H_
#define GOFER_API_EXTERNAL_LISTENER_H_

#include "api/extension/hub.h"
#include "api/http/server.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_EXTERNAL_BODY_BYTES_MAX_DEFAULT = 1 << 20,
    GF_EXTERNAL_BODY_BYTES_MAX = 3 << 20,       /* what may be asked for: it must fit a delivery */
    GF_EXTERNAL_ADDRESS_RATE_MAX_DEFAULT = 100, /* requests of one address in a second */
    GF_EXTERNAL_ADDRESS_CONNECTIONS_MAX_DEFAULT = 64,
    GF_EXTERNAL_CONNECTIONS_MAX_DEFAULT = 1024,
    GF_EXTERNAL_BODIES_BYTES_MAX = 64 << 20, /* of all that are on their way in */
    GF_EXTERNAL_STORING_MAX = 1024, /* of one extension, on their way to the disk at once */
};

struct gf_external_listener;

/* Zero in any field means its default; < 0 in those that may have none: no limit. Borrowed until
 * destroy: hub, clock. A body_bytes_max above GF_EXTERNAL_BODY_BYTES_MAX means that. */
struct gf_external_options {
    struct gf_extension_hub *hub;
    const struct gf_clock *clock;
    size_t body_bytes_max;
    int64_t address_rate_max;
    int64_t address_connections_max;
    size_t connections_max;
    size_t descriptors_max;       /* and the next: as of struct gf_http_server_options */
    _Atomic int64_t *descriptors; /* borrowed */
    bool local_is_limited;        /* addresses of this machine have limits, too: for tests */
    int64_t body_ms_max;          /* as of struct gf_http_server_options: for tests */
};

/* Owned by the caller, who then listens (gf_external_listener_http) and starts. Code:
 * GF_RESOURCE_EXHAUSTED. */
enum gf_code gf_external_listener_create(const struct gf_external_options *options,
                                         struct gf_external_listener **out_listener,
                                         struct gf_error *err) GF_MUST_USE;
/* Its http server has stopped. Accepts NULL. */
void gf_external_listener_destroy(struct gf_external_listener *listener);

/* Its http server: to listen, start, stop, and for its figures. Borrowed. */
struct gf_http_server *gf_external_listener_http(struct gf_external_listener *listener);

/* What was answered since the start, and what is on its way to the disk. */
struct gf_external_stats {
    uint64_t stored_total;
    uint64_t duplicates_total; /* answered as the first ones */
    uint64_t not_verified_total;
    uint64_t limited_total;     /* 429 */
    uint64_t unavailable_total; /* 503 */
    uint64_t refused_total;     /* for other reasons */
    int64_t storing;
};
/* Thread: any. */
void gf_external_listener_stats(const struct gf_external_listener *listener,
                                struct gf_external_stats *out);

#endif /* GOFER_API_EXTERNAL_LISTENER_H_ */
