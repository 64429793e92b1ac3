#include "api/service/read_call.h"

struct read_call {
    struct gf_services *services;
    struct gf_rpc_call *call;
    const ProtobufCMessage *request;
    gf_read_fn *fn;
    const void *data;
};

void gf_read_open(struct gf_read *read, struct gf_services *services, struct gf_arena *arena) {
    struct gf_store *store = services->store;
    *read = (struct gf_read){
        .services = services,
        .store = store->ops,
        .reader = store->ops->open_reader(store),
        .arena = arena,
    };
}

void gf_read_close(struct gf_read *read) {
    read->store->close_reader(read->services->store, read->reader);
    read->reader = NULL;
}

/* On a worker. */
static void run(void *ctx) {
    struct read_call *self = ctx;
    struct gf_rpc_call *call = self->call;
    struct gf_error error = {0};
    if (gf_rpc_is_cancelled(call)) {
        (void)gf_fail(&error, GF_CANCELLED, "the call was cancelled");
        gf_rpc_fail(call, &error);
        return;
    }
    struct gf_arena arena;
    gf_arena_init(&arena, GF_SERVICES_ARENA_BYTES_MAX);
    struct gf_read read;
    gf_read_open(&read, self->services, &arena);
    read.principal = gf_principal_of(call);
    read.call = call;
    read.request = self->request;
    read.data = self->data;
    const enum gf_code rc = self->fn(&read, &error);
    gf_read_close(&read);
    /* The call, and self with it, may be gone once it is answered. */
    if (rc == GF_OK) {
        gf_rpc_reply(call, read.response);
    } else {
        gf_rpc_fail(call, &error);
    }
    gf_arena_fini(&arena);
}

void gf_read_start(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                   gf_read_fn *fn) {
    struct read_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct read_call);
    *self = (struct read_call){.services = ctx, .call = call, .request = request, .fn = fn};
    struct gf_error error = {0};
    if (gf_pool_submit(self->services->pool, run, self, &error) != GF_OK) {
        gf_rpc_fail(call, &error);
    }
}

void gf_read_start_after(struct gf_rpc_call *call, const ProtobufCMessage *request, void *ctx,
                         gf_read_fn *fn, const void *data) {
    struct read_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct read_call);
    *self = (struct read_call){
        .services = ctx, .call = call, .request = request, .fn = fn, .data = data};
    gf_pool_submit_reserved(self->services->pool, run, self);
}
