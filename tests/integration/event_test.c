#include "tests/integration/client.h"

#include <string.h>

#include <criterion/criterion.h>

TestSuite(event, .init = client_setup, .fini = client_teardown);

static struct gf_rpc_stream *follow(Gofer__V1__EventFilter *filter, char *resume_token,
                                    bool include_history) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    struct gf_rpc_stream *stream = NULL;
    request.filter = filter;
    request.resume_token = resume_token;
    request.include_history = include_history;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_open(harness.channel, NULL, &request,
                                                                  &stream, &error),
                 GF_OK);
    return stream;
}

static Gofer__V1__FollowEventsResponse *take(struct gf_rpc_stream *stream) {
    Gofer__V1__FollowEventsResponse *message = NULL;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 GF_OK, "%s", error.message);
    cr_assert_not_null(message);
    return message;
}

static size_t list_all(Gofer__V1__ListEventsRequest *request, int64_t *out_ids, size_t most) {
    Gofer__V1__ListEventsResponse *response = NULL;
    size_t count = 0;
    request->page_token = "";
    do {
        cr_assert_eq(gofer_v1_event_service_list_events(harness.channel, NULL, request, &arena,
                                                        &response, &error),
                     GF_OK, "%s", error.message);
        for (size_t i = 0; i < response->n_events; i++) {
            cr_assert_lt(count, most);
            out_ids[count++] = response->events[i]->event_id;
        }
        request->page_token = response->next_page_token;
    } while (request->page_token[0] != '\0');
    return count;
}

Test(event, lists_both_ways) {
    static int64_t newest[4000];
    static int64_t oldest[4000];
    (void)up("hello", "one; two < one");
    for (int i = 0; i < 200; i++) {
        (void)start_run("hello");
    }
    (void)wait_run("hello", 200);
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    const size_t count = list_all(&request, newest, 4000);
    request.oldest_first = true;
    request.page_size = 77;
    cr_assert_eq(list_all(&request, oldest, 4000), count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(oldest[i], (int64_t)i + 1, "numbers have no gaps");
        cr_assert_eq(newest[i], (int64_t)(count - i));
    }
    /* Of one run: queued, started, two created, two started, two completed, completed. */
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    filter.namespace_id = "default";
    filter.pipeline_id = "hello";
    filter.run_id = 100;
    request.filter = &filter;
    cr_expect_eq(list_all(&request, oldest, 4000), 9);
    request.oldest_first = false;
    request.page_size = 2;
    cr_expect_eq(list_all(&request, newest, 4000), 9);
    cr_expect_eq(newest[0], oldest[8]);
    Gofer__V1__EventKind kind = GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED;
    filter.run_id = 0;
    filter.n_kinds = 1;
    filter.kinds = &kind;
    cr_expect_eq(list_all(&request, newest, 4000), 200);
    kind = GOFER__V1__EVENT_KIND__EVENT_KIND_SECRET_WRITTEN;
    cr_expect_eq(list_all(&request, newest, 4000), 0);
}

Test(event, times_are_filtered) {
    static int64_t ids[100];
    (void)up("hello", "one");
    Gofer__V1__ListEventsRequest request = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    request.filter = &filter;
    time.seconds = 4000000000;
    filter.start_time = &time;
    cr_expect_eq(list_all(&request, ids, 100), 0);
    filter.start_time = NULL;
    filter.end_time = &time;
    cr_expect_gt(list_all(&request, ids, 100), 0);
    time.seconds = 1;
    cr_expect_eq(list_all(&request, ids, 100), 0);
}

Test(event, one_is_read_by_its_number) {
    Gofer__V1__GetEventRequest request = GOFER__V1__GET_EVENT_REQUEST__INIT;
    Gofer__V1__GetEventResponse *response = NULL;
    request.event_id = 1;
    cr_assert_eq(gofer_v1_event_service_get_event(harness.channel, NULL, &request, &arena,
                                                  &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect_eq((int)response->event->kind, GOFER__V1__EVENT_KIND__EVENT_KIND_NAMESPACE_CREATED);
    cr_expect_str_eq(response->event->namespace_id, "default");
    request.event_id = 999;
    expect_error(gofer_v1_event_service_get_event(harness.channel, NULL, &request, &arena,
                                                  &response, &error),
                 GF_NOT_FOUND, "", "event 999 not found");
}

Test(event, followers_see_what_happens_from_now_on) {
    Gofer__V1__EventKind kinds[] = {GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_QUEUED,
                                    GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED};
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    filter.n_kinds = 2;
    filter.kinds = kinds;
    (void)up("hello", "one");
    (void)start_run("hello");
    (void)wait_run("hello", 1);
    struct gf_rpc_stream *stream = follow(&filter, "", false);
    const Gofer__V1__FollowEventsResponse *message = take(stream);
    cr_expect_null(message->event);
    cr_expect_str_neq(message->resume_token, "");
    (void)start_run("hello");
    message = take(stream);
    cr_expect_eq((int)message->event->kind, (int)kinds[0]);
    cr_expect_eq(message->event->run_id, 2);
    message = take(stream);
    cr_expect_eq((int)message->event->kind, (int)kinds[1]);
    cr_expect_eq((int)message->event->run_status, GOFER__V1__RUN_STATUS__RUN_STATUS_SUCCESSFUL);
    gf_rpc_stream_destroy(stream);
}

/* Follows, breaks off, restarts the server in between, and goes on: no gap and no duplicate. */
Test(event, a_stream_is_taken_up_again_across_a_restart) {
    int64_t next = 1;
    char *token = "";
    (void)up("hello", "one; two < one");
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 30; i++) {
            (void)start_run("hello");
        }
        struct gf_rpc_stream *stream = follow(NULL, token, true);
        const Gofer__V1__FollowEventsResponse *message = take(stream);
        cr_expect_null(message->event);
        for (int i = 0; i < 150; i++) {
            message = take(stream);
            cr_assert_not_null(message->event);
            cr_assert_eq(message->event->event_id, next);
            next++;
            token = message->resume_token;
        }
        gf_rpc_stream_destroy(stream);
        if (round % 2 == 0) {
            gf_harness_restart(&harness);
        }
    }
}

