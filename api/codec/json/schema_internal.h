/*
 * What the codec needs of upb. Private to api/codec/json. Thread: as the functions that it is for.
 */
#ifndef GOFER_API_CODEC_JSON_SCHEMA_INTERNAL_H_
#define GOFER_API_CODEC_JSON_SCHEMA_INTERNAL_H_

#include "api/codec/json/schema.h"
#include "base/arena.h"

#include <upb/arena.h>
#include <upb/def.h>

/* The message of that full name, or NULL. */
const upb_MessageDef *gf_schema__message(const struct gf_schema *schema, const char *name);

/*
 * An arena of upb that takes its memory from one of ours, up to its cap. A value in the caller's
 * memory, which must not move.
 */
struct gf_schema__arena {
    upb_alloc alloc; /* must be the first member: upb passes it to us */
    struct gf_arena *arena;
    upb_Arena *upb;
};

/* False when there is no memory left within the cap. Nothing is to be freed: the memory is ours. */
bool gf_schema__arena_init(struct gf_schema__arena *self, struct gf_arena *arena) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_SCHEMA_INTERNAL_H_ */
