/*
 * One container: its processes as the shim sees them. gf_container_start makes the namespaces and
 * the first process in them, which goes through all of its set-up alone (container.c tells the
 * order) and then waits; the shim meanwhile makes what belongs to it outside (control groups,
 * network, records) and lets it go on in two steps.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTAINER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTAINER_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/spec.h"
#include "engine/scheduler/native/shim/user_namespace.h"

#include <sys/types.h>

/* The shim's ends; -1 when closed. A value in the caller's memory. */
struct gf_container {
    /* Of the container; for those that join it later, while missing_protections does not name it.
     */
    struct gf_user_namespace user_namespace;
    pid_t pid; /* of process 1, as the host sees it; 0 = none */
    int pidfd;
    int stdin_fd;  /* the input to write, never blocking; -1: there is none */
    int stdout_fd; /* the output to read; a terminal, where the command has one */
    int stderr_fd;
    int terminal_socket_fd; /* from which the terminal comes */
    int terminal_fd;        /* the command's end of it, held until the command ends (terminal.c) */
    int ready_fd;           /* a struct gf_init_failure, or the end of file: the command runs */
    int status_fd;          /* a struct gf_init_status when the command has ended */
    int go_fd;
};

void gf_container_init(struct gf_container *container);

/*
 * Starts the first process, in the v2 control group behind cgroup_fd (-1: none). The spec is
 * borrowed until the call returns: the process has a copy of it.
 */
enum gf_code gf_container_start(const struct gf_spec *spec, int cgroup_fd,
                                struct gf_container *container, struct gf_error *err) GF_MUST_USE;

/*
 * Takes the terminal that the first process has made, once it executes the command; where the
 * command has none, nothing happens.
 */
void gf_container_take_terminal(struct gf_container *container, const struct gf_spec *spec);

/* The control groups and the network are there: lets the first process join them. */
void gf_container_let_join(struct gf_container *container);

/* The container can be found: lets the command run. */
void gf_container_let_run(struct gf_container *container);

/* Sends a signal to process 1. SIGKILL ends the container; all others are passed to the command. */
void gf_container_signal(const struct gf_container *container, int number);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CONTAINER_H_ */
