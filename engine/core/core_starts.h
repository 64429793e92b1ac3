/*
 * A START_EXTENSION_RUNS while its step goes on: what extension_starts.c and start_lookup.c share.
 */
#ifndef GOFER_ENGINE_CORE_CORE_STARTS_H_
#define GOFER_ENGINE_CORE_CORE_STARTS_H_

#include "engine/core/core_internal.h"

struct core_starts {
    struct gf_core *core;
    const struct gf_extension_start *given;
    struct core_extension *extension;
    struct core_delivery *delivery; /* that is tried again; NULL = the extension wants it now */
    struct gf_map_i64 asked;        /* pipelines that are asked for already */
    bool lost;                      /* the store has not what it must have */
    struct gf_error refusal;        /* of every run; code GF_OK = there is none */
    int32_t chain_depth;
    const struct gf_variable *variables;
    struct gf_str key;     /* in the batch's arena */
    struct gf_str content; /* likewise, once it is needed */
};

/* The delivery that is tried. False: return *out_step. */
bool gf_core__starts_find_delivery(struct core_starts *starts, const struct gf_input *input,
                                   struct gf_need *out_need, enum gf_step *out_step);
/* Finds all that is wanted, in the intake's `wanted`. False: something is asked for. */
bool gf_core__starts_find_all(struct core_starts *starts, struct gf_need *out_need);
/* What is to be done anew: the key is free, or its delivery is tried again. */
bool gf_core__starts_is_open(const struct core_starts *starts, const struct core_start_key *known);

#endif /* GOFER_ENGINE_CORE_CORE_STARTS_H_ */
