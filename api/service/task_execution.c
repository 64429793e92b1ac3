#include "api/codec/model/task_execution.h"

#include "api/codec/model/config.h"
#include "api/codec/model/message.h"
#include "api/codec/model/run.h"
#include "api/service/handlers.h"
#include "api/service/list.h"
#include "api/service/lookup.h"
#include "api/service/stream.h"
#include "base/identifier.h"
#include "engine/core/environment.h"

/* ---- Reading one ---- */

static Gofer__V1__TaskExecution *show_task(struct gf_read *read, const struct gf_run *run,
                                           const struct gf_config *config,
                                           const struct gf_task *task,
                                           const struct gf_task_execution *execution) {
    const struct gf_task_execution_view view = {
        .run = run,
        .execution = execution,
        .image = task->image,
        .scheduler = gf_str_from(read->services->scheduler.ops->name),
    };
    Gofer__V1__TaskExecution *message = gf_task_execution_to_message(&view, read->arena);
    const struct gf_environment_sources sources = {
        .config = config,
        .task = task,
        .run = run,
        /* Before the first attempt: what it will get. */
        .attempt = execution->attempt == 0 ? 1 : execution->attempt,
    };
    struct gf_variable *variables = NULL;
    size_t count = 0;
    gf_environment_merge(&sources, read->arena, &variables, &count);
    gf_variables_to_messages(variables, count, read->arena, &message->n_variables,
                             &message->variables);
    return message;
}

static enum gf_code get_task(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetTaskExecutionRequest *request = (const void *)read->request;
    const struct gf_str task_id = gf_str_from(request->task_id);
    struct gf_run run = {0};
    struct gf_config config = {0};
    struct gf_task_execution execution = {0};
    enum gf_code rc =
        gf_find_run(read, request->namespace_id, request->pipeline_id, request->run_id, &run, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(task_id, "task_id", err);
    }
    if (rc == GF_OK) {
        rc =
            read->store->get_task(read->reader, run.run_key, task_id, read->arena, &execution, err);
    }
    if (rc == GF_OK) {
        rc = read->store->get_config(read->reader, run.pipeline_key, run.version, read->arena,
                                     &config, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_task *task = gf_config_find_task(&config, task_id);
    if (task == NULL) {
        return gf_fail(err, GF_DATA_LOSS, "the config of the run has no task '%s'",
                       request->task_id);
    }
    Gofer__V1__GetTaskExecutionResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetTaskExecutionResponse, gofer__v1__get_task_execution_response);
    response->task_execution = show_task(read, &run, &config, task, &execution);
    response->task = gf_task_to_message(task, read->arena);
    read->response = &response->base;
    return GF_OK;
}

static void start_get_task(struct gf_rpc_call *call,
                           const Gofer__V1__GetTaskExecutionRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, get_task);
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
    *out_message = gf_task_execution_to_message(&view, page->read->arena);
    return GF_OK;
}

static enum gf_code read_page(struct gf_list_page *page, struct task_list *list,
                              const char *page_token, struct gf_error *err) {
    /* The config may be larger than a page is meant to be: it has an arena of its own. */
    struct gf_read *read = page->read;
    struct gf_arena scratch;
    gf_arena_init(&scratch, GF_SERVICES_ARENA_BYTES_MAX);
    enum gf_code rc = read->store->get_config(read->reader, list->run.pipeline_key,
                                              list->run.version, &scratch, &list->config, err);
    if (rc == GF_OK) {
        page->data = list;
        gf_token_scope_number(&page->scope, list->run.run_key);
        rc = gf_list_page_read(page, page_token, fetch_tasks, take_task, err);
    }
    gf_arena_fini(&scratch);
    return rc;
}

static enum gf_code list_tasks(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListTaskExecutionsRequest *request = (const void *)read->request;
    struct task_list list = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "task_executions", request->page_size, err);
    if (rc == GF_OK) {
        rc = gf_find_run(read, request->namespace_id, request->pipeline_id, request->run_id,
                         &list.run, err);
    }
    if (rc == GF_OK) {
        rc = read_page(&page, &list, request->page_token, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    Gofer__V1__ListTaskExecutionsResponse *response =
        GF_MESSAGE_NEW(read->arena, Gofer__V1__ListTaskExecutionsResponse,
                       gofer__v1__list_task_executions_response);
    response->task_executions = (Gofer__V1__TaskExecution **)page.messages;
    response->n_task_executions = page.count;
    response->next_page_token = page.next_page_token;
    read->response = &response->base;
    return GF_OK;
}

static void start_list_tasks(struct gf_rpc_call *call,
                             const Gofer__V1__ListTaskExecutionsRequest *request, void *ctx) {
    gf_read_start(call, &request->base, ctx, list_tasks);
}

const struct gofer_v1_task_execution_service_handlers gf_task_execution_service = {
    .list_task_executions = {.start = start_list_tasks},
    .get_task_execution = {.start = start_get_task},
    .follow_task_execution_logs = {.start = gf_log_follow_start,
                                   .writable = gf_stream_writable,
                                   .cancelled = gf_stream_cancelled},
};
