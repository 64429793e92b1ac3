#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/config_diff.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"
#include "api/service/register.h"
#include "api/service/use_secrets.h"

/* ---- Validating ---- */

static Gofer__V1__ConfigProblem *problem_of(const struct gf_error *error, struct gf_arena *arena) {
    Gofer__V1__ConfigProblem *problem =
        GF_MESSAGE_NEW(arena, Gofer__V1__ConfigProblem, gofer__v1__config_problem);
    const char *reason = error->reason[0] != '\0' ? error->reason : gf_code_name(error->code);
    problem->severity = GOFER__V1__CONFIG_PROBLEM_SEVERITY__CONFIG_PROBLEM_SEVERITY_ERROR;
    problem->field = gf_message_text(gf_str_from(error->field), arena);
    problem->reason = gf_message_text(gf_str_from(reason), arena);
    problem->description = gf_message_text(gf_str_from(error->message), arena);
    return problem;
}

/* Whether the newest version of the pipeline says the same; an unknown pipeline says nothing. */
static enum gf_code is_unchanged(struct gf_read *read, const struct gf_namespace *ns,
                                 const struct gf_config *config, protobuf_c_boolean *out,
                                 struct gf_error *err) {
    struct gf_pipeline pipeline = {0};
    struct gf_config newest = {0};
    enum gf_code rc = read->store->get_pipeline(read->reader, ns->namespace_id, config->pipeline_id,
                                                read->arena, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_find_newest_config(read, &pipeline, read->arena, &newest, err);
    }
    if (rc == GF_OK || rc == GF_NOT_FOUND) {
        *out = rc == GF_OK && gf_str_eq(newest.content_hash, config->content_hash);
        rc = GF_OK;
    }
    return rc;
}

static enum gf_code validate(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ValidatePipelineConfigRequest *request = (const void *)read->request;
    struct gf_namespace ns = {0};
    struct gf_config config = {0};
    enum gf_code rc = gf_check_namespace_id(request->namespace_id, err);
    if (rc == GF_OK) {
        rc = read->store->get_namespace(read->reader, gf_request_namespace(request->namespace_id),
                                        read->arena, &ns, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__ValidatePipelineConfigResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__ValidatePipelineConfigResponse,
                       gofer__v1__validate_pipeline_config_response);
    struct gf_error problem = {0};
    read->response = &response->base;
    rc = gf_spec_check(read->services, request->spec, true, read->arena, &config, &problem);
    if (rc == GF_OK) {
        rc = gf_use_secrets_check(read->principal, ns.namespace_id, &config, &problem);
    }
    if (rc != GF_OK) {
        response->problems = GF_ARENA_ARRAY(read->arena, 1, Gofer__V1__ConfigProblem *);
        response->problems[response->n_problems++] = problem_of(&problem, read->arena);
        return GF_OK;
    }
    response->valid = true;
    response->content_hash = gf_message_text(config.content_hash, read->arena);
    return is_unchanged(read, &ns, &config, &response->unchanged, err);
}

static void start_validate(struct gf_rpc_call *call,
                           const Gofer__V1__ValidatePipelineConfigRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, validate);
}

/* ---- Reading ---- */

static enum gf_code get_config(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetPipelineConfigRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_config config = {0};
    enum gf_code rc =
        gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    if (rc == GF_OK) {
        rc = gf_find_config(read, &pipeline, request->version, &config, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetPipelineConfigResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetPipelineConfigResponse, gofer__v1__get_pipeline_config_response);
    response->config = gf_config_to_message(&config, true, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_config(struct gf_rpc_call *call,
                             const Gofer__V1__GetPipelineConfigRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_config);
}

struct config_list {
    int64_t pipeline_key;
    bool include_tasks;
    struct gf_arena scratch; /* of the configs of one fetch */
};

/* One at a time: a config may have 32 MiB. */
static enum gf_code fetch_config(struct gf_list_page *page, size_t limit, size_t *out_count,
                                 bool *out_ended, struct gf_error *err) {
    struct config_list *list = page->data;
    struct gf_config *items = NULL;
    (void)limit;
    gf_arena_reset(&list->scratch);
    const enum gf_code rc = page->read->store->list_configs(page->read->reader, list->pipeline_key,
                                                            page->position.numbers[0], 1,
                                                            &list->scratch, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count == 0;
    return rc;
}

static enum gf_code take_config(struct gf_list_page *page, size_t index, void **out_message,
                                GF_UNUSED struct gf_error *err) {
    const struct config_list *list = page->data;
    const struct gf_config *config = &((const struct gf_config *)page->items)[index];
    page->position.numbers[0] = config->version;
    *out_message = gf_config_to_message(config, list->include_tasks, page->read->arena);
    return GF_OK;
}

static enum gf_code list_configs(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListPipelineConfigsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_list_page page;
    enum gf_code rc =
        gf_list_page_of_pipeline(&page, read, "configs", request->page_size, request->namespace_id,
                                 request->pipeline_id, &pipeline, err);
    if (rc != GF_OK) {
        return rc;
    }
    struct config_list list = {.pipeline_key = pipeline.pipeline_key,
                               .include_tasks = request->include_tasks};
    gf_arena_init(&list.scratch, GF_SERVICES_ARENA_BYTES_MAX);
    page.data = &list;
    gf_page_scope_number(&page.scope, request->include_tasks);
    rc = gf_list_page_answer(&page, request->page_token, fetch_config, take_config,
                             &gofer__v1__list_pipeline_configs_response__descriptor, err);
    gf_arena_fini(&list.scratch);
    return rc;
}

static void start_list_configs(struct gf_rpc_call *call,
                               const Gofer__V1__ListPipelineConfigsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_configs);
}

/* ---- Deleting ---- */

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    return &GF_MESSAGE_NEW(self->arena, Gofer__V1__DeletePipelineConfigResponse,
                           gofer__v1__delete_pipeline_config_response)
                ->base;
}

static void start_delete_config(struct gf_rpc_call *call,
                                const Gofer__V1__DeletePipelineConfigRequest *request, void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_DELETE_CONFIG, respond_deleted);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_number(request->version, "version", &error);
    }
    input->u.deploy.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.deploy.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.deploy.version = request->version;
    gf_command_call_submit_checked(self, rc, &error);
}

const struct gofer_v1_pipeline_config_service_handlers gf_pipeline_config_service = {
    .register_pipeline_config = {.start = gf_register_start},
    .validate_pipeline_config = {.start = start_validate},
    .list_pipeline_configs = {.start = start_list_configs},
    .get_pipeline_config = {.start = start_get_config},
    .diff_pipeline_configs = {.start = gf_config_diff_start},
    .delete_pipeline_config = {.start = start_delete_config},
};
