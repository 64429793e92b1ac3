/*
 * How the runs of a pipeline have fared, as messages. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_STATS_H_
#define GOFER_API_CODEC_MODEL_STATS_H_

#include "base/arena.h"
#include "engine/core/model.h"
#include "gofer/v1/pipeline.pb-c.h"

/* window_ns: above 0. */
Gofer__V1__PipelineStats *gf_run_stats_to_message(const struct gf_run_stats *stats,
                                                  int64_t window_ns, struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_STATS_H_ */
