/*
 * FollowExtensionLogs.
 *
 * A stream waits for two things, and either may wake it: one of the logs having grown, and the
 * extension having changed, which the hub tells. Only then its row is read again; what it says of
 * the containers decides which logs there are and which of them can still grow. The place in all of
 * them together is the resume token.
 */
#include "api/codec/model/message.h"
#include "api/codec/model/page_token.h"
#include "api/extension/hub.h"
#include "api/extension/log_reader.h"
#include "api/service/handlers.h"
#include "api/service/read_call.h"
#include "api/service/stream.h"
#include "base/identifier.h"
#include "gofer/v1/task_execution.pb-c.h"

enum {
    MESSAGE_BYTES = 64 << 10, /* content after which a message is sent */
    MESSAGE_CHUNKS = 256,
    STEP_MESSAGES = 8,
};

struct extension_log_follow {
    struct gf_stream stream;
    const Gofer__V1__FollowExtensionLogsRequest *request;
    struct gf_extension_watcher watcher;
    struct gf_page_scope scope;
    int64_t extension_key; /* 0 = not known yet: nothing is open */
    struct gf_extension_log_reader reader;
    _Atomic bool changed;
};

static void wake_by_hub(struct gf_extension_watcher *watcher) {
    struct extension_log_follow *self =
        GF_CONTAINER_OF(watcher, struct extension_log_follow, watcher);
    atomic_store(&self->changed, true);
    gf_stream_kick(&self->stream);
}

static void wake_by_log(struct gf_extension_log_reader *reader) {
    struct extension_log_follow *self =
        GF_CONTAINER_OF(reader, struct extension_log_follow, reader);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct extension_log_follow *self =
        GF_CONTAINER_OF(stream, struct extension_log_follow, stream);
    if (self->extension_key != 0) {
        gf_extension_hub_unwatch(stream->services->extension_hub, &self->watcher);
        gf_extension_log_reader_fini(&self->reader);
    }
}

/* ---- The extension ---- */

static enum gf_code find(struct extension_log_follow *self, struct gf_extension *out,
                         struct gf_error *err) {
    struct gf_read read;
    atomic_store(&self->changed, false);
    gf_read_open(&read, self->stream.services, &self->stream.arena);
    enum gf_code rc = read.store->extensions->get(
        read.reader, gf_str_from(self->request->extension_id), read.arena, out, err);
    gf_read_close(&read);
    /* Another one of the same id is not the one that is followed. */
    if (rc == GF_OK && (out->installer ||
                        (self->extension_key != 0 && out->extension_key != self->extension_key))) {
        rc = gf_fail(err, GF_NOT_FOUND, "extension '%s' not found", self->request->extension_id);
    }
    return rc;
}

static enum gf_code look(struct extension_log_follow *self, struct gf_error *err) {
    struct gf_extension extension = {0};
    const enum gf_code rc = find(self, &extension, err);
    if (rc == GF_OK) {
        gf_extension_log_reader_look(&self->reader, &extension);
    }
    return rc;
}

