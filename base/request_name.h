/*
 * Names of requests, as they stand in the header x-request-id and in the log (gf_log_request): the
 * caller's own where that is fit, else one of ours. They have nothing to do with the request_id of
 * messages, which makes commands idempotent.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_REQUEST_NAME_H_
#define GOFER_BASE_REQUEST_NAME_H_

#include "base/str.h"

#include <stdbool.h>

enum {
    GF_REQUEST_NAME_CHARS_MAX = 64,
    GF_REQUEST_NAME_BYTES = 33, /* of one of ours, with the final NUL */
};

/* Whether it can be a name: 1 to GF_REQUEST_NAME_CHARS_MAX of [A-Za-z0-9._-], so that no line of a
 * log and no header breaks by it. */
bool gf_request_name_is_fit(struct gf_str name);

/* Makes one: 32 hexadecimal digits at random. Gives `out`. */
char *gf_request_name_make(char out[GF_REQUEST_NAME_BYTES]);

#endif /* GOFER_BASE_REQUEST_NAME_H_ */
