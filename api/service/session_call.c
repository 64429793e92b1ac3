/*
 * Design: everything that is done with the session is done by steps of the stream, one at a time on
 * the worker pool, as the session wants it. What comes from elsewhere is left for the next step:
 * the session's events, on a thread of the scheduler, in a box under a mutex; a request of the
 * client in place, with reading paused until the step has done what it says. So input that a
 * program does not read holds the client back, and nothing is copied for that.
 *
 * Output goes the other way: what the client does not take stays in the box, and the session is
 * paused until the box is empty again. A scheduler may still bring what was on its way; one that
 * brings too much is no scheduler, and the stream ends.
 *
 * The box lives in the call, and the session is closed before the call ends: after close() has
 * returned no event comes.
 */
#include "api/service/session_call.h"

#include "base/alloc.h"

#include <string.h>

enum {
    STEP_MESSAGES = 32, /* of one step: then others have their turn */
};

/* ---- What the session tells. Thread: the scheduler's. ---- */

static void on_started(void *ctx, const struct gf_session_start *start) {
    struct gf_session_call *self = ctx;
    gf_mutex_lock(&self->mutex);
    self->start = *start;
    self->started = true;
    gf_mutex_unlock(&self->mutex);
    gf_stream_kick(&self->stream);
}

static void on_output(void *ctx, enum gf_log_stream stream, struct gf_str bytes) {
    struct gf_session_call *self = ctx;
    struct gf_session_output *output = gf_malloc(sizeof(*output) + bytes.len);
    *output = (struct gf_session_output){.stream = stream, .size = bytes.len};
    memcpy(output->bytes, bytes.ptr, bytes.len);
    gf_mutex_lock(&self->mutex);
    const bool fits = self->output_bytes + bytes.len <= GF_SESSION_CALL_BEHIND_BYTES_MAX;
    if (fits) {
        self->output_bytes += bytes.len;
        gf_list_push_back(&self->outputs, &output->link);
    }
    self->overflowed = self->overflowed || !fits;
    gf_mutex_unlock(&self->mutex);
    if (!fits) {
        free(output);
    }
    gf_stream_kick(&self->stream);
}

static void on_writable(void *ctx) {
    struct gf_session_call *self = ctx;
    gf_stream_kick(&self->stream);
}

static void on_ended(void *ctx, const struct gf_session_end *end) {
    struct gf_session_call *self = ctx;
    gf_mutex_lock(&self->mutex);
    self->end = *end;
    self->ended = true;
    gf_mutex_unlock(&self->mutex);
    gf_stream_kick(&self->stream);
}

static struct gf_session_events events_of(struct gf_session_call *self) {
    return (struct gf_session_events){
        .ctx = self,
        .started = on_started,
        .output = on_output,
        .writable = on_writable,
        .ended = on_ended,
    };
}

static const struct gf_session_ops *ops_of(const struct gf_session_call *self) {
    return self->stream.services->scheduler.ops->sessions;
}

/* ---- What the client sends ---- */

static enum gf_code input_bytes(struct gf_session_call *self, const ProtobufCBinaryData *content,
                                struct gf_error *err) {
    if (content->len > GF_SESSION_CHUNK_BYTES_MAX) {
        return gf_fail_field(err, "input.content", "there are %zu bytes, expected up to %d",
                             content->len, GF_SESSION_CHUNK_BYTES_MAX);
    }
    const struct gf_str bytes = {(const char *)content->data, content->len};
    return bytes.len == 0 ? GF_OK : ops_of(self)->input(self->session, bytes, err);
}

