/*
 * Sessions: ways into the container of an attempt. One attaches to the program that it runs,
 * another runs a program beside it, or in the kept root of an attempt that has failed.
 *
 * A session is opened by gf_scheduler_ops.open_session, which answers at once; all that comes of it
 * is reported by events: `started` at most once and first, then `output`, and `ended` exactly once
 * and last, whatever happened, also where opening failed. After `ended`, or after close() has
 * returned, no event is called. The session itself lives until close(), so that whoever ends it
 * need not know whether it has just ended by itself.
 *
 * Threads: events come on one thread of the back end, one at a time, and must not block. The ops
 * are for any thread, one at a time for one session, also from within an event.
 */
#ifndef GOFER_ENGINE_SCHEDULER_SESSION_H_
#define GOFER_ENGINE_SCHEDULER_SESSION_H_

#include "base/error.h"
#include "base/logframe.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/core.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* One piece of input or output. */
    GF_SESSION_CHUNK_BYTES_MAX = 64 << 10,
    /* Input that a program has not read yet; more is refused until it has. */
    GF_SESSION_INPUT_BYTES_MAX = 256 << 10,
    /* Output that has not been taken (see `pause`) of an attached session; who is behind by more
     * is cut off. The program of an attach never waits for who looks on; that of an exec does. */
    GF_SESSION_BEHIND_BYTES_MAX = 8 << 20,
    GF_SESSION_TERMINAL_CELLS_MAX = 10000, /* columns, and rows */
    GF_SESSIONS_PER_CONTAINER_MAX = 16,
};

enum gf_session_kind {
    GF_SESSION_ATTACH = 1,
    GF_SESSION_EXEC,
    GF_SESSION_EXEC_KEPT, /* in the kept root of an attempt that has ended */
};

/* Columns and rows of a terminal; both 0 = there is none. */
struct gf_terminal_size {
    int32_t columns;
    int32_t rows;
};

/* Borrowed for the call. */
struct gf_session_request {
    enum gf_session_kind kind;
    struct gf_attempt attempt;
    struct gf_terminal_size terminal;
    /* Of an exec; for an attach all is empty. */
    const struct gf_str *command; /* the program and its arguments, at least one */
    size_t command_count;
    /*
     * "KEY=value". GF_SESSION_EXEC: besides those that the program of the task has.
     * GF_SESSION_EXEC_KEPT: besides those of the image; whoever asks puts the task's here, those
     * with secrets left out.
     */
    const struct gf_str *environment;
    size_t environment_count;
    struct gf_str user;              /* empty = the task's */
    struct gf_str working_directory; /* likewise */
    /* GF_SESSION_EXEC_KEPT: what the attempt was made of. NULL otherwise. */
    const struct gf_task *task;
    struct gf_str image_digest;
};

struct gf_session_start {
    bool terminal;
    bool accepts_input;
};

/* How a session ends. */
struct gf_session_end {
    /*
     * GF_OK: the program has ended, or the attached one has, as `exit` says. Otherwise why there
     * is no session (any more): GF_NOT_FOUND and GF_FAILED_PRECONDITION (no such container, none
     * that runs, no kept root), GF_INVALID_ARGUMENT (the program cannot be started: not found, no
     * such user), GF_RESOURCE_EXHAUSTED (too many sessions, too far behind), GF_UNAVAILABLE (the
     * back end is being stopped), GF_UNIMPLEMENTED.
     */
    struct gf_error error;
    int32_t exit_code;
    int32_t exit_signal;
    bool out_of_memory;
};

struct gf_session_events {
    void *ctx;
    void (*started)(void *ctx, const struct gf_session_start *start);
    /* At most GF_SESSION_CHUNK_BYTES_MAX; secrets are masked. Borrowed for the call. */
    void (*output)(void *ctx, enum gf_log_stream stream, struct gf_str bytes);
    /* Input was refused and now there is room again. Once per refusal. */
    void (*writable)(void *ctx);
    void (*ended)(void *ctx, const struct gf_session_end *end);
};

struct gf_session;

/* What can be done with an open session. All but close() do nothing after `ended`. */
struct gf_session_ops {
    /* At most GF_SESSION_CHUNK_BYTES_MAX. Code: GF_RESOURCE_EXHAUSTED: nothing was taken, and
     * `writable` follows. A program that takes no input: what is given is dropped. */
    enum gf_code (*input)(struct gf_session *session, struct gf_str bytes, struct gf_error *err);
    void (*close_input)(struct gf_session *session);
    void (*resize)(struct gf_session *session, struct gf_terminal_size size);
    void (*signal)(struct gf_session *session, int number); /* 1 to 64 */
    /* Whether output is to come. What was on its way may still come after a pause. */
    void (*pause)(struct gf_session *session, bool paused);
    /*
     * Ends it and frees it: the program of an exec is killed with all that it has started in the
     * session; an attached one goes on. `ended` is not called any more. Must be called exactly once
     * for every session, also after `ended` and from within it; waits for an event under way on
     * another thread.
     */
    void (*close)(struct gf_session *session);
};

#endif /* GOFER_ENGINE_SCHEDULER_SESSION_H_ */
