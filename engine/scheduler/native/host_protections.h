/*
 * What this host gives to containers, found out once by trying it.
 *
 * Thread: any, after gf_host_protections_probe.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_HOST_PROTECTIONS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_HOST_PROTECTIONS_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/native.h"

#include <stdint.h>

enum {
    GF_HOST_PROTECTION_REASON_BYTES_MAX = GF_ERROR_MESSAGE_BYTES_MAX
};

/* A value in the caller's memory. */
struct gf_host_protections {
    uint32_t missing; /* of engine/core/protection.h */
    struct {
        uint32_t protection;
        char reason[GF_HOST_PROTECTION_REASON_BYTES_MAX]; /* "" = given */
    } items[GF_NATIVE_PROTECTIONS_MAX];
    size_t count;
};

struct gf_host_probe {
    int program_fd;    /* the shim, which tries */
    const char *stage; /* where containers are mounted: on the file system of the images */
    int64_t user_id_first;
    const struct gf_cgroup_host *cgroups;
    const char
        *disk_why_not; /* what a container writes to disk is not limited: why; NULL = it is */
};

/* Never fails: what cannot be tried is missing. Blocks for some milliseconds. */
void gf_host_protections_probe(const struct gf_host_probe *probe,
                               struct gf_host_protections *out_protections);

/* The protection is missing, for this reason. */
void gf_host_protections_miss(struct gf_host_protections *protections, uint32_t protection,
                              const char *reason);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_HOST_PROTECTIONS_H_ */
