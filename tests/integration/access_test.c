#include "tests/integration/access.h"

#include <string.h>

#include <criterion/criterion.h>

/* What lists and streams show, and what is asked beside the table of methods. */
TestSuite(access, .init = access_setup, .fini = access_teardown);

#define EVENT(name) GOFER__V1__EVENT_KIND__EVENT_KIND_##name

/* ---- Lists ---- */

static size_t list_namespaces(struct gf_rpc_channel *channel, char **out_ids, size_t most) {
    Gofer__V1__ListNamespacesRequest request = GOFER__V1__LIST_NAMESPACES_REQUEST__INIT;
    Gofer__V1__ListNamespacesResponse *response = NULL;
    size_t count = 0;
    request.page_size = 1;
    do {
        cr_assert_eq(gofer_v1_namespace_service_list_namespaces(channel, NULL, &request, &arena,
                                                                &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_namespaces; i++) {
            cr_assert_lt(count, most);
            out_ids[count++] = response->namespaces[i]->namespace_id;
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    return count;
}

Test(access, namespaces_are_shown_to_those_who_may_read_them) {
    char *ids[16];
    create_namespace("team-a");
    create_namespace("team-b");
    create_namespace("zzz");
    make_role("teams", may("team-*", RESOURCE(NAMESPACES), NULL, ACTION(READ)), NULL);
    make_role("none", may("*", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    cr_assert_eq(list_namespaces(harness.channel, ids, 16), 4);
    cr_assert_eq(list_namespaces(log_in("ada", "teams"), ids, 16), 2);
    cr_expect_str_eq(ids[0], "team-a");
    cr_expect_str_eq(ids[1], "team-b");
    cr_assert_eq(list_namespaces(log_in("bob", "reader"), ids, 16), 1);
    cr_expect_str_eq(ids[0], "default");
    Gofer__V1__ListNamespacesRequest request = GOFER__V1__LIST_NAMESPACES_REQUEST__INIT;
    Gofer__V1__ListNamespacesResponse *response = NULL;
    cr_expect_eq(gofer_v1_namespace_service_list_namespaces(log_in("eve", "none"), NULL, &request,
                                                            &arena, &response, &error),
                 GF_PERMISSION_DENIED);
}

static size_t list_pipelines(struct gf_rpc_channel *channel, char **out_ids, size_t most) {
    Gofer__V1__ListPipelinesRequest request = GOFER__V1__LIST_PIPELINES_REQUEST__INIT;
    Gofer__V1__ListPipelinesResponse *response = NULL;
    size_t count = 0;
    request.page_size = 1;
    do {
        cr_assert_eq(gofer_v1_pipeline_service_list_pipelines(channel, NULL, &request, &arena,
                                                              &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_pipelines; i++) {
            cr_assert_lt(count, most);
            out_ids[count++] = response->pipelines[i]->pipeline_id;
        }
        request.page_token = response->next_page_token;
    } while (request.page_token[0] != '\0');
    return count;
}

Test(access, pipelines_are_shown_to_those_who_may_read_them) {
    static char *const own[] = {"app-one", "app-two", "web-one", "zzz"};
    char *ids[16];
    for (size_t i = 0; i < GF_ARRAY_COUNT(own); i++) {
        register_in("default", own[i]);
    }
    make_role("apps", may("default", RESOURCE(PIPELINES), "app-*", ACTION(READ)), NULL);
    cr_assert_eq(list_pipelines(harness.channel, ids, 16), 4);
    cr_assert_eq(list_pipelines(log_in("ada", "apps"), ids, 16), 2);
    cr_expect_str_eq(ids[0], "app-one");
    cr_expect_str_eq(ids[1], "app-two");
}

static size_t list_tokens(struct gf_rpc_channel *channel) {
    Gofer__V1__ListTokensRequest request = GOFER__V1__LIST_TOKENS_REQUEST__INIT;
    Gofer__V1__ListTokensResponse *response = NULL;
    cr_assert_eq(
        gofer_v1_token_service_list_tokens(channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    return response->n_tokens;
}

Test(access, tokens_are_shown_to_those_who_may_read_them) {
    Gofer__V1__Token *token = NULL;
    (void)make_token("ada", "reader", &token);
    make_role("one-token", may(NULL, RESOURCE(TOKENS), token->token_id, ACTION(READ)), NULL);
    struct gf_rpc_channel *viewer = log_in("viewer", "one-token");
    cr_expect_eq(list_tokens(viewer), 1);
    cr_expect_eq(list_tokens(harness.channel), 3);
}

/* ---- Events ---- */

static Gofer__V1__ListEventsResponse *list_events(struct gf_rpc_channel *channel) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *response = NULL;
    request.page_size = 1000;
    request.oldest_first = true;
    cr_assert_eq(
        gofer_v1_event_service_list_events(channel, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    cr_expect_str_eq(response->next_page_token, "");
    return response;
}

static const Gofer__V1__Event *find_event(const Gofer__V1__ListEventsResponse *list,
                                          Gofer__V1__EventKind kind) {
    for (size_t i = 0; i < list->n_events; i++) {
        if (list->events[i]->kind == kind) {
            return list->events[i];
        }
    }
    return NULL;
}

static enum gf_code get_event(struct gf_rpc_channel *channel, int64_t event_id) {
    Gofer__V1__GetEventRequest request = GOFER__V1__GET_EVENT_REQUEST__INIT;
    Gofer__V1__GetEventResponse *response = NULL;
    request.event_id = event_id;
    return gofer_v1_event_service_get_event(channel, NULL, &request, &arena, &response, &error);
}

Test(access, events_are_shown_where_they_may_be_read) {
    create_namespace("team-a");
    register_in("team-a", "app-one");
    register_in("team-a", "web-one");
    register_in("default", "app-two");
    make_role("apps", may("team-a", RESOURCE(EVENTS), "app-*", ACTION(READ)), NULL);
    const Gofer__V1__ListEventsResponse *list = list_events(log_in("ada", "apps"));
    cr_assert_gt(list->n_events, 0);
    for (size_t i = 0; i < list->n_events; i++) {
        cr_expect_str_eq(list->events[i]->namespace_id, "team-a");
        cr_expect_str_eq(list->events[i]->pipeline_id, "app-one");
    }
    /* What belongs to no namespace is seen by those who may read the thing. */
    list = list_events(harness.channel);
    cr_expect_not_null(find_event(list, EVENT(SYSTEM_STARTED)));
    cr_expect_not_null(find_event(list, EVENT(TOKEN_CREATED)));
    cr_expect_not_null(find_event(list, EVENT(ROLE_CREATED)));
    make_role("roles", may("team-a", RESOURCE(EVENTS), "app-*", ACTION(READ)),
              may(NULL, RESOURCE(ROLES), NULL, ACTION(READ)), NULL);
    struct gf_rpc_channel *bob = log_in("bob", "roles");
    list = list_events(bob);
    cr_expect_not_null(find_event(list, EVENT(ROLE_CREATED)));
    cr_expect_null(find_event(list, EVENT(TOKEN_CREATED)));
    cr_expect_null(find_event(list, EVENT(SYSTEM_STARTED)));
    const Gofer__V1__Event *hidden = find_event(list_events(harness.channel), EVENT(TOKEN_CREATED));
    expect_error(get_event(bob, hidden->event_id), GF_NOT_FOUND, "",
                 gf_arena_printf(&arena, "event %lld not found", (long long)hidden->event_id));
    cr_expect_eq(get_event(harness.channel, hidden->event_id), GF_OK);
}

Test(access, events_say_who_did_it) {
    Gofer__V1__Token *token = NULL;
    make_role("maker", may("*", RESOURCE(NAMESPACES), NULL, ACTION(WRITE)), NULL);
    struct gf_rpc_channel *ada = log_in_with(make_token("ada", "maker", &token));
    Gofer__V1__CreateNamespaceRequest request = GOFER__V1__CREATE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__CreateNamespaceResponse *response = NULL;
    request.namespace_id = "team-a";
    cr_assert_eq(
        gofer_v1_namespace_service_create_namespace(ada, NULL, &request, &arena, &response, &error),
        GF_OK, "%s", error.message);
    const Gofer__V1__ListEventsResponse *list = list_events(harness.channel);
    const Gofer__V1__Event *event = NULL;
    for (size_t i = 0; i < list->n_events; i++) {
        event = strcmp(list->events[i]->namespace_id, "team-a") == 0 ? list->events[i] : event;
    }
    cr_assert_not_null(event);
    cr_assert_not_null(event->actor);
    cr_expect_str_eq(event->actor->user, "ada");
    cr_expect_str_eq(event->actor->token_id, token->token_id);
    cr_expect_eq(strncmp(event->actor->peer, "unix:", 5), 0, "%s", event->actor->peer);
}

Test(access, a_stream_shows_only_what_may_be_read) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    Gofer__V1__FollowEventsResponse *message = NULL;
    struct gf_rpc_stream *stream = NULL;
    make_role("apps", may("default", RESOURCE(EVENTS), "app-*", ACTION(READ)), NULL);
    struct gf_rpc_channel *ada = log_in("ada", "apps");
    cr_assert_eq(
        gofer_v1_event_service_follow_events_stream_open(ada, NULL, &request, &stream, &error),
        GF_OK);
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 GF_OK);
    register_in("default", "web-one");
    register_in("default", "app-one");
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 GF_OK, "%s", error.message);
    cr_assert_not_null(message->event);
    cr_expect_str_eq(message->event->pipeline_id, "app-one");
    gf_rpc_stream_destroy(stream);
}

/* ---- References to secrets ---- */

static enum gf_code register_with(struct gf_rpc_channel *channel, char *value) {
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    Gofer__V1__TaskSpec__VariablesEntry entry = GOFER__V1__TASK_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__TaskSpec__VariablesEntry *entries[] = {&entry};
    entry.key = "PASSWORD";
    entry.value = value;
    request.spec = make_spec("hello", "one; two");
    request.spec->tasks[1]->variables = entries;
    request.spec->tasks[1]->n_variables = 1;
    return gofer_v1_pipeline_config_service_register_pipeline_config(channel, NULL, &request,
                                                                     &arena, &response, &error);
}

Test(access, who_refers_to_a_secret_may_use_it) {
    make_role("writer", may("default", RESOURCE(PIPELINE_CONFIGS), NULL, ACTION(WRITE)), NULL);
    make_role("user", may("default", RESOURCE(PIPELINE_CONFIGS), NULL, ACTION(WRITE)),
              may("default", RESOURCE(PIPELINE_SECRETS), "hello", ACTION(USE_SECRET)),
              may(NULL, RESOURCE(GLOBAL_SECRETS), "SHARED*", ACTION(USE_SECRET)), NULL);
    struct gf_rpc_channel *writer = log_in("writer", "writer");
    struct gf_rpc_channel *user = log_in("user", "user");
    cr_expect_eq(register_with(writer, "plain"), GF_OK, "%s", error.message);
    expect_error(register_with(writer, "x pipeline_secret{{DB_PASSWORD}}"), GF_PERMISSION_DENIED,
                 "spec.tasks[1].variables[\"PASSWORD\"]",
                 "needs action USE_SECRET on resource PIPELINE_SECRETS in namespace 'default'");
    cr_expect_eq(register_with(writer, "global_secret{{SHARED_KEY}}"), GF_PERMISSION_DENIED);
    cr_expect_str_eq(error.field, "spec.tasks[1].variables[\"PASSWORD\"]");
    cr_expect_eq(register_with(writer, "global_secret{{{{SHARED_KEY}}"), GF_OK,
                 "doubled braces are text: %s", error.message);
    cr_expect_eq(register_with(user, "pipeline_secret{{DB_PASSWORD}}"), GF_OK, "%s", error.message);
    cr_expect_eq(register_with(user, "global_secret{{SHARED_KEY}}"), GF_OK, "%s", error.message);
    cr_expect_eq(register_with(user, "global_secret{{OTHER_KEY}}"), GF_PERMISSION_DENIED);
}

Test(access, a_check_of_a_config_tells_what_may_not_be_used) {
    Gofer__V1__ValidatePipelineConfigRequest request =
        GOFER__V1__VALIDATE_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__ValidatePipelineConfigResponse *response = NULL;
    Gofer__V1__PipelineSpec__VariablesEntry entry = GOFER__V1__PIPELINE_SPEC__VARIABLES_ENTRY__INIT;
    Gofer__V1__PipelineSpec__VariablesEntry *entries[] = {&entry};
    entry.key = "PASSWORD";
    entry.value = "global_secret{{SHARED_KEY}}";
    request.spec = make_spec("hello", "one");
    request.spec->variables = entries;
    request.spec->n_variables = 1;
    make_role("writer", may("default", RESOURCE(PIPELINE_CONFIGS), NULL, ACTION(WRITE)), NULL);
    cr_assert_eq(gofer_v1_pipeline_config_service_validate_pipeline_config(
                     log_in("writer", "writer"), NULL, &request, &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_not(response->valid);
    cr_assert_eq(response->n_problems, 1);
    cr_expect_str_eq(response->problems[0]->reason, "PERMISSION_MISSING");
    cr_expect_str_eq(response->problems[0]->field, "spec.variables[\"PASSWORD\"]");
}

/* ---- Others ---- */

Test(access, runs_say_who_started_them) {
    (void)up("hello", "one");
    cr_expect_eq((int)start_run("hello")->initiator->kind,
                 GOFER__V1__INITIATOR_KIND__INITIATOR_KIND_HUMAN);
    struct gf_rpc_channel *mine = harness.channel;
    harness.channel = log_in("robot", "admin");
    const Gofer__V1__Run *run = start_run("hello");
    harness.channel = mine;
    cr_expect_eq((int)run->initiator->kind, GOFER__V1__INITIATOR_KIND__INITIATOR_KIND_BOT);
    cr_expect_str_eq(run->initiator->name, "robot");
    cr_expect_eq(strncmp(run->initiator->token_id, "tok_", 4), 0);
}

Test(access, pipelines_go_with_their_namespace_where_they_may) {
    Gofer__V1__DeleteNamespaceRequest request = GOFER__V1__DELETE_NAMESPACE_REQUEST__INIT;
    Gofer__V1__DeleteNamespaceResponse *response = NULL;
    create_namespace("team-a");
    register_in("team-a", "hello");
    make_role("dropper", may("*", RESOURCE(NAMESPACES), NULL, ACTION(DELETE)), NULL);
    struct gf_rpc_channel *dropper = log_in("dropper", "dropper");
    request.namespace_id = "team-a";
    request.cascade = true;
    expect_error(gofer_v1_namespace_service_delete_namespace(dropper, NULL, &request, &arena,
                                                             &response, &error),
                 GF_PERMISSION_DENIED, "",
                 "needs action DELETE on resource PIPELINES in namespace 'team-a'");
    request.cascade = false;
    cr_expect_eq(gofer_v1_namespace_service_delete_namespace(dropper, NULL, &request, &arena,
                                                             &response, &error),
                 GF_FAILED_PRECONDITION);
    request.cascade = true;
    cr_expect_eq(gofer_v1_namespace_service_delete_namespace(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_OK, "%s", error.message);
}

Test(access, a_pipeline_shows_its_config_to_those_who_may_read_it) {
    Gofer__V1__GetPipelineRequest request = GOFER__V1__GET_PIPELINE_REQUEST__INIT;
    Gofer__V1__GetPipelineResponse *response = NULL;
    (void)up("hello", "one");
    request.pipeline_id = "hello";
    make_role("seer", may("default", RESOURCE(PIPELINES), NULL, ACTION(READ)), NULL);
    cr_assert_eq(gofer_v1_pipeline_service_get_pipeline(log_in("ada", "seer"), NULL, &request,
                                                        &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_str_eq(response->pipeline->pipeline_id, "hello");
    cr_expect_null(response->live_config);
    cr_assert_eq(gofer_v1_pipeline_service_get_pipeline(log_in("bob", "reader"), NULL, &request,
                                                        &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_not_null(response->live_config);
}

static size_t watch_tasks(struct gf_rpc_channel *channel, int64_t run_id) {
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    Gofer__V1__WatchRunResponse *message = NULL;
    struct gf_rpc_stream *stream = NULL;
    request.pipeline_id = "hello";
    request.run_id = run_id;
    cr_assert_eq(
        gofer_v1_run_service_watch_run_stream_open(channel, NULL, &request, &stream, &error),
        GF_OK);
    cr_assert_eq(
        gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error),
        GF_OK, "%s", error.message);
    cr_assert_not_null(message);
    cr_expect_eq(message->run->run_id, run_id);
    gf_rpc_stream_destroy(stream);
    return message->n_task_executions;
}

Test(access, a_watch_shows_tasks_to_those_who_may_read_them) {
    (void)up("hello", "one; two");
    const int64_t run_id = start_run("hello")->run_id;
    (void)wait_run("hello", run_id);
    make_role("seer", may("default", RESOURCE(RUNS), NULL, ACTION(READ)), NULL);
    cr_expect_eq(watch_tasks(log_in("ada", "seer"), run_id), 0);
    cr_expect_eq(watch_tasks(log_in("bob", "reader"), run_id), 2);
}

/* A caller who starts a run cannot get at secrets by its variables. */
Test(access, references_in_variables_of_a_run_are_text) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    Gofer__V1__StartRunResponse *response = NULL;
    Gofer__V1__StartRunRequest__VariablesEntry entry =
        GOFER__V1__START_RUN_REQUEST__VARIABLES_ENTRY__INIT;
    Gofer__V1__StartRunRequest__VariablesEntry *entries[] = {&entry};
    (void)up("hello", "one");
    entry.key = "STOLEN";
    entry.value = "global_secret{{SHARED_KEY}}";
    request.pipeline_id = "hello";
    request.variables = entries;
    request.n_variables = 1;
    make_role("starter", may("default", RESOURCE(RUNS), NULL, ACTION(WRITE)), NULL);
    cr_assert_eq(gofer_v1_run_service_start_run(log_in("eve", "starter"), NULL, &request, &arena,
                                                &response, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(response->run->n_variables, 1);
    cr_expect_str_eq(response->run->variables[0]->value, "global_secret{{SHARED_KEY}}");
}
