/*
 * SubscriptionService: the table of its handlers, what reads subscriptions, and those changes of
 * which the extension is told but not asked.
 */
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/extension_message.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/subscription_calls.h"
#include "base/identifier.h"
#include "base/map.h"
#include "engine/store/extension_reads.h"

/* ---- What a request names ---- */

/* The four ids of a request, by the names that they have in all of them. */
#define IDS(request)                                                                               \
    ((struct gf_subscription_ids){(request)->namespace_id, (request)->pipeline_id,                 \
                                  (request)->extension_id, (request)->subscription_id})

enum gf_code gf_subscription_check_ids(const struct gf_subscription_ids *ids,
                                       struct gf_error *err) {
    enum gf_code rc = gf_check_pipeline_ids(ids->namespace_id, ids->pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(ids->extension_id), "extension_id", err);
    }
    return rc == GF_OK
               ? gf_identifier_check(gf_str_from(ids->subscription_id), "subscription_id", err)
               : rc;
}

enum gf_code gf_find_subscription(struct gf_read *read, const struct gf_subscription_ids *ids,
                                  struct gf_subscription *out, struct gf_error *err) {
    const enum gf_code rc = gf_subscription_check_ids(ids, err);
    return rc == GF_OK ? read->store->extensions->get_subscription(
                             read->reader, gf_request_namespace(ids->namespace_id),
                             gf_str_from(ids->pipeline_id), gf_str_from(ids->extension_id),
                             gf_str_from(ids->subscription_id), read->arena, out, err)
                       : rc;
}

enum gf_code gf_subscription_show(struct gf_read *read, const struct gf_subscription_ids *ids,
                                  Gofer__V1__Subscription **out, struct gf_error *err) {
    struct gf_subscription row = {0};
    struct gf_extension extension = {0};
    enum gf_code rc = gf_find_subscription(read, ids, &row, err);
    if (rc == GF_OK) {
        rc = gf_find_extension(read, ids->extension_id, &extension, err);
    }
    if (rc == GF_OK) {
        const struct gf_shown_extension shown = gf_extension_shown(&extension, read->arena);
        *out = gf_subscription_to_message(read, &row, &shown);
    }
    return rc;
}

/* ---- GetSubscription ---- */

static enum gf_code get_subscription(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetSubscriptionRequest *request = (const void *)read->request;
    const struct gf_subscription_ids ids = IDS(request);
    Gofer__V1__GetSubscriptionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetSubscriptionResponse, gofer__v1__get_subscription_response);
    read->response = &response->base;
    return gf_subscription_show(read, &ids, &response->subscription, err);
}

static void start_get_subscription(struct gf_rpc_call *call,
                                   const Gofer__V1__GetSubscriptionRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_subscription);
}

/* ---- ListSubscriptions ---- */

struct subscription_list {
    struct gf_subscription_list_options options;
    struct gf_map extensions; /* gf_shown_extension by extension_id, of those of the page */
};

/* The token has one text for the four ids of the last one. */
static void read_position(const struct gf_list_page *page, struct gf_str after[4]) {
    struct gf_str rest = page->position.text;
    for (size_t i = 0; i < 4; i++) {
        (void)gf_str_cut(rest, '/', &after[i], &rest);
    }
}

static enum gf_code fetch_subscriptions(struct gf_list_page *page, size_t limit, size_t *out_count,
                                        bool *out_ended, struct gf_error *err) {
    struct subscription_list *list = page->data;
    struct gf_subscription *rows = NULL;
    list->options.limit = limit;
    read_position(page, list->options.after);
    const enum gf_code rc = page->read->store->extensions->list_subscriptions(
        page->read->reader, &list->options, page->read->arena, &rows, out_count, err);
    page->items = rows;
    *out_ended = *out_count < limit;
    return rc;
}

