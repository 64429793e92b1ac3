/*
 * What the container's processes may do: the capabilities that are left to them, their resource
 * limits, and who they are. The parts of gf_become_user (become.h), in this order.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RIGHTS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RIGHTS_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/user.h"
#include "engine/scheduler/native/shim/user_namespace.h"

/* No core dumps, bounded descriptors and locked memory. */
enum gf_code gf_rights_limit(struct gf_error *err) GF_MUST_USE;

/* Becomes the root of the container, in its user namespace where it has one, with a key ring of its
 * own. */
enum gf_code gf_rights_enter(const struct gf_user_namespace *user_namespace,
                             struct gf_error *err) GF_MUST_USE;

/*
 * Becomes the user and gives up, for good and for all that is started from here, every capability
 * but the few that programs need inside their own container (root) or all of them (anybody else),
 * and the means to gain any by executing a file. The process dies with its parent from here on;
 * where the parent is dead already, that is the caller's to find out.
 */
enum gf_code gf_rights_drop(const struct gf_user *user, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RIGHTS_H_ */
