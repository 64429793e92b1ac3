/* The inside of extension_care.h. */
#ifndef GOFER_API_SERVER_EXTENSION_CARE_INTERNAL_H_
#define GOFER_API_SERVER_EXTENSION_CARE_INTERNAL_H_

#include "api/server/extension_care.h"
#include "base/map.h"
#include "base/sync.h"
#include "engine/core/core.h"
#include "engine/scheduler/native/images/reference.h"

#include <stdatomic.h>

enum {
    CARE_TROUBLE_BYTES = 512,
    CARE_STEP_BYTES_MAX = 64 << 20, /* of memory for one extension */
};

struct provided {
    char *name;
    bool done;                        /* it was looked at */
    char trouble[CARE_TROUBLE_BYTES]; /* empty: none */
};

struct gf_extension_care {
    struct gf_extension_care_options options;
    struct gf_arena arena; /* of what is copied */
    struct gf_timer timer;
    _Atomic bool stopping;
    _Atomic bool updating;  /* run_updates waits or runs */
    struct gf_map_i64 told; /* extension_key -> hash of the last failure; by that job alone */
    struct gf_mutex mutex;  /* guards what follows */
    struct provided provided[GF_PROVIDED_EXTENSIONS_MAX];
    size_t provided_count;
};

/* Gives a command to the engine and waits until it is durable. What the reply borrows is gone
 * then; *out_changed tells whether it changed something. On a worker. */
enum gf_code gf_care__command(struct gf_extension_care *care, const struct gf_input *input,
                              bool *out_changed, struct gf_error *err) GF_MUST_USE;

/*
 * What to ask the registry for where an extension of this image has the policy MINOR or PATCH: the
 * range that it names, or the versions from its tag on, which is a version or the beginning of one
 * ("1.4.2", "1.4", with MINOR "1"). False: there is nothing that could be followed.
 */
bool gf_care__pattern(struct gf_str image, enum gf_extension_update_policy policy,
                      char out[GF_REFERENCE_BYTES]);

/* Jobs of the long pool. */
void gf_care__run_provided(void *care);
void gf_care__run_updates(void *care);

#endif /* GOFER_API_SERVER_EXTENSION_CARE_INTERNAL_H_ */
