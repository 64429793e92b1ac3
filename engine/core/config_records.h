/*
 * The records of the binary form of configs (config_codec.h), for its reader: their framing, and
 * the small ones whole.
 *
 * A record (the config, a task, a variable, a parent) is read in two passes. The first walks over
 * its fields, checks their framing and order, and counts each tag, so that limits hold before
 * anything is allocated and every list is one array. The second fills in. The bytes were copied
 * into the arena once, and all text points into that copy.
 *
 * Every function that fails has GF_DATA_LOSS, or GF_RESOURCE_EXHAUSTED at the cap of the arena.
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_RECORDS_H_
#define GOFER_ENGINE_CORE_CONFIG_RECORDS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/config_tags.h"
#include "engine/core/model.h"

#include <stdint.h>

struct gf_config_decoder {
    const char *base; /* of all bytes: messages count from here */
    struct gf_arena *arena;
    struct gf_error *err;
};

struct gf_config_field {
    uint64_t tag;
    struct gf_str payload;
};

/* A record whose framing has been checked, and how often it has each known tag. */
struct gf_config_record {
    struct gf_str bytes;
    size_t counts[TAGS_END];
};

/* ---- Framing ---- */

enum gf_code gf_record_fail_at(const struct gf_config_decoder *decoder, const char *at,
                               const char *what);

/* The first pass. Tags in `repeated` (a bit each) may stand more than once. */
enum gf_code gf_record_scan(const struct gf_config_decoder *decoder, struct gf_str bytes,
                            uint32_t repeated, struct gf_config_record *out) GF_MUST_USE;

/* Takes a field off the front of *bytes, which is not empty. False where it is cut off. */
bool gf_record_take_field(struct gf_str *bytes, struct gf_config_field *out) GF_MUST_USE;

/* An array for a list; NULL with GF_OK where it has no items. */
enum gf_code gf_record_array(const struct gf_config_decoder *decoder, size_t count,
                             size_t count_max, size_t item_size, void *out_pointer) GF_MUST_USE;

/* ---- Payloads; one that is the default is damage. ---- */

enum gf_code gf_record_text(const struct gf_config_decoder *decoder,
                            const struct gf_config_field *field, struct gf_str *out) GF_MUST_USE;
enum gf_code gf_record_number(const struct gf_config_decoder *decoder,
                              const struct gf_config_field *field, int64_t *out) GF_MUST_USE;
enum gf_code gf_record_int32(const struct gf_config_decoder *decoder,
                             const struct gf_config_field *field, int32_t *out) GF_MUST_USE;
enum gf_code gf_record_flag(const struct gf_config_decoder *decoder,
                            const struct gf_config_field *field, bool *out) GF_MUST_USE;

/* ---- Small records; what they have no field for stays as it is in *out. ---- */

enum gf_code gf_config_read_variable(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                     struct gf_variable *out) GF_MUST_USE;
enum gf_code gf_config_read_label(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                  struct gf_label *out) GF_MUST_USE;
enum gf_code gf_config_read_parent(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                   struct gf_parent *out) GF_MUST_USE;
enum gf_code gf_config_read_pool(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                 struct gf_task_pool *out) GF_MUST_USE;
enum gf_code gf_config_read_retry(const struct gf_config_decoder *decoder, struct gf_str bytes,
                                  struct gf_retry_policy *out) GF_MUST_USE;
enum gf_code gf_config_read_registry_auth(const struct gf_config_decoder *decoder,
                                          struct gf_str bytes,
                                          struct gf_registry_auth *out) GF_MUST_USE;

#endif /* GOFER_ENGINE_CORE_CONFIG_RECORDS_H_ */
