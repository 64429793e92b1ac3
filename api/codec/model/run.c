#include "api/codec/model/run.h"

#include "api/codec/model/enums.h"
#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"

void gf_variables_to_messages(const struct gf_variable *variables, size_t count,
                              struct gf_arena *arena, size_t *out_count,
                              Gofer__V1__Variable ***out_messages) {
    *out_count = count;
    *out_messages = count == 0 ? NULL : GF_ARENA_ARRAY(arena, count, Gofer__V1__Variable *);
    for (size_t i = 0; i < count; i++) {
        Gofer__V1__Variable *message =
            GF_MESSAGE_NEW(arena, Gofer__V1__Variable, gofer__v1__variable);
        message->key = gf_message_text(variables[i].key, arena);
        message->value = gf_message_text(variables[i].value, arena);
        message->source = (Gofer__V1__VariableSource)variables[i].source;
        (*out_messages)[i] = message;
    }
}

static Gofer__V1__Initiator *initiator_of(const struct gf_initiator *initiator,
                                          struct gf_arena *arena) {
    Gofer__V1__Initiator *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__Initiator, gofer__v1__initiator);
    message->kind = (Gofer__V1__InitiatorKind)initiator->kind;
    message->token_id = gf_message_text(initiator->token_id, arena);
    message->name = gf_message_text(initiator->id, arena);
    message->reason = gf_message_text(initiator->reason, arena);
    if (initiator->kind == GF_INITIATOR_EXTENSION) {
        message->extension_id = message->name;
        message->subscription_id = gf_message_text(initiator->subscription_id, arena);
        message->idempotency_key = gf_message_text(initiator->key, arena);
        message->event_time = gf_message_time(initiator->event_time, arena);
    }
    return message;
}

static Gofer__V1__RunStatusReason *reason_of(const struct gf_run *run, struct gf_arena *arena) {
    Gofer__V1__RunStatusReason *reason =
        GF_MESSAGE_NEW(arena, Gofer__V1__RunStatusReason, gofer__v1__run_status_reason);
    reason->kind = gf_run_reason_kind_to_message(run->status, run->reason.kind);
    reason->description = gf_message_text(run->reason.text, arena);
    return reason;
}

static Gofer__V1__RunInput *input_of(const struct gf_run_input *input, struct gf_arena *arena) {
    Gofer__V1__RunInput *message = GF_MESSAGE_NEW(arena, Gofer__V1__RunInput, gofer__v1__run_input);
    message->media_type = gf_message_text(input->media_type, arena);
    message->size_bytes = input->size_bytes;
    message->digest = gf_message_text(input->digest, arena);
    return message;
}

Gofer__V1__Run *gf_run_to_message(const struct gf_run *run, struct gf_arena *arena) {
    Gofer__V1__Run *message = GF_MESSAGE_NEW(arena, Gofer__V1__Run, gofer__v1__run);
    message->namespace_id = gf_message_text(run->namespace_id, arena);
    message->pipeline_id = gf_message_text(run->pipeline_id, arena);
    message->run_id = run->run_id;
    message->version = run->version;
    message->state = (Gofer__V1__RunState)run->state;
    message->status = (Gofer__V1__RunStatus)run->status;
    message->initiator = initiator_of(&run->initiator, arena);
    message->create_time = gf_message_time(run->create_time, arena);
    message->start_time = gf_message_time(run->start_time, arena);
    message->end_time = gf_message_time(run->end_time, arena);
    gf_variables_to_messages(run->variables, run->variable_count, arena, &message->n_variables,
                             &message->variables);
    GF_MAP_WRITE(message, labels, Gofer__V1__Run__LabelsEntry, gofer__v1__run__labels_entry,
                 run->label_count, run->labels[i].key, run->labels[i].value, arena);
    message->input = run->has_input ? input_of(&run->input, arena) : NULL;
    message->priority = run->priority;
    message->ordering_key = gf_message_text(run->ordering_key, arena);
    message->ordering_policy = (Gofer__V1__RunOrderingPolicy)run->ordering_policy;
    message->cancel_requested = run->cancel_requested;
    message->deadline_time = gf_message_time(run->deadline_time, arena);
    message->retried_run_id = run->retried_run_id;
    if (run->state == GF_RUN_STATE_COMPLETE) {
        message->status_reason = reason_of(run, arena);
    }
    return message;
}

void gf_run_message_set_content(Gofer__V1__Run *message, struct gf_str content) {
    message->input->source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    message->input->content.len = content.len;
    message->input->content.data = (uint8_t *)content.ptr;
}
