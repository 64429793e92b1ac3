/*
 * Masks of updates: which fields a caller wants to change. Thread: any.
 */
#ifndef GOFER_API_SERVICE_UPDATE_MASK_H_
#define GOFER_API_SERVICE_UPDATE_MASK_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>

#include <google/protobuf/field_mask.pb-c.h>

/*
 * Calls `set` with each name; it gives false for what is no field that can be changed. Code:
 * GF_INVALID_ARGUMENT on "update_mask" (it names nothing) or "update_mask.paths[i]".
 */
enum gf_code gf_read_update_mask(const Google__Protobuf__FieldMask *mask,
                                 bool (*set)(void *ctx, struct gf_str name), void *ctx,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_UPDATE_MASK_H_ */
