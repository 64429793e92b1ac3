#include "api/codec/model/message.h"
#include "api/service/session_call.h"

/* The three responses have the same parts; each call has its own. */
static const ProtobufCMessage *wrap_started(struct gf_session_call *self,
                                            Gofer__V1__TerminalStarted *started) {
    struct gf_arena *arena = &self->stream.arena;
    if (self->kind == GF_SESSION_CALL_ATTACH) {
        Gofer__V1__AttachTaskExecutionResponse *response =
            GF_MESSAGE_NEW(arena, Gofer__V1__AttachTaskExecutionResponse,
                           gofer__v1__attach_task_execution_response);
        response->message_case = GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED;
        response->started = started;
        return &response->base;
    }
    if (self->kind == GF_SESSION_CALL_EXEC) {
        Gofer__V1__ExecTaskExecutionResponse *response = GF_MESSAGE_NEW(
            arena, Gofer__V1__ExecTaskExecutionResponse, gofer__v1__exec_task_execution_response);
        response->message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_STARTED;
        response->started = started;
        return &response->base;
    }
    Gofer__V1__OpenTerminalResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__OpenTerminalResponse, gofer__v1__open_terminal_response);
    response->message_case = GOFER__V1__OPEN_TERMINAL_RESPONSE__MESSAGE_STARTED;
    response->started = started;
    return &response->base;
}

static const ProtobufCMessage *wrap_output(struct gf_session_call *self,
                                           Gofer__V1__TerminalOutput *output) {
    struct gf_arena *arena = &self->stream.arena;
    if (self->kind == GF_SESSION_CALL_ATTACH) {
        Gofer__V1__AttachTaskExecutionResponse *response =
            GF_MESSAGE_NEW(arena, Gofer__V1__AttachTaskExecutionResponse,
                           gofer__v1__attach_task_execution_response);
        response->message_case = GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_OUTPUT;
        response->output = output;
        return &response->base;
    }
    if (self->kind == GF_SESSION_CALL_EXEC) {
        Gofer__V1__ExecTaskExecutionResponse *response = GF_MESSAGE_NEW(
            arena, Gofer__V1__ExecTaskExecutionResponse, gofer__v1__exec_task_execution_response);
        response->message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_OUTPUT;
        response->output = output;
        return &response->base;
    }
    Gofer__V1__OpenTerminalResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__OpenTerminalResponse, gofer__v1__open_terminal_response);
    response->message_case = GOFER__V1__OPEN_TERMINAL_RESPONSE__MESSAGE_OUTPUT;
    response->output = output;
    return &response->base;
}

static const ProtobufCMessage *wrap_exit(struct gf_session_call *self, Gofer__V1__TaskExit *exit) {
    struct gf_arena *arena = &self->stream.arena;
    if (self->kind == GF_SESSION_CALL_ATTACH) {
        Gofer__V1__AttachTaskExecutionResponse *response =
            GF_MESSAGE_NEW(arena, Gofer__V1__AttachTaskExecutionResponse,
                           gofer__v1__attach_task_execution_response);
        response->message_case = GOFER__V1__ATTACH_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT;
        response->exit = exit;
        return &response->base;
    }
    if (self->kind == GF_SESSION_CALL_EXEC) {
        Gofer__V1__ExecTaskExecutionResponse *response = GF_MESSAGE_NEW(
            arena, Gofer__V1__ExecTaskExecutionResponse, gofer__v1__exec_task_execution_response);
        response->message_case = GOFER__V1__EXEC_TASK_EXECUTION_RESPONSE__MESSAGE_EXIT;
        response->exit = exit;
        return &response->base;
    }
    Gofer__V1__OpenTerminalResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__OpenTerminalResponse, gofer__v1__open_terminal_response);
    response->message_case = GOFER__V1__OPEN_TERMINAL_RESPONSE__MESSAGE_EXIT;
    response->exit = exit;
    return &response->base;
}

const ProtobufCMessage *gf_session_call__started_message(struct gf_session_call *self) {
    struct gf_arena *arena = &self->stream.arena;
    Gofer__V1__TerminalStarted *started =
        GF_MESSAGE_NEW(arena, Gofer__V1__TerminalStarted, gofer__v1__terminal_started);
    started->attempt = self->attempt;
    started->terminal = self->start.terminal;
    started->accepts_input = self->start.accepts_input;
    if (self->kind == GF_SESSION_CALL_TERMINAL) {
        started->terminal_id = self->terminal_id;
    }
    return wrap_started(self, started);
}

const ProtobufCMessage *gf_session_call__output_message(struct gf_session_call *self,
                                                        const struct gf_session_output *output) {
    Gofer__V1__TerminalOutput *message =
        GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__TerminalOutput, gofer__v1__terminal_output);
    message->stream = (Gofer__V1__LogStream)output->stream;
    message->content.data = (uint8_t *)(uintptr_t)output->bytes;
    message->content.len = output->size;
    return wrap_output(self, message);
}

const ProtobufCMessage *gf_session_call__exit_message(struct gf_session_call *self) {
    Gofer__V1__TaskExit *message =
        GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__TaskExit, gofer__v1__task_exit);
    message->code = self->end.exit_code;
    message->signal = self->end.exit_signal;
    message->out_of_memory = self->end.out_of_memory;
    return wrap_exit(self, message);
}
