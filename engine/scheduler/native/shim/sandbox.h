/*
 * The set-up of a container from inside: what its first process does between its birth and the
 * command.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SANDBOX_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SANDBOX_H_

#include "base/macros.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/user_namespace.h"

/*
 * What the first process gets from the shim: copies of the shim's descriptors. All of them must
 * have numbers above 7, and all that the process has besides is closed on the way.
 */
struct gf_sandbox {
    const struct gf_spec *spec;
    struct gf_user_namespace user_namespace;
    int shim_pidfd; /* whose network namespace is joined */
    int stdin_fd;   /* -1: the input is empty, or the terminal */
    int stdout_fd;  /* -1 with a terminal, as the next one */
    int stderr_fd;
    int terminal_socket_fd; /* to hand the terminal over; -1: the command gets none */
    int ready_fd;           /* see init.h */
    int status_fd;          /* see init.h */
    int go_fd; /* gives a byte when it may join the network, and one when the command may run */
};

/* Sets the container up and becomes its process 1. A failure is told through ready_fd. */
GF_NORETURN void gf_sandbox_run(struct gf_sandbox *sandbox);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SANDBOX_H_ */
