/*
 * The text forms of google.protobuf.Timestamp, Duration and FieldMask.
 *
 * Private to api/codec/json. Reading fails with GF_INVALID_ARGUMENT, writing with GF_OUT_OF_RANGE;
 * the messages say what a value must be: "must be a time ...". Thread: any.
 */
#ifndef GOFER_API_CODEC_JSON_WELL_KNOWN_INTERNAL_H_
#define GOFER_API_CODEC_JSON_WELL_KNOWN_INTERNAL_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

/* A point in time, or a duration, as the messages have it. */
struct gf_json__instant {
    int64_t seconds;
    int32_t nanos;
};

/* "2026-11-21T20:12:52.120Z", in the years 1677 to 2262. */
enum gf_code gf_json__timestamp_parse(struct gf_str text, struct gf_json__instant *out_instant,
                                      struct gf_error *err) GF_MUST_USE;
enum gf_code gf_json__timestamp_format(const struct gf_json__instant *instant,
                                       char out[GF_TIME_BYTES_MAX],
                                       struct gf_error *err) GF_MUST_USE;

/* "1.500s": seconds with 0, 3, 6 or 9 digits behind the point; read with any number of them up
 * to 9. */
enum gf_code gf_json__duration_parse(struct gf_str text, struct gf_json__instant *out_instant,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_json__duration_format(const struct gf_json__instant *instant,
                                      char out[GF_DURATION_BYTES_MAX],
                                      struct gf_error *err) GF_MUST_USE;

/*
 * One path of a mask: "displayName.x" to "display_name.x", and back. The result lives in arena;
 * false when that is full.
 */
bool gf_json__mask_to_proto(struct gf_str path, struct gf_arena *arena,
                            struct gf_str *out_path) GF_MUST_USE;
bool gf_json__mask_to_json(struct gf_str path, struct gf_arena *arena,
                           struct gf_str *out_path) GF_MUST_USE;

#endif /* GOFER_API_CODEC_JSON_WELL_KNOWN_INTERNAL_H_ */