enum gf_code gf_session_call__input(struct gf_session_call *self,
                                    const Gofer__V1__TerminalInput *input, struct gf_error *err) {
    const struct gf_session_ops *ops = ops_of(self);
    struct gf_terminal_size size = {0};
    switch ((int)input->action_case) {
    case GOFER__V1__TERMINAL_INPUT__ACTION_CONTENT:
        return input_bytes(self, &input->content, err);
    case GOFER__V1__TERMINAL_INPUT__ACTION_RESIZE: {
        const enum gf_code rc =
            gf_session_call__read_size(input->resize, "input.resize", &size, err);
        if (rc == GF_OK) {
            ops->resize(self->session, size);
        }
        return rc;
    }
    case GOFER__V1__TERMINAL_INPUT__ACTION_SIGNAL:
        if (input->signal < 1 || input->signal > 64) {
            return gf_fail_field(err, "input.signal", "value is %d, expected 1 to 64",
                                 (int)input->signal);
        }
        ops->signal(self->session, (int)input->signal);
        return GF_OK;
    case GOFER__V1__TERMINAL_INPUT__ACTION_CLOSE_INPUT:
        ops->close_input(self->session);
        self->closed_input = true;
        return GF_OK;
    default:
        return gf_fail_field(err, "input", "there is no action");
    }
}

/* The parts of a request of either kind. */
struct request_parts {
    const Gofer__V1__AttachStart *attach;
    const Gofer__V1__ExecStart *exec;
    const Gofer__V1__TerminalInput *input;
};

static struct request_parts parts_of(const struct gf_session_call *self) {
    struct request_parts parts = {0};
    if (self->kind == GF_SESSION_CALL_ATTACH) {
        const Gofer__V1__AttachTaskExecutionRequest *request = (const void *)self->message;
        switch ((int)request->message_case) {
        case GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START:
            parts.attach = request->start;
            break;
        case GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_INPUT:
            parts.input = request->input;
            break;
        default:
            break;
        }
        return parts;
    }
    const Gofer__V1__ExecTaskExecutionRequest *request = (const void *)self->message;
    switch ((int)request->message_case) {
    case GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_START:
        parts.exec = request->start;
        break;
    case GOFER__V1__EXEC_TASK_EXECUTION_REQUEST__MESSAGE_INPUT:
        parts.input = request->input;
        break;
    default:
        break;
    }
    return parts;
}

static void message_done(struct gf_session_call *self) {
    atomic_store(&self->has_message, false);
    gf_rpc_resume_reading(self->stream.call);
}

/* The request of a terminal is there from the start; the first message of the others comes. */
static enum gf_code open_session(struct gf_session_call *self, struct gf_error *err) {
    const struct gf_session_events events = events_of(self);
    if (self->kind == GF_SESSION_CALL_TERMINAL) {
        const Gofer__V1__OpenTerminalRequest *request = (const void *)self->message;
        switch ((int)request->target_case) {
        case GOFER__V1__OPEN_TERMINAL_REQUEST__TARGET_ATTACH:
            return gf_session_call__attach(self, request->attach, "attach", &events, err);
        case GOFER__V1__OPEN_TERMINAL_REQUEST__TARGET_EXEC:
            return gf_session_call__exec(self, request->exec, "exec", &events, err);
        default:
            return gf_fail_field(err, "target", "there is no target");
        }
    }
    const struct request_parts parts = parts_of(self);
    enum gf_code rc;
    if (parts.attach != NULL) {
        rc = gf_session_call__attach(self, parts.attach, "start", &events, err);
    } else if (parts.exec != NULL) {
        rc = gf_session_call__exec(self, parts.exec, "start", &events, err);
    } else {
        rc = gf_fail_field(err, "start", "the first message must be `start`");
    }
    if (rc == GF_OK) {
        message_done(self);
    }
    return rc;
}

static enum gf_code take_message(struct gf_session_call *self, struct gf_error *err) {
    const struct request_parts parts = parts_of(self);
    if (parts.attach != NULL || parts.exec != NULL) {
        return gf_fail_field(err, "start", "only the first message is `start`");
    }
    if (parts.input == NULL) {
        return gf_fail_field(err, "input", "there is no input");
    }
    const enum gf_code rc = gf_session_call__input(self, parts.input, err);
    if (rc == GF_OK) {
        message_done(self);
    }
    return rc == GF_RESOURCE_EXHAUSTED ? GF_OK : rc;
}

/* Where the client has no more to say, the program that it has started reads an end of file; one
 * that it looks on has an input that is not its own. */
