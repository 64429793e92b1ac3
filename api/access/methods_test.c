/* The table is complete, and says what the requests have. */
#include "api/access/methods.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/task_execution.gofer.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_method_rule *find_rule(const char *method) {
    size_t count = 0;
    const struct gf_method_rule *rules = gf_method_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i].method, method) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

Test(access_methods, every_method_has_a_row_and_every_row_a_method) {
    size_t service_count = 0;
    size_t method_count = 1; /* The older name of reflection, whose table is reflection's own. */
    const struct gf_rpc_service *const *services = gf_method_services(&service_count);
    for (size_t i = 0; i < service_count; i++) {
        for (size_t k = 0; k < services[i]->method_count; k++, method_count++) {
            const char *name = services[i]->methods[k].path + 1;
            cr_expect_not_null(find_rule(name), "%s has no row", name);
        }
    }
    cr_assert_not_null(find_rule("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"));
    size_t rule_count = 0;
    (void)gf_method_rules(&rule_count);
    cr_assert_eq(rule_count, method_count);
}

Test(access_methods, rows_are_in_order_and_about_what_a_permission_may_name) {
    size_t count = 0;
    const struct gf_method_rule *rules = gf_method_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            cr_expect_lt(strcmp(rules[i - 1].method, rules[i].method), 0, "%s", rules[i].method);
        }
        if (rules[i].access == GF_METHOD_PERMISSION) {
            cr_expect(gf_permission_fits(rules[i].resource, rules[i].action), "%s",
                      rules[i].method);
            cr_expect_neq(rules[i].resource, GF_PERMISSION_RESOURCE_ALL);
            cr_expect_neq(rules[i].action, GF_PERMISSION_ACTION_ALL);
        } else {
            cr_expect_eq(rules[i].resource, GF_PERMISSION_RESOURCE_UNSPECIFIED);
        }
    }
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  const char *name) {
    return protobuf_c_message_descriptor_get_field_by_name(type, name);
}

/* The message that says what a request is about, as uploads and terminals have it. */
static const ProtobufCMessageDescriptor *subject(const ProtobufCMessageDescriptor *request) {
    static const char *const names[] = {"start", "filter", "attach"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        const ProtobufCFieldDescriptor *field = find_field(request, names[i]);
        if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            return field->descriptor;
        }
    }
    return request;
}

/* What a request names must be asked for: a field that the row leaves out would be a hole. */
static void check_fields(const struct gf_rpc_method *method) {
    const struct gf_method_rule *rule = find_rule(method->path + 1);
    const ProtobufCMessageDescriptor *type = subject(method->request);
    const bool has_namespace = find_field(type, "namespace_id") != NULL;
    const bool has_pipeline = find_field(type, "pipeline_id") != NULL;
    const bool has_run = find_field(type, "run_id") != NULL;
    if (rule->resource == GF_PERMISSION_RESOURCE_SYSTEM) {
        return; /* It is about all namespaces, whatever the request names. */
    }
    cr_expect_eq(has_namespace, rule->namespace_field != NULL, "%s", rule->method);
    if (!rule->filtered) {
        cr_expect_eq(has_run, rule->run_field != NULL, "%s", rule->method);
        cr_expect_eq(has_pipeline,
                     rule->id_field != NULL && strcmp(rule->id_field, "pipeline_id") == 0, "%s",
                     rule->method);
        cr_expect_eq(has_namespace, gf_permission_resource_in_namespace(rule->resource), "%s",
                     rule->method);
    }
}

Test(access_methods, rows_use_what_requests_name) {
    size_t count = 0;
    const struct gf_rpc_service *const *services = gf_method_services(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < services[i]->method_count; k++) {
            if (find_rule(services[i]->methods[k].path + 1)->access == GF_METHOD_PERMISSION) {
                check_fields(&services[i]->methods[k]);
            }
        }
    }
}

Test(access_methods, what_holds_secrets_is_marked) {
    static const char *const names[] = {
        "gofer.v1.SecretService/PutPipelineSecret",
        "gofer.v1.SecretService/PutGlobalSecret",
        "gofer.v1.SecretService/RevealPipelineSecret",
        "gofer.v1.SecretService/RevealGlobalSecret",
        "gofer.v1.TokenService/CreateToken",
        "gofer.v1.TokenService/BootstrapToken",
        "gofer.v1.ImageService/PullImage",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        cr_expect(find_rule(names[i])->secret, "%s", names[i]);
    }
}

/* ---- requests ---- */

static struct gf_access_query query_of(const struct gf_rpc_method *method,
                                       const ProtobufCMessage *request) {
    struct gf_methods *methods = gf_methods_create();
    struct gf_access_query query;
    cr_assert(gf_method_query(gf_methods_find(methods, method), request, &query));
    gf_methods_destroy(methods);
    return query;
}

static const struct gf_rpc_method *method_of(const struct gf_rpc_service *service,
                                             const char *name) {
    for (size_t i = 0; i < service->method_count; i++) {
        if (strcmp(service->methods[i].name, name) == 0) {
            return &service->methods[i];
        }
    }
    gf_unreachable();
}

