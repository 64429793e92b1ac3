/*
 * What differs between two pipeline specs.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_SPEC_DIFF_H_
#define GOFER_API_CODEC_MODEL_SPEC_DIFF_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "gofer/v1/pipeline_config.pb-c.h"

#include <stddef.h>

enum {
    GF_SPEC_DIFF_BYTES_MAX = 64 << 20, /* of all values together, as JSON */
};

/*
 * Compares two specs in their canonical form (gf_config_to_message) and gives a change for each
 * field that differs, ordered by path. A field that is there on one side alone was added or
 * removed; its default and its absence are the same.
 *
 * Tasks and pools are matched by their ids, whatever their order, and entries of maps by their
 * keys: `tasks[build].image`, `tasks[build].retry.max_attempts`, `variables["KEY"]`. A task that is
 * new or gone is one change, with the whole of it as its value. Other lists are compared as a
 * whole. Values are compact proto3 JSON with the names of pipeline files.
 *
 * The changes and their array are in the arena. Borrowed for the call: before, after. Takes time in
 * proportion to the specs' size times its logarithm. Code: GF_RESOURCE_EXHAUSTED (beyond
 * GF_SPEC_DIFF_BYTES_MAX).
 */
enum gf_code gf_spec_diff(const Gofer__V1__PipelineSpec *before,
                          const Gofer__V1__PipelineSpec *after, struct gf_arena *arena,
                          Gofer__V1__ConfigChange ***out_changes, size_t *out_count,
                          struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_SPEC_DIFF_H_ */
