/*
 * FollowTaskExecutionLogs.
 *
 * A stream waits for two things, and either may wake it: the file of the log having grown, and the
 * task having changed, which the hub tells. The task's state is read again only after the hub has
 * told of something. What the state means depends on what the file had before: a task that is over
 * in the store has written all it ever will, so the file is read once more after that was learned,
 * and where it still has no end frame, the one who wrote it died.
 */
#include "api/codec/model/message.h"
#include "api/service/handlers.h"
#include "api/service/log_follow_internal.h"

#include <inttypes.h>

enum {
    MESSAGE_BYTES = 64 << 10, /* payload after which a message is sent */
    MESSAGE_CHUNKS = 256,
    STEP_MESSAGES = 8,
};

static void wake_by_hub(struct gf_event_follower *follower) {
    struct gf_log_follow *self = GF_CONTAINER_OF(follower, struct gf_log_follow, follower);
    atomic_store(&self->task_changed, true);
    gf_stream_kick(&self->stream);
}

static void wake_by_log(struct gf_log_reader *reader) {
    struct gf_log_follow *self = GF_CONTAINER_OF(reader, struct gf_log_follow, reader);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct gf_log_follow *self = GF_CONTAINER_OF(stream, struct gf_log_follow, stream);
    if (self->following) {
        gf_event_hub_remove(stream->services->hub, &self->follower);
    }
    if (self->reading) {
        gf_log_reader_close(&self->reader);
    }
}

/* ---- Messages ---- */

static Gofer__V1__FollowTaskExecutionLogsResponse *new_message(struct gf_log_follow *self) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message =
        GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__FollowTaskExecutionLogsResponse,
                       gofer__v1__follow_task_execution_logs_response);
    message->attempt = self->name.attempt;
    return message;
}

static bool send(struct gf_log_follow *self, Gofer__V1__FollowTaskExecutionLogsResponse *message,
                 Gofer__V1__LogState state) {
    const int64_t offset =
        self->reading ? gf_logframe_reader_offset(&self->reader.frames) : self->offset;
    const struct gf_page_token token = {.numbers = {offset, self->name.attempt, self->run_key}};
    message->resume_token = gf_page_token_write(&self->scope, &token, &self->stream.arena);
    message->log_state = state;
    return gf_stream_send(&self->stream, &message->base);
}

/* The state of the log while it is read. */
static Gofer__V1__LogState state_now(const struct gf_log_follow *self) {
    if (!self->reading && !self->task_ran) {
        return GOFER__V1__LOG_STATE__LOG_STATE_UNSPECIFIED;
    }
    if (!self->task_over) {
        return GOFER__V1__LOG_STATE__LOG_STATE_OPEN;
    }
    return self->task_log_whole ? GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE
                                : GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED;
}

/*
 * Sends the last message. Its end is OK, so the stream may end even where it is pending: it is sent
 * before the end of the call, when there is room.
 */
static enum gf_stream_next send_end(struct gf_log_follow *self,
                                    Gofer__V1__FollowTaskExecutionLogsResponse *message,
                                    Gofer__V1__LogEndKind kind, const char *description) {
    Gofer__V1__LogState state = GOFER__V1__LOG_STATE__LOG_STATE_UNSPECIFIED;
    switch ((int)kind) {
    case GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE:
        state = GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE;
        break;
    case GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED:
        state = GOFER__V1__LOG_STATE__LOG_STATE_TRUNCATED;
        break;
    case GOFER__V1__LOG_END_KIND__LOG_END_KIND_REMOVED:
        state = GOFER__V1__LOG_STATE__LOG_STATE_REMOVED;
        break;
    case GOFER__V1__LOG_END_KIND__LOG_END_KIND_OPEN:
        state = state_now(self);
        break;
    default:
        break;
    }
    message->end = GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__LogEnd, gofer__v1__log_end);
    message->end->kind = kind;
    message->end->dropped_bytes = self->dropped_bytes;
    message->end->description = gf_message_text(gf_str_from(description), &self->stream.arena);
    self->ended = true;
    return send(self, message, state) ? GF_STREAM_END : gf_stream_refused(&self->stream);
}

