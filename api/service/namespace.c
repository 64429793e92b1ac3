#include "api/codec/model/namespace.h"

#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/update_mask.h"
#include "base/identifier.h"

/* ---- Reading ---- */

static enum gf_code get_namespace(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetNamespaceRequest *request = (const void *)read->request;
    struct gf_namespace ns = {0};
    enum gf_code rc = gf_check_namespace_id(request->namespace_id, err);
    if (rc == GF_OK) {
        rc = read->store->get_namespace(read->reader, gf_request_namespace(request->namespace_id),
                                        read->arena, &ns, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetNamespaceResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetNamespaceResponse, gofer__v1__get_namespace_response);
    response->namespace_ = gf_namespace_to_message(&ns, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_namespace(struct gf_rpc_call *call,
                                const Gofer__V1__GetNamespaceRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_namespace);
}

static enum gf_code fetch_namespaces(struct gf_list_page *page, size_t limit, size_t *out_count,
                                     bool *out_ended, struct gf_error *err) {
    struct gf_namespace *items = NULL;
    const enum gf_code rc = page->read->store->list_namespaces(
        page->read->reader, page->position.text, limit, page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_namespace(struct gf_list_page *page, size_t index, void **out_message,
                                   GF_UNUSED struct gf_error *err) {
    const struct gf_namespace *ns = &((const struct gf_namespace *)page->items)[index];
    page->position.text = ns->namespace_id;
    if (gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_NAMESPACES, ns->namespace_id,
                    ns->namespace_id)) {
        *out_message = gf_namespace_to_message(ns, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code list_namespaces(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListNamespacesRequest *request = (const void *)read->request;
    struct gf_list_page page;
    const enum gf_code rc = gf_list_page_init(&page, read, "namespaces", request->page_size, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.conceals = true;
    return gf_list_page_answer(&page, request->page_token, fetch_namespaces, take_namespace,
                               &gofer__v1__list_namespaces_response__descriptor, err);
}

static void start_list_namespaces(struct gf_rpc_call *call,
                                  const Gofer__V1__ListNamespacesRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_namespaces);
}

/* ---- Creating ---- */

static Gofer__V1__CreateNamespaceResponse *created(const struct gf_namespace *ns,
                                                   struct gf_arena *arena) {
    Gofer__V1__CreateNamespaceResponse *response = GF_MESSAGE_NEW(
        arena, Gofer__V1__CreateNamespaceResponse, gofer__v1__create_namespace_response);
    response->namespace_ = gf_namespace_to_message(ns, arena);
    return response;
}

/* The same request names the same namespace. data: its key. */
static enum gf_code show_created(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__CreateNamespaceRequest *request = (const void *)read->request;
    const int64_t *key = read->data;
    struct gf_namespace ns = {0};
    enum gf_code rc = read->store->get_namespace(read->reader, gf_str_from(request->namespace_id),
                                                 read->arena, &ns, err);
    if (rc == GF_OK) {
        rc = gf_check_resource("namespace", ns.namespace_id, ns.namespace_key, *key, err);
    }
    if (rc == GF_OK) {
        read->response = &created(&ns, read->arena)->base;
    }
    return rc;
}

static const ProtobufCMessage *respond_created(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    if (reply->replayed == NULL) {
        return &created(reply->ns, self->arena)->base;
    }
    int64_t *key = GF_ARENA_NEW(self->arena, int64_t);
    *key = reply->replayed->resource_key;
    return gf_command_call_read(self, show_created, key);
}

static void create_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__CreateNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_CREATE_NAMESPACE, respond_created);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc =
        gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error);
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    input->u.ns.namespace_id = gf_str_from(request->namespace_id);
    input->u.ns.name = gf_str_from(request->name);
    input->u.ns.description = gf_str_from(request->description);
    input->u.ns.run_parallelism = request->run_parallelism;
    input->u.ns.request.request_id = gf_str_from(request->request_id);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Updating ---- */

static const ProtobufCMessage *respond_updated(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__UpdateNamespaceResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__UpdateNamespaceResponse, gofer__v1__update_namespace_response);
    response->namespace_ = gf_namespace_to_message(reply->ns, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

/* ctx: the input. */
static bool set_field(void *ctx, struct gf_str name) {
    struct gf_input *input = ctx;
    if (gf_str_eq(name, GF_STR("name"))) {
        input->u.ns.set_name = true;
    } else if (gf_str_eq(name, GF_STR("description"))) {
        input->u.ns.set_description = true;
    } else if (gf_str_eq(name, GF_STR("run_parallelism"))) {
        input->u.ns.set_run_parallelism = true;
    } else {
        return false;
    }
    return true;
}

static void update_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__UpdateNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_UPDATE_NAMESPACE, respond_updated);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    /* What is changed is named: an empty id does not stand for the default here. */
    enum gf_code rc =
        gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error);
    if (rc == GF_OK) {
        rc = gf_read_update_mask(request->update_mask, set_field, input, &error);
    }
    input->u.ns.namespace_id = gf_str_from(request->namespace_id);
    input->u.ns.name = gf_str_from(request->name);
    input->u.ns.description = gf_str_from(request->description);
    input->u.ns.run_parallelism = request->run_parallelism;
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Deleting ---- */

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    Gofer__V1__DeleteNamespaceResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DeleteNamespaceResponse, gofer__v1__delete_namespace_response);
    return &response->base;
}

/* Its pipelines go with it: that is a right of its own, over all of them. */
static enum gf_code check_cascade(const struct gf_rpc_call *call, struct gf_str namespace_id,
                                  struct gf_error *err) {
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_PIPELINES,
        .action = GF_PERMISSION_ACTION_DELETE,
        .namespace_id = namespace_id,
    };
    return gf_principal_check(gf_principal_of(call), &query, err);
}

static void delete_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__DeleteNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_NAMESPACE, respond_deleted);
    struct gf_error error = {0};
    /* What is deleted is named: an empty id does not stand for the default here. */
    enum gf_code rc =
        gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error);
    if (rc == GF_OK && request->cascade) {
        rc = check_cascade(call, gf_str_from(request->namespace_id), &error);
    }
    self->command.input.u.ns.namespace_id = gf_str_from(request->namespace_id);
    self->command.input.u.ns.cascade = request->cascade;
    gf_command_call_submit_checked(self, rc, &error);
}

const struct gofer_v1_namespace_service_handlers gf_namespace_service = {
    .list_namespaces = {.start = start_list_namespaces},
    .get_namespace = {.start = start_get_namespace},
    .create_namespace = {.start = create_namespace},
    .update_namespace = {.start = update_namespace},
    .delete_namespace = {.start = delete_namespace},
};
