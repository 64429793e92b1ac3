/* Channels, and what unary calls and streams have in common. */
#include "api/rpc/client_internal.h"
#include "api/rpc/status_internal.h"
#include "api/rpc/tls_internal.h"
#include "base/address.h"
#include "base/alloc.h"
#include "base/log.h"

#include <limits.h>
#include <stdio.h>

#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

enum {
    TOKEN_BYTES_MAX = 4096,
    KEEPALIVE_TIMEOUT_MS_DEFAULT = 10 * 1000,
    RECONNECT_MS_MIN = 100,
    RECONNECT_MS_MAX = 3000,
};

static enum gf_code check_opts(const char *target, const struct gf_rpc_channel_opts *opts,
                               struct gf_error *err) {
    struct gf_address address;
    const enum gf_code code = gf_address_parse(target, &address, err);
    if (code != GF_OK) {
        return code;
    }
    if (address.path.len == 0 && address.port == 0) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "address '%s' has port 0", target);
    }
    if (opts->receive_bytes_max > INT_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the limit of messages must be under 2 GiB");
    }
    const struct gf_str token = gf_str_from(opts->bearer_token);
    if (token.len > TOKEN_BYTES_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "a token has at most %d characters",
                       TOKEN_BYTES_MAX);
    }
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] <= ' ' || token.ptr[i] > '~') {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "the token has a character at position %zu that no token has", i);
        }
    }
    return GF_OK;
}

