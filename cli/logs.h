/*
 * Reading the log of one task from the server, through its restarts.
 *
 * Thread: any, one log a thread.
 */
#ifndef GOFER_CLI_LOGS_H_
#define GOFER_CLI_LOGS_H_

#include "clients/c/client.h"
#include "gofer/v1/task_execution.pb-c.h"

struct gf_log_request {
    struct gf_client *client;
    const char *namespace_id;
    const char *pipeline_id;
    int64_t run_id;
    const char *task_id;
    int32_t attempt;    /* 0 = the latest one */
    int64_t tail_bytes; /* begin this far before the end of what is there; 0 = at the start */
    bool follow;        /* until the end of the attempt; else what is there now */
    /* Every chunk, in order, once. Borrowed for the call. */
    void (*chunk)(void *ctx, const Gofer__V1__LogChunk *chunk);
    bool was_there; /* the server was reached before: one that is away is waited for at once */
    /* Asked before each new try; false ends the waiting. NULL = go on. */
    bool (*goes_on)(void *ctx);
    /* The open stream, for whoever cancels; NULL when there is none. May be NULL itself. */
    void (*stream_opened)(void *ctx, struct gf_rpc_stream *stream);
    void *ctx;
};

enum {
    GF_LOG_END_BYTES_MAX = 1024, /* of a description, with its final NUL */
};

/* How a log ended: UNSPECIFIED where that was not told. */
struct gf_log_end {
    Gofer__V1__LogEndKind kind;
    char description[GF_LOG_END_BYTES_MAX]; /* for people; cut if longer */
};

/*
 * Reads the log to its end. *out_end is how it ended. Codes: those of the call; a server that goes
 * away is waited for, up to GF_WATCH_RECONNECTS_MAX times.
 */
enum gf_code gf_log_read(const struct gf_log_request *request, struct gf_log_end *out_end,
                         struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLI_LOGS_H_ */
