/*
 * Dead letters. Those that concern a subscription are shown to those who may see it, and to the
 * extension; what was to be delivered is shown as text, as a person would want to read it.
 */
#include "api/access/visibility.h"
#include "api/codec/json/json.h"
#include "api/codec/json/schema.h"
#include "api/codec/model/message.h"
#include "api/codec/wire/wire.h"
#include "api/service/command_call.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "api/service/list.h"
#include "base/identifier.h"
#include "engine/store/extension_reads.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    IDS_MAX = 1000,            /* of one request */
    SHOWN_BYTES_MAX = 3 << 20, /* of a content as text, so that it fits a message */
};

/* ---- Showing ---- */

static bool may_see(const struct gf_principal *principal, const struct gf_extension *extension,
                    const struct gf_delivery *row) {
    return row->subscription_id.len == 0 ||
           gf_str_eq(principal->extension_id, extension->extension_id) ||
           gf_may_read(principal, GF_PERMISSION_RESOURCE_SUBSCRIPTIONS, row->namespace_id,
                       row->pipeline_id);
}

/* An event of gofer's own that was to be delivered is shown to whoever may see such an event. */
static bool may_see_event(const struct gf_principal *principal,
                          const struct gf_extension *extension, const struct gf_delivery *row,
                          struct gf_arena *arena) {
    ProtobufCMessage *message = NULL;
    if (row->kind != GF_DELIVERY_EVENT_DELIVERY ||
        gf_str_eq(principal->extension_id, extension->extension_id)) {
        return true;
    }
    if (gf_wire_decode(&gofer__v1__event__descriptor, (const uint8_t *)row->content.ptr,
                       row->content.len, arena, &message, NULL) != GF_OK) {
        return false;
    }
    const Gofer__V1__Event *shown = (const void *)message;
    const struct gf_event event = {
        .kind = (enum gf_event_kind)shown->kind,
        .namespace_id = gf_str_from(shown->namespace_id),
        .pipeline_id = gf_str_from(shown->pipeline_id),
        .extension_id = gf_str_from(shown->extension_id),
        .subject_id = gf_str_from(shown->subject_id),
        .key = gf_str_from(shown->key),
    };
    return gf_may_see_event(principal, &event);
}

/* "POST /path?query", the headers, an empty line, the body. */
static void show_request(struct gf_str content, struct gf_arena *arena, struct gf_strbuf *out) {
    ProtobufCMessage *message = NULL;
    struct gf_error error = {0};
    if (gf_wire_decode(&gofer__extension__v1__external_event__descriptor,
                       (const uint8_t *)content.ptr, content.len, arena, &message,
                       &error) != GF_OK) {
        gf_strbuf_append_cstr(out, error.message);
        return;
    }
    const Gofer__Extension__V1__ExternalEvent *event = (const void *)message;
    gf_strbuf_printf(out, "%s %s%s%s\n", event->method, event->path[0] == '\0' ? "/" : event->path,
                     event->query[0] == '\0' ? "" : "?", event->query);
    for (size_t i = 0; i < event->n_headers; i++) {
        gf_strbuf_printf(out, "%s: %s\n", event->headers[i]->name, event->headers[i]->value);
    }
    gf_strbuf_append_cstr(out, "\n");
    gf_strbuf_append(out, (struct gf_str){(const char *)event->body.data, event->body.len});
}

static void show_json(const char *type, struct gf_str content, struct gf_strbuf *out) {
    const struct gf_json_encode_opts opts = {.pretty = true};
    struct gf_error error = {0};
    if (gf_json_encode(gf_schema_gofer(), type, content, &opts, out, &error) != GF_OK) {
        gf_strbuf_append_cstr(out, error.message);
    }
}

static void show_content(const struct gf_delivery *row, struct gf_arena *arena,
                         ProtobufCBinaryData *out) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, SHOWN_BYTES_MAX);
    switch (row->kind) {
    case GF_DELIVERY_EXTERNAL_EVENT:
        show_request(row->content, arena, &text);
        break;
    case GF_DELIVERY_EVENT_DELIVERY:
        show_json("gofer.v1.Event", row->content, &text);
        break;
    case GF_DELIVERY_RUN_START:
        show_json("gofer.extension.v1.StartRun", row->content, &text);
        break;
    case GF_DELIVERY_UNSPECIFIED:
        break;
    }
    const struct gf_str copy = gf_arena_str(
        arena, text.overflowed ? GF_STR("(too large to be shown)") : gf_strbuf_view(&text));
    gf_strbuf_fini(&text);
    out->len = copy.len;
    out->data = (uint8_t *)(uintptr_t)copy.ptr;
}

