/*
 * ImportImage: the archive is written to a file of its own, without a name, and gofer-fetch reads
 * it from there. One message at a time: reading is paused while its bytes are written, so that a
 * fast client waits for the disk instead of filling the memory. All of it is done by the pool for
 * long work, the threads of the server only hand over.
 */
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/image_message.h"
#include "api/service/stream.h"
#include "base/file.h"
#include "base/random.h"
#include "engine/scheduler/native/images/reference.h"

#include <inttypes.h>
#include <unistd.h>

enum {
    CHUNK_BYTES_MAX = 1 << 20,
};

struct upload {
    struct gf_stream stream;
    int fd;
    bool begun;
    const char *name; /* NULL: as the archive says; in the call's arena */
    int64_t size_bytes;
    const Gofer__V1__ImportImageRequest *message; /* until reading is resumed */
    _Atomic bool has_message;
    _Atomic bool half_closed;
};

static void release(struct gf_stream *stream) {
    struct upload *self = GF_CONTAINER_OF(stream, struct upload, stream);
    gf_close(&self->fd);
}

/* A file that nobody else can open, and that goes with its descriptor. */
static enum gf_code open_spool(struct upload *self, struct gf_error *err) {
    char uuid[GF_UUID_BYTES];
    const char *path = gf_arena_printf(&self->stream.arena, "%s/upload-%s",
                                       self->stream.services->spool_path, gf_uuid_v4(uuid));
    const enum gf_code rc =
        gf_file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600, &self->fd, err);
    if (rc == GF_OK) {
        (void)unlink(path);
    }
    return rc;
}

static enum gf_code check_size(const struct upload *self, int64_t size, struct gf_error *err) {
    const int64_t max = self->stream.services->upload_bytes_max;
    if (size > max) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "the archive has more than %" PRId64 " bytes, the limit of uploads", max);
    }
    return GF_OK;
}

static enum gf_code take_start(struct upload *self, const Gofer__V1__ImportImageStart *start,
                               struct gf_error *err) {
    if (self->stream.services->images == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "the scheduler '%s' has no images",
                       self->stream.services->scheduler.ops->name);
    }
    if (start->size_bytes < 0) {
        return gf_fail_field(err, "start.size_bytes", "expected 0 or more");
    }
    enum gf_code rc = check_size(self, start->size_bytes, err);
    if (rc == GF_OK && start->name[0] != '\0') {
        struct gf_reference reference;
        rc = gf_reference_parse_name(gf_str_from(start->name), &reference, err);
        if (rc != GF_OK) {
            return gf_fail_field(err, "start.name", "%s", err->message);
        }
        self->name = gf_arena_strdup(gf_rpc_call_arena(self->stream.call), start->name);
    }
    if (rc == GF_OK) {
        rc = open_spool(self, err);
    }
    self->begun = rc == GF_OK;
    return rc;
}

static enum gf_code take_chunk(struct upload *self, const ProtobufCBinaryData *chunk,
                               struct gf_error *err) {
    if (chunk->len > CHUNK_BYTES_MAX) {
        return gf_fail_field(err, "chunk", "chunk has %zu bytes, expected up to %d", chunk->len,
                             CHUNK_BYTES_MAX);
    }
    self->size_bytes += (int64_t)chunk->len;
    const enum gf_code rc = check_size(self, self->size_bytes, err);
    return rc == GF_OK ? gf_write_all(self->fd, chunk->data, chunk->len, err) : rc;
}

static enum gf_code take_message(struct upload *self, const Gofer__V1__ImportImageRequest *message,
                                 struct gf_error *err) {
    const bool is_start =
        message->part_case == GOFER__V1__IMPORT_IMAGE_REQUEST__PART_START && message->start != NULL;
    if (!self->begun && !is_start) {
        return gf_fail_field(err, "start", "the first message has no start");
    }
    if (!self->begun) {
        return take_start(self, message->start, err);
    }
    if (message->part_case != GOFER__V1__IMPORT_IMAGE_REQUEST__PART_CHUNK) {
        return gf_fail_field(err, "chunk", "a message behind the first one has no chunk");
    }
    return take_chunk(self, &message->chunk, err);
}

