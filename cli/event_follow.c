#include "cli/event_follow.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/sync.h"
#include "cli/call.h"
#include "cli/interrupt.h"
#include "cli/ui/event.h"
#include "cli/ui/message.h"
#include "cli/watch.h"
#include "gofer/v1/event.gofer.h"

#include <time.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
    RESUME_TOKEN_BYTES_MAX = 4096,
};

struct follow {
    struct gf_cli *cli;
    const struct gf_event_follow_options *options;
    struct gf_client *client;
    struct gf_interrupt *interrupt;
    struct gf_mutex mutex;        /* guards stream, which the thread of Ctrl-C cancels */
    struct gf_rpc_stream *stream; /* NULL = none is open */
    struct gf_strbuf resume_token;
    int64_t printed;
    bool got_message; /* since the stream was opened */
    bool was_there;   /* some stream brought a message */
};

static void cancel_stream(void *ctx) {
    struct follow *follow = ctx;
    GF_MUTEX_GUARD(&follow->mutex);
    if (follow->stream != NULL) {
        gf_rpc_stream_cancel(follow->stream);
    }
}

static void set_stream(struct follow *follow, struct gf_rpc_stream *stream) {
    GF_MUTEX_GUARD(&follow->mutex);
    follow->stream = stream;
}

/* Enough events came, or nobody reads on. */
static bool is_done(const struct follow *follow) {
    return ferror(follow->cli->out) != 0 ||
           (follow->options->limit > 0 && follow->printed >= follow->options->limit);
}

static void print(struct follow *follow, struct gf_cli *cli,
                  const Gofer__V1__FollowEventsResponse *response) {
    const bool is_json = cli->output == GF_OUTPUT_JSON || cli->output == GF_OUTPUT_JSONL;
    if (follow->options->with_tokens && is_json) {
        (void)gf_print_message_line(cli, &response->base);
        (void)fflush(cli->out);
    } else {
        (void)gf_print_event(cli, response->event);
    }
}

/* Receives until the stream ends, or enough events came. What a row needs is freed with it. */
static enum gf_code receive_all(struct follow *follow, struct gf_rpc_stream *stream,
                                struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    struct gf_cli row_cli = *follow->cli;
    row_cli.arena = &arena;
    enum gf_code rc = GF_OK;
    while (!is_done(follow)) {
        Gofer__V1__FollowEventsResponse *response = NULL;
        rc = gofer_v1_event_service_follow_events_stream_recv(stream, -1, &arena, &response, err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        follow->got_message = true;
        gf_strbuf_reset(&follow->resume_token);
        gf_strbuf_append_cstr(&follow->resume_token, response->resume_token);
        if (response->event != NULL) {
            print(follow, &row_cli, response);
            follow->printed++;
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code follow_once(struct follow *follow, struct gf_error *err) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    request.filter = follow->options->filter;
    request.include_history = follow->options->include_history;
    if (follow->resume_token.len > 0) {
        request.resume_token = follow->resume_token.ptr;
    }
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    enum gf_code rc = gofer_v1_event_service_follow_events_stream_open(
        gf_client_channel(follow->client), NULL, &request, &stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    set_stream(follow, stream);
    rc = gf_interrupt_seen(follow->interrupt) ? gf_fail(err, GF_CANCELLED, "interrupted")
                                              : receive_all(follow, stream, err);
    set_stream(follow, NULL);
    return rc;
}

/* Follows and, while the server is away, tries again; a server that never answered is not waited
 * for. */
static enum gf_code follow_on(struct follow *follow, struct gf_error *err) {
    int tries = 0;
    for (;;) {
        follow->got_message = false;
        enum gf_code rc = follow_once(follow, err);
        if (is_done(follow)) {
            return GF_OK;
        }
        tries = follow->got_message ? 0 : tries + 1;
        follow->was_there = follow->was_there || follow->got_message;
        bool was_there = follow->was_there;
        if (rc != GF_UNAVAILABLE || !was_there || tries > GF_WATCH_RECONNECTS_MAX ||
            gf_interrupt_seen(follow->interrupt)) {
            return rc;
        }
        struct timespec pause = {.tv_nsec = GF_WATCH_RECONNECT_PAUSE_MS * GF_NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
}

enum gf_exit_code gf_follow_events(struct gf_cli *cli,
                                   const struct gf_event_follow_options *options) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    struct follow follow = {.cli = cli, .options = options, .client = client};
    gf_mutex_init(&follow.mutex, GF_RANK_CLI);
    gf_strbuf_init(&follow.resume_token, RESUME_TOKEN_BYTES_MAX);
    gf_strbuf_append_cstr(&follow.resume_token,
                          options->resume_token == NULL ? "" : options->resume_token);
    follow.interrupt = gf_interrupt_start(cancel_stream, &follow);
    struct gf_error err = {0};
    enum gf_code rc = follow_on(&follow, &err);
    if (gf_interrupt_seen(follow.interrupt)) {
        code = GF_EXIT_INTERRUPTED;
    } else if (rc != GF_OK) {
        code = gf_cli_fail_call(cli, &err);
    }
    if (options->with_tokens && cli->output == GF_OUTPUT_TABLE && follow.resume_token.len > 0) {
        gf_cli_hint(cli, "to go on behind this: --resume %s", follow.resume_token.ptr);
    }
    gf_interrupt_stop(follow.interrupt);
    gf_mutex_fini(&follow.mutex);
    gf_strbuf_fini(&follow.resume_token);
    return code;
}
