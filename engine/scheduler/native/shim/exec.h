/*
 * A program beside the main one: a process of the shim that goes into the container (enter.h) and
 * executes it there. This is the shim's view of it.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/cgroup.h"
#include "engine/scheduler/native/shim/container.h"
#include "engine/scheduler/native/shim/exec_spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The shim's ends, none of which blocks; -1 when closed. A value in the caller's memory. */
struct gf_exec {
    pid_t pid; /* as the host sees it; 0 = none, or it was waited for */
    int pidfd;
    int ready_fd;  /* a struct gf_init_failure, or the end of file: the program runs */
    int stdin_fd;  /* with a terminal: a copy of stdout_fd */
    int stdout_fd; /* with a terminal: that */
    int stderr_fd;
    int terminal_socket_fd; /* the terminal comes from here before the program runs */
    int terminal_fd;        /* the program's end of it (terminal.c tells why) */
};

void gf_exec_init(struct gf_exec *exec);

/* The container that a program is run in. Borrowed. */
struct gf_exec_place {
    const struct gf_spec *spec;
    const struct gf_container *container;
    const struct gf_cgroup *cgroup;
    pid_t command_pid; /* of the container's program, in its pid namespace; 0 = it has none */
};

/*
 * Starts the process; the spec is borrowed until the call returns. Codes: GF_RESOURCE_EXHAUSTED (no
 * process or descriptor to be had), GF_UNAVAILABLE (the container is ending).
 */
enum gf_code gf_exec_start(const struct gf_exec_place *place, const struct gf_exec_spec *spec,
                           struct gf_exec *exec, struct gf_error *err) GF_MUST_USE;

/* Takes the terminal that the process has made; it may have failed before. */
void gf_exec_take_terminal(struct gf_exec *exec);

/* To the program alone. */
void gf_exec_signal(const struct gf_exec *exec, int number);

/*
 * Kills the program and all that it has started in its session, wherever in the container that is.
 * `spec`: of the container.
 */
void gf_exec_kill(const struct gf_exec *exec, const struct gf_cgroup *cgroup);

/*
 * Waits for the process and gives its wait status; gf_exec.pid is 0 then. False: `now` is set, and
 * it has not ended.
 */
bool gf_exec_reap(struct gf_exec *exec, bool now, int *out_status);

/* Closes all descriptors. */
void gf_exec_close(struct gf_exec *exec);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_H_ */
