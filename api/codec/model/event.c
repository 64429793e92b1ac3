#include "api/codec/model/event.h"

#include "api/codec/model/maps.h"
#include "api/codec/model/message.h"
#include "base/identifier.h"

#include <stdio.h>

/* NULL where gofer itself did it. */
static Gofer__V1__EventActor *actor_to_message(const struct gf_actor *actor,
                                               struct gf_arena *arena) {
    if (actor->token_id.len + actor->user.len + actor->peer.len == 0) {
        return NULL;
    }
    Gofer__V1__EventActor *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__EventActor, gofer__v1__event_actor);
    message->token_id = gf_message_text(actor->token_id, arena);
    message->user = gf_message_text(actor->user, arena);
    message->peer = gf_message_text(actor->peer, arena);
    return message;
}

Gofer__V1__Event *gf_event_to_message(const struct gf_event *event, struct gf_arena *arena) {
    Gofer__V1__Event *message = GF_MESSAGE_NEW(arena, Gofer__V1__Event, gofer__v1__event);
    message->event_id = event->sequence;
    message->kind = (Gofer__V1__EventKind)event->kind;
    message->event_time = gf_message_time(event->time, arena);
    message->namespace_id = gf_message_text(event->namespace_id, arena);
    message->pipeline_id = gf_message_text(event->pipeline_id, arena);
    message->run_id = event->run_id;
    message->task_id = gf_message_text(event->task_id, arena);
    message->attempt = event->attempt;
    message->version = event->version;
    message->deployment_id = event->deployment_id;
    message->extension_id = gf_message_text(event->extension_id, arena);
    message->subscription_id = gf_message_text(event->subscription_id, arena);
    message->key = gf_message_text(event->key, arena);
    message->subject_id = gf_message_text(event->subject_id, arena);
    message->actor = actor_to_message(&event->actor, arena);
    GF_MAP_WRITE(message, metadata, Gofer__V1__Event__MetadataEntry,
                 gofer__v1__event__metadata_entry, event->metadata_count, event->metadata[i].key,
                 event->metadata[i].value, arena);
    if (event->kind == GF_EVENT_RUN_COMPLETED) {
        message->run_status = (Gofer__V1__RunStatus)event->status;
    } else if (event->kind == GF_EVENT_TASK_EXECUTION_COMPLETED) {
        message->task_execution_status = (Gofer__V1__TaskExecutionStatus)event->status;
    }
    return message;
}

/* Kinds that are known to the contracts and not to the model never happen here. */
static enum gf_code read_kinds(const Gofer__V1__EventFilter *message,
                               struct gf_event_selection *out, struct gf_error *err) {
    for (size_t i = 0; i < message->n_kinds; i++) {
        const int kind = (int)message->kinds[i];
        if (protobuf_c_enum_descriptor_get_value(&gofer__v1__event_kind__descriptor, kind) ==
                NULL ||
            kind == 0) {
            char field[GF_ERROR_FIELD_BYTES_MAX];
            (void)snprintf(field, sizeof(field), "filter.kinds[%zu]", i);
            return gf_fail_field(err, field, "%d is no kind of event", kind);
        }
        if (gf_event_kind_valid(kind)) {
            gf_event_kinds_add(&out->kinds, (enum gf_event_kind)kind);
        }
    }
    out->nothing = message->n_kinds > 0 && gf_event_kinds_empty(&out->kinds);
    return GF_OK;
}

static enum gf_code read_ids(const Gofer__V1__EventFilter *message, struct gf_event_selection *out,
                             struct gf_error *err) {
    out->namespace_id = gf_str_from(message->namespace_id);
    out->pipeline_id = gf_str_from(message->pipeline_id);
    out->run_id = message->run_id;
    out->extension_id = gf_str_from(message->extension_id);
    enum gf_code rc = GF_OK;
    if (out->namespace_id.len > 0) {
        rc = gf_identifier_check(out->namespace_id, "filter.namespace_id", err);
    }
    if (rc == GF_OK && out->pipeline_id.len > 0) {
        rc = gf_identifier_check(out->pipeline_id, "filter.pipeline_id", err);
    }
    if (rc == GF_OK && out->extension_id.len > 0) {
        rc = gf_identifier_check(out->extension_id, "filter.extension_id", err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    if (out->pipeline_id.len > 0 && out->namespace_id.len == 0) {
        return gf_fail_field(err, "filter.pipeline_id", "needs filter.namespace_id beside it");
    }
    if (out->run_id < 0) {
        return gf_fail_field(err, "filter.run_id", "expected 0 or more");
    }
    if (out->run_id > 0 && out->pipeline_id.len == 0) {
        return gf_fail_field(err, "filter.run_id", "needs filter.pipeline_id beside it");
    }
    return GF_OK;
}

enum gf_code gf_event_filter_from_message(const Gofer__V1__EventFilter *message,
                                          struct gf_event_selection *out, struct gf_error *err) {
    struct gf_event_selection selection = {0};
    if (message != NULL) {
        enum gf_code rc = read_kinds(message, &selection, err);
        if (rc == GF_OK) {
            rc = read_ids(message, &selection, err);
        }
        if (rc == GF_OK) {
            rc = gf_message_read_time(message->start_time, "filter.start_time",
                                      &selection.start_time, err);
        }
        if (rc == GF_OK) {
            rc = gf_message_read_time(message->end_time, "filter.end_time", &selection.end_time,
                                      err);
        }
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out = selection;
    return GF_OK;
}
