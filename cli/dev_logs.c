/*
 * DESIGN. A stream of the log, opened again from its last place whenever it breaks. At the start
 * and at the end the log is read without waiting, so that nothing is shown of before, and nothing
 * is missed that the extension said on its way out.
 */
#include "cli/dev_logs.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"
#include "cli/call.h"
#include "cli/ui/message.h"
#include "gofer/v1/extension.gofer.h"

#include <string.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
    RESUME_TOKEN_BYTES_MAX = 4096,
    PAUSE_MS = 500,     /* before the next stream */
    CALL_MS = 5 * 1000, /* of what does not wait for more */
};

#define C_LIBRARY "gofer-c/"

struct gf_dev_logs {
    struct gf_cli *cli;
    const char *extension_id;
    struct gf_rpc_channel *channel;
    pthread_t thread;
    struct gf_strbuf resume_token; /* of one thread at a time */
    struct gf_mutex mutex;
    struct gf_cond changed;
    bool stopping;
    struct gf_rpc_stream *stream; /* NULL: none is open */
};

/* Whether the extension prints its entries itself. */
static bool prints_itself(struct gf_dev_logs *logs, struct gf_arena *arena) {
    Gofer__V1__GetExtensionRequest request = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    Gofer__V1__GetExtensionResponse *response = NULL;
    const struct gf_rpc_call_opts opts = {.timeout_ms = CALL_MS};
    struct gf_error err = {0};
    request.extension_id = gf_request_text(logs->extension_id);
    return gofer_v1_extension_service_get_extension(logs->channel, &opts, &request, arena,
                                                    &response, &err) == GF_OK &&
           response->extension != NULL &&
           strncmp(response->extension->sdk_version, C_LIBRARY, strlen(C_LIBRARY)) == 0;
}

/* An entry is a level and, where it is gofer's, " gofer: ". */
static bool is_gofers(struct gf_str line) {
    struct gf_str level;
    struct gf_str rest;
    return gf_str_cut(line, ' ', &level, &rest) && gf_str_has_prefix(rest, GF_STR("gofer: "));
}

static void show_entries(struct gf_dev_logs *logs, struct gf_str content, bool gofers_alone) {
    bool shown = false;
    while (content.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(content, '\n', &line, &content);
        const bool goes_on = line.len > 0 && line.ptr[0] == ' ';
        shown = goes_on ? shown : !gofers_alone || is_gofers(line);
        if (shown) {
            (void)fprintf(logs->cli->err, "%s > %" GF_STR_FMT "\n", logs->extension_id,
                          GF_STR_ARG(line));
        }
    }
}

static void show(struct gf_dev_logs *logs, const Gofer__V1__FollowExtensionLogsResponse *response,
                 struct gf_arena *arena) {
    const bool gofers_alone = response->n_chunks > 0 && prints_itself(logs, arena);
    for (size_t i = 0; i < response->n_chunks; i++) {
        const Gofer__V1__LogChunk *chunk = response->chunks[i];
        if (chunk->stream == GOFER__V1__LOG_STREAM__LOG_STREAM_SYSTEM) {
            show_entries(logs,
                         (struct gf_str){(const char *)chunk->content.data, chunk->content.len},
                         gofers_alone);
        }
    }
    (void)fflush(logs->cli->err);
}

/* Publishes the stream; false when the end is wanted already. NULL takes it back. */
static bool set_stream(struct gf_dev_logs *logs, struct gf_rpc_stream *stream) {
    GF_MUTEX_GUARD(&logs->mutex);
    logs->stream = stream;
    return !logs->stopping;
}

/* Receives to the end of the stream. */
static enum gf_code receive(struct gf_dev_logs *logs, struct gf_rpc_stream *stream, bool visible,
                            struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    for (;;) {
        Gofer__V1__FollowExtensionLogsResponse *response = NULL;
        rc = gofer_v1_extension_service_follow_extension_logs_stream_recv(stream, -1, &arena,
                                                                          &response, err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        gf_strbuf_reset(&logs->resume_token);
        gf_strbuf_append_cstr(&logs->resume_token, response->resume_token);
        if (visible) {
            show(logs, response, &arena);
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code open_stream(struct gf_dev_logs *logs, bool wait,
                                struct gf_rpc_stream **out_stream, struct gf_error *err) {
    Gofer__V1__FollowExtensionLogsRequest request = GOFER__V1__FOLLOW_EXTENSION_LOGS_REQUEST__INIT;
    const struct gf_rpc_call_opts opts = {.timeout_ms = wait ? 0 : CALL_MS};
    request.extension_id = gf_request_text(logs->extension_id);
    request.resume_token =
        logs->resume_token.len == 0 ? request.resume_token : logs->resume_token.ptr;
    request.no_wait = !wait;
    return gofer_v1_extension_service_follow_extension_logs_stream_open(logs->channel, &opts,
                                                                        &request, out_stream, err);
}

/* What is there now. */
static enum gf_code read_now(struct gf_dev_logs *logs, bool visible) {
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    struct gf_error err = {0};
    const enum gf_code rc = open_stream(logs, false, &stream, &err);
    return rc == GF_OK ? receive(logs, stream, visible, &err) : rc;
}

static enum gf_code follow(struct gf_dev_logs *logs) {
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    struct gf_error err = {0};
    enum gf_code rc = open_stream(logs, true, &stream, &err);
    if (rc != GF_OK) {
        return rc;
    }
    rc = set_stream(logs, stream) ? receive(logs, stream, true, &err) : GF_CANCELLED;
    (void)set_stream(logs, NULL);
    return rc;
}

static void *run(void *ctx) {
    struct gf_dev_logs *logs = ctx;
    for (;;) {
        const enum gf_code rc = follow(logs);
        GF_MUTEX_GUARD(&logs->mutex);
        const int64_t next = gf_deadline_after_ms(gf_mono_ns(), PAUSE_MS);
        while (!logs->stopping && rc == GF_UNAVAILABLE &&
               gf_cond_wait_until(&logs->changed, &logs->mutex, next)) {
        }
        if (logs->stopping || rc != GF_UNAVAILABLE) {
            return NULL;
        }
    }
}

static void destroy(struct gf_dev_logs *logs) {
    gf_strbuf_fini(&logs->resume_token);
    gf_cond_fini(&logs->changed);
    gf_mutex_fini(&logs->mutex);
    free(logs);
}

struct gf_dev_logs *gf_dev_logs_start(struct gf_cli *cli, const char *extension_id) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return NULL;
    }
    struct gf_dev_logs *logs = GF_NEW(struct gf_dev_logs);
    logs->cli = cli;
    logs->extension_id = extension_id;
    logs->channel = gf_client_channel(client);
    gf_strbuf_init(&logs->resume_token, RESUME_TOKEN_BYTES_MAX);
    gf_mutex_init(&logs->mutex, GF_RANK_CLI);
    gf_cond_init(&logs->changed);
    if (read_now(logs, false) != GF_OK) {
        destroy(logs);
        return NULL;
    }
    gf_thread_start(&logs->thread, "dev-logs", run, logs);
    return logs;
}

void gf_dev_logs_stop(struct gf_dev_logs *logs) {
    if (logs == NULL) {
        return;
    }
    {
        GF_MUTEX_GUARD(&logs->mutex);
        logs->stopping = true;
        if (logs->stream != NULL) {
            gf_rpc_stream_cancel(logs->stream);
        }
        gf_cond_broadcast(&logs->changed);
    }
    gf_thread_join(logs->thread);
    (void)read_now(logs, true);
    destroy(logs);
}
