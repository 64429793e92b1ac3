/*
 * The control groups of one container: made, joined, read and removed by its shim. Which
 * directories, the server says in the spec: one for all controllers (cgroup v2) or one for each
 * (v1), or a mixture (hybrid hosts). A controller that the host lacks has no directory and its
 * limit is not enforced.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CGROUP_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CGROUP_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Directories that are open; -1 where there is none. A value in the caller's memory. */
struct gf_cgroup {
    const struct gf_spec *spec; /* borrowed */
    int unified_fd;
    int pids_fd;   /* the same number as unified_fd where v2 has the controller */
    int memory_fd; /* the same number as unified_fd where v2 has the controller */
};

void gf_cgroup_init(struct gf_cgroup *cgroup, const struct gf_spec *spec);

/* Makes the v2 group with its limits: before the container, which is born into unified_fd. */
enum gf_code gf_cgroup_make_unified(struct gf_cgroup *cgroup, struct gf_error *err) GF_MUST_USE;

/* Makes the v1 groups with their limits and puts the process into them. */
enum gf_code gf_cgroup_make_split(struct gf_cgroup *cgroup, pid_t pid,
                                  struct gf_error *err) GF_MUST_USE;

/* Puts one more process of the container into the v1 groups. */
enum gf_code gf_cgroup_join_split(const struct gf_cgroup *cgroup, pid_t pid,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Calls fn for every process that is in the container's groups, as the host sees it. Where the host
 * has no groups at all: for none.
 */
void gf_cgroup_each_process(const struct gf_cgroup *cgroup, void (*fn)(pid_t pid, void *ctx),
                            void *ctx);

struct gf_cgroup_usage {
    int64_t peak_memory_bytes; /* 0 = unknown */
    int64_t cpu_time_ns;       /* 0 = unknown */
    int64_t peak_pid_count;    /* without the container's own process 1; 0 = unknown */
    bool oom_killed;           /* the kernel killed something at the memory limit */
};

void gf_cgroup_read_usage(const struct gf_cgroup *cgroup, struct gf_cgroup_usage *out_usage);

/*
 * Removes the groups, whose processes have ended. The kernel may need a moment to let go of them
 * after the last exit: waits up to about a second; what then still stands is left to the server.
 */
void gf_cgroup_remove(struct gf_cgroup *cgroup);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_CGROUP_H_ */
