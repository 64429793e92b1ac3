/*
 * Pipelines as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_PIPELINE_H_
#define GOFER_API_CODEC_MODEL_PIPELINE_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/pipeline.pb-c.h"

/* `shown` is the config whose name, description and labels stand for the pipeline. */
Gofer__V1__Pipeline *gf_pipeline_to_message(const struct gf_pipeline *pipeline,
                                            const struct gf_config *shown, struct gf_arena *arena);

/* The version of that config: the live one, or the newest if nothing is live. */
static inline int64_t gf_pipeline_shown_version(const struct gf_pipeline *pipeline) {
    return pipeline->live_version != 0 ? pipeline->live_version : pipeline->latest_version;
}

#endif /* GOFER_API_CODEC_MODEL_PIPELINE_H_ */
