/*
 * Namespaces are walls: every RPC is called by those who may not, and nothing of what is behind the
 * wall is to be seen, not even that it is there. Requests are filled through their descriptors, so
 * that an RPC that is added is tested with the others.
 */
#include "api/access/methods.h"
#include "api/access/testing/rig.h"
#include "api/service/services.h"
#include "api/service/unimplemented.h"
#include "engine/secrets/memory/memory.h"
#include "engine/secrets/testing/keys.h"
#include "tests/integration/access.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

/* ---- requests ---- */

struct subject {
    const char *namespace_id;
    const char *pipeline_id;
    int64_t run_id;
    bool second;              /* of the forms of a request, the second */
    const char *extension_id; /* NULL = "cron" */
};

static const char *text_for(const char *field, const struct subject *subject) {
    static const char *const texts[][2] = {
        {"task_id", "one"},
        {"key", "some-key"},
        {"role_id", "some-role"},
        {"token_id", "some-token"},
        {"subscription_id", "some-one"},
        {"reference", "busybox:latest"},
    };
    if (strcmp(field, "namespace_id") == 0) {
        return subject->namespace_id;
    }
    if (strcmp(field, "pipeline_id") == 0 || strcmp(field, "id") == 0) {
        return subject->pipeline_id;
    }
    if (strcmp(field, "extension_id") == 0) {
        return subject->extension_id == NULL ? "cron" : subject->extension_id;
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(texts); i++) {
        if (strcmp(field, texts[i][0]) == 0) {
            return texts[i][1];
        }
    }
    return "";
}

static ProtobufCMessage *make_message(const ProtobufCMessageDescriptor *type,
                                      const struct subject *subject);

/* The messages that say what a request is about. */
static bool is_subject(const char *field, const struct subject *subject) {
    return strcmp(field, "start") == 0 || strcmp(field, "spec") == 0 ||
           strcmp(field, "filter") == 0 || strcmp(field, subject->second ? "exec" : "attach") == 0;
}

