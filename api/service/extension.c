/*
 * ExtensionService: the table of its handlers, and what reads extensions. What changes them is in
 * extension_change.c, the others have files of their own.
 */
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/extension/hub.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/stream.h"

/* ---- GetExtension ---- */

static enum gf_code get_extension(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetExtensionRequest *request = (const void *)read->request;
    Gofer__V1__GetExtensionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetExtensionResponse, gofer__v1__get_extension_response);
    struct gf_extension row = {0};
    enum gf_code rc = gf_find_extension(read, request->extension_id, &row, err);
    if (rc == GF_OK) {
        rc = gf_extension_to_message(read, &row, /* full= */ true, &response->extension, err);
    }
    read->response = &response->base;
    return rc;
}

static void start_get_extension(struct gf_rpc_call *call,
                                const Gofer__V1__GetExtensionRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_extension);
}

/* ---- ListExtensions ---- */

static enum gf_code fetch_extensions(struct gf_list_page *page, size_t limit, size_t *out_count,
                                     bool *out_ended, struct gf_error *err) {
    struct gf_extension *rows = NULL;
    const enum gf_code rc = page->read->store->extensions->list(
        page->read->reader, page->position.text, limit, page->read->arena, &rows, out_count, err);
    page->items = rows;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_extension(struct gf_list_page *page, size_t index, void **out_message,
                                   struct gf_error *err) {
    const struct gf_extension *row = &((const struct gf_extension *)page->items)[index];
    Gofer__V1__Extension *message = NULL;
    page->position.text = row->extension_id;
    if (row->installer || !gf_may_read(page->read->principal, GF_PERMISSION_RESOURCE_EXTENSIONS,
                                       GF_STR(""), row->extension_id)) {
        return GF_OK;
    }
    const enum gf_code rc =
        gf_extension_to_message(page->read, row, /* full= */ false, &message, err);
    *out_message = message;
    return rc;
}

static enum gf_code list_extensions(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListExtensionsRequest *request = (const void *)read->request;
    struct gf_list_page page;
    const enum gf_code rc = gf_list_page_init(&page, read, "extensions", request->page_size, err);
    if (rc != GF_OK) {
        return rc;
    }
    page.conceals = true;
    return gf_list_page_answer(&page, request->page_token, fetch_extensions, take_extension,
                               &gofer__v1__list_extensions_response__descriptor, err);
}

static void start_list_extensions(struct gf_rpc_call *call,
                                  const Gofer__V1__ListExtensionsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_extensions);
}

const struct gofer_v1_extension_service_handlers gf_extension_service = {
    .list_extensions = {.start = start_list_extensions},
    .get_extension = {.start = start_get_extension},
    .install_extension = {.start = gf_extension_install},
    .update_extension = {.start = gf_extension_update},
    .uninstall_extension = {.start = gf_extension_uninstall},
    .enable_extension = {.start = gf_extension_enable},
    .disable_extension = {.start = gf_extension_disable},
    .watch_extension = {.start = gf_extension_watch_start,
                        .writable = gf_stream_writable,
                        .cancelled = gf_stream_cancelled},
    .follow_extension_logs = {.start = gf_extension_log_follow_start,
                              .writable = gf_stream_writable,
                              .cancelled = gf_stream_cancelled},
    .get_extension_debug_info = {.start = gf_extension_debug_start},
    .list_extension_reports = {.start = gf_extension_list_reports},
    .list_dead_letters = {.start = gf_dead_letter_list},
    .get_dead_letter = {.start = gf_dead_letter_get},
    .replay_dead_letters = {.start = gf_dead_letter_replay},
    .delete_dead_letters = {.start = gf_dead_letter_delete},
    .run_extension_installer = {.start = gf_installer_dialog_start,
                                .message = gf_installer_dialog_message,
                                .writable = gf_stream_writable,
                                .cancelled = gf_stream_cancelled},
    .run_subscription_configurator = {.start = gf_configurator_dialog_start,
                                      .message = gf_configurator_dialog_message,
                                      .writable = gf_stream_writable,
                                      .cancelled = gf_stream_cancelled},
};
