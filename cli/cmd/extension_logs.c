#include "base/clock.h"
#include "base/sync.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/interrupt.h"
#include "cli/ui/message.h"
#include "cli/watch.h"
#include "gofer/v1/extension.gofer.h"

#include <time.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
    RESUME_TOKEN_BYTES_MAX = 4096,
};

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension"},
};

static const struct gf_option options[] = {
    {.name = "follow",
     .letter = 'f',
     .kind = GF_OPTION_FLAG,
     .help = "go on with what comes, until Ctrl-C"},
    {.name = "resume",
     .kind = GF_OPTION_TEXT,
     .value_name = "TOKEN",
     .help = "begin behind this place, which -o json tells (default: the oldest that is kept)"},
};

struct reading {
    struct gf_cli *cli;
    const char *extension_id;
    bool follow;
    struct gf_client *client;
    struct gf_interrupt *interrupt;
    struct gf_mutex mutex;        /* guards stream, which the thread of Ctrl-C cancels */
    struct gf_rpc_stream *stream; /* NULL = none is open */
    struct gf_strbuf resume_token;
    bool got_message; /* since the stream was opened */
    bool was_there;
};

static void cancel_stream(void *ctx) {
    struct reading *reading = ctx;
    GF_MUTEX_GUARD(&reading->mutex);
    if (reading->stream != NULL) {
        gf_rpc_stream_cancel(reading->stream);
    }
}

static void set_stream(struct reading *reading, struct gf_rpc_stream *stream) {
    GF_MUTEX_GUARD(&reading->mutex);
    reading->stream = stream;
}

/* What the program wrote to its standard error goes to ours; all else to standard output. */
static void print_chunk(struct gf_cli *cli, const Gofer__V1__LogChunk *chunk) {
    FILE *to = chunk->stream == GOFER__V1__LOG_STREAM__LOG_STREAM_STDERR ? cli->err : cli->out;
    if (chunk->dropped_bytes > 0) {
        gf_cli_note(cli, "%lld bytes are missing here", (long long)chunk->dropped_bytes);
    }
    if (chunk->content.len > 0) {
        (void)fwrite(chunk->content.data, 1, chunk->content.len, to);
        (void)fflush(to);
    }
}

static void print_response(struct gf_cli *cli,
                           const Gofer__V1__FollowExtensionLogsResponse *response) {
    if (response->n_chunks == 0) {
        return;
    }
    if (cli->output == GF_OUTPUT_JSON || cli->output == GF_OUTPUT_JSONL) {
        (void)gf_print_message_line(cli, &response->base);
        (void)fflush(cli->out);
        return;
    }
    for (size_t i = 0; i < response->n_chunks; i++) {
        print_chunk(cli, response->chunks[i]);
    }
}

static enum gf_code receive_all(struct reading *reading, struct gf_rpc_stream *stream,
                                struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    while (ferror(reading->cli->out) == 0) {
        Gofer__V1__FollowExtensionLogsResponse *response = NULL;
        rc = gofer_v1_extension_service_follow_extension_logs_stream_recv(stream, -1, &arena,
                                                                          &response, err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        reading->got_message = true;
        reading->was_there = true;
        print_response(reading->cli, response);
        gf_strbuf_reset(&reading->resume_token);
        gf_strbuf_append_cstr(&reading->resume_token, response->resume_token);
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code read_once(struct reading *reading, struct gf_error *err) {
    Gofer__V1__FollowExtensionLogsRequest request = GOFER__V1__FOLLOW_EXTENSION_LOGS_REQUEST__INIT;
    request.extension_id = gf_request_text(reading->extension_id);
    request.resume_token =
        reading->resume_token.len == 0 ? request.resume_token : reading->resume_token.ptr;
    request.no_wait = !reading->follow;
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    enum gf_code rc = gofer_v1_extension_service_follow_extension_logs_stream_open(
        gf_client_channel(reading->client), NULL, &request, &stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    set_stream(reading, stream);
    rc = gf_interrupt_seen(reading->interrupt) ? gf_fail(err, GF_CANCELLED, "interrupted")
                                               : receive_all(reading, stream, err);
    set_stream(reading, NULL);
    return rc;
}

/* Reads and, while the server is away, tries again. */
static enum gf_code read_on(struct reading *reading, struct gf_error *err) {
    int tries = 0;
    for (;;) {
        reading->got_message = false;
        const enum gf_code rc = read_once(reading, err);
        if (gf_interrupt_seen(reading->interrupt) || ferror(reading->cli->out) != 0) {
            return GF_OK;
        }
        tries = reading->got_message ? 0 : tries + 1;
        if (rc != GF_UNAVAILABLE || !reading->was_there || tries > GF_WATCH_RECONNECTS_MAX) {
            return rc;
        }
        const struct timespec pause = {.tv_nsec = GF_WATCH_RECONNECT_PAUSE_MS * GF_NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    enum gf_exit_code code = GF_EXIT_OK;
    const char *resume = gf_parsed_text(parsed, "resume");
    struct reading reading = {
        .cli = cli,
        .extension_id = parsed->arguments[0],
        .follow = gf_parsed_flag(parsed, "follow"),
        .client = gf_cli_connect(cli, &code),
    };
    if (reading.client == NULL) {
        return code;
    }
    struct gf_error err = {0};
    gf_mutex_init(&reading.mutex, GF_RANK_CLI);
    gf_strbuf_init(&reading.resume_token, RESUME_TOKEN_BYTES_MAX);
    gf_strbuf_append_cstr(&reading.resume_token, resume == NULL ? "" : resume);
    reading.interrupt = gf_interrupt_start(cancel_stream, &reading);
    const enum gf_code rc = read_on(&reading, &err);
    if (gf_interrupt_seen(reading.interrupt)) {
        code = GF_EXIT_INTERRUPTED;
    } else if (rc != GF_OK) {
        code = gf_cli_fail_call(cli, &err);
    }
    gf_interrupt_stop(reading.interrupt);
    gf_strbuf_fini(&reading.resume_token);
    gf_mutex_fini(&reading.mutex);
    return code;
}

const struct gf_command gf_cmd_extension_logs = {
    .noun = "extension",
    .verb = "logs",
    .summary = "print what an extension writes and reports, oldest first",
    .description =
        "The lines that it sends, what gofer has to say about it, and the output of its "
        "containers, by time. Old output makes room for new. With -o json or jsonl: one object "
        "for some pieces, with their times and streams and the place to go on with --resume.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension logs cron\ngofer extension logs cron --follow",
    .run = run,
};
