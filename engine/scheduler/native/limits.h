/*
 * The resources of one container: what its task asks for, what the server gives those that do not
 * say, what it allows at most, and what of that this host can enforce.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_LIMITS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_LIMITS_H_

#include "engine/core/model.h"
#include "engine/scheduler/native/cgroup_host.h"

#include <stdint.h>

struct gf_limits {
    struct gf_resources resources; /* to be enforced; 0 = no limit */
    uint32_t missing;              /* of protection.h: limits that are wanted and cannot be had */
};

/*
 * A resource that the task does not name gets the default; nothing gets more than the maximum, and
 * where there is a maximum nothing is without a limit. A limit without a control group controller
 * becomes 0 and is missing. The disk is not looked at: whether its limit can be had depends on
 * where the container writes.
 */
struct gf_limits gf_limits_choose(const struct gf_resources *wanted,
                                  const struct gf_resources *defaults,
                                  const struct gf_resources *maximums,
                                  const struct gf_cgroup_host *cgroups);

/*
 * How large the file system of a container may be that writes to memory: the limit, but never more
 * than half of this machine's. 0 = the kernel's own limit, which is that half.
 */
int64_t gf_limits_in_memory(int64_t disk_bytes);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_LIMITS_H_ */
