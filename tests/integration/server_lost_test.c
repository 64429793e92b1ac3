/* A server whose databases were lost or set back, one without the other. */
#include "gofer/v1/secret.gofer.h"
#include "tests/integration/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

TestSuite(server_lost, .init = client_setup, .fini = client_teardown);

/* With the files that SQLite puts beside it. The server is not there. */
static void lose(const char *database) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(ends); i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s/%s%s", harness.data_dir, database, ends[i]);
        cr_assert(unlink(path) == 0 || i > 0, "%s", path);
    }
}

static void put_secret(char *pipeline_id) {
    Gofer__V1__PutPipelineSecretRequest request = GOFER__V1__PUT_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__SecretValue value = GOFER__V1__SECRET_VALUE__INIT;
    Gofer__V1__PutPipelineSecretResponse *response = NULL;
    value.form_case = GOFER__V1__SECRET_VALUE__FORM_PLAINTEXT;
    value.plaintext = (ProtobufCBinaryData){.data = (uint8_t *)"of great value", .len = 14};
    request.pipeline_id = pipeline_id;
    request.key = "the-key";
    request.value = &value;
    cr_assert_eq(gofer_v1_secret_service_put_pipeline_secret(harness.channel, NULL, &request,
                                                             &arena, &response, &error),
                 GF_OK, "%s", error.message);
    cr_expect(response->created);
}

static enum gf_code reveal(char *pipeline_id) {
    Gofer__V1__RevealPipelineSecretRequest request =
        GOFER__V1__REVEAL_PIPELINE_SECRET_REQUEST__INIT;
    Gofer__V1__RevealPipelineSecretResponse *response = NULL;
    request.pipeline_id = pipeline_id;
    request.key = "the-key";
    return gofer_v1_secret_service_reveal_pipeline_secret(harness.channel, NULL, &request, &arena,
                                                          &response, &error);
}

/* Follows the events from their beginning until one tells that the secret of this was written. */
static void wait_written(const char *pipeline_id) {
    Gofer__V1__FollowEventsRequest request = GOFER__V1__FOLLOW_EVENTS_REQUEST__INIT;
    Gofer__V1__FollowEventsResponse *message = NULL;
    Gofer__V1__EventFilter filter = GOFER__V1__EVENT_FILTER__INIT;
    Gofer__V1__EventKind kind = GOFER__V1__EVENT_KIND__EVENT_KIND_SECRET_WRITTEN;
    struct gf_rpc_stream *stream = NULL;
    bool found = false;
    filter.kinds = &kind;
    filter.n_kinds = 1;
    request.filter = &filter;
    request.include_history = true;
    cr_assert_eq(gofer_v1_event_service_follow_events_stream_open(harness.channel, NULL, &request,
                                                                  &stream, &error),
                 GF_OK);
    while (!found) {
        cr_assert_eq(gofer_v1_event_service_follow_events_stream_recv(stream, TIMEOUT_MS, &arena,
                                                                      &message, &error),
                     GF_OK, "%s", error.message);
        found = message->event != NULL && strcmp(message->event->pipeline_id, pipeline_id) == 0;
    }
    gf_rpc_stream_destroy(stream);
}

Test(server_lost, secrets_of_a_lost_store_are_for_nobody_else) {
    (void)up("hello", "one");
    put_secret("hello");
    gf_harness_pause(&harness);
    lose("gofer.db");
    gf_harness_resume(&harness);
    (void)up("other", "one");
    cr_expect_eq(reveal("other"), GF_NOT_FOUND);
    (void)up("hello", "one");
    cr_expect_eq(reveal("hello"), GF_NOT_FOUND);
    put_secret("hello");
    cr_expect_eq(reveal("hello"), GF_OK);
}

Test(server_lost, changes_of_new_secrets_are_told) {
    (void)up("hello", "one");
    (void)up("other", "one");
    put_secret("hello");
    wait_written("hello");
    gf_harness_pause(&harness);
    lose("secrets.db");
    gf_harness_resume(&harness);
    cr_expect_eq(reveal("hello"), GF_NOT_FOUND);
    put_secret("other");
    wait_written("other");
}
