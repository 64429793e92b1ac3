#include "api/access/testing/rig.h"

#include "api/access/methods.h"
#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

enum {
    TIMEOUT_MS = 30000,
    METHODS_MAX = 64,
    ANSWER_BYTES_MAX = 1 << 20,
};

static void must(enum gf_code code, const struct gf_error *err) {
    if (code != GF_OK) {
        (void)fprintf(stderr, "%s: %s\n", gf_code_name(code), err->message);
        gf_assert(code == GF_OK);
    }
}

/* ---- handlers that answer everything ---- */

static const ProtobufCMessage *empty(struct gf_rpc_call *call) {
    const ProtobufCMessageDescriptor *type = gf_rpc_call_method(call)->response;
    ProtobufCMessage *message = gf_arena_alloc(gf_rpc_call_arena(call), type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

static void answer(struct gf_rpc_call *call) {
    if (gf_rpc_kind_streams_responses(gf_rpc_call_method(call)->kind)) {
        gf_rpc_finish(call);
    } else {
        gf_rpc_reply(call, empty(call));
    }
}

static void start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    struct gf_gate_rig *rig = ctx;
    (void)atomic_fetch_add(&rig->reached, 1);
    if (rig->on_start != NULL) {
        rig->on_start(call, request, rig);
    } else if (!gf_rpc_kind_streams_requests(gf_rpc_call_method(call)->kind)) {
        answer(call);
    }
}

static void message(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx) {
    (void)ctx;
    if (request == NULL) {
        answer(call);
    }
}

static void cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    struct gf_error error;
    (void)gf_fail(&error, GF_CANCELLED, "cancelled");
    gf_rpc_fail(call, &error);
}

static void add_services(struct gf_gate_rig *rig, struct gf_rpc_server *server) {
    struct gf_rpc_handler unary[METHODS_MAX];
    size_t count = 0;
    const struct gf_rpc_service *const *services = gf_method_services(&count);
    for (size_t i = 0; i < count; i++) {
        gf_assert(services[i]->method_count <= METHODS_MAX);
        for (size_t k = 0; k < services[i]->method_count; k++) {
            unary[k] = (struct gf_rpc_handler){.start = start};
            if (services[i]->methods[k].kind != GF_RPC_UNARY) {
                unary[k].cancelled = cancelled;
            }
            if (gf_rpc_kind_streams_requests(services[i]->methods[k].kind)) {
                unary[k].message = message;
            }
        }
        gf_rpc_server_add_service(server, services[i], unary, rig);
    }
}

static void start_server(struct gf_gate_rig *rig, struct gf_gate_rig_server *server,
                         enum gf_door_kind kind, const struct gf_rpc_server_opts *given) {
    struct gf_rpc_server_opts opts = {.thread_count = 0};
    if (given != NULL) {
        opts = *given;
    }
    server->timeout_ms = TIMEOUT_MS;
    server->door = (struct gf_door){.gate = rig->gate, .kind = kind};
    opts.interceptor = gf_gate_intercept;
    opts.authorizer = gf_gate_authorize;
    opts.ended = gf_gate_ended;
    opts.interceptor_ctx = &server->door;
    struct gf_error err;
    int port = 0;
    must(gf_rpc_server_create(&opts, &server->server, &err), &err);
    add_services(rig, server->server);
    must(gf_rpc_server_listen(server->server, "127.0.0.1:0", NULL, &port, &err), &err);
    gf_rpc_server_start(server->server);
    (void)snprintf(server->target, sizeof(server->target), "127.0.0.1:%d", port);
    must(gf_rpc_channel_create(server->target, NULL, &server->channel, &err), &err);
}

void gf_gate_rig_start(struct gf_gate_rig *rig, const struct gf_gate_options *options,
                       const struct gf_rpc_server_opts *server_opts) {
    memset(rig, 0, sizeof(*rig));
    gf_fake_clock_init(&rig->clock, GF_NS_PER_HOUR, 1700000000 * GF_NS_PER_SEC);
    struct gf_gate_options full = *options;
    if (full.clock == NULL) {
        full.clock = &rig->clock.clock;
    }
    rig->gate = gf_gate_create(&full);
    rig->listener = gf_gate_listener(rig->gate);
    start_server(rig, &rig->people, GF_DOOR_PEOPLE, server_opts);
    start_server(rig, &rig->tasks, GF_DOOR_TASKS, server_opts);
}

void gf_gate_rig_stop(struct gf_gate_rig *rig) {
    gf_rpc_channel_destroy(rig->people.channel);
    gf_rpc_channel_destroy(rig->tasks.channel);
    gf_rpc_server_destroy(rig->people.server);
    gf_rpc_server_destroy(rig->tasks.server);
    gf_gate_destroy(rig->gate);
}

/* ---- what the engine tells ---- */

void gf_gate_rig_make_token(uint64_t seed, enum gf_token_kind kind, const char *const *role_ids,
                            size_t role_count, struct gf_gate_rig_token *out_token) {
    memset(out_token, 0, sizeof(*out_token));
    uint8_t entropy[GF_TOKEN_ENTROPY_BYTES] = {0};
    memcpy(entropy, &seed, sizeof(seed));
    gf_token_make(kind, entropy, &out_token->text);
    struct gf_token *row = &out_token->row;
    gf_token_digest(gf_token_text_view(&out_token->text), &row->digest);
    gf_token_id_of(&row->digest, &out_token->id);
    gf_assert(role_count <= GF_GATE_RIG_ROLES_MAX);
    for (size_t i = 0; i < role_count; i++) {
        out_token->role_ids[i] = gf_str_from(role_ids[i]);
    }
    row->kind = kind;
    row->user = GF_STR("someone");
    row->role_count = role_count;
}

