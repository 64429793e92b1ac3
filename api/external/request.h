/*
 * A request from outside, as it is read from an exchange and told to the extension. All of it lives
 * in the exchange's arena.
 */
#ifndef GOFER_API_EXTERNAL_REQUEST_H_
#define GOFER_API_EXTERNAL_REQUEST_H_

#include "api/external/target.h"
#include "api/external/verify.h"
#include "api/http/exchange.h"
#include "base/error.h"
#include "base/macros.h"
#include "gofer/extension/v1/extension.pb-c.h"

enum {
    GF_EXTERNAL_HEADERS_MAX = 100, /* that are told; more are 431 */
};

/* The headers that a verification names. One that is not named, or comes twice, is {NULL, 0}. */
struct gf_external_named {
    struct gf_str signature;
    struct gf_str timestamp;
    struct gf_str delivery_id;
};
void gf_external_read_named(const struct gf_http_exchange *exchange,
                            const Gofer__Extension__V1__ExternalEventVerification *verification,
                            struct gf_external_named *out);

/* Whether it is fit to be a key: 1 to GF_START_KEY_CHARS_MAX characters that can be printed. */
bool gf_external_id_is_fit(struct gf_str id);

/*
 * The message of a request, without delivery_id, times, body and `verified`. NULL: it has more than
 * GF_EXTERNAL_HEADERS_MAX headers.
 */
Gofer__Extension__V1__ExternalEvent *gf_external_event(struct gf_http_exchange *exchange,
                                                       const struct gf_external_target *target);

/* The text with U+FFFD in the place of every byte that is no UTF-8, NUL-terminated. */
char *gf_external_text(struct gf_str text, struct gf_arena *arena);

#endif /* GOFER_API_EXTERNAL_REQUEST_H_ */
