/*
 * Open streams end when their callers may not have them any more: the token is disabled or deleted,
 * or a role changes. Over a run that goes on, in a real container.
 */
#include "tests/integration/access.h"
#include "tests/integration/native.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(stream_end, .init = native_setup_auth, .fini = native_teardown);

/* One stream of each kind, each of which has sent something. */
struct streams {
    struct gf_rpc_channel *channel;
    struct gf_rpc_stream *events;
    struct gf_rpc_stream *run;
    struct gf_rpc_stream *logs;
    Gofer__V1__Token *token;
};

static void first_message(struct gf_rpc_stream *stream) {
    ProtobufCMessage *message = NULL;
    cr_assert_eq(gf_rpc_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error), GF_OK, "%s",
                 error.message);
    cr_assert_not_null(message);
}

static void open_streams(struct streams *streams) {
    Gofer__V1__FollowEventsRequest events = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    Gofer__V1__WatchRunRequest run = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    Gofer__V1__FollowTaskExecutionLogsRequest logs =
        GOFER__V1__FOLLOW_TASK_EXECUTION_LOGS_REQUEST__INIT;
    struct gf_rpc_channel *channel = streams->channel;
    run.pipeline_id = logs.pipeline_id = "shell";
    run.run_id = logs.run_id = 1;
    logs.task_id = "one";
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_open(channel, NULL, &events,
                                                                  &streams->events, &error),
                 GF_OK);
    cr_assert_eq(
        gofer_v1_run_service_watch_run_stream_open(channel, NULL, &run, &streams->run, &error),
        GF_OK);
    cr_assert_eq(gofer_v1_task_execution_service_follow_task_execution_logs_stream_open(
                     channel, NULL, &logs, &streams->logs, &error),
                 GF_OK);
    first_message(streams->events);
    first_message(streams->run);
    first_message(streams->logs);
}

/* A run that goes on, and an observer with streams on it. */
static void start(struct streams *streams) {
    up_script("echo begin; sleep 600");
    start_run("shell");
    make_role("observer", may("default", RESOURCE(RUNS), NULL, ACTION(READ)),
              may("default", RESOURCE(TASK_EXECUTIONS), NULL, ACTION(READ_LOGS)),
              may("default", RESOURCE(EVENTS), NULL, ACTION(READ)), NULL);
    const char *text = make_token("olga", "observer", &streams->token);
    streams->channel = gf_harness_open(&harness, NULL, text);
    open_streams(streams);
}

static void expect_end(struct gf_rpc_stream *stream, enum gf_code code) {
    enum gf_code rc = GF_OK;
    ProtobufCMessage *message = NULL;
    do { /* What was on its way comes first. */
        rc = gf_rpc_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error);
    } while (rc == GF_OK && message != NULL);
    cr_expect_eq(rc, code, "%s: %s", gf_code_name(rc), error.message);
    cr_expect_str_neq(error.reason, GF_RPC_REASON_RECV_TIMEOUT);
    gf_rpc_stream_destroy(stream);
}

