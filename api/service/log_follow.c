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
#include "api/codec/model/page_token.h"
#include "api/codec/model/task_execution.h"
#include "api/service/handlers.h"
#include "api/service/lookup.h"
#include "api/service/stream.h"
#include "base/identifier.h"
#include "engine/logs/log_store.h"

#include <inttypes.h>

enum {
    MESSAGE_BYTES = 64 << 10, /* payload after which a message is sent */
    MESSAGE_CHUNKS = 256,
    STEP_MESSAGES = 8,
};

struct follow {
    struct gf_stream stream;
    const Gofer__V1__FollowTaskExecutionLogsRequest *request;
    struct gf_event_follower follower;
    bool following;
    struct gf_token_scope scope;
    struct gf_log_name name;
    int64_t run_key;
    int64_t offset; /* where reading begins */
    struct gf_log_reader reader;
    bool reading;      /* the reader is open */
    bool reader_armed; /* it is not to be touched but by disarming */
    _Atomic bool task_changed;
    int64_t sequence;    /* of the events before the last look at the task */
    bool task_over;      /* as of that look: the attempt writes nothing any more */
    bool task_ran;       /* the container started */
    int64_t task_bytes;  /* in the log, as the end of the attempt tells */
    bool task_log_whole; /* as the end of the attempt tells */
    bool ended;          /* the last message was made */
};

static void wake_by_hub(struct gf_event_follower *follower) {
    struct follow *self = GF_CONTAINER_OF(follower, struct follow, follower);
    atomic_store(&self->task_changed, true);
    gf_stream_kick(&self->stream);
}

static void wake_by_log(struct gf_log_reader *reader) {
    struct follow *self = GF_CONTAINER_OF(reader, struct follow, reader);
    gf_stream_kick(&self->stream);
}

static void release(struct gf_stream *stream) {
    struct follow *self = GF_CONTAINER_OF(stream, struct follow, stream);
    if (self->following) {
        gf_event_hub_remove(stream->services->hub, &self->follower);
    }
    if (self->reading) {
        gf_log_reader_close(&self->reader);
    }
}

/* ---- Messages ---- */

static Gofer__V1__FollowTaskExecutionLogsResponse *new_message(struct follow *self) {
    Gofer__V1__FollowTaskExecutionLogsResponse *message =
        GF_MESSAGE_NEW(&self->stream.arena, Gofer__V1__FollowTaskExecutionLogsResponse,
                       gofer__v1__follow_task_execution_logs_response);
    message->attempt = self->name.attempt;
    return message;
}

static bool send(struct follow *self, Gofer__V1__FollowTaskExecutionLogsResponse *message,
                 Gofer__V1__LogState state) {
    const int64_t offset =
        self->reading ? gf_logframe_reader_offset(&self->reader.frames) : self->offset;
    const struct gf_token token = {.numbers = {offset, self->name.attempt, self->run_key}};
    message->resume_token = gf_token_write(&self->scope, &token, &self->stream.arena);
    message->log_state = state;
    return gf_stream_send(&self->stream, &message->base);
}

