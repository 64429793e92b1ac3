/*
 * Pipelines as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_PIPELINE_H_
#define GOFER_API_CODEC_MODEL_PIPELINE_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/pipeline.pb-c.h"

/* `shown` is the config whose name, description and labels stand for the pipeline; may be zeroed.
 */
Gofer__V1__Pipeline *gf_pipeline_to_message(const struct gf_pipeline *pipeline,
                                            const struct gf_config *shown, struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_PIPELINE_H_ */
