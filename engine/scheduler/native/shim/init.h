/*
 * The container's process 1: starts the command, passes signals on to it, reaps whatever is
 * orphaned in the container, and ends when the command does, which ends everything else in the
 * container.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INIT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INIT_H_

#include "base/macros.h"
#include "engine/scheduler/native/fields.h"

#include <stdbool.h>
#include <stdint.h>

/* What process 1 tells the shim when the command has ended; one write to the status pipe. */
struct gf_init_status {
    bool signaled;
    int32_t value;       /* the signal's number when signaled, else the exit code */
    int64_t cpu_time_ns; /* of all that was reaped */
};

/*
 * What a process tells the shim on the way to the command; each is one write to the ready pipe.
 * First that it is about to execute it, with the time, because the shim may be scheduled only after
 * a short command has ended; then, where that does not succeed, why.
 */
enum {
    GF_INIT_FAILURE_BYTES_MAX = 512,
    GF_INIT_EXECUTES = -1, /* as exit_code: no failure, the command is executed at wall_ns */
};
struct gf_init_failure {
    int64_t wall_ns;
    int32_t pid; /* of the command, in its pid namespace */
    int32_t exit_code;
    uint32_t missing_protections;             /* of GF_INIT_EXECUTES */
    char sentence[GF_INIT_FAILURE_BYTES_MAX]; /* ends with a NUL */
};

/* Writes a failure to the ready pipe and ends the process. */
GF_NORETURN void gf_init_fail(int ready_fd, int exit_code, const char *sentence);

/*
 * What the command runs with; arrays as for execve. Borrowed. The texts of env are wiped once the
 * command has them: nothing of it stays in process 1.
 */
struct gf_init_command {
    const struct gf_field_list *args;
    const struct gf_field_list *env;
    uint32_t missing_protections; /* what the container goes without; passed on to the shim */
    bool idle;     /* there is none: process 1 waits for the end of the container alone */
    bool terminal; /* standard output is a terminal, for the command to control */
};

/*
 * Executes the command in the place of the calling process, with the signals of a fresh login. A
 * failure is told through ready_fd. The last step for every program of a container, whoever starts
 * it.
 */
GF_NORETURN void gf_init_execute(const struct gf_init_command *command, int ready_fd);

/*
 * Becomes process 1. The calling process has its final rights, working directory and standard
 * streams, and no descriptors but those and the two pipes, which close on exec: the end of file on
 * the ready pipe tells that the command runs.
 */
GF_NORETURN void gf_init_run(const struct gf_init_command *command, int ready_fd, int status_fd);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_INIT_H_ */
