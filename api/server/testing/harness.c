#include "api/server/testing/harness.h"

#include "base/tree.h"

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

static void start_server(struct gf_harness *harness) {
    struct gf_error err = {0};
    const char *address = harness->address;
    harness->options.addresses = &address;
    harness->options.address_count = 1;
    check(gf_server_create(&harness->options, &harness->server, &err), "server", &err);
    check(gf_rpc_channel_create(harness->address, NULL, &harness->channel, &err), "channel", &err);
}

static void stop_server(struct gf_harness *harness) {
    gf_rpc_channel_destroy(harness->channel);
    gf_server_destroy(harness->server, GF_SERVER_STOP_GRACE_MS);
    harness->channel = NULL;
    harness->server = NULL;
}

void gf_harness_start(struct gf_harness *harness, enum gf_server_scheduler scheduler) {
    *harness = (struct gf_harness){.dir = "/tmp/gofer-test-XXXXXX"};
    gf_assert(mkdtemp(harness->dir) != NULL);
    (void)snprintf(harness->data_dir, sizeof(harness->data_dir), "%s/data", harness->dir);
    (void)snprintf(harness->address, sizeof(harness->address), "unix:%s/sock", harness->dir);
    harness->options = (struct gf_server_options){
        .data_dir = harness->data_dir,
        .development_mode = true,
        .scheduler = scheduler,
        .fetch_program = fetch_program,
    };
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
