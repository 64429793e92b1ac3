/*
 * The schema of gofer/testing/shapes.proto, for tests. Thread: any.
 */
#ifndef GOFER_API_CODEC_JSON_SHAPES_SCHEMA_H_
#define GOFER_API_CODEC_JSON_SHAPES_SCHEMA_H_

#include "api/codec/json/schema.h"

/* Owned by the caller. */
struct gf_schema *gf_shapes_schema_create(void) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_SHAPES_SCHEMA_H_ */
