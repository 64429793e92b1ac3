/*
 * The listener for events from outside: `POST /external/EXTENSION_ID`, on a port of its own,
 * becomes an ExternalEvent of the extension. A request is checked against what the extension has
 * declared (ExternalEventVerification of its registration: HMAC over the raw body, delivery id),
 * then stored, and only then answered:
 *
 *     202 stored; also for a delivery id that was stored within 7 days, which is not stored again
 *     401 the signature is missing or wrong, or its time is too far from now
 *     404 no such extension, or it takes no such requests
 *     405, 413, 431 not POST; larger than allowed; headers larger than allowed
 *     429 with Retry-After: too many from this address or for this extension, or too many wait
 *     503 with Retry-After: the server cannot store now
 *
 * No request learns more than that of what is installed here.
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
    GF_EXTERNAL_ADDRESS_RATE_MAX_DEFAULT = 100, /* requests of one address in a second */
    GF_EXTERNAL_ADDRESS_CONNECTIONS_MAX_DEFAULT = 64,
    GF_EXTERNAL_CONNECTIONS_MAX_DEFAULT = 1024,
};

struct gf_external_listener;

/* Zero in any field means its default; < 0 in those that may have none: no limit. Borrowed until
 * destroy: hub, clock, reactor. */
struct gf_external_options {
    struct gf_extension_hub *hub;
    const struct gf_clock *clock;
    struct gf_reactor *reactor;
    size_t body_bytes_max;
    int64_t address_rate_max;
    int64_t address_connections_max;
    size_t connections_max;
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

#endif /* GOFER_API_EXTERNAL_LISTENER_H_ */
