/*
 * What encode.c (messages) and encode_scalar.c share. Private to api/codec/json.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_API_CODEC_JSON_ENCODE_INTERNAL_H_
#define GOFER_API_CODEC_JSON_ENCODE_INTERNAL_H_

#include "api/codec/json/json.h"
#include "api/codec/json/schema_internal.h"

#include <upb/def.h>
#include <upb/message_value.h>

/* The encoding of one message. */
struct gf_json__encoder {
    struct gf_json_encode_opts opts;
    struct gf_arena *arena;
    struct gf_strbuf *out;
    unsigned depth; /* of objects and arrays that are open */
    struct gf_error *err;
};

/* Writes a value of the field's type, which is no message. */
void gf_json__encode_scalar(struct gf_json__encoder *encoder, upb_MessageValue value,
                            const upb_FieldDef *field);

#endif /* GOFER_API_CODEC_JSON_ENCODE_INTERNAL_H_ */
