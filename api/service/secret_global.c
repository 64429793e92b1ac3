#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/codec/model/secret.h"
#include "api/service/list.h"
#include "api/service/secret_calls.h"
#include "base/identifier.h"

static enum gf_code read_place(const char *key, struct gf_secret_place *out, struct gf_error *err) {
    *out = (struct gf_secret_place){.key = gf_str_from(key)};
    return gf_identifier_check(out->key, "key", err);
}

/* ---- Reading ---- */

static enum gf_code fetch(struct gf_list_page *page, size_t limit, size_t *out_count,
                          bool *out_ended, struct gf_error *err) {
    struct gf_secret *items = NULL;
    const enum gf_code rc = gf_vault_list(page->read->services->vault, 0, 0, page->position.text,
                                          limit, page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take(struct gf_list_page *page, size_t index, void **out_message,
                         GF_UNUSED struct gf_error *err) {
    const struct gf_secret *secret = &((const struct gf_secret *)page->items)[index];
    page->position.text = secret->place.key;
    if (gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_GLOBAL_SECRETS, GF_STR(""),
                    secret->place.key)) {
        *out_message = gf_secret_to_message(secret, NULL, 0, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code list_secrets(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListGlobalSecretsRequest *request = (const void *)read->request;
    struct gf_list_page page;
    const enum gf_code rc =
        gf_list_page_init(&page, read, "global_secrets", request->page_size, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.conceals = true;
    return gf_list_page_answer(&page, request->page_token, fetch, take,
                               &gofer__v1__list_global_secrets_response__descriptor, err);
}

void gf_secret_list_global(struct gf_rpc_call *call,
                           const Gofer__V1__ListGlobalSecretsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_secrets);
}

static enum gf_code get_secret(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetGlobalSecretRequest *request = (const void *)read->request;
    struct gf_secret_place place = {0};
    struct gf_secret secret = {0};
    struct gf_secret_version *versions = NULL;
    size_t count = 0;
    enum gf_code rc = read_place(request->key, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_get(read->services->vault, &place, read->arena, &secret, &versions, &count,
                          err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetGlobalSecretResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetGlobalSecretResponse, gofer__v1__get_global_secret_response);
    response->secret = gf_secret_to_message(&secret, versions, count, read->arena);
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_get_global(struct gf_rpc_call *call,
                          const Gofer__V1__GetGlobalSecretRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_secret);
}

/* ---- Revealing ---- */

static enum gf_code reveal(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__RevealGlobalSecretRequest *request = (const void *)read->request;
    struct gf_secret_input *value = gf_rpc_call_get_data(read->call);
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_secret_place place = {0};
    Gofer__V1__RevealGlobalSecretResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__RevealGlobalSecretResponse,
                       gofer__v1__reveal_global_secret_response);
    enum gf_code rc = read_place(request->key, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_reveal(read->services->vault, &place, request->version, GF_STR(""),
                             GF_STR(""), &caller, &value->plaintext, &response->version, err);
    }
    response->plaintext.data = (uint8_t *)value->plaintext.ptr;
    response->plaintext.len = value->plaintext.len;
    read->response = &response->base;
    return rc;
}

void gf_secret_reveal_global(struct gf_rpc_call *call,
                             const Gofer__V1__RevealGlobalSecretRequest *request, void *ctx) {
    (void)gf_secret_input_attach(call);
    gf_read_start(call, &request->base, ctx, reveal);
}

/* ---- Storing ---- */

/* None: they stay as they were; a new secret must have some, which the vault sees to. */
static enum gf_code read_namespaces(const Gofer__V1__PutGlobalSecretRequest *request,
                                    struct gf_arena *arena, struct gf_vault_put *out,
                                    struct gf_error *err) {
    const size_t count = request->n_namespaces;
    struct gf_str *globs = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        globs[i] = gf_str_from(request->namespaces[i]);
    }
    out->namespaces = globs;
    out->namespace_count = count;
    return count == 0 ? GF_OK : gf_secret_check_namespaces(globs, count, "namespaces", err);
}

static enum gf_code put(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__PutGlobalSecretRequest *request = (const void *)read->request;
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_vault_put_result result = {0};
    struct gf_vault_put wanted = {
        .description = gf_str_from(request->description),
        .force = request->force,
        .request_id = gf_str_from(request->request_id),
    };
    enum gf_code rc = gf_check_request_id(request->request_id, err);
    if (rc == GF_OK) {
        rc = read_place(request->key, &wanted.place, err);
    }
    if (rc == GF_OK) {
        rc = read_namespaces(request, read->arena, &wanted, err);
    }
    if (rc == GF_OK) {
        rc = gf_secret_input_open(read, &wanted.value, err);
    }
    if (rc == GF_OK) {
        rc = gf_vault_put(read->services->vault, &wanted, &caller, read->arena, &result, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__PutGlobalSecretResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__PutGlobalSecretResponse, gofer__v1__put_global_secret_response);
    response->secret = gf_secret_to_message(&result.secret, NULL, 0, read->arena);
    response->created = result.created;
    response->warnings = gf_secret_warnings(result.warning, read->arena, &response->n_warnings);
    read->response = &response->base;
    return GF_OK;
}

void gf_secret_put_global(struct gf_rpc_call *call,
                          const Gofer__V1__PutGlobalSecretRequest *request, void *ctx) {
    gf_secret_input_take(call, request->value);
    gf_read_start(call, &request->base, ctx, put);
}

/* ---- Deleting ---- */

static enum gf_code delete_secret(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DeleteGlobalSecretRequest *request = (const void *)read->request;
    const struct gf_vault_caller caller = gf_secret_caller(read->principal);
    struct gf_secret_place place = {0};
    enum gf_code rc = read_place(request->key, &place, err);
    if (rc == GF_OK) {
        rc = gf_vault_remove(read->services->vault, &place, GF_STR(""), GF_STR(""), &caller, err);
    }
    read->response = &GF_MESSAGE_NEW(read->arena, Gofer__V1__DeleteGlobalSecretResponse,
                                     gofer__v1__delete_global_secret_response)
                          ->base;
    return rc;
}

void gf_secret_delete_global(struct gf_rpc_call *call,
                             const Gofer__V1__DeleteGlobalSecretRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, delete_secret);
}
