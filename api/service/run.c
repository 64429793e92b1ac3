#include "api/codec/model/run.h"

#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/run_commands.h"
#include "api/service/stream.h"

#include <stdio.h>

/* ---- Reading one ---- */

/* Tasks of a run that never began have no rows: its config tells how many there are. */
static enum gf_code count_uncreated(struct gf_read *read, const struct gf_run *run,
                                    Gofer__V1__RunTaskCounts *counts, struct gf_error *err) {
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_config config = {0};
    const enum gf_code rc = gf_find_run_config(read, run, &scratch, &config, err);
    counts->pending_count = (int32_t)config.task_count;
    gf_arena_fini(&scratch);
    return rc;
}

static enum gf_code count_tasks(struct gf_read *read, const struct gf_run *run,
                                Gofer__V1__RunTaskCounts *counts, struct gf_error *err) {
    if (run->start_time == 0) {
        return count_uncreated(read, run, counts, err);
    }
    struct gf_task_counts found = {0};
    const enum gf_code rc = read->store->count_tasks(read->reader, run->run_key, &found, err);
    counts->pending_count =
        (int32_t)(found.by_state[GF_TASK_STATE_PROCESSING] + found.by_state[GF_TASK_STATE_WAITING]);
    counts->running_count = (int32_t)found.by_state[GF_TASK_STATE_RUNNING];
    counts->successful_count = (int32_t)found.by_status[GF_TASK_STATUS_SUCCESSFUL];
    counts->failed_count = (int32_t)found.by_status[GF_TASK_STATUS_FAILED];
    counts->cancelled_count = (int32_t)found.by_status[GF_TASK_STATUS_CANCELLED];
    counts->skipped_count = (int32_t)found.by_status[GF_TASK_STATUS_SKIPPED];
    return rc;
}

static enum gf_code add_content(struct gf_read *read, const struct gf_run *run,
                                Gofer__V1__Run *message, struct gf_error *err) {
    struct gf_str content = {0};
    if (!run->has_input) {
        return GF_OK;
    }
    const enum gf_code rc =
        read->store->get_run_input(read->reader, run->run_key, read->arena, &content, err);
    if (rc == GF_OK) {
        gf_run_message_set_content(message, content);
    }
    return rc;
}

static enum gf_code get_run(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetRunRequest *request = (const void *)read->request;
    struct gf_run run = {0};
    enum gf_code rc =
        gf_find_run(read, request->namespace_id, request->pipeline_id, request->run_id, &run, err);
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__GetRunResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__GetRunResponse, gofer__v1__get_run_response);
    response->run = gf_run_to_message(&run, read->arena);
    response->run->task_counts =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__RunTaskCounts, gofer__v1__run_task_counts);
    read->response = &response->base;
    rc = count_tasks(read, &run, response->run->task_counts, err);
    return rc == GF_OK ? add_content(read, &run, response->run, err) : rc;
}

static void start_get_run(struct gf_rpc_call *call, const Gofer__V1__GetRunRequest *request,
                          void *ctx) {
    gf_read_start(call, &request->base, ctx, get_run);
}

/* ---- Listing ---- */

/* What is listed: of which pipeline, and with the filters of the store. */
struct run_list {
    int64_t pipeline_key;
    struct gf_run_list_options options;
};

/* With a filter, a fetch may look at many runs and find none: the next one goes on behind them. */
static enum gf_code fetch_runs(struct gf_list_page *page, size_t limit, size_t *out_count,
                               bool *out_ended, struct gf_error *err) {
    struct run_list *list = page->data;
    const bool filtered = list->options.states != 0 || list->options.statuses != 0;
    const int64_t after = page->position.numbers[0];
    struct gf_run *items = NULL;
    int64_t scanned = 0;
    list->options.after_run_id = after;
    list->options.limit = limit;
    const enum gf_code rc =
        page->read->store->list_runs(page->read->reader, list->pipeline_key, &list->options,
                                     page->read->arena, &items, out_count, &scanned, err);
    if (rc != GF_OK) {
        return rc;
    }
    page->items = items;
    *out_ended = filtered ? scanned == after : *out_count < limit;
    if (*out_count == 0) {
        page->position.numbers[0] = scanned;
    }
    return GF_OK;
}

static enum gf_code take_run(struct gf_list_page *page, size_t index, void **out_message,
                             GF_UNUSED struct gf_error *err) {
    const struct gf_run *run = &((const struct gf_run *)page->items)[index];
    page->position.numbers[0] = run->run_id;
    *out_message = gf_run_to_message(run, page->read->arena);
    return GF_OK;
}

static enum gf_code read_filter(const Gofer__V1__ListRunsRequest *request,
                                struct gf_run_list_options *out, struct gf_error *err) {
    char field[GF_ERROR_FIELD_BYTES_MAX];
    for (size_t i = 0; i < request->n_states; i++) {
        if (!gf_run_state_valid((int64_t)request->states[i])) {
            (void)snprintf(field, sizeof(field), "states[%zu]", i);
            return gf_fail_field(err, field, "%d is no state of a run", (int)request->states[i]);
        }
        out->states |= 1u << request->states[i];
    }
    for (size_t i = 0; i < request->n_statuses; i++) {
        const int64_t status = (int64_t)request->statuses[i];
        if (status != 0 && !gf_run_status_valid(status)) {
            (void)snprintf(field, sizeof(field), "statuses[%zu]", i);
            return gf_fail_field(err, field, "%d is no status of a run", (int)request->statuses[i]);
        }
        out->statuses |= 1u << request->statuses[i];
    }
    return GF_OK;
}

static enum gf_code list_runs(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListRunsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct run_list list = {.options.ascending = request->oldest_first};
    struct gf_list_page page;
    enum gf_code rc = read_filter(request, &list.options, err);
    if (rc == GF_OK) {
        rc = gf_list_page_of_pipeline(&page, read, "runs", request->page_size,
                                      request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    list.pipeline_key = pipeline.pipeline_key;
    page.data = &list;
    gf_page_scope_number(&page.scope, list.options.ascending);
    gf_page_scope_number(&page.scope, list.options.states);
    gf_page_scope_number(&page.scope, list.options.statuses);
    return gf_list_page_answer(&page, request->page_token, fetch_runs, take_run,
                               &gofer__v1__list_runs_response__descriptor, err);
}

static void start_list_runs(struct gf_rpc_call *call, const Gofer__V1__ListRunsRequest *request,
                            void *ctx) {
    gf_read_start(call, &request->base, ctx, list_runs);
}

const struct gofer_v1_run_service_handlers gf_run_service = {
    .start_run = {.start = gf_run_start},
    .get_run = {.start = start_get_run},
    .list_runs = {.start = start_list_runs},
    .watch_run = {.start = gf_run_watch_start,
                  .writable = gf_stream_writable,
                  .cancelled = gf_stream_cancelled},
    .cancel_run = {.start = gf_run_cancel},
    .cancel_all_runs = {.start = gf_run_cancel_all},
    .retry_run = {.start = gf_run_retry},
    .repair_run = {.start = gf_run_repair},
};
