/* The ways into a server: for people, for tasks, and beyond this machine. */
#include "tests/integration/client.h"

#include <stdio.h>

#include <criterion/criterion.h>

TestSuite(server_door, .init = client_setup, .fini = client_teardown);
TestSuite(server_door_auth, .init = client_setup_auth, .fini = client_teardown);

static enum gf_code list_through(const char *address, const char *token) {
    const Gofer__V1__ListPipelinesRequest request = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    Gofer__V1__ListPipelinesResponse *response = NULL;
    struct gf_rpc_channel *channel = gf_harness_open(&harness, address, token);
    const enum gf_code rc = gofer_v1_pipeline_service_list_pipelines(channel, NULL, &request,
                                                                     &arena, &response, &error);
    gf_rpc_channel_destroy(channel);
    return rc;
}

Test(server_door, development_mode_asks_nobody_but_tasks_for_a_token) {
    cr_expect_eq(list_through(NULL, NULL), GF_OK, "%s", error.message);
    cr_expect_eq(list_through(NULL, "nonsense"), GF_OK, "%s", error.message);
    cr_expect_eq(list_through(harness.task_address, NULL), GF_UNAUTHENTICATED);
    cr_expect_eq(list_through(harness.task_address, "nonsense"), GF_UNAUTHENTICATED);
}

Test(server_door_auth, authentication_asks_at_both_doors) {
    cr_expect_eq(list_through(NULL, NULL), GF_UNAUTHENTICATED);
    cr_expect_eq(list_through(NULL, "nonsense"), GF_UNAUTHENTICATED);
    cr_expect_eq(list_through(NULL, harness.token), GF_OK, "%s", error.message);
    cr_expect_eq(list_through(harness.task_address, NULL), GF_UNAUTHENTICATED);
    cr_expect_eq(list_through(harness.task_address, harness.token), GF_OK, "%s", error.message);
    gf_harness_restart(&harness);
    cr_expect_eq(list_through(NULL, harness.token), GF_OK, "%s", error.message);
}

Test(server_door_auth, callers_without_a_token_may_be_allowed) {
    gf_harness_pause(&harness);
    harness.options.allow_anonymous = true;
    gf_harness_resume(&harness);
    cr_expect_eq(list_through(NULL, NULL), GF_OK, "%s", error.message);
    cr_expect_eq(list_through(NULL, "nonsense"), GF_UNAUTHENTICATED);
    cr_expect_eq(list_through(harness.task_address, NULL), GF_UNAUTHENTICATED);
}

Test(server_door_auth, plaintext_beyond_this_machine_must_be_wanted) {
    struct gf_server *server = NULL;
    struct gf_server_listener listener = {.address = "0.0.0.0:0"};
    struct gf_server_options options = harness.options;
    char data_dir[128];
    (void)snprintf(data_dir, sizeof(data_dir), "%s/second", harness.dir);
    options.data_dir = data_dir;
    options.listeners = &listener;
    cr_expect_eq(gf_server_create(&options, &server, &error), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "TLS_MISSING");
    listener.allow_plaintext_beyond_this_machine = true;
    cr_assert_eq(gf_server_create(&options, &server, &error), GF_OK, "%s", error.message);
    gf_server_destroy(server, 0);
    server = NULL;
    options.development_mode = true; /* which nothing allows beyond this machine */
    cr_expect_eq(gf_server_create(&options, &server, &error), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "ADDRESS_NOT_LOCAL");
}

Test(server_door, unix_sockets_have_no_tls) {
    struct gf_server *server = NULL;
    struct gf_server_listener listener = {.address = "unix:/tmp/gofer-never",
                                          .tls = {.cert_file = "/c", .key_file = "/k"}};
    struct gf_server_options options = harness.options;
    options.listeners = &listener;
    cr_expect_eq(gf_server_create(&options, &server, &error), GF_INVALID_ARGUMENT);
}

/* The path of the socket for tasks has no limit of its own. */
Test(server_door, data_directory_may_be_deep) {
    struct gf_server *server = NULL;
    struct gf_server_options options = harness.options;
    struct gf_server_listener listener = {.address = "127.0.0.1:0"};
    char data_dir[256];
    (void)snprintf(data_dir, sizeof(data_dir), "%s/%0100d/deep", harness.dir, 0);
    options.data_dir = data_dir;
    options.listeners = &listener;
    cr_assert_eq(gf_server_create(&options, &server, &error), GF_OK, "%s", error.message);
    gf_server_destroy(server, 0);
}
