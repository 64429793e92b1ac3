/*
 * SendTerminalInput: input for a session whose output goes by another call, of the same token.
 *
 * Design: the services have a list of terminals. A call finds its one by the id, leaves itself
 * there and kicks the stream; the next step of the stream takes the calls one by one, in the order
 * in which they came, holds their sequence numbers against what was accepted, and answers them. So
 * all that touches a session is done by steps, and a terminal that goes answers those that wait.
 */
#include "api/service/session_call.h"

#include <inttypes.h>
#include <string.h>

/* A call that waits for its answer; in its own arena. */
struct terminal_input {
    struct gf_list_link link;
    struct gf_rpc_call *call;
    const Gofer__V1__SendTerminalInputRequest *request;
};

/* ---- The terminal's side. Thread: a step of the stream. ---- */

void gf_terminal__add(struct gf_session_call *self) {
    struct gf_services *services = self->stream.services;
    (void)gf_uuid_v4(self->terminal_id);
    gf_mutex_lock(&services->mutex);
    gf_list_push_back(&services->terminals, &self->terminal_link);
    gf_mutex_unlock(&services->mutex);
}

static struct terminal_input *next_input(struct gf_session_call *self) {
    GF_MUTEX_GUARD(&self->stream.services->mutex);
    struct gf_list_link *first = gf_list_first(&self->inputs);
    if (first == NULL) {
        return NULL;
    }
    gf_list_remove(first);
    return GF_CONTAINER_OF(first, struct terminal_input, link);
}

static enum gf_code take_input(struct gf_session_call *self,
                               const Gofer__V1__SendTerminalInputRequest *request,
                               struct gf_error *err) {
    if (request->sequence <= self->accepted_sequence) {
        return GF_OK; /* it has had its effect */
    }
    if (request->sequence > self->accepted_sequence + 1) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "SEQUENCE_GAP",
                              "sequence is %" PRId64 ", expected %" PRId64, request->sequence,
                              self->accepted_sequence + 1);
    }
    const enum gf_code rc = gf_session_call__input(self, request->input, err);
    if (rc == GF_OK) {
        self->accepted_sequence = request->sequence;
    }
    return rc;
}

void gf_terminal__take_inputs(struct gf_session_call *self) {
    for (struct terminal_input *input = next_input(self); input != NULL; input = next_input(self)) {
        struct gf_error error = {0};
        if (take_input(self, input->request, &error) != GF_OK) {
            gf_rpc_fail(input->call, &error);
            continue;
        }
        Gofer__V1__SendTerminalInputResponse response =
            GOFER__V1__SEND_TERMINAL_INPUT_RESPONSE__INIT;
        response.accepted_sequence = self->accepted_sequence;
        gf_rpc_reply(input->call, &response.base);
    }
}

static enum gf_code fail_unknown(struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "there is no such terminal of this token");
}

void gf_terminal__remove(struct gf_session_call *self) {
    struct gf_services *services = self->stream.services;
    gf_mutex_lock(&services->mutex);
    if (gf_list_linked(&self->terminal_link)) {
        gf_list_remove(&self->terminal_link);
    }
    gf_mutex_unlock(&services->mutex);
    for (struct terminal_input *input = next_input(self); input != NULL; input = next_input(self)) {
        struct gf_error error = {0};
        (void)fail_unknown(&error);
        gf_rpc_fail(input->call, &error);
    }
}

/* ---- The sender's side. Thread: rpc. ---- */

/* Whether both calls are of the same token; without one, of the same way of having none. */
static bool is_same_caller(const struct gf_principal *a, const struct gf_principal *b) {
    return a->kind == b->kind && gf_str_eq(a->token_id, b->token_id) && gf_str_eq(a->user, b->user);
}

/* Leaves the input with its terminal, where there is one. */
static bool leave(struct gf_services *services, struct terminal_input *input) {
    const struct gf_principal *principal = gf_principal_of(input->call);
    const char *id = input->request->terminal_id;
    struct gf_stream *stream = NULL;
    GF_MUTEX_GUARD(&services->mutex);
    GF_LIST_FOREACH(link, &services->terminals) {
        struct gf_session_call *terminal =
            GF_CONTAINER_OF(link, struct gf_session_call, terminal_link);
        if (strcmp(terminal->terminal_id, id) == 0 &&
            is_same_caller(principal, gf_principal_of(terminal->stream.call))) {
            gf_list_push_back(&terminal->inputs, &input->link);
            stream = &terminal->stream;
            break;
        }
    }
    /* Under the mutex, or the terminal might be gone; a kick takes the mutex of the pool alone. */
    if (stream != NULL) {
        gf_stream_kick(stream);
    }
    return stream != NULL;
}

void gf_terminal_input_start(struct gf_rpc_call *call,
                             const Gofer__V1__SendTerminalInputRequest *request, void *ctx) {
    struct terminal_input *input = GF_ARENA_NEW(gf_rpc_call_arena(call), struct terminal_input);
    struct gf_error error = {0};
    enum gf_code rc = GF_OK;
    input->call = call;
    input->request = request;
    if (request->sequence < 1) {
        rc = gf_fail_field(&error, "sequence", "value is %" PRId64 ", expected 1 or more",
                           request->sequence);
    } else if (request->input == NULL) {
        rc = gf_fail_field(&error, "input", "there is no input");
    } else if (!leave(ctx, input)) {
        rc = fail_unknown(&error);
    }
    /* One that was left belongs to the terminal. */
    if (rc != GF_OK) {
        gf_rpc_fail(call, &error);
    }
}
