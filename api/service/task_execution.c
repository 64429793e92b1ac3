#include "api/codec/model/task_execution.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/run.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/log_state.h"
#include "api/service/session_call.h"
#include "api/service/stream.h"
#include "base/identifier.h"
#include "engine/core/environment.h"

/* ---- Reading one ---- */

/* A task of a run with all that is shown of it. */
struct shown_task {
    struct gf_run run;
    struct gf_config config;    /* zeroed where it was deleted */
    const struct gf_task *task; /* NULL then */
    struct gf_task_execution execution;
};

static enum gf_code find_task(struct gf_read *read, struct gf_str task_id, struct shown_task *out,
                              struct gf_error *err) {
    enum gf_code rc = gf_identifier_check(task_id, "task_id", err);
    if (rc == GF_OK) {
        rc = read->store->get_task(read->reader, out->run.run_key, task_id, read->arena,
                                   &out->execution, err);
    }
    if (rc == GF_OK) {
        rc = gf_find_run_config(read, &out->run, read->arena, &out->config, err);
    }
    if (rc == GF_OK) {
        out->task = gf_config_find_task(&out->config, task_id);
    }
    return rc;
}

static void show_variables(struct gf_read *read, const struct shown_task *shown,
                           Gofer__V1__TaskExecution *message) {
    const struct gf_environment_sources sources = {
        .config = &shown->config,
        .task = shown->task,
        .run = &shown->run,
        /* Before the first attempt: what it will get. */
        .attempt = shown->execution.attempt == 0 ? 1 : shown->execution.attempt,
        .input_path = shown->run.has_input ? GF_STR(GF_INPUT_PATH) : GF_STR(""),
    };
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, read->arena, &variables, &count);
    gf_variables_to_messages(variables, count, read->arena, &message->n_variables,
                             &message->variables);
}

static enum gf_code show_task(struct gf_read *read, const struct shown_task *shown,
                              Gofer__V1__TaskExecution **out, struct gf_error *err) {
    const struct gf_task_execution_view view = {
        .run = &shown->run,
        .execution = &shown->execution,
        .image = shown->task == NULL ? GF_STR("") : shown->task->image,
        .scheduler = gf_str_from(read->services->scheduler.ops->name),
    };
    struct gf_task_execution *attempts = NULL;
    size_t count = 0;
    const enum gf_code rc =
        read->store->list_attempts(read->reader, shown->run.run_key, shown->execution.task_index,
                                   read->arena, &attempts, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    *out = gf_task_execution_to_message(&view, read->arena);
    gf_task_execution_message_set_attempts(*out, attempts, count, view.scheduler, read->arena);
    (*out)->log_state = gf_log_state_of(read->services, &shown->run, &shown->execution);
    for (size_t i = 0; i < count; i++) {
        (*out)->previous_attempts[i]->log_state =
            gf_log_state_of(read->services, &shown->run, &attempts[i]);
    }
    if (shown->task != NULL) {
        show_variables(read, shown, *out);
    }
    return GF_OK;
}

static enum gf_code get_task(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetTaskExecutionRequest *request = (const void *)read->request;
    struct shown_task shown = {0};
    Gofer__V1__GetTaskExecutionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetTaskExecutionResponse, gofer__v1__get_task_execution_response);
    enum gf_code rc = gf_find_run(read, request->namespace_id, request->pipeline_id,
                                  request->run_id, &shown.run, err);
    if (rc == GF_OK) {
        rc = find_task(read, gf_str_from(request->task_id), &shown, err);
    }
    if (rc == GF_OK) {
        rc = show_task(read, &shown, &response->task_execution, err);
    }
    if (rc == GF_OK && shown.task != NULL) {
        response->task = gf_task_to_message(shown.task, read->arena);
    }
    read->response = &response->base;
    return rc;
}

static void start_get_task(struct gf_rpc_call *call,
                           const Gofer__V1__GetTaskExecutionRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_task);
}

/* ---- Cancelling ---- */

/* data: whether the command changed something. */
static enum gf_code show_cancelled(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__CancelTaskExecutionRequest *request = (const void *)read->request;
    const bool *changed = read->data;
    struct shown_task shown = {0};
    Gofer__V1__CancelTaskExecutionResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__CancelTaskExecutionResponse,
                       gofer__v1__cancel_task_execution_response);
    enum gf_code rc = gf_find_run(read, request->namespace_id, request->pipeline_id,
                                  request->run_id, &shown.run, err);
    if (rc == GF_OK) {
        rc = find_task(read, gf_str_from(request->task_id), &shown, err);
    }
    if (rc == GF_OK) {
        rc = show_task(read, &shown, &response->task_execution, err);
    }
    response->changed = *changed;
    read->response = &response->base;
    return rc;
}

