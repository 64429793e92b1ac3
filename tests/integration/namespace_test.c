#include "tests/integration/client.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

TestSuite(namespace, .init = client_setup, .fini = client_teardown);

static enum gf_code create(char *id, char *name, char *description,
                           Gofer__V1__CreateNamespaceResponse **out) {
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__CreateNamespaceResponse *response = NULL;
    request.namespace_id = id;
    request.name = name;
    request.description = description;
    const enum gf_code rc = gofer_v1_namespace_service_create_namespace(
        harness.channel, NULL, &request, &arena, out == NULL ? &response : out, &error);
    return rc;
}

static enum gf_code get(char *id, Gofer__V1__Namespace **out) {
    Gofer__V1__GetNamespaceRequest request = GOFER__V1__GET_NAMESPACE_REQUEST__INIT;
    Gofer__V1__GetNamespaceResponse *response = NULL;
    request.namespace_id = id;
    const enum gf_code rc = gofer_v1_namespace_service_get_namespace(
        harness.channel, NULL, &request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->namespace_;
    }
    return rc;
}

static enum gf_code update(char *id, char *name, char *path,
                           Gofer__V1__UpdateNamespaceResponse **out) {
    Gofer__V1__UpdateNamespaceRequest request = GOFER__V1__UPDATE_NAMESPACE_REQUEST__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    request.namespace_id = id;
    request.name = name;
    request.update_mask = path == NULL ? NULL : &mask;
    mask.n_paths = 1;
    mask.paths = &path;
    return gofer_v1_namespace_service_update_namespace(harness.channel, NULL, &request, &arena, out,
                                                       &error);
}

static enum gf_code delete_one(char *id, bool cascade) {
    Gofer__V1__DeleteNamespaceRequest request = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__DeleteNamespaceResponse *response = NULL;
    request.namespace_id = id;
    request.cascade = cascade;
    return gofer_v1_namespace_service_delete_namespace(harness.channel, NULL, &request, &arena,
                                                       &response, &error);
}

Test(namespace, default_is_there) {
    Gofer__V1__Namespace *ns = NULL;
    cr_assert_eq(get("", &ns), GF_OK, "%s", error.message);
    cr_expect_str_eq(ns->namespace_id, "default");
}

Test(namespace, lives_and_goes) {
    Gofer__V1__CreateNamespaceResponse *created = NULL;
    Gofer__V1__UpdateNamespaceResponse *updated = NULL;
    Gofer__V1__Namespace *ns = NULL;
    cr_assert_eq(create("team", "Team", "ours", &created), GF_OK, "%s", error.message);
    cr_expect_str_eq(created->namespace_->name, "Team");
    cr_assert_eq(update("team", "The team", "name", &updated), GF_OK, "%s", error.message);
    cr_expect(updated->changed);
    cr_assert_eq(update("team", "The team", "name", &updated), GF_OK);
    cr_expect_not(updated->changed);
    cr_assert_eq(get("team", &ns), GF_OK);
    cr_expect_str_eq(ns->name, "The team");
    cr_expect_str_eq(ns->description, "ours");
    cr_assert_eq(delete_one("team", false), GF_OK, "%s", error.message);
    expect_error(get("team", &ns), GF_NOT_FOUND, "", "namespace 'team' not found");
    cr_expect_eq(delete_one("team", false), GF_NOT_FOUND);
}

Test(namespace, bad_requests_name_their_field) {
    Gofer__V1__UpdateNamespaceResponse *updated = NULL;
    Gofer__V1__Namespace *ns = NULL;
    char long_name[130];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    expect_error(create("x", "", "", NULL), GF_INVALID_ARGUMENT, "namespace_id",
                 "identifier 'x' has 1 character, expected 3 to 64");
    expect_error(create("team", long_name, "", NULL), GF_INVALID_ARGUMENT, "name",
                 "text is too long, expected up to 128 characters");
    expect_error(get("no good", &ns), GF_INVALID_ARGUMENT, "namespace_id",
                 "identifier has ' ' at position 3, expected letters, digits, '-' and '_'");
    cr_expect_eq(create("default", "", "", NULL), GF_ALREADY_EXISTS);
    cr_expect_eq(delete_one("", false), GF_INVALID_ARGUMENT);
    expect_error(update("", "x", "name", &updated), GF_INVALID_ARGUMENT, "namespace_id",
                 "identifier is empty, expected 3 to 64 characters");
    cr_expect_eq(delete_one("default", false), GF_FAILED_PRECONDITION);
    expect_error(update("default", "x", NULL, &updated), GF_INVALID_ARGUMENT, "update_mask",
                 "names no field to change");
    expect_error(update("default", "x", "nam", &updated), GF_INVALID_ARGUMENT,
                 "update_mask.paths[0]", "'nam' is no field that can be changed");
    expect_error(update("default", "x", "create_time", &updated), GF_INVALID_ARGUMENT,
                 "update_mask.paths[0]", "'create_time' is no field that can be changed");
}

