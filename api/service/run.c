#include "api/codec/model/run.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/unsupported.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"
#include "api/service/stream.h"
#include "engine/core/config.h"

#include <stdio.h>

enum {
    COUNT_CHUNK_TASKS = 1000,
};

/* ---- Starting ---- */

static const ProtobufCMessage *respond_started(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__StartRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__StartRunResponse, gofer__v1__start_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    return &response->base;
}

static enum gf_code read_variables(const Gofer__V1__StartRunRequest *request,
                                   struct gf_arena *arena, struct gf_input *input,
                                   struct gf_error *err) {
    const size_t count = request->n_variables;
    struct gf_variable *variables = GF_ARENA_ARRAY(arena, count, struct gf_variable);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc =
            gf_variable_from_entry(request->variables[i]->key, request->variables[i]->value,
                                   GF_VARIABLE_SOURCE_RUN_OPTIONS, "variables", &variables[i], err);
        if (rc != GF_OK) {
            return rc;
        }
        bytes += variables[i].key.len + variables[i].value.len;
    }
    if (bytes > GF_RUN_VARIABLES_BYTES_MAX) {
        return gf_fail_field(err, "variables", "variables have %zu bytes, expected up to %d", bytes,
                             GF_RUN_VARIABLES_BYTES_MAX);
    }
    gf_variables_sort(variables, count);
    input->u.start_run.variables = variables;
    input->u.start_run.variable_count = count;
    return gf_variables_check(variables, count, "variables", err);
}

static void start_run(struct gf_rpc_call *call, const Gofer__V1__StartRunRequest *request,
                      void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_START_RUN, respond_started);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc = gf_unsupported_check(&request->base, &error);
    if (rc == GF_OK) {
        rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    }
    if (rc == GF_OK) {
        rc = gf_check_request_id(request->request_id, &error);
    }
    if (rc == GF_OK) {
        rc = gf_text_check(gf_str_from(request->reason), GF_REASON_BYTES_MAX, "reason", &error);
    }
    if (rc == GF_OK) {
        rc = read_variables(request, self->arena, input, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, &error);
        return;
    }
    input->u.start_run.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.start_run.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.start_run.request_id = gf_str_from(request->request_id);
    input->u.start_run.initiator.kind = GF_INITIATOR_HUMAN;
    input->u.start_run.initiator.reason = gf_str_from(request->reason);
    gf_command_call_submit(self);
}

/* ---- Cancelling ---- */

static const ProtobufCMessage *respond_cancelled(struct gf_command_call *self,
                                                 const struct gf_reply *reply) {
    Gofer__V1__CancelRunResponse *response =
        GF_MESSAGE_NEW(self->arena, Gofer__V1__CancelRunResponse, gofer__v1__cancel_run_response);
    response->run = gf_run_to_message(reply->run, self->arena);
    response->changed = !reply->unchanged;
    return &response->base;
}

static void cancel_run(struct gf_rpc_call *call, const Gofer__V1__CancelRunRequest *request,
                       void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_CANCEL_RUN, respond_cancelled);
    struct gf_error error = {0};
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_number(request->run_id, "run_id", &error);
    }
    if (rc == GF_OK) {
        rc = gf_text_check(gf_str_from(request->reason), GF_REASON_BYTES_MAX, "reason", &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(self, &error);
        return;
    }
    self->command.input.u.cancel.namespace_id = gf_request_namespace(request->namespace_id);
    self->command.input.u.cancel.pipeline_id = gf_str_from(request->pipeline_id);
    self->command.input.u.cancel.run_id = request->run_id;
    self->command.input.u.cancel.force = request->force;
    self->command.input.u.cancel.reason = gf_str_from(request->reason);
    gf_command_call_submit(self);
}

/* ---- Reading one ---- */

static void count_task(Gofer__V1__RunTaskCounts *counts,
                       const struct gf_task_execution *execution) {
    if (execution->state == GF_TASK_STATE_RUNNING) {
        counts->running_count++;
        return;
    }
    switch (execution->status) {
    case GF_TASK_STATUS_UNSPECIFIED:
        counts->pending_count++;
        return;
    case GF_TASK_STATUS_SUCCESSFUL:
        counts->successful_count++;
        return;
    case GF_TASK_STATUS_FAILED:
        counts->failed_count++;
        return;
    case GF_TASK_STATUS_CANCELLED:
        counts->cancelled_count++;
        return;
    case GF_TASK_STATUS_SKIPPED:
        counts->skipped_count++;
        return;
    }
}

/* Tasks of a run that never began have no rows: its config tells how many there are. */
static enum gf_code count_uncreated(struct gf_read *read, const struct gf_run *run,
                                    struct gf_arena *scratch, Gofer__V1__RunTaskCounts *counts,
                                    struct gf_error *err) {
    struct gf_config config = {0};
    const enum gf_code rc = read->store->get_config(read->reader, run->pipeline_key, run->version,
                                                    scratch, &config, err);
    counts->pending_count = (int32_t)config.task_count;
    return rc;
}