/* The core does not know what is shown of a task, and nothing of those of runs that have ended. */
static const ProtobufCMessage *respond_cancelled(struct gf_command_call *self,
                                                 const struct gf_reply *reply) {
    bool *changed = GF_ARENA_NEW(self->arena, bool);
    *changed = !reply->unchanged;
    return gf_command_call_read(self, show_cancelled, changed);
}

static void cancel_task(struct gf_rpc_call *call,
                        const Gofer__V1__CancelTaskExecutionRequest *request, void *ctx) {
    struct gf_command_call *self =
        gf_command_call_create(call, &request->base, ctx, GF_INPUT_CANCEL_TASK, respond_cancelled);
    struct gf_input *input = &self->command.input;
    struct gf_error error = {0};
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_number(request->run_id, "run_id", &error);
    }
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->task_id), "task_id", &error);
    }
    input->u.cancel.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.cancel.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.cancel.run_id = request->run_id;
    input->u.cancel.task_id = gf_str_from(request->task_id);
    input->u.cancel.force = request->force;
    input->u.cancel.reason = gf_str_from(request->reason);
    gf_command_call_submit_checked(self, rc, &error);
}

/* ---- Listing ---- */

struct task_list {
    struct gf_run run;
    struct gf_config config;
};

/* position: index of the last task + 1, so that 0 is the beginning. */
static enum gf_code fetch_tasks(struct gf_list_page *page, size_t limit, size_t *out_count,
                                bool *out_ended, struct gf_error *err) {
    const struct task_list *list = page->data;
    struct gf_task_execution *items = NULL;
    const enum gf_code rc = page->read->store->list_tasks(
        page->read->reader, list->run.run_key, (int32_t)page->position.numbers[0] - 1, limit,
        page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_task(struct gf_list_page *page, size_t index, void **out_message,
                              GF_UNUSED struct gf_error *err) {
    const struct task_list *list = page->data;
    const struct gf_task_execution *items = page->items;
    const struct gf_task_execution *execution = &items[index];
    const bool known = (size_t)execution->task_index < list->config.task_count;
    const struct gf_task_execution_view view = {
        .run = &list->run,
        .execution = execution,
        .image = known ? list->config.tasks[execution->task_index].image : GF_STR(""),
        .scheduler = gf_str_from(page->read->services->scheduler.ops->name),
    };
    page->position.numbers[0] = (int64_t)execution->task_index + 1;
    Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, page->read->arena);
    message->log_state = gf_log_state_of(page->read->services, &list->run, execution);
    *out_message = message;
    return GF_OK;
}

static enum gf_code list_tasks(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListTaskExecutionsRequest *request = (const void *)read->request;
    struct task_list list = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_of_run(&page, read, "task_executions", request->page_size,
                                          request->namespace_id, request->pipeline_id,
                                          request->run_id, &list.run, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* The config may be larger than a page is meant to be: it has an arena of its own. */
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    page.data = &list;
    rc = gf_find_run_config(read, &list.run, &scratch, &list.config, err);
    if (rc == GF_OK) {
        rc = gf_list_page_answer(&page, request->page_token, fetch_tasks, take_task,
                                 &gofer__v1__list_task_executions_response__descriptor, err);
    }
    gf_arena_fini(&scratch);
    return rc;
}

static void start_list_tasks(struct gf_rpc_call *call,
                             const Gofer__V1__ListTaskExecutionsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_tasks);
}

const struct gofer_v1_task_execution_service_handlers gf_task_execution_service = {
    .list_task_executions = {.start = start_list_tasks},
    .get_task_execution = {.start = start_get_task},
    .cancel_task_execution = {.start = cancel_task},
    .follow_task_execution_logs = {.start = gf_log_follow_start,
                                   .writable = gf_stream_writable,
                                   .cancelled = gf_stream_cancelled},
    .delete_task_execution_logs = {.start = gf_log_delete_start},
    .attach_task_execution = {.start = gf_session_attach_start,
                              .message = gf_session_attach_message,
                              .writable = gf_stream_writable,
                              .cancelled = gf_stream_cancelled},
    .exec_task_execution = {.start = gf_session_exec_start,
                            .message = gf_session_exec_message,
                            .writable = gf_stream_writable,
                            .cancelled = gf_stream_cancelled},
    .open_terminal = {.start = gf_terminal_open_start,
                      .writable = gf_stream_writable,
                      .cancelled = gf_stream_cancelled},
    .send_terminal_input = {.start = gf_terminal_input_start},
};