/* The state of the log while it is read. */
static Gofer__V1__LogState state_now(const struct follow *self) {
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
static enum gf_stream_next send_end(struct follow *self,
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
    message->end->description = gf_message_text(gf_str_from(description), &self->stream.arena);
    self->ended = true;
    return send(self, message, state) ? GF_STREAM_END : gf_stream_refused(&self->stream);
}

static enum gf_stream_next fail(struct follow *self, const struct gf_error *error) {
    self->stream.error = *error;
    return GF_STREAM_END;
}

/* ---- Where to begin ---- */

/* The task's place in the config; before the run leaves the queue it has no row. */
static enum gf_code find_task(struct follow *self, struct gf_read *read, const struct gf_run *run,
                              struct gf_task_execution *out, struct gf_error *err) {
    const struct gf_str task_id = gf_str_from(self->request->task_id);
    const enum gf_code rc =
        read->store->get_task(read->reader, run->run_key, task_id, read->arena, out, err);
    if (rc != GF_NOT_FOUND ||
        (run->state != GF_RUN_STATE_PENDING && run->state != GF_RUN_STATE_QUEUED)) {
        return rc;
    }
    struct gf_config config = {0};
    struct gf_error ignored;
    if (read->store->get_config(read->reader, run->pipeline_key, run->version, read->arena, &config,
                                &ignored) == GF_OK) {
        for (size_t i = 0; i < config.task_count; i++) {
            if (gf_str_eq(config.tasks[i].task_id, task_id)) {
                out->task_index = (int32_t)i;
                return GF_OK;
            }
        }
    }
    return rc;
}

static void note_task(struct follow *self, const struct gf_run *run,
                      const struct gf_task_execution *execution) {
    const bool later = execution->attempt > self->name.attempt;
    self->task_over = execution->state == GF_TASK_STATE_COMPLETE || later ||
                      (run->state == GF_RUN_STATE_COMPLETE && execution->attempt == 0);
    self->task_ran = execution->start_time != 0 || later;
    self->task_bytes = execution->log_bytes;
    self->task_log_whole =
        gf_task_execution_log_state(execution) == GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE;
}

/* Looks at the task, and asks the hub to tell of what comes after that. */
static enum gf_code look_at_task(struct follow *self, struct gf_task_execution *out,
                                 struct gf_run *out_run, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_services *services = self->stream.services;
    struct gf_read read;
    atomic_store(&self->task_changed, false);
    self->sequence = gf_event_hub_newest(services->hub);
    gf_read_open(&read, services, &self->stream.arena);
    enum gf_code rc = gf_find_run(&read, request->namespace_id, request->pipeline_id,
                                  request->run_id, out_run, err);
    if (rc == GF_OK) {
        rc = gf_identifier_check(gf_str_from(request->task_id), "task_id", err);
    }
    if (rc == GF_OK) {
        rc = find_task(self, &read, out_run, out, err);
    }
    gf_read_close(&read);
    if (rc == GF_OK && self->following) {
        note_task(self, out_run, out);
        gf_event_hub_arm(services->hub, &self->follower, self->sequence);
    }
    return rc;
}

static enum gf_code check_request(const Gofer__V1__FollowTaskExecutionLogsRequest *request,
                                  struct gf_error *err) {
    if (request->attempt < 0) {
        return gf_fail_field(err, "attempt", "value is %" PRId32 ", expected 0 or more",
                             request->attempt);
    }
    if (request->tail_bytes < 0) {
        return gf_fail_field(err, "tail_bytes", "value is %" PRId64 ", expected 0 or more",
                             request->tail_bytes);
    }
    if (request->tail_bytes > 0 && request->resume_token[0] != '\0') {
        return gf_fail_field(err, "tail_bytes", "goes not together with a resume token");
    }
    return GF_OK;
}

static enum gf_code read_token(struct follow *self, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_token token = {0};
    self->scope = gf_token_scope("follow_logs");
    gf_token_scope_text(&self->scope, gf_request_namespace(request->namespace_id));
    gf_token_scope_text(&self->scope, gf_str_from(request->pipeline_id));
    gf_token_scope_text(&self->scope, gf_str_from(request->task_id));
    gf_token_scope_number(&self->scope, request->run_id);
    const enum gf_code rc = gf_token_read(&self->scope, request->resume_token, "resume_token",
                                          &self->stream.arena, &token, err);
    if (rc != GF_OK || request->resume_token[0] == '\0') {
        return rc;
    }
    if (token.numbers[0] < 0 || token.numbers[1] != self->name.attempt ||
        token.numbers[2] != self->run_key) {
        return gf_fail_field(err, "resume_token", "the token is not of this log");
    }
    self->offset = token.numbers[0];
    return GF_OK;
}

static enum gf_code begin(struct follow *self, struct gf_error *err) {
    const Gofer__V1__FollowTaskExecutionLogsRequest *request = self->request;
    struct gf_task_execution execution = {0};
    struct gf_run run = {0};
    enum gf_code rc = check_request(request, err);
    if (rc == GF_OK) {
        rc = look_at_task(self, &execution, &run, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const int32_t latest = execution.attempt == 0 ? 1 : execution.attempt;
    if (request->attempt > latest) {
        return gf_fail(err, GF_NOT_FOUND, "task '%s' has no attempt %" PRId32, request->task_id,
                       request->attempt);
    }
    self->run_key = run.run_key;
    self->name = (struct gf_log_name){
        .pipeline_key = run.pipeline_key,
        .run_id = run.run_id,
        .task_index = execution.task_index,
        .attempt = request->attempt == 0 ? latest : request->attempt,
    };
    rc = read_token(self, err);
    if (rc != GF_OK) {
        return rc;
    }
    note_task(self, &run, &execution);
    self->follower.filter = (struct gf_event_filter){
        .namespace_id = gf_request_namespace(request->namespace_id),
        .pipeline_id = gf_str_from(request->pipeline_id),
        .run_id = request->run_id,
    };
    rc = gf_event_hub_add(self->stream.services->hub, &self->follower, err);
    if (rc == GF_OK) {
        self->following = true;
        gf_event_hub_arm(self->stream.services->hub, &self->follower, self->sequence);
    }
    return rc;
}

/* ---- Opening ---- */

/* Where the chunk begins that holds the byte that is tail_bytes before the end. */
static enum gf_code find_tail(struct follow *self, int64_t tail_bytes, int64_t *out_offset,
                              struct gf_error *err) {
    int64_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct gf_logframe_reader frames;
        int64_t seen = 0;
        int64_t offset = 0;
        enum gf_logframe_event event = GF_LOGFRAME_FRAME;
        enum gf_code rc = GF_OK;
        gf_logframe_reader_init(&frames, self->reader.fd, 0);
        while (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
            struct gf_logframe frame;
            offset = gf_logframe_reader_offset(&frames);
            rc = gf_logframe_reader_next(&frames, &event, &frame, err);
            if (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
                seen += frame.end ? 0 : (int64_t)frame.payload.len;
                if (pass == 1 && seen > total - tail_bytes) {
                    break;
                }
            }
        }
        gf_logframe_reader_fini(&frames);
        if (rc != GF_OK) {
            return rc;
        }
        total = seen;
        *out_offset = offset;
    }
    return GF_OK;
}

static enum gf_code open_log(struct follow *self, struct gf_error *err) {
    struct gf_log_store *logs = self->stream.services->logs;
    enum gf_code rc = gf_log_reader_open(logs, &self->name, self->offset, &self->reader, err);
    if (rc != GF_OK) {
        return rc;
    }
    self->reading = true;
    if (self->request->tail_bytes > 0) {
        int64_t offset = 0;
        rc = find_tail(self, self->request->tail_bytes, &offset, err);
        if (rc == GF_OK) {
            gf_log_reader_close(&self->reader);
            self->reading = false;
            self->offset = offset;
            rc = gf_log_reader_open(logs, &self->name, offset, &self->reader, err);
            self->reading = rc == GF_OK;
        }
    }
    return rc;
}

/* There is no file (yet, or any more). */
static enum gf_stream_next without_log(struct follow *self) {
    struct gf_error error = {0};
    Gofer__V1__FollowTaskExecutionLogsResponse *message = new_message(self);
    if (self->task_over && !self->task_ran) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_NEVER_STARTED,
                        "the task ended without ever running");
    }
    /* Containers that write nothing need no file. */
    if (self->task_over && self->task_bytes == 0) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "");
    }
    if (self->task_over) {
        (void)gf_fail_reason(&error, GF_FAILED_PRECONDITION, "LOG_REMOVED",
                             "the log of task '%s' was removed", self->request->task_id);
        return fail(self, &error);
    }
    if (self->request->no_wait) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_OPEN,
                        "nothing was written yet");
    }
    return GF_STREAM_WAIT;
}

