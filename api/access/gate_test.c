/* Who is let in, over the wire: tokens good and bad, doors, permissions, runs. */
#include "api/access/testing/rig.h"
#include "base/log.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/keys.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/task_execution.gofer.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static struct gf_gate_rig rig;
static struct gf_gate_rig_token token;
static struct gf_error error;

/* No limit is met by accident. */
static const struct gf_gate_options roomy = {
    .token_rate_max = -1,
    .address_rate_max = -1,
    .address_streams_max = -1,
    .token_streams_max = -1,
};

static void setup(void) {
    gf_gate_rig_start(&rig, &roomy, NULL);
}

static void teardown(void) {
    gf_gate_rig_stop(&rig);
}

static void make_token(uint64_t seed, enum gf_token_kind kind, const char *role_id) {
    gf_gate_rig_make_token(seed, kind, &role_id, role_id == NULL ? 0 : 1, &token);
    gf_gate_rig_put_token(&rig, &token);
}

static enum gf_code call(const char *method, const char *authorization) {
    return gf_gate_rig_call(&rig.people, gf_gate_rig_method(method), authorization, NULL, &error);
}

static enum gf_code call_as(const char *method) {
    return gf_gate_rig_call_as(&rig.people, gf_gate_rig_method(method), &token, NULL, &error);
}

static enum gf_code get_run(const struct gf_gate_rig_server *server, const char *authorization,
                            const char *namespace_id, const char *pipeline_id, int64_t run_id) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    request.namespace_id = (char *)(uintptr_t)namespace_id;
    request.pipeline_id = (char *)(uintptr_t)pipeline_id;
    request.run_id = run_id;
    return gf_gate_rig_call(server, gf_gate_rig_method("gofer.v1.RunService/GetRun"), authorization,
                            &request.base, &error);
}