static bool is_there(Gofer__V1__Image *const *images, size_t count, const char *digest) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(images[i]->digest, digest) == 0) {
            return true;
        }
    }
    return false;
}

static void make_response(struct upload *self, const struct gf_image_report *report) {
    struct gf_arena *arena = &self->stream.arena;
    struct gf_image_catalog *catalog = gf_image_store_catalog(self->stream.services->images);
    Gofer__V1__ImportImageResponse *response =
        GF_MESSAGE_NEW(arena, Gofer__V1__ImportImageResponse, gofer__v1__import_image_response);
    response->images = GF_ARENA_ARRAY(arena, report->count, Gofer__V1__Image *);
    for (size_t i = 0; i < report->count; i++) {
        const struct gf_image_entry *entry =
            gf_image_catalog_find(catalog, &report->items[i].name.digest);
        if (entry != NULL &&
            !is_there(response->images, response->n_images, entry->image->record.digest.text)) {
            response->images[response->n_images++] =
                gf_image_to_message(self->stream.services->images, entry, arena);
            /* Also of one that was there: it may have got another name. */
            gf_image_record(self->stream.services, GF_EVENT_IMAGE_IMPORTED,
                            entry->image->record.digest.text, entry->names, entry->name_count,
                            self->stream.call);
            response->new_count += report->items[i].is_new ? 1 : 0;
        }
    }
    gf_image_catalog_unref(catalog);
    self->stream.response = &response->base;
}

static enum gf_code import(struct upload *self, struct gf_error *err) {
    if (!self->begun) {
        return gf_fail_field(err, "start", "there is no message");
    }
    if (lseek(self->fd, 0, SEEK_SET) != 0) {
        return gf_fail(err, GF_INTERNAL, "the upload cannot be read again");
    }
    const struct gf_image_import what = {
        .fd = self->fd, .name = self->name, .deadline_mono_ns = GF_NEVER};
    struct gf_image_report report = {0};
    const enum gf_code rc = gf_image_store_import(self->stream.services->images, &what,
                                                  &self->stream.arena, &report, err);
    if (rc == GF_OK) {
        make_response(self, &report);
    }
    return rc;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct upload *self = GF_CONTAINER_OF(stream, struct upload, stream);
    struct gf_error error = {0};
    enum gf_stream_next next = GF_STREAM_WAIT;
    enum gf_code rc = GF_OK;
    if (atomic_load(&self->has_message)) {
        rc = take_message(self, self->message, &error);
        atomic_store(&self->has_message, false);
        if (rc == GF_OK) {
            gf_rpc_resume_reading(stream->call);
        }
    } else if (atomic_load(&self->half_closed)) {
        rc = import(self, &error);
        next = GF_STREAM_END;
    }
    if (rc != GF_OK) {
        stream->error = error;
        return GF_STREAM_END;
    }
    return next;
}

void gf_image_import_start(struct gf_rpc_call *call, void *ctx) {
    struct upload *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct upload);
    struct gf_services *services = ctx;
    self->fd = -1;
    self->stream.pool = services->long_pool;
    gf_stream_start(&self->stream, call, ctx, step, release);
}

void gf_image_import_message(struct gf_rpc_call *call, const Gofer__V1__ImportImageRequest *request,
                             void *ctx) {
    struct upload *self =
        GF_CONTAINER_OF((struct gf_stream *)gf_rpc_call_get_data(call), struct upload, stream);
    (void)ctx;
    if (request == NULL) {
        atomic_store(&self->half_closed, true);
    } else {
        gf_rpc_pause_reading(call);
        self->message = request;
        atomic_store(&self->has_message, true);
    }
    gf_stream_kick(&self->stream);
}
