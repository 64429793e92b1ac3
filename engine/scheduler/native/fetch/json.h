/*
 * JSON of images, read strictly: well-formed UTF-8, no duplicate keys, no NUL, nothing behind the
 * value, up to GF_FETCH_JSON_BYTES_MAX.
 *
 * A getter fails with GF_INVALID_ARGUMENT, reason ARCHIVE_INVALID, when the member is missing
 * (those that are not called optional) or of another type; the message names the member. Absent and
 * null are the same.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_JSON_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_JSON_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/digest.h"

#include <stdint.h>

#include <jansson.h>

/* For locals: GF_CLEANUP(gf_json_unref_p) json_t *root = NULL; */
void gf_json_unref_p(json_t **value);

/* The top-level value, which must be an object or an array. Owned by the caller. */
enum gf_code gf_json_parse(struct gf_str text, json_t **out, struct gf_error *err) GF_MUST_USE;

/* What follows gives borrowed values of `object`, which must be an object (else the call fails). */

enum gf_code gf_json_object(const json_t *object, const char *key, json_t **out,
                            struct gf_error *err) GF_MUST_USE;
/* *out is NULL when there is none. */
enum gf_code gf_json_object_optional(const json_t *object, const char *key, json_t **out,
                                     struct gf_error *err) GF_MUST_USE;

/* At most count_max elements. Optional: an absent one counts as empty, *out is NULL. */
enum gf_code gf_json_array(const json_t *object, const char *key, size_t count_max, json_t **out,
                           struct gf_error *err) GF_MUST_USE;
enum gf_code gf_json_array_optional(const json_t *object, const char *key, size_t count_max,
                                    json_t **out, struct gf_error *err) GF_MUST_USE;

/* At most GF_IMAGE_STRING_BYTES_MAX bytes. Optional: an absent one is "". */
enum gf_code gf_json_string(const json_t *object, const char *key, const char **out,
                            struct gf_error *err) GF_MUST_USE;
enum gf_code gf_json_string_optional(const json_t *object, const char *key, const char **out,
                                     struct gf_error *err) GF_MUST_USE;

/* A number that is not negative. */
enum gf_code gf_json_size(const json_t *object, const char *key, int64_t *out,
                          struct gf_error *err) GF_MUST_USE;

enum gf_code gf_json_digest(const json_t *object, const char *key, struct gf_digest *out,
                            struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_JSON_H_ */
