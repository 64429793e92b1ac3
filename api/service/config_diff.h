/*
 * PipelineConfigService.DiffPipelineConfigs.
 */
#ifndef GOFER_API_SERVICE_CONFIG_DIFF_H_
#define GOFER_API_SERVICE_CONFIG_DIFF_H_

#include "api/service/services.h"
#include "gofer/v1/pipeline_config.gofer.h"

/* Thread: rpc. */
void gf_config_diff_start(struct gf_rpc_call *call,
                          const Gofer__V1__DiffPipelineConfigsRequest *request, void *ctx);

#endif /* GOFER_API_SERVICE_CONFIG_DIFF_H_ */
