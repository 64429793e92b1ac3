/*
 * Keeping what a failed container wrote, for those who want to look at it.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KEEP_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KEEP_H_

#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stdbool.h>

/* Whether the root of a container that ended so is to be kept: it failed, and was not stopped. */
bool gf_keep_wanted(const struct gf_spec *spec, const struct gf_shim_exit *exit);

/*
 * Moves the upper directory, which nobody uses any more, to its place with a record, and sets
 * root_expire_time; where that fails nothing is kept. `user_id_first`: whose ids are in it.
 */
void gf_keep(const struct gf_spec *spec, int64_t user_id_first, struct gf_shim_exit *exit);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_KEEP_H_ */