static enum gf_stream_next fail(struct gf_log_follow *self, const struct gf_error *error) {
    self->stream.error = *error;
    return GF_STREAM_END;
}

static enum gf_stream_next fail_removed(struct gf_log_follow *self) {
    struct gf_error error = {0};
    (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, "LOG_REMOVED",
                         "the log of attempt %" PRId32 " of task '%s' was removed",
                         self->name.attempt, self->request->task_id);
    return fail(self, &error);
}

static enum gf_stream_next fail_disabled(struct gf_log_follow *self) {
    struct gf_error error = {0};
    (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, "LOG_DISABLED",
                         "no log is kept of task '%s': its config says so", self->request->task_id);
    return fail(self, &error);
}

static const char *never_started(struct gf_log_follow *self) {
    if (self->kept_run_id == 0) {
        return "the task ended without ever running";
    }
    return gf_arena_printf(&self->stream.arena, "the result of run %" PRId64 " was kept",
                           self->kept_run_id);
}

/* There is no file (yet, or any more). */
static enum gf_stream_next without_log(struct gf_log_follow *self) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message = new_message(self);
    if (self->task_over && !self->task_ran) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_NEVER_STARTED,
                        never_started(self));
    }
    /* A scheduler without logs says of its tasks that they wrote nothing. */
    if (self->task_over && self->task_bytes == 0 &&
        !self->stream.services->scheduler.ops->has_logs) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "");
    }
    if (self->task_over) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_REMOVED,
                        "the log was removed while it was followed");
    }
    if (self->request->no_wait) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_OPEN,
                        "nothing was written yet");
    }
    return GF_STREAM_WAIT;
}

/* ---- Reading ---- */

/* The bytes stay where the reader has them: until it reads the file again, the message is encoded,
 * or waits as the pending one and no step is made. */
static void add_chunk(struct gf_log_follow *self,
                      Gofer__V1__FollowTaskExecutionLogsResponse *message,
                      const struct gf_logframe *frame) {
    struct gf_arena *arena = &self->stream.arena;
    if (message->chunks == NULL) {
        message->chunks = GF_ARENA_ARRAY(arena, MESSAGE_CHUNKS, Gofer__V1__LogChunk *);
    }
    Gofer__V1__LogChunk *chunk = GF_MESSAGE_NEW(arena, Gofer__V1__LogChunk, gofer__v1__log_chunk);
    chunk->write_time = gf_message_time(frame->wall_ns, arena);
    chunk->stream = (Gofer__V1__LogStream)frame->stream;
    chunk->content.len = frame->payload.len;
    chunk->content.data = (uint8_t *)(uintptr_t)frame->payload.ptr;
    message->chunks[message->n_chunks++] = chunk;
}

static enum gf_stream_next end_by_frame(struct gf_log_follow *self,
                                        Gofer__V1__FollowTaskExecutionLogsResponse *message,
                                        const struct gf_logframe *frame) {
    if (!frame->cut) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "");
    }
    const struct gf_str text = gf_logframe_note(frame, &self->dropped_bytes);
    const char *note = gf_message_text(text, &self->stream.arena);
    return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED,
                    note[0] == '\0' ? "the log was full" : note);
}

