/*
 * proto3 JSON: from text to the bytes of the wire, and back.
 *
 * It is the JSON of https://protobuf.dev/programming-guides/json with these choices: names may be
 * given in camelCase or as in the .proto file; int64 and uint64 are strings on the way out, strings
 * or numbers on the way in; `null` means "not set". Timestamp, Duration and FieldMask have their
 * text forms. The types that hold anything at all (Any, Struct, Value, ListValue) and the wrappers
 * do not occur in our contracts and are refused.
 *
 * Reading is strict: unknown names, names given twice (also once in each spelling), two members of
 * a oneof, numbers that lose digits and text with NUL are refused, besides what text.h refuses.
 * Every error begins with its place, "line 3, column 12: ...", and has the path of the value as its
 * field, in the spelling of the text: `tasks[1].dependsOn["greet"]`.
 *
 * Thread: any; the functions have no state.
 */
#ifndef GOFER_API_CODEC_JSON_JSON_H_
#define GOFER_API_CODEC_JSON_JSON_H_

#include "api/codec/json/schema.h"
#include "api/codec/json/text.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * Reads a message, given by its full name ("gofer.v1.PipelineConfig"), which the schema knows.
 * *out_wire lives in arena, as does what is needed on the way: several times the size of the text.
 *
 * Codes: GF_INVALID_ARGUMENT (see above), GF_RESOURCE_EXHAUSTED (beyond GF_JSON_TEXT_BYTES_MAX, or
 * the arena's cap).
 */
enum gf_code gf_json_decode(const struct gf_schema *schema, const char *message, struct gf_str text,
                            struct gf_arena *arena, struct gf_str *out_wire,
                            struct gf_error *err) GF_MUST_USE;

struct gf_json_encode_opts {
    bool pretty;        /* indented by two spaces, one value a line; else one line without spaces */
    bool emit_defaults; /* also fields that are zero or empty, but not messages and oneofs */
    bool proto_names;   /* names as in the .proto file; else camelCase */
    bool secret;        /* overwrites the memory that was used on the way; `out` is the caller's */
};

enum {
    GF_JSON_OUTPUT_BYTES_MAX = 64 << 20,        /* a sensible limit for `out` below */
    GF_JSON_ENCODE_ARENA_BYTES_MAX = 256 << 20, /* memory for the message on the way */
};

/*
 * Writes the message, given by its full name and its bytes, behind what is in out, without a
 * newline at the end. The same message always gives the same text: fields in the order of the
 * .proto file, map entries in the order of their keys. Unknown fields are left out. opts may be
 * NULL.
 *
 * Codes: GF_INVALID_ARGUMENT (the bytes are no such message), GF_OUT_OF_RANGE (a time or duration
 * that has no text form), GF_RESOURCE_EXHAUSTED (beyond out's limit or the memory above). On
 * failure out is as it was before.
 */
enum gf_code gf_json_encode(const struct gf_schema *schema, const char *message, struct gf_str wire,
                            const struct gf_json_encode_opts *opts, struct gf_strbuf *out,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Finds the place of a value by its path (`tasks[1].depends_on["greet"]`, as in the field of an
 * error), so that what a server finds wrong can be shown where the user wrote it. camelCase and
 * snake_case both match. A path that leads beyond what the text has gives the place of the last
 * value on the way: a missing field that of its object. "" is the whole text.
 *
 * Codes: GF_INVALID_ARGUMENT (text malformed), GF_RESOURCE_EXHAUSTED.
 */
enum gf_code gf_json_locate(struct gf_str text, struct gf_str path, struct gf_json_place *out_place,
                            struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_JSON_H_ */
