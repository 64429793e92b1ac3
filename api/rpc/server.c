/* The server as a whole: creation, services, listeners, start and stop. */
#include "api/rpc/accept_internal.h"
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"
#include "api/rpc/tls_internal.h"
#include "base/address.h"
#include "base/alloc.h"
#include "base/random.h"

#include <limits.h>

#include <grpc/grpc_security.h>
#include <grpc/support/time.h>

enum {
    LOG_BYTES_MAX = 1024,
    /* Pings of clients closer together than this count as abuse. */
    CLIENT_PING_INTERVAL_MS_MIN = 5000,
    /* gRPC closes the connection of a call with more metadata than it takes. Up to this many times
     * our limit it takes more, so that we can answer with an error. */
    METADATA_LIMIT_FACTOR = 4,
};

static void default_size(size_t *value, size_t fallback) {
    *value = *value == 0 ? fallback : *value;
}

static void default_ms(int64_t *value, int64_t fallback) {
    *value = *value == 0 ? fallback : *value;
}

static enum gf_code check_opts(const struct gf_rpc_server_opts *opts, struct gf_error *err) {
    if (opts->thread_count > GF_RPC_THREADS_MAX) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%zu rpc threads are more than %d",
                       opts->thread_count, GF_RPC_THREADS_MAX);
    }
    if (opts->receive_bytes_max > INT_MAX ||
        opts->metadata_bytes_max > INT_MAX / METADATA_LIMIT_FACTOR) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the limit of messages must be under 2 GiB, that of metadata under 512 MiB");
    }
    return GF_OK;
}

static struct gf_rpc_server_opts with_defaults(const struct gf_rpc_server_opts *given) {
    struct gf_rpc_server_opts opts = {.thread_count = 0};
    if (given != NULL) {
        opts = *given;
    }
    default_size(&opts.thread_count, GF_RPC_THREADS_DEFAULT);
    default_size(&opts.receive_bytes_max, GF_RPC_RECEIVE_BYTES_MAX_DEFAULT);
    default_size(&opts.decoded_bytes_max, GF_RPC_DECODED_BYTES_MAX_DEFAULT);
    default_size(&opts.arena_bytes_max, GF_RPC_ARENA_BYTES_MAX_DEFAULT);
    default_size(&opts.send_queue_bytes_max, GF_RPC_SEND_QUEUE_BYTES_MAX_DEFAULT);
    default_size(&opts.metadata_bytes_max, GF_RPC_METADATA_BYTES_MAX_DEFAULT);
    default_size(&opts.unread_bytes_max, GF_RPC_UNREAD_BYTES_MAX_DEFAULT);
    default_size(&opts.calls_max, GF_RPC_CALLS_MAX_DEFAULT);
    default_ms(&opts.request_ms_max, GF_RPC_REQUEST_MS_MAX_DEFAULT);
    default_ms(&opts.keepalive_ms, GF_RPC_KEEPALIVE_MS_DEFAULT);
    default_ms(&opts.keepalive_timeout_ms, GF_RPC_KEEPALIVE_TIMEOUT_MS_DEFAULT);
    return opts;
}