/* A token is of one extension by its key, not by its id. */
static enum gf_code begin_reader(struct extension_log_follow *self, int64_t extension_key,
                                 struct gf_error *err) {
    const char *text = self->request->resume_token;
    struct gf_page_token token = {0};
    struct gf_error ignored = {0};
    enum gf_code rc =
        gf_page_token_read(&self->scope, text, "resume_token", &self->stream.arena, &token, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_extension_log_reader_init(&self->reader, self->stream.services->logs, extension_key);
    if (text[0] != '\0' &&
        (token.numbers[0] != extension_key ||
         gf_extension_log_reader_restore(&self->reader, token.text, &ignored) != GF_OK)) {
        gf_extension_log_reader_fini(&self->reader);
        return gf_fail_field(err, "resume_token", "the token is not of this log");
    }
    return GF_OK;
}

static enum gf_code begin(struct extension_log_follow *self, struct gf_error *err) {
    struct gf_extension extension = {0};
    enum gf_code rc =
        gf_identifier_check(gf_str_from(self->request->extension_id), "extension_id", err);
    if (rc == GF_OK) {
        rc = find(self, &extension, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    self->scope = gf_page_scope("follow_extension_logs");
    gf_page_scope_text(&self->scope, extension.extension_id);
    rc = begin_reader(self, extension.extension_key, err);
    if (rc != GF_OK) {
        return rc;
    }
    self->extension_key = extension.extension_key;
    self->watcher.extension_key = extension.extension_key;
    gf_extension_hub_watch(self->stream.services->extension_hub, &self->watcher);
    return look(self, err); /* once more: what came since is told from now on */
}

/* ---- Messages ---- */

static Gofer__V1__FollowExtensionLogsResponse *new_message(struct extension_log_follow *self) {
    return GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__FollowExtensionLogsResponse,
                          gofer__v1__follow_extension_logs_response);
}

static bool send(struct extension_log_follow *self,
                 Gofer__V1__FollowExtensionLogsResponse *message) {
    const struct gf_page_token token = {
        .numbers = {self->extension_key},
        .text = gf_extension_log_reader_save(&self->reader, &self->stream.arena),
    };
    message->resume_token = gf_page_token_write(&self->scope, &token, &self->stream.arena);
    return gf_stream_send(&self->stream, &message->base);
}

/* The content is copied: where it lies, the next piece of that log is read to. */
static void add_chunk(struct extension_log_follow *self,
                      Gofer__V1__FollowExtensionLogsResponse *message,
                      const struct gf_extension_log_piece *piece) {
    struct gf_arena *arena = &self->stream.arena;
    if (message->chunks == NULL) {
        message->chunks = GF_ARENA_ARRAY(arena, MESSAGE_CHUNKS, Gofer__V1__LogChunk *);
    }
    Gofer__V1__LogChunk *chunk = GF_MESSAGE_NEW(arena, Gofer__V1__LogChunk, gofer__v1__log_chunk);
    chunk->write_time = gf_message_time(piece->wall_ns, arena);
    chunk->stream = (Gofer__V1__LogStream)piece->stream;
    chunk->content.len = piece->content.len;
    chunk->content.data = (uint8_t *)(uintptr_t)gf_arena_str(arena, piece->content).ptr;
    chunk->dropped_bytes = piece->missing_bytes;
    message->chunks[message->n_chunks++] = chunk;
}

static enum gf_code fill(struct extension_log_follow *self,
                         Gofer__V1__FollowExtensionLogsResponse *message, struct gf_error *err) {
    size_t bytes = 0;
    while (bytes < MESSAGE_BYTES && message->n_chunks < MESSAGE_CHUNKS) {
        struct gf_extension_log_piece piece = {0};
        bool found = false;
        const enum gf_code rc = gf_extension_log_reader_next(&self->reader, &piece, &found, err);
        if (rc != GF_OK || !found) {
            return rc;
        }
        add_chunk(self, message, &piece);
        bytes += piece.content.len;
    }
    return GF_OK;
}

/* ---- Steps ---- */

static enum gf_stream_next fail(struct extension_log_follow *self, const struct gf_error *error) {
    self->stream.error = *error;
    return GF_STREAM_END;
}

/* All that is written was read. */
static enum gf_stream_next at_end(struct extension_log_follow *self) {
    struct gf_error error = {0};
    if (self->request->no_wait) {
        return GF_STREAM_END;
    }
    if (gf_extension_log_reader_arm(&self->reader, wake_by_log, &error) != GF_OK) {
        return fail(self, &error);
    }
    return GF_STREAM_WAIT;
}

static enum gf_stream_next read_some(struct extension_log_follow *self) {
    struct gf_error error = {0};
    for (int i = 0; i < STEP_MESSAGES; i++) {
        Gofer__V1__FollowExtensionLogsResponse *message = new_message(self);
        if (fill(self, message, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (message->n_chunks == 0) {
            return at_end(self);
        }
        if (!send(self, message)) {
            return gf_stream_refused(&self->stream);
        }
    }
    return GF_STREAM_AGAIN;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct extension_log_follow *self =
        GF_CONTAINER_OF(stream, struct extension_log_follow, stream);
    struct gf_error error = {0};
    if (self->extension_key == 0) {
        if (begin(self, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (!send(self, new_message(self))) {
            return gf_stream_refused(stream);
        }
    }
    gf_extension_log_reader_disarm(&self->reader);
    if (atomic_load(&self->changed) && look(self, &error) != GF_OK) {
        return fail(self, &error);
    }
    return read_some(self);
}

void gf_extension_log_follow_start(struct gf_rpc_call *call,
                                   const Gofer__V1__FollowExtensionLogsRequest *request,
                                   void *ctx) {
    struct extension_log_follow *self =
        GF_ARENA_NEW(gf_rpc_call_arena(call), struct extension_log_follow);
    self->request = request;
    self->watcher.changed = wake_by_hub;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