static enum gf_code take_requests(struct gf_session_call *self, struct gf_error *err) {
    if (self->kind == GF_SESSION_CALL_TERMINAL) {
        gf_terminal__take_inputs(self);
        return GF_OK;
    }
    if (atomic_load(&self->has_message)) {
        return take_message(self, err);
    }
    if (atomic_load(&self->requests_ended) && !self->is_attach && !self->closed_input) {
        ops_of(self)->close_input(self->session);
        self->closed_input = true;
    }
    return GF_OK;
}

/* ---- What the client gets ---- */

static struct gf_session_output *next_output(struct gf_session_call *self) {
    struct gf_session_output *output = NULL;
    gf_mutex_lock(&self->mutex);
    struct gf_list_link *first = gf_list_first(&self->outputs);
    if (first != NULL) {
        output = GF_CONTAINER_OF(first, struct gf_session_output, link);
        gf_list_remove(first);
        self->output_bytes -= output->size;
    }
    gf_mutex_unlock(&self->mutex);
    return output;
}

static void set_paused(struct gf_session_call *self, bool paused) {
    if (self->paused != paused) {
        self->paused = paused;
        ops_of(self)->pause(self->session, paused);
    }
}

static void drop_sending(struct gf_session_call *self) {
    free(self->sending);
    self->sending = NULL;
}

static enum gf_stream_next fail(struct gf_session_call *self, const struct gf_error *error) {
    self->stream.error = *error;
    return GF_STREAM_END;
}

static enum gf_stream_next send_end(struct gf_session_call *self) {
    if (self->end.error.code != GF_OK) {
        return fail(self, &self->end.error);
    }
    self->over = true;
    return gf_stream_send(&self->stream, gf_session_call__exit_message(self))
               ? GF_STREAM_END
               : gf_stream_refused(&self->stream);
}

/* True where all that is there was sent; else *out_next is what the step ends with. */
static bool send_outputs(struct gf_session_call *self, enum gf_stream_next *out_next) {
    for (int i = 0; i < STEP_MESSAGES; i++) {
        self->sending = next_output(self);
        if (self->sending == NULL) {
            return true;
        }
        if (!gf_stream_send(&self->stream, gf_session_call__output_message(self, self->sending))) {
            set_paused(self, true);
            *out_next = gf_stream_refused(&self->stream);
            return false;
        }
        drop_sending(self);
    }
    *out_next = GF_STREAM_AGAIN;
    return false;
}

/* ---- The stream ---- */

/* What was told up to now, in an order in which nothing is missed: the end is looked at before the
 * output that came before it is sent. */
struct told {
    bool started;
    bool ended;
    bool overflowed;
};

static struct told look(struct gf_session_call *self) {
    GF_MUTEX_GUARD(&self->mutex);
    return (struct told){self->started, self->ended, self->overflowed};
}

/* The session is open. */
static enum gf_stream_next go_on(struct gf_session_call *self) {
    struct gf_error error = {0};
    enum gf_stream_next next = GF_STREAM_WAIT;
    const struct told told = look(self);
    if (told.overflowed) {
        (void)gf_fail(&error, GF_RESOURCE_EXHAUSTED,
                      "the client does not take what the program writes");
        return fail(self, &error);
    }
    if (!told.started) {
        return told.ended ? send_end(self) : GF_STREAM_WAIT;
    }
    if (!self->told_started) {
        self->told_started = true;
        self->start_mono_ns = gf_mono_ns();
        gf_session_call__audit_open(self);
        if (!gf_stream_send(&self->stream, gf_session_call__started_message(self))) {
            return gf_stream_refused(&self->stream);
        }
    }
    if (!told.ended && take_requests(self, &error) != GF_OK) {
        return fail(self, &error);
    }
    if (!send_outputs(self, &next)) {
        return next;
    }
    if (told.ended) {
        return send_end(self);
    }
    set_paused(self, false);
    return GF_STREAM_WAIT;
}