static void add_args(const struct gf_rpc_channel_opts *opts, struct gf_rpc__args *args) {
    const size_t receive = opts->receive_bytes_max != 0 ? opts->receive_bytes_max
                                                        : GF_RPC_CLIENT_RECEIVE_BYTES_MAX_DEFAULT;
    gf_rpc__args_no_compression(args);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int64_t)receive);
    /* A channel is what its options say, whatever other channels and the network's names are. */
    gf_rpc__args_add_int(args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    gf_rpc__args_add_int(args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    gf_rpc__args_add_int(args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    gf_rpc__args_add_int(args, GRPC_ARG_ENABLE_RETRIES, 0);
    gf_rpc__args_add_int(args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_MS_MIN);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MS_MAX);
    if (opts->keepalive_ms > 0) {
        const int64_t timeout_ms = opts->keepalive_timeout_ms > 0 ? opts->keepalive_timeout_ms
                                                                  : KEEPALIVE_TIMEOUT_MS_DEFAULT;
        gf_rpc__args_add_int(args, GRPC_ARG_KEEPALIVE_TIME_MS, opts->keepalive_ms);
        gf_rpc__args_add_int(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, timeout_ms);
        gf_rpc__args_add_int(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    if (opts->user_agent != NULL) {
        gf_rpc__args_add_str(args, GRPC_ARG_PRIMARY_USER_AGENT_STRING, opts->user_agent);
    }
    if (opts->tls != NULL && opts->tls->server_name != NULL) {
        gf_rpc__args_add_str(args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, opts->tls->server_name);
    }
}

enum gf_code gf_rpc_channel_create(const char *target, const struct gf_rpc_channel_opts *opts,
                                   struct gf_rpc_channel **out_channel, struct gf_error *err) {
    static const struct gf_rpc_channel_opts no_opts;
    opts = opts != NULL ? opts : &no_opts;
    enum gf_code code = check_opts(target, opts, err);
    if (code != GF_OK) {
        return code;
    }
    gf_rpc__core_init();
    grpc_channel_credentials *credentials = NULL;
    code = gf_rpc__channel_credentials(opts->tls, &credentials, err);
    if (code != GF_OK) {
        return code;
    }
    struct gf_rpc__args args = {.count = 0};
    add_args(opts, &args);
    const grpc_channel_args core_args = {.num_args = args.count, .args = args.items};
    struct gf_rpc_channel *channel = GF_NEW(struct gf_rpc_channel);
    channel->grpc = grpc_channel_create(target, credentials, &core_args);
    grpc_channel_credentials_release(credentials);
    channel->target = gf_strdup(target);
    if (opts->bearer_token != NULL) {
        channel->authorization = gf_asprintf("Bearer %s", opts->bearer_token);
    }
    *out_channel = channel;
    return GF_OK;
}

void gf_rpc_channel_destroy(struct gf_rpc_channel *channel) {
    if (channel == NULL) {
        return;
    }
    grpc_channel_destroy(channel->grpc);
    if (channel->authorization != NULL) {
        explicit_bzero(channel->authorization, strlen(channel->authorization));
    }
    free(channel->authorization);
    free(channel->target);
    free(channel);
}

void gf_rpc_channel_destroy_p(struct gf_rpc_channel **channel) {
    gf_rpc_channel_destroy(*channel);
}

const char *gf_rpc_channel_target(const struct gf_rpc_channel *channel) {
    return channel->target;
}

grpc_call *gf_rpc__channel_call(struct gf_rpc_channel *channel, const struct gf_rpc_method *method,
                                const struct gf_rpc_call_opts *opts, grpc_completion_queue *queue) {
    const int64_t timeout_ms = opts != NULL && opts->timeout_ms > 0 ? opts->timeout_ms : -1;
    return grpc_channel_create_call(channel->grpc, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                    grpc_slice_from_static_string(method->path), NULL,
                                    gf_rpc__deadline_after_ms(timeout_ms), NULL);
}

static void add_metadata(struct gf_rpc__outcome *outcome, const char *key, const char *value) {
    outcome->request_metadata[outcome->request_metadata_count++] = (grpc_metadata){
        .key = gf_rpc__slice_from(gf_str_from(key)),
        .value = gf_rpc__slice_from(gf_str_from(value)),
    };
}

void gf_rpc__outcome_init(struct gf_rpc__outcome *outcome, const struct gf_rpc_channel *channel,
                          const struct gf_rpc_call_opts *opts) {
    outcome->request_metadata_count = 0;
    if (channel->authorization != NULL) {
        add_metadata(outcome, "authorization", channel->authorization);
    }
    const size_t count = opts != NULL ? opts->metadata_count : 0;
    gf_assert(count <= GF_RPC_CLIENT_METADATA_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        add_metadata(outcome, opts->metadata[i].key, opts->metadata[i].value);
    }
    grpc_metadata_array_init(&outcome->headers);
    grpc_metadata_array_init(&outcome->trailers);
    outcome->status = GRPC_STATUS_OK;
    outcome->message = grpc_empty_slice();
    outcome->debug = NULL;
    outcome->timeout_ms = opts != NULL ? opts->timeout_ms : 0;
    atomic_init(&outcome->cancelled_here, false);
}

void gf_rpc__outcome_fini(struct gf_rpc__outcome *outcome) {
    for (size_t i = 0; i < outcome->request_metadata_count; i++) {
        grpc_slice_unref(outcome->request_metadata[i].key);
        grpc_slice_unref(outcome->request_metadata[i].value);
    }
    grpc_metadata_array_destroy(&outcome->headers);
    grpc_metadata_array_destroy(&outcome->trailers);
    grpc_slice_unref(outcome->message);
    gpr_free((void *)(uintptr_t)outcome->debug);
}

grpc_op gf_rpc__outcome_op_headers(struct gf_rpc__outcome *outcome,
                                   const struct gf_rpc_call_opts *opts) {
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};
    if (opts != NULL && opts->wait_for_ready) {
        op.flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                   GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
    }
    op.data.send_initial_metadata.count = outcome->request_metadata_count;
    op.data.send_initial_metadata.metadata = outcome->request_metadata;
    return op;
}

grpc_op gf_rpc__outcome_op_receive_headers(struct gf_rpc__outcome *outcome) {
    grpc_op op = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    op.data.recv_initial_metadata.recv_initial_metadata = &outcome->headers;
    return op;
}

grpc_op gf_rpc__outcome_op_status(struct gf_rpc__outcome *outcome) {
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &outcome->trailers;
    op.data.recv_status_on_client.status = &outcome->status;
    op.data.recv_status_on_client.status_details = &outcome->message;
    op.data.recv_status_on_client.error_string = &outcome->debug;
    return op;
}

static struct gf_str find_details(const grpc_metadata_array *trailers) {
    const struct gf_str key = gf_str_from(GF_RPC__DETAILS_KEY);
    for (size_t i = 0; i < trailers->count; i++) {
        if (gf_str_eq(gf_rpc__slice_view(&trailers->metadata[i].key), key)) {
            return gf_rpc__slice_view(&trailers->metadata[i].value);
        }
    }
    return (struct gf_str){NULL, 0};
}

/* gRPC tells of every layer that an error came through; people want the innermost, the last part.
 */
static const char *innermost(const char *text) {
    const char *found = text;
    for (const char *at = strstr(text, ": "); at != NULL; at = strstr(at + 2, ": ")) {
        found = at + 2;
    }
    return *found != '\0' ? found : text;
}

/* Words for an error that arose here or on the way: gRPC's own do not say with whom. */
static void explain(const struct gf_rpc__outcome *outcome, const struct gf_rpc_channel *channel,
                    const struct gf_rpc_method *method, struct gf_error *error) {
    if (error->code == GF_UNAVAILABLE) {
        gf_log_debug("rpc_unavailable", GF_KV_STR("target", channel->target),
                     GF_KV_STR("error", error->message));
        (void)gf_fail(error, error->code, "server '%s' cannot be reached: %s", channel->target,
                      innermost(error->message));
    } else if (error->code == GF_DEADLINE_EXCEEDED && outcome->timeout_ms > 0) {
        (void)gf_fail(error, error->code, "server '%s' did not finish %s within %lld ms",
                      channel->target, method->name, (long long)outcome->timeout_ms);
    } else if (error->code == GF_CANCELLED && atomic_load(&outcome->cancelled_here)) {
        (void)gf_fail(error, error->code, "%s was cancelled", method->name);
    } else if (error->code == GF_CANCELLED) {
        /* gRPC's answer to a call that reaches a server which has begun to shut down. */
        (void)gf_fail(error, GF_UNAVAILABLE, "server '%s' broke off %s: it may be stopping",
                      channel->target, method->name);
    }
}

enum gf_code gf_rpc__outcome_error(const struct gf_rpc__outcome *outcome,
                                   const struct gf_rpc_channel *channel,
                                   const struct gf_rpc_method *method, struct gf_error *err) {
    if (outcome->status == GRPC_STATUS_OK) {
        return GF_OK;
    }
    struct gf_error error;
    const bool from_server =
        gf_rpc__status_to_error((int)outcome->status, gf_rpc__slice_view(&outcome->message),
                                find_details(&outcome->trailers), &error);
    if (!from_server) {
        explain(outcome, channel, method, &error);
    }
    if (err != NULL) {
        *err = error;
    }
    return error.code;
}

enum gf_code gf_rpc__bad_response(const struct gf_rpc_channel *channel,
                                  const struct gf_rpc_method *method, struct gf_error *err) {
    if (err != NULL) {
        err->code = GF_INTERNAL;
        err->field[0] = '\0';
        (void)gf_wrap(err, "server '%s' answered %s with a bad message", channel->target,
                      method->name);
    }
    return GF_INTERNAL;
}

grpc_completion_queue *gf_rpc__queue_create(void) {
    return grpc_completion_queue_create_for_pluck(NULL);
}

void gf_rpc__queue_destroy(grpc_completion_queue *queue) {
    grpc_completion_queue_shutdown(queue);
    const grpc_event event =
        grpc_completion_queue_pluck(queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    gf_assert(event.type == GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(queue);
}

bool gf_rpc__await(grpc_completion_queue *queue, void *tag) {
    const grpc_event event =
        grpc_completion_queue_pluck(queue, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    gf_assert(event.type == GRPC_OP_COMPLETE && event.tag == tag);
    return event.success != 0;
}
