#include "api/server/testing/harness.h"

#include "base/arena.h"
#include "base/tree.h"
#include "gofer/v1/token.gofer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* Where Bazel puts it, seen from the directory in which tests run. */
static const char fetch_program[] = "engine/scheduler/native/fetch/gofer-fetch";

static void check(enum gf_code rc, const char *what, const struct gf_error *err) {
    if (rc != GF_OK) {
        (void)fprintf(stderr, "harness: %s: %s\n", what, err->message);
        abort();
    }
}

struct gf_rpc_channel *gf_harness_open(const struct gf_harness *harness, const char *address,
                                       const char *token) {
    struct gf_error err = {0};
    struct gf_rpc_channel *channel = NULL;
    const struct gf_rpc_channel_opts opts = {.bearer_token = token};
    check(
        gf_rpc_channel_create(address != NULL ? address : harness->address, &opts, &channel, &err),
        "channel", &err);
    return channel;
}

/* Makes the first token of the server. */
static void bootstrap(struct gf_harness *harness) {
    const Gofer__V1__BootstrapTokenRequest request = GOFER__V1__BOOTSTRAP_TOKEN_REQUEST__INIT;
    Gofer__V1__BootstrapTokenResponse *response = NULL;
    struct gf_error err = {0};
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    struct gf_rpc_channel *channel = gf_harness_open(harness, NULL, NULL);
    check(gofer_v1_token_service_bootstrap_token(channel, NULL, &request, &arena, &response, &err),
          "bootstrap", &err);
    const int size = snprintf(harness->token, sizeof(harness->token), "%s", response->token_text);
    gf_assert(size > 0 && (size_t)size < sizeof(harness->token));
    gf_rpc_channel_destroy(channel);
    gf_arena_fini(&arena);
}

static void start_server(struct gf_harness *harness) {
    struct gf_error err = {0};
    harness->listener.address = harness->address;
    harness->options.listeners = &harness->listener;
    harness->options.listener_count = 1;
    check(gf_server_create(&harness->options, &harness->server, &err), "server", &err);
    if (!harness->options.development_mode && harness->token[0] == '\0') {
        bootstrap(harness);
    }
    harness->channel =
        gf_harness_open(harness, NULL, harness->token[0] != '\0' ? harness->token : NULL);
}

static void stop_server(struct gf_harness *harness) {
    gf_rpc_channel_destroy(harness->channel);
    gf_server_destroy(harness->server, GF_SERVER_STOP_GRACE_MS);
    harness->channel = NULL;
    harness->server = NULL;
}

static void prepare(struct gf_harness *harness, enum gf_server_scheduler scheduler,
                    bool development_mode) {
    *harness = (struct gf_harness){.dir = "/tmp/gofer-test-XXXXXX"};
    gf_assert(mkdtemp(harness->dir) != NULL);
    (void)snprintf(harness->data_dir, sizeof(harness->data_dir), "%s/data", harness->dir);
    (void)snprintf(harness->address, sizeof(harness->address), "unix:%s/sock", harness->dir);
    (void)snprintf(harness->task_address, sizeof(harness->task_address), "unix:%s/tasks/gofer.sock",
                   harness->data_dir);
    harness->options = (struct gf_server_options){
        .data_dir = harness->data_dir,
        .development_mode = development_mode,
        .scheduler = scheduler,
        .fetch_program = fetch_program,
    };
}

static void start(struct gf_harness *harness, enum gf_server_scheduler scheduler,
                  bool development_mode) {
    prepare(harness, scheduler, development_mode);
    start_server(harness);
}

void gf_harness_start(struct gf_harness *harness, enum gf_server_scheduler scheduler) {
    start(harness, scheduler, true);
}

void gf_harness_start_auth(struct gf_harness *harness, enum gf_server_scheduler scheduler) {
    start(harness, scheduler, false);
}

void gf_harness_start_given(struct gf_harness *harness, gf_harness_make_fn *make, void *ctx) {
    prepare(harness, GF_SERVER_SCHEDULER_GIVEN, false);
    harness->options.make_scheduler = make;
    harness->options.make_scheduler_ctx = ctx;
    start_server(harness);
}

void gf_harness_pause(struct gf_harness *harness) {
    stop_server(harness);
}

void gf_harness_resume(struct gf_harness *harness) {
    start_server(harness);
}

void gf_harness_restart(struct gf_harness *harness) {
    stop_server(harness);
    start_server(harness);
}

void gf_harness_stop(struct gf_harness *harness) {
    struct gf_error err = {0};
    stop_server(harness);
    check(gf_tree_remove(AT_FDCWD, harness->dir, &err), "cleaning up", &err);
}