static void fill(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                 const struct subject *subject) {
    char *at = (char *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = text_for(field->name, subject);
        memcpy(at, &text, sizeof(text));
    } else if (field->type == PROTOBUF_C_TYPE_INT64) {
        const int64_t number = strcmp(field->name, "run_id") == 0 ? subject->run_id : 1;
        memcpy(at, &number, sizeof(number));
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && is_subject(field->name, subject)) {
        const ProtobufCMessage *part = make_message(field->descriptor, subject);
        memcpy(at, &part, sizeof(part));
        if ((field->flags & (uint32_t)PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy((char *)message + field->quantifier_offset, &field->id, sizeof(field->id));
        }
    }
}

static ProtobufCMessage *make_message(const ProtobufCMessageDescriptor *type,
                                      const struct subject *subject) {
    ProtobufCMessage *message = gf_arena_alloc(&arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const bool member = (field->flags & (uint32_t)PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (!member || field->type == PROTOBUF_C_TYPE_MESSAGE) {
            fill(message, field, subject);
        }
    }
    return message;
}

/* For every method of every service. */
static void for_each(void (*fn)(const struct gf_rpc_method *method,
                                const struct gf_method_rule *rule, void *ctx),
                     void *ctx) {
    size_t service_count = 0;
    size_t rule_count = 0;
    const struct gf_rpc_service *const *services = gf_method_services(&service_count);
    const struct gf_method_rule *rules = gf_method_rules(&rule_count);
    for (size_t i = 0; i < service_count; i++) {
        for (size_t k = 0; k < services[i]->method_count; k++) {
            const struct gf_rpc_method *method = &services[i]->methods[k];
            size_t at = 0;
            while (strcmp(rules[at].method, method->path + 1) != 0) {
                at++;
                cr_assert_lt(at, rule_count, "%s has no row", method->path);
            }
            fn(method, &rules[at], ctx);
        }
    }
}

Test(wall, every_service_of_the_server_is_behind_it) {
    size_t count = 0;
    size_t known_count = 0;
    const struct gf_rpc_service *const *services = gf_services_list(&count);
    const struct gf_rpc_service *const *known = gf_method_services(&known_count);
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (at < known_count && known[at] != services[i]) {
            at++;
        }
        cr_expect_lt(at, known_count, "%s", services[i]->name);
    }
}

/* ---- strangers, at the gate alone ---- */

static struct gf_gate_rig rig;

static const struct gf_gate_options roomy = {
    .token_rate_max = -1, .address_rate_max = -1, .address_streams_max = -1};

static const struct subject anything = {"blue", "nightly", 1, false, NULL};

static void call_stranger(const struct gf_rpc_method *method, const struct gf_method_rule *rule,
                          void *ctx) {
    const char *authorization = ctx;
    const ProtobufCMessage *request = make_message(method->request, &anything);
    gf_fake_clock_advance(&rig.clock, GF_NS_PER_HOUR); /* No refusal waits for those before. */
    const enum gf_code rc = gf_gate_rig_call(&rig.people, method, authorization, request, &error);
    if (rule->access == GF_METHOD_OPEN || rule->access == GF_METHOD_LOCAL) {
        cr_expect_eq(rc, GF_OK, "%s: %s", method->path, error.message);
        atomic_store(&rig.reached, 0);
        return;
    }
    cr_expect_eq(rc, GF_UNAUTHENTICATED, "%s: %s", method->path, gf_code_name(rc));
    cr_expect_str_eq(error.reason, authorization == NULL ? "TOKEN_REQUIRED" : "TOKEN_INVALID", "%s",
                     method->path);
    cr_expect_eq(atomic_load(&rig.reached), 0, "%s", method->path);
}

static void gate_setup(void) {
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_gate_rig_start(&rig, &roomy, NULL);
}

static void gate_teardown(void) {
    gf_gate_rig_stop(&rig);
    gf_arena_fini(&arena);
}

TestSuite(wall_gate, .init = gate_setup, .fini = gate_teardown);

Test(wall_gate, no_rpc_without_a_token) {
    for_each(call_stranger, NULL);
}

Test(wall_gate, no_rpc_with_a_guessed_token) {
    struct gf_gate_rig_token token;
    char value[GF_TOKEN_CHARS_MAX + 16];
    /* Well-formed, with a right checksum, and nobody's. */
    gf_gate_rig_make_token(4711, GF_TOKEN_KIND_HUMAN, NULL, 0, &token);
    (void)snprintf(value, sizeof(value), "Bearer %s", token.text.chars);
    for_each(call_stranger, value);
}

/* What somebody with a token gets who may not: it is of no extension, or has no such right. */
static enum gf_code refusal(const struct gf_method_rule *rule) {
    return rule->access == GF_METHOD_EXTENSION ? GF_UNAUTHENTICATED : GF_PERMISSION_DENIED;
}

static void call_without_roles(const struct gf_rpc_method *method,
                               const struct gf_method_rule *rule, void *ctx) {
    if (rule->access != GF_METHOD_PERMISSION && rule->access != GF_METHOD_EXTENSION) {
        return;
    }
    const ProtobufCMessage *request = make_message(method->request, &anything);
    const enum gf_code rc = gf_gate_rig_call_as(&rig.people, method, ctx, request, &error);
    cr_expect_eq(rc, refusal(rule), "%s: %s", method->path, gf_code_name(rc));
    cr_expect_eq(atomic_load(&rig.reached), 0, "%s", method->path);
}

Test(wall_gate, no_rpc_without_a_role) {
    struct gf_gate_rig_token token;
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_HUMAN, NULL, 0, &token);
    gf_gate_rig_put_token(&rig, &token);
    for_each(call_without_roles, &token);
}

static void call_next_door(const struct gf_rpc_method *method, const struct gf_method_rule *rule,
                           void *ctx) {
    if (rule->access != GF_METHOD_PERMISSION || rule->namespace_field == NULL) {
        return;
    }
    struct subject subject = anything;
    for (int form = 0; form < 2; form++) {
        subject.second = form == 1;
        const ProtobufCMessage *request = make_message(method->request, &subject);
        const enum gf_code rc = gf_gate_rig_call_as(&rig.people, method, ctx, request, &error);
        cr_expect_eq(rc, GF_PERMISSION_DENIED, "%s: %s", method->path, gf_code_name(rc));
    }
    subject.namespace_id = "red";
    const ProtobufCMessage *request = make_message(method->request, &subject);
    cr_expect_eq(gf_gate_rig_call_as(&rig.people, method, ctx, request, &error), GF_OK, "%s: %s",
                 method->path, error.message);
}

Test(wall_gate, no_rpc_in_the_next_namespace) {
    struct gf_gate_rig_token token;
    const char *const role = "all-of-red";
    gf_gate_rig_put_namespace_role(&rig, role, "red");
    gf_gate_rig_make_token(1, GF_TOKEN_KIND_HUMAN, &role, 1, &token);
    gf_gate_rig_put_token(&rig, &token);
    for_each(call_next_door, &token);
}