static void add_args(const struct gf_rpc_server_opts *opts, grpc_resource_quota *quota,
                     struct gf_rpc__args *args) {
    /* Without it a client could have gRPC hold an unfinished message for each of its streams. */
    grpc_resource_quota_resize(quota, opts->unread_bytes_max);
    gf_rpc__args_add_pointer(args, GRPC_ARG_RESOURCE_QUOTA, quota,
                             grpc_resource_quota_arg_vtable());
    gf_rpc__args_no_compression(args);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                         (int64_t)opts->receive_bytes_max);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_METADATA_SIZE,
                         (int64_t)opts->metadata_bytes_max * METADATA_LIMIT_FACTOR);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_CONCURRENT_STREAMS, (int64_t)opts->calls_max);
    /* An address in use must be an error, not a share of it. */
    gf_rpc__args_add_int(args, GRPC_ARG_ALLOW_REUSEPORT, 0);
    gf_rpc__args_add_int(args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                         CLIENT_PING_INTERVAL_MS_MIN);
    if (opts->keepalive_ms > 0) {
        gf_rpc__args_add_int(args, GRPC_ARG_KEEPALIVE_TIME_MS, opts->keepalive_ms);
        gf_rpc__args_add_int(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, opts->keepalive_timeout_ms);
        gf_rpc__args_add_int(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    gf_rpc__args_add_int(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    gf_rpc__args_add_int(args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, GF_RPC_HANDSHAKE_MS_MAX);
    gf_rpc__args_add_int(args, GRPC_ARG_MAX_CONNECTION_IDLE_MS, GF_RPC_IDLE_MS_MAX);
}

enum gf_code gf_rpc_server_create(const struct gf_rpc_server_opts *opts,
                                  struct gf_rpc_server **out_server, struct gf_error *err) {
    const struct gf_rpc_server_opts full = with_defaults(opts);
    const enum gf_code code = check_opts(&full, err);
    if (code != GF_OK) {
        return code;
    }
    gf_rpc__core_init();
    gf_rpc__accept_guard();
    struct gf_rpc_server *server = GF_NEW(struct gf_rpc_server);
    server->opts = full;
    gf_latch_init(&server->idle);
    struct gf_rpc__args args = {.count = 0};
    grpc_resource_quota *quota = grpc_resource_quota_create("gofer");
    add_args(&full, quota, &args);
    const grpc_channel_args core_args = {.num_args = args.count, .args = args.items};
    server->grpc = grpc_server_create(&core_args, NULL);
    grpc_resource_quota_unref(quota);
    server->workers = gf_calloc(full.thread_count, sizeof(*server->workers));
    for (size_t i = 0; i < full.thread_count; i++) {
        gf_rpc__worker_init(&server->workers[i], server);
    }
    /* The queue of the shutdown must be one of the server's, but shall poll no connection. */
    const grpc_completion_queue_attributes attributes = {
        .version = GRPC_CQ_CURRENT_VERSION,
        .cq_completion_type = GRPC_CQ_NEXT,
        .cq_polling_type = GRPC_CQ_NON_POLLING,
    };
    server->shutdown_queue = grpc_completion_queue_create(
        grpc_completion_queue_factory_lookup(&attributes), &attributes, NULL);
    grpc_server_register_completion_queue(server->grpc, server->shutdown_queue, NULL);
    *out_server = server;
    return GF_OK;
}

void gf_rpc_server_add_service(struct gf_rpc_server *server, const struct gf_rpc_service *service,
                               const struct gf_rpc_handler *handlers, void *ctx) {
    gf_assert(!server->running);
    for (size_t i = 0; i < service->method_count; i++) {
        const struct gf_rpc_handler *handler = &handlers[i];
        gf_assert(handler->message == NULL || handler->cancelled != NULL);
        gf_assert(handler->writable == NULL || handler->cancelled != NULL);
        struct gf_rpc__entry *entry = GF_NEW(struct gf_rpc__entry);
        entry->method = &service->methods[i];
        entry->index = server->entries.count;
        entry->handler = *handler;
        entry->ctx = ctx;
        const struct gf_rpc__entry *before =
            gf_map_put(&server->methods, gf_str_from(entry->method->path), entry);
        gf_assert(before == NULL); /* else the service was added before */
        gf_vec_push(&server->entries, entry);
    }
}

void gf_rpc__server_unuse(struct gf_rpc_server *server) {
    if (atomic_fetch_sub(&server->use_count, 1) == 1) {
        gf_latch_open(&server->idle);
    }
}

bool gf_rpc__server_hold(struct gf_rpc_server *server) {
    if (atomic_fetch_add(&server->held_count, 1) < GF_RPC_HELD_REFUSALS_MAX) {
        return true;
    }
    gf_rpc__server_unhold(server);
    return false;
}

void gf_rpc__server_unhold(struct gf_rpc_server *server) {
    (void)atomic_fetch_sub(&server->held_count, 1);
}

/* Finds words for a listener that gRPC could not make. */
static enum gf_code listen_error(const char *address, const struct gf_tls_files *tls,
                                 const struct gf_strbuf *log, struct gf_error *err) {
    const enum gf_code code = gf_address_diagnose(address, err);
    if (code != GF_OK) {
        return code;
    }
    struct gf_str reason;
    struct gf_str rest;
    (void)gf_str_cut(gf_strbuf_view(log), '\n', &reason, &rest);
    if (tls != NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "TLS certificate '%s' and key '%s' cannot be used together: %" GF_STR_FMT,
                       tls->cert_file, tls->key_file, GF_STR_ARG(reason));
    }
    return gf_fail(err, GF_FAILED_PRECONDITION, "address '%s' cannot be listened on: %" GF_STR_FMT,
                   address, GF_STR_ARG(reason));
}

/* gRPC asks the source as long as the server is there. */
static enum gf_code make_credentials(struct gf_rpc_server *server, const struct gf_tls_files *tls,
                                     grpc_server_credentials **out_credentials,
                                     struct gf_error *err) {
    if (tls == NULL) {
        *out_credentials = grpc_insecure_server_credentials_create();
        return GF_OK;
    }
    struct gf_tls_source *source = NULL;
    const enum gf_code code = gf_tls_source_create(tls, &source, err);
    if (code == GF_OK) {
        gf_vec_push(&server->tls_sources, source);
        *out_credentials = gf_rpc__server_credentials(source);
    }
    return code;
}

enum gf_code gf_rpc_server_listen(struct gf_rpc_server *server, const char *address,
                                  const struct gf_tls_files *tls, int *out_port,
                                  struct gf_error *err) {
    gf_assert(!server->running);
    struct gf_address parsed;
    enum gf_code code = gf_address_parse(address, &parsed, err);
    if (code == GF_OK && parsed.path.len > 0) {
        code = gf_address_check_path(parsed.path.ptr, err);
    }
    grpc_server_credentials *credentials = NULL;
    if (code == GF_OK) {
        code = make_credentials(server, tls, &credentials, err);
    }
    if (code != GF_OK) {
        return code;
    }
    struct gf_strbuf log;
    gf_strbuf_init(&log, LOG_BYTES_MAX);
    gf_rpc__log_capture_begin(&log);
    const int port = grpc_server_add_http2_port(server->grpc, address, credentials);
    gf_rpc__log_capture_end();
    grpc_server_credentials_release(credentials);
    if (port == 0) {
        code = listen_error(address, tls, &log, err);
    } else if (out_port != NULL) {
        *out_port = parsed.path.len > 0 ? 0 : port;
    }
    gf_strbuf_fini(&log);
    return code;
}

enum gf_code gf_rpc_server_reload_tls(struct gf_rpc_server *server, size_t *out_count,
                                      struct gf_error *err) {
    enum gf_code first = GF_OK;
    for (size_t i = 0; i < server->tls_sources.count; i++) {
        const enum gf_code code =
            gf_tls_source_reload(server->tls_sources.items[i], first == GF_OK ? err : NULL);
        first = first == GF_OK ? code : first;
    }
    *out_count = server->tls_sources.count;
    return first;
}

/* One for each worker, and one for each transport but gRPC. */
static void start_lanes(struct gf_rpc_server *server) {
    const size_t workers = server->opts.thread_count;
    server->lane_count = workers + GF_RPC_TRANSPORT_COUNT - 1;
    server->lanes = gf_calloc(server->lane_count, sizeof(*server->lanes));
    for (size_t i = 0; i < server->lane_count; i++) {
        const size_t transport = i < workers ? GF_RPC_TRANSPORT_GRPC : i - workers + 1;
        gf_rpc__lane_init(&server->lanes[i], server, (enum gf_rpc_transport)transport);
        server->lanes[i].owned = i < workers;
    }
    server->id_start = gf_random_u64();
}

void gf_rpc_server_start(struct gf_rpc_server *server) {
    gf_assert(!server->running);
    start_lanes(server);
    server->running = true;
    grpc_server_start(server->grpc);
    for (size_t i = 0; i < server->opts.thread_count; i++) {
        gf_rpc__worker_start(&server->workers[i]);
    }
}

void gf_rpc_server_stop(struct gf_rpc_server *server, int64_t grace_ms) {
    if (server->grpc == NULL) {
        return;
    }
    gf_assert(atomic_load(&server->carried_count) == 0); /* who carries calls stops before */
    grpc_server_shutdown_and_notify(server->grpc, server->shutdown_queue, NULL);
    const gpr_timespec deadline = gf_rpc__deadline_after_ms(grace_ms < 0 ? 0 : grace_ms);
    grpc_event event = grpc_completion_queue_next(server->shutdown_queue, deadline, NULL);
    if (event.type == GRPC_QUEUE_TIMEOUT) {
        grpc_server_cancel_all_calls(server->grpc);
        event = grpc_completion_queue_next(server->shutdown_queue,
                                           gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    }
    gf_assert(event.type == GRPC_OP_COMPLETE);
    /* gRPC reports the shutdown when the last connection is gone; handlers may still be at work on
     * what came over it. */
    if (server->running) {
        gf_latch_wait(&server->idle);
    }
    for (size_t i = 0; i < server->opts.thread_count; i++) {
        gf_rpc__worker_fini(&server->workers[i]);
    }
    gf_assert(atomic_load(&server->call_count) == 0);
    grpc_completion_queue_shutdown(server->shutdown_queue);
    grpc_completion_queue_destroy(server->shutdown_queue);
    grpc_server_destroy(server->grpc);
    server->grpc = NULL;
}

void gf_rpc_server_destroy(struct gf_rpc_server *server) {
    if (server == NULL) {
        return;
    }
    gf_rpc_server_stop(server, 0);
    for (size_t i = 0; i < server->entries.count; i++) {
        free(server->entries.items[i]);
    }
    gf_vec_fini(&server->entries);
    gf_map_fini(&server->methods);
    for (size_t i = 0; i < server->tls_sources.count; i++) {
        gf_tls_source_destroy(server->tls_sources.items[i]);
    }
    gf_vec_fini(&server->tls_sources);
    for (size_t i = 0; i < server->lane_count; i++) {
        gf_rpc__lane_fini(&server->lanes[i]);
    }
    free(server->lanes);
    free(server->workers);
    gf_latch_fini(&server->idle);
    free(server);
}

size_t gf_rpc_server_call_count(const struct gf_rpc_server *server) {
    return atomic_load(&server->call_count);
}
