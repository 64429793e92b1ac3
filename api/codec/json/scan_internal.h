/*
 * Scalars of JSON text: what the parser of text.c is made of.
 *
 * Private to api/codec/json. Thread: one at a time.
 */
#ifndef GOFER_API_CODEC_JSON_SCAN_INTERNAL_H_
#define GOFER_API_CODEC_JSON_SCAN_INTERNAL_H_

#include "api/codec/json/text.h"

#include <stdbool.h>

struct gf_json__scanner {
    struct gf_str text;
    size_t at; /* the cursor */
    struct gf_arena *arena;
    struct gf_error *err;
};

static inline bool gf_json__at_end(const struct gf_json__scanner *scanner) {
    return scanner->at == scanner->text.len;
}

/* The character under the cursor; NUL at the end, and where the text has a NUL. */
static inline char gf_json__peek(const struct gf_json__scanner *scanner) {
    return gf_json__at_end(scanner) ? '\0' : scanner->text.ptr[scanner->at];
}

static inline void gf_json__skip_space(struct gf_json__scanner *scanner) {
    while (gf_json__peek(scanner) == ' ' || gf_json__peek(scanner) == '\n' ||
           gf_json__peek(scanner) == '\r' || gf_json__peek(scanner) == '\t') {
        scanner->at++;
    }
}

/* Report that something else stands under the cursor than `wanted`; that something is wrong there.
 */
enum gf_code gf_json__fail_unexpected(const struct gf_json__scanner *scanner, const char *wanted);
enum gf_code gf_json__fail_here(const struct gf_json__scanner *scanner, const char *what);

/* Reports that the arena is full. */
enum gf_code gf_json__fail_exhausted(const struct gf_json__scanner *scanner);

/* The number under the cursor, as it is written. */
enum gf_code gf_json__scan_number(struct gf_json__scanner *scanner,
                                  struct gf_str *out_text) GF_MUST_USE;

/* The string from its opening quote, under the cursor, to behind its closing one, decoded. */
enum gf_code gf_json__scan_string(struct gf_json__scanner *scanner,
                                  struct gf_str *out_text) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_SCAN_INTERNAL_H_ */
