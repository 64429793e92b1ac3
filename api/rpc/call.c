/*
 * The life of a call on the server.
 *
 * DESIGN. A call object is one block that is used again for the next call of its worker. gRPC
 * reports every completion of a call to the worker's queue, so callbacks of one call follow one
 * another without a lock held. Other threads (a reply of the engine, a message from the pool) only
 * add to the call's state under its mutex and start operations.
 *
 * While a completion is being handled (`in_callback`), nothing is started: what the handler sends,
 * and that it ends the call, is collected and goes out in as few batches as possible when the
 * callback has returned (gf_rpc__call_leave). A unary call that is answered in `start` is one batch
 * in all: headers, message, status and the watch for the client's cancellation, with a single
 * completion.
 *
 * A call is over when it was ended, its status is sent and no batch is in flight. The batch with
 * the status is always started last and completes on the worker, so the release happens there,
 * whichever thread ended the call.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "api/rpc/status_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <grpc/slice.h>
#include <grpc/support/alloc.h>

enum {
    FREE_CALLS_MAX = 256,
    /* What a free call object keeps for its next use. */
    KEPT_ARENA_BYTES_MAX = 16 * 1024,
    KEPT_METADATA_MAX = 32,
    KEPT_QUEUE_SLICES_MAX = 64,
};

static void init_tag(struct gf_rpc__tag *tag, void (*complete)(struct gf_rpc__tag *tag, bool ok)) {
    tag->magic = GF_RPC__TAG_MAGIC;
    tag->complete = complete;
}

static struct gf_rpc_call *create_call(struct gf_rpc__worker *worker) {
    const struct gf_rpc_server_opts *opts = &worker->server->opts;
    struct gf_rpc_call *call = GF_NEW(struct gf_rpc_call);
    call->magic = GF_RPC__CALL_MAGIC;
    call->worker = worker;
    init_tag(&call->write_tag, gf_rpc__write_done);
    init_tag(&call->read_tag, gf_rpc__read_done);
    init_tag(&call->confirm_tag, gf_rpc__confirm_done);
    init_tag(&call->close_tag, gf_rpc__close_done);
    grpc_metadata_array_init(&call->metadata);
    gf_arena_init(&call->arena, opts->arena_bytes_max);
    gf_arena_init(&call->message_arena, opts->decoded_bytes_max);
    gf_mutex_init(&call->mutex, GF_RANK_RPC_CALL);
    return call;
}

struct gf_rpc_call *gf_rpc__call_take(struct gf_rpc__worker *worker) {
    struct gf_rpc_call *call = worker->free_calls;
    if (call == NULL) {
        call = create_call(worker);
    } else {
        worker->free_calls = call->next_free;
        worker->free_count--;
        call->next_free = NULL;
    }
    call->status_message = grpc_empty_slice();
    call->status_details = grpc_empty_slice();
    call->deadline_ns = GF_NEVER;
    return call;
}

void gf_rpc__call_free(struct gf_rpc_call *call) {
    gf_assert(call->magic == GF_RPC__CALL_MAGIC && call->grpc == NULL);
    grpc_metadata_array_destroy(&call->metadata);
    gf_arena_fini(&call->arena);
    gf_arena_fini(&call->message_arena);
    free(call->queue.slices);
    gf_mutex_fini(&call->mutex);
    call->magic = 0;
    free(call);
}

static void reset_arena(struct gf_arena *arena) {
    if (arena->used_bytes > KEPT_ARENA_BYTES_MAX) {
        gf_arena_fini(arena);
    } else {
        gf_arena_reset(arena);
    }
}

/* Frees what belonged to the call that is over. */
static void drop_contents(struct gf_rpc_call *call) {
    if (call->secret) {
        gf_arena_wipe(&call->arena);
        gf_arena_wipe(&call->message_arena);
    }
    gf_rpc__queue_drop(&call->queue);
    grpc_slice_unref(call->status_message);
    grpc_slice_unref(call->status_details);
    if (call->incoming != NULL) {
        grpc_byte_buffer_destroy(call->incoming);
    }
    gpr_free(call->peer);
    grpc_call_unref(call->grpc);
    call->grpc = NULL;
}

