/*
 * DESIGN. The stream gives a resume token with each message; when the server goes away, the next
 * stream goes on from the last one. Each message is decoded into an arena of its own, so that a
 * long run does not fill the memory; what outlives it is copied.
 */
#include "cli/watch.h"

#include "api/codec/wire/wire.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/sync.h"
#include "base/time.h"
#include "cli/call.h"
#include "cli/interrupt.h"
#include "cli/ui/message.h"
#include "gofer/v1/run.gofer.h"

#include <string.h>
#include <time.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 64 << 20,
    PROGRESS_EVERY_MS = 1000, /* also how long nothing is shown at first */
};

struct watch {
    struct gf_cli *cli;
    const struct gf_watch_options *options;
    struct gf_client *client;
    struct gf_interrupt *interrupt;
    struct gf_mutex mutex; /* guards stream, which the thread that waits for Ctrl-C cancels */
    struct gf_rpc_stream *stream; /* NULL = none is open */
    struct gf_strbuf resume_token;
    struct gf_strbuf last_run; /* the run of the last message, encoded */
    int64_t deadline_mono_ns;
    bool got_message;       /* since the stream was opened */
    bool was_there;         /* some stream brought a message */
    int64_t start_mono_ns;  /* when the watching began */
    const char *state;      /* the run's, for the line of progress */
    bool progress_is_shown; /* on cli->err, to be cleared */
};

static void cancel_stream(void *ctx) {
    struct watch *watch = ctx;
    GF_MUTEX_GUARD(&watch->mutex);
    if (watch->stream != NULL) {
        gf_rpc_stream_cancel(watch->stream);
    }
}

static void set_stream(struct watch *watch, struct gf_rpc_stream *stream) {
    GF_MUTEX_GUARD(&watch->mutex);
    watch->stream = stream;
}

/* One line for people who wait, in the place of the one before. */
static void show_progress(struct watch *watch) {
    char elapsed[GF_DURATION_BYTES_MAX];
    int64_t elapsed_ns = gf_mono_ns() - watch->start_mono_ns;
    fprintf(watch->cli->err, "\r\033[Krun %s/%lld %s, %s", watch->options->pipeline_id,
            (long long)watch->options->run_id, watch->state,
            gf_duration_format(elapsed_ns / GF_NS_PER_SEC * GF_NS_PER_SEC, elapsed));
    (void)fflush(watch->cli->err);
    watch->progress_is_shown = true;
}

static void clear_progress(struct watch *watch) {
    if (watch->progress_is_shown) {
        fprintf(watch->cli->err, "\r\033[K");
        (void)fflush(watch->cli->err);
        watch->progress_is_shown = false;
    }
}

/* Only those who see nothing else need it. */
static bool wants_progress(const struct watch *watch) {
    return watch->cli->err_is_terminal && !watch->cli->quiet && watch->options->changed == NULL;
}

static void keep_update(struct watch *watch, const Gofer__V1__WatchRunResponse *update) {
    gf_strbuf_reset(&watch->resume_token);
    gf_strbuf_append_cstr(&watch->resume_token, update->resume_token);
    uint8_t *bytes = gf_malloc(gf_wire_encoded_size(&update->run->base) + 1);
    size_t size = gf_wire_encode(&update->run->base, bytes);
    gf_strbuf_reset(&watch->last_run);
    gf_strbuf_append_bytes(&watch->last_run, bytes, size);
    free(bytes);
    watch->got_message = true;
    watch->was_there = true;
    watch->state =
        gf_show_enum(watch->cli, &gofer__v1__run_state__descriptor, (int)update->run->state);
    if (watch->options->changed != NULL) {
        watch->options->changed(watch->options->ctx, update);
    }
}

