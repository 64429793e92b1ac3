/*
 * JSON text as a tree of values that know where they stand.
 *
 * The parser is strict (RFC 8259) and refuses what other programs might read differently: a key
 * that an object has twice, text that is no UTF-8, half surrogates, anything behind the value.
 * Every error begins with its place: "line 3, column 12: ...". Lines and columns count from 1,
 * columns in characters.
 *
 * Thread: any; the functions have no state.
 */
#ifndef GOFER_API_CODEC_JSON_TEXT_H_
#define GOFER_API_CODEC_JSON_TEXT_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum {
    GF_JSON_TEXT_BYTES_MAX = 16 << 20,
    GF_JSON_DEPTH_MAX = 64, /* of objects and arrays within each other */
};

enum gf_json_type {
    GF_JSON_NULL,
    GF_JSON_FALSE,
    GF_JSON_TRUE,
    GF_JSON_NUMBER,
    GF_JSON_STRING,
    GF_JSON_ARRAY,
    GF_JSON_OBJECT,
};

/* "a string", "an object": for messages. Static storage. */
const char *gf_json_type_name(enum gf_json_type type);

struct gf_json_value {
    enum gf_json_type type;
    uint32_t offset;     /* of its first byte in the text */
    uint32_t key_offset; /* of a member: of its key */
    uint32_t count;      /* of elements or members */
    struct gf_str key;   /* of a member, decoded */
    struct gf_str text;  /* of a string, decoded (it may hold NUL); of a number, as written */
    struct gf_json_value *first; /* element or member, or NULL */
    struct gf_json_value *next;  /* in the same array or object, or NULL */
};

/*
 * Parses one value and nothing behind it. The tree lives in arena and borrows from text.
 *
 * Codes: GF_INVALID_ARGUMENT (malformed; field is the path of a key that occurs twice, else empty),
 * GF_RESOURCE_EXHAUSTED (longer than GF_JSON_TEXT_BYTES_MAX, or beyond the arena's cap).
 */
enum gf_code gf_json_parse(struct gf_str text, struct gf_arena *arena,
                           const struct gf_json_value **out_value,
                           struct gf_error *err) GF_MUST_USE;

struct gf_json_place {
    size_t line;
    size_t column;
};

/* The place of an offset in the text. */
struct gf_json_place gf_json_place_of(struct gf_str text, size_t offset);

/*
 * As gf_fail_field, with the place of the offset before the message. `field` may be "".
 */
enum gf_code gf_json_fail(struct gf_error *err, struct gf_str text, size_t offset,
                          const char *field, const char *fmt, ...) GF_PRINTF(5, 6);

/*
 * Appends one step to a path: ".key", or "key" to an empty path; `["key"]` where the key is no
 * plain name or `quoted` says so. Control characters become '?'.
 */
void gf_json_path_key(struct gf_strbuf *path, struct gf_str key, bool quoted);
void gf_json_path_index(struct gf_strbuf *path, size_t index);

/* Appends text, which is valid UTF-8, as a string of JSON with its quotes. */
void gf_json_append_string(struct gf_strbuf *out, struct gf_str string);

#endif /* GOFER_API_CODEC_JSON_TEXT_H_ */
