/*
 * What a server hands over to a new shim in sealed memory files: the spec, and what is to be masked
 * in the output. The shim takes both into its own memory and lets go of the files before anything
 * else is started, so that nothing in the container could find them.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_HANDOVER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_HANDOVER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/mask.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stddef.h>

/* A value in the caller's memory, zeroed before the first use. */
struct gf_handover {
    struct gf_spec spec; /* its texts are in memory that may be written to */
    struct gf_mask_set masks;
    const struct gf_mask_set *mask_set; /* &masks, or NULL: nothing is masked */
};

/*
 * Takes the spec and the masks. Behind it /dev/null is in the place of the files, whatever the
 * outcome. The memory is not in core dumps, and processes that are started later have no masks.
 * Code: GF_INVALID_ARGUMENT and GF_DATA_LOSS (malformed).
 */
enum gf_code gf_handover_take(struct gf_handover *handover, struct gf_error *err) GF_MUST_USE;

/* Wipes the environment of the command, as soon as its process has a copy. */
void gf_handover_wipe_environment(struct gf_handover *handover);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_HANDOVER_H_ */
