/* The listener for events from outside, over HTTP: what is answered, and what is stored. */
#include "api/external/listener.h"
#include "base/clock.h"
#include "engine/core/limits.h"
#include "tests/extension/rig.h"
#include "tests/extension/sender.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define MESSAGE(name) GOFER__EXTENSION__V1__CONNECT_RESPONSE__MESSAGE_##name
#define OUTCOME(name) GOFER__EXTENSION__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_##name

static struct hub_rig rig;
static struct script script;
static struct sender sender;

static void setup(void) {
    hub_rig_init(&rig, NULL);
}

static void teardown(void) {
    sender_stop(&sender);
    script_close(&script);
    hub_rig_fini(&rig);
}

TestSuite(external_listener, .init = setup, .fini = teardown, .timeout = 60);

/* ---- The extension ---- */

static Gofer__Extension__V1__ExternalEventVerification *verification(void) {
    static Gofer__Extension__V1__ExternalEventVerification message =
        GOFER__EXTENSION__V1__EXTERNAL_EVENT_VERIFICATION__INIT;
    message.algorithm = GOFER__EXTENSION__V1__HMAC_ALGORITHM__HMAC_ALGORITHM_SHA256;
    message.key_parameter_name = "key";
    message.signature_header = "X-Hub-Signature-256";
    message.signature_prefix = "sha256=";
    message.delivery_id_header = "X-Delivery";
    return &message;
}

/* It connects once, so that it is known; with verified, as GitHub's requests are. */
static void connect_hook(bool verified) {
    Gofer__Extension__V1__Registration *message = script_registration(&rig, "hook");
    message->accepts_external_events = true;
    message->n_config_parameters = 1;
    message->config_parameters = message->subscription_parameters;
    message->config_parameters[0]->name = "key";
    message->config_parameters[0]->type = 0;
    message->n_subscription_parameters = 0;
    message->external_event_verification = verified ? verification() : NULL;
    (void)script_connect_with(&script, &rig, message, true);
}

static void begin(bool verified) {
    hub_rig_install(&rig, "hook", "", "key=secret");
    connect_hook(verified);
    sender_start(&sender, rig.hub, NULL);
}

static int64_t pending(void) {
    return hub_rig_counts(&rig, "hook").pending_deliveries;
}

static void expect(int status, const char *headers, const char *body) {
    struct answer answer;
    sender_post(&sender, "/external/hook", headers, body, &answer);
    cr_assert_eq(answer.status, status, "%s", answer.text);
}

/* ---- What is taken ---- */

Test(external_listener, a_verified_request_is_stored_and_delivered) {
    begin(true);
    char headers[512];
    struct answer answer;
    sender_sign(headers, sizeof(headers), "secret", "{\"ref\":1}");
    (void)strcat_headers(headers, sizeof(headers),
                         "X-Delivery: d-1\r\nContent-Type: application/json\r\n"
                         "X-Request-Id: my.request_1\r\nTE: trailers\r\nX-Hop: 1\r\n");
    sender_post(&sender, "/external/hook/push/x%20y?a=b&c", headers, "{\"ref\":1}", &answer);
    cr_assert_eq(answer.status, 202, "%s", answer.text);
    cr_expect_not_null(strstr(answer.text, "X-Request-Id: my.request_1\r\n"));
    const Gofer__Extension__V1__ExternalEvent *event =
        script_expect(&script, MESSAGE(EXTERNAL_EVENT))->external_event;
    cr_expect(event->verified);
    cr_expect_str_eq(event->delivery_id, "d-1");
    cr_expect_str_eq(event->method, "POST");
    cr_expect_str_eq(event->path, "/push/x%20y");
    cr_expect_str_eq(event->query, "a=b&c");
    cr_expect_eq(event->attempt, 1);
    cr_expect_gt(event->receive_time->seconds, 1600000000);
    cr_expect_eq(event->body.len, 9);
    cr_expect_eq(memcmp(event->body.data, "{\"ref\":1}", 9), 0);
    cr_expect_not_null(strstr(event->peer, "127.0.0.1"));
    bool has_type = false;
    for (size_t i = 0; i < event->n_headers; i++) {
        cr_expect_str_neq(event->headers[i]->name, "te");
        cr_expect_str_neq(event->headers[i]->name, "connection");
        has_type = has_type || (strcmp(event->headers[i]->name, "content-type") == 0 &&
                                strcmp(event->headers[i]->value, "application/json") == 0);
    }
    cr_expect(has_type);
}

