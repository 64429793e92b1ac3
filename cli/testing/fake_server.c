#include "cli/testing/fake_server.h"

#include "api/codec/json/json.h"
#include "api/codec/wire/wire.h"
#include "api/rpc/server.h"
#include "base/alloc.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/image.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/role.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "gofer/v1/system.gofer.h"
#include "gofer/v1/token.gofer.h"

#include <stdio.h>
#include <string.h>

enum {
    METHODS_MAX = 32, /* of one service */
    JSON_BYTES_MAX = 4 << 20,
    ARENA_BYTES_MAX = 16 << 20,
};

/* The request as JSON. */
static char *to_json(const ProtobufCMessage *message) {
    const size_t size = gf_wire_encoded_size(message);
    uint8_t *wire = gf_malloc(size);
    struct gf_str bytes = {(const char *)wire, gf_wire_encode(message, wire)};
    struct gf_strbuf out;
    gf_strbuf_init(&out, JSON_BYTES_MAX);
    gf_assert(gf_json_encode(gf_schema_gofer(), message->descriptor->name, bytes, NULL, &out,
                             NULL) == GF_OK);
    free(wire);
    return gf_strbuf_take(&out);
}

/* The answer that a call gets; NULL for none. */
static const struct gf_fake_answer *take_answer(struct gf_fake_server *fake, const char *method) {
    const struct gf_fake_answer *last = NULL;
    for (size_t i = 0; i < fake->answer_count; i++) {
        if (strcmp(fake->answers[i].method, method) != 0) {
            continue;
        }
        last = &fake->answers[i];
        if (!fake->given[i]) {
            fake->given[i] = true;
            break;
        }
    }
    return last;
}

static void note(struct gf_fake_server *fake, struct gf_rpc_call *call,
                 const ProtobufCMessage *request) {
    gf_mutex_lock(&fake->mutex);
    gf_assert(fake->call_count < GF_FAKE_CALLS_MAX);
    fake->calls[fake->call_count++] = (struct gf_fake_call){
        .method = gf_rpc_call_method(call)->name,
        .request = to_json(request),
        .authorization = gf_str_dup(gf_rpc_call_metadata(call, "authorization")),
    };
    gf_mutex_unlock(&fake->mutex);
}

/* Sends a message, which is the answer itself where the method is no stream. */
static void give(struct gf_rpc_call *call, const char *json) {
    const struct gf_rpc_method *method = gf_rpc_call_method(call);
    struct gf_arena arena;
    struct gf_str wire = {0};
    ProtobufCMessage *message = NULL;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    gf_assert(gf_json_decode(gf_schema_gofer(), method->response->name, gf_str_from(json), &arena,
                             &wire, NULL) == GF_OK);
    gf_assert(gf_wire_decode(method->response, (const uint8_t *)wire.ptr, wire.len, &arena,
                             &message, NULL) == GF_OK);
    if (gf_rpc_kind_streams_responses(method->kind)) {
        struct gf_error err = {0};
        const enum gf_code rc = gf_rpc_send(call, message, &err);
        gf_assert(rc == GF_OK || rc == GF_CANCELLED); /* the client may be gone */
    } else {
        gf_rpc_reply(call, message);
    }
    gf_arena_fini(&arena);
}

static void fail(struct gf_rpc_call *call, const struct gf_fake_answer *answer) {
    struct gf_error error = {.code = answer == NULL ? GF_UNIMPLEMENTED : answer->code};
    if (answer != NULL) {
        (void)snprintf(error.message, sizeof(error.message), "%s",
                       answer->message == NULL ? "refused" : answer->message);
        (void)snprintf(error.reason, sizeof(error.reason), "%s",
                       answer->reason == NULL ? "" : answer->reason);
        (void)snprintf(error.field, sizeof(error.field), "%s",
                       answer->field == NULL ? "" : answer->field);
    }
    gf_rpc_fail(call, &error);
}

/* A call and how far its answer has come. */
struct script {
    const struct gf_fake_answer *answer; /* NULL = there is none */
    const char *const *next;             /* of its messages */
};

static void go_on(struct gf_rpc_call *call, struct script *script) {
    const struct gf_fake_answer *answer = script->answer;
    while (script->next != NULL && *script->next != NULL) {
        const char *json = *script->next++;
        if (strcmp(json, GF_FAKE_AWAIT) == 0) {
            return;
        }
        give(call, json);
    }
    if (answer == NULL || answer->code != GF_OK) {
        fail(call, answer);
    } else if (gf_rpc_kind_streams_responses(gf_rpc_call_method(call)->kind)) {
        gf_rpc_finish(call);
    } else {
        give(call, answer->json == NULL ? "{}" : answer->json);
    }
}