/* Runs start while somebody who reads slowly follows from the beginning. */
Test(event, a_slow_follower_misses_nothing) {
    (void)up("hello", "one; two < one; tri < two");
    struct gf_rpc_stream *stream = follow(NULL, "", true);
    (void)take(stream);
    for (int i = 0; i < 1500; i++) {
        (void)start_run("hello");
    }
    const int64_t last = wait_run("hello", 1500)->run_id;
    int64_t next = 1;
    for (;;) {
        const Gofer__V1__FollowEventsResponse *message = take(stream);
        cr_assert_eq(message->event->event_id, next);
        next++;
        if (message->event->run_id == last &&
            message->event->kind == GOFER__V1__EVENT_KIND__EVENT_KIND_RUN_COMPLETED) {
            break;
        }
    }
    gf_rpc_stream_destroy(stream);
}

Test(event, followers_end_with_the_server) {
    struct gf_rpc_stream *stream = follow(NULL, "", false);
    Gofer__V1__FollowEventsResponse *message = take(stream);
    gf_server_destroy(harness.server, GF_SERVER_STOP_GRACE_MS);
    harness.server = NULL;
    expect_error(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 GF_UNAVAILABLE, "", "the server is stopping");
    gf_rpc_stream_destroy(stream);
}

static void expect_end(Gofer__V1__EventFilter *filter, char *token, enum gf_code code,
                       const char *field) {
    Gofer__V1__FollowEventsResponse *message = NULL;
    struct gf_rpc_stream *stream = follow(filter, token, false);
    cr_expect_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                  &message, &error),
                 code, "%s", error.message);
    cr_expect_str_eq(error.field, field);
    gf_rpc_stream_destroy(stream);
}

Test(event, bad_streams_name_their_field) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    expect_end(NULL, "AAAA", GF_INVALID_ARGUMENT, "resume_token");
    time.seconds = 5;
    filter.end_time = &time;
    expect_end(&filter, "", GF_INVALID_ARGUMENT, "filter.end_time");
    filter.end_time = NULL;
    filter.run_id = 3;
    expect_end(&filter, "", GF_INVALID_ARGUMENT, "filter.run_id");
}

/* Kinds have numbers beyond 64, and what concerns no namespace is no less an event. */
Test(event, switches_are_told) {
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kinds[] = {GOFER__V1__EVENT_KIND__EVENT_KIND_SYSTEM_PREFERENCES_UPDATED,
                                    GOFER__V1__EVENT_KIND__EVENT_KIND_PIPELINE_DISABLED};
    Gofer__V1__DisablePipelineRequest disable = GOFER__V1__DISABLE_PIPELINE_REQUEST__INIT;
    Gofer__V1__DisablePipelineResponse *disabled = NULL;
    Gofer__V1__SystemPreferences preferences = GOFER__V1__SYSTEM_PREFERENCES__INIT;
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    Gofer__V1__UpdateSystemPreferencesRequest update =
        GOFER__V1__UPDATE_SYSTEM_PREFERENCES_REQUEST__INIT;
    Gofer__V1__UpdateSystemPreferencesResponse *updated = NULL;
    char *path = "attach_disabled";
    filter.n_kinds = GF_ARRAY_COUNT(kinds);
    filter.kinds = kinds;
    struct gf_rpc_stream *stream = follow(&filter, "", true);
    (void)up("hello", "one");
    disable.pipeline_id = "hello";
    cr_assert_eq(gofer_v1_pipeline_service_disable_pipeline(harness.channel, NULL, &disable, &arena,
                                                            &disabled, &error),
                 GF_OK, "%s", error.message);
    preferences.attach_disabled = true;
    mask.n_paths = 1;
    mask.paths = &path;
    update.preferences = &preferences;
    update.update_mask = &mask;
    cr_assert_eq(gofer_v1_system_service_update_system_preferences(harness.channel, NULL, &update,
                                                                   &arena, &updated, &error),
                 GF_OK, "%s", error.message);
    const Gofer__V1__Event *seen[2] = {NULL, NULL};
    for (size_t i = 0; i < 2;) {
        const Gofer__V1__FollowEventsResponse *message = take(stream);
        if (message->event != NULL) {
            seen[i++] = message->event;
        }
    }
    gf_rpc_stream_destroy(stream);
    cr_expect_eq((int)seen[0]->kind, GOFER__V1__EVENT_KIND__EVENT_KIND_PIPELINE_DISABLED);
    cr_expect_str_eq(seen[0]->pipeline_id, "hello");
    cr_expect_eq((int)seen[1]->kind, GOFER__V1__EVENT_KIND__EVENT_KIND_SYSTEM_PREFERENCES_UPDATED);
    cr_expect_str_eq(seen[1]->namespace_id, "");
    int64_t ids[3];
    Gofer__V1__ListEventsRequest list = GOFER__V1__LIST_EVENTS_REQUEST__INIT;
    list.filter = &filter;
    cr_assert_eq(list_all(&list, ids, 3), 2);
    cr_expect_eq(ids[0], seen[1]->event_id);
}
