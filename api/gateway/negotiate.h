/*
 * What a client says it wants of a file or document: conditions and ranges (RFC 9110).
 *
 * All of these headers may be ignored, and one that is malformed is, as the RFC says: the client
 * then gets the whole thing, as it is.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_NEGOTIATE_H_
#define GOFER_API_GATEWAY_NEGOTIATE_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * True where If-None-Match has that entity tag ("\"...\"", with its quotes), in the weak
 * comparison, or is "*".
 */
bool gf_gateway__none_match_has(struct gf_str if_none_match, struct gf_str etag);

/* The time of a header such as Last-Modified, "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is
 * written today; in seconds since 1970. False for everything else. */
bool gf_gateway__date_parse(struct gf_str text, int64_t *out_seconds) GF_MUST_USE;

enum {
    GF_GATEWAY__DATE_BYTES_MAX = 32, /* with the final NUL */
};

/* The same the other way, of the years 1 to 9999; gives out. */
char *gf_gateway__date_format(int64_t seconds, char out[GF_GATEWAY__DATE_BYTES_MAX]);

enum gf_gateway__range {
    GF_GATEWAY__RANGE_WHOLE, /* none, malformed, several ranges, another unit: all of it */
    GF_GATEWAY__RANGE_PART,
    GF_GATEWAY__RANGE_NONE, /* there is nothing in it: 416 */
};

/* What the header Range means for something of so many bytes. *out_offset and *out_size are set for
 * PART alone; the part is not empty. */
enum gf_gateway__range gf_gateway__range_parse(struct gf_str range, uint64_t size,
                                               uint64_t *out_offset, uint64_t *out_size);

#endif /* GOFER_API_GATEWAY_NEGOTIATE_H_ */