Test(namespace, limits_its_runs) {
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__CreateNamespaceResponse *response = NULL;
    Gofer__V1__UpdateNamespaceRequest change = GOFER__V1__UPDATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__UpdateNamespaceResponse *changed = NULL;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Gofer__V1__Namespace *ns = NULL;
    char *path = "run_parallelism";
    request.namespace_id = "team";
    request.run_parallelism = -1;
    expect_error(gofer_v1_namespace_service_create_namespace(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_INVALID_ARGUMENT, "run_parallelism", "value is -1, expected 0 to 2147483647");
    request.run_parallelism = 3;
    cr_assert_eq(gofer_v1_namespace_service_create_namespace(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq(response->namespace_->run_parallelism, 3);
    change.namespace_id = "team";
    change.run_parallelism = 5;
    change.name = "not in the mask";
    change.update_mask = &mask;
    mask.n_paths = 1;
    mask.paths = &path;
    cr_assert_eq(gofer_v1_namespace_service_update_namespace(harness.channel, NULL, &change, &arena,
                                                             &changed, &error),
                 GF_OK, "%s", error.message);
    cr_expect(changed->changed);
    cr_expect_eq(changed->namespace_->run_parallelism, 5);
    gf_harness_restart(&harness);
    cr_assert_eq(get("team", &ns), GF_OK, "%s", error.message);
    cr_expect_eq(ns->run_parallelism, 5);
    cr_expect_str_eq(ns->name, "team");
}

static enum gf_code create_as(char *request_id, char *id, char *name,
                              Gofer__V1__CreateNamespaceResponse **out) {
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    request.namespace_id = id;
    request.name = name;
    request.request_id = request_id;
    return gofer_v1_namespace_service_create_namespace(harness.channel, NULL, &request, &arena, out,
                                                       &error);
}

Test(namespace, a_request_id_creates_one) {
    Gofer__V1__CreateNamespaceResponse *first = NULL;
    Gofer__V1__CreateNamespaceResponse *again = NULL;
    cr_assert_eq(create_as("req-1", "team", "Team", &first), GF_OK, "%s", error.message);
    cr_assert_eq(create_as("req-1", "team", "Team", &again), GF_OK, "%s", error.message);
    cr_expect_eq(again->namespace_->create_time->nanos, first->namespace_->create_time->nanos);
    cr_expect_str_eq(again->namespace_->name, "Team");
    expect_error(create_as("req-1", "other", "Team", &again), GF_FAILED_PRECONDITION, "",
                 "request id 'req-1' was used for another call");
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
    cr_expect_eq(create_as("req-2", "team", "Team", &again), GF_ALREADY_EXISTS);
    gf_harness_restart(&harness);
    cr_assert_eq(create_as("req-1", "team", "Team", &again), GF_OK, "%s", error.message);
    expect_error(create_as("not good", "team", "", &again), GF_INVALID_ARGUMENT, "request_id",
                 "expected letters, digits, hyphens and underscores alone");
}

Test(namespace, one_with_pipelines_goes_with_them_only) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    cr_assert_eq(create("team", "", "", NULL), GF_OK);
    request.namespace_id = "team";
    request.spec = make_spec("hello", "one");
    cr_assert_eq(gofer_v1_pipeline_config_service_register_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_OK);
    cr_expect_eq(delete_one("team", false), GF_FAILED_PRECONDITION);
    cr_expect_eq(delete_one("team", true), GF_OK, "%s", error.message);
}

Test(namespace, lists_in_pages) {
    enum {
        COUNT = 7
    };
    char id[32];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(id, sizeof(id), "team-%d", i);
        cr_assert_eq(create(id, "", "", NULL), GF_OK);
    }
    Gofer__V1__ListNamespacesRequest request = GOFER__V1__LIST_NAMESPACES_REQUEST__INIT;
    Gofer__V1__ListNamespacesResponse *response = NULL;
    size_t seen = 0;
    size_t pages = 0;
    request.page_size = 4;
    do {
        cr_assert_eq(gofer_v1_namespace_service_list_namespaces(harness.channel, NULL, &request,
                                                                &arena, &response, &error),
                     GF_OK, "%s", error.message);
        seen += response->n_namespaces;
        pages++;
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    cr_expect_eq(seen, COUNT + 1);
    cr_expect_eq(pages, 2, "a last page that is full is not followed by an empty one");
    request.page_token = "AAAA";
    expect_error(gofer_v1_namespace_service_list_namespaces(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_INVALID_ARGUMENT, "page_token", "not a token of this server");
    request.page_token = "";
    request.page_size = -1;
    expect_error(gofer_v1_namespace_service_list_namespaces(harness.channel, NULL, &request, &arena,
                                                            &response, &error),
                 GF_INVALID_ARGUMENT, "page_size", "value is -1, expected 0 or more");
}
