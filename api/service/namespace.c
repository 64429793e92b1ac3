#include "api/codec/model/namespace.h"

#include "api/codec/model/message.h"
#include "api/codec/model/unsupported.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"
#include "base/identifier.h"
#include "engine/core/config.h"

#include <stdio.h>

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
    *out_message = gf_namespace_to_message(ns, page->read->arena);
    return GF_OK;
}

static enum gf_code list_namespaces(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListNamespacesRequest *request = (const void *)read->request;
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "namespaces", request->page_size, err);
    if (rc == GF_OK) {
        rc = gf_list_page_read(&page, request->page_token, fetch_namespaces, take_namespace, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__ListNamespacesResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__ListNamespacesResponse, gofer__v1__list_namespaces_response);
    response->namespaces = (Gofer__V1__Namespace **)page.messages;
    response->n_namespaces = page.count;
    response->next_page_token = page.next_page_token;
    read->response = &response->base;
    return GF_OK;
}

static void start_list_namespaces(struct gf_rpc_call *call,
                                  const Gofer__V1__ListNamespacesRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_namespaces);
}

/* ---- Creating ---- */

static enum gf_code check_texts(const char *name, const char *description, struct gf_error *err) {
    const enum gf_code rc = gf_text_check(gf_str_from(name), GF_NAME_CHARS_MAX, "name", err);
    return rc != GF_OK ? rc
                       : gf_text_check(gf_str_from(description), GF_DESCRIPTION_CHARS_MAX,
                                       "description", err);
}

static const ProtobufCMessage *respond_created(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__CreateNamespaceResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__CreateNamespaceResponse, gofer__v1__create_namespace_response);
    response->namespace_ = gf_namespace_to_message(reply->ns, self->arena);
    return &response->base;
}

static void create_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__CreateNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_CREATE_NAMESPACE, respond_created);
    struct gf_error error = {0};
    enum gf_code rc = gf_unsupported_check(&request->base, &error);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error);
    }
    if (rc == GF_OK) {
        rc = check_texts(request->name, request->description, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, &error);
        return;
    }
    self->command.input.u.ns.namespace_id = gf_str_from(request->namespace_id);
    self->command.input.u.ns.name = gf_str_from(request->name);
    self->command.input.u.ns.description = gf_str_from(request->description);
    gf_command_call_submit(self);
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

static enum gf_code read_mask(const Gofer__V1__UpdateNamespaceRequest *request,
                              struct gf_input *input, struct gf_error *err) {
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    if (mask == NULL || mask->n_paths == 0) {
        return gf_fail_field(err, "update_mask", "names no field to change");
    }
    for (size_t i = 0; i < mask->n_paths; i++) {
        const struct gf_str path = gf_str_from(mask->paths[i]);
        char field[GF_ERROR_FIELD_BYTES_MAX];
        (void)snprintf(field, sizeof(field), "update_mask.paths[%zu]", i);
        if (gf_str_eq(path, GF_STR("name"))) {
            input->u.ns.set_name = true;
        } else if (gf_str_eq(path, GF_STR("description"))) {
            input->u.ns.set_description = true;
        } else if (gf_str_eq(path, GF_STR("run_parallelism"))) {
            return gf_fail_unsupported(err, field, "run_parallelism");
        } else {
            return gf_fail_field(err, field, "'%.64s' is no field that can be changed",
                                 mask->paths[i]);
        }
    }
    return GF_OK;
}

static void update_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__UpdateNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_UPDATE_NAMESPACE, respond_updated);
    struct gf_error error = {0};
    enum gf_code rc = gf_unsupported_check(&request->base, &error);
    if (rc == GF_OK) {
        /* What is changed is named: an empty id does not stand for the default here. */
        rc = gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error);
    }
    if (rc == GF_OK) {
        rc = check_texts(request->name, request->description, &error);
    }
    if (rc == GF_OK) {
        rc = read_mask(request, &self->command.input, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, &error);
        return;
    }
    self->command.input.u.ns.namespace_id = gf_str_from(request->namespace_id);
    self->command.input.u.ns.name = gf_str_from(request->name);
    self->command.input.u.ns.description = gf_str_from(request->description);
    gf_command_call_submit(self);
}

/* ---- Deleting ---- */

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    Gofer__V1__DeleteNamespaceResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DeleteNamespaceResponse, gofer__v1__delete_namespace_response);
    return &response->base;
}

static void delete_namespace(struct gf_rpc_call *call,
                             const Gofer__V1__DeleteNamespaceRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_NAMESPACE, respond_deleted);
    struct gf_error error = {0};
    /* What is deleted is named: an empty id does not stand for the default here. */
    if (gf_identifier_check(gf_str_from(request->namespace_id), "namespace_id", &error) != GF_OK) {
        gf_command_call_fail(self, &error);
        return;
    }
    self->command.input.u.ns.namespace_id = gf_str_from(request->namespace_id);
    self->command.input.u.ns.cascade = request->cascade;
    gf_command_call_submit(self);
}

const struct gofer_v1_namespace_service_handlers gf_namespace_service = {
    .list_namespaces = {.start = start_list_namespaces},
    .get_namespace = {.start = start_get_namespace},
    .create_namespace = {.start = create_namespace},
    .update_namespace = {.start = update_namespace},
    .delete_namespace = {.start = delete_namespace},
};