static Gofer__V1__DeadLetter *show(const struct gf_extension *extension,
                                   const struct gf_delivery *row, bool with_content,
                                   struct gf_arena *arena) {
    Gofer__V1__DeadLetter *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__DeadLetter, gofer__v1__dead_letter);
    message->dead_letter_id = gf_arena_printf(arena, "%" PRId64, row->delivery_key);
    message->extension_id = gf_message_text(extension->extension_id, arena);
    message->kind = (Gofer__V1__DeadLetterKind)row->kind;
    message->subscription =
        gf_subscription_reference(row->namespace_id, row->pipeline_id, row->subscription_id, arena);
    message->idempotency_key = gf_message_text(row->key, arena);
    message->attempt_count = row->attempt_count;
    message->description = gf_message_text(row->description, arena);
    message->create_time = gf_message_time(row->create_time, arena);
    message->dead_time = gf_message_time(row->dead_time, arena);
    if (with_content) {
        show_content(row, arena, &message->content);
    }
    return message;
}

/* ---- ListDeadLetters ---- */

/* position: dead_time and key of the last one. */
static enum gf_code fetch_letters(struct gf_list_page *page, size_t limit, size_t *out_count,
                                  bool *out_ended, struct gf_error *err) {
    const struct gf_extension *extension = page->data;
    const struct gf_delivery_list_options options = {
        .extension_key = extension->extension_key,
        .dead = true,
        .after_dead_time = page->position.numbers[0],
        .after_key = page->position.numbers[1],
        .limit = limit,
    };
    struct gf_delivery *items = NULL;
    const enum gf_code rc = page->read->store->extensions->list_deliveries(
        page->read->reader, &options, page->read->arena, &items, out_count, err);
    page->items = items;
    *out_ended = *out_count < limit;
    return rc;
}

static enum gf_code take_letter(struct gf_list_page *page, size_t index, void **out_message,
                                GF_UNUSED struct gf_error *err) {
    const struct gf_delivery *row = &((const struct gf_delivery *)page->items)[index];
    page->position.numbers[0] = row->dead_time;
    page->position.numbers[1] = row->delivery_key;
    if (may_see(page->read->principal, page->data, row)) {
        *out_message = show(page->data, row, /* with_content= */ false, page->read->arena);
    }
    return GF_OK;
}

