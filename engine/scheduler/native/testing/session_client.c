#include "engine/scheduler/native/testing/session_client.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the ears ---- */

static void on_started(void *ctx, const struct gf_session_start *start) {
    struct session_client *client = ctx;
    GF_MUTEX_GUARD(&client->mutex);
    gf_assert(!client->started && !client->ended && client->out.len == 0);
    client->started = true;
    client->start = *start;
    gf_cond_broadcast(&client->changed);
}

static void on_output(void *ctx, enum gf_log_stream stream, struct gf_str bytes) {
    struct session_client *client = ctx;
    GF_MUTEX_GUARD(&client->mutex);
    gf_assert(client->started && !client->ended);
    gf_assert(bytes.len > 0 && bytes.len <= GF_SESSION_CHUNK_BYTES_MAX);
    gf_strbuf_append(stream == GF_LOG_STREAM_STDOUT ? &client->out : &client->err, bytes);
    gf_cond_broadcast(&client->changed);
}

static void on_writable(void *ctx) {
    struct session_client *client = ctx;
    GF_MUTEX_GUARD(&client->mutex);
    client->writable_count++;
    gf_cond_broadcast(&client->changed);
}

static void on_ended(void *ctx, const struct gf_session_end *end) {
    struct session_client *client = ctx;
    GF_MUTEX_GUARD(&client->mutex);
    gf_assert(!client->ended);
    client->ended = true;
    client->end = *end;
    gf_cond_broadcast(&client->changed);
}

/* ---- opening and closing ---- */

void session_client_open(struct session_client *client, struct native_host *host,
                         const struct gf_session_request *request) {
    *client = (struct session_client){.host = host};
    gf_mutex_init(&client->mutex, GF_RANK_TEST_OUTER);
    gf_cond_init(&client->changed);
    gf_strbuf_init(&client->out, SESSION_CLIENT_OUTPUT_BYTES_MAX);
    gf_strbuf_init(&client->err, SESSION_CLIENT_OUTPUT_BYTES_MAX);
    const struct gf_session_events events = {
        .ctx = client,
        .started = on_started,
        .output = on_output,
        .writable = on_writable,
        .ended = on_ended,
    };
    host->scheduler.ops->open_session(host->scheduler.self, request, &events, &client->session);
}

void session_client_attach(struct session_client *client, struct native_host *host,
                           struct gf_attempt attempt) {
    const struct gf_session_request request = {.kind = GF_SESSION_ATTACH, .attempt = attempt};
    session_client_open(client, host, &request);
}

void session_client_exec(struct session_client *client, struct native_host *host,
                         struct gf_attempt attempt, const char *script, int columns, int rows) {
    const struct gf_str command[] = {GF_STR("sh"), GF_STR("-c"), gf_str_from(script)};
    const struct gf_session_request request = {
        .kind = GF_SESSION_EXEC,
        .attempt = attempt,
        .terminal = {.columns = columns, .rows = rows},
        .command = command,
        .command_count = GF_ARRAY_COUNT(command),
    };
    session_client_open(client, host, &request);
}

void session_client_close(struct session_client *client) {
    client->host->scheduler.ops->sessions->close(client->session);
    gf_strbuf_fini(&client->out);
    gf_strbuf_fini(&client->err);
    gf_cond_fini(&client->changed);
    gf_mutex_fini(&client->mutex);
}

/* ---- waiting ---- */

typedef bool condition_fn(const struct session_client *client, const void *what);

static void wait_for(struct session_client *client, condition_fn *holds, const void *what,
                     bool end_too) {
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), NATIVE_HOST_WAIT_MS);
    GF_MUTEX_GUARD(&client->mutex);
    while (!holds(client, what)) {
        if ((client->ended && !end_too) ||
            !gf_cond_wait_until(&client->changed, &client->mutex, deadline)) {
            fprintf(stderr, "session: %s: %s\nout: %.2000s\nerr: %.2000s\n",
                    client->ended ? "ended" : "nothing comes",
                    client->ended ? client->end.error.message : "",
                    client->out.ptr == NULL ? "" : client->out.ptr,
                    client->err.ptr == NULL ? "" : client->err.ptr);
            abort();
        }
    }
}

static bool has_started(const struct session_client *client, const void *what) {
    (void)what;
    return client->started;
}

static bool has_ended(const struct session_client *client, const void *what) {
    (void)what;
    return client->ended;
}

static bool has_output(const struct session_client *client, const void *what) {
    return client->out.ptr != NULL && strstr(client->out.ptr, what) != NULL;
}

static bool was_writable(const struct session_client *client, const void *what) {
    return client->writable_count >= *(const int *)what;
}

void session_client_wait_started(struct session_client *client) {
    wait_for(client, has_started, NULL, /* end_too = */ false);
}

void session_client_wait_output(struct session_client *client, const char *text) {
    wait_for(client, has_output, text, /* end_too = */ false);
}

struct gf_session_end session_client_wait_end(struct session_client *client) {
    wait_for(client, has_ended, NULL, /* end_too = */ true);
    return client->end;
}

void session_client_wait_writable(struct session_client *client, int count) {
    wait_for(client, was_writable, &count, /* end_too = */ false);
}

/* ---- doing ---- */

void session_client_write(struct session_client *client, const char *text) {
    struct gf_error error;
    const enum gf_code rc =
        client->host->scheduler.ops->sessions->input(client->session, gf_str_from(text), &error);
    gf_assert(rc == GF_OK);
}

void session_client_pause(struct session_client *client, bool paused) {
    client->host->scheduler.ops->sessions->pause(client->session, paused);
}

void session_client_close_input(struct session_client *client) {
    client->host->scheduler.ops->sessions->close_input(client->session);
}