static enum gf_stream_next step(struct gf_stream *stream) {
    struct gf_session_call *self = GF_CONTAINER_OF(stream, struct gf_session_call, stream);
    struct gf_error error = {0};
    drop_sending(self); /* what was refused has gone */
    if (self->over) {
        return GF_STREAM_END;
    }
    if (atomic_load(&stream->services->attach_disabled)) {
        (void)gf_session_call__fail_disabled(&error);
        return fail(self, &error);
    }
    if (self->session != NULL) {
        return go_on(self);
    }
    if (self->kind != GF_SESSION_CALL_TERMINAL && !atomic_load(&self->has_message)) {
        if (!atomic_load(&self->requests_ended)) {
            return GF_STREAM_WAIT;
        }
        (void)gf_fail_field(&error, "start", "there is no message");
        return fail(self, &error);
    }
    if (open_session(self, &error) != GF_OK) {
        return fail(self, &error);
    }
    if (self->kind == GF_SESSION_CALL_TERMINAL) {
        gf_terminal__add(self);
    }
    return go_on(self);
}

static void release(struct gf_stream *stream) {
    struct gf_session_call *self = GF_CONTAINER_OF(stream, struct gf_session_call, stream);
    if (self->kind == GF_SESSION_CALL_TERMINAL) {
        gf_terminal__remove(self);
    }
    if (self->session != NULL) {
        ops_of(self)->close(self->session);
        self->session = NULL;
    }
    if (self->counted) {
        (void)atomic_fetch_sub(&stream->services->session_count, 1);
    }
    if (self->told_started) {
        gf_session_call__audit_close(self);
    }
    drop_sending(self);
    for (struct gf_session_output *output = next_output(self); output != NULL;
         output = next_output(self)) {
        free(output);
    }
    gf_mutex_fini(&self->mutex);
}

struct gf_session_call *gf_session_call__create(struct gf_rpc_call *call, void *ctx,
                                                enum gf_session_call_kind kind) {
    struct gf_session_call *self = GF_ARENA_NEW(gf_rpc_call_arena(call), struct gf_session_call);
    (void)ctx;
    self->kind = kind;
    gf_mutex_init(&self->mutex, GF_RANK_SERVICE);
    gf_list_init(&self->outputs);
    gf_list_init(&self->inputs);
    return self;
}

static void start(struct gf_rpc_call *call, void *ctx, enum gf_session_call_kind kind,
                  const ProtobufCMessage *request) {
    struct gf_session_call *self = gf_session_call__create(call, ctx, kind);
    self->message = request;
    gf_stream_start(&self->stream, call, ctx, step, release);
}

static void take(struct gf_rpc_call *call, const ProtobufCMessage *request) {
    struct gf_session_call *self = GF_CONTAINER_OF((struct gf_stream *)gf_rpc_call_get_data(call),
                                                   struct gf_session_call, stream);
    if (request == NULL) {
        atomic_store(&self->requests_ended, true);
    } else {
        gf_rpc_pause_reading(call);
        self->message = request;
        atomic_store(&self->has_message, true);
    }
    gf_stream_kick(&self->stream);
}

void gf_session_attach_start(struct gf_rpc_call *call, void *ctx) {
    start(call, ctx, GF_SESSION_CALL_ATTACH, NULL);
}

void gf_session_attach_message(struct gf_rpc_call *call,
                               const Gofer__V1__AttachTaskExecutionRequest *request, void *ctx) {
    (void)ctx;
    take(call, request == NULL ? NULL : &request->base);
}

void gf_session_exec_start(struct gf_rpc_call *call, void *ctx) {
    start(call, ctx, GF_SESSION_CALL_EXEC, NULL);
}

void gf_session_exec_message(struct gf_rpc_call *call,
                             const Gofer__V1__ExecTaskExecutionRequest *request, void *ctx) {
    (void)ctx;
    take(call, request == NULL ? NULL : &request->base);
}

void gf_terminal_open_start(struct gf_rpc_call *call, const Gofer__V1__OpenTerminalRequest *request,
                            void *ctx) {
    start(call, ctx, GF_SESSION_CALL_TERMINAL, &request->base);
}