static void expect_all_end(struct streams *streams, enum gf_code code) {
    expect_end(streams->events, code);
    expect_end(streams->run, code);
    expect_end(streams->logs, code);
    gf_rpc_channel_destroy(streams->channel);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

Test(stream_end, with_a_token_that_is_disabled) {
    NEED_ROOT();
    struct streams streams;
    start(&streams);
    Gofer__V1__DisableTokenRequest request = GOFER__V1__DISABLE_TOKEN_REQUEST__INIT;
    Gofer__V1__DisableTokenResponse *response = NULL;
    request.token_id = streams.token->token_id;
    cr_assert_eq(gofer_v1_token_service_disable_token(harness.channel, NULL, &request, &arena,
                                                      &response, &error),
                 GF_OK, "%s", error.message);
    expect_all_end(&streams, GF_UNAUTHENTICATED);
}

Test(stream_end, with_a_token_that_is_deleted) {
    NEED_ROOT();
    struct streams streams;
    start(&streams);
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    Gofer__V1__DeleteTokenResponse *response = NULL;
    request.token_id = streams.token->token_id;
    cr_assert_eq(gofer_v1_token_service_delete_token(harness.channel, NULL, &request, &arena,
                                                     &response, &error),
                 GF_OK, "%s", error.message);
    expect_all_end(&streams, GF_UNAUTHENTICATED);
}

Test(stream_end, with_a_role_that_changes) {
    NEED_ROOT();
    struct streams streams;
    start(&streams);
    Gofer__V1__UpdateRoleRequest request = GOFER__V1__UPDATE_ROLE_REQUEST__INIT;
    Gofer__V1__UpdateRoleResponse *response = NULL;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    char *path = "permissions";
    Gofer__V1__Permission *elsewhere = may("blue", RESOURCE(RUNS), NULL, ACTION(READ));
    mask.paths = &path;
    mask.n_paths = 1;
    request.role_id = "observer";
    request.permissions = &elsewhere;
    request.n_permissions = 1;
    request.update_mask = &mask;
    cr_assert_eq(gofer_v1_role_service_update_role(harness.channel, NULL, &request, &arena,
                                                   &response, &error),
                 GF_OK, "%s", error.message);
    expect_all_end(&streams, GF_PERMISSION_DENIED);
}

/* ---- tokens of runs ---- */

static enum gf_code get_run_as(struct gf_rpc_channel *channel, int64_t run_id) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    Gofer__V1__GetRunResponse *response = NULL;
    request.pipeline_id = "shell";
    request.run_id = run_id;
    return gofer_v1_run_service_get_run(channel, NULL, &request, &arena, &response, &error);
}

/* The first line of the log, backwards: so a token is not masked in it. */
static char *read_reversed_line(void) {
    struct followed_log log;
    log_init(&log);
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (strchr(log_stdout(&log), '\n') == NULL) {
        cr_assert(log_take(stream, &log));
    }
    gf_rpc_stream_destroy(stream);
    char *line = gf_arena_strdup(&arena, log_stdout(&log));
    *strchr(line, '\n') = '\0';
    const size_t length = strlen(line);
    for (size_t i = 0; i < length / 2; i++) {
        const char c = line[i];
        line[i] = line[length - 1 - i];
        line[length - 1 - i] = c;
    }
    log_fini(&log);
    return line;
}

Test(stream_end, token_of_a_run_ends_with_it) {
    NEED_ROOT();
    Gofer__V1__PipelineSpec *spec = make_spec("shell", "one");
    spec->tasks[0]->inject_token = true;
    up_spec(spec, "echo \"$GOFER_TOKEN\" | rev; sleep 600");
    start_run("shell");
    start_run("shell");
    const char *text = read_reversed_line();
    cr_assert_eq(strncmp(text, "gfr_r_", 6), 0, "%s", text);
    struct gf_rpc_channel *channels[] = {
        gf_harness_open(&harness, NULL, text),
        gf_harness_open(&harness, harness.task_address, text),
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(channels); i++) {
        cr_expect_eq(get_run_as(channels[i], 1), GF_OK, "%s", error.message);
        cr_expect_eq(get_run_as(channels[i], 2), GF_PERMISSION_DENIED, "beyond its run");
        cr_expect_eq(get_run_as(channels[i], 99), GF_PERMISSION_DENIED,
                     "whether it is there or not");
    }
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
    for (size_t i = 0; i < GF_ARRAY_COUNT(channels); i++) {
        cr_expect_eq(get_run_as(channels[i], 1), GF_UNAUTHENTICATED);
        cr_expect_str_eq(error.reason, "TOKEN_INVALID");
        gf_rpc_channel_destroy(channels[i]);
    }
    cancel_run("shell", 2);
    (void)wait_run("shell", 2);
}
