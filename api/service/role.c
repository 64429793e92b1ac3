#include "api/codec/model/role.h"

#include "api/access/methods.h"
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/update_mask.h"
#include "base/identifier.h"
#include "engine/auth/system_roles.h"

/* ---- Reading ---- */

static enum gf_code get_role(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetRoleRequest *request = (const void *)read->request;
    const struct gf_str role_id = gf_str_from(request->role_id);
    struct gf_role role = {0};
    enum gf_code rc = gf_identifier_check(role_id, "role_id", err);
    const struct gf_role *system_role = gf_system_role(role_id);
    if (rc == GF_OK && system_role == NULL) {
        rc = read->store->get_role(read->reader, role_id, read->arena, &role, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetRoleResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetRoleResponse, gofer__v1__get_role_response);
    response->role = gf_role_to_message(system_role != NULL ? system_role : &role, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_role(struct gf_rpc_call *call, const Gofer__V1__GetRoleRequest *request,
                           void *ctx) {
    gf_read_start(call, &request->base, ctx, get_role);
}

/* The first system role behind that id; `count` where there is none. */
static size_t find_next_system_role(struct gf_str after, const struct gf_role *roles,
                                    size_t count) {
    size_t index = 0;
    while (index < count && gf_str_cmp(roles[index].role_id, after) <= 0) {
        index++;
    }
    return index;
}

/*
 * Two lists in the same order become one. A role of users that has the id of a system role means
 * nothing and is left out.
 */
static enum gf_code fetch_roles(struct gf_list_page *page, size_t limit, size_t *out_count,
                                bool *out_ended, struct gf_error *err) {
    size_t system_count = 0;
    const struct gf_role *system_roles = gf_system_roles(&system_count);
    struct gf_role *stored = NULL;
    size_t stored_count = 0;
    const enum gf_code rc =
        page->read->store->list_roles(page->read->reader, page->position.text, limit,
                                      page->read->arena, &stored, &stored_count, err);
    if (rc != GF_OK) {
        return rc;
    }
    size_t next = find_next_system_role(page->position.text, system_roles, system_count);
    const struct gf_role **items = GF_ARENA_ARRAY(page->read->arena, limit, const struct gf_role *);
    size_t count = 0;
    size_t used = 0;
    while (count < limit && (used < stored_count || next < system_count)) {
        const int order = used == stored_count ? 1
                          : next == system_count
                              ? -1
                              : gf_str_cmp(stored[used].role_id, system_roles[next].role_id);
        items[count++] = order < 0 ? &stored[used] : &system_roles[next];
        used += order <= 0 && used < stored_count ? 1 : 0;
        next += order >= 0 ? 1 : 0;
    }
    page->items = items;
    *out_count = count;
    *out_ended = stored_count < limit && used == stored_count && next == system_count;
    return GF_OK;
}

static enum gf_code take_role(struct gf_list_page *page, size_t index, void **out_message,
                              GF_UNUSED struct gf_error *err) {
    const struct gf_role *role = ((const struct gf_role *const *)page->items)[index];
    page->position.text = role->role_id;
    if (gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_ROLES, GF_STR(""),
                    role->role_id)) {
        *out_message = gf_role_to_message(role, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code list_roles(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListRolesRequest *request = (const void *)read->request;
    struct gf_list_page page;
    const enum gf_code rc = gf_list_page_init(&page, read, "roles", request->page_size, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.conceals = true;
    return gf_list_page_answer(&page, request->page_token, fetch_roles, take_role,
                               &gofer__v1__list_roles_response__descriptor, err);
}

static void start_list_roles(struct gf_rpc_call *call, const Gofer__V1__ListRolesRequest *request,
                             void *ctx) {
    gf_read_start(call, &request->base, ctx, list_roles);
}

/* ---- Creating ---- */

static Gofer__V1__CreateRoleResponse *make_created(const struct gf_role *role,
                                                   struct gf_arena *arena) {
    Gofer__V1__CreateRoleResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__CreateRoleResponse, gofer__v1__create_role_response);
    response->role = gf_role_to_message(role, arena);
    return response;
}

/* The same request names the same role. */
static enum gf_code show_created(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__CreateRoleRequest *request = (const void *)read->request;
    struct gf_role role = {0};
    const enum gf_code rc =
        read->store->get_role(read->reader, gf_str_from(request->role_id), read->arena, &role, err);
    if (rc == GF_OK) {
        read->response = &make_created(&role, read->arena)->base;
    }
    return rc;
}

static const ProtobufCMessage *respond_created(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    return reply->replayed != NULL ? gf_command_call_read(self, show_created, NULL)
                                   : &make_created(reply->role, self->arena)->base;
}

/* On a worker: comparing takes some milliseconds. Only what may be stored can be compared. */
static void check_rights(void *ctx) {
    struct gf_command_call *self = ctx;
    const struct gf_role *role = self->command.input.u.role.row;
    struct gf_error error = {0};
    enum gf_code rc = gf_role_check(role, &error);
    if (rc == GF_OK) {
        rc = gf_principal_covers(gf_principal_of(self->call), role->permissions,
                                 role->permission_count, &error);
    }
    gf_command_call_submit_checked(self, rc, &error);
}

static struct gf_role *make_row(struct gf_command_call *self, const char *role_id,
                                const char *description, Gofer__V1__Permission *const *permissions,
                                size_t count) {
    struct gf_role *row = GF_ARENA_NEW(self->arena, struct gf_role);
    *row = (struct gf_role){
        .role_id = gf_str_from(role_id),
        .description = gf_str_from(description),
        .permissions = gf_permissions_from_messages(permissions, count, self->arena),
        .permission_count = count,
    };
    self->command.input.u.role.row = row;
    return row;
}

static void submit_checked_by_worker(struct gf_command_call *self, enum gf_code rc,
                                     struct gf_error *error) {
    if (rc == GF_OK) {
        rc = gf_pool_submit(self->services->pool, check_rights, self, error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, error);
    }
}

static void create_role(struct gf_rpc_call *call, const Gofer__V1__CreateRoleRequest *request,
                        void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_CREATE_ROLE, respond_created);
    struct gf_error error = {0};
    (void)make_row(self, request->role_id, request->description, request->permissions,
                   request->n_permissions);
    self->command.input.u.role.request.request_id = gf_str_from(request->request_id);
    submit_checked_by_worker(self, gf_check_request_id(request->request_id, &error), &error);
}

/* ---- Updating ---- */

static const ProtobufCMessage *respond_updated(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__UpdateRoleResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__UpdateRoleResponse, gofer__v1__update_role_response);
    response->role = gf_role_to_message(reply->role, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

/* ctx: the input. */
static bool set_field(void *ctx, struct gf_str name) {
    struct gf_input *input = ctx;
    if (gf_str_eq(name, GF_STR("description"))) {
        input->u.role.set_description = true;
    } else if (gf_str_eq(name, GF_STR("permissions"))) {
        input->u.role.set_permissions = true;
    } else {
        return false;
    }
    return true;
}

/* A description alone gives nothing away. */
static void update_role(struct gf_rpc_call *call, const Gofer__V1__UpdateRoleRequest *request,
                        void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_UPDATE_ROLE, respond_updated);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc = gf_identifier_check(gf_str_from(request->role_id), "role_id", &error);
    if (rc == GF_OK) {
        rc = gf_read_update_mask(request->update_mask, set_field, input, &error);
    }
    (void)make_row(self, request->role_id, request->description, request->permissions,
                   request->n_permissions);
    /* What cannot be changed says so before what it would be changed to is looked at. */
    const bool is_system = gf_system_role(gf_str_from(request->role_id)) != NULL;
    if (rc == GF_OK && input->u.role.set_permissions && !is_system) {
        submit_checked_by_worker(self, rc, &error);
    } else {
        gf_command_call_submit_checked(self, rc, &error);
    }
}

/* ---- Deleting ---- */

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    return &GF_MESSAGE_NEW(self->arena, Gofer__V1__DeleteRoleResponse,
                           gofer__v1__delete_role_response)
                ->base;
}

static void delete_role(struct gf_rpc_call *call, const Gofer__V1__DeleteRoleRequest *request,
                        void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_DELETE_ROLE, respond_deleted);
    struct gf_error error = {0};
    (void)make_row(self, request->role_id, "", NULL, 0);
    const enum gf_code rc = gf_identifier_check(gf_str_from(request->role_id), "role_id", &error);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- What methods ask for ---- */

/* Rows of other services (health, reflection) are not of the API, and come behind. */
static enum gf_code fetch_methods(struct gf_list_page *page, size_t limit, size_t *out_count,
                                  bool *out_ended, GF_UNUSED struct gf_error *err) {
    size_t count = 0;
    const struct gf_method_rule *rules = gf_method_rules(&count);
    size_t first = 0;
    while (first < count &&
           gf_str_cmp(gf_str_from(rules[first].method), page->position.text) <= 0) {
        first++;
    }
    page->items = (void *)(uintptr_t)(rules + first);
    *out_count = count - first < limit ? count - first : limit;
    *out_ended = count - first <= limit;
    return GF_OK;
}

static enum gf_code take_method(struct gf_list_page *page, size_t index, void **out_message,
                                GF_UNUSED struct gf_error *err) {
    const struct gf_method_rule *rule = &((const struct gf_method_rule *)page->items)[index];
    Gofer__V1__MethodPermission *message = GF_MESSAGE_NEW(
        page->read->arena, Gofer__V1__MethodPermission, gofer__v1__method_permission);
    page->position.text = gf_str_from(rule->method);
    message->method = gf_message_text(gf_str_from(rule->method), page->read->arena);
    message->open = rule->access == GF_METHOD_OPEN || rule->access == GF_METHOD_LOCAL;
    if (rule->access == GF_METHOD_PERMISSION) {
        message->resource = (Gofer__V1__PermissionResource)rule->resource;
        message->action = (Gofer__V1__PermissionAction)rule->action;
    }
    *out_message = message;
    return GF_OK;
}

static enum gf_code list_methods(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListMethodPermissionsRequest *request = (const void *)read->request;
    struct gf_list_page page;
    const enum gf_code rc = gf_list_page_init(&page, read, "methods", request->page_size, err);
    return rc != GF_OK
               ? rc
               : gf_list_page_answer(&page, request->page_token, fetch_methods, take_method,
                                     &gofer__v1__list_method_permissions_response__descriptor, err);
}

static void start_list_methods(struct gf_rpc_call *call,
                               const Gofer__V1__ListMethodPermissionsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_methods);
}

const struct gofer_v1_role_service_handlers gf_role_service = {
    .list_roles = {.start = start_list_roles},
    .get_role = {.start = start_get_role},
    .create_role = {.start = create_role},
    .update_role = {.start = update_role},
    .delete_role = {.start = delete_role},
    .list_method_permissions = {.start = start_list_methods},
};
