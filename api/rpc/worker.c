/*
 * A worker: one thread and its completion queue.
 *
 * DESIGN. gRPC puts a new call into a slot that was handed to it before. A slot is handed back at
 * once when its call has been taken out. A worker begins with one slot and gets another one with
 * each of its first calls, up to SLOTS_MAX. Calls that find no slot wait in gRPC for the next one;
 * none is lost.
 *
 * Slots are for calls of any method, which is looked up here. gRPC could do so, but it keeps a
 * table of all methods that are registered with it for each connection: 20 KiB for a hundred.
 */
#include "api/rpc/core_internal.h"
#include "api/rpc/grpc_internal.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>

#include <grpc/slice.h>
#include <grpc/support/time.h>

enum {
    SLOTS_MAX = 64, /* of one worker */
};

struct gf_rpc__slot {
    struct gf_rpc__tag tag;
    struct gf_rpc__worker *worker;
    grpc_call *grpc;
    grpc_metadata_array metadata;
    grpc_call_details details;
};

static void slot_complete(struct gf_rpc__tag *tag, bool ok);

static void free_slot(struct gf_rpc__slot *slot) {
    grpc_metadata_array_destroy(&slot->metadata);
    grpc_call_details_destroy(&slot->details);
    struct gf_rpc_server *server = slot->worker->server;
    free(slot);
    gf_rpc__server_unuse(server);
}

/* Hands the slot to gRPC. It comes back once, with a call or, at shutdown, without. */
static void offer_slot(struct gf_rpc__slot *slot) {
    struct gf_rpc__worker *worker = slot->worker;
    const grpc_call_error error =
        grpc_server_request_call(worker->server->grpc, &slot->grpc, &slot->details, &slot->metadata,
                                 worker->queue, worker->queue, &slot->tag);
    gf_assert(error == GRPC_CALL_OK);
}

static void add_slot(struct gf_rpc__worker *worker) {
    struct gf_rpc__slot *slot = GF_NEW(struct gf_rpc__slot);
    worker->slot_count++;
    (void)atomic_fetch_add(&worker->server->use_count, 1);
    slot->tag.magic = GF_RPC__TAG_MAGIC;
    slot->tag.complete = slot_complete;
    slot->worker = worker;
    grpc_metadata_array_init(&slot->metadata);
    grpc_call_details_init(&slot->details);
    offer_slot(slot);
}

/*
 * Moves the call out of the slot, whose metadata array is swapped for the call's empty one. Of the
 * details the method's name stays to the caller.
 */
static struct gf_rpc__grpc_call *take_call(struct gf_rpc__slot *slot, grpc_slice *out_name) {
    struct gf_rpc__grpc_call *call = gf_rpc__grpc_call_take(slot->worker);
    const grpc_metadata_array empty = call->metadata;
    call->metadata = slot->metadata;
    slot->metadata = empty;
    call->grpc = slot->grpc;
    slot->grpc = NULL;
    *out_name = grpc_slice_ref(slot->details.method);
    call->base.entry = gf_map_get(&slot->worker->server->methods, gf_rpc__slice_view(out_name));
    call->base.deadline_ns = gf_rpc__mono_ns(slot->details.deadline);
    grpc_call_details_destroy(&slot->details);
    grpc_call_details_init(&slot->details);
    return call;
}

static void slot_complete(struct gf_rpc__tag *tag, bool ok) {
    struct gf_rpc__slot *slot = GF_CONTAINER_OF(tag, struct gf_rpc__slot, tag);
    struct gf_rpc__worker *worker = slot->worker;
    if (!ok) {
        /* The server stops, and there is a slot on every worker to tell. */
        worker->stopping = true;
        free_slot(slot);
        gf_rpc__release_held(worker, GF_NEVER);
        return;
    }
    grpc_slice name;
    struct gf_rpc__grpc_call *call = take_call(slot, &name);
    if (worker->slot_count < SLOTS_MAX) {
        add_slot(worker);
    }
    offer_slot(slot);
    gf_rpc__grpc_call_begin(call, gf_rpc__slice_view(&name));
    grpc_slice_unref(name);
}

/* The next event, or none when a refusal that is held back, or a request, is due. */
static grpc_event await_event(struct gf_rpc__worker *worker) {
    const int64_t release_ns = gf_list_empty(&worker->held) ? GF_NEVER : worker->next_release_ns;
    const int64_t due_ns = worker->next_due_ns < release_ns ? worker->next_due_ns : release_ns;
    gpr_timespec until = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (due_ns != GF_NEVER) {
        const int64_t now_ns = gf_mono_ns();
        const int64_t left_ns = due_ns - now_ns;
        if (left_ns <= 0) {
            gf_rpc__release_held(worker, now_ns);
            gf_rpc__expire_requests(worker, now_ns);
            return (grpc_event){.type = GRPC_QUEUE_TIMEOUT};
        }
        until = gf_rpc__deadline_after_ms(left_ns / GF_NS_PER_MS + 1);
    }
    return grpc_completion_queue_next(worker->queue, until, NULL);
}

static void *run(void *ctx) {
    struct gf_rpc__worker *worker = ctx;
    for (;;) {
        const grpc_event event = await_event(worker);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        if (event.type == GRPC_QUEUE_TIMEOUT) {
            continue;
        }
        gf_assert(event.type == GRPC_OP_COMPLETE);
        struct gf_rpc__tag *tag = event.tag;
        gf_assert(tag->magic == GF_RPC__TAG_MAGIC);
        (void)atomic_load_explicit(&tag->order, memory_order_acquire);
        tag->complete(tag, event.success != 0);
    }
}

void gf_rpc__worker_init(struct gf_rpc__worker *worker, struct gf_rpc_server *server) {
    worker->server = server;
    gf_list_init(&worker->held);
    worker->next_release_ns = GF_NEVER;
    gf_list_init(&worker->waiting);
    worker->next_due_ns = GF_NEVER;
    worker->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(server->grpc, worker->queue, NULL);
}

void gf_rpc__worker_start(struct gf_rpc__worker *worker) {
    add_slot(worker);
    char name[16];
    (void)snprintf(name, sizeof(name), "rpc-%zu",
                   (size_t)(worker - worker->server->workers) % 1000);
    gf_thread_start(&worker->thread, name, run, worker);
}

void gf_rpc__worker_fini(struct gf_rpc__worker *worker) {
    grpc_completion_queue_shutdown(worker->queue);
    if (worker->slot_count > 0) {
        gf_thread_join(worker->thread);
    } else {
        /* Never started: nothing was queued. */
        const grpc_event event =
            grpc_completion_queue_next(worker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        gf_assert(event.type == GRPC_QUEUE_SHUTDOWN);
    }
    grpc_completion_queue_destroy(worker->queue);
    while (worker->free_calls != NULL) {
        struct gf_rpc__grpc_call *call = worker->free_calls;
        worker->free_calls = call->next_free;
        gf_rpc__grpc_call_free(call);
    }
}
