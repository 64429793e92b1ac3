/*
 * The way of a program into a container that runs: what its process does between its birth in the
 * container's pid namespace and the program.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ENTER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ENTER_H_

#include "base/macros.h"
#include "engine/scheduler/native/shim/exec_spec.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/user_namespace.h"

#include <sys/types.h>

/* Copies of the shim's descriptors; all that the process has besides is closed first. */
struct gf_enter {
    const struct gf_spec *container;
    const struct gf_exec_spec *spec;
    const struct gf_user_namespace *user_namespace; /* of the container */
    pid_t command_pid;                              /* see struct gf_exec_place */
    int container_pidfd;                            /* of process 1 */
    int go_fd;    /* gives a byte when the process is in all control groups */
    int ready_fd; /* see init.h */
    int stdin_fd; /* -1 with a terminal, as the next two */
    int stdout_fd;
    int stderr_fd;
    int terminal_socket_fd; /* to hand the terminal over; -1: the program gets none */
};

/* Executes the program. A failure is told through ready_fd. */
GF_NORETURN void gf_enter_run(const struct gf_enter *enter);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ENTER_H_ */