/* Makes the object fit for its next call. */
static void reset_call(struct gf_rpc_call *call) {
    reset_arena(&call->arena);
    reset_arena(&call->message_arena);
    call->metadata.count = 0;
    call->entry = NULL;
    call->peer = NULL;
    call->data = NULL;
    call->principal = NULL;
    call->incoming = NULL;
    call->closed_early = 0;
    call->started = false;
    call->told_cancelled = false;
    call->intercepted = false;
    call->secret = false;
    call->refusal_delay_ms = 0;
    call->request_bytes_max = 0;
    atomic_store_explicit(&call->cancelled, false, memory_order_relaxed);
    call->state = (struct gf_rpc__call_state){.pending_count = 0};
}

static void release_call(struct gf_rpc_call *call) {
    struct gf_rpc__worker *worker = call->worker;
    drop_contents(call);
    if (worker->free_count < FREE_CALLS_MAX && call->metadata.capacity <= KEPT_METADATA_MAX &&
        call->queue.capacity <= KEPT_QUEUE_SLICES_MAX) {
        reset_call(call);
        call->next_free = worker->free_calls;
        worker->free_calls = call;
        worker->free_count++;
    } else {
        gf_rpc__call_free(call);
    }
    (void)atomic_fetch_sub(&worker->server->call_count, 1);
    gf_rpc__server_unuse(worker->server);
}

void gf_rpc__call_start_batch(struct gf_rpc_call *call, const grpc_op *ops, size_t count,
                              struct gf_rpc__tag *tag) {
    grpc_call *grpc = call->grpc;
    atomic_store_explicit(&tag->order, true, memory_order_release);
    /* From here on the call may be over and released, unless this is the worker's own thread. */
    const grpc_call_error error = grpc_call_start_batch(grpc, ops, count, tag, NULL);
    gf_assert(error == GRPC_CALL_OK);
}

struct gf_rpc_call *gf_rpc__call_enter(struct gf_rpc__tag *tag, size_t tag_offset) {
    struct gf_rpc_call *call = (struct gf_rpc_call *)(void *)((char *)tag - tag_offset);
    gf_assert(call->magic == GF_RPC__CALL_MAGIC);
    gf_mutex_lock(&call->mutex);
    gf_assert(call->state.pending_count > 0);
    call->state.pending_count--;
    call->state.in_callback = true;
    return call;
}

void gf_rpc__call_leave(struct gf_rpc_call *call) {
    struct gf_rpc__batch batch;
    gf_mutex_lock(&call->mutex);
    call->state.in_callback = false;
    gf_rpc__write_plan(call, &batch);
    const bool read = gf_rpc__read_plan(call);
    const bool over = call->state.status_sent && call->state.pending_count == 0;
    gf_mutex_unlock(&call->mutex);
    /* Each of these counts as pending: the call cannot be over before its completion is handled by
     * this very thread. */
    gf_rpc__write_start(call, &batch);
    if (read) {
        gf_rpc__read_start(call);
    }
    if (!over) {
        return;
    }
    if (call->started && call->entry->handler.done != NULL) {
        call->entry->handler.done(call, call->entry->ctx);
    }
    const struct gf_rpc_server_opts *opts = &call->worker->server->opts;
    if (call->intercepted && opts->ended != NULL) {
        opts->ended(call, opts->interceptor_ctx);
    }
    release_call(call);
}

void gf_rpc__call_tell_cancelled(struct gf_rpc_call *call) {
    gf_mutex_lock(&call->mutex);
    const bool tell = call->started && !call->state.ended && !call->told_cancelled;
    gf_mutex_unlock(&call->mutex);
    if (!tell) {
        return;
    }
    call->told_cancelled = true;
    if (call->entry->handler.cancelled != NULL) {
        call->entry->handler.cancelled(call, call->entry->ctx);
    }
}

void gf_rpc__call_set_status(struct gf_rpc_call *call, const struct gf_error *error) {
    gf_mutex_assert_held(&call->mutex);
    gf_assert(error->code != GF_OK);
    if (call->state.status_forced) {
        return;
    }
    call->state.status_code = error->code;
    call->status_message = gf_rpc__slice_from(gf_str_from(error->message));
    call->status_details = gf_rpc__status_details(error);
}

