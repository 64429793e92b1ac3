/*
 * The check of a spec, shared by RegisterPipelineConfig and ValidatePipelineConfig.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_REGISTER_H_
#define GOFER_API_SERVICE_REGISTER_H_

#include "api/service/services.h"
#include "engine/core/model.h"
#include "gofer/v1/pipeline_config.gofer.h"

/*
 * Reads and checks a spec, and that its images are there where `with_images` is set. Errors are on
 * fields from "spec" on. Codes: GF_INVALID_ARGUMENT, GF_UNIMPLEMENTED, GF_NOT_FOUND (an image,
 * reason IMAGE_NOT_FOUND).
 */
enum gf_code gf_spec_check(struct gf_services *services, const Gofer__V1__PipelineSpec *spec,
                           bool with_images, struct gf_arena *arena, struct gf_config *out,
                           struct gf_error *err) GF_MUST_USE;

void gf_register_start(struct gf_rpc_call *call,
                       const Gofer__V1__RegisterPipelineConfigRequest *request, void *ctx);

#endif /* GOFER_API_SERVICE_REGISTER_H_ */
