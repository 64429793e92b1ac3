/* The client alone: targets, options, servers that are not there. Calls are in call_test.c. */
#include "api/rpc/testdata/echo_service.h"
#include "base/clock.h"
#include "base/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

static enum gf_code call_unary(struct gf_rpc_channel *channel, const struct gf_rpc_call_opts *opts,
                               struct gf_error *err) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    const enum gf_code code = gf_rpc_unary(channel, &gf_echo_methods[GF_ECHO_UNARY], opts,
                                           &request.base, &arena, &response, err);
    gf_arena_fini(&arena);
    return code;
}

static struct gf_rpc_channel *make_channel(const char *target) {
    struct gf_rpc_channel *channel = NULL;
    struct gf_error err;
    cr_assert_eq(gf_rpc_channel_create(target, NULL, &channel, &err), GF_OK, "%s", err.message);
    cr_assert_str_eq(gf_rpc_channel_target(channel), target);
    return channel;
}

Test(rpc_client, create_refuses_bad_targets) {
    const char *const bad[] = {"", "localhost", "localhost:0", "dns:///x:1", "unix:relative"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        struct gf_rpc_channel *channel = NULL;
        struct gf_error err;
        cr_expect_eq(gf_rpc_channel_create(bad[i], NULL, &channel, &err), GF_INVALID_ARGUMENT, "%s",
                     bad[i]);
        cr_expect_null(channel);
    }
}

Test(rpc_client, create_refuses_tokens_that_are_none_without_showing_them) {
    const char *const bad[] = {"gfr_secret\n", "gfr secret", "gfr_\xc3\xa9-cret"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(bad); i++) {
        const struct gf_rpc_channel_opts opts = {.bearer_token = bad[i]};
        struct gf_rpc_channel *channel = NULL;
        struct gf_error err;
        cr_expect_eq(gf_rpc_channel_create("h:1", &opts, &channel, &err), GF_INVALID_ARGUMENT);
        cr_expect_null(strstr(err.message, "cret"), "%s", err.message);
    }
}

Test(rpc_client, destroy_accepts_null) {
    gf_rpc_channel_destroy(NULL);
    gf_rpc_stream_destroy(NULL);
}

Test(rpc_client, server_that_is_not_there_is_unavailable_by_name) {
    /* A port that was free a moment ago. */
    struct gf_echo_env env;
    gf_echo_env_start(&env, NULL, NULL, NULL);
    gf_rpc_server_stop(env.server, 0);
    struct gf_rpc_channel *channel = make_channel(env.target);
    struct gf_error err;
    cr_assert_eq(call_unary(channel, NULL, &err), GF_UNAVAILABLE);
    cr_assert_not_null(strstr(err.message, env.target), "%s", err.message);
    gf_rpc_channel_destroy(channel);
    gf_echo_env_stop(&env);

    channel = make_channel("unix:/tmp/gofer-nobody-listens-here");
    cr_assert_eq(call_unary(channel, NULL, &err), GF_UNAVAILABLE);
    cr_assert_str_eq(err.message, "server 'unix:/tmp/gofer-nobody-listens-here' cannot be reached: "
                                  "No such file or directory");
    gf_rpc_channel_destroy(channel);
}

Test(rpc_client, unknown_host_is_unavailable_by_name) {
    struct gf_rpc_channel *channel = make_channel("no-such-host.invalid:80");
    struct gf_error err;
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000};
    cr_assert_eq(call_unary(channel, &opts, &err), GF_UNAVAILABLE);
    cr_assert_not_null(strstr(err.message, "no-such-host.invalid:80"), "%s", err.message);
    gf_rpc_channel_destroy(channel);
}

/* A server that comes up while its client waits. */
struct late {
    char address[64];
    struct gf_rpc_server *server;
};

static void *start_late(void *ctx) {
    struct late *late = ctx;
    (void)usleep(100 * 1000); /* lets the client find nobody first, in most runs */
    struct gf_error err;
    cr_assert_eq(gf_rpc_server_create(NULL, &late->server, &err), GF_OK);
    gf_rpc_server_add_service(late->server, &gf_echo_service, gf_echo_handlers, NULL);
    cr_assert_eq(gf_rpc_server_listen(late->server, late->address, NULL, NULL, &err), GF_OK, "%s",
                 err.message);
    gf_rpc_server_start(late->server);
    return NULL;
}

Test(rpc_client, wait_for_ready_waits_for_the_server) {
    char folder[] = "/tmp/gofer-rpc-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    struct late late = {.server = NULL};
    (void)snprintf(late.address, sizeof(late.address), "unix:%s/s", folder);
    struct gf_rpc_channel *channel = make_channel(late.address);
    pthread_t starter;
    gf_thread_start(&starter, "starter", start_late, &late);
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000, .wait_for_ready = true};
    struct gf_error err;
    cr_assert_eq(call_unary(channel, &opts, &err), GF_OK, "%s", err.message);
    gf_thread_join(starter);
    gf_rpc_channel_destroy(channel);
    gf_rpc_server_destroy(late.server);
    cr_assert_eq(rmdir(folder), 0);
}

Test(rpc_client, wait_for_ready_ends_with_its_timeout) {
    struct gf_rpc_channel *channel = make_channel("unix:/tmp/gofer-nobody-listens-here");
    const struct gf_rpc_call_opts opts = {.timeout_ms = 50, .wait_for_ready = true};
    struct gf_error err;
    cr_assert_eq(call_unary(channel, &opts, &err), GF_DEADLINE_EXCEEDED);
    cr_assert_not_null(strstr(err.message, "/tmp/gofer-nobody-listens-here"), "%s", err.message);
    gf_rpc_channel_destroy(channel);
}

Test(rpc_client, channel_finds_a_server_again_after_its_restart) {
    char folder[] = "/tmp/gofer-rpc-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    struct late late = {.server = NULL};
    (void)snprintf(late.address, sizeof(late.address), "unix:%s/s", folder);
    (void)start_late(&late);
    struct gf_rpc_channel *channel = make_channel(late.address);
    struct gf_error err;
    cr_assert_eq(call_unary(channel, NULL, &err), GF_OK, "%s", err.message);
    gf_rpc_server_destroy(late.server);
    (void)start_late(&late);
    const struct gf_rpc_call_opts opts = {.timeout_ms = 30000, .wait_for_ready = true};
    cr_assert_eq(call_unary(channel, &opts, &err), GF_OK, "%s", err.message);
    gf_rpc_channel_destroy(channel);
    gf_rpc_server_destroy(late.server);
    cr_assert_eq(rmdir(folder), 0);
}
