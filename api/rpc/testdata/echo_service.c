#include "api/rpc/testdata/echo_service.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define SERVICE "gofer.testing.Echo"
#define REQUEST gofer__testing__echo_request__descriptor
#define RESPONSE gofer__testing__echo_response__descriptor
#define METHOD(name_, kind_)                                                                       \
    {                                                                                              \
        .path = "/" SERVICE "/" name_, .service = SERVICE, .name = name_, .kind = (kind_),         \
        .request = &REQUEST, .response = &RESPONSE                                                 \
    }

const struct gf_rpc_method gf_echo_methods[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = METHOD("Unary", GF_RPC_UNARY),
    [GF_ECHO_COLLECT] = METHOD("Collect", GF_RPC_CLIENT_STREAM),
    [GF_ECHO_REPEAT] = METHOD("Repeat", GF_RPC_SERVER_STREAM),
    [GF_ECHO_CHAT] = METHOD("Chat", GF_RPC_BIDI_STREAM),
};

const struct gf_rpc_service gf_echo_service = {
    .name = SERVICE,
    .methods = gf_echo_methods,
    .method_count = GF_ECHO_METHOD_COUNT,
};

static gf_echo_response answer(const gf_echo_request *request, int64_t sequence) {
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = request->id;
    response.payload = request->payload;
    response.sequence = sequence;
    return response;
}

static void unary_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)ctx;
    const gf_echo_response response = answer((const gf_echo_request *)request, 0);
    gf_rpc_reply(call, &response.base);
}

/* What a stream has done so far. */
struct progress {
    const gf_echo_request *request;
    int64_t sequence;
    int64_t bytes;
    bool requests_ended;
};

static struct progress *begin(struct gf_rpc_call *call) {
    struct progress *progress = GF_ARENA_NEW(gf_rpc_call_arena(call), struct progress);
    gf_rpc_call_set_data(call, progress);
    return progress;
}

static void fail_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "cancelled");
    gf_rpc_fail(call, &error);
}

static void collect_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    (void)begin(call);
}

static void collect_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    (void)ctx;
    struct progress *progress = gf_rpc_call_get_data(call);
    if (message != NULL) {
        progress->sequence++;
        progress->bytes += (int64_t)((const gf_echo_request *)message)->payload.len;
        return;
    }
    gf_echo_response response = GOFER__TESTING__ECHO_RESPONSE__INIT;
    response.id = gf_arena_printf(gf_rpc_call_arena(call), "%lld", (long long)progress->bytes);
    response.sequence = progress->sequence;
    gf_rpc_reply(call, &response.base);
}

/* Sends until the queue is full or all is sent. */
static void repeat_more(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct progress *progress = gf_rpc_call_get_data(call);
    while (progress->sequence < progress->request->count) {
        const gf_echo_response response = answer(progress->request, progress->sequence);
        if (gf_rpc_send(call, &response.base, NULL) != GF_OK) {
            return; /* `writable` or `cancelled` follows */
        }
        progress->sequence++;
    }
    gf_rpc_finish(call);
}

static void repeat_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    begin(call)->request = (const gf_echo_request *)request;
    repeat_more(call, ctx);
}

static void chat_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)request;
    (void)ctx;
    (void)begin(call);
}

/* While the client does not read, what it sent last stays and nothing more is read. */
static void chat_answer(struct gf_rpc_call *call, struct progress *progress) {
    const gf_echo_response response = answer(progress->request, progress->sequence);
    if (gf_rpc_send(call, &response.base, NULL) != GF_OK) {
        gf_rpc_pause_reading(call);
        return;
    }
    progress->sequence++;
    progress->request = NULL;
}

static void chat_message(struct gf_rpc_call *call, const ProtobufCMessage *message, void *ctx) {
    (void)ctx;
    struct progress *progress = gf_rpc_call_get_data(call);
    if (message == NULL) {
        gf_rpc_finish(call);
        return;
    }
    progress->request = (const gf_echo_request *)message;
    chat_answer(call, progress);
}

static void chat_writable(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct progress *progress = gf_rpc_call_get_data(call);
    chat_answer(call, progress);
    if (progress->request == NULL) {
        gf_rpc_resume_reading(call);
    }
}

const struct gf_rpc_handler gf_echo_handlers[GF_ECHO_METHOD_COUNT] = {
    [GF_ECHO_UNARY] = {.start = unary_start},
    [GF_ECHO_COLLECT] = {.start = collect_start,
                         .message = collect_message,
                         .cancelled = fail_cancelled},
    [GF_ECHO_REPEAT] = {.start = repeat_start,
                        .writable = repeat_more,
                        .cancelled = fail_cancelled},
    [GF_ECHO_CHAT] = {.start = chat_start,
                      .message = chat_message,
                      .writable = chat_writable,
                      .cancelled = fail_cancelled},
};

static void must(enum gf_code code, const struct gf_error *err) {
    if (code != GF_OK) {
        (void)fprintf(stderr, "%s: %s\n", gf_code_name(code), err->message);
        gf_assert(code == GF_OK);
    }
}

void gf_echo_env_start(struct gf_echo_env *env, const struct gf_rpc_server_opts *opts,
                       const struct gf_rpc_handler *handlers, void *ctx) {
    struct gf_error err;
    int port = 0;
    must(gf_rpc_server_create(opts, &env->server, &err), &err);
    gf_rpc_server_add_service(env->server, &gf_echo_service,
                              handlers != NULL ? handlers : gf_echo_handlers, ctx);
    must(gf_rpc_server_listen(env->server, "127.0.0.1:0", NULL, &port, &err), &err);
    gf_rpc_server_start(env->server);
    (void)snprintf(env->target, sizeof(env->target), "127.0.0.1:%d", port);
    must(gf_rpc_channel_create(env->target, NULL, &env->channel, &err), &err);
}

void gf_echo_env_stop(struct gf_echo_env *env) {
    gf_rpc_channel_destroy(env->channel);
    gf_rpc_server_destroy(env->server);
    env->channel = NULL;
    env->server = NULL;
}

gf_echo_request gf_echo_request_make(const char *id, size_t size, int count) {
    gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    request.id = (char *)(uintptr_t)id; /* only read */
    request.payload.data = gf_malloc(size);
    request.payload.len = size;
    memset(request.payload.data, 'x', size);
    request.count = count;
    return request;
}
