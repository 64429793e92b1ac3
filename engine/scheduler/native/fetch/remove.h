/*
 * Taking images out of the store: names, images with all of their names, and the layers that no
 * image needs any more.
 *
 * Names go first, then images, then layers, each brought to the disk before the next: whatever
 * happens in between, what a name or a record refers to is there. What goes is moved to tmp/ and
 * removed there, so that what is left of a killed removal goes with the next program.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REMOVE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REMOVE_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/store.h"

/*
 * Removes from a store in which gf_fetch_store_begin was called; closing the store frees what was
 * moved. A target is a name, or the digest of an image; one that is not there is fine. Without any,
 * layers that nobody needs are removed. They are left alone while a record cannot be read, as
 * nobody knows what it needs. Codes: GF_INVALID_ARGUMENT (no reference), those of base/file.h.
 */
enum gf_code gf_remove(const struct gf_fetch_store *store, const char *const *targets, size_t count,
                       struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_REMOVE_H_ */