Test(external_listener, chunks_are_one_body) {
    begin(true);
    char headers[512];
    struct answer answer;
    sender_sign(headers, sizeof(headers), "secret", "one two");
    (void)strcat_headers(headers, sizeof(headers), "Transfer-Encoding: chunked\r\n");
    sender_ask(&sender, "POST", "/external/hook", headers, "4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n",
               &answer);
    cr_assert_eq(answer.status, 202, "%s", answer.text);
    const Gofer__Extension__V1__ExternalEvent *event =
        script_expect(&script, MESSAGE(EXTERNAL_EVENT))->external_event;
    cr_expect_eq(event->body.len, 7);
    cr_expect_eq(memcmp(event->body.data, "one two", 7), 0);
    cr_expect_eq(strlen(event->delivery_id), 32, "it has one of ours");
}

Test(external_listener, an_empty_body_can_be_signed) {
    begin(true);
    char headers[512];
    sender_sign(headers, sizeof(headers), "secret", "");
    expect(202, headers, "");
    expect(401, "", "");
}

Test(external_listener, without_a_verification_it_is_taken_as_it_is) {
    begin(false);
    expect(202, "X-Delivery: d-1\r\n", "x");
    expect(202, "X-Delivery: d-1\r\n", "x");
    const Gofer__Extension__V1__ExternalEvent *event =
        script_expect(&script, MESSAGE(EXTERNAL_EVENT))->external_event;
    cr_expect_not(event->verified);
    cr_expect_eq(strlen(event->delivery_id), 32);
    cr_expect_eq(pending(), 2);
}

Test(external_listener, it_is_stored_for_one_that_is_not_connected) {
    begin(true);
    script_close(&script);
    char headers[512];
    sender_sign(headers, sizeof(headers), "secret", "later");
    expect(202, headers, "later");
    cr_expect_eq(pending(), 1);
    connect_hook(true);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
}

/* ---- Delivery ids ---- */

Test(external_listener, a_delivery_id_comes_in_once_also_after_a_restart) {
    begin(true);
    char headers[512];
    sender_sign(headers, sizeof(headers), "secret", "one");
    (void)strcat_headers(headers, sizeof(headers), "X-Delivery: d-1\r\n");
    expect(202, headers, "one");
    expect(202, headers, "one");
    cr_expect_eq(pending(), 1);
    (void)script_expect(&script, MESSAGE(EXTERNAL_EVENT));
    script_ack(&script, 1, OUTCOME(DONE), "");
    sender_stop(&sender);
    script_close(&script);
    hub_rig_restart(&rig);
    sender_start(&sender, rig.hub, NULL);
    expect(202, headers, "one");
    struct gf_external_stats stats;
    gf_external_listener_stats(sender.listener, &stats);
    cr_expect_eq(stats.duplicates_total, 1);
    cr_expect_eq(stats.stored_total, 0);
}

Test(external_listener, who_cannot_sign_claims_no_delivery_id) {
    begin(true);
    char headers[512];
    sender_sign(headers, sizeof(headers), "wrong", "one");
    (void)strcat_headers(headers, sizeof(headers), "X-Delivery: d-1\r\n");
    expect(401, headers, "one");
    cr_expect_eq(pending(), 0);
    sender_sign(headers, sizeof(headers), "secret", "one");
    (void)strcat_headers(headers, sizeof(headers), "X-Delivery: d-1\r\n");
    expect(202, headers, "one");
    struct gf_external_stats stats;
    gf_external_listener_stats(sender.listener, &stats);
    cr_expect_eq(stats.stored_total, 1);
    cr_expect_eq(stats.not_verified_total, 1);
}

