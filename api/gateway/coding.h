/*
 * Content codings, by name: gzip and identity. For api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_CODING_H_
#define GOFER_API_GATEWAY_CODING_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

/* What GF_GATEWAY__CODINGS is called in headers that tell what is understood. */
#define GF_GATEWAY__CODINGS "gzip, identity"

/* The coding of a request: *out_gzip. Code: GF_UNIMPLEMENTED (another one; names what there is). */
enum gf_code gf_gateway__coding_of(struct gf_str value, bool *out_gzip,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * Whether a list of codings ("br;q=1.0, gzip;q=0.8", or without qualities) has gzip, and not with
 * quality 0.
 */
bool gf_gateway__accepts_gzip(struct gf_str list);

#endif /* GOFER_API_GATEWAY_CODING_H_ */
