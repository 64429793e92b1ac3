/*
 * The server with real containers: logs, cancels, images.
 */
#include "tests/integration/native.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

TestSuite(native, .init = native_setup, .fini = native_teardown);

Test(native, a_log_is_followed_while_it_grows) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("echo first; echo wrong >&2; while [ ! -e /tmp/go ]; do sleep 0.02; i=$((i+1)); "
              "[ $i -gt 20 ] && touch /tmp/go; done; echo last; exit 3");
    (void)start_run("shell");
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    cr_expect_neq((int)get_task("shell", 1, "one")->state,
                  GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_COMPLETE);
    log_take_all(stream, &log);
    cr_expect_str_eq(log_stdout(&log), "first\nlast\n");
    cr_expect_str_eq(log.text[2].ptr, "wrong\n");
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_COMPLETE);
    const Gofer__V1__Run *run = wait_run("shell", 1);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_FAILED);
    const Gofer__V1__TaskExecution *task = get_task("shell", 1, "one");
    cr_expect_eq(task->exit->code, 3);
    cr_expect_eq(strncmp(task->image_digest, "sha256:", 7), 0);
    cr_expect_neq(task->container_id[0], '\0');
    cr_expect_eq((int)task->log_state, GOFER__V1__LOG_STATE__LOG_STATE_COMPLETE);
    cr_expect_eq(task->log_bytes, 17);
    log_fini(&log);
}

Test(native, a_log_is_read_after_the_end) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("i=0; while [ $i -lt 20000 ]; do echo line number $i; i=$((i+1)); done");
    (void)start_run("shell");
    (void)wait_run("shell", 1);
    log_take_all(follow_log("", false, 0), &log);
    const size_t whole = log.text[1].len;
    cr_expect_eq(whole, 348890); /* of "line number 0" to "line number 19999" */
    cr_expect_gt(log.message_count, 3);
    log_fini(&log);
    /* Taken up again behind the end, there is nothing but the end. */
    char *token = log.resume_token;
    log_init(&log);
    log_take_all(follow_log(token, false, 0), &log);
    cr_expect_eq(log.text[1].len, 0);
    log_fini(&log);
    log_init(&log);
    log_take_all(follow_log("", false, 40), &log);
    cr_expect_geq(log.text[1].len, 40);
    cr_expect_lt(log.text[1].len, whole);
    cr_expect_not_null(strstr(log_stdout(&log), "line number 19999\n"));
    log_fini(&log);
}

Test(native, a_broken_stream_goes_on_where_it_was) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("i=0; while [ $i -lt 50 ]; do echo $i; i=$((i+1)); sleep 0.005; done");
    (void)start_run("shell");
    char *token = "";
    for (int round = 0; log.end == NULL; round++) {
        struct gf_rpc_stream *stream = follow_log(token, false, 0);
        log.message_count = 0;
        for (int i = 0; i < 4 && log_take(stream, &log); i++) {
        }
        token = log.resume_token;
        gf_rpc_stream_destroy(stream);
        if (round == 3) {
            gf_harness_restart(&harness);
        }
    }
    struct gf_strbuf expected;
    gf_strbuf_init(&expected, 1 << 20);
    for (int i = 0; i < 50; i++) {
        gf_strbuf_printf(&expected, "%d\n", i);
    }
    cr_expect_str_eq(log_stdout(&log), expected.ptr);
    gf_strbuf_fini(&expected);
    log_fini(&log);
}

Test(native, no_wait_ends_at_what_is_written) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("echo here; exec sleep 60");
    (void)start_run("shell");
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    gf_rpc_stream_destroy(stream);
    log_fini(&log);
    log_init(&log);
    log_take_all(follow_log("", true, 0), &log);
    cr_expect_eq((int)log.end->kind, GOFER__V1__LOG_END_KIND__LOG_END_KIND_OPEN);
    cr_expect_str_eq(log_stdout(&log), "here\n");
    log_fini(&log);
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

Test(native, a_running_task_is_cancelled) {
    NEED_ROOT();
    struct followed_log log;
    log_init(&log);
    up_script("trap 'echo stopped; exit 7' TERM; echo up; while :; do sleep 0.05; done");
    (void)start_run("shell");
    struct gf_rpc_stream *stream = follow_log("", false, 0);
    while (log.text[1].len == 0) {
        cr_assert(log_take(stream, &log));
    }
    Gofer__V1__CancelRunRequest cancel = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    Gofer__V1__CancelRunResponse *cancelled = NULL;
    cancel.pipeline_id = "shell";
    cancel.run_id = 1;
    cancel.reason = "enough";
    cr_assert_eq(
        gofer_v1_run_service_cancel_run(harness.channel, NULL, &cancel, &arena, &cancelled, &error),
        GF_OK, "%s", error.message);
    cr_expect(cancelled->changed);
    cr_expect(cancelled->run->cancel_requested);
    log_take_all(stream, &log);
    cr_expect_str_eq(log_stdout(&log), "up\nstopped\n");
    const Gofer__V1__Run *run = wait_run("shell", 1);
    cr_expect_eq((int)run->status, GOFER__V1__RUN_STATUS__RUN_STATUS_CANCELLED);
    cr_expect_str_eq(run->status_reason->description, "enough");
    log_fini(&log);
}

/* A client that goes away is forgotten at once: the server then stops without waiting for it. */
Test(native, followers_that_go_away_leave_nothing) {
    NEED_ROOT();
    up_script("exec sleep 60");
    (void)start_run("shell");
    for (int i = 0; i < 50; i++) {
        struct followed_log log;
        log_init(&log);
        struct gf_rpc_stream *stream = follow_log("", false, 0);
        cr_assert(log_take(stream, &log));
        gf_rpc_stream_destroy(stream);
        log_fini(&log);
    }
    cancel_run("shell", 1);
    (void)wait_run("shell", 1);
}