Test(external_listener, delivery_ids_have_a_form) {
    begin(true);
    char headers[2048];
    sender_sign(headers, sizeof(headers), "secret", "one");
    (void)strcat_headers(headers, sizeof(headers), "X-Delivery: \xff\r\n");
    expect(400, headers, "one");
    sender_sign(headers, sizeof(headers), "secret", "one");
    const size_t used = strlen(headers);
    (void)snprintf(headers + used, sizeof(headers) - used, "X-Delivery: %0*d\r\n",
                   GF_START_KEY_CHARS_MAX + 1, 0);
    expect(400, headers, "one");
    (void)snprintf(headers + used, sizeof(headers) - used, "X-Delivery: %0*d\r\n",
                   GF_START_KEY_CHARS_MAX, 0);
    expect(202, headers, "one");
}

/* ---- What is refused ---- */

Test(external_listener, who_is_not_there_and_who_takes_none_are_answered_alike) {
    begin(true);
    struct answer unknown;
    struct answer takes_none;
    struct answer elsewhere;
    hub_rig_install(&rig, "cron", "", "");
    sender_post(&sender, "/external/nobody", "X-Request-Id: r\r\n", "x", &unknown);
    sender_post(&sender, "/external/cron", "X-Request-Id: r\r\n", "x", &takes_none);
    sender_post(&sender, "/", "X-Request-Id: r\r\n", "x", &elsewhere);
    cr_expect_eq(unknown.status, 404);
    cr_expect_str_eq(answer_without_date(&unknown), answer_without_date(&takes_none));
    cr_expect_str_eq(answer_without_date(&unknown), answer_without_date(&elsewhere));
    cr_expect_not_null(strstr(unknown.text, "{\"code\":\"not_found\",\"message\":"));
}

Test(external_listener, only_post) {
    begin(true);
    struct answer answer;
    static const char *const METHODS[] = {"GET", "PUT", "DELETE", "PATCH", "OPTIONS"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(METHODS); i++) {
        sender_ask(&sender, METHODS[i], "/external/hook", "", "", &answer);
        cr_expect_eq(answer.status, 405, "%s: %s", METHODS[i], answer.text);
        cr_expect_not_null(strstr(answer.text, "Allow: POST\r\n"));
        sender_ask(&sender, METHODS[i], "/external/nobody", "", "", &answer);
        cr_expect_eq(answer.status, 405, "%s: %s", METHODS[i], answer.text);
    }
}

Test(external_listener, a_signature_is_there_once) {
    begin(true);
    char headers[1024];
    sender_sign(headers, sizeof(headers), "secret", "x");
    const size_t used = strlen(headers);
    memmove(headers + used, headers, used + 1);
    expect(401, headers, "x");
    expect(401, "X-Hub-Signature-256: sha256=\r\n", "x");
    cr_expect_eq(pending(), 0);
}

Test(external_listener, bodies_have_a_limit) {
    hub_rig_install(&rig, "hook", "", "key=secret");
    connect_hook(false);
    const struct gf_external_options options = {.body_bytes_max = 8};
    sender_start(&sender, rig.hub, &options);
    expect(202, "", "12345678");
    expect(413, "", "123456789");
    struct answer answer;
    sender_ask(&sender, "POST", "/external/hook", "Transfer-Encoding: chunked\r\n",
               "8\r\n12345678\r\n1\r\n9\r\n0\r\n\r\n", &answer);
    cr_expect_eq(answer.status, 413, "%s", answer.text);
    sender_ask(&sender, "POST", "/external/hook", "Content-Length: 99999999999\r\n", "", &answer);
    cr_expect_eq(answer.status, 413, "%s", answer.text);
    cr_expect_eq(pending(), 1);
}

Test(external_listener, headers_have_a_limit) {
    begin(false);
    char headers[4096] = "";
    size_t used = 0;
    for (int i = 0; i < 110; i++) {
        used += (size_t)snprintf(headers + used, sizeof(headers) - used, "X-%d: 1\r\n", i);
    }
    expect(431, headers, "x");
    cr_expect_eq(pending(), 0);
}

