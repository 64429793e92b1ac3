/*
 * What StartRun takes beside variables: labels, an input document, a priority, an ordering key.
 */
#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(run_start, .init = client_setup, .fini = client_teardown);

static enum gf_code start(const Gofer__V1__StartRunRequest *request, Gofer__V1__Run **out) {
    Gofer__V1__StartRunResponse *response = NULL;
    const enum gf_code rc =
        gofer_v1_run_service_start_run(harness.channel, NULL, request, &arena, &response, &error);
    if (rc == GF_OK) {
        *out = response->run;
    }
    return rc;
}

static Gofer__V1__StartRunRequest request_of(char *pipeline_id) {
    Gofer__V1__StartRunRequest request = GOFER__V1__START_RUN_REQUEST__INIT;
    request.pipeline_id = pipeline_id;
    return request;
}

static void expect_refused(const Gofer__V1__StartRunRequest *request, enum gf_code code,
                           const char *field, const char *message) {
    Gofer__V1__Run *run = NULL;
    expect_error(start(request, &run), code, field, message);
}

Test(run_start, labels_are_kept) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__StartRunRequest__LabelsEntry entries[2] = {
        GOFER__V1__START_RUN_REQUEST__LABELS_ENTRY__INIT,
        GOFER__V1__START_RUN_REQUEST__LABELS_ENTRY__INIT};
    Gofer__V1__StartRunRequest__LabelsEntry *labels[] = {&entries[0], &entries[1]};
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    entries[0].key = "team";
    entries[0].value = "blue";
    entries[1].key = "cause";
    entries[1].value = "test";
    request.n_labels = 2;
    request.labels = labels;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    run = get_run("hello", 1);
    cr_assert_eq(run->n_labels, 2);
    cr_expect_str_eq(run->labels[0]->key, "cause");
    cr_expect_str_eq(run->labels[1]->value, "blue");
    entries[1].key = "";
    cr_expect_eq(start(&request, &run), GF_INVALID_ARGUMENT);
    cr_expect_eq(strncmp(error.field, "labels", strlen("labels")), 0, "%s", error.field);
}

Test(run_start, priorities_are_kept_and_checked) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunPriority priority = GOFER__V1__RUN_PRIORITY__INIT;
    Gofer__V1__PipelineSpec *spec = make_spec("hello", "one");
    Gofer__V1__Run *run = NULL;
    spec->priority = 7;
    (void)up_made(spec);
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->priority, 7);
    request.priority = &priority;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->priority, 0);
    priority.value = -1000;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(get_run("hello", 3)->priority, -1000);
    priority.value = 1001;
    expect_refused(&request, GF_INVALID_ARGUMENT, "priority.value",
                   "value is 1001, expected -1000 to 1000");
}

Test(run_start, ordering_keys_are_kept_and_checked) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    request.ordering_key = "customer 7";
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_str_eq(run->ordering_key, "customer 7");
    cr_expect_eq((int)run->ordering_policy,
                 GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_STRICT);
    request.ordering_policy = GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    run = get_run("hello", 2);
    cr_expect_eq((int)run->ordering_policy,
                 GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_NEWEST);
    request.ordering_key = "a\tb";
    expect_refused(&request, GF_INVALID_ARGUMENT, "ordering_key", "text has a control character");
    request.ordering_key = "a\xc2\x85"
                           "b";
    expect_refused(&request, GF_INVALID_ARGUMENT, "ordering_key", "text has a control character");
    request.ordering_key = "";
    expect_refused(&request, GF_INVALID_ARGUMENT, "ordering_policy",
                   "needs an ordering_key beside it");
    request.ordering_key = "x";
    request.ordering_policy = (Gofer__V1__RunOrderingPolicy)9;
    expect_refused(&request, GF_INVALID_ARGUMENT, "ordering_policy",
                   "9 is no policy of an ordering key");
    char long_key[257];
    memset(long_key, 'k', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = '\0';
    request.ordering_key = long_key;
    request.ordering_policy = 0;
    expect_refused(&request, GF_INVALID_ARGUMENT, "ordering_key",
                   "text is too long, expected up to 255 characters");
}

/* ---- The input document ---- */

static Gofer__V1__RunInput input_of(const char *content) {
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content.data = (uint8_t *)(uintptr_t)content;
    input.content.len = strlen(content);
    return input;
}

