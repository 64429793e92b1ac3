/*
 * Deployments as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_DEPLOYMENT_H_
#define GOFER_API_CODEC_MODEL_DEPLOYMENT_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/deployment.pb-c.h"

Gofer__V1__Deployment *gf_deployment_to_message(const struct gf_deployment *deployment,
                                                struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_DEPLOYMENT_H_ */
