/*
 * From the store into the core: what a step asks for, and everything that is active after a start.
 *
 * Thread: the core's. Blocks on the store.
 */
#ifndef GOFER_ENGINE_ENGINE_LOADER_H_
#define GOFER_ENGINE_ENGINE_LOADER_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/core/core.h"
#include "engine/store/store.h"

enum {
    GF_ENGINE_LOAD_PAGE_ROWS = 500, /* read at once while restoring */
};

/*
 * What the steps of one batch read with: a reader that the first of them borrows, so that all see
 * the same state and none pays for a transaction of its own. It is given back before the commit.
 */
struct gf_engine_loader {
    struct gf_store *store;
    struct gf_store_reader *reader; /* NULL = none is borrowed */
};

/*
 * Loads what `need` names and gives it to the core; what does not exist is given as that. The core
 * can then step the input again. Errors: what the store says, but for GF_NOT_FOUND.
 */
enum gf_code gf_engine_load_need(struct gf_engine_loader *loader, struct gf_core *core,
                                 const struct gf_need *need, struct gf_error *err) GF_MUST_USE;

/* Gives the reader back, if there is one. */
void gf_engine_loader_release(struct gf_engine_loader *loader);

/*
 * Makes a core with everything that is active in the store; gf_core_resume is the next to call.
 * Owned by the caller. Codes: GF_DATA_LOSS (a run that is not complete lacks something), and what
 * the store says.
 */
enum gf_code gf_engine_restore(struct gf_store *store, const struct gf_core_limits *limits,
                               struct gf_core **out_core, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_ENGINE_LOADER_H_ */