static const char *bearer(const struct gf_token_text *text) {
    static char value[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(value, sizeof(value), "Bearer %s", text->chars);
    return value;
}

static void expect_refused(enum gf_code rc, enum gf_code code, const char *reason) {
    cr_expect_eq(rc, code, "%s: %s", gf_code_name(rc), error.message);
    cr_expect_str_eq(error.reason, reason);
    cr_expect_null(strstr(error.message, "gfr_b_"), "%s", error.message);
    cr_expect_null(strstr(error.message, "gfr_r_"), "%s", error.message);
    cr_expect_eq(atomic_load(&rig.reached), 0);
}

TestSuite(access_gate, .init = setup, .fini = teardown);

/* ---- tokens ---- */

Test(access_gate, open_methods_need_no_token) {
    cr_assert_eq(call("gofer.v1.SystemService/GetSystemInfo", NULL), GF_OK);
    cr_assert_eq(call("grpc.health.v1.Health/Check", NULL), GF_OK);
    cr_assert_eq(call("gofer.v1.SystemService/GetSystemInfo", "Bearer nonsense"), GF_OK,
                 "what is not asked for is not looked at");
}

Test(access_gate, all_others_need_one) {
    expect_refused(call("gofer.v1.SystemService/GetSystemSummary", NULL), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    expect_refused(call("gofer.v1.TokenService/WhoAmI", NULL), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    expect_refused(call("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", NULL),
                   GF_UNAUTHENTICATED, "TOKEN_REQUIRED");
}

Test(access_gate, what_is_no_token_is_malformed) {
    const char *const method = "gofer.v1.TokenService/WhoAmI";
    expect_refused(call(method, "nonsense"), GF_UNAUTHENTICATED, "TOKEN_MALFORMED");
    expect_refused(call(method, "Bearer gfr_b_0000"), GF_UNAUTHENTICATED, "TOKEN_MALFORMED");
}

Test(access_gate, unknown_disabled_expired_and_deleted_tokens_get_the_same_answer) {
    const char *const method = "gofer.v1.TokenService/WhoAmI";
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_BOT, NULL, 0, &token);
    expect_refused(call_as(method), GF_UNAUTHENTICATED, "TOKEN_INVALID");
    const struct gf_error unknown = error;
    token.row.disabled = true;
    gf_gate_rig_put_token(&rig, &token);
    expect_refused(call_as(method), GF_UNAUTHENTICATED, "TOKEN_INVALID");
    cr_expect_str_eq(error.message, unknown.message);
    token.row.disabled = false;
    token.row.expire_time = gf_clock_wall_ns(&rig.clock.clock);
    gf_gate_rig_put_token(&rig, &token);
    expect_refused(call_as(method), GF_UNAUTHENTICATED, "TOKEN_INVALID");
    cr_expect_str_eq(error.message, unknown.message);
    token.row.expire_time++;
    gf_gate_rig_put_token(&rig, &token);
    cr_assert_eq(call_as(method), GF_OK, "%s", error.message);
    gf_fake_clock_advance(&rig.clock, 1);
    atomic_store(&rig.reached, 0);
    expect_refused(call_as(method), GF_UNAUTHENTICATED, "TOKEN_INVALID");
    gf_gate_rig_remove_token(&rig, &token);
    expect_refused(call_as(method), GF_UNAUTHENTICATED, "TOKEN_INVALID");
    cr_expect_str_eq(error.message, unknown.message);
}

Test(access_gate, kind_of_a_token_is_part_of_its_text) {
    make_token(1, GF_TOKEN_KIND_BOT, "admin");
    struct gf_gate_rig_token other;
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_HUMAN, NULL, 0, &other);
    expect_refused(call("gofer.v1.TokenService/WhoAmI", bearer(&other.text)), GF_UNAUTHENTICATED,
                   "TOKEN_INVALID");
}

static enum gf_code call_with_two(const char *first, const char *second) {
    const struct gf_rpc_metadata metadata[] = {{"authorization", first}, {"authorization", second}};
    const struct gf_rpc_call_opts opts = {
        .timeout_ms = 30000, .metadata = metadata, .metadata_count = 2};
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.TokenService/WhoAmI");
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    ProtobufCMessage *request = gf_arena_alloc(&arena, method->request->sizeof_message);
    ProtobufCMessage *response = NULL;
    protobuf_c_message_init(method->request, request);
    const enum gf_code rc =
        gf_rpc_unary(rig.people.channel, method, &opts, request, &arena, &response, &error);
    gf_arena_fini(&arena);
    return rc;
}

Test(access_gate, two_different_values_are_refused) {
    make_token(1, GF_TOKEN_KIND_BOT, NULL);
    char good[GF_TOKEN_CHARS_MAX + 16];
    (void)snprintf(good, sizeof(good), "Bearer %s", token.text.chars);
    expect_refused(call_with_two(good, "Bearer other"), GF_UNAUTHENTICATED, "TOKEN_MALFORMED");
    expect_refused(call_with_two("Bearer other", good), GF_UNAUTHENTICATED, "TOKEN_MALFORMED");
    cr_assert_eq(call_with_two(good, good), GF_OK, "%s", error.message);
}

/* ---- permissions ---- */

Test(access_gate, role_allows_what_it_says_and_nothing_else) {
    gf_gate_rig_put_namespace_role(&rig, "of-red", "red");
    make_token(1, GF_TOKEN_KIND_BOT, "of-red");
    const char *const who = bearer(&token.text);
    cr_assert_eq(get_run(&rig.people, who, "red", "nightly", 1), GF_OK, "%s", error.message);
    atomic_store(&rig.reached, 0);
    expect_refused(get_run(&rig.people, who, "blue", "nightly", 1), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    cr_expect_str_eq(error.message, "needs action READ on resource RUNS in namespace 'blue'");
    expect_refused(get_run(&rig.people, who, "", "nightly", 1), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    cr_expect_str_eq(error.message, "needs action READ on resource RUNS in namespace 'default'");
}

Test(access_gate, caller_without_any_such_right_is_refused_at_once) {
    make_token(1, GF_TOKEN_KIND_BOT, "reader");
    expect_refused(call_as("gofer.v1.TokenService/ListTokens"), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    cr_expect_str_eq(error.message, "needs action READ on resource TOKENS");
    expect_refused(call_as("gofer.v1.ImageService/ImportImage"), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
}

Test(access_gate, lists_are_open_to_who_may_see_a_part) {
    make_token(1, GF_TOKEN_KIND_BOT, "reader");
    cr_assert_eq(call_as("gofer.v1.NamespaceService/ListNamespaces"), GF_OK, "%s", error.message);
    cr_assert_eq(call_as("gofer.v1.PipelineService/ListPipelines"), GF_OK, "%s", error.message);
    cr_assert_eq(call_as("gofer.v1.EventService/ListEvents"), GF_OK, "%s", error.message);
    Gofer__V1__ListPipelinesRequest request = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    request.namespace_id = "blue";
    atomic_store(&rig.reached, 0);
    expect_refused(gf_gate_rig_call_as(&rig.people,
                                       gf_gate_rig_method("gofer.v1.PipelineService/ListPipelines"),
                                       &token, &request.base, &error),
                   GF_PERMISSION_DENIED, "PERMISSION_MISSING");
}

Test(access_gate, stream_is_asked_for_what_its_first_message_says) {
    gf_gate_rig_put_namespace_role(&rig, "of-red", "red");
    make_token(1, GF_TOKEN_KIND_BOT, "of-red");
    const struct gf_rpc_method *method =
        gf_gate_rig_method("gofer.v1.TaskExecutionService/AttachTaskExecution");
    Gofer__V1__AttachTaskExecutionRequest request = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__AttachStart start = GOFER__V1__ATTACH_START__INIT;
    start.namespace_id = "red";
    start.pipeline_id = "nightly";
    start.run_id = 1;
    request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START;
    request.start = &start;
    cr_assert_eq(gf_gate_rig_call_as(&rig.people, method, &token, &request.base, &error), GF_OK,
                 "%s", error.message);
    start.namespace_id = "blue";
    cr_assert_eq(gf_gate_rig_call_as(&rig.people, method, &token, &request.base, &error),
                 GF_PERMISSION_DENIED);
    cr_assert_str_eq(error.message,
                     "needs action ATTACH on resource TASK_EXECUTIONS in namespace 'blue'");
}

Test(access_gate, extensions_alone_connect) {
    make_token(1, GF_TOKEN_KIND_BOT, "admin");
    expect_refused(call_as("gofer.extension.v1.ExtensionService/Connect"), GF_UNAUTHENTICATED,
                   "TOKEN_OF_NO_EXTENSION");
    make_token(2, GF_TOKEN_KIND_EXTENSION, NULL);
    cr_assert_eq(call_as("gofer.extension.v1.ExtensionService/Connect"), GF_OK, "%s",
                 error.message);
}

/* ---- doors ---- */

Test(access_gate, bootstrap_is_for_people_of_this_machine) {
    cr_assert_eq(call("gofer.v1.TokenService/BootstrapToken", NULL), GF_OK, "%s", error.message);
    atomic_store(&rig.reached, 0);
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.TokenService/BootstrapToken");
    expect_refused(gf_gate_rig_call(&rig.tasks, method, NULL, NULL, &error), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    make_token(1, GF_TOKEN_KIND_BOT, "admin");
    expect_refused(gf_gate_rig_call_as(&rig.tasks, method, &token, NULL, &error),
                   GF_PERMISSION_DENIED, "PERMISSION_MISSING");
}

Test(access_gate, door_of_tasks_always_wants_a_token) {
    const struct gf_rpc_method *method = gf_gate_rig_method("gofer.v1.SystemService/GetSystemInfo");
    expect_refused(gf_gate_rig_call(&rig.tasks, method, NULL, NULL, &error), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    make_token(1, GF_TOKEN_KIND_BOT, NULL);
    cr_assert_eq(gf_gate_rig_call_as(&rig.tasks, method, &token, NULL, &error), GF_OK, "%s",
                 error.message);
}

static void note_principal(struct gf_rpc_call *rpc, const ProtobufCMessage *request, void *ctx) {
    struct gf_gate_rig *self = ctx;
    *(enum gf_principal_kind *)self->user = gf_principal_of(rpc)->kind;
    (void)request;
    struct gf_error done;
    (void)gf_fail(&done, GF_ABORTED, "seen");
    gf_rpc_fail(rpc, &done);
}

Test(access_gate_doors, development_mode_lets_people_in_and_not_tasks) {
    struct gf_gate_options options = roomy;
    options.development_mode = true;
    gf_gate_rig_start(&rig, &options, NULL);
    enum gf_principal_kind kind = 0;
    rig.on_start = note_principal;
    rig.user = &kind;
    make_token(1, GF_TOKEN_KIND_BOT, NULL);
    cr_assert_eq(get_run(&rig.people, NULL, "red", "nightly", 1), GF_ABORTED);
    cr_assert_eq(kind, GF_PRINCIPAL_DEVELOPMENT);
    cr_assert_eq(get_run(&rig.people, bearer(&token.text), "red", "nightly", 1), GF_ABORTED);
    cr_assert_eq(kind, GF_PRINCIPAL_DEVELOPMENT, "a token is not even looked at");
    cr_assert_eq(get_run(&rig.people, "nonsense", "red", "nightly", 1), GF_ABORTED);
    atomic_store(&rig.reached, 0);
    expect_refused(get_run(&rig.tasks, NULL, "red", "nightly", 1), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    expect_refused(get_run(&rig.tasks, bearer(&token.text), "red", "nightly", 1),
                   GF_PERMISSION_DENIED, "PERMISSION_MISSING");
    gf_gate_rig_stop(&rig);
}

Test(access_gate_doors, anonymous_callers_are_let_in_where_the_admin_says_so) {
    struct gf_gate_options options = roomy;
    options.allow_anonymous = true;
    gf_gate_rig_start(&rig, &options, NULL);
    enum gf_principal_kind kind = 0;
    rig.on_start = note_principal;
    rig.user = &kind;
    cr_assert_eq(get_run(&rig.people, NULL, "default", "nightly", 1), GF_ABORTED);
    cr_assert_eq(kind, GF_PRINCIPAL_ANONYMOUS);
    atomic_store(&rig.reached, 0);
    expect_refused(get_run(&rig.people, NULL, "red", "nightly", 1), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    expect_refused(call("gofer.v1.RunService/StartRun", NULL), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    expect_refused(get_run(&rig.people, "Bearer x", "default", "nightly", 1), GF_UNAUTHENTICATED,
                   "TOKEN_MALFORMED");
    expect_refused(get_run(&rig.tasks, NULL, "default", "nightly", 1), GF_UNAUTHENTICATED,
                   "TOKEN_REQUIRED");
    gf_gate_rig_stop(&rig);
}

/* ---- runs ---- */

static struct gf_vault *make_vault(struct gf_secret_store **out_store) {
    *out_store = gf_memory_secret_store_create();
    const struct gf_vault_options options = {
        .store = *out_store, .masters = gf_test_masters(1), .clock = gf_clock_system()};
    struct gf_vault *vault = NULL;
    cr_assert_eq(gf_vault_create(&options, &vault, &error), GF_OK, "%s", error.message);
    return vault;
}

static void forge_checksum(struct gf_token_text *text) {
    text->chars[text->len - 1] = text->chars[text->len - 1] == 'x' ? 'y' : 'x';
}

Test(access_gate_runs, token_of_a_run_lets_in_while_the_run_is_under_way) {
    struct gf_secret_store *store = NULL;
    struct gf_vault *vault = make_vault(&store);
    struct gf_gate_options options = roomy;
    options.vault = vault;
    gf_gate_rig_start(&rig, &options, NULL);
    const struct gf_run run = {
        .run_key = 9, .run_id = 3, .namespace_id = GF_STR("red"), .pipeline_id = GF_STR("nightly")};
    const struct gf_run_identity identity = {9, 3, run.namespace_id, run.pipeline_id};
    struct gf_token_text text;
    gf_vault_make_run_token(vault, &identity, &text);
    gf_gate_rig_launch(&rig, &run, /* inject_token= */ false);
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_UNAUTHENTICATED,
                   "TOKEN_INVALID");
    gf_gate_rig_launch(&rig, &run, /* inject_token= */ true);
    cr_assert_eq(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_OK, "%s",
                 error.message);
    cr_assert_eq(get_run(&rig.people, bearer(&text), "red", "nightly", 3), GF_OK, "%s",
                 error.message);
    atomic_store(&rig.reached, 0);
    /* Nothing but its own run. */
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 2), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 0), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "other", 3), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    expect_refused(get_run(&rig.tasks, bearer(&text), "blue", "nightly", 3), GF_PERMISSION_DENIED,
                   "PERMISSION_MISSING");
    gf_gate_rig_complete(&rig, &run);
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_UNAUTHENTICATED,
                   "TOKEN_INVALID");
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(vault);
    store->ops->destroy(store);
}

Test(access_gate_runs, forged_tokens_of_runs_do_not_let_in) {
    struct gf_secret_store *store = NULL;
    struct gf_vault *vault = make_vault(&store);
    struct gf_gate_options options = roomy;
    options.vault = vault;
    gf_gate_rig_start(&rig, &options, NULL);
    const struct gf_run run = {
        .run_key = 9, .run_id = 3, .namespace_id = GF_STR("red"), .pipeline_id = GF_STR("nightly")};
    gf_gate_rig_launch(&rig, &run, true);
    const struct gf_run_identity identity = {9, 3, run.namespace_id, run.pipeline_id};
    struct gf_token_text text;
    /* Made with a secret of somebody else's. */
    const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES] = {0};
    gf_run_token_make(secret, &identity, &text);
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_UNAUTHENTICATED,
                   "TOKEN_INVALID");
    /* Of another run. */
    const struct gf_run_identity other = {10, 4, run.namespace_id, run.pipeline_id};
    gf_vault_make_run_token(vault, &other, &text);
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 4), GF_UNAUTHENTICATED,
                   "TOKEN_INVALID");
    gf_vault_make_run_token(vault, &identity, &text);
    forge_checksum(&text);
    expect_refused(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_UNAUTHENTICATED,
                   "TOKEN_MALFORMED");
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(vault);
    store->ops->destroy(store);
}

Test(access_gate_runs, runs_that_were_under_way_at_the_start_have_their_tokens) {
    struct gf_secret_store *store = NULL;
    struct gf_vault *vault = make_vault(&store);
    struct gf_gate_options options = roomy;
    options.vault = vault;
    gf_gate_rig_start(&rig, &options, NULL);
    const struct gf_run run = {
        .run_key = 9, .run_id = 3, .namespace_id = GF_STR("red"), .pipeline_id = GF_STR("nightly")};
    struct gf_task tasks[2] = {{.inject_token = false}, {.inject_token = true}};
    const struct gf_config config = {.tasks = tasks, .task_count = 2};
    rig.listener.restored(rig.listener.ctx, &run, &config);
    const struct gf_run_identity identity = {9, 3, run.namespace_id, run.pipeline_id};
    struct gf_token_text text;
    gf_vault_make_run_token(vault, &identity, &text);
    cr_assert_eq(get_run(&rig.tasks, bearer(&text), "red", "nightly", 3), GF_OK, "%s",
                 error.message);
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(vault);
    store->ops->destroy(store);
}

/* ---- figures ---- */

Test(access_gate, refusals_are_counted_by_their_reason) {
    struct gf_gate_stats stats;
    (void)call("gofer.v1.SystemService/GetSystemSummary", NULL);
    (void)call("gofer.v1.SystemService/GetSystemSummary", "nonsense");
    (void)call("gofer.v1.SystemService/GetSystemSummary", "nonsense");
    gf_gate_stats(rig.gate, &stats);
    cr_expect_eq(stats.refused_total[GF_GATE_REFUSAL_TOKEN_REQUIRED], 1);
    cr_expect_eq(stats.refused_total[GF_GATE_REFUSAL_TOKEN_MALFORMED], 2);
    cr_expect_eq(stats.refused_total[GF_GATE_REFUSAL_TOKEN_INVALID], 0);
    cr_expect_eq(stats.refused_total[GF_GATE_REFUSAL_OTHER], 0);
    cr_expect_eq(stats.audit_left_out_total, 0);
    cr_expect_eq(stats.streams, 0);
    cr_expect_eq(stats.addresses, 1);
    cr_expect_eq(stats.addresses_open, 0);
}