Test(external_listener, an_address_has_a_rate) {
    hub_rig_install(&rig, "hook", "", "key=secret");
    connect_hook(false);
    const struct gf_external_options options = {.address_rate_max = 1, .local_is_limited = true};
    sender_start(&sender, rig.hub, &options);
    expect(202, "", "1");
    int limited = 0;
    for (int i = 0; i < 20 && limited == 0; i++) {
        struct answer answer;
        sender_post(&sender, "/external/hook", "", "2", &answer);
        limited += answer.status == 429;
        if (answer.status == 429) {
            cr_expect_not_null(strstr(answer.text, "Retry-After: 1\r\n"));
        }
    }
    cr_expect_eq(limited, 1);
}

Test(external_listener, what_waits_has_a_limit) {
    begin(false);
    script_close(&script);
    for (int i = 0; i < GF_DELIVERIES_PENDING_MAX; i++) {
        const struct gf_delivery row = {.extension_key = hub_rig_row(&rig, "hook").extension_key,
                                        .kind = GF_DELIVERY_EXTERNAL_EVENT,
                                        .key = GF_STR("k"),
                                        .content = GF_STR("\x0a\x01k")};
        const struct gf_input input = {.kind = GF_INPUT_ADD_DELIVERY, .u.delivery.row = &row};
        cr_assert_eq(hub_rig_command(&rig, &input, NULL), GF_OK);
    }
    struct answer answer;
    sender_post(&sender, "/external/hook", "", "x", &answer);
    cr_expect_eq(answer.status, 429, "%s", answer.text);
    cr_expect_not_null(strstr(answer.text, "Retry-After: 10\r\n"));
}

Test(external_listener, without_the_key_nothing_is_taken) {
    hub_rig_install(&rig, "hook", "", "key=global_secret{{KEY}}");
    connect_hook(true);
    sender_start(&sender, rig.hub, NULL);
    struct answer answer;
    sender_post(&sender, "/external/hook", "", "x", &answer);
    cr_expect_eq(answer.status, 503, "%s", answer.text);
    cr_expect_not_null(strstr(answer.text, "Retry-After: "));
    cr_expect_null(strstr(answer.text, "KEY"));
}

Test(external_listener, while_it_is_disabled_senders_try_again) {
    begin(true);
    char headers[512];
    hub_rig_switch(&rig, GF_INPUT_DISABLE_EXTENSION, "hook");
    sender_sign(headers, sizeof(headers), "secret", "x");
    expect(503, headers, "x");
    expect(401, "", "x");
    hub_rig_switch(&rig, GF_INPUT_ENABLE_EXTENSION, "hook");
    expect(202, headers, "x");
}

Test(external_listener, a_hub_that_stops_takes_nothing) {
    begin(false);
    gf_extension_hub_stop(rig.hub);
    expect(503, "", "x");
}

/* ---- Clients that do not behave ---- */

Test(external_listener, a_body_that_comes_too_slowly_is_given_up) {
    hub_rig_install(&rig, "hook", "", "key=secret");
    connect_hook(false);
    const struct gf_external_options options = {.body_ms_max = 100};
    sender_start(&sender, rig.hub, &options);
    struct answer answer;
    sender_ask(&sender, "POST", "/external/hook", "Content-Length: 10\r\n", "half", &answer);
    cr_expect_eq(answer.status, 408, "%s", answer.text);
    cr_expect_eq(pending(), 0);
}

Test(external_listener, a_client_that_goes_leaves_nothing_behind) {
    begin(false);
    for (int i = 0; i < 20; i++) {
        const int fd = sender_connect(&sender);
        sender_send(fd, "POST /external/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
        if (i % 2 == 0) {
            sender_send(fd, "one");
        }
        (void)close(fd);
    }
    expect(202, "", "the last one");
    sender_stop(&sender); /* waits for all */
}

Test(external_listener, requests_in_a_row_on_one_connection) {
    begin(false);
    const int fd = sender_connect(&sender);
    for (int i = 0; i < 3; i++) {
        sender_send(fd, "POST /external/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                        "POST /external/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo");
    }
    sender_send(fd, "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    char *text = sender_read_all(fd);
    int accepted = 0;
    for (const char *at = text; (at = strstr(at, "HTTP/1.1 202")) != NULL; at++) {
        accepted++;
    }
    cr_expect_eq(accepted, 6, "%s", text);
    free(text);
    cr_expect_eq(pending(), 6);
}