/* ---- Images ---- */

Test(native, images_are_listed_and_read) {
    NEED_ROOT();
    Gofer__V1__ListImagesRequest list = GOFER__V1__LIST_IMAGES_REQUEST__INIT;
    Gofer__V1__ListImagesResponse *listed = NULL;
    Gofer__V1__GetImageRequest get = GOFER__V1__GET_IMAGE_REQUEST__INIT;
    Gofer__V1__GetImageResponse *got = NULL;
    cr_assert_eq(
        gofer_v1_image_service_list_images(harness.channel, NULL, &list, &arena, &listed, &error),
        GF_OK, "%s", error.message);
    cr_assert_eq(listed->n_images, 1);
    cr_expect_str_eq(listed->images[0]->names[0], "busybox:latest");
    cr_expect_str_eq(listed->images[0]->os, "linux");
    get.reference = "busybox";
    cr_assert_eq(
        gofer_v1_image_service_get_image(harness.channel, NULL, &get, &arena, &got, &error), GF_OK,
        "%s", error.message);
    cr_expect_str_eq(got->image->digest, listed->images[0]->digest);
    get.reference = "nothing";
    cr_expect_eq(
        gofer_v1_image_service_get_image(harness.channel, NULL, &get, &arena, &got, &error),
        GF_NOT_FOUND);
    get.reference = "Not A Reference";
    cr_expect_eq(
        gofer_v1_image_service_get_image(harness.channel, NULL, &get, &arena, &got, &error),
        GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "reference");
}

Test(native, an_import_is_told_of) {
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__ListEventsResponse *response = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kind = GOFER__V1__EVENT_KIND__EVENT_KIND_IMAGE_IMPORTED;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    request.filter = &filter;
    /* Behind this the event is there: it was given to the engine before. */
    (void)up("hello", "one");
    cr_assert_eq(gofer_v1_event_service_list_events(harness.channel, NULL, &request, &arena,
                                                    &response, &error),
                 GF_OK, "%s", error.message);
    cr_assert_eq(response->n_events, 1);
    cr_expect_eq(strncmp(response->events[0]->subject_id, "sha256:", 7), 0);
    cr_assert_eq(response->events[0]->n_metadata, 1);
    cr_expect_str_eq(response->events[0]->metadata[0]->key, "names");
    cr_expect_not_null(strstr(response->events[0]->metadata[0]->value, "busybox"));
}

Test(native, an_unknown_image_is_named_when_it_is_registered) {
    NEED_ROOT();
    Gofer__V1__RegisterPipelineConfigRequest request =
        GOFER__V1__REGISTER_PIPELINE_CONFIG_REQUEST__INIT;
    Gofer__V1__RegisterPipelineConfigResponse *response = NULL;
    request.spec = make_spec("hello", "one; two");
    request.spec->tasks[1]->image = "nothing:here";
    request.spec->tasks[1]->pull = "never";
    cr_expect_eq(gofer_v1_pipeline_config_service_register_pipeline_config(
                     harness.channel, NULL, &request, &arena, &response, &error),
                 GF_NOT_FOUND);
    cr_expect_str_eq(error.field, "spec.tasks[1].image");
    cr_expect_str_eq(error.reason, "IMAGE_NOT_FOUND");
}

Test(native, bad_uploads_are_refused) {
    NEED_ROOT();
    Gofer__V1__ImportImageResponse *response = NULL;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/garbage", harness.dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    (void)fputs("this is no archive", file);
    (void)fclose(file);
    cr_expect_eq(native_import(path, "", &response), GF_INVALID_ARGUMENT, "%s", error.message);
    cr_expect_str_eq(error.reason, "ARCHIVE_INVALID");
    cr_expect_eq(native_import(path, "No Name", &response), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(error.field, "start.name");
}

Test(native, a_run_that_ended_in_the_queue_counts_the_tasks_it_never_made) {
    NEED_ROOT();
    Gofer__V1__CancelRunRequest cancel = GOFER__V1__CANCEL_RUN_REQUEST__INIT;
    Gofer__V1__CancelRunResponse *cancelled = NULL;
    Gofer__V1__GetRunRequest get = GOFER__V1__GET_RUN_REQUEST__INIT;
    Gofer__V1__GetRunResponse *response = NULL;
    up_script_with("sleep 1000", 1);
    (void)start_run("shell");
    (void)start_run("shell");
    cancel.pipeline_id = get.pipeline_id = "shell";
    cancel.run_id = get.run_id = 2;
    cr_assert_eq(
        gofer_v1_run_service_cancel_run(harness.channel, NULL, &cancel, &arena, &cancelled, &error),
        GF_OK, "%s", error.message);
    cr_assert_eq((int)cancelled->run->state, GOFER__V1__RUN_STATE__RUN_STATE_COMPLETE);
    cr_assert_eq(
        gofer_v1_run_service_get_run(harness.channel, NULL, &get, &arena, &response, &error), GF_OK,
        "%s", error.message);
    cr_expect_eq(response->run->task_counts->pending_count, 1);
    cr_expect_eq(response->run->task_counts->cancelled_count, 0);
    cancel.run_id = 1;
    cancel.force = true;
    cr_assert_eq(
        gofer_v1_run_service_cancel_run(harness.channel, NULL, &cancel, &arena, &cancelled, &error),
        GF_OK, "%s", error.message);
    (void)wait_run("shell", 1);
}
