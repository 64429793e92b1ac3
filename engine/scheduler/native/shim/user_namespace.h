/*
 * The user namespace of a container: its root, and all of its users, are ids of the host that
 * nobody else has.
 *
 * It is made first, because what the container will own must be given to its ids, and entered last:
 * every other namespace, and all that was mounted, belongs to the host's and stays out of reach of
 * the container's root.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_NAMESPACE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_NAMESPACE_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>
#include <sys/types.h>

/* A value in the caller's memory; GF_USER_NAMESPACE_NONE is a container without one. */
struct gf_user_namespace {
    int fd;       /* -1: none */
    uid_t first;  /* id 0 of the container, on the host; 0: none */
    pid_t holder; /* the process that it was made with; 0: reaped */
};

#define GF_USER_NAMESPACE_NONE ((struct gf_user_namespace){.fd = -1})

/*
 * Makes a namespace whose ids 0 to GF_SHIM_USER_IDS - 1 are those of the host from `first` on.
 * Nobody is in it but a process that has been killed already: reap it when there is time.
 */
enum gf_code gf_user_namespace_make(int64_t first, struct gf_user_namespace *out_namespace,
                                    struct gf_error *err) GF_MUST_USE;
void gf_user_namespace_reap(struct gf_user_namespace *user_namespace);

/* Lets go of it: the container has none. Does not reap. */
void gf_user_namespace_drop(struct gf_user_namespace *user_namespace);

/*
 * Enters it and becomes its root, with all capabilities in it and none outside; does nothing where
 * there is none. For the first process of a container, and for those that join it.
 */
enum gf_code gf_user_namespace_enter(const struct gf_user_namespace *user_namespace,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_NAMESPACE_H_ */