/* ---- tasks, at the gate alone ---- */

/* All that a task may do with its token, in its own run. */
static const char *const of_a_run[] = {
    "gofer.v1.ObjectService/GetPipelineObject",
    "gofer.v1.ObjectService/GetRunObject",
    "gofer.v1.ObjectService/ListPipelineObjects",
    "gofer.v1.ObjectService/ListRunObjects",
    "gofer.v1.ObjectService/PutRunObject",
    "gofer.v1.PipelineConfigService/DiffPipelineConfigs",
    "gofer.v1.PipelineConfigService/GetPipelineConfig",
    "gofer.v1.PipelineConfigService/ListPipelineConfigs",
    "gofer.v1.PipelineService/GetPipeline",
    "gofer.v1.PipelineService/ListPipelines", /* of which it sees its own */
    "gofer.v1.RunService/GetRun",
    "gofer.v1.RunService/WatchRun",
    "gofer.v1.TaskExecutionService/GetTaskExecution",
    "gofer.v1.TaskExecutionService/ListTaskExecutions",
};

static bool is_of_a_run(const char *method) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(of_a_run); i++) {
        if (strcmp(of_a_run[i], method) == 0) {
            return true;
        }
    }
    return false;
}

static void call_as_task(const struct gf_rpc_method *method, const struct gf_method_rule *rule,
                         void *ctx) {
    if (rule->access != GF_METHOD_PERMISSION && rule->access != GF_METHOD_LOCAL &&
        rule->access != GF_METHOD_EXTENSION) {
        return;
    }
    static const struct subject own = {"red", "nightly", 1, false, NULL};
    static const struct subject others[] = {{"red", "nightly", 2, false, NULL},
                                            {"red", "weekly", 1, false, NULL},
                                            {"blue", "nightly", 1, false, NULL}};
    const bool allowed = is_of_a_run(rule->method);
    const ProtobufCMessage *request = make_message(method->request, &own);
    enum gf_code rc = gf_gate_rig_call(&rig.tasks, method, ctx, request, &error);
    cr_expect_eq(rc, allowed ? GF_OK : refusal(rule), "%s: %s", method->path, gf_code_name(rc));
    for (size_t i = 0; i < GF_ARRAY_COUNT(others); i++) {
        request = make_message(method->request, &others[i]);
        rc = gf_gate_rig_call(&rig.tasks, method, ctx, request, &error);
        /* What asks for no run is allowed for its pipeline. */
        const bool same = allowed && i == 0 && rule->run_field == NULL;
        const bool listed = allowed && i < 2 && rule->filtered;
        cr_expect_eq(rc, same || listed ? GF_OK : refusal(rule), "%s, %zu: %s", method->path, i,
                     gf_code_name(rc));
    }
}

Test(wall_tasks, task_reaches_nothing_beyond_its_run) {
    struct gf_secret_store *store = gf_memory_secret_store_create();
    const struct gf_vault_options vault_options = {
        .store = store, .masters = gf_test_masters(1), .clock = gf_clock_system()};
    struct gf_gate_options options = roomy;
    cr_assert_eq(gf_vault_create(&vault_options, &options.vault, &error), GF_OK);
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_gate_rig_start(&rig, &options, NULL);
    const struct gf_run run = {
        .run_key = 5, .run_id = 1, .namespace_id = GF_STR("red"), .pipeline_id = GF_STR("nightly")};
    const struct gf_run_identity identity = {5, 1, run.namespace_id, run.pipeline_id};
    gf_gate_rig_launch(&rig, &run, /* inject_token= */ true);
    struct gf_token_text text;
    char value[GF_TOKEN_CHARS_MAX + 16];
    gf_vault_make_run_token(options.vault, &identity, &text);
    (void)snprintf(value, sizeof(value), "Bearer %s", text.chars);
    for_each(call_as_task, value);
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(options.vault);
    store->ops->destroy(store);
    gf_arena_fini(&arena);
}

/* ---- extensions, at the gate alone ---- */

