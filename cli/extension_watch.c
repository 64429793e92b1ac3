#include "cli/extension_watch.h"

#include "base/clock.h"
#include "base/sync.h"
#include "cli/call.h"
#include "cli/interrupt.h"
#include "cli/ui/message.h"
#include "cli/watch.h"
#include "gofer/v1/extension.gofer.h"

#include <string.h>
#include <time.h>

enum {
    MESSAGE_ARENA_BYTES_MAX = 16 << 20,
};

struct watch {
    struct gf_cli *cli;
    const char *extension_id;
    int64_t deadline_mono_ns;
    enum gf_watch_decision (*changed)(void *ctx, const Gofer__V1__Extension *extension);
    void *ctx;
    struct gf_client *client;
    struct gf_interrupt *interrupt;
    struct gf_mutex mutex;        /* guards stream, which the thread of Ctrl-C cancels */
    struct gf_rpc_stream *stream; /* NULL = none is open */
    enum gf_watch_decision decision;
    bool got_message; /* since the stream was opened */
    bool was_there;
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

static enum gf_code receive_all(struct watch *watch, struct gf_rpc_stream *stream,
                                struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, MESSAGE_ARENA_BYTES_MAX);
    enum gf_code rc = GF_OK;
    while (watch->decision == GF_WATCH_ON && ferror(watch->cli->out) == 0) {
        Gofer__V1__WatchExtensionResponse *response = NULL;
        rc = gofer_v1_extension_service_watch_extension_stream_recv(stream, -1, &arena, &response,
                                                                    err);
        if (rc != GF_OK || response == NULL) {
            break;
        }
        watch->got_message = true;
        watch->was_there = true;
        if (response->extension != NULL) {
            watch->decision = watch->changed(watch->ctx, response->extension);
        }
        gf_arena_reset(&arena);
    }
    gf_arena_fini(&arena);
    return rc;
}

static enum gf_code watch_once(struct watch *watch, struct gf_error *err) {
    Gofer__V1__WatchExtensionRequest request = GOFER__V1__WATCH_EXTENSION_REQUEST__INIT;
    request.extension_id = gf_request_text(watch->extension_id);
    struct gf_rpc_call_opts opts = {0};
    if (watch->deadline_mono_ns != GF_NEVER) {
        const int64_t left_ms = (watch->deadline_mono_ns - gf_mono_ns()) / GF_NS_PER_MS;
        opts.timeout_ms = left_ms < 1 ? 1 : left_ms;
    }
    GF_CLEANUP(gf_rpc_stream_destroy_p) struct gf_rpc_stream *stream = NULL;
    enum gf_code rc = gofer_v1_extension_service_watch_extension_stream_open(
        gf_client_channel(watch->client), &opts, &request, &stream, err);
    if (rc != GF_OK) {
        return rc;
    }
    set_stream(watch, stream);
    rc = gf_interrupt_seen(watch->interrupt) ? gf_fail(err, GF_CANCELLED, "interrupted")
                                             : receive_all(watch, stream, err);
    set_stream(watch, NULL);
    return rc;
}

