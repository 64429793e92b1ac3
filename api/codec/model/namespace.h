/*
 * Namespaces as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_NAMESPACE_H_
#define GOFER_API_CODEC_MODEL_NAMESPACE_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/namespace.pb-c.h"

Gofer__V1__Namespace *gf_namespace_to_message(const struct gf_namespace *ns,
                                              struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_NAMESPACE_H_ */