static void start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct gf_fake_server *fake = ctx;
    struct script *script = GF_ARENA_NEW(gf_rpc_call_arena(call), struct script);
    if (request != NULL) {
        note(fake, call, request);
    }
    gf_mutex_lock(&fake->mutex);
    script->answer = take_answer(fake, gf_rpc_call_method(call)->name);
    gf_mutex_unlock(&fake->mutex);
    script->next = script->answer == NULL ? NULL : script->answer->messages;
    gf_rpc_call_set_data(call, script);
    go_on(call, script);
}

static void take_message(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    if (request != NULL) {
        note(ctx, call, request);
        go_on(call, gf_rpc_call_get_data(call));
    }
}

static void end_cancelled(struct gf_rpc_call *call, void *ctx) {
    const struct gf_error error = {.code = GF_CANCELLED};
    (void)ctx;
    gf_rpc_fail(call, &error);
}

void gf_fake_server_start(struct gf_fake_server *fake, const struct gf_fake_answer *answers,
                          size_t answer_count) {
    static const struct gf_rpc_service *const services[] = {
        &gofer_v1_event_service,        &gofer_v1_extension_service, &gofer_v1_image_service,
        &gofer_v1_namespace_service,    &gofer_v1_role_service,      &gofer_v1_secret_service,
        &gofer_v1_subscription_service, &gofer_v1_system_service,    &gofer_v1_token_service,
    };
    gf_assert(answer_count <= GF_FAKE_CALLS_MAX);
    *fake = (struct gf_fake_server){.answers = answers, .answer_count = answer_count};
    gf_mutex_init(&fake->mutex, GF_RANK_TEST_OUTER);
    struct gf_rpc_handler handlers[METHODS_MAX];
    for (size_t i = 0; i < METHODS_MAX; i++) {
        handlers[i] = (struct gf_rpc_handler){
            .start = start, .message = take_message, .cancelled = end_cancelled};
    }
    gf_assert(gf_rpc_server_create(NULL, &fake->server, NULL) == GF_OK);
    for (size_t i = 0; i < GF_ARRAY_COUNT(services); i++) {
        gf_assert(services[i]->method_count <= METHODS_MAX);
        gf_rpc_server_add_service(fake->server, services[i], handlers, fake);
    }
    int port = 0;
    gf_assert(gf_rpc_server_listen(fake->server, "127.0.0.1:0", NULL, &port, NULL) == GF_OK);
    gf_rpc_server_start(fake->server);
    (void)snprintf(fake->address, sizeof(fake->address), "127.0.0.1:%d", port);
}

void gf_fake_server_stop(struct gf_fake_server *fake) {
    gf_rpc_server_destroy(fake->server);
    for (size_t i = 0; i < fake->call_count; i++) {
        free(fake->calls[i].request);
        free(fake->calls[i].authorization);
    }
    gf_mutex_fini(&fake->mutex);
}

/* The last call of the method; NULL where none came. */
static const struct gf_fake_call *find_call(struct gf_fake_server *fake, const char *method) {
    const struct gf_fake_call *found = NULL;
    gf_mutex_lock(&fake->mutex);
    for (size_t i = 0; i < fake->call_count; i++) {
        found = strcmp(fake->calls[i].method, method) == 0 ? &fake->calls[i] : found;
    }
    gf_mutex_unlock(&fake->mutex);
    return found;
}

const char *gf_fake_request(struct gf_fake_server *fake, const char *method) {
    const struct gf_fake_call *call = find_call(fake, method);
    return call == NULL ? "" : call->request;
}

const char *gf_fake_request_at(struct gf_fake_server *fake, const char *method, size_t index) {
    const char *found = "";
    gf_mutex_lock(&fake->mutex);
    for (size_t i = 0; i < fake->call_count; i++) {
        if (strcmp(fake->calls[i].method, method) == 0 && index-- == 0) {
            found = fake->calls[i].request;
            break;
        }
    }
    gf_mutex_unlock(&fake->mutex);
    return found;
}

const char *gf_fake_authorization(struct gf_fake_server *fake, const char *method) {
    const struct gf_fake_call *call = find_call(fake, method);
    return call == NULL ? "" : call->authorization;
}
