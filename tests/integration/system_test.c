#include "api/service/services.h"
#include "api/service/unimplemented.h"
#include "grpc/health/v1/health.gofer.h"
#include "grpc/reflection/v1/reflection.gofer.h"
#include "tests/integration/client.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

TestSuite(system, .init = client_setup, .fini = client_teardown);

Test(system, tells_what_it_is) {
    Gofer__V1__GetSystemInfoRequest request = GOFER__V1__GET_SYSTEM_INFO_REQUEST__INIT;
    Gofer__V1__GetSystemInfoResponse *response = NULL;
    cr_assert_eq(gofer_v1_system_service_get_system_info(harness.channel, NULL, &request, &arena,
                                                         &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_str_eq(response->version, "0.0.0-dev");
    cr_expect_str_eq(response->scheduler, "null");
    cr_expect(response->development_mode);
    cr_expect_eq(response->n_api_packages, 1);
    cr_expect_str_eq(response->api_packages[0], "gofer.v1");
    cr_expect_geq(response->server_time->seconds, response->start_time->seconds);
}

/* Calls a method with an empty request; gives the code of the answer. */
static enum gf_code call_empty(const struct gf_rpc_method *method) {
    ProtobufCMessage *request = gf_arena_alloc(&arena, method->request->sizeof_message);
    ProtobufCMessage *response = NULL;
    method->request->message_init(request);
    if (method->kind == GF_RPC_UNARY) {
        return gf_rpc_unary(harness.channel, method, NULL, request, &arena, &response, &error);
    }
    struct gf_rpc_stream *stream = NULL;
    enum gf_code rc =
        gf_rpc_stream_open(harness.channel, method, NULL,
                           method->kind == GF_RPC_SERVER_STREAM ? request : NULL, &stream, &error);
    cr_assert_eq(rc, GF_OK);
    if (method->kind != GF_RPC_SERVER_STREAM) {
        gf_rpc_stream_close_send(stream);
    }
    rc = gf_rpc_stream_recv(stream, TIMEOUT_MS, &arena, &response, &error);
    gf_rpc_stream_destroy(stream);
    return rc;
}

/* Every method has a handler, or a row that says why not: never both, never neither. */
Test(system, every_call_is_served_or_in_the_table) {
    size_t service_count = 0;
    size_t rows = 0;
    const struct gf_rpc_service *const *services = gf_services_list(&service_count);
    for (size_t s = 0; s < service_count; s++) {
        for (size_t m = 0; m < services[s]->method_count; m++) {
            const struct gf_rpc_method *method = &services[s]->methods[m];
            const struct gf_unimplemented *row = gf_unimplemented_find(method->path);
            const enum gf_code rc = call_empty(method);
            if (row == NULL) {
                cr_expect_neq(rc, GF_UNIMPLEMENTED, "%s has no handler", method->path);
                continue;
            }
            char expected[256];
            (void)snprintf(expected, sizeof(expected), "%s is not available in this version (%s)",
                           row->path + 1, row->reason);
            cr_expect_eq(rc, GF_UNIMPLEMENTED, "%s", method->path);
            cr_expect_str_eq(error.message, expected);
            cr_expect_str_eq(error.reason, "NOT_AVAILABLE");
            rows++;
        }
    }
    cr_expect_eq(rows, gf_unimplemented_count, "a row of the table names no method");
}

/* A row hides its handler: what has one must not be in the table. */
Test(system, the_table_is_ordered) {
    for (size_t i = 1; i < gf_unimplemented_count; i++) {
        cr_expect_lt(strcmp(gf_unimplemented_calls[i - 1].path, gf_unimplemented_calls[i].path), 0);
    }
}

Test(system, is_healthy) {
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    Grpc__Health__V1__HealthCheckResponse *response = NULL;
    char *const names[] = {"", "gofer.v1.RunService"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        request.service = names[i];
        cr_assert_eq(
            grpc_health_v1_health_check(harness.channel, NULL, &request, &arena, &response, &error),
            GF_OK, "%s", error.message);
        cr_expect_eq((int)response->status,
                     GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
    }
}

Test(system, lists_its_services_by_reflection) {
    struct gf_rpc_stream *stream = NULL;
    Grpc__Reflection__V1__ServerReflectionRequest request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ServerReflectionResponse *response = NULL;
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    request.list_services = "*";
    cr_assert_eq(grpc_reflection_v1_server_reflection_server_reflection_info_stream_open(
                     harness.channel, NULL, &stream, &error),
                 GF_OK);
    cr_assert_eq(grpc_reflection_v1_server_reflection_server_reflection_info_stream_send(
                     stream, &request, &error),
                 GF_OK);
    cr_assert_eq(grpc_reflection_v1_server_reflection_server_reflection_info_stream_recv(
                     stream, TIMEOUT_MS, &arena, &response, &error),
                 GF_OK);
    bool found = false;
    for (size_t i = 0; i < response->list_services_response->n_service; i++) {
        found = found || strcmp(response->list_services_response->service[i]->name,
                                "gofer.v1.RunService") == 0;
    }
    cr_expect(found);
    gf_rpc_stream_destroy(stream);
}

/* ---- Preferences ---- */

static enum gf_code update_preferences(Gofer__V1__SystemPreferences *preferences, char *path,
                                       Gofer__V1__UpdateSystemPreferencesResponse **out) {
    Gofer__V1__UpdateSystemPreferencesRequest request =
        GOFER__V1__UPDATE_SYSTEM_PREFERENCES_REQUEST__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.n_paths = path == NULL ? 0 : 1;
    mask.paths = &path;
    request.preferences = preferences;
    request.update_mask = &mask;
    return gofer_v1_system_service_update_system_preferences(harness.channel, NULL, &request,
                                                             &arena, out, &error);
}

static Gofer__V1__SystemPreferences *get_preferences(void) {
    Gofer__V1__GetSystemPreferencesRequest request =
        GOFER__V1__GET_SYSTEM_PREFERENCES_REQUEST__INIT;
    Gofer__V1__GetSystemPreferencesResponse *response = NULL;
    cr_assert_eq(gofer_v1_system_service_get_system_preferences(harness.channel, NULL, &request,
                                                                &arena, &response, &error),
                 GF_OK, "%s", error.message);
    return response->preferences;
}

static enum gf_code try_start(void) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    request.pipeline_id = "hello";
    return gofer_v1_run_service_start_run(harness.channel, NULL, &request, &arena, &response,
                                          &error);
}

Test(system, paused_run_starts_are_refused_also_after_a_restart) {
    Gofer__V1__SystemPreferences wanted = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    Gofer__V1__UpdateSystemPreferencesResponse *updated = NULL;
    (void)up("hello", "one");
    cr_expect_not(get_preferences()->run_starts_paused);
    cr_expect_null(get_preferences()->update_time);
    wanted.run_starts_paused = true;
    wanted.attach_disabled = true; /* not in the mask */
    cr_assert_eq(update_preferences(&wanted, "run_starts_paused", &updated), GF_OK, "%s",
                 error.message);
    cr_expect(updated->changed);
    cr_expect(updated->preferences->run_starts_paused);
    cr_expect_not(updated->preferences->attach_disabled);
    cr_expect_not_null(updated->preferences->update_time);
    wanted.run_starts_paused_reason = "moving house";
    cr_assert_eq(update_preferences(&wanted, "run_starts_paused_reason", &updated), GF_OK, "%s",
                 error.message);
    cr_assert_eq(update_preferences(&wanted, "run_starts_paused_reason", &updated), GF_OK, "%s",
                 error.message);
    cr_expect_not(updated->changed);
    gf_harness_restart(&harness);
    cr_expect_str_eq(get_preferences()->run_starts_paused_reason, "moving house");
    expect_error(try_start(), GF_FAILED_PRECONDITION, "", "run starts are paused: moving house");
    cr_expect_str_eq(error.reason, "RUN_STARTS_PAUSED");
    wanted.run_starts_paused = false;
    cr_assert_eq(update_preferences(&wanted, "run_starts_paused", &updated), GF_OK);
    cr_expect_eq(try_start(), GF_OK, "%s", error.message);
}

Test(system, bad_preferences_name_their_field) {
    Gofer__V1__SystemPreferences wanted = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    Gofer__V1__UpdateSystemPreferencesResponse *updated = NULL;
    char reason[1026];
    expect_error(update_preferences(NULL, "attach_disabled", &updated), GF_INVALID_ARGUMENT,
                 "preferences", "there are no preferences");
    expect_error(update_preferences(&wanted, NULL, &updated), GF_INVALID_ARGUMENT, "update_mask",
                 "names no field to change");
    expect_error(update_preferences(&wanted, "update_time", &updated), GF_INVALID_ARGUMENT,
                 "update_mask.paths[0]", "'update_time' is no field that can be changed");
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    wanted.run_starts_paused_reason = reason;
    expect_error(update_preferences(&wanted, "run_starts_paused_reason", &updated),
                 GF_INVALID_ARGUMENT, "preferences.run_starts_paused_reason",
                 "text is too long, expected up to 1024 characters");
}

/* ---- Figures ---- */

Test(system, sums_up_what_it_holds) {
    Gofer__V1__GetSystemSummaryRequest request = GOFER__V1__GET_SYSTEM_SUMMARY_REQUEST__INIT;
    Gofer__V1__GetSystemSummaryResponse *response = NULL;
    (void)up("hello", "one");
    (void)up("other", "one");
    for (int i = 1; i <= 3; i++) {
        (void)start_run("hello");
        (void)wait_run("hello", i);
    }
    cr_assert_eq(gofer_v1_system_service_get_system_summary(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->namespace_count, 1);
    cr_expect_eq(response->pipeline_count, 2);
    cr_expect_eq(response->run_count, 3);
    cr_expect_eq(response->queued_run_count, 0);
    cr_expect_eq(response->running_task_count, 0);
    cr_expect_gt(response->database_bytes, 0);
    cr_expect_eq(response->extension_count, 0);
}

Test(system, tells_its_limits) {
    Gofer__V1__GetSystemLimitsRequest request = GOFER__V1__GET_SYSTEM_LIMITS_REQUEST__INIT;
    Gofer__V1__GetSystemLimitsResponse *response = NULL;
    harness.options.pipeline_queue_max = 17;
    harness.options.runs_active_max = 3000000;
    harness.options.run_timeout_ms_max = 90000;
    harness.options.calls_max = 1234;
    gf_harness_restart(&harness);
    cr_assert_eq(gofer_v1_system_service_get_system_limits(harness.channel, NULL, &request, &arena,
                                                           &response, &error),
                 GF_OK, "%s", error.message);
    int64_t found = 0;
    for (size_t i = 0; i < response->n_limits; i++) {
        const Gofer__V1__SystemLimit *limit = response->limits[i];
        cr_expect(i == 0 || strcmp(response->limits[i - 1]->name, limit->name) < 0, "%s",
                  limit->name);
        cr_expect(strcmp(limit->unit, "bytes") == 0 || strcmp(limit->unit, "milliseconds") == 0 ||
                  strcmp(limit->unit, "count") == 0);
        cr_expect_neq(limit->description[0], '\0');
        if (strcmp(limit->name, "pipeline_queue_max") == 0) {
            found += limit->value;
        } else if (strcmp(limit->name, "runs_active_max") == 0) {
            found += limit->value;
        } else if (strcmp(limit->name, "run_timeout_max") == 0) {
            found += limit->value;
        } else if (strcmp(limit->name, "calls_max") == 0) {
            found += limit->value;
        } else if (strcmp(limit->name, "stop_timeout") == 0) {
            found += limit->value;
        } else if (strcmp(limit->name, "run_input_bytes_max") == 0) {
            found += limit->value;
        }
    }
    cr_expect_eq(found, 17 + 3000000 + 90000 + 1234 + 10000 + (256 << 10));
}

/* ---- The service around the calls ---- */

Test(system, writes_where_it_listens) {
    char path[128];
    char line[128] = "";
    (void)snprintf(path, sizeof(path), "%s/addresses", harness.data_dir);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    line[strcspn(line, "\n")] = '\0';
    cr_expect_str_eq(line, harness.address);
    struct stat status;
    cr_assert_eq(stat(harness.address + strlen("unix:"), &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(stat(harness.data_dir, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0700);
}

static void expect_refused(struct gf_server_options *options, enum gf_code code,
                           const char *reason) {
    struct gf_server *server = NULL;
    cr_expect_eq(gf_server_create(options, &server, &error), code, "%s", error.message);
    cr_expect_str_eq(error.reason, reason);
    cr_expect_null(server);
}

Test(system, refuses_what_would_not_be_safe) {
    struct gf_server_listener listener = {.address = "127.0.0.1:0"};
    struct gf_server_options options = harness.options;
    options.listeners = &listener;
    expect_refused(&options, GF_FAILED_PRECONDITION, "DATA_DIR_IN_USE");
    const char *const others[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80", ":80"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        listener.address = others[i];
        options.development_mode = true;
        expect_refused(&options, GF_FAILED_PRECONDITION, "ADDRESS_NOT_LOCAL");
        options.development_mode = false;
        expect_refused(&options, GF_FAILED_PRECONDITION, "TLS_MISSING");
    }
}

Test(system, listens_on_several_addresses) {
    const struct gf_server_listener listeners[] = {
        {.address = "127.0.0.1:0"}, {.address = "[::1]:0"}, {.address = "localhost:0"}};
    char data_dir[128];
    struct gf_server *server = NULL;
    struct gf_server_options options = harness.options;
    (void)snprintf(data_dir, sizeof(data_dir), "%s/second", harness.dir);
    options.data_dir = data_dir;
    options.listeners = listeners;
    options.listener_count = GF_ARRAY_COUNT(listeners);
    cr_assert_eq(gf_server_create(&options, &server, &error), GF_OK, "%s", error.message);
    cr_assert_eq(gf_server_address_count(server), 3);
    for (size_t i = 0; i < 3; i++) {
        const char *address = gf_server_address(server, i);
        const char *given = listeners[i].address;
        cr_expect_eq(strncmp(address, given, strlen(given) - 1), 0, "%s", address);
        cr_expect_neq(strcmp(address, given), 0);
    }
    gf_server_destroy(server, 0);
}
