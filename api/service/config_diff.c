#include "api/service/config_diff.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/spec_diff.h"
#include "api/service/lookup.h"
#include "api/service/read_call.h"

#include <inttypes.h>

static enum gf_code check_version(int64_t version, const char *field, struct gf_error *err) {
    if (version < 0) {
        return gf_fail_field(err, field, "value is %" PRId64 ", expected 0 or more", version);
    }
    return GF_OK;
}

/* A spec that is not registered. That its images are there is not asked: it shall not run yet. */
static enum gf_code read_spec(struct gf_read *read, const struct gf_pipeline *pipeline,
                              const Gofer__V1__PipelineSpec *spec, struct gf_config *out,
                              struct gf_error *err) {
    const enum gf_code rc = gf_config_from_spec(spec, read->arena, out, err);
    if (rc != GF_OK) {
        return gf_wrap_field(err, err->field[0] == '\0' ? "target_spec" : "target_spec.");
    }
    if (!gf_str_eq(out->pipeline_id, pipeline->pipeline_id)) {
        return gf_fail_field(err, "target_spec.id",
                             "spec is of pipeline '%" GF_STR_FMT "', expected '%" GF_STR_FMT "'",
                             GF_STR_ARG(out->pipeline_id), GF_STR_ARG(pipeline->pipeline_id));
    }
    return GF_OK;
}

static enum gf_code find_target(struct gf_read *read, const struct gf_pipeline *pipeline,
                                struct gf_config *out, struct gf_error *err) {
    const Gofer__V1__DiffPipelineConfigsRequest *request = (const void *)read->request;
    switch ((int)request->target_case) {
    case GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_VERSION:
        if (request->target_version == 0) {
            return gf_find_newest_config(read, pipeline, read->arena, out, err);
        }
        return gf_find_config(read, pipeline, request->target_version, out, err);
    case GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_SPEC:
        return read_spec(read, pipeline, request->target_spec, out, err);
    default:
        return gf_fail_field(err, "target", "expected target_version or target_spec");
    }
}

static enum gf_code find_both(struct gf_read *read, struct gf_config *out_base,
                              struct gf_config *out_target, struct gf_error *err) {
    const Gofer__V1__DiffPipelineConfigsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    enum gf_code rc = check_version(request->base_version, "base_version", err);
    if (rc == GF_OK &&
        request->target_case == GOFER__V1__DIFF_PIPELINE_CONFIGS_REQUEST__TARGET_TARGET_VERSION) {
        rc = check_version(request->target_version, "target_version", err);
    }
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_config(read, &pipeline, request->base_version, out_base, err);
    }
    return rc == GF_OK ? find_target(read, &pipeline, out_target, err) : rc;
}

static enum gf_code diff_configs(struct gf_read *read, struct gf_error *err) {
    struct gf_config base = {0};
    struct gf_config target = {0};
    const enum gf_code rc = find_both(read, &base, &target, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__DiffPipelineConfigsResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__DiffPipelineConfigsResponse,
                       gofer__v1__diff_pipeline_configs_response);
    read->response = &response->base;
    if (gf_str_eq(base.content_hash, target.content_hash)) {
        return GF_OK;
    }
    const Gofer__V1__PipelineConfig *before = gf_config_to_message(&base, true, read->arena);
    const Gofer__V1__PipelineConfig *after = gf_config_to_message(&target, true, read->arena);
    return gf_spec_diff(before->spec, after->spec, read->arena, &response->changes,
                        &response->n_changes, err);
}

void gf_config_diff_start(struct gf_rpc_call *call,
                          const Gofer__V1__DiffPipelineConfigsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, diff_configs);
}
