/*
 * Follows a container from the start of its command to its end: moves its output, answers the
 * control socket, enforces the time limit, and finds out how it ended.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SUPERVISOR_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SUPERVISOR_H_

#include "base/error.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/cgroup.h"
#include "engine/scheduler/native/shim/container.h"
#include "engine/scheduler/native/shim/control.h"
#include "engine/scheduler/native/shim/init.h"
#include "engine/scheduler/native/shim/pump.h"
#include "engine/scheduler/native/shim/sessions.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* How long output may still come after all processes have ended: nobody is left to write it. */
    GF_SUPERVISOR_DRAIN_MS_MAX = 2000,
};

/* A value in the caller's memory. All pointers are borrowed. */
struct gf_supervisor {
    const struct gf_spec *spec;
    struct gf_container *container;
    struct gf_cgroup *cgroup;
    struct gf_pump *pump;
    struct gf_control *control;
    struct gf_sessions *sessions;
    int signal_fd; /* the signals that end the shim: they stop the container; -1: none */

    /* What has become known; private from here on. */
    bool running;
    bool status_known;
    bool reaped;
    bool timed_out;
    bool stopped;
    uint32_t missing_protections;
    int root_fd;          /* of the container; tells how much it has written; -1: not known */
    pid_t command_pid;    /* in the container's pid namespace */
    int64_t execute_time; /* when process 1 was about to execute the command */
    int64_t start_time;
    int64_t time_limit_ns; /* monotonic; GF_NEVER: none */
    int64_t kill_ns;       /* when the grace period ends */
    int64_t drain_ns;      /* when output is no longer waited for */
    struct gf_init_status status;
    struct gf_init_failure failure;
};

/* The fields above the line are set by the caller; this clears the others. */
void gf_supervisor_init(struct gf_supervisor *supervisor);

/*
 * Returns when the command has ended and all output is in the log; process 1 may still have to be
 * waited for. The texts of out_exit are borrowed from the supervisor and the spec.
 */
void gf_supervisor_run(struct gf_supervisor *supervisor, struct gf_shim_exit *out_exit);

/* Deals with a STOP or SIGNAL request; a gf_control_request_fn whose ctx is the supervisor. */
void gf_supervisor_request(const struct gf_shim_message *request, void *ctx);

/* Waits for process 1. After it, all processes of the container have ended. */
void gf_supervisor_reap(struct gf_supervisor *supervisor);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SUPERVISOR_H_ */
