/*
 * Base64 (RFC 4648).
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_BASE64_H_
#define GOFER_BASE_BASE64_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Characters that size bytes become, padding included, without a final NUL. */
static inline size_t gf_base64_encoded_size(size_t size) {
    return (size + 2) / 3 * 4;
}

/* Bytes that len characters become at most. */
static inline size_t gf_base64_decoded_size_max(size_t len) {
    return len / 4 * 3 + 3;
}

/* Writes gf_base64_encoded_size(size) characters, of the standard alphabet, with padding. */
void gf_base64_encode(const void *bytes, size_t size, char *out);

/* The same, appended to a buffer, with padding or without. Leaves nothing of the bytes behind. */
void gf_base64_append(struct gf_str bytes, bool padded, struct gf_strbuf *out);

/*
 * Reads the standard and the URL-safe alphabet, with padding or without. `out` has room for
 * gf_base64_decoded_size_max(text.len) bytes; *out_size is how many were written. False when the
 * text is malformed: then only `out` may have been written to.
 */
bool gf_base64_decode(struct gf_str text, void *out, size_t *out_size) GF_MUST_USE;

#endif /* GOFER_BASE_BASE64_H_ */
