/*
 * ListExtensionReports. A report about a run is shown to those who may see the run, and to the
 * extension that made it.
 */
#include "api/access/visibility.h"
#include "api/codec/model/message.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "api/service/list.h"
#include "engine/store/extension_reads.h"

struct report_list {
    struct gf_report_list_options options;
    const int64_t *rows; /* of the items of the page */
};

/* position: create_time and row of the last one. */
static enum gf_code fetch_reports(struct gf_list_page *page, size_t limit, size_t *out_count,
                                  bool *out_ended, struct gf_error *err) {
    struct report_list *list = page->data;
    struct gf_report *items = NULL;
    int64_t *rows = NULL;
    list->options.limit = limit;
    list->options.after_time = page->position.numbers[0];
    list->options.after_row = page->position.numbers[1];
    const enum gf_code rc = page->read->store->extensions->list_reports(
        page->read->reader, &list->options, page->read->arena, &items, &rows, out_count, err);
    page->items = items;
    list->rows = rows;
    *out_ended = *out_count < limit;
    return rc;
}

static bool may_see(const struct gf_principal *principal, const struct gf_report *report) {
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_RUNS,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = report->namespace_id,
        .id = report->pipeline_id,
        .run_id = report->run_id,
    };
    if (gf_str_eq(principal->extension_id, report->extension_id)) {
        return true;
    }
    if (report->run_id == 0) {
        return report->pipeline_id.len == 0 ||
               gf_may_read(principal, GF_PERMISSION_RESOURCE_SUBSCRIPTIONS, report->namespace_id,
                           report->pipeline_id);
    }
    return gf_principal_allows(principal, &query);
}

static Gofer__V1__ExtensionReport *show(const struct gf_report *report, struct gf_arena *arena) {
    Gofer__V1__ExtensionReport *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__ExtensionReport, gofer__v1__extension_report);
    message->report_id = gf_message_text(report->report_id, arena);
    message->extension_id = gf_message_text(report->extension_id, arena);
    message->subscription_id = gf_message_text(report->subscription_id, arena);
    if (report->run_id != 0) {
        message->run = GF_MESSAGE_NEW(arena, Gofer__V1__RunReference, gofer__v1__run_reference);
        message->run->namespace_id = gf_message_text(report->namespace_id, arena);
        message->run->pipeline_id = gf_message_text(report->pipeline_id, arena);
        message->run->run_id = report->run_id;
    }
    message->outcome = (Gofer__V1__ExtensionReportOutcome)report->outcome;
    message->title = gf_message_text(report->title, arena);
    message->body = gf_message_text(report->body, arena);
    message->url = gf_message_text(report->url, arena);
    message->create_time = gf_message_time(report->create_time, arena);
    return message;
}

static enum gf_code take_report(struct gf_list_page *page, size_t index, void **out_message,
                                GF_UNUSED struct gf_error *err) {
    const struct report_list *list = page->data;
    const struct gf_report *report = &((const struct gf_report *)page->items)[index];
    page->position.numbers[0] = report->create_time;
    page->position.numbers[1] = list->rows[index];
    if (may_see(page->read->principal, report)) {
        *out_message = show(report, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code read_run(struct gf_read *read, const Gofer__V1__RunReference *reference,
                             struct gf_report_list_options *options, struct gf_error *err) {
    struct gf_run run = {0};
    const struct gf_access_query query = {
        .resource = GF_PERMISSION_RESOURCE_RUNS,
        .action = GF_PERMISSION_ACTION_READ,
        .namespace_id = gf_request_namespace(reference->namespace_id),
        .id = gf_str_from(reference->pipeline_id),
        .run_id = reference->run_id,
    };
    enum gf_code rc = gf_principal_check(read->principal, &query, err);
    if (rc == GF_OK) {
        rc = gf_find_run(read, reference->namespace_id, reference->pipeline_id, reference->run_id,
                         &run, err);
    }
    if (rc == GF_OK) {
        options->pipeline_key = run.pipeline_key;
        options->run_id = run.run_id;
    } else if (err->field[0] != '\0') {
        (void)gf_wrap_field(err, "run.");
    }
    return rc;
}

static enum gf_code list_reports(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListExtensionReportsRequest *request = (const void *)read->request;
    struct report_list list = {.rows = NULL};
    struct gf_extension row = {0};
    struct gf_list_page page;
    if (request->extension_id[0] == '\0' && request->run == NULL) {
        return gf_fail_field(err, "extension_id", "an extension or a run must be named");
    }
    enum gf_code rc = gf_list_page_init(&page, read, "reports", request->page_size, err);
    if (rc == GF_OK && request->extension_id[0] != '\0') {
        rc = gf_find_extension(read, request->extension_id, &row, err);
        list.options.extension_key = row.extension_key;
    }
    if (rc == GF_OK && request->run != NULL) {
        rc = read_run(read, request->run, &list.options, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &list;
    page.conceals = true;
    gf_page_scope_number(&page.scope, list.options.extension_key);
    gf_page_scope_number(&page.scope, list.options.pipeline_key);
    gf_page_scope_number(&page.scope, list.options.run_id);
    return gf_list_page_answer(&page, request->page_token, fetch_reports, take_report,
                               &gofer__v1__list_extension_reports_response__descriptor, err);
}

void gf_extension_list_reports(struct gf_rpc_call *call,
                               const Gofer__V1__ListExtensionReportsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_reports);
}
