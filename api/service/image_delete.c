/*
 * DeleteImage: taking layers off the disk may take seconds, so the pool for long work does it.
 */
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/image_message.h"
#include "api/service/stream.h"

struct deletion {
    struct gf_stream stream;
    const Gofer__V1__DeleteImageRequest *request;
};

static void release(struct gf_stream *stream) {
    (void)stream; /* it holds nothing */
}

static enum gf_code delete_image(struct deletion *self, struct gf_error *err) {
    struct gf_services *services = self->stream.services;
    struct gf_arena *arena = &self->stream.arena;
    const struct gf_str text = gf_str_from(self->request->reference);
    struct gf_reference reference;
    struct gf_image_removal removal = {.removed = false};
    if (gf_reference_parse(text, &reference, err) != GF_OK) {
        return gf_fail_field(err, "reference", "%s", err->message);
    }
    if (services->images == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "the scheduler '%s' has no images",
                       services->scheduler.ops->name);
    }
    const enum gf_code rc =
        gf_image_store_remove(services->images, text, self->request->force, arena, &removal, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_image_record(services, GF_EVENT_IMAGE_DELETED, removal.digest.text, removal.names,
                    removal.name_count, self->stream.call);
    Gofer__V1__DeleteImageResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__DeleteImageResponse, gofer__v1__delete_image_response);
    response->removed = removal.removed;
    self->stream.response = &response->base;
    return GF_OK;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct deletion *self = GF_CONTAINER_OF(stream, struct deletion, stream);
    struct gf_error error = {0};
    if (delete_image(self, &error) != GF_OK) {
        stream->error = error;
    }
    return GF_STREAM_END;
}

void gf_image_delete_start(struct gf_rpc_call *call, const Gofer__V1__DeleteImageRequest *request,
                           void *ctx) {
    struct deletion *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct deletion);
    const struct gf_services *services = ctx;
    self->request = request;
    self->stream.pool = services->long_pool;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
