/*
 * Numbers and texts in a blob: what the packed columns (variables.h, run_options.h) are made of.
 *
 * A number is in groups of 7 bits, the lowest first, with the top bit set in all bytes but the
 * last; it has one form, the shortest. A text is its length and its bytes. What is taken is
 * checked: bytes that no server writes are refused, whatever they are.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_PACKED_H_
#define GOFER_ENGINE_STORE_SQLITE_PACKED_H_

#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* `number` is 0 or more. */
void gf_sqlite__put_number(struct gf_strbuf *out, int64_t number);
/* Text or bytes. */
void gf_sqlite__put_text(struct gf_strbuf *out, struct gf_str text);

/* What is left to take. */
struct gf_sqlite_cursor {
    const unsigned char *next;
    const unsigned char *end;
};

static inline struct gf_sqlite_cursor gf_sqlite__cursor(struct gf_str bytes) {
    const unsigned char *begin = (const unsigned char *)bytes.ptr;
    return (struct gf_sqlite_cursor){begin, begin + bytes.len};
}

static inline size_t gf_sqlite__cursor_left(const struct gf_sqlite_cursor *cursor) {
    return (size_t)(cursor->end - cursor->next);
}

/* Each gives false where the bytes are not that; what is taken then does not count. */
bool gf_sqlite__take_byte(struct gf_sqlite_cursor *cursor, unsigned char *out_byte) GF_MUST_USE;
bool gf_sqlite__take_number(struct gf_sqlite_cursor *cursor, int64_t *out_number) GF_MUST_USE;
/* Borrowed from the blob. A text is UTF-8 without NUL; bytes are any. */
bool gf_sqlite__take_text(struct gf_sqlite_cursor *cursor, struct gf_str *out_text) GF_MUST_USE;
bool gf_sqlite__take_bytes(struct gf_sqlite_cursor *cursor, struct gf_str *out_bytes) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_PACKED_H_ */