/* All that an extension may do with the role that every extension has, about itself. */
static const char *const of_an_extension[] = {
    "gofer.v1.ExtensionService/GetDeadLetter",   "gofer.v1.ExtensionService/GetExtension",
    "gofer.v1.ExtensionService/ListDeadLetters", "gofer.v1.ExtensionService/ListExtensionReports",
    "gofer.v1.ExtensionService/ListExtensions", /* of which it sees itself */
    "gofer.v1.ExtensionService/WatchExtension",  "gofer.v1.ObjectService/DeleteExtensionObject",
    "gofer.v1.ObjectService/GetExtensionObject", "gofer.v1.ObjectService/ListExtensionObjects",
    "gofer.v1.ObjectService/PutExtensionObject",
};

static bool is_of_an_extension(const char *method) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(of_an_extension); i++) {
        if (strcmp(of_an_extension[i], method) == 0) {
            return true;
        }
    }
    return false;
}

static void call_as_extension(const struct gf_rpc_method *method, const struct gf_method_rule *rule,
                              void *ctx) {
    if (rule->access != GF_METHOD_PERMISSION) {
        return;
    }
    const bool allowed = is_of_an_extension(rule->method);
    struct subject subject = anything;
    subject.extension_id = "cron";
    const ProtobufCMessage *request = make_message(method->request, &subject);
    enum gf_code rc = gf_gate_rig_call(&rig.tasks, method, ctx, request, &error);
    cr_expect_eq(rc, allowed ? GF_OK : GF_PERMISSION_DENIED, "%s: %s", method->path,
                 gf_code_name(rc));
    subject.extension_id = "crony";
    request = make_message(method->request, &subject);
    rc = gf_gate_rig_call(&rig.tasks, method, ctx, request, &error);
    cr_expect_eq(rc, allowed && rule->filtered ? GF_OK : GF_PERMISSION_DENIED, "%s: %s",
                 method->path, gf_code_name(rc));
}

Test(wall_tasks, extension_reaches_nothing_but_its_own) {
    struct gf_secret_store *store = gf_memory_secret_store_create();
    const struct gf_vault_options vault_options = {
        .store = store, .masters = gf_test_masters(1), .clock = gf_clock_system()};
    struct gf_gate_options options = roomy;
    cr_assert_eq(gf_vault_create(&vault_options, &options.vault, &error), GF_OK);
    gf_arena_init(&arena, (size_t)1 << 30);
    gf_gate_rig_start(&rig, &options, NULL);
    const struct gf_extension row = {
        .extension_key = 5,
        .extension_id = GF_STR("cron"),
        .serving = {.attempt = 2, .state = GF_INSTANCE_RUNNING},
    };
    const struct gf_extension_identity identity = {
        .extension_key = 5, .attempt = 2, .extension_id = GF_STR("cron")};
    gf_gate_rig_put_extension(&rig, &row);
    struct gf_token_text text;
    char value[GF_TOKEN_CHARS_MAX + 16];
    gf_vault_make_extension_token(options.vault, &identity, &text);
    (void)snprintf(value, sizeof(value), "Bearer %s", text.chars);
    for_each(call_as_extension, value);
    gf_gate_rig_stop(&rig);
    gf_vault_destroy(options.vault);
    store->ops->destroy(store);
    gf_arena_fini(&arena);
}

/* ---- the whole server, with something behind the wall ---- */

static struct gf_rpc_channel *red; /* may do everything in "red" */

static void server_setup(void) {
    access_setup();
    create_namespace("red");
    create_namespace("blue");
    register_in("blue", "hidden");
    register_in("red", "shown");
    make_role("all-of-red", may("red", RESOURCE(ALL), NULL, ACTION(ALL)), NULL);
    red = log_in("anna", "all-of-red");
}

TestSuite(wall_server, .init = server_setup, .fini = access_teardown);

static enum gf_code call_red(const struct gf_rpc_method *method, const struct subject *subject,
                             struct gf_error *err) {
    const struct gf_gate_rig_server server = {.channel = red, .timeout_ms = TIMEOUT_MS};
    return gf_gate_rig_call(&server, method, NULL, make_message(method->request, subject), err);
}