static enum gf_code list_letters(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__ListDeadLettersRequest *request = (const void *)read->request;
    struct gf_extension extension = {0};
    struct gf_list_page page;
    enum gf_code rc = gf_list_page_init(&page, read, "dead_letters", request->page_size, err);
    if (rc == GF_OK) {
        rc = gf_find_extension(read, request->extension_id, &extension, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    page.data = &extension;
    page.conceals = true;
    gf_page_scope_number(&page.scope, extension.extension_key);
    return gf_list_page_answer(&page, request->page_token, fetch_letters, take_letter,
                               &gofer__v1__list_dead_letters_response__descriptor, err);
}

void gf_dead_letter_list(struct gf_rpc_call *call, const Gofer__V1__ListDeadLettersRequest *request,
                         void *ctx) {
    gf_read_start(call, &request->base, ctx, list_letters);
}

/* ---- GetDeadLetter ---- */

static enum gf_code fail_unknown(const char *dead_letter_id, struct gf_error *err) {
    return gf_fail(err, GF_NOT_FOUND, "dead letter '%.64s' not found", dead_letter_id);
}

static enum gf_code get_letter(struct gf_read *read, struct gf_error *err) {
    const Gofer__V1__GetDeadLetterRequest *request = (const void *)read->request;
    struct gf_extension extension = {0};
    struct gf_delivery row = {0};
    struct gf_error error = {0};
    int64_t key = 0;
    enum gf_code rc = gf_find_extension(read, request->extension_id, &extension, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (!gf_parse_i64(gf_str_from(request->dead_letter_id), &key)) {
        return fail_unknown(request->dead_letter_id, err);
    }
    rc = read->store->extensions->get_delivery(read->reader, key, /* with_content= */ true,
                                               read->arena, &row, &error);
    if (rc == GF_NOT_FOUND ||
        (rc == GF_OK && (!row.dead || row.extension_key != extension.extension_key ||
                         !may_see(read->principal, &extension, &row) ||
                         !may_see_event(read->principal, &extension, &row, read->arena)))) {
        return fail_unknown(request->dead_letter_id, err);
    }
    if (rc != GF_OK) {
        *err = error;
        return rc;
    }
    Gofer__V1__GetDeadLetterResponse *response = GF_MESSAGE_NEW(
        read->arena, Gofer__V1__GetDeadLetterResponse, gofer__v1__get_dead_letter_response);
    response->dead_letter = show(&extension, &row, /* with_content= */ true, read->arena);
    read->response = &response->base;
    return GF_OK;
}

void gf_dead_letter_get(struct gf_rpc_call *call, const Gofer__V1__GetDeadLetterRequest *request,
                        void *ctx) {
    gf_read_start(call, &request->base, ctx, get_letter);
}

/* ---- Replaying and deleting ---- */

/* Numbers that are none are those of no dead letter. */
static enum gf_code read_ids(struct gf_command_call *self, const char *extension_id,
                             char *const *ids, size_t count, struct gf_error *err) {
    struct gf_delivery_change *change = &self->command.input.u.delivery;
    const enum gf_code rc = gf_identifier_check(gf_str_from(extension_id), "extension_id", err);
    if (rc != GF_OK) {
        return rc;
    }
    if (count > IDS_MAX) {
        return gf_fail_field(err, "dead_letter_ids", "there are %zu ids, expected up to %d", count,
                             IDS_MAX);
    }
    int64_t *keys = GF_ARENA_ARRAY(self->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        if (!gf_parse_i64(gf_str_from(ids[i]), &keys[i])) {
            keys[i] = 0;
        }
    }
    change->extension_id = gf_str_from(extension_id);
    change->keys = keys;
    change->key_count = count;
    return GF_OK;
}

static const ProtobufCMessage *respond_replayed(struct gf_command_call *self,
                                                const struct gf_reply *reply) {
    Gofer__V1__ReplayDeadLettersResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__ReplayDeadLettersResponse, gofer__v1__replay_dead_letters_response);
    response->replayed_count = reply->delivery_count;
    return &response->base;
}

void gf_dead_letter_replay(struct gf_rpc_call *call,
                           const Gofer__V1__ReplayDeadLettersRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_REPLAY_DELIVERIES, respond_replayed);
    struct gf_error error = {0};
    const enum gf_code rc = read_ids(self, request->extension_id, request->dead_letter_ids,
                                     request->n_dead_letter_ids, &error);
    gf_command_call_submit_checked(self, rc, &error);
}

static const ProtobufCMessage *respond_deleted(struct gf_command_call *self,
                                               const struct gf_reply *reply) {
    Gofer__V1__DeleteDeadLettersResponse *response = GF_MESSAGE_NEW(
        self->arena, Gofer__V1__DeleteDeadLettersResponse, gofer__v1__delete_dead_letters_response);
    response->deleted_count = reply->delivery_count;
    return &response->base;
}

void gf_dead_letter_delete(struct gf_rpc_call *call,
                           const Gofer__V1__DeleteDeadLettersRequest *request, void *ctx) {
    struct gf_command_call *self = gf_command_call_create(
        call, &request->base, ctx, GF_INPUT_DELETE_DELIVERIES, respond_deleted);
    struct gf_error error = {0};
    enum gf_code rc = read_ids(self, request->extension_id, request->dead_letter_ids,
                               request->n_dead_letter_ids, &error);
    if (rc == GF_OK && request->n_dead_letter_ids == 0) {
        rc = gf_fail_field(&error, "dead_letter_ids", "is required: 1 to %d ids", IDS_MAX);
    }
    gf_command_call_submit_checked(self, rc, &error);
}
