/*
 * The target of a request from outside: `/external/EXTENSION_ID`, and what stands behind it.
 *
 * Thread: any.
 */
#ifndef GOFER_API_EXTERNAL_TARGET_H_
#define GOFER_API_EXTERNAL_TARGET_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

struct gf_external_target {
    struct gf_str extension_id;
    struct gf_str path; /* with a leading '/'; empty: none */
};

/* Reads a path as it was sent. False: it is none of these. Borrowed from it. */
bool gf_external_read_target(struct gf_str path, struct gf_external_target *out) GF_MUST_USE;

/*
 * Whether a header concerns only the connection that it came on, and is not handed on: RFC 9110,
 * section 7.6.1, and what is said of the body's way here. `connection` is the value of the header
 * of that name, which may name others; empty: there was none. Names are compared without case.
 */
bool gf_external_is_of_connection(struct gf_str name, struct gf_str connection);

#endif /* GOFER_API_EXTERNAL_TARGET_H_ */
