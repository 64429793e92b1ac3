/*
 * The life of pipelines: switched off and on, looked at from afar, and deleted with their logs.
 */
#include "base/file.h"
#include "base/tree.h"
#include "tests/integration/client.h"

#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(pipeline_life, .init = client_setup, .fini = client_teardown);

static enum gf_code enable(char *id, Gofer__V1__EnablePipelineResponse **out) {
    Gofer__V1__EnablePipelineRequest request = GOFER__V1__ENABLE_PIPELINE_REQUEST__INIT;
    request.pipeline_id = id;
    return gofer_v1_pipeline_service_enable_pipeline(harness.channel, NULL, &request, &arena, out,
                                                     &error);
}

static enum gf_code disable(char *id, char *reason, Gofer__V1__DisablePipelineResponse **out) {
    Gofer__V1__DisablePipelineRequest request = GOFER__V1__DISABLE_PIPELINE_REQUEST__INIT;
    request.pipeline_id = id;
    request.reason = reason;
    return gofer_v1_pipeline_service_disable_pipeline(harness.channel, NULL, &request, &arena, out,
                                                      &error);
}

static enum gf_code delete_one(char *id) {
    Gofer__V1__DeletePipelineRequest request = GOFER__V1__DELETE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DeletePipelineResponse *response = NULL;
    request.pipeline_id = id;
    return gofer_v1_pipeline_service_delete_pipeline(harness.channel, NULL, &request, &arena,
                                                     &response, &error);
}

static enum gf_code try_start(char *id) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    request.pipeline_id = id;
    return gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response,
                                          &error);
}

/* ---- Enabling and disabling ---- */

Test(pipeline_life, a_disabled_one_starts_no_runs) {
    Gofer__V1__DisablePipelineResponse *disabled = NULL;
    Gofer__V1__EnablePipelineResponse *enabled = NULL;
    (void)up("hello", "one");
    cr_assert_eq(disable("hello", "on holiday", &disabled), GF_OK, "%s", error.message);
    cr_expect(disabled->changed);
    cr_expect_eq((int)disabled->pipeline->state,
                 GOFER__V1__PIPELINE_STATE__PIPELINE_STATE_DISABLED);
    cr_expect_str_eq(disabled->pipeline->state_reason, "on holiday");
    cr_expect_eq(disabled->pipeline->live_version, 1);
    cr_assert_eq(disable("hello", "", &disabled), GF_OK, "%s", error.message);
    cr_expect_not(disabled->changed);
    gf_harness_restart(&harness);
    expect_error(try_start("hello"), GF_FAILED_PRECONDITION, "",
                 "pipeline 'hello' is disabled (on holiday): enable it first");
    cr_expect_str_eq(error.reason, "PIPELINE_DISABLED");
    cr_assert_eq(enable("hello", &enabled), GF_OK, "%s", error.message);
    cr_expect(enabled->changed);
    cr_expect_str_eq(enabled->pipeline->state_reason, "");
    cr_assert_eq(enable("hello", &enabled), GF_OK, "%s", error.message);
    cr_expect_not(enabled->changed);
    cr_expect_eq(try_start("hello"), GF_OK, "%s", error.message);
    cr_expect_eq(enable("other", &enabled), GF_NOT_FOUND);
    char reason[1026];
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    expect_error(disable("hello", reason, &disabled), GF_INVALID_ARGUMENT, "reason",
                 "text is too long, expected up to 1024 characters");
    expect_error(disable("x", "", &disabled), GF_INVALID_ARGUMENT, "pipeline_id",
                 "identifier 'x' has 1 character, expected 3 to 64");
}

/* ---- Stats ---- */

static Google__Protobuf__Duration seconds(int64_t count, int32_t nanos) {
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    duration.seconds = count;
    duration.nanos = nanos;
    return duration;
}