/* Of an extension that was uninstalled meanwhile nothing is known. */
static enum gf_code find_shown(struct gf_list_page *page, struct gf_str extension_id,
                               const struct gf_shown_extension **out, struct gf_error *err) {
    struct subscription_list *list = page->data;
    struct gf_extension extension = {0};
    struct gf_error error = {0};
    *out = gf_map_get(&list->extensions, extension_id);
    if (*out != NULL) {
        return GF_OK;
    }
    const enum gf_code rc = page->read->store->extensions->get(
        page->read->reader, extension_id, page->read->arena, &extension, &error);
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        *err = error;
        return rc;
    }
    struct gf_shown_extension *shown = GF_ARENA_NEW(page->read->arena, struct gf_shown_extension);
    *shown = gf_extension_shown(&extension, page->read->arena);
    (void)gf_map_put(&list->extensions, extension_id, shown);
    *out = shown;
    return GF_OK;
}

static enum gf_code take_subscription(struct gf_list_page *page, size_t index, void **out_message,
                                      struct gf_error *err) {
    const struct gf_subscription *row = &((const struct gf_subscription *)page->items)[index];
    const struct gf_shown_extension *extension = NULL;
    page->position.text = gf_str_from(gf_arena_printf(
        page->read->arena, "%" GF_STR_FMT "/%" GF_STR_FMT "/%" GF_STR_FMT "/%" GF_STR_FMT,
        GF_STR_ARG(row->namespace_id), GF_STR_ARG(row->pipeline_id), GF_STR_ARG(row->extension_id),
        GF_STR_ARG(row->subscription_id)));
    if (!gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_SUBSCRIPTIONS, row->namespace_id,
                     row->pipeline_id)) {
        return GF_OK;
    }
    const enum gf_code rc = find_shown(page, row->extension_id, &extension, err);
    if (rc == GF_OK) {
        *out_message = gf_subscription_to_message(page->read, row, extension);
    }
    return rc;
}

