/*
 * Paths of requests, as names of files.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_PATH_H_
#define GOFER_API_GATEWAY_PATH_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    GF_GATEWAY__PATH_BYTES_MAX = 1024, /* as sent, and decoded */
    GF_GATEWAY__SEGMENT_BYTES_MAX = 255,
};

/*
 * Decodes the path of a request ("/css/a%20b.css") to a path without the slash in front
 * ("css/a b.css"); that of "/" is "". A slash at the end stays. Appended to out, whose limit is
 * GF_GATEWAY__PATH_BYTES_MAX at least.
 *
 * What could be read in two ways is refused: "%2F" and "%5C", backslashes, empty segments, "." and
 * "..", control characters, a "%" that begins no byte, text that is no UTF-8, and every character
 * that a URL may not have as it is.
 *
 * Codes: GF_INVALID_ARGUMENT (the above), GF_NOT_FOUND (a segment that begins with a dot: nothing
 * that is hidden is served), GF_OUT_OF_RANGE (longer than GF_GATEWAY__PATH_BYTES_MAX, or a
 * segment longer than GF_GATEWAY__SEGMENT_BYTES_MAX). On failure out is as it was before.
 */
enum gf_code gf_gateway__path_decode(struct gf_str path, struct gf_strbuf *out,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_PATH_H_ */
