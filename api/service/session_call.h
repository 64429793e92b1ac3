/*
 * AttachTaskExecution, ExecTaskExecution and OpenTerminal: streams (stream.h) between a client and
 * a session of the scheduler (engine/scheduler/session.h).
 *
 *     session_call.c      the stream: what the client sends, what the session tells
 *     session_target.c    what a request asks for, whether it may be had, and how it is opened
 *     session_message.c   responses
 *     session_audit.c     who was where, in events and in the log
 *     terminal.c          input that comes in calls of its own (SendTerminalInput)
 */
#ifndef GOFER_API_SERVICE_SESSION_CALL_H_
#define GOFER_API_SERVICE_SESSION_CALL_H_

#include "api/service/read_call.h"
#include "api/service/stream.h"
#include "base/random.h"
#include "gofer/v1/task_execution.gofer.h"

enum {
    /* Output that the session has brought and the client has not taken; who is behind by more is
     * cut off. A session is paused long before. */
    GF_SESSION_CALL_BEHIND_BYTES_MAX = 8 << 20,
    GF_SESSION_COMMAND_BYTES_SHOWN = 1024, /* of a command, in events and in the log */
};

#define GF_REASON_ATTACH_DISABLED "ATTACH_DISABLED"

enum gf_session_call_kind {
    GF_SESSION_CALL_ATTACH = 1,
    GF_SESSION_CALL_EXEC,
    GF_SESSION_CALL_TERMINAL,
};

/* One piece of output on its way. */
struct gf_session_output {
    struct gf_list_link link;
    enum gf_log_stream stream;
    size_t size;
    uint8_t bytes[];
};

struct gf_session_call {
    struct gf_stream stream;
    enum gf_session_call_kind kind;

    /* Of a bidi stream: the message that is being looked at; reading is paused meanwhile. */
    const ProtobufCMessage *message;
    _Atomic bool has_message;
    _Atomic bool requests_ended;

    /* What it is about, once `session` is there. In the call's arena. */
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t run_id;
    struct gf_str task_id;
    int32_t attempt;
    bool is_attach;
    struct gf_str command; /* as it is shown; empty for an attach */

    struct gf_session *session; /* used by steps alone */
    bool counted;               /* among those of the server */
    bool told_started;
    bool closed_input;
    bool paused;
    bool over; /* the last message was made */
    int64_t start_mono_ns;
    struct gf_session_output *sending; /* that a refused message borrows from */

    /* What the session has told. */
    struct gf_mutex mutex;
    struct gf_list outputs;
    size_t output_bytes;
    bool overflowed;
    bool started;
    struct gf_session_start start;
    bool ended;
    struct gf_session_end end;

    /* Of a terminal: see terminal.c. Under the mutex of the services. */
    char terminal_id[GF_UUID_BYTES];
    struct gf_list_link terminal_link;
    struct gf_list inputs;
    int64_t accepted_sequence; /* used by steps alone */
};

/* ---- Handlers. Thread: rpc. ---- */

void gf_session_attach_start(struct gf_rpc_call *call, void *ctx);
void gf_session_attach_message(struct gf_rpc_call *call,
                               const Gofer__V1__AttachTaskExecutionRequest *request, void *ctx);
void gf_session_exec_start(struct gf_rpc_call *call, void *ctx);
void gf_session_exec_message(struct gf_rpc_call *call,
                             const Gofer__V1__ExecTaskExecutionRequest *request, void *ctx);
void gf_terminal_open_start(struct gf_rpc_call *call, const Gofer__V1__OpenTerminalRequest *request,
                            void *ctx);
void gf_terminal_input_start(struct gf_rpc_call *call,
                             const Gofer__V1__SendTerminalInputRequest *request, void *ctx);

/* ---- Between the files. Thread: a step of the stream. ---- */

/* Starts the stream. Thread: rpc. */
struct gf_session_call *gf_session_call__create(struct gf_rpc_call *call, void *ctx,
                                                enum gf_session_call_kind kind);

/*
 * Checks what is asked for and opens the session; `events` are those of the session. `field` is
 * where the request has it, "start". Codes: those of the three methods.
 */
enum gf_code gf_session_call__attach(struct gf_session_call *self,
                                     const Gofer__V1__AttachStart *start, const char *field,
                                     const struct gf_session_events *events,
                                     struct gf_error *err) GF_MUST_USE;
enum gf_code gf_session_call__exec(struct gf_session_call *self, const Gofer__V1__ExecStart *start,
                                   const char *field, const struct gf_session_events *events,
                                   struct gf_error *err) GF_MUST_USE;
/* The error of one who asks where it is switched off. */
enum gf_code gf_session_call__fail_disabled(struct gf_error *err);

/*
 * Does what the user wants. Codes: GF_INVALID_ARGUMENT; GF_RESOURCE_EXHAUSTED: not now, and the
 * stream is kicked when there is room.
 */
enum gf_code gf_session_call__input(struct gf_session_call *self,
                                    const Gofer__V1__TerminalInput *input,
                                    struct gf_error *err) GF_MUST_USE;
enum gf_code gf_session_call__read_size(const Gofer__V1__TerminalSize *message, const char *field,
                                        struct gf_terminal_size *out,
                                        struct gf_error *err) GF_MUST_USE;

/* Responses, in the stream's arena. The bytes of an output are borrowed. */
const ProtobufCMessage *gf_session_call__started_message(struct gf_session_call *self);
const ProtobufCMessage *gf_session_call__output_message(struct gf_session_call *self,
                                                        const struct gf_session_output *output);
const ProtobufCMessage *gf_session_call__exit_message(struct gf_session_call *self);

/* Says who is where: once the program is connected, and when that is over. */
void gf_session_call__audit_open(struct gf_session_call *self);
void gf_session_call__audit_close(struct gf_session_call *self);

/* Makes a terminal known, takes the inputs that wait, and ends both. */
void gf_terminal__add(struct gf_session_call *self);
void gf_terminal__take_inputs(struct gf_session_call *self);
void gf_terminal__remove(struct gf_session_call *self);

#endif /* GOFER_API_SERVICE_SESSION_CALL_H_ */
