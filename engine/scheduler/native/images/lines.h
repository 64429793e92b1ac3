/*
 * The frame of all records of the image store (record.h): a line "<kind> <version>", lines of
 * key=value, the line "end". Nothing may follow it.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LINES_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LINES_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void gf_lines_begin(struct gf_strbuf *out, const char *kind, int version);
/* Escapes the value. */
void gf_lines_put(struct gf_strbuf *out, const char *key, struct gf_str value);
void gf_lines_put_i64(struct gf_strbuf *out, const char *key, int64_t value);
void gf_lines_end(struct gf_strbuf *out);

/* A record that is being read, a value. Borrowed: text and arena. */
struct gf_lines {
    struct gf_str rest;
    struct gf_arena *arena;
    size_t line_number; /* of the line that was read last */
};

/* Reads the first line. Codes: GF_DATA_LOSS (another kind), GF_UNIMPLEMENTED (another version). */
enum gf_code gf_lines_open(struct gf_lines *lines, struct gf_str text, const char *kind,
                           int version, struct gf_arena *arena, struct gf_error *err) GF_MUST_USE;

/*
 * Reads the next line: *out_more is false when it was the end, else *out_key (borrowed from the
 * text) and *out_value (unescaped, NUL-terminated, in arena) are set. Code: GF_DATA_LOSS.
 */
enum gf_code gf_lines_next(struct gf_lines *lines, bool *out_more, struct gf_str *out_key,
                           struct gf_str *out_value, struct gf_error *err) GF_MUST_USE;

/* Fails with GF_DATA_LOSS, "line 7: <text>". */
enum gf_code gf_lines_fail(const struct gf_lines *lines, struct gf_error *err, const char *fmt, ...)
    GF_PRINTF(3, 4);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_LINES_H_ */
