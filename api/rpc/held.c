/*
 * Refusals that are held back (gf_rpc_call_delay_refusal).
 *
 * DESIGN. A held call has its status, but is not ended: all that is in flight is the watch for its
 * client. The list belongs to the worker's thread, which waits for its queue no longer than until
 * the next of them is due; so no timer is needed, and nothing is shared but the count of them. At
 * the stop of the server gRPC hands the slots back to every worker, which then lets go of all.
 */
#include "api/rpc/grpc_internal.h"
#include "base/clock.h"

bool gf_rpc__hold(struct gf_rpc_call *base, const struct gf_error *error) {
    struct gf_rpc__grpc_call *call = gf_rpc__grpc_call_of(base);
    struct gf_rpc__worker *worker = call->worker;
    if (worker->stopping || !gf_rpc__server_hold(worker->server)) {
        return false;
    }
    gf_mutex_lock(&base->mutex);
    gf_rpc__call_set_status(base, error);
    base->state.status_forced = true;
    gf_mutex_unlock(&base->mutex);
    call->held = true;
    call->release_ns = gf_deadline_after_ms(gf_mono_ns(), base->refusal_delay_ms);
    gf_list_push_back(&worker->held, &call->held_link);
    if (call->release_ns < worker->next_release_ns) {
        worker->next_release_ns = call->release_ns;
    }
    return true;
}

/* Lets the call end with its status, which leaves with the next gf_rpc__grpc_call_leave. */
static void let_go(struct gf_rpc__grpc_call *call) {
    gf_assert(call->held);
    call->held = false;
    gf_list_remove(&call->held_link);
    gf_rpc__server_unhold(call->base.server);
    gf_mutex_lock(&call->base.mutex);
    call->base.state.ended = true;
    gf_mutex_unlock(&call->base.mutex);
}

void gf_rpc__held_cancelled(struct gf_rpc__grpc_call *call) {
    let_go(call);
}

void gf_rpc__release_held(struct gf_rpc__worker *worker, int64_t now_ns) {
    int64_t next_ns = GF_NEVER;
    struct gf_list_link *link = gf_list_first(&worker->held);
    while (link != NULL) {
        struct gf_list_link *next = gf_list_next(&worker->held, link);
        struct gf_rpc__grpc_call *call = GF_CONTAINER_OF(link, struct gf_rpc__grpc_call, held_link);
        if (call->release_ns <= now_ns) {
            gf_log_enter(&call->base.log_context);
            let_go(call);
            gf_rpc__grpc_call_leave(call);
        } else if (call->release_ns < next_ns) {
            next_ns = call->release_ns;
        }
        link = next;
    }
    worker->next_release_ns = next_ns;
}