Test(run_start, an_input_document_is_read_back) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunInput input = input_of("{\"a\": [1, 2]}");
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    request.input = &input;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq((int)run->input->source_case, GOFER__V1__RUN_INPUT__SOURCE__NOT_SET);
    cr_expect_str_eq(run->input->media_type, "application/json");
    cr_expect_eq(run->input->size_bytes, 13);
    (void)wait_run("hello", 1);
    run = get_run("hello", 1);
    cr_assert_eq((int)run->input->source_case, GOFER__V1__RUN_INPUT__SOURCE_CONTENT);
    cr_assert_eq(run->input->content.len, 13);
    cr_expect_arr_eq(run->input->content.data, input.content.data, 13);
    cr_expect_eq(strlen(run->input->digest), 64);
    /* Watching and listing leave the content out. */
    cr_expect_eq((int)wait_run("hello", 1)->input->source_case,
                 GOFER__V1__RUN_INPUT__SOURCE__NOT_SET);
    Gofer__V1__ListRunsRequest list = GOFER__V1__LIST_RUNS_REQUEST__INIT;
    Gofer__V1__ListRunsResponse *listed = NULL;
    list.pipeline_id = "hello";
    cr_assert_eq(
        gofer_v1_run_service_list_runs(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_OK);
    cr_expect_eq((int)listed->runs[0]->input->source_case, GOFER__V1__RUN_INPUT__SOURCE__NOT_SET);
    cr_expect_str_eq(listed->runs[0]->input->digest, run->input->digest);
}

Test(run_start, a_task_shows_where_its_input_is) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunInput input = input_of("hello");
    Gofer__V1__Run *run = NULL;
    const char *path = NULL;
    (void)up("hello", "one");
    request.input = &input;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    (void)wait_run("hello", 1);
    const Gofer__V1__TaskExecution *task = get_task("hello", 1, "one");
    for (size_t i = 0; i < task->n_variables; i++) {
        if (strcmp(task->variables[i]->key, "GOFER_INPUT") == 0) {
            path = task->variables[i]->value;
        }
    }
    cr_assert_not_null(path);
    cr_expect_str_eq(path, "/run/gofer/input");
}

Test(run_start, the_media_type_of_an_input_is_looked_at) {
    static const struct {
        const char *content;
        const char *media_type;
    } cases[] = {
        {"\"text\"", "application/json"},
        {"{\"a\": 1, \"a\": 2}", "application/octet-stream"},
        {"hello", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"{} trailing", "application/octet-stream"},
    };
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        Gofer__V1__StartRunRequest request = request_of("hello");
        Gofer__V1__RunInput input = input_of(cases[i].content);
        request.input = &input;
        cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
        cr_expect_str_eq(run->input->media_type, cases[i].media_type, "%s", cases[i].content);
    }
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunInput input = input_of("hello");
    request.input = &input;
    input.media_type = "text/plain; charset=utf-8";
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_str_eq(run->input->media_type, "text/plain; charset=utf-8");
    char *const wrong[] = {"text", "text/", "/plain", "text/pl ain/x\n", "te xt/plain"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(wrong); i++) {
        input.media_type = wrong[i];
        expect_refused(&request, GF_INVALID_ARGUMENT, "input.media_type",
                       "expected a media type such as text/plain, up to 255 characters");
    }
}

Test(run_start, bad_inputs_name_their_field) {
    enum {
        INPUT_BYTES_MAX = 256 << 10
    };
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunInput input = GOFER__V1__RUN_INPUT__INIT;
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    request.input = &input;
    expect_refused(&request, GF_INVALID_ARGUMENT, "input",
                   "there is no document, expected its content");
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_OBJECT_KEY;
    input.object_key = "report";
    expect_refused(&request, GF_UNIMPLEMENTED, "input.object_key",
                   "'object_key' is not supported by this version");
    input.source_case = GOFER__V1__RUN_INPUT__SOURCE_CONTENT;
    input.content.data = gf_arena_alloc(&arena, INPUT_BYTES_MAX + 1);
    memset(input.content.data, '[', INPUT_BYTES_MAX + 1);
    input.content.len = INPUT_BYTES_MAX;
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(get_run("hello", 1)->input->content.len, INPUT_BYTES_MAX);
    input.content.len++;
    expect_refused(&request, GF_INVALID_ARGUMENT, "input.content",
                   "document has 262145 bytes, expected up to 262144");
}

Test(run_start, a_request_id_covers_the_input) {
    Gofer__V1__StartRunRequest request = request_of("hello");
    Gofer__V1__RunInput input = input_of("one");
    Gofer__V1__Run *run = NULL;
    (void)up("hello", "one");
    request.input = &input;
    request.request_id = "req-1";
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_assert_eq(start(&request, &run), GF_OK, "%s", error.message);
    cr_expect_eq(run->run_id, 1);
    input = input_of("two");
    cr_expect_eq(start(&request, &run), GF_FAILED_PRECONDITION);
    cr_expect_str_eq(error.reason, "REQUEST_ID_REUSED");
}
