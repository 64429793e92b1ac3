#include "cli/logs.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/watch.h"
#include "gofer/v1/task_execution.gofer.h"

#include <time.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
    RESUME_TOKEN_BYTES_MAX = 4096,
};

/* How far the reading is. */
struct reading {
    const struct gf_log_request *request;
    struct gf_strbuf resume_token; /* the newest one */
    int32_t attempt;               /* which a token is of; 0 = whichever is the latest */
    bool progress;                 /* the stream brought a message */
    struct gf_log_end end;
};

/* Receives until the stream ends. */
static enum gf_code receive_all(struct reading *reading, struct gf_rpc_stream *stream,
                                struct gf_error *err) {
    const struct gf_log_request *request = reading->request;
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    for (;;) {
        Gofer__V1__FollowTaskExecutionLogsResponse *response = NULL;
        rc = gofer_v1_task_execution_service_follow_task_execution_logs_stream_recv(
            stream, -1, &arena, &response, err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        for (size_t i = 0; i < response->n_chunks; i++) {
            request->chunk(request->ctx, response->chunks[i]);
        }
        reading->progress = true;
        reading->attempt = response->attempt;
        gf_strbuf_reset(&reading->resume_token);
        gf_strbuf_append_cstr(&reading->resume_token, response->resume_token);
        if (response->end != NULL) {
            reading->end.kind = response->end->kind;
            snprintf(reading->end.description, sizeof(reading->end.description), "%s",
                     response->end->description);
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code read_once(struct reading *reading, struct gf_error *err) {
    const struct gf_log_request *request = reading->request;
    Gofer__V1__FollowTaskExecutionLogsRequest message =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    message.namespace_id = (char *)(uintptr_t)request->namespace_id;
    message.pipeline_id = (char *)(uintptr_t)request->pipeline_id;
    message.run_id = request->run_id;
    message.task_id = (char *)(uintptr_t)request->task_id;
    message.attempt = reading->attempt;
    message.no_wait = !request->follow;
    if (reading->resume_token.len > 0) {
        message.resume_token = reading->resume_token.ptr;
    } else {
        message.tail_bytes = request->tail_bytes;
    }
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    enum gf_code rc = gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
        gf_client_channel(request->client), NULL, &message, &stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (request->stream_opened != NULL) {
        request->stream_opened(request->ctx, stream);
    }
    rc = receive_all(reading, stream, err);
    if (request->stream_opened != NULL) {
        request->stream_opened(request->ctx, NULL);
    }
    return rc;
}

enum gf_code gf_log_read(const struct gf_log_request *request, struct gf_log_end *out_end,
                         struct gf_error *err) {
    struct reading reading = {.request = request, .attempt = request->attempt};
    gf_strbuf_init(&reading.resume_token, RESUME_TOKEN_BYTES_MAX);
    bool was_there = request->was_there;
    int tries = 0;
    enum gf_code rc = GF_OK;
    for (;;) {
        reading.progress = false;
        rc = read_once(&reading, err);
        was_there = was_there || reading.progress;
        tries = reading.progress ? 0 : tries + 1;
        bool wanted = request->goes_on == NULL || request->goes_on(request->ctx);
        if (rc != GF_UNAVAILABLE || !was_there || !wanted || tries > GF_WATCH_RECONNECTS_MAX) {
            break;
        }
        struct timespec pause = {.tv_nsec = GF_WATCH_RECONNECT_PAUSE_MS * GF_NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
    *out_end = reading.end;
    gf_strbuf_fini(&reading.resume_token);
    return rc;
}