/* ---- Reading ---- */

static void add_chunk(struct follow *self, Gofer__V1__FollowTaskExecutionLogsResponse *message,
                      const struct gf_logframe *frame) {
    struct gf_arena *arena = &self->stream.arena;
    if (message->chunks == NULL) {
        message->chunks = GF_ARENA_ARRAY(arena, MESSAGE_CHUNKS, Gofer__V1__LogChunk *);
    }
    Gofer__V1__LogChunk *chunk = GF_MESSAGE_NEW(arena, Gofer__V1__LogChunk, gofer__v1__log_chunk);
    chunk->write_time = gf_message_time(frame->wall_ns, arena);
    chunk->stream = (Gofer__V1__LogStream)frame->stream;
    chunk->content.len = frame->payload.len;
    chunk->content.data = gf_arena_memdup(arena, frame->payload.ptr, frame->payload.len);
    message->chunks[message->n_chunks++] = chunk;
}

static enum gf_stream_next end_by_frame(struct follow *self,
                                        Gofer__V1__FollowTaskExecutionLogsResponse *message,
                                        const struct gf_logframe *frame) {
    if (!frame->cut) {
        return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE, "");
    }
    const char *note = gf_message_text(frame->payload, &self->stream.arena);
    return send_end(self, message, GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED,
                    note[0] == '\0' ? "the log was full" : note);
}

/* All that is written was read. */
static enum gf_stream_next at_end_of_file(struct follow *self, bool *out_read_on) {
    struct gf_error error = {0};
    if (self->task_over) {
        return send_end(self, new_message(self), GOFER__V1__LOG_END_KIND__LOG_END_KIND_TRUNCATED,
                        "the log has no end: what wrote it was killed");
    }
    if (atomic_load(&self->task_changed)) {
        struct gf_task_execution execution = {0};
        struct gf_run run = {0};
        if (look_at_task(self, &execution, &run, &error) != GF_OK) {
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
static enum gf_code fill(struct follow *self, Gofer__V1__FollowTaskExecutionLogsResponse *message,
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
        if (bytes >= MESSAGE_BYTES || message->n_chunks == MESSAGE_CHUNKS) {
            return GF_OK;
        }
    }
}

static enum gf_stream_next read_some(struct follow *self, bool *out_read_on) {
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
    struct follow *self = GF_CONTAINER_OF(stream, struct follow, stream);
    struct gf_error error = {0};
    if (self->ended) {
        return GF_STREAM_END; /* the last message was pending, and has gone */
    }
    if (self->reader_armed) {
        gf_log_reader_disarm(&self->reader);
        self->reader_armed = false;
    }
    if (!self->following) {
        if (begin(self, &error) != GF_OK) {
            return fail(self, &error);
        }
        if (!send(self, new_message(self), state_now(self))) {
            return gf_stream_refused(stream);
        }
    }
    if (!self->reading) {
        if (atomic_load(&self->task_changed)) {
            struct gf_task_execution execution = {0};
            struct gf_run run = {0};
            if (look_at_task(self, &execution, &run, &error) != GF_OK) {
                return fail(self, &error);
            }
        }
        const enum gf_code rc = open_log(self, &error);
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
    struct follow *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct follow);
    self->request = request;
    self->follower.wake = wake_by_hub;
    gf_stream_start(&self->stream, call, ctx, step, release);
}
