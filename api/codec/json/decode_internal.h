/*
 * What decode.c (messages) and decode_scalar.c share. Private to api/codec/json.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_CODEC_JSON_DECODE_INTERNAL_H_
#define GOFER_API_CODEC_JSON_DECODE_INTERNAL_H_

#include "api/codec/json/schema_internal.h"
#include "api/codec/json/text.h"

#include <upb/def.h>
#include <upb/message_value.h>

/* The decoding of one text. */
struct gf_json__decoder {
    struct gf_str text;
    struct gf_arena *arena;
    upb_Arena *upb;
    struct gf_strbuf path; /* of the value at hand */
    struct gf_error *err;
};

/* Report a fault at the value: "'tasks[0].image' <text>", or that it is not what is `wanted` there.
 */
enum gf_code gf_json__fail_value(struct gf_json__decoder *decoder,
                                 const struct gf_json_value *value, const char *fmt, ...)
    GF_PRINTF(3, 4);
enum gf_code gf_json__fail_type(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                const char *wanted);

/* Reports that the memory is used up. */
enum gf_code gf_json__fail_too_large(struct gf_json__decoder *decoder);

/* Reads one value as the field's type, which is no message. What it points to lives in the arena.
 */
enum gf_code gf_json__decode_scalar(struct gf_json__decoder *decoder,
                                    const struct gf_json_value *value, const upb_FieldDef *field,
                                    upb_MessageValue *out) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_DECODE_INTERNAL_H_ */