/* All that is written was read. */
static enum gf_stream_next at_end_of_file(struct gf_log_follow *self, bool *out_read_on) {
    struct gf_error error = {0};
    if (self->task_over) {
        return send_end(self, new_message(self), GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED,
                        self->task_log_cut ? "the log has no end: the disk did not take all of it"
                                           : "the log has no end: what wrote it was killed");
    }
    if (atomic_load(&self->task_changed)) {
        if (gf_log_follow__look(self, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (self->task_over) {
            *out_read_on = true;
            return GF_STREAM_AGAIN;
        }
    }
    if (self->request->no_wait) {
        return send_end(self, new_message(self), GOFER__V1__LOG_END_KIND__LOG_END_KIND_OPEN,
                        "the task still runs");
    }
    if (gf_log_reader_arm(&self->reader, wake_by_log, &error) != GF_OK) {
        return fail(self, &error);
    }
    self->reader_armed = true;
    return GF_STREAM_WAIT;
}

/* Fills one message. *out_event is what came last; a last frame is in *out_frame. */
static enum gf_code fill(struct gf_log_follow *self,
                         Gofer__V1__FollowTaskExecutionLogsResponse *message,
                         enum gf_logframe_event *out_event, struct gf_logframe *out_frame,
                         struct gf_error *err) {
    size_t bytes = 0;
    for (;;) {
        const enum gf_code rc =
            gf_logframe_reader_next(&self->reader.frames, out_event, out_frame, err);
        if (rc != GF_OK || *out_event != GF_LOGFRAME_FRAME || out_frame->end) {
            return rc;
        }
        add_chunk(self, message, out_frame);
        bytes += out_frame->payload.len;
        if (bytes >= MESSAGE_BYTES || message->n_chunks == MESSAGE_CHUNKS ||
            !gf_logframe_reader_has_next(&self->reader.frames)) {
            return GF_OK;
        }
    }
}

static enum gf_stream_next read_some(struct gf_log_follow *self, bool *out_read_on) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message = new_message(self);
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    struct gf_logframe frame = {0};
    struct gf_error error = {0};
    const enum gf_code rc = fill(self, message, &event, &frame, &error);
    if (rc == GF_OUT_OF_RANGE && self->request->resume_token[0] != '\0') {
        (void)gf_fail_field(&error, "resume_token", "the token is not of this log");
    }
    if (rc != GF_OK) {
        return fail(self, &error);
    }
    if (event == GF_LOGFRAME_DONE) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "");
    }
    if (event == GF_LOGFRAME_FRAME && frame.end) {
        return end_by_frame(self, message, &frame);
    }
    if (message->n_chunks > 0) {
        *out_read_on = send(self, message, state_now(self));
        return *out_read_on ? GF_STREAM_AGAIN : gf_stream_refused(&self->stream);
    }
    return at_end_of_file(self, out_read_on);
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct gf_log_follow *self = GF_CONTAINER_OF(stream, struct gf_log_follow, stream);
    struct gf_error error = {0};
    if (self->ended) {
        return GF_STREAM_END; /* the last message was pending, and has gone */
    }
    if (self->reader_armed) {
        gf_log_reader_disarm(&self->reader);
        self->reader_armed = false;
    }
    if (!self->following) {
        if (gf_log_follow__begin(self, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (self->task_log_disabled) {
            return fail_disabled(self);
        }
        if (self->task_log_removed) {
            return fail_removed(self);
        }
        if (!send(self, new_message(self), state_now(self))) {
            return gf_stream_refused(stream);
        }
    }
    if (!self->reading) {
        if (atomic_load(&self->task_changed)) {
            if (gf_log_follow__look(self, &error) != GF_OK) {
                return fail(self, &error);
            }
        }
        const enum gf_code rc = gf_log_follow__open(self, &error);
        if (rc == GF_NOT_FOUND && !self->reading) {
            return without_log(self);
        }
        if (rc != GF_OK) {
            return fail(self, &error);
        }
    }
    enum gf_stream_next next = GF_STREAM_AGAIN;
    bool read_on = true;
    for (int i = 0; i < STEP_MESSAGES && read_on; i++) {
        read_on = false;
        next = read_some(self, &read_on);
    }
    return next;
}

void gf_log_follow_start(struct gf_rpc_call *call,
                         const Gofer__V1__FollowTaskExecutionLogsRequest *request, void *ctx) {
    struct gf_log_follow *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct gf_log_follow);
    self->request = request;
    self->follower.wake = wake_by_hub;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