/* An empty namespace is all of them where the list is of an extension, else `default`. */
static enum gf_code read_place(struct gf_read *read,
                               const Gofer__V1__ListSubscriptionsRequest *request,
                               struct gf_subscription_list_options *options, struct gf_error *err) {
    const bool everywhere = request->namespace_id[0] == '\0' && request->extension_id[0] != '\0' &&
                            request->pipeline_id[0] == '\0';
    const struct gf_str namespace_id = gf_request_namespace(request->namespace_id);
    if (everywhere) {
        return GF_OK;
    }
    if (request->pipeline_id[0] == '\0') {
        struct gf_namespace ns = {0};
        enum gf_code rc = gf_check_namespace_id(request->namespace_id, err);
        if (rc == GF_OK) {
            rc = read->store->get_namespace(read->reader, namespace_id, read->arena, &ns, err);
        }
        options->namespace_key = ns.namespace_key;
        return rc;
    }
    /* Whoever may not see what it has is not told whether there is such a pipeline. */
    struct gf_pipeline pipeline = {0};
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_SUBSCRIPTIONS,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = namespace_id,
        .id = gf_str_from(request->pipeline_id),
    };
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, err);
    if (rc == GF_OK) {
        rc = gf_principal_check(read->principal, &query, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    options->pipeline_key = pipeline.pipeline_key;
    return rc;
}

/* Nobody has a key below 0: of an extension that is not installed there are none. */
static enum gf_code read_extension(struct gf_read *read, const char *extension_id,
                                   struct gf_subscription_list_options *options,
                                   struct gf_error *err) {
    struct gf_extension extension = {0};
    struct gf_error error = {0};
    if (extension_id[0] == '\0') {
        return GF_OK;
    }
    const enum gf_code rc = gf_find_extension(read, extension_id, &extension, &error);
    options->extension_key = rc == GF_OK ? extension.extension_key : -1;
    if (rc != GF_OK && rc != GF_NOT_FOUND) {
        *err = error;
        return rc;
    }
    return GF_OK;
}

static enum gf_code list_subscriptions(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListSubscriptionsRequest *request = (const void *)read->request;
    struct subscription_list list = {.options.limit = 0};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "subscriptions", request->page_size, err);
    if (rc == GF_OK) {
        rc = read_place(read, request, &list.options, err);
    }
    if (rc == GF_OK) {
        rc = read_extension(read, request->extension_id, &list.options, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    gf_map_init(&list.extensions);
    page.data = &list;
    page.conceals = true;
    gf_page_scope_number(&page.scope, list.options.namespace_key);
    gf_page_scope_number(&page.scope, list.options.pipeline_key);
    gf_page_scope_number(&page.scope, list.options.extension_key);
    rc = gf_list_page_answer(&page, request->page_token, fetch_subscriptions, take_subscription,
                             &gofer__v1__list_subscriptions_response__descriptor, err);
    gf_map_fini(&list.extensions);
    return rc;
}

static void start_list_subscriptions(struct gf_rpc_call *call,
                                     const Gofer__V1__ListSubscriptionsRequest *request,
                                     void *ctx) {
    gf_read_start(call, &request->base, ctx, list_subscriptions);
}

/* ---- DisableSubscription, DeleteSubscription ---- */

static void submit(struct gf_command_call *self, const struct gf_subscription_ids *ids) {
    struct gf_subscription_change *change = &self->command.input.u.subscription.change;
    struct gf_error error = {0};
    change->namespace_id = gf_request_namespace(ids->namespace_id);
    change->pipeline_id = gf_str_from(ids->pipeline_id);
    change->extension_id = gf_str_from(ids->extension_id);
    change->subscription_id = gf_str_from(ids->subscription_id);
    const enum gf_code rc = gf_subscription_check_ids(ids, &error);
    gf_command_call_submit_checked(self, rc, &error);
}

/* data: whether something changed. */
static enum gf_code show_disabled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__DisableSubscriptionRequest *request = (const void *)read->request;
    const struct gf_subscription_ids ids = IDS(request);
    Gofer__V1__DisableSubscriptionResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__DisableSubscriptionResponse,
                       gofer__v1__disable_subscription_response);
    response->changed = *(const bool *)read->data;
    read->response = &response->base;
    return gf_subscription_show(read, &ids, &response->subscription, err);
}

static const ProtobufCMessage *respond_disabled(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    bool *changed = GF_ARENA_NEW(self->arena, bool);
    *changed = !reply->unchanged;
    return gf_command_call_read(self, show_disabled, changed);
}

static void disable_subscription(struct gf_rpc_call *call,
                                 const Gofer__V1__DisableSubscriptionRequest *request, void *ctx) {
    const struct gf_subscription_ids ids = IDS(request);
    submit(gf_command_call_create(call, &request->base, ctx, GF_INPUT_DISABLE_SUBSCRIPTION,
                                  respond_disabled),
           &ids);
}

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               GF_UNUSED const struct gf_reply *reply) {
    return &GF_MESSAGE_NEW(self->arena, Gofer__V1__DeleteSubscriptionResponse,
                           gofer__v1__delete_subscription_response)
                ->base;
}

static void delete_subscription(struct gf_rpc_call *call,
                                const Gofer__V1__DeleteSubscriptionRequest *request, void *ctx) {
    const struct gf_subscription_ids ids = IDS(request);
    submit(gf_command_call_create(call, &request->base, ctx, GF_INPUT_DELETE_SUBSCRIPTION,
                                  respond_deleted),
           &ids);
}

const struct gofer_v1_subscription_service_handlers gf_subscription_service = {
    .create_subscription = {.start = gf_subscription_create},
    .list_subscriptions = {.start = start_list_subscriptions},
    .get_subscription = {.start = start_get_subscription},
    .update_subscription = {.start = gf_subscription_update},
    .enable_subscription = {.start = gf_subscription_enable},
    .disable_subscription = {.start = disable_subscription},
    .delete_subscription = {.start = delete_subscription},
};
