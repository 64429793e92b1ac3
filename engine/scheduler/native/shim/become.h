/*
 * The last part of the way into a container, the same for its first process and for what is run in
 * it later: a process that is in all of the container's namespaces, still with the rights of the
 * host's root, becomes the user of the container. Paths are those of the container.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BECOME_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BECOME_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fields.h"
#include "engine/scheduler/native/shim/user.h"
#include "engine/scheduler/native/shim/user_namespace.h"

#include <stdint.h>

/* All is borrowed. */
struct gf_become {
    const char *user;            /* as in struct gf_spec */
    const char *workdir_to_make; /* made for the user where it is missing; "" = none */
    const struct gf_user_namespace *user_namespace; /* of the container */
    /* Of engine/core/protection.h: what the container must not go without. */
    uint32_t required_protections;
};

/*
 * Takes the limits, enters the user namespace, with a key ring of its own, finds the user in the
 * image, and becomes it for good (rights.h). Codes: those of user.h.
 */
enum gf_code gf_become_user(const struct gf_become *become, struct gf_user *out_user,
                            struct gf_error *err) GF_MUST_USE;

/* -1: not there, or no pipe of ours. */
struct gf_become_streams {
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
};

/*
 * Everybody inside may open the streams by their names, as /dev/stdout: the inode of a pipe is the
 * host's root's. Before the user is taken.
 */
enum gf_code gf_become_give_streams(const struct gf_become_streams *streams,
                                    const struct gf_user_namespace *user_namespace,
                                    struct gf_error *err) GF_MUST_USE;

/*
 * Enters the working directory, "" for "/", as the user. No descriptor of a directory of the host
 * may be open. Code: GF_FAILED_PRECONDITION (it cannot be entered, or is outside of the container).
 */
enum gf_code gf_become_enter_workdir(const char *workdir, struct gf_error *err) GF_MUST_USE;

/*
 * The last thing before the command: the filter of system calls is loaded, for this process and all
 * that it starts. Adds what the kernel does not give to *missing, or fails: GF_FAILED_PRECONDITION
 * (it is required).
 */
enum gf_code gf_become_confined(const struct gf_become *become, uint32_t *missing,
                                struct gf_error *err) GF_MUST_USE;

/*
 * The environment, with HOME where it has none: that is the user's, which only the image knows. In
 * static memory or the list itself; at most GF_SPEC_VARIABLES_MAX.
 */
const struct gf_field_list *gf_become_environment(const struct gf_field_list *env,
                                                  const struct gf_user *user);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BECOME_H_ */