/* Receives until the stream ends. */
static enum gf_code receive_all(struct watch *watch, struct gf_rpc_stream *stream,
                                struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    int64_t timeout_ms = wants_progress(watch) ? PROGRESS_EVERY_MS : -1;
    enum gf_code rc = GF_OK;
    for (;;) {
        Gofer__V1__WatchRunResponse *update = NULL;
        rc = gofer_v1_run_service_watch_run_stream_recv(stream, timeout_ms, &arena, &update, err);
        if (rc == GF_DEADLINE_EXCEEDED && strcmp(err->reason, GF_RPC_REASON_RECV_TIMEOUT) == 0) {
            show_progress(watch);
            continue;
        }
        if (rc != GF_OK || update == NULL) {
            break;
        }
        if (update->run != NULL) {
            keep_update(watch, update);
        }
        gf_arena_reset(&arena);
    }
    clear_progress(watch);
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code follow_once(struct watch *watch, struct gf_error *err) {
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)watch->cli->namespace_id;
    request.pipeline_id = (char *)(uintptr_t)watch->options->pipeline_id;
    request.run_id = watch->options->run_id;
    request.resume_token =
        watch->resume_token.len == 0 ? request.resume_token : watch->resume_token.ptr;
    struct gf_rpc_call_opts opts = {0};
    if (watch->deadline_mono_ns != GF_NEVER) {
        int64_t left_ms = (watch->deadline_mono_ns - gf_mono_ns()) / GF_NS_PER_MS;
        opts.timeout_ms = left_ms < 1 ? 1 : left_ms;
    }
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    enum gf_code rc = gofer_v1_run_service_watch_run_stream_open(gf_client_channel(watch->client),
                                                                 &opts, &request, &stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    set_stream(watch, stream);
    rc = gf_interrupt_seen(watch->interrupt) ? gf_fail(err, GF_CANCELLED, "interrupted")
                                             : receive_all(watch, stream, err);
    set_stream(watch, NULL);
    return rc;
}

static void pause_ms(int64_t duration_ms) {
    struct timespec pause = {.tv_sec = duration_ms / 1000,
                             .tv_nsec = duration_ms % 1000 * GF_NS_PER_MS};
    (void)nanosleep(&pause, NULL);
}

/* Follows and, while the server is away, tries again. */
static enum gf_code follow_to_end(struct watch *watch, struct gf_error *err) {
    int tries = 0;
    for (;;) {
        watch->got_message = false;
        enum gf_code rc = follow_once(watch, err);
        if (gf_interrupt_seen(watch->interrupt)) {
            return GF_CANCELLED;
        }
        tries = watch->got_message ? 0 : tries + 1;
        /* A server that was never reached is not waited for: that is a wrong address. */
        if (rc != GF_UNAVAILABLE || !watch->was_there || tries > GF_WATCH_RECONNECTS_MAX) {
            return rc;
        }
        if (tries == 1) {
            gf_cli_note(watch->cli, "the server is away, trying again");
        }
        pause_ms(GF_WATCH_RECONNECT_PAUSE_MS);
    }
}

/* Whoever stops watching learns that the run does not stop. */
static void say_how_to_go_on(struct watch *watch) {
    struct gf_cli *cli = watch->cli;
    const char *pipeline_id = watch->options->pipeline_id;
    long long run_id = (long long)watch->options->run_id;
    gf_cli_note(cli, "run %s/%lld goes on", pipeline_id, run_id);
    const char *option = gf_cli_namespace_option(cli);
    gf_cli_hint(cli, "gofer run get %s %lld%s, or gofer run cancel %s %lld%s", pipeline_id, run_id,
                option, pipeline_id, run_id, option);
}

static enum gf_exit_code outcome(struct watch *watch, enum gf_code rc, struct gf_error *err,
                                 Gofer__V1__Run **out_run) {
    struct gf_cli *cli = watch->cli;
    const struct gf_watch_options *options = watch->options;
    if (rc == GF_CANCELLED && gf_interrupt_seen(watch->interrupt)) {
        say_how_to_go_on(watch);
        return GF_EXIT_INTERRUPTED;
    }
    if (rc == GF_DEADLINE_EXCEEDED && watch->deadline_mono_ns != GF_NEVER) {
        char timeout[GF_DURATION_BYTES_MAX];
        (void)gf_fail(err, rc, "run %s/%lld has not ended within %s", options->pipeline_id,
                      (long long)options->run_id,
                      gf_duration_format(options->timeout_ms * GF_NS_PER_MS, timeout));
        enum gf_exit_code code = gf_cli_fail(cli, err);
        say_how_to_go_on(watch);
        return code;
    }
    if (rc != GF_OK) {
        return gf_cli_fail_call(cli, err);
    }
    ProtobufCMessage *run = NULL;
    if (gf_wire_decode(&gofer__v1__run__descriptor, (const uint8_t *)watch->last_run.ptr,
                       watch->last_run.len, cli->arena, &run, err) != GF_OK) {
        return gf_cli_fail(cli, err);
    }
    *out_run = (Gofer__V1__Run *)run;
    return GF_EXIT_OK;
}

enum gf_exit_code gf_watch_run(struct gf_cli *cli, const struct gf_watch_options *options,
                               Gofer__V1__Run **out_run) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct gf_client *client = gf_cli_connect(cli, &code);
    if (client == NULL) {
        return code;
    }
    struct watch watch = {
        .cli = cli,
        .options = options,
        .client = client,
        .start_mono_ns = gf_mono_ns(),
        .state = "PENDING",
        .deadline_mono_ns = options->timeout_ms == 0
                                ? GF_NEVER
                                : gf_deadline_after_ms(gf_mono_ns(), options->timeout_ms),
    };
    gf_mutex_init(&watch.mutex, GF_RANK_CLI);
    gf_strbuf_init(&watch.resume_token, 4096);
    gf_strbuf_init(&watch.last_run, MESSAGE_ARENA_BYTES_MAX);
    watch.interrupt = gf_interrupt_start(cancel_stream, &watch);
    struct gf_error err = {0};
    enum gf_code rc = follow_to_end(&watch, &err);
    code = outcome(&watch, rc, &err, out_run);
    gf_interrupt_stop(watch.interrupt);
    gf_mutex_fini(&watch.mutex);
    gf_strbuf_fini(&watch.resume_token);
    gf_strbuf_fini(&watch.last_run);
    return code;
}