void gf_rpc__call_abort(struct gf_rpc_call *call, const struct gf_error *error) {
    gf_mutex_lock(&call->mutex);
    if (!call->state.ended) {
        gf_rpc__call_set_status(call, error);
        call->state.status_forced = true;
        call->state.ended = !call->started;
        atomic_store(&call->cancelled, true);
    }
    gf_mutex_unlock(&call->mutex);
    gf_rpc__call_tell_cancelled(call);
}

static enum gf_code check_metadata(const struct gf_rpc_call *call, struct gf_error *err) {
    const size_t limit = call->worker->server->opts.metadata_bytes_max;
    size_t size = 0;
    for (size_t i = 0; i < call->metadata.count; i++) {
        const grpc_metadata *item = &call->metadata.metadata[i];
        size += GRPC_SLICE_LENGTH(item->key) + GRPC_SLICE_LENGTH(item->value);
    }
    if (size > limit) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "METADATA_TOO_LARGE",
                              "metadata of %zu bytes is larger than %zu bytes", size, limit);
    }
    return GF_OK;
}

/* What must hold of the headers before the handler sees the call. */
static enum gf_code admit(struct gf_rpc_call *call, struct gf_str name, struct gf_error *err) {
    const struct gf_rpc_server *server = call->worker->server;
    if (call->entry == NULL) {
        return gf_fail(err, GF_UNIMPLEMENTED, "method '%" GF_STR_FMT "' is unknown here",
                       GF_STR_ARG(name));
    }
    if (atomic_load(&call->worker->server->call_count) > server->opts.calls_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "TOO_MANY_CALLS",
                              "the server has %zu calls in progress, its limit; try again later",
                              server->opts.calls_max);
    }
    enum gf_code code = check_metadata(call, err);
    if (code == GF_OK && server->opts.interceptor != NULL) {
        call->intercepted = true;
        code = server->opts.interceptor(call, server->opts.interceptor_ctx, err);
    }
    if (code != GF_OK) {
        return code;
    }
    if (call->entry->handler.start == NULL) {
        return gf_fail(err, GF_UNIMPLEMENTED, "method '%s' is not implemented",
                       call->entry->method->path);
    }
    return GF_OK;
}

enum gf_code gf_rpc__call_check_size(const struct gf_rpc_call *call, grpc_byte_buffer *buffer,
                                     struct gf_error *err) {
    const size_t limit = call->request_bytes_max;
    const size_t size = buffer == NULL ? 0 : grpc_byte_buffer_length(buffer);
    return limit == 0 || size <= limit
               ? GF_OK
               : gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                                "the request has %zu bytes, more than the %zu that '%s' takes",
                                size, limit, call->entry->method->path);
}

enum gf_code gf_rpc__call_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                    struct gf_error *err) {
    const struct gf_rpc_server_opts *opts = &call->worker->server->opts;
    return opts->authorizer == NULL ? GF_OK
                                    : opts->authorizer(call, request, opts->interceptor_ctx, err);
}

void gf_rpc__call_start(struct gf_rpc_call *call, const ProtobufCMessage *request) {
    /* Who waits for the first of many messages shall at least see that the call was accepted. */
    call->state.headers_wanted = call->entry->method->kind == GF_RPC_SERVER_STREAM;
    call->started = true;
    call->entry->handler.start(call, request, call->entry->ctx);
}

void gf_rpc__call_refuse(struct gf_rpc_call *call, const struct gf_error *error) {
    if (!gf_rpc__hold(call, error)) {
        gf_rpc__call_abort(call, error);
    }
}

void gf_rpc__call_begin(struct gf_rpc_call *call, struct gf_str name) {
    (void)atomic_fetch_add(&call->worker->server->call_count, 1);
    (void)atomic_fetch_add(&call->worker->server->use_count, 1);
    call->state.in_callback = true; /* No other thread knows the call yet. */
    struct gf_error error;
    if (admit(call, name, &error) != GF_OK) {
        gf_rpc__call_refuse(call, &error);
    } else if (gf_rpc_kind_streams_requests(call->entry->method->kind)) {
        gf_rpc__call_start(call, /* request = */ NULL);
    } else {
        gf_rpc__request_await(call);
        return;
    }
    gf_rpc__call_leave(call);
}
