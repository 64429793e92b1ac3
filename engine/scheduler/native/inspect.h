/*
 * What has become of an attempt, told by its directory: the way to find containers again after a
 * restart, and to learn the end of one whose shim was lost.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_INSPECT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_INSPECT_H_

#include "base/str.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/protocol.h"

enum gf_inspection_kind {
    GF_INSPECTION_CONNECTED, /* the shim lives, and here is a connection to it */
    GF_INSPECTION_HELD,      /* the shim lives but cannot be reached now: look again */
    GF_INSPECTION_EXITED,    /* the container ended, and here is how */
    GF_INSPECTION_LOST,      /* the container is gone, and nobody knows how it ended */
    GF_INSPECTION_NOTHING,   /* no container was ever started */
};

/* A value; gf_inspection_fini releases what it holds. */
struct gf_inspection {
    enum gf_inspection_kind kind;
    int socket;               /* CONNECTED: owned, not blocking; else -1 */
    struct gf_shim_exit exit; /* EXITED: borrows from `bytes` */
    const char *sentence;     /* LOST: why; static storage */
    struct gf_strbuf bytes;
};

/* Borrowed for the call. */
struct gf_inspection_subject {
    int attempts_fd; /* the directory of all attempts */
    const char *name;
    const char *boot_id; /* of the running kernel */
    const struct gf_cgroup_host *cgroups;
};

/*
 * Looks at the attempt. Where no shim lives, all that may be left of the container's processes is
 * killed first: that may take some time. Never fails: what cannot be read is lost. Thread: any that
 * may block; one attempt by one thread at a time.
 */
void gf_inspect(const struct gf_inspection_subject *subject, struct gf_inspection *out_inspection);

void gf_inspection_fini(struct gf_inspection *inspection);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_INSPECT_H_ */
