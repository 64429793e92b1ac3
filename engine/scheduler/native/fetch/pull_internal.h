/*
 * What the files of a pull share: pull.c asks what a name means, pull_layers.c brings the layers.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_INTERNAL_H_

#include "engine/scheduler/native/fetch/found.h"
#include "engine/scheduler/native/fetch/layer.h"
#include "engine/scheduler/native/fetch/pull.h"

/* A pull on its way. */
struct gf_puller {
    const struct gf_pull *pull;
    const struct gf_fetch_store *store;
    const struct gf_agent *agent;
    uint64_t last_id; /* of the jobs */
    int64_t received_bytes;
    struct gf_pull_progress progress;
    int64_t next_line_mono_ns;
};

/* Writes a line of progress, unless the last one was a moment ago and `at_once` is not set. */
void gf_puller_show(struct gf_puller *puller, bool at_once);

/* Code: GF_DEADLINE_EXCEEDED. */
enum gf_code gf_puller_check_time(const struct gf_puller *puller, struct gf_error *err) GF_MUST_USE;

/*
 * Brings all layers of the image to their places in the store, and holds them there: by the
 * caller's descriptors, one for each layer, -1 at first.
 */
enum gf_code gf_puller_bring_layers(struct gf_puller *puller, const struct gf_found_image *image,
                                    int *hold_fds, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_INTERNAL_H_ */
