/*
 * A pull: one image from a registry into a store.
 *
 * The network process (agent.h) fetches, this one checks and unpacks: manifests against the digest
 * that was asked for, blobs against the manifest, layers against the configuration, as an import
 * does. A layer that the store has is not fetched; one that another program is fetching is waited
 * for. Each layer is moved to its place as soon as it is checked and on the disk, so that others
 * can use it, and a pull that is broken off has not been in vain. Record and name follow at the
 * end.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/agent.h"
#include "engine/scheduler/native/fetch/limits.h"
#include "engine/scheduler/native/fetch/progress.h"
#include "engine/scheduler/native/fetch/store.h"
#include "engine/scheduler/native/images/pull_request.h"

/* All is borrowed for the call. */
struct gf_pull {
    struct gf_reference reference;
    const char (*hosts)[GF_PULL_HOST_CHARS_MAX + 1]; /* of the sources, in their order */
    size_t host_count;
    const struct gf_fetch_limits *limits;
    int64_t deadline_mono_ns;
    int64_t now_wall_ns; /* when the image comes into the store */
    int progress_fd;     /* where the lines of progress go */
    struct gf_progress *progress;
};

/*
 * Pulls into a store in which gf_fetch_store_begin was called. Codes: GF_NOT_FOUND
 * (IMAGE_NOT_FOUND), GF_PERMISSION_DENIED (REGISTRY_REFUSED, or where the registry leads to),
 * GF_UNAVAILABLE (REGISTRY_UNAVAILABLE), GF_INVALID_ARGUMENT (ARCHIVE_INVALID, DIGEST_MISMATCH,
 * PLATFORM_MISSING), GF_RESOURCE_EXHAUSTED (IMAGE_TOO_LARGE, REGISTRY_BUSY, no space),
 * GF_DEADLINE_EXCEEDED, GF_INTERNAL (the network process has ended).
 */
enum gf_code gf_pull_run(const struct gf_pull *pull, const struct gf_fetch_store *store,
                         const struct gf_agent *agent, struct gf_pull_result *out,
                         struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_H_ */
