/*
 * The life of a call, whatever carries it.
 *
 * DESIGN. A call is one object with a part that all calls have and a part of its carrier. What is
 * decided about a call, who is asked and who is told, is here, and so is the same for all; the
 * carrier knows how requests come and how responses leave. Callbacks of one call follow one another
 * on its thread, without a lock held. Other threads (a reply of the engine, a message from the
 * pool) only add to the call's state under its mutex and have the carrier send it.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/server_internal.h"
#include "api/rpc/status_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <grpc/slice.h>

enum {
    /* What a call object keeps for its next use. */
    KEPT_ARENA_BYTES_MAX = 16 * 1024,
};

void gf_rpc__call_init(struct gf_rpc_call *call, const struct gf_rpc__carrier *carrier,
                       struct gf_rpc_server *server, struct gf_rpc__lane *lane) {
    call->magic = GF_RPC__CALL_MAGIC;
    call->carrier = carrier;
    call->server = server;
    call->lane = lane;
    call->deadline_ns = GF_NEVER;
    gf_arena_init(&call->arena, server->opts.arena_bytes_max);
    gf_arena_init(&call->message_arena, server->opts.decoded_bytes_max);
    gf_mutex_init(&call->mutex, GF_RANK_RPC_CALL);
    call->status_message = grpc_empty_slice();
    call->status_details = grpc_empty_slice();
}

void gf_rpc__call_fini(struct gf_rpc_call *call) {
    gf_assert(call->magic == GF_RPC__CALL_MAGIC);
    gf_arena_fini(&call->arena);
    gf_arena_fini(&call->message_arena);
    free(call->queue.slices);
    gf_mutex_fini(&call->mutex);
    call->magic = 0;
}

static void reset_arena(struct gf_arena *arena) {
    if (arena->used_bytes > KEPT_ARENA_BYTES_MAX) {
        gf_arena_fini(arena);
    } else {
        gf_arena_reset(arena);
    }
}

void gf_rpc__call_reset(struct gf_rpc_call *call) {
    reset_arena(&call->arena);
    reset_arena(&call->message_arena);
    call->entry = NULL;
    call->deadline_ns = GF_NEVER;
    call->metadata_count = 0;
    call->data = NULL;
    call->principal = NULL;
    call->started = false;
    call->told_cancelled = false;
    call->intercepted = false;
    call->secret = false;
    call->request_bytes_max = 0;
    call->refusal_delay_ms = 0;
    call->received = (struct gf_rpc__traffic){.messages = 0};
    call->sent = (struct gf_rpc__traffic){.messages = 0};
    atomic_store_explicit(&call->cancelled, false, memory_order_relaxed);
    call->state = (struct gf_rpc__call_state){.refused = false};
    call->status_message = grpc_empty_slice();
    call->status_details = grpc_empty_slice();
}

size_t gf_rpc__call_arrive(struct gf_rpc_call *call) {
    struct gf_rpc_server *server = call->server;
    const size_t before = atomic_fetch_add(&server->call_count, 1);
    (void)atomic_fetch_add(&server->use_count, 1);
    gf_rpc__call_identify(call);
    gf_rpc__count_begun(call);
    return before;
}

enum gf_code gf_rpc__call_admit(struct gf_rpc_call *call, size_t before, struct gf_str name,
                                size_t metadata_bytes, struct gf_error *err) {
    const struct gf_rpc_server_opts *opts = &call->server->opts;
    if (call->entry == NULL) {
        return gf_fail(err, GF_UNIMPLEMENTED, "method '%" GF_STR_FMT "' is unknown here",
                       GF_STR_ARG(name));
    }
    if (before >= opts->calls_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "TOO_MANY_CALLS",
                              "the server has %zu calls in progress, its limit; try again later",
                              opts->calls_max);
    }
    if (metadata_bytes > opts->metadata_bytes_max) {
        return gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "METADATA_TOO_LARGE",
                              "metadata of %zu bytes is larger than %zu bytes", metadata_bytes,
                              opts->metadata_bytes_max);
    }
    if (opts->interceptor != NULL) {
        call->intercepted = true;
        const enum gf_code code = opts->interceptor(call, opts->interceptor_ctx, err);
        if (code != GF_OK) {
            return code;
        }
    }
    if (call->entry->handler.start == NULL) {
        return gf_fail(err, GF_UNIMPLEMENTED, "method '%s' is not implemented",
                       call->entry->method->path);
    }
    return GF_OK;
}

size_t gf_rpc__call_request_bytes_max(const struct gf_rpc_call *call) {
    const size_t most = call->server->opts.receive_bytes_max;
    const size_t own = call->request_bytes_max;
    return own != 0 && own < most ? own : most;
}

enum gf_code gf_rpc__call_check_size(struct gf_rpc_call *call, size_t size, struct gf_error *err) {
    const size_t limit = gf_rpc__call_request_bytes_max(call);
    gf_rpc__count_received(call, size);
    return size <= limit
               ? GF_OK
               : gf_fail_reason(err, GF_RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE",
                                "the request has %zu bytes, more than the %zu that '%s' takes",
                                size, limit, call->entry->method->path);
}

enum gf_code gf_rpc__call_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                                    struct gf_error *err) {
    const struct gf_rpc_server_opts *opts = &call->server->opts;
    return opts->authorizer == NULL ? GF_OK
                                    : opts->authorizer(call, request, opts->interceptor_ctx, err);
}

void gf_rpc__call_start(struct gf_rpc_call *call, const ProtobufCMessage *request) {
    call->started = true;
    call->entry->handler.start(call, request, call->entry->ctx);
}

void gf_rpc__call_refuse(struct gf_rpc_call *call, const struct gf_error *error) {
    gf_assert(!call->started);
    if (call->refusal_delay_ms > 0 && call->carrier->hold(call, error)) {
        return;
    }
    gf_rpc__call_abort(call, error);
}

void gf_rpc__call_set_status(struct gf_rpc_call *call, const struct gf_error *error) {
    gf_mutex_assert_held(&call->mutex);
    gf_assert(error->code != GF_OK);
    if (call->state.status_forced) {
        return;
    }
    grpc_slice_unref(call->status_message);
    grpc_slice_unref(call->status_details);
    call->state.status_code = error->code;
    call->status_message = gf_rpc__slice_from(gf_str_from(error->message));
    call->status_details = gf_rpc__status_details(error);
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

void gf_rpc__call_over(struct gf_rpc_call *call) {
    const struct gf_rpc_server_opts *opts = &call->server->opts;
    if (call->started && call->entry->handler.done != NULL) {
        call->entry->handler.done(call, call->entry->ctx);
    }
    if (call->intercepted && opts->ended != NULL) {
        opts->ended(call, opts->interceptor_ctx);
    }
    gf_rpc__count_ended(call);
    if (call->secret) {
        gf_arena_wipe(&call->arena);
        gf_arena_wipe(&call->message_arena);
    }
    gf_rpc__queue_drop(&call->queue);
    grpc_slice_unref(call->status_message);
    grpc_slice_unref(call->status_details);
}

void gf_rpc__call_uncount(struct gf_rpc_server *server) {
    (void)atomic_fetch_sub(&server->call_count, 1);
    gf_rpc__server_unuse(server);
}
