/*
 * Envelopes: the five bytes before each message of Connect streams and of gRPC-Web (flags, and the
 * length in four bytes, the highest first); and the base64 that gRPC-Web has for those who cannot
 * read bytes. For api/gateway alone.
 *
 * Thread: any.
 */
#ifndef GOFER_API_GATEWAY_ENVELOPE_H_
#define GOFER_API_GATEWAY_ENVELOPE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum {
    GF_GATEWAY__ENVELOPE_BYTES = 5,
    /* Flags. */
    GF_GATEWAY__COMPRESSED = 0x01,
    GF_GATEWAY__END_STREAM = 0x02, /* Connect: the status */
    GF_GATEWAY__TRAILERS = 0x80,   /* gRPC-Web: the status */
};

/*
 * The one message of a request: exactly one envelope, with no other flag than
 * GF_GATEWAY__COMPRESSED. Borrows from body. The length is that of what came, so nothing is
 * allocated by what it says.
 *
 * Codes: GF_INVALID_ARGUMENT (cut short, or other flags), GF_UNIMPLEMENTED (none, or several: as
 * gRPC has it), GF_RESOURCE_EXHAUSTED (a message of more than message_bytes_max).
 */
enum gf_code gf_gateway__envelope_open(struct gf_str body, size_t message_bytes_max,
                                       uint8_t *out_flags, struct gf_str *out_message,
                                       struct gf_error *err) GF_MUST_USE;

/* Writes the five bytes for a message of that size, which is below 4 GiB. */
void gf_gateway__envelope_head(uint8_t flags, size_t size, char out[GF_GATEWAY__ENVELOPE_BYTES]);

/*
 * Appends what the text stands for: base64 in groups of four characters, padded wherever it was
 * flushed, so also in the middle. GF_INVALID_ARGUMENT; then `out` may have grown.
 */
enum gf_code gf_gateway__text_decode(struct gf_str text, struct gf_strbuf *out,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_GATEWAY_ENVELOPE_H_ */
