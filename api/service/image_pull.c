/*
 * PullImage: the pulls of images tell on their own thread how far they are; the newest word is
 * kept, and a step sends it. Who is slow misses words in between, never the last one.
 */
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/image_message.h"
#include "api/service/stream.h"
#include "engine/scheduler/native/images/pulls.h"

struct pull {
    struct gf_stream stream;
    const Gofer__V1__PullImageRequest *request;
    struct gf_image_pull *pull; /* NULL: not asked for yet */
    bool sent_image;
    struct gf_mutex mutex; /* of what follows */
    struct gf_pull_progress progress;
    bool has_progress; /* that was not sent */
    bool ended;
    bool is_new;
    struct gf_error error;
    struct gf_digest digest;
};

/* ---- what the pull tells; on its thread ---- */

static void on_progress(void *ctx, const struct gf_pull_progress *progress) {
    struct pull *self = ctx;
    gf_mutex_lock(&self->mutex);
    self->progress = *progress;
    self->has_progress = true;
    gf_mutex_unlock(&self->mutex);
    gf_stream_kick(&self->stream);
}

static void on_ended(void *ctx, const struct gf_image_pull_end *end) {
    struct pull *self = ctx;
    gf_mutex_lock(&self->mutex);
    self->ended = true;
    self->is_new = end->is_new;
    self->error = end->error;
    if (end->image != NULL) {
        self->digest = end->image->record.digest;
    }
    gf_mutex_unlock(&self->mutex);
    gf_stream_kick(&self->stream);
}

/* ---- the stream ---- */

static void release(struct gf_stream *stream) {
    struct pull *self = GF_CONTAINER_OF(stream, struct pull, stream);
    if (self->pull != NULL) {
        gf_image_pull_close(self->pull);
    }
    gf_mutex_fini(&self->mutex);
}

static enum gf_code begin(struct pull *self, struct gf_error *err) {
    const Gofer__V1__PullImageRequest *request = self->request;
    const Gofer__V1__RegistryAuth *auth = request->registry_auth;
    struct gf_reference reference;
    if (self->stream.services->pulls == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "the scheduler '%s' has no images",
                       self->stream.services->scheduler.ops->name);
    }
    if (gf_reference_parse(gf_str_from(request->reference), &reference, err) != GF_OK) {
        return gf_fail_field(err, "reference", "%s", err->message);
    }
    if (reference.name[0] == '\0') {
        return gf_fail_field(err, "reference", "a digest alone names no registry to ask");
    }
    if (auth != NULL && auth->secret_key[0] != '\0') {
        return gf_fail_field(err, "registry_auth.secret_key",
                             "a pull belongs to no pipeline: give user and password");
    }
    if (auth != NULL && auth->user[0] == '\0' && auth->password[0] != '\0') {
        return gf_fail_field(err, "registry_auth.user", "there is a password, but no user");
    }
    const struct gf_image_pull_request pull = {
        .reference = gf_str_from(request->reference),
        .always = true,
        .user = gf_str_from(auth == NULL ? NULL : auth->user),
        .password = gf_str_from(auth == NULL ? NULL : auth->password),
    };
    const struct gf_image_pull_events events = {
        .ctx = self, .progress = on_progress, .ended = on_ended};
    gf_image_pull_open(self->stream.services->pulls, &pull, &events, &self->pull);
    return GF_OK;
}

static Gofer__V1__ImagePullPhase phase_to_message(enum gf_pull_phase phase) {
    switch (phase) {
    case GF_PULL_RESOLVING:
        return GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_RESOLVING;
    case GF_PULL_FETCHING:
        return GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_FETCHING;
    case GF_PULL_UNPACKING:
        return GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_UNPACKING;
    case GF_PULL_DONE:
        break;
    }
    return GOFER__V1__IMAGE_PULL_PHASE__IMAGE_PULL_PHASE_DONE;
}

static Gofer__V1__PullImageResponse *make_message(const struct gf_pull_progress *progress,
                                                  struct gf_arena *arena) {
    Gofer__V1__PullImageResponse *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__PullImageResponse, gofer__v1__pull_image_response);
    message->progress =
        GF_MESSAGE_NEW(arena, Gofer__V1__ImagePullProgress, gofer__v1__image_pull_progress);
    message->progress->phase = phase_to_message(progress->phase);
    message->progress->received_bytes = progress->received_bytes;
    message->progress->total_bytes = progress->total_bytes;
    message->progress->done_layer_count = (int32_t)progress->done_layers;
    message->progress->total_layer_count = (int32_t)progress->total_layers;
    return message;
}

/* The last message. The image may be gone again: then there is nothing to tell of. */
static enum gf_stream_next send_image(struct pull *self) {
    struct gf_services *services = self->stream.services;
    struct gf_arena *arena = &self->stream.arena;
    struct gf_image_catalog *catalog = gf_image_store_catalog(services->images);
    const struct gf_image_entry *entry = gf_image_catalog_find(catalog, &self->digest);
    if (entry == NULL) {
        gf_image_catalog_unref(catalog);
        (void)gf_fail_reason(&self->stream.error, GF_UNAVAILABLE, "IMAGE_NOT_FOUND",
                             "the image was removed as soon as it was there");
        return GF_STREAM_END;
    }
    self->progress.phase = GF_PULL_DONE;
    Gofer__V1__PullImageResponse *message = make_message(&self->progress, arena);
    message->image = gf_image_to_message(services->images, entry, arena);
    if (self->is_new) {
        gf_image_record(services, GF_EVENT_IMAGE_IMPORTED, entry->image->record.digest.text,
                        entry->names, entry->name_count, self->stream.call);
    }
    gf_image_catalog_unref(catalog);
    self->sent_image = true;
    return gf_stream_send(&self->stream, &message->base) ? GF_STREAM_END
                                                         : gf_stream_refused(&self->stream);
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct pull *self = GF_CONTAINER_OF(stream, struct pull, stream);
    if (self->sent_image) {
        return GF_STREAM_END; /* it was pending */
    }
    if (self->pull == NULL && begin(self, &stream->error) != GF_OK) {
        return GF_STREAM_END;
    }
    gf_mutex_lock(&self->mutex);
    const bool has_progress = self->has_progress;
    const bool ended = self->ended;
    const struct gf_pull_progress progress = self->progress;
    self->has_progress = false;
    gf_mutex_unlock(&self->mutex);
    if (ended && self->error.code != GF_OK) {
        stream->error = self->error;
        return GF_STREAM_END;
    }
    if (ended) {
        return send_image(self);
    }
    if (has_progress && !gf_stream_send(stream, &make_message(&progress, &stream->arena)->base)) {
        return gf_stream_refused(stream);
    }
    return GF_STREAM_WAIT;
}

void gf_image_pull_start(struct gf_rpc_call *call, const Gofer__V1__PullImageRequest *request,
                         void *ctx) {
    struct pull *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct pull);
    self->request = request;
    gf_mutex_init(&self->mutex, GF_RANK_SERVICE);
    gf_stream_start(&self->stream, call, ctx, step, release);
}
