/*
 * WatchExtension: the hub tells of changes, of the row and of the connection; what people would see
 * is then made anew and sent if it differs from what was sent last. How long the last ping took
 * changes all the time and is no reason to send.
 */
#include "api/codec/model/message.h"
#include "api/extension/hub.h"
#include "api/service/extension_calls.h"
#include "api/service/extension_message.h"
#include "api/service/stream.h"
#include "base/siphash.h"

struct watch {
    struct gf_stream stream;
    const Gofer__V1__WatchExtensionRequest *request;
    struct gf_extension_watcher watcher; /* extension_key 0: not yet */
    bool sent_any;
    uint64_t sent_hash;
};

static void wake(struct gf_extension_watcher *watcher) {
    struct watch *self = GF_CONTAINER_OF(watcher, struct watch, watcher);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct watch *self = GF_CONTAINER_OF(stream, struct watch, stream);
    if (self->watcher.extension_key != 0) {
        gf_extension_hub_unwatch(stream->services->extension_hub, &self->watcher);
    }
}

static uint64_t hash_of(Gofer__V1__Extension *extension, struct gf_arena *arena) {
    static const uint64_t key[2] = {0}; /* nobody gains by two that are alike */
    Google__Protobuf__Duration *latency = extension->latency;
    extension->latency = NULL;
    const size_t size = gofer__v1__extension__get_packed_size(extension);
    uint8_t *bytes = gf_arena_alloc(arena, size);
    (void)gofer__v1__extension__pack(extension, bytes);
    extension->latency = latency;
    return gf_siphash(key, bytes, size);
}

static enum gf_code find(struct watch *self, struct gf_extension *out, struct gf_error *err) {
    struct gf_read read;
    gf_read_open(&read, self->stream.services, &self->stream.arena);
    enum gf_code rc = gf_find_extension(&read, self->request->extension_id, out, err);
    gf_read_close(&read);
    return rc;
}

/* The watcher first, then the row: what happens in between comes as a change. */
static enum gf_code begin(struct watch *self, struct gf_error *err) {
    struct gf_extension row = {0};
    const enum gf_code rc = find(self, &row, err);
    if (rc == GF_OK) {
        self->watcher.extension_key = row.extension_key;
        self->watcher.changed = wake;
        gf_extension_hub_watch(self->stream.services->extension_hub, &self->watcher);
    }
    return rc;
}

static enum gf_code make_message(struct watch *self, Gofer__V1__Extension **out,
                                 struct gf_error *err) {
    struct gf_extension row = {0};
    struct gf_read read;
    gf_read_open(&read, self->stream.services, &self->stream.arena);
    enum gf_code rc = gf_find_extension(&read, self->request->extension_id, &row, err);
    if (rc == GF_OK && row.extension_key != self->watcher.extension_key) {
        rc = gf_fail_reason(err, GF_NOT_FOUND, "EXTENSION_NOT_INSTALLED",
                            "extension '%s' was uninstalled, and installed again",
                            self->request->extension_id);
    }
    if (rc == GF_OK) {
        rc = gf_extension_to_message(&read, &row, /* full= */ true, out, err);
    }
    gf_read_close(&read);
    return rc;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct watch *self = GF_CONTAINER_OF(stream, struct watch, stream);
    Gofer__V1__Extension *extension = NULL;
    if (self->watcher.extension_key == 0 && begin(self, &stream->error) != GF_OK) {
        return GF_STREAM_END;
    }
    if (make_message(self, &extension, &stream->error) != GF_OK) {
        return GF_STREAM_END;
    }
    const uint64_t hash = hash_of(extension, &stream->arena);
    if (self->sent_any && hash == self->sent_hash) {
        return GF_STREAM_WAIT;
    }
    self->sent_any = true;
    self->sent_hash = hash;
    Gofer__V1__WatchExtensionResponse *response = GF_MESSAGE_NEW(
        &stream->arena, Gofer__V1__WatchExtensionResponse, gofer__v1__watch_extension_response);
    response->extension = extension;
    return gf_stream_send(stream, &response->base) ? GF_STREAM_WAIT : gf_stream_refused(stream);
}

void gf_extension_watch_start(struct gf_rpc_call *call,
                              const Gofer__V1__WatchExtensionRequest *request, void *ctx) {
    struct watch *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct watch);
    self->request = request;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
