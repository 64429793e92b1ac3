#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(watch, .init = client_setup, .fini = client_teardown);

/* What a client knows of a run after some messages. */
struct view {
    Gofer__V1__Run *run;
    size_t task_count; /* different ones */
    size_t complete_count;
    size_t message_count;
    char *resume_token;
    bool snapshot_complete;
    Gofer__V1__TaskExecution *tasks[1200];
};

static struct gf_rpc_stream *watch(char *pipeline_id, int64_t run_id, char *resume_token) {
    Gofer__V1__WatchRunRequest request = GOFER__V1__WATCH_RUN_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    request.pipeline_id = pipeline_id;
    request.run_id = run_id;
    request.resume_token = resume_token;
    cr_assert_eq(gofer_v1_run_service_watch_run_stream_open(harness.channel, NULL, &request,
                                                            &stream, &error),
                 GF_OK);
    return stream;
}

static void take_task(struct view *view, Gofer__V1__TaskExecution *task) {
    for (size_t i = 0; i < view->task_count; i++) {
        if (strcmp(view->tasks[i]->task_id, task->task_id) == 0) {
            view->tasks[i] = task;
            return;
        }
    }
    cr_assert_lt(view->task_count, GF_ARRAY_COUNT(view->tasks));
    view->tasks[view->task_count++] = task;
}

/* One message; false at the end. */
static bool take(struct gf_rpc_stream *stream, struct view *view) {
    Gofer__V1__WatchRunResponse *message = NULL;
    cr_assert_eq(
        gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, &arena, &message, &error),
        GF_OK, "%s", error.message);
    if (message == NULL) {
        return false;
    }
    view->run = message->run;
    view->message_count++;
    view->snapshot_complete = message->snapshot_complete;
    cr_expect_eq(message->resume_token[0] != '\0', message->snapshot_complete != 0);
    if (message->resume_token[0] != '\0') {
        view->resume_token = message->resume_token;
    }
    for (size_t i = 0; i < message->n_task_executions; i++) {
        take_task(view, message->task_executions[i]);
    }
    return true;
}

static void take_all(struct gf_rpc_stream *stream, struct view *view) {
    while (take(stream, view)) {
    }
    for (size_t i = 0; i < view->task_count; i++) {
        view->complete_count +=
            view->tasks[i]->state == GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE;
    }
    cr_assert_eq(gf_rpc_stream_finish(stream, &error), GF_OK, "%s", error.message);
    gf_rpc_stream_destroy(stream);
}

Test(watch, shows_a_run_that_has_ended) {
    static struct view view;
    (void)up("hello", "one; two < one; tri < one:failure");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    take_all(watch("hello", 1, ""), &view);
    cr_expect_eq((int)view.run->state, GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE);
    cr_expect_eq(view.task_count, 3);
    cr_expect_eq(view.complete_count, 3);
    cr_expect_str_eq(view.tasks[0]->task_id, "one");
    cr_expect_str_eq(view.tasks[0]->image, "busybox:latest");
    cr_expect(view.snapshot_complete);
}

/* Many runs and watchers at once: each sees its run to the end, whenever it came. */
Test(watch, follows_many_runs_to_their_ends) {
    enum {
        COUNT = 60
    };
    static struct view views[COUNT];
    struct gf_rpc_stream *streams[COUNT];
    (void)up("hello", "one; two < one; tri < two; fou < tri");
    for (int i = 0; i < COUNT; i++) {
        streams[i] = watch("hello", start_run("hello")->run_id, "");
    }
    for (int i = 0; i < COUNT; i++) {
        take_all(streams[i], &views[i]);
        cr_expect_eq(views[i].run->run_id, i + 1);
        cr_expect_eq((int)views[i].run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
        cr_expect_eq(views[i].complete_count, 4);
    }
}

Test(watch, sends_large_runs_in_parts) {
    enum {
        COUNT = 1100
    };
    static struct view view;
    struct gf_strbuf tasks;
    gf_strbuf_init(&tasks, 1 << 20);
    for (int i = 0; i < COUNT; i++) {
        gf_strbuf_printf(&tasks, "%stask-%d", i == 0 ? "" : ";", i);
    }
    (void)up("large", gf_strbuf_view(&tasks).ptr);
    (void)start_run("large");
    (void)wait_run("large", 1);
    take_all(watch("large", 1, ""), &view);
    cr_expect_eq(view.task_count, COUNT);
    cr_expect_eq(view.complete_count, COUNT);
    cr_expect_geq(view.message_count, 3);
    gf_strbuf_fini(&tasks);
}

Test(watch, is_taken_up_again) {
    static struct view first;
    static struct view second;
    (void)up("hello", "one; two < one");
    (void)start_run("hello");
    take_all(watch("hello", 1, ""), &first);
    take_all(watch("hello", 1, first.resume_token), &second);
    cr_expect_eq((int)second.run->state, GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE);
    cr_expect_eq(second.task_count, 0);
    cr_expect_eq(second.message_count, 1);
    gf_harness_restart(&harness);
    memset(&second, 0, sizeof(second));
    take_all(watch("hello", 1, first.resume_token), &second);
    cr_expect_eq(second.message_count, 1);
}

static void expect_end(char *pipeline_id, int64_t run_id, char *resume_token, enum gf_code code,
                       const char *field, const char *message) {
    struct gf_rpc_stream *stream = watch(pipeline_id, run_id, resume_token);
    Gofer__V1__WatchRunResponse *response = NULL;
    expect_error(
        gofer_v1_run_service_watch_run_stream_recv(stream, TIMEOUT_MS, &arena, &response, &error),
        code, field, message);
    gf_rpc_stream_destroy(stream);
}

Test(watch, refuses_what_is_not_there) {
    static struct view view;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)start_run("hello");
    take_all(watch("hello", 1, ""), &view);
    expect_end("hello", 7, "", GF_NOT_FOUND, "",
               "run 7 not found in pipeline 'hello' of namespace 'default'");
    expect_end("other", 1, "", GF_NOT_FOUND, "",
               "pipeline 'other' not found in namespace 'default'");
    expect_end("hello", 2, view.resume_token, GF_INVALID_ARGUMENT, "resume_token",
               "the token belongs to a call with other arguments");
    expect_end("hello", 0, "", GF_INVALID_ARGUMENT, "run_id", "value is 0, expected 1 or more");
}