void gf_gate_rig_put_token(struct gf_gate_rig *rig, const struct gf_gate_rig_token *token) {
    struct gf_token row = token->row;
    row.token_id = gf_str_from(token->id.chars);
    row.role_ids = token->role_ids;
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.tokens, &row);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.tokens);
}

void gf_gate_rig_remove_token(struct gf_gate_rig *rig, const struct gf_gate_rig_token *token) {
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.deleted_tokens, gf_str_from(token->id.chars));
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.deleted_tokens);
}

void gf_gate_rig_put_role(struct gf_gate_rig *rig, const struct gf_role *role) {
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.roles, role);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.roles);
}

void gf_gate_rig_remove_role(struct gf_gate_rig *rig, const char *role_id) {
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.deleted_roles, gf_str_from(role_id));
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.deleted_roles);
}

void gf_gate_rig_launch(struct gf_gate_rig *rig, const struct gf_run *run, bool inject_token) {
    struct gf_task task = {.inject_token = inject_token};
    const struct gf_config config = {.tasks = &task, .task_count = 1};
    struct gf_batch batch = {.bootstrapped = false};
    const struct gf_effect effect = {.kind = GF_EFFECT_LAUNCH, .run = run, .config = &config};
    gf_vec_push(&batch.effects, effect);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.effects);
}

void gf_gate_rig_complete(struct gf_gate_rig *rig, const struct gf_run *run) {
    struct gf_run row = *run;
    row.state = GF_RUN_STATE_COMPLETE;
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.runs, &row);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.runs);
}

void gf_gate_rig_put_extension(struct gf_gate_rig *rig, const struct gf_extension *row) {
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.extensions, row);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.extensions);
}

void gf_gate_rig_remove_extension(struct gf_gate_rig *rig, int64_t extension_key) {
    struct gf_batch batch = {.bootstrapped = false};
    gf_vec_push(&batch.deleted_extensions, extension_key);
    rig->listener.committed(rig->listener.ctx, &batch);
    gf_vec_fini(&batch.deleted_extensions);
}

void gf_gate_rig_put_namespace_role(struct gf_gate_rig *rig, const char *role_id,
                                    const char *namespace_id) {
    const struct gf_str namespaces = gf_str_from(namespace_id);
    static const enum gf_permission_action action = GF_PERMISSION_ACTION_ALL;
    static const struct gf_permission_target target = {.resource = GF_PERMISSION_RESOURCE_ALL};
    const struct gf_permission permission = {
        .namespaces = &namespaces,
        .namespace_count = 1,
        .targets = &target,
        .target_count = 1,
        .actions = &action,
        .action_count = 1,
    };
    const struct gf_role role = {
        .role_id = gf_str_from(role_id),
        .permissions = &permission,
        .permission_count = 1,
    };
    gf_gate_rig_put_role(rig, &role);
}

/* ---- calls ---- */

static enum gf_code call_stream(const struct gf_gate_rig_server *server,
                                const struct gf_rpc_method *method,
                                const struct gf_rpc_call_opts *opts,
                                const ProtobufCMessage *request, struct gf_error *err) {
    struct gf_rpc_stream *stream = NULL;
    const bool sends = gf_rpc_kind_streams_requests(method->kind);
    must(gf_rpc_stream_open(server->channel, method, opts, sends ? NULL : request, &stream, err),
         err);
    if (sends) {
        gf_ignore(gf_rpc_stream_send(stream, request, NULL)); /* The outcome tells. */
    }
    const enum gf_code code = gf_rpc_stream_finish(stream, err);
    gf_rpc_stream_destroy(stream);
    return code;
}

enum gf_code gf_gate_rig_call(const struct gf_gate_rig_server *server,
                              const struct gf_rpc_method *method, const char *authorization,
                              const ProtobufCMessage *request, struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, ANSWER_BYTES_MAX);
    ProtobufCMessage *none = gf_arena_alloc(&arena, method->request->sizeof_message);
    protobuf_c_message_init(method->request, none);
    const ProtobufCMessage *sent = request != NULL ? request : none;
    const struct gf_rpc_metadata metadata = {"authorization", authorization};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = server->timeout_ms,
        .metadata = &metadata,
        .metadata_count = authorization == NULL ? 0 : 1,
    };
    enum gf_code code = GF_OK;
    if (method->kind == GF_RPC_UNARY) {
        ProtobufCMessage *response = NULL;
        code = gf_rpc_unary(server->channel, method, &opts, sent, &arena, &response, err);
    } else {
        code = call_stream(server, method, &opts, sent, err);
    }
    gf_arena_fini(&arena);
    return code;
}

enum gf_code gf_gate_rig_call_as(const struct gf_gate_rig_server *server,
                                 const struct gf_rpc_method *method,
                                 const struct gf_gate_rig_token *token,
                                 const ProtobufCMessage *request, struct gf_error *err) {
    char value[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(value, sizeof(value), "Bearer %s", token->text.chars);
    return gf_gate_rig_call(server, method, value, request, err);
}

const struct gf_rpc_method *gf_gate_rig_method(const char *name) {
    size_t count = 0;
    const struct gf_rpc_service *const *services = gf_method_services(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < services[i]->method_count; k++) {
            if (strcmp(services[i]->methods[k].path + 1, name) == 0) {
                return &services[i]->methods[k];
            }
        }
    }
    gf_unreachable();
}
