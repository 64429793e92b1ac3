#include "api/codec/model/message.h"
#include "api/codec/model/secret.h"
#include "api/service/list.h"
#include "api/service/secret_calls.h"
#include "base/identifier.h"

/* ---- The place ---- */

/* Finds the pipeline, and checks the key. */
static enum gf_code find_place(struct gf_read *read, const char *namespace_id,
                               const char *pipeline_id, const char *key,
                               struct gf_pipeline *out_pipeline, struct gf_secret_place *out,
                               struct gf_error *err) {
    enum gf_code rc = gf_check_pipeline_ids(namespace_id, pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(key), "key", err);
    }
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, namespace_id, pipeline_id, out_pipeline, err);
    }
    if (rc == GF_OK) {
        *out = (struct gf_secret_place){
            .namespace_key = out_pipeline->namespace_key,
            .pipeline_key = out_pipeline->pipeline_key,
            .key = gf_str_from(key),
        };
    }
    return rc;
}

/* ---- Reading ---- */

static enum gf_code fetch(struct gf_list_page *page, size_t limit, size_t *out_count,
                          bool *out_ended, struct gf_error *err) {
    const struct gf_pipeline *pipeline = page->data;
    struct gf_secret *items = NULL;
    const enum gf_code rc =
        gf_vault_list(page->read->services->vault, pipeline->namespace_key, pipeline->pipeline_key,
                      page->position.text, limit, page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take(struct gf_list_page *page, size_t index, void **out_message,
                         GF_UNUSED struct gf_error *err) {
    const struct gf_secret *secret = &((const struct gf_secret *)page->items)[index];
    page->position.text = secret->place.key;
    *out_message = gf_secret_to_message(secret, NULL, 0, page->read->arena);
    return GF_OK;
}

static enum gf_code list_secrets(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListPipelineSecretsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_list_page page;
    const enum gf_code rc =
        gf_list_page_of_pipeline(&page, read, "pipeline_secrets", request->page_size,
                                 request->namespace_id, request->pipeline_id, &pipeline, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &pipeline;
    return gf_list_page_answer(&page, request->page_token, fetch, take,
                               &gofer__v1__list_pipeline_secrets_response__descriptor, err);
}

void gf_secret_list_pipeline(struct gf_rpc_call *call,
                             const Gofer__V1__ListPipelineSecretsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_secrets);
}

static enum gf_code get_secret(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetPipelineSecretRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct gf_secret_place place = {0};
    struct gf_secret secret = {0};
    struct gf_secret_version *versions = NULL;
    size_t count = 0;
    enum gf_code rc = find_place(read, request->namespace_id, request->pipeline_id, request->key,
                                 &pipeline, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_get(read->services->vault, &place, read->arena, &secret, &versions, &count,
                          err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetPipelineSecretResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetPipelineSecretResponse, gofer__v1__get_pipeline_secret_response);
    response->secret = gf_secret_to_message(&secret, versions, count, read->arena);
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_get_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__GetPipelineSecretRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_secret);
}

/* ---- Revealing ---- */

static enum gf_code reveal(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__RevealPipelineSecretRequest *request = (const void *)read->request;
    struct gf_secret_input *value = gf_rpc_call_get_data(read->call);
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_pipeline pipeline = {0};
    struct gf_secret_place place = {0};
    Gofer__V1__RevealPipelineSecretResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__RevealPipelineSecretResponse,
                       gofer__v1__reveal_pipeline_secret_response);
    enum gf_code rc = find_place(read, request->namespace_id, request->pipeline_id, request->key,
                                 &pipeline, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_reveal(read->services->vault, &place, request->version, pipeline.namespace_id,
                             pipeline.pipeline_id, &caller, &value->plaintext, &response->version,
                             err);
    }
    response->plaintext.data = (uint8_t *)value->plaintext.ptr;
    response->plaintext.len = value->plaintext.len;
    read->response = &response->base;
    return rc;
}

void gf_secret_reveal_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__RevealPipelineSecretRequest *request, void *ctx) {
    (void)gf_secret_input_attach(call);
    gf_read_start(call, &request->base, ctx, reveal);
}

/* ---- Storing ---- */

static enum gf_code put(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__PutPipelineSecretRequest *request = (const void *)read->request;
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_pipeline pipeline = {0};
    struct gf_vault_put_result result = {0};
    struct gf_vault_put wanted = {
        .description = gf_str_from(request->description),
        .force = request->force,
        .request_id = gf_str_from(request->request_id),
    };
    enum gf_code rc = gf_check_request_id(request->request_id, err);
    if (rc == GF_OK) {
        rc = find_place(read, request->namespace_id, request->pipeline_id, request->key, &pipeline,
                        &wanted.place, err);
    }
    if (rc == GF_OK) {
        rc = gf_secret_input_open(read, &wanted.value, err);
    }
    wanted.namespace_id = pipeline.namespace_id;
    wanted.pipeline_id = pipeline.pipeline_id;
    if (rc == GF_OK) {
        rc = gf_vault_put(read->services->vault, &wanted, &caller, read->arena, &result, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__PutPipelineSecretResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__PutPipelineSecretResponse, gofer__v1__put_pipeline_secret_response);
    response->secret = gf_secret_to_message(&result.secret, NULL, 0, read->arena);
    response->created = result.created;
    response->warnings = gf_secret_warnings(result.warning, read->arena, &response->n_warnings);
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_put_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__PutPipelineSecretRequest *request, void *ctx) {
    gf_secret_input_take(call, request->value);
    gf_read_start(call, &request->base, ctx, put);
}

/* ---- Deleting ---- */

static enum gf_code delete_secret(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DeletePipelineSecretRequest *request = (const void *)read->request;
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_pipeline pipeline = {0};
    struct gf_secret_place place = {0};
    enum gf_code rc = find_place(read, request->namespace_id, request->pipeline_id, request->key,
                                 &pipeline, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_remove(read->services->vault, &place, pipeline.namespace_id,
                             pipeline.pipeline_id, &caller, err);
    }
    read->response = &GF_MESSAGE_NEW(read->arena, Gofer__V1__DeletePipelineSecretResponse,
                                     gofer__v1__delete_pipeline_secret_response)
                          ->base;
    return rc;
}

void gf_secret_delete_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__DeletePipelineSecretRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, delete_secret);
}
