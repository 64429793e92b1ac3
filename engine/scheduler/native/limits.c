#include "engine/scheduler/native/limits.h"

#include "engine/core/protection.h"

#include <unistd.h>

static int64_t choose(int64_t wanted, int64_t otherwise, int64_t most) {
    const int64_t value = wanted > 0 ? wanted : otherwise;
    return most > 0 && (value <= 0 || value > most) ? most : value;
}

/* A limit that no controller enforces is none. */
static void check(struct gf_limits *limits, int64_t *value, const struct gf_cgroup_host *cgroups,
                  enum gf_cgroup_controller controller, uint32_t protection) {
    if (*value > 0 && !gf_cgroup_host_has(cgroups, controller)) {
        *value = 0;
        limits->missing |= protection;
    }
}

struct gf_limits gf_limits_choose(const struct gf_resources *wanted,
                                  const struct gf_resources *defaults,
                                  const struct gf_resources *maximums,
                                  const struct gf_cgroup_host *cgroups) {
    struct gf_limits limits = {
        .resources =
            {
                .cpu_millis =
                    choose(wanted->cpu_millis, defaults->cpu_millis, maximums->cpu_millis),
                .memory_bytes =
                    choose(wanted->memory_bytes, defaults->memory_bytes, maximums->memory_bytes),
                .pid_count = choose(wanted->pid_count, defaults->pid_count, maximums->pid_count),
                .disk_bytes =
                    choose(wanted->disk_bytes, defaults->disk_bytes, maximums->disk_bytes),
            },
    };
    struct gf_resources *given = &limits.resources;
    check(&limits, &given->memory_bytes, cgroups, GF_CGROUP_MEMORY, GF_PROTECTION_MEMORY_LIMIT);
    check(&limits, &given->cpu_millis, cgroups, GF_CGROUP_CPU, GF_PROTECTION_CPU_LIMIT);
    check(&limits, &given->pid_count, cgroups, GF_CGROUP_PIDS, GF_PROTECTION_PID_LIMIT);
    return limits;
}

int64_t gf_limits_in_memory(int64_t disk_bytes) {
    const int64_t half = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
    return disk_bytes < half ? disk_bytes : 0;
}
