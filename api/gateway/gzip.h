/*
 * gzip, bounded. For api/gateway alone.
 *
 * Thread: any; one packer belongs to one thread at a time.
 */
#ifndef GOFER_API_GATEWAY_GZIP_H_
#define GOFER_API_GATEWAY_GZIP_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    /* Below that, packing costs more than it saves. */
    GF_GATEWAY__GZIP_BYTES_MIN = 1024,
};

/*
 * Appends what was packed to `out`, whose limit bounds it: a small request cannot become a large
 * one. What was used on the way is overwritten.
 *
 * Codes: GF_INVALID_ARGUMENT (no gzip, cut short, or followed by anything else),
 * GF_RESOURCE_EXHAUSTED (beyond the limit; then `out` is full).
 */
enum gf_code gf_gateway__unpack(struct gf_str packed, struct gf_strbuf *out,
                                struct gf_error *err) GF_MUST_USE;

/* What packs messages one after the other, each for itself. About 270 KB once it was used. */
struct gf_gateway__packer;

struct gf_gateway__packer *gf_gateway__packer_create(void) GF_MUST_USE;
/* Accepts NULL. */
void gf_gateway__packer_destroy(struct gf_gateway__packer *packer);

/* Appends the packed form. False where it would not be smaller, or beyond out's limit: then out is
 * as it was before. */
bool gf_gateway__pack(struct gf_gateway__packer *packer, struct gf_str bytes,
                      struct gf_strbuf *out) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_GZIP_H_ */