static enum gf_code count_tasks(struct gf_read *read, const struct gf_run *run,
                                Gofer__V1__RunTaskCounts *counts, struct gf_error *err) {
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    int32_t after = -1;
    bool ended = run->start_time == 0;
    if (ended) {
        rc = count_uncreated(read, run, &scratch, counts, err);
    }
    while (rc == GF_OK && !ended) {
        struct gf_task_execution *items = NULL;
        size_t count = 0;
        gf_arena_reset(&scratch);
        rc = read->store->list_tasks(read->reader, run->run_key, after, COUNT_CHUNK_TASKS, &scratch,
                                     &items, &count, err);
        for (size_t i = 0; rc == GF_OK && i < count; i++) {
            count_task(counts, &items[i]);
            after = items[i].task_index;
        }
        ended = count < COUNT_CHUNK_TASKS;
    }
    gf_arena_fini(&scratch);
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
    return count_tasks(read, &run, response->run->task_counts, err);
}

static void start_get_run(struct gf_rpc_call *call, const Gofer__V1__GetRunRequest *request,
                          void *ctx) {
    gf_read_start(call, &request->base, ctx, get_run);
}

/* ---- Listing ---- */

/* Filters are sets of numbers: bit 1 << value; 0 selects everything. */
struct run_list {
    int64_t pipeline_key;
    bool oldest_first;
    uint32_t states;
    uint32_t statuses; /* bit 0: no status yet */
};

static enum gf_code fetch_runs(struct gf_list_page *page, size_t limit, size_t *out_count,
                               bool *out_ended, struct gf_error *err) {
    const struct run_list *list = page->data;
    const struct gf_run_list_options options = {
        .after_run_id = page->position.numbers[0],
        .ascending = list->oldest_first,
        .limit = limit,
    };
    struct gf_run *items = NULL;
    const enum gf_code rc =
        page->read->store->list_runs(page->read->reader, list->pipeline_key, &options,
                                     page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_run(struct gf_list_page *page, size_t index, void **out_message,
                             GF_UNUSED struct gf_error *err) {
    const struct run_list *list = page->data;
    const struct gf_run *run = &((const struct gf_run *)page->items)[index];
    page->position.numbers[0] = run->run_id;
    if ((list->states == 0 || (list->states >> run->state & 1) != 0) &&
        (list->statuses == 0 || (list->statuses >> run->status & 1) != 0)) {
        *out_message = gf_run_to_message(run, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code read_filter(const Gofer__V1__ListRunsRequest *request, struct run_list *list,
                                struct gf_error *err) {
    char field[GF_ERROR_FIELD_BYTES_MAX];
    for (size_t i = 0; i < request->n_states; i++) {
        if (!gf_run_state_valid((int64_t)request->states[i])) {
            (void)snprintf(field, sizeof(field), "states[%zu]", i);
            return gf_fail_field(err, field, "%d is no state of a run", (int)request->states[i]);
        }
        list->states |= 1u << request->states[i];
    }
    for (size_t i = 0; i < request->n_statuses; i++) {
        const int64_t status = (int64_t)request->statuses[i];
        if (status != 0 && !gf_run_status_valid(status)) {
            (void)snprintf(field, sizeof(field), "statuses[%zu]", i);
            return gf_fail_field(err, field, "%d is no status of a run", (int)request->statuses[i]);
        }
        list->statuses |= 1u << request->statuses[i];
    }
    return GF_OK;
}

static enum gf_code list_runs(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListRunsRequest *request = (const void *)read->request;
    struct gf_pipeline pipeline = {0};
    struct run_list list = {.oldest_first = request->oldest_first};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "runs", request->page_size, err);
    if (rc == GF_OK) {
        rc = read_filter(request, &list, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_pipeline(read, request->namespace_id, request->pipeline_id, &pipeline, err);
    }
    if (rc == GF_OK) {
        list.pipeline_key = pipeline.pipeline_key;
        page.data = &list;
        gf_token_scope_number(&page.scope, pipeline.pipeline_key);
        gf_token_scope_number(&page.scope, list.oldest_first);
        gf_token_scope_number(&page.scope, list.states);
        gf_token_scope_number(&page.scope, list.statuses);
        rc = gf_list_page_read(&page, request->page_token, fetch_runs, take_run, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__ListRunsResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__ListRunsResponse, gofer__v1__list_runs_response);
    response->runs = (Gofer__V1__Run **)page.messages;
    response->n_runs = page.count;
    response->next_page_token = page.next_page_token;
    read->response = &response->base;
    return GF_OK;
}

static void start_list_runs(struct gf_rpc_call *call, const Gofer__V1__ListRunsRequest *request,
                            void *ctx) {
    gf_read_start(call, &request->base, ctx, list_runs);
}

const struct gofer_v1_run_service_handlers gf_run_service = {
    .start_run = {.start = start_run},
    .get_run = {.start = start_get_run},
    .list_runs = {.start = start_list_runs},
    .watch_run = {.start = gf_run_watch_start,
                  .writable = gf_stream_writable,
                  .cancelled = gf_stream_cancelled},
    .cancel_run = {.start = cancel_run},
};