static enum gf_code stats_of(const Gofer__V1__GetPipelineStatsRequest *request,
                             Gofer__V1__GetPipelineStatsResponse **out) {
    return gofer_v1_pipeline_service_get_pipeline_stats(harness.channel, NULL, request, &arena, out,
                                                        &error);
}

Test(pipeline_life, stats_count_what_has_ended) {
    Gofer__V1__GetPipelineStatsRequest request = GOFER__V1__GET_PIPELINE_STATS_REQUEST__INIT;
    Gofer__V1__GetPipelineStatsResponse *response = NULL;
    Google__Protobuf__Duration window = seconds(60, 0);
    Google__Protobuf__Duration *windows = &window;
    (void)up("hello", "one");
    request.pipeline_id = "hello";
    cr_assert_eq(stats_of(&request, &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->n_stats, 4);
    const int64_t defaults[] = {3600, 86400, 604800, 2592000};
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(response->stats[i]->window->seconds, defaults[i]);
        cr_expect_eq(response->stats[i]->successful_count, 0);
        cr_expect_null(response->stats[i]->median_duration);
    }
    (void)start_run("hello");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    (void)wait_run("hello", 2);
    request.n_windows = 1;
    request.windows = &windows;
    cr_assert_eq(stats_of(&request, &response), GF_OK, "%s", error.message);
    cr_assert_eq(response->n_stats, 1);
    cr_expect_eq(response->stats[0]->window->seconds, 60);
    cr_expect_eq(response->stats[0]->successful_count, 2);
    cr_expect_float_eq(response->stats[0]->success_percent, 100, 1e-9);
    cr_expect_not_null(response->stats[0]->median_duration);
    cr_expect_not_null(response->stats[0]->p95_duration);
    cr_expect_not_null(response->stats[0]->median_queue_duration);
}

Test(pipeline_life, bad_windows_are_refused) {
    Gofer__V1__GetPipelineStatsRequest request = GOFER__V1__GET_PIPELINE_STATS_REQUEST__INIT;
    Gofer__V1__GetPipelineStatsResponse *response = NULL;
    const Google__Protobuf__Duration wrong[] = {
        seconds(59, 999999999), seconds(366 * 86400, 1), seconds(366 * 86400 + 1, 0),
        seconds(-60, 0),        seconds(60, -1),         seconds(60, 1000000000)};
    Google__Protobuf__Duration good = seconds(366 * 86400, 0);
    Google__Protobuf__Duration *windows[11];
    (void)up("hello", "one");
    request.pipeline_id = "hello";
    request.windows = windows;
    request.n_windows = 2;
    windows[0] = &good;
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        Google__Protobuf__Duration bad = wrong[i];
        windows[1] = &bad;
        expect_error(stats_of(&request, &response), GF_INVALID_ARGUMENT, "windows[1]",
                     "expected a duration of 1 minute to 366 days");
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(windows); i++) {
        windows[i] = &good;
    }
    request.n_windows = 10;
    cr_assert_eq(stats_of(&request, &response), GF_OK, "%s", error.message);
    cr_expect_eq(response->n_stats, 10);
    request.n_windows = 11;
    expect_error(stats_of(&request, &response), GF_INVALID_ARGUMENT, "windows",
                 "there are 11 windows, expected up to 10");
    request.n_windows = 0;
    request.pipeline_id = "other";
    cr_expect_eq(stats_of(&request, &response), GF_NOT_FOUND);
}

/* ---- Deleting ---- */

Test(pipeline_life, a_deleted_one_is_gone) {
    Gofer__V1__GetPipelineRequest get = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    Gofer__V1__GetPipelineResponse *got = NULL;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    cr_assert_eq(delete_one("hello"), GF_OK, "%s", error.message);
    get.pipeline_id = "hello";
    expect_error(
        gofer_v1_pipeline_service_get_pipeline(harness.channel, NULL, &get, &arena, &got, &error),
        GF_NOT_FOUND, "", "pipeline 'hello' not found in namespace 'default'");
    cr_expect_eq(delete_one("hello"), GF_NOT_FOUND);
    /* A new one of that name begins anew. */
    cr_expect_eq(up("hello", "two"), 1);
    cr_expect_eq(start_run("hello")->run_id, 1);
}

