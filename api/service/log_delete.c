/*
 * DeleteTaskExecutionLogs.
 *
 * Four steps: a worker looks whether the task has ended and has a log at all; the engine records
 * the deletion; a worker removes the files; the call is answered. Who is told of the deletion by an
 * event may still find a file for a moment. Where the server ends between the record and the
 * removal the files stay, and the call, which was not answered, is made again: what counts is
 * whether there are files.
 */
#include "api/codec/model/message.h"
#include "api/service/command_call.h"
#include "api/service/handlers.h"
#include "api/service/lookup.h"
#include "base/identifier.h"

#include <inttypes.h>

/* In the call's arena; the command's `data`. */
struct log_delete {
    const Gofer__V1__DeleteTaskExecutionLogsRequest *request;
    struct gf_log_name newest; /* of the latest attempt, which may be 0: none was made */
};

static const ProtobufCMessage *make_response(struct gf_command_call *command, bool changed) {
    Gofer__V1__DeleteTaskExecutionLogsResponse *response =
        GF_MESSAGE_NEW(command->arena, Gofer__V1__DeleteTaskExecutionLogsResponse,
                       gofer__v1__delete_task_execution_logs_response);
    response->changed = changed;
    return &response->base;
}

/* ---- Looking, on a worker ---- */

/* A run that waits has no tasks yet; of its config's tasks it is said that they have not ended. */
static enum gf_code refuse_missing(struct gf_read *read, const struct gf_run *run,
                                   struct gf_str task_id, struct gf_error *err) {
    struct gf_config config = {0};
    struct gf_error ignored = {0};
    if (run->state == GF_RUN_STATE_COMPLETE || run->start_time != 0 ||
        gf_find_run_config(read, run, read->arena, &config, &ignored) != GF_OK ||
        gf_config_find_task(&config, task_id) == NULL) {
        return GF_NOT_FOUND;
    }
    return gf_fail_reason(err, GF_FAILED_PRECONDITION, "RUN_NOT_STARTED",
                          "run %" PRId64 " has not started, so it has no tasks yet", run->run_id);
}

static enum gf_code find(struct gf_command_call *command, struct gf_read *read,
                         struct gf_error *err) {
    struct log_delete *self = command->data;
    const Gofer__V1__DeleteTaskExecutionLogsRequest *request = self->request;
    const struct gf_str task_id = gf_str_from(request->task_id);
    struct gf_task_execution execution = {0};
    struct gf_run run = {0};
    enum gf_code rc =
        gf_find_run(read, request->namespace_id, request->pipeline_id, request->run_id, &run, err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = read->store->get_task(read->reader, run.run_key, task_id, read->arena, &execution, err);
    if (rc == GF_NOT_FOUND) {
        return refuse_missing(read, &run, task_id, err);
    }
    if (rc == GF_OK && execution.state != GF_TASK_STATE_COMPLETE) {
        rc = gf_fail_reason(err, GF_FAILED_PRECONDITION, "TASK_NOT_ENDED",
                            "task '%s' of run %" PRId64 " has not ended: cancel it first, or wait",
                            request->task_id, request->run_id);
    }
    if (rc == GF_OK) {
        command->command.input.u.delete_logs.run_key = run.run_key;
        self->newest = (struct gf_log_name){
            .pipeline_key = run.pipeline_key,
            .run_id = run.run_id,
            .task_index = execution.task_index,
            .attempt = execution.attempt,
        };
    }
    return rc;
}

static bool has_log(const struct gf_command_call *command) {
    const struct log_delete *self = command->data;
    for (struct gf_log_name name = self->newest; name.attempt > 0; name.attempt--) {
        if (gf_log_store_has(command->services->logs, &name)) {
            return true;
        }
    }
    return false;
}

static void look(void *ctx) {
    struct gf_command_call *command = ctx;
    struct gf_error error = {0};
    struct gf_arena arena;
    struct gf_read read;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_read_open(&read, command->services, &arena);
    const enum gf_code rc = find(command, &read, &error);
    gf_read_close(&read);
    gf_arena_fini(&arena);
    if (rc == GF_OK && !has_log(command)) {
        gf_rpc_reply(command->call, make_response(command, false));
        return;
    }
    gf_command_call_submit_checked(command, rc, &error);
}

/* ---- Removing, on a worker ---- */

static void remove_logs(void *ctx) {
    struct gf_command_call *command = ctx;
    const struct log_delete *self = command->data;
    struct gf_error error = {0};
    enum gf_code rc = GF_OK;
    for (struct gf_log_name name = self->newest; name.attempt > 0 && rc == GF_OK; name.attempt--) {
        rc = gf_log_store_remove(command->services->logs, &name, &error);
    }
    if (rc == GF_OK) {
        gf_rpc_reply(command->call, make_response(command, true));
    } else {
        gf_command_call_fail(command, &error);
    }
}

/* Removing a large file takes its time. */
static const ProtobufCMessage *respond_deleted(struct gf_command_call *command,
                                               GF_UNUSED const struct gf_reply *reply) {
    gf_pool_submit_reserved(command->services->long_pool, remove_logs, command);
    return NULL;
}

void gf_log_delete_start(struct gf_rpc_call *call,
                         const Gofer__V1__DeleteTaskExecutionLogsRequest *request, void *ctx) {
    struct gf_command_call *command = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_TASK_LOGS, respond_deleted);
    struct gf_input *input = &command->command.input;
    struct log_delete *self = GF_ARENA_NEW(command->arena, struct log_delete);
    struct gf_error error = {0};
    self->request = request;
    command->data = self;
    input->u.delete_logs.namespace_id = gf_request_namespace(request->namespace_id);
    input->u.delete_logs.pipeline_id = gf_str_from(request->pipeline_id);
    input->u.delete_logs.run_id = request->run_id;
    input->u.delete_logs.task_id = gf_str_from(request->task_id);
    enum gf_code rc = gf_check_pipeline_ids(request->namespace_id, request->pipeline_id, &error);
    if (rc == GF_OK) {
        rc = gf_check_number(request->run_id, "run_id", &error);
    }
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->task_id), "task_id", &error);
    }
    if (rc == GF_OK) {
        rc = gf_pool_submit(command->services->pool, look, command, &error);
    }
    if (rc != GF_OK) {
        gf_command_call_fail(command, &error);
    }
}