/* Watches and, while the server is away, tries again. */
static enum gf_code watch_on(struct watch *watch, struct gf_error *err) {
    int tries = 0;
    for (;;) {
        watch->got_message = false;
        const enum gf_code rc = watch_once(watch, err);
        if (watch->decision != GF_WATCH_ON || gf_interrupt_seen(watch->interrupt) ||
            ferror(watch->cli->out) != 0) {
            return GF_OK;
        }
        tries = watch->got_message ? 0 : tries + 1;
        if (rc != GF_UNAVAILABLE || !watch->was_there || tries > GF_WATCH_RECONNECTS_MAX) {
            return rc;
        }
        const struct timespec pause = {.tv_nsec = GF_WATCH_RECONNECT_PAUSE_MS * GF_NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
}

enum gf_exit_code gf_watch_extension(
    struct gf_cli *cli, const char *extension_id, int64_t timeout_ms,
    enum gf_watch_decision (*changed)(void *ctx, const Gofer__V1__Extension *extension),
    void *ctx) {
    enum gf_exit_code code = GF_EXIT_OK;
    struct watch watch = {
        .cli = cli,
        .extension_id = extension_id,
        .deadline_mono_ns =
            timeout_ms == 0 ? GF_NEVER : gf_deadline_after_ms(gf_mono_ns(), timeout_ms),
        .changed = changed,
        .ctx = ctx,
        .client = gf_cli_connect(cli, &code),
    };
    if (watch.client == NULL) {
        return code;
    }
    struct gf_error err = {0};
    gf_mutex_init(&watch.mutex, GF_RANK_CLI);
    watch.interrupt = gf_interrupt_start(cancel_stream, &watch);
    const enum gf_code rc = watch_on(&watch, &err);
    if (watch.decision == GF_WATCH_ON && gf_interrupt_seen(watch.interrupt)) {
        code = GF_EXIT_INTERRUPTED;
    } else if (rc == GF_DEADLINE_EXCEEDED && timeout_ms != 0) {
        (void)gf_fail(&err, rc, "extension '%s' did not run in time", extension_id);
        code = gf_cli_fail(cli, &err);
    } else if (rc != GF_OK) {
        code = gf_cli_fail_call(cli, &err);
    } else if (watch.decision == GF_WATCH_FAILED) {
        code = GF_EXIT_FAILED;
    }
    gf_interrupt_stop(watch.interrupt);
    gf_mutex_fini(&watch.mutex);
    return code;
}

/* ---- Waiting until it runs ---- */

/* What keeps it from running; NULL: it may yet. */
static const char *trouble_of(const Gofer__V1__Extension *extension) {
    if (extension->status == GOFER__V1__EXTENSION_STATUS__EXTENSION_STATUS_DISABLED) {
        return "it is disabled";
    }
    return extension->state == GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_BACKING_OFF
               ? extension->state_reason
               : NULL;
}

static enum gf_watch_decision fail_wait(struct gf_cli *cli, const Gofer__V1__Extension *extension,
                                        const char *what, const char *why) {
    struct gf_error err = {0};
    (void)gf_fail(&err, GF_ABORTED, "extension '%s' %s%s", extension->extension_id, what,
                  gf_show_line(cli, why));
    (void)gf_cli_fail(cli, &err);
    gf_cli_hint(cli, "gofer extension logs %s", extension->extension_id);
    return GF_WATCH_FAILED;
}

static enum gf_watch_decision tell_running(struct gf_cli *cli,
                                           const Gofer__V1__Extension *extension) {
    if (extension->health == GOFER__V1__EXTENSION_HEALTH__EXTENSION_HEALTH_FAILED) {
        return fail_wait(cli, extension,
                         "runs, but does not work: ", extension->health_description);
    }
    gf_cli_note(cli, "extension %s runs%s%s", extension->extension_id,
                extension->version[0] == '\0' ? "" : ": version ",
                gf_show_line(cli, extension->version));
    return GF_WATCH_DONE;
}

static enum gf_watch_decision wait_on(void *ctx, const Gofer__V1__Extension *extension) {
    struct gf_cli *cli = ctx;
    if (extension->state == GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_RUNNING) {
        return tell_running(cli, extension);
    }
    const char *trouble = trouble_of(extension);
    return trouble == NULL ? GF_WATCH_ON : fail_wait(cli, extension, "does not run: ", trouble);
}

enum gf_exit_code gf_wait_for_extension(struct gf_cli *cli, const char *extension_id) {
    if (!gf_parsed_flag(cli->parsed, "wait")) {
        return GF_EXIT_OK;
    }
    (void)fflush(cli->out);
    return gf_watch_extension(cli, extension_id, gf_parsed_number(cli->parsed, "timeout", 0),
                              wait_on, cli);
}

/* ---- Waiting until an update is over ---- */

struct update_wait {
    struct gf_cli *cli;
    Google__Protobuf__Timestamp asked; /* update_time of the wish */
};

/* Negative, 0 or positive; no time at all comes before all others. */
static int compare(const Google__Protobuf__Timestamp *a, const Google__Protobuf__Timestamp *b) {
    if (a == NULL || a->seconds != b->seconds) {
        return a == NULL || a->seconds < b->seconds ? -1 : 1;
    }
    return (a->nanos > b->nanos) - (a->nanos < b->nanos);
}

/* It is over when a connection is there that was made afterwards, or when the row changed again
 * without one: then it is as it was before. */
static enum gf_watch_decision wait_on_update(void *ctx, const Gofer__V1__Extension *extension) {
    const struct update_wait *wait = ctx;
    const bool runs = extension->state == GOFER__V1__EXTENSION_STATE__EXTENSION_STATE_RUNNING;
    if (compare(extension->update_time, &wait->asked) > 0 && extension->state_reason[0] != '\0') {
        return fail_wait(wait->cli, extension, "is as it was: ", extension->state_reason);
    }
    if (runs && compare(extension->connect_time, &wait->asked) >= 0) {
        return tell_running(wait->cli, extension);
    }
    const char *trouble = trouble_of(extension);
    return trouble == NULL ? GF_WATCH_ON
                           : fail_wait(wait->cli, extension, "does not run: ", trouble);
}

enum gf_exit_code gf_wait_for_update(struct gf_cli *cli, const Gofer__V1__Extension *updated) {
    struct update_wait wait = {.cli = cli, .asked = GOOGLE__PROTOBUF__TIMESTAMP__INIT};
    if (!gf_parsed_flag(cli->parsed, "wait")) {
        return GF_EXIT_OK;
    }
    if (updated->update_time != NULL) {
        wait.asked = *updated->update_time;
    }
    (void)fflush(cli->out);
    return gf_watch_extension(cli, updated->extension_id,
                              gf_parsed_number(cli->parsed, "timeout", 0), wait_on_update, &wait);
}