/* The directory of the logs of a pipeline, below the data directory. */
static void logs_path(int64_t pipeline_key, char out[static 160]) {
    (void)snprintf(out, 160, "%s/logs/%lld", harness.data_dir, (long long)pipeline_key);
}

static void make_logs(int64_t pipeline_key) {
    char path[160];
    char deep[200];
    logs_path(pipeline_key, path);
    (void)snprintf(deep, sizeof(deep), "%s/0", path);
    cr_assert_eq(gf_tree_make(AT_FDCWD, deep, 0700, &error), GF_OK, "%s", error.message);
    (void)snprintf(deep, sizeof(deep), "%s/0/1-0-1.log", path);
    cr_assert_eq(gf_file_replace(AT_FDCWD, deep, GF_STR("x"), 0600, GF_FILE_SYNC_NONE, &error),
                 GF_OK, "%s", error.message);
}

static bool has_logs(int64_t pipeline_key) {
    struct stat status;
    char path[160];
    logs_path(pipeline_key, path);
    return stat(path, &status) == 0;
}

/* Waits until something was removed from the directory of all logs. */
static int watch_logs(void) {
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/logs", harness.data_dir);
    const int fd = inotify_init1(IN_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_geq(inotify_add_watch(fd, path, IN_DELETE), 0);
    return fd;
}

static void wait_for_removal(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    cr_assert_eq(poll(&poll_fd, 1, TIMEOUT_MS), 1, "nothing was removed");
    (void)close(fd);
}

Test(pipeline_life, logs_go_with_their_pipeline) {
    (void)up("hello", "one");
    (void)up("other", "one");
    make_logs(1);
    make_logs(2);
    const int fd = watch_logs();
    cr_assert_eq(delete_one("hello"), GF_OK, "%s", error.message);
    wait_for_removal(fd);
    cr_expect_not(has_logs(1));
    cr_expect(has_logs(2));
}

Test(pipeline_life, logs_go_with_their_namespace) {
    Gofer__V1__CreateNamespaceRequest create = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__CreateNamespaceResponse *created = NULL;
    Gofer__V1__RegisterPipelineConfigRequest config =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *registered = NULL;
    Gofer__V1__DeleteNamespaceRequest remove = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__DeleteNamespaceResponse *removed = NULL;
    create.namespace_id = config.namespace_id = remove.namespace_id = "team";
    config.spec = make_spec("hello", "one");
    cr_assert_eq(gofer_v1_namespace_service_create_namespace(harness.channel, NULL, &create, &arena,
                                                             &created, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(gofer_v1_pipeline_config_service_register_pipeline_config(
                     harness.channel, NULL, &config, &arena, &registered, &error),
                 GF_OK, "%s", error.message);
    make_logs(1);
    const int fd = watch_logs();
    remove.cascade = true;
    cr_assert_eq(gofer_v1_namespace_service_delete_namespace(harness.channel, NULL, &remove, &arena,
                                                             &removed, &error),
                 GF_OK, "%s", error.message);
    wait_for_removal(fd);
    cr_expect_not(has_logs(1));
}

/* What a crash left behind goes at the next start; what the store never gave away stays. */
Test(pipeline_life, a_start_removes_what_was_left_behind) {
    (void)up("hello", "one");
    (void)up("other", "one");
    cr_assert_eq(delete_one("hello"), GF_OK, "%s", error.message);
    make_logs(2);
    make_logs(77);
    const int fd = watch_logs();
    make_logs(1);
    gf_harness_restart(&harness);
    wait_for_removal(fd);
    /* A server ends its sweep before it stops. */
    gf_harness_restart(&harness);
    cr_expect_not(has_logs(1));
    cr_expect(has_logs(2));
    cr_expect(has_logs(77));
}
