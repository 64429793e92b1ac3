#include "api/codec/model/pipeline.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"

/*
 * The message of a pipeline, with the head of its config. The config is read into an arena of its
 * own, because it may be large and most of it is not shown.
 */
static enum gf_code show_pipeline(struct gf_read *read, const struct gf_pipeline *pipeline,
                                  Gofer__V1__Pipeline **out, struct gf_error *err) {
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_config config = {0};
    const enum gf_code rc =
        read->store->get_config(read->reader, pipeline->pipeline_key,
                                gf_pipeline_shown_version(pipeline), &scratch, &config, err);
    if (rc == GF_OK) {
        *out = gf_pipeline_to_message(pipeline, &config, read->arena);
    }
    gf_arena_fini(&scratch);
    return rc;
}

static enum gf_code get_pipeline(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetPipelineRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    Gofer__V1__GetPipelineResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetPipelineResponse, gofer__v1__get_pipeline_response);
    enum gf_code rc =
        gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    if (rc == GF_OK) {
        rc = show_pipeline(read, &pipeline, &response->pipeline, err);
    }
    if (rc == GF_OK && pipeline.live_version != 0) {
        struct gf_config config = {0};
        rc = gf_find_config(read, &pipeline, 0, &config, err);
        if (rc == GF_OK) {
            response->live_config = gf_config_to_message(&config, true, read->arena);
        }
    }
    read->response = &response->base;
    return rc;
}

static void start_get_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__GetPipelineRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_pipeline);
}

static enum gf_code fetch_pipelines(struct gf_list_page *page, size_t limit, size_t *out_count,
                                    bool *out_ended, struct gf_error *err) {
    const struct gf_namespace *ns = page->data;
    struct gf_pipeline *items = NULL;
    const enum gf_code rc = page->read->store->list_pipelines(
        page->read->reader, ns->namespace_key, page->position.text, limit, page->read->arena,
        &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_pipeline(struct gf_list_page *page, size_t index, void **out_message,
                                  struct gf_error *err) {
    const struct gf_pipeline *pipeline = &((const struct gf_pipeline *)page->items)[index];
    Gofer__V1__Pipeline *message = NULL;
    page->position.text = pipeline->pipeline_id;
    const enum gf_code rc = show_pipeline(page->read, pipeline, &message, err);
    *out_message = message;
    return rc;
}

static enum gf_code list_pipelines(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListPipelinesRequest *request = (const void *)read->request;
    struct gf_namespace ns = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_check_namespace_id(request->namespace_id, err);
    if (rc == GF_OK) {
        rc = gf_list_page_init(&page, read, "pipelines", request->page_size, err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_namespace(read->reader, gf_request_namespace(request->namespace_id),
                                        read->arena, &ns, err);
    }
    if (rc == GF_OK) {
        page.data = &ns;
        gf_token_scope_number(&page.scope, ns.namespace_key);
        rc = gf_list_page_read(&page, request->page_token, fetch_pipelines, take_pipeline, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__ListPipelinesResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__ListPipelinesResponse, gofer__v1__list_pipelines_response);
    response->pipelines = (Gofer__V1__Pipeline **)page.messages;
    response->n_pipelines = page.count;
    response->next_page_token = page.next_page_token;
    read->response = &response->base;
    return GF_OK;
}

static void start_list_pipelines(struct gf_rpc_call *call,
                                 const Gofer__V1__ListPipelinesRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_pipelines);
}

const struct gofer_v1_pipeline_service_handlers gf_pipeline_service = {
    .list_pipelines = {.start = start_list_pipelines},
    .get_pipeline = {.start = start_get_pipeline},
};