static void compare(const struct gf_rpc_method *method, const struct gf_method_rule *rule,
                    void *ctx) {
    size_t *count = ctx;
    if (rule->access != GF_METHOD_PERMISSION || rule->namespace_field == NULL) {
        return;
    }
    const bool available = gf_unimplemented_find(method->path) == NULL;
    static const struct subject there = {"blue", "hidden", 1, false, NULL};
    static const struct subject not_there = {"blue", "ghostly", 99, false, NULL};
    struct gf_error first = {0};
    struct gf_error second = {0};
    const enum gf_code rc = call_red(method, &there, &first);
    const enum gf_code other = call_red(method, &not_there, &second);
    cr_expect_eq(rc, available ? GF_PERMISSION_DENIED : GF_UNIMPLEMENTED, "%s: %s", method->path,
                 gf_code_name(rc));
    cr_expect_eq(rc, other, "%s", method->path);
    cr_expect_str_eq(first.message, second.message, "%s", method->path);
    cr_expect_str_eq(first.reason, second.reason, "%s", method->path);
    cr_expect_str_eq(first.field, second.field, "%s", method->path);
    /* And as in a namespace that is not there, but for its name, which the caller gave. */
    static const struct subject nowhere = {"ghost", "hidden", 1, false, NULL};
    cr_expect_eq(call_red(method, &nowhere, &second), rc, "%s", method->path);
    cr_expect_str_eq(first.reason, second.reason, "%s", method->path);
    (*count)++;
}

Test(wall_server, answer_is_the_same_whether_a_thing_is_there_or_not) {
    size_t count = 0;
    for_each(compare, &count);
    cr_expect_gt(count, 50);
}

Test(wall_server, lists_leave_out_what_is_behind_the_wall) {
    Gofer__V1__ListNamespacesRequest spaces = GOFER__V1__LIST_NAMESPACES_REQUEST__INIT;
    Gofer__V1__ListNamespacesResponse *found = NULL;
    cr_assert_eq(
        gofer_v1_namespace_service_list_namespaces(red, NULL, &spaces, &arena, &found, &error),
        GF_OK, "%s", error.message);
    cr_assert_eq(found->n_namespaces, 1);
    cr_assert_str_eq(found->namespaces[0]->namespace_id, "red");
    Gofer__V1__ListPipelinesRequest pipelines = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    Gofer__V1__ListPipelinesResponse *listed = NULL;
    pipelines.namespace_id = "red";
    cr_assert_eq(
        gofer_v1_pipeline_service_list_pipelines(red, NULL, &pipelines, &arena, &listed, &error),
        GF_OK, "%s", error.message);
    cr_assert_eq(listed->n_pipelines, 1);
}

Test(wall_server, events_leave_out_what_is_behind_the_wall) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *all = NULL;
    Gofer__V1__ListEventsResponse *seen = NULL;
    cr_assert_eq(
        gofer_v1_event_service_list_events(harness.channel, NULL, &request, &arena, &all, &error),
        GF_OK);
    cr_assert_eq(gofer_v1_event_service_list_events(red, NULL, &request, &arena, &seen, &error),
                 GF_OK, "%s", error.message);
    cr_assert_gt(seen->n_events, 0);
    for (size_t i = 0; i < seen->n_events; i++) {
        cr_expect_str_neq(seen->events[i]->namespace_id, "blue");
        cr_expect_str_neq(seen->events[i]->namespace_id, "default");
    }
    /* One behind the wall is as one that never was. */
    size_t hidden = 0;
    for (size_t i = 0; i < all->n_events; i++) {
        if (strcmp(all->events[i]->namespace_id, "blue") != 0) {
            continue;
        }
        Gofer__V1__GetEventRequest get = GOFER__V1__GET_EVENT_REQUEST__INIT;
        Gofer__V1__GetEventResponse *got = NULL;
        get.event_id = all->events[i]->event_id;
        cr_expect_eq(gofer_v1_event_service_get_event(red, NULL, &get, &arena, &got, &error),
                     GF_NOT_FOUND);
        hidden++;
    }
    cr_assert_gt(hidden, 0);
}

static Gofer__V1__FollowEventsResponse *follow_next(struct gf_rpc_stream *stream) {
    Gofer__V1__FollowEventsResponse *message = NULL;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 GF_OK, "%s", error.message);
    cr_assert_not_null(message);
    return message;
}

Test(wall_server, followers_of_events_see_their_side_alone) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    cr_assert_eq(
        gofer_v1_event_service_follow_events_stream_open(red, NULL, &request, &stream, &error),
        GF_OK);
    cr_assert_null(follow_next(stream)->event);
    register_in("blue", "second");
    register_in("red", "second");
    for (;;) {
        const Gofer__V1__Event *event = follow_next(stream)->event;
        if (event == NULL) {
            continue;
        }
        cr_expect_str_neq(event->namespace_id, "blue");
        if (strcmp(event->namespace_id, "red") == 0) {
            break;
        }
    }
    gf_rpc_stream_destroy(stream);
}