#define EXPECT_QUERY(query, ns, name, run)                                                         \
    do {                                                                                           \
        cr_expect(gf_str_eq((query).namespace_id, GF_STR(ns)));                                    \
        cr_expect(gf_str_eq((query).id, GF_STR(name)));                                            \
        cr_expect_eq((query).run_id, (run));                                                       \
    } while (0)

Test(access_methods, query_of_a_run) {
    Gofer__V1__GetRunRequest request = GOFER__V1__GET_RUN_REQUEST__INIT;
    const struct gf_rpc_method *method = method_of(&gofer_v1_run_service, "GetRun");
    request.pipeline_id = "nightly";
    request.run_id = 7;
    struct gf_access_query query = query_of(method, &request.base);
    EXPECT_QUERY(query, "default", "nightly", 7);
    cr_expect_eq(query.resource, GF_PERMISSION_RESOURCE_RUNS);
    cr_expect_eq(query.action, GF_PERMISSION_ACTION_READ);
    request.namespace_id = "blue";
    request.run_id = 0;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "blue", "nightly", INT64_MAX); /* no run, and not "of the pipeline" */
    request.run_id = -1;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "blue", "nightly", INT64_MAX);
}

Test(access_methods, query_of_a_spec) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__PipelineSpec spec = GOFER__V1__PIPELINE_SPEC__INIT;
    const struct gf_rpc_method *method =
        method_of(&gofer_v1_pipeline_config_service, "RegisterPipelineConfig");
    struct gf_access_query query = query_of(method, &request.base);
    EXPECT_QUERY(query, "default", "", 0); /* all pipelines */
    spec.id = "nightly";
    request.spec = &spec;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "default", "nightly", 0);
}

Test(access_methods, query_of_namespaces) {
    const struct gf_rpc_service *service = &gofer_v1_namespace_service;
    Gofer__V1__GetNamespaceRequest get = GOFER__V1__GET_NAMESPACE_REQUEST__INIT;
    struct gf_access_query query = query_of(method_of(service, "GetNamespace"), &get.base);
    EXPECT_QUERY(query, "default", "default", 0);
    get.namespace_id = "blue";
    query = query_of(method_of(service, "GetNamespace"), &get.base);
    EXPECT_QUERY(query, "blue", "blue", 0);
    Gofer__V1__DeleteNamespaceRequest remove = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    query = query_of(method_of(service, "DeleteNamespace"), &remove.base);
    EXPECT_QUERY(query, "", "", 0); /* it has no default: all of them */
}

Test(access_methods, query_of_events_is_where_the_filter_says) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    const struct gf_rpc_method *method = method_of(&gofer_v1_event_service, "ListEvents");
    struct gf_access_query query = query_of(method, &request.base);
    EXPECT_QUERY(query, "", "", 0);
    filter.namespace_id = "blue";
    request.filter = &filter;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "blue", "", 0);
}

Test(access_methods, query_of_a_terminal_is_in_the_form_that_is_set) {
    Gofer__V1__OpenTerminalRequest request = GOFER__V1__OPEN_TERMINAL_REQUEST__INIT;
    Gofer__V1__AttachStart attach = GOFER__V1__ATTACH_START__INIT;
    Gofer__V1__ExecStart exec = GOFER__V1__EXEC_START__INIT;
    const struct gf_rpc_method *method =
        method_of(&gofer_v1_task_execution_service, "OpenTerminal");
    struct gf_access_query query = query_of(method, &request.base);
    EXPECT_QUERY(query, "default", "", 0); /* nothing is named: everything is asked for */
    attach.namespace_id = "red";
    attach.pipeline_id = "one";
    attach.run_id = 1;
    exec.namespace_id = "blue";
    exec.pipeline_id = "two";
    exec.run_id = 2;
    request.target_case = GOFER__V1__OPEN_TERMINAL_REQUEST__TARGET_ATTACH;
    request.attach = &attach;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "red", "one", 1);
    request.target_case = GOFER__V1__OPEN_TERMINAL_REQUEST__TARGET_EXEC;
    request.exec = &exec;
    query = query_of(method, &request.base);
    EXPECT_QUERY(query, "blue", "two", 2);
}

Test(access_methods, later_messages_of_a_stream_ask_for_nothing) {
    struct gf_methods *methods = gf_methods_create();
    const struct gf_method *method = gf_methods_find(
        methods, method_of(&gofer_v1_task_execution_service, "AttachTaskExecution"));
    Gofer__V1__AttachTaskExecutionRequest request = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__INIT;
    Gofer__V1__TerminalInput input = GOFER__V1__TERMINAL_INPUT__INIT;
    struct gf_access_query query;
    cr_assert_not(gf_method_query(method, &request.base, &query));
    request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_INPUT;
    request.input = &input;
    cr_assert_not(gf_method_query(method, &request.base, &query));
    Gofer__V1__AttachStart attach = GOFER__V1__ATTACH_START__INIT;
    attach.pipeline_id = "one";
    attach.run_id = 3;
    request.message_case = GOFER__V1__ATTACH_TASK_EXECUTION_REQUEST__MESSAGE_START;
    request.start = &attach;
    cr_assert(gf_method_query(method, &request.base, &query));
    EXPECT_QUERY(query, "default", "one", 3);
    gf_methods_destroy(methods);
}
