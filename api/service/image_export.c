/*
 * ExportImage: gofer-fetch writes the archive into a pipe; each step sends a piece of it, when the
 * caller has room, so that a slow one makes gofer-fetch wait. The pool for long work does it, and
 * no step waits long for gofer-fetch: where that hangs, others have their turn in between, and the
 * caller may go away.
 */
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/image_message.h"
#include "api/service/stream.h"
#include "engine/scheduler/native/images/export.h"

enum {
    CHUNK_BYTES = 256 << 10, /* a step's; the contract allows 1 MiB */
};

struct export {
    struct gf_stream stream;
    const Gofer__V1__ExportImageRequest *request;
    struct gf_image_export *source; /* NULL: not begun */
};

static void release(struct gf_stream *stream) {
    struct export *self = GF_CONTAINER_OF(stream, struct export, stream);
    gf_image_export_close(self->source);
}

static Gofer__V1__ExportImageResponse *make_message(struct export *self) {
    return GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__ExportImageResponse,
                          gofer__v1__export_image_response);
}

static enum gf_code take_format(Gofer__V1__ImageArchiveFormat format, bool *out_docker,
                                struct gf_error *err) {
    switch ((int)format) {
    case GOFER__V1__IMAGE_ARCHIVE_FORMAT__IMAGE_ARCHIVE_FORMAT_UNSPECIFIED:
    case GOFER__V1__IMAGE_ARCHIVE_FORMAT__IMAGE_ARCHIVE_FORMAT_OCI_LAYOUT:
        *out_docker = false;
        return GF_OK;
    case GOFER__V1__IMAGE_ARCHIVE_FORMAT__IMAGE_ARCHIVE_FORMAT_DOCKER_ARCHIVE:
        *out_docker = true;
        return GF_OK;
    default:
        return gf_fail_field(err, "format", "unknown kind of archive %d", (int)format);
    }
}

static enum gf_code begin(struct export *self, struct gf_error *err) {
    struct gf_image_store *images = self->stream.services->images;
    const struct gf_str text = gf_str_from(self->request->reference);
    struct gf_reference reference;
    bool is_docker = false;
    if (images == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "the scheduler '%s' has no images",
                       self->stream.services->scheduler.ops->name);
    }
    if (gf_reference_parse(text, &reference, err) != GF_OK) {
        return gf_fail_field(err, "reference", "%s", err->message);
    }
    const enum gf_code rc = take_format(self->request->format, &is_docker, err);
    return rc == GF_OK ? gf_image_export_open(images, text, is_docker, GF_IMAGE_EXPORT_STALL_MS,
                                              &self->source, err)
                       : rc;
}

static bool send_image(struct export *self) {
    struct gf_image_store *images = self->stream.services->images;
    const struct gf_image *image = gf_image_export_image(self->source);
    struct gf_image_catalog *catalog = gf_image_store_catalog(images);
    const struct gf_image_entry *entry = gf_image_catalog_find(catalog, &image->record.digest);
    Gofer__V1__ExportImageResponse *message = make_message(self);
    message->part_case = GOFER__V1__EXPORT_IMAGE_RESPONSE__PART_IMAGE;
    if (entry != NULL) { /* it is held, so it is there */
        message->image = gf_image_to_message(images, entry, &self->stream.arena);
    }
    gf_image_catalog_unref(catalog);
    return gf_stream_send(&self->stream, &message->base);
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct export *self = GF_CONTAINER_OF(stream, struct export, stream);
    size_t size = 0;
    bool is_complete = false;
    if (self->source == NULL) {
        if (begin(self, &stream->error) != GF_OK) {
            return GF_STREAM_END;
        }
        return send_image(self) ? GF_STREAM_AGAIN : gf_stream_refused(stream);
    }
    uint8_t *bytes = gf_arena_alloc(&stream->arena, CHUNK_BYTES);
    const enum gf_code rc =
        gf_image_export_read(self->source, bytes, CHUNK_BYTES, &size, &is_complete, &stream->error);
    if (rc != GF_OK || is_complete) {
        return GF_STREAM_END;
    }
    if (size == 0) {
        return GF_STREAM_AGAIN;
    }
    Gofer__V1__ExportImageResponse *message = make_message(self);
    message->part_case = GOFER__V1__EXPORT_IMAGE_RESPONSE__PART_CHUNK;
    message->chunk.data = bytes;
    message->chunk.len = size;
    return gf_stream_send(stream, &message->base) ? GF_STREAM_AGAIN : gf_stream_refused(stream);
}

void gf_image_export_start(struct gf_rpc_call *call, const Gofer__V1__ExportImageRequest *request,
                           void *ctx) {
    struct export *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct export);
    const struct gf_services *services = ctx;
    self->request = request;
    self->stream.pool = services->long_pool;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
