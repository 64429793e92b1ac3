/*
 * Design: `state` is who may touch the stream. IDLE: nobody, the next kick submits a job. BUSY: a
 * job waits or runs. AGAIN: as BUSY, and one more step is wanted. ENDED: for ever; set before the
 * call is ended, because a callback of the call that runs at that moment may still kick, and the
 * stream lives until `done`.
 */
#include "api/service/stream.h"

enum {
    IDLE,
    BUSY,
    AGAIN,
    ENDED,
};

static void run(void *ctx);

void gf_stream_kick(struct gf_stream *stream) {
    int state = atomic_load(&stream->state);
    for (;;) {
        if (state == ENDED || state == AGAIN) {
            return;
        }
        const int next = state == IDLE ? BUSY : AGAIN;
        if (atomic_compare_exchange_weak(&stream->state, &state, next)) {
            if (next == BUSY) {
                gf_pool_submit_reserved(stream->pool, run, stream);
            }
            return;
        }
    }
}

/* Keeps the first error. */
static void set_error(struct gf_stream *stream, const struct gf_error *error) {
    if (stream->error.code == GF_OK) {
        stream->error = *error;
    }
}

bool gf_stream_send(struct gf_stream *stream, const ProtobufCMessage *message) {
    struct gf_error error = {0};
    const enum gf_code rc = gf_rpc_send(stream->call, message, &error);
    stream->pending = NULL;
    if (rc == GF_OK) {
        return true;
    }
    if (rc == GF_RESOURCE_EXHAUSTED && error.reason[0] == '\0') {
        stream->pending = message;
    } else {
        set_error(stream, &error);
    }
    return false;
}

enum gf_stream_next gf_stream_refused(const struct gf_stream *stream) {
    return stream->error.code == GF_OK ? GF_STREAM_WAIT : GF_STREAM_END;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    if (gf_rpc_is_cancelled(stream->call)) {
        struct gf_error error = {0};
        (void)gf_fail(&error, GF_CANCELLED, "the call was cancelled");
        set_error(stream, &error);
        return GF_STREAM_END;
    }
    if (atomic_load(&stream->services->stopping)) {
        struct gf_error error = {0};
        (void)gf_fail(&error, GF_UNAVAILABLE, "the server is stopping");
        set_error(stream, &error);
        return GF_STREAM_END;
    }
    struct gf_error lost = {0};
    if (stream->services->gate != NULL &&
        gf_gate_check_stream(stream->call, &stream->watch, &lost) != GF_OK) {
        set_error(stream, &lost);
        return GF_STREAM_END;
    }
    if (stream->pending != NULL && !gf_stream_send(stream, stream->pending)) {
        return gf_stream_refused(stream);
    }
    gf_arena_reset(&stream->arena);
    return stream->step(stream);
}

static void end(struct gf_stream *stream) {
    struct gf_services *services = stream->services;
    struct gf_rpc_call *call = stream->call;
    stream->release(stream);
    gf_mutex_lock(&services->mutex);
    gf_list_remove(&stream->link);
    gf_mutex_unlock(&services->mutex);
    /* The stream may be gone once its call is ended. */
    struct gf_arena arena = stream->arena;
    const struct gf_error error = stream->error;
    const ProtobufCMessage *response = stream->response;
    atomic_store(&stream->state, ENDED);
    if (error.code != GF_OK) {
        gf_rpc_fail(call, &error);
    } else if (response != NULL) {
        gf_rpc_reply(call, response);
    } else {
        gf_rpc_finish(call);
    }
    gf_arena_fini(&arena);
}

/* On a worker. */
static void run(void *ctx) {
    struct gf_stream *stream = ctx;
    /* Kicks from here on are for what this step may not see. */
    atomic_store(&stream->state, BUSY);
    const enum gf_stream_next next = step(stream);
    if (next == GF_STREAM_END) {
        end(stream);
        return;
    }
    if (stream->pending == NULL) {
        gf_arena_reset(&stream->arena);
    }
    int busy = BUSY;
    if (next == GF_STREAM_WAIT && atomic_compare_exchange_strong(&stream->state, &busy, IDLE)) {
        return;
    }
    gf_pool_submit_reserved(stream->pool, run, stream);
}

void gf_stream_start(struct gf_stream *stream, struct gf_rpc_call *call, void *ctx,
                     enum gf_stream_next (*step_fn)(struct gf_stream *stream),
                     void (*release)(struct gf_stream *stream)) {
    stream->call = call;
    stream->services = ctx;
    if (stream->pool == NULL) {
        stream->pool = stream->services->pool;
    }
    stream->step = step_fn;
    stream->release = release;
    gf_arena_init(&stream->arena, GF_SERVICES_ARENA_BYTES_MAX);
    gf_rpc_call_set_data(call, stream);
    gf_mutex_lock(&stream->services->mutex);
    gf_list_push_back(&stream->services->streams, &stream->link);
    gf_mutex_unlock(&stream->services->mutex);
    gf_stream_kick(stream);
}

void gf_stream_writable(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    gf_stream_kick(gf_rpc_call_get_data(call));
}

void gf_stream_cancelled(struct gf_rpc_call *call, void *ctx) {
    (void)ctx;
    gf_stream_kick(gf_rpc_call_get_data(call));
}
