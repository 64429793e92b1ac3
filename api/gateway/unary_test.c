#include "api/codec/wire/wire.h"
#include "api/gateway/envelope.h"
#include "api/gateway/gzip.h"
#include "api/gateway/query.h"
#include "api/gateway/testing/rig.h"
#include "api/rpc/testdata/echo_service.h"
#include "base/alloc.h"
#include "base/base64.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define JSON "Content-Type: application/json\r\n"
#define PROTO "Content-Type: application/proto\r\n"
#define WEB "Content-Type: application/grpc-web+proto\r\n"

static struct gateway_rig rig;
static struct gateway_answer answer;

static void start(void) {
    gateway_rig_start(&rig);
}

static void stop(void) {
    gateway_answer_free(&answer);
    gateway_rig_stop(&rig);
}

TestSuite(gateway_unary, .init = start, .fini = stop);

/* Asks for Unary, and keeps the answer. */
static void ask(const char *headers, struct gf_str body) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", GATEWAY_RIG_UNARY, headers, body);
    cr_assert(answer.whole, "%s", answer.head);
}

static void get(const char *target, const char *headers) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "GET", target, headers, (struct gf_str){NULL, 0});
}

static void expect_header(const char *name, const char *value) {
    char found[512];
    (void)gateway_answer_header(&answer, name, found, sizeof(found));
    cr_expect_str_eq(found, value, "%s in:\n%s", name, answer.head);
}

static void expect_answer(int status, const char *type, const char *body) {
    cr_expect_eq(answer.status, status, "%s\n%s", answer.head, answer.body);
    expect_header("content-type", type);
    cr_expect_str_eq(answer.body, body);
}

static struct gf_str body_view(void) {
    return (struct gf_str){answer.body, answer.body_size};
}

/* A request on the wire, in static storage. */
static struct gf_str request_wire(const char *id, size_t payload_size) {
    static uint8_t bytes[64 * 1024];
    gf_echo_request request = gf_echo_request_make(id, payload_size, 0);
    const size_t size = gf_wire_encode(&request.base, bytes);
    free(request.payload.data);
    return (struct gf_str){(char *)bytes, size};
}

/* Opens the response on the wire. */
static void expect_response(struct gf_str wire, const char *id, size_t payload_size) {
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    ProtobufCMessage *message = NULL;
    cr_assert_eq(gf_wire_decode(&gofer__testing__echo_response__descriptor,
                                (const uint8_t *)wire.ptr, wire.len, &arena, &message, NULL),
                 GF_OK);
    const gf_echo_response *response = (const gf_echo_response *)message;
    cr_expect_str_eq(response->id, id);
    cr_expect_eq(response->payload.len, payload_size);
    gf_arena_fini(&arena);
}

/* ---- Connect, POST ---- */

Test(gateway_unary, json_as_curl_sends_it) {
    ask(JSON, GF_STR("{\"id\": \"x\", \"payload\": \"YWI=\"}"));
    expect_answer(200, "application/json", "{\"id\":\"x\",\"payload\":\"YWI=\"}");
    expect_header("cache-control", "no-store");
    ask(JSON, GF_STR("{}"));
    expect_answer(200, "application/json", "{}");
}

Test(gateway_unary, binary) {
    ask(PROTO, request_wire("x", 100));
    cr_expect_eq(answer.status, 200);
    expect_header("content-type", "application/proto");
    expect_response(body_view(), "x", 100);
    ask(PROTO, GF_STR(""));
    expect_answer(200, "application/proto", "");
}

Test(gateway_unary, answers_from_another_thread) {
    ask(JSON, GF_STR("{\"id\":\"later\"}"));
    expect_answer(200, "application/json", "{\"id\":\"later\",\"sequence\":\"1\"}");
}

Test(gateway_unary, request_ids_come_back) {
    ask(JSON "X-Request-Id: mine-1\r\n", GF_STR("{}"));
    expect_header("x-request-id", "mine-1");
    ask(JSON "X-Request-Id: not one\r\n", GF_STR("{\"id\":\"fail\"}"));
    char found[128];
    cr_expect_gt(strlen(gateway_answer_header(&answer, "x-request-id", found, sizeof(found))), 4);
    cr_expect_str_neq(found, "not one");
}

Test(gateway_unary, answers_without_a_call_have_request_ids) {
    static const struct {
        const char *method;
        const char *target;
        const char *headers;
        int status;
    } requests[] = {
        {"POST", "/gofer.testing.Echo/Nothing", JSON, 404},
        {"POST", GATEWAY_RIG_UNARY, "Content-Type: text/plain\r\n", 415},
        {"DELETE", GATEWAY_RIG_UNARY, "", 405},
        {"GET", "/nothing", "", 404},
        {"GET", "/healthz", "Origin: https://elsewhere.example\r\n", 403},
        {"GET", "/healthz", "", 200},
    };
    char found[128];
    for (size_t i = 0; i < GF_ARRAY_COUNT(requests); i++) {
        GF_CLEANUP(gf_free_p)
        char *named = gf_asprintf("%sX-Request-Id: mine\r\n", requests[i].headers);
        gateway_answer_free(&answer);
        answer = gateway_rig_ask(&rig, requests[i].method, requests[i].target, named,
                                 (struct gf_str){NULL, 0});
        cr_expect_eq(answer.status, requests[i].status, "%zu: %s", i, answer.head);
        expect_header("x-request-id", "mine");
        gateway_answer_free(&answer);
        answer = gateway_rig_ask(&rig, requests[i].method, requests[i].target, requests[i].headers,
                                 (struct gf_str){NULL, 0});
        cr_expect_gt(strlen(gateway_answer_header(&answer, "x-request-id", found, sizeof(found))),
                     4, "%zu: %s", i, answer.head);
    }
}

Test(gateway_unary, waits_for_bodies_that_say_so) {
    ask(JSON "Expect: 100-continue\r\n", GF_STR("{\"id\":\"x\"}"));
    expect_answer(200, "application/json", "{\"id\":\"x\"}");
}

Test(gateway_unary, chunked_bodies) {
    gateway_answer_free(&answer);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n"
                                "5\r\n{\"id\"\r\n5\r\n:\"x\"}\r\n0\r\n\r\n"));
    answer = gateway_rig_read(fd);
    expect_answer(200, "application/json", "{\"id\":\"x\"}");
}

Test(gateway_unary, connections_are_used_again) {
    gateway_answer_free(&answer);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd,
                     GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                            "Content-Length: 10\r\n\r\n{\"id\":\"x\"}"
                            "POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                            "Connection: close\r\nContent-Length: 13\r\n\r\n{\"id\":\"fail\"}"));
    answer = gateway_rig_read(fd);
    cr_expect_eq(answer.status, 200);
    cr_expect_not_null(strstr(answer.body, "{\"id\":\"x\"}HTTP/1.1 404"), "%s", answer.body);
}

/* ---- errors ---- */

Test(gateway_unary, errors_have_code_message_and_details) {
    ask(JSON, GF_STR("{\"id\":\"fail\"}"));
    cr_expect_eq(answer.status, 404);
    expect_header("content-type", "application/json");
    cr_expect_not_null(strstr(answer.body, "{\"code\":\"not_found\",\"message\":\"no echo of "
                                           "'fail'\",\"details\":[{\"type\":\"google.rpc."
                                           "ErrorInfo\",\"value\":\""),
                       "%s", answer.body);
    cr_expect_not_null(strstr(answer.body, "\"type\":\"google.rpc.BadRequest\""));
    ask(PROTO, request_wire("fail", 0));
    cr_expect_eq(answer.status, 404);
    expect_header("content-type", "application/json");
}

Test(gateway_unary, codes_have_the_status_of_the_protocol) {
    static const int statuses[] = {0,   499, 500, 400, 504, 404, 409, 403, 429,
                                   400, 409, 400, 501, 500, 503, 500, 401};
    for (size_t i = 1; i < GF_ARRAY_COUNT(statuses); i++) {
        GF_CLEANUP(gf_free_p) char *body = gf_asprintf("{\"id\":\"code=%zu\"}", i);
        ask(JSON, gf_str_from(body));
        cr_expect_eq(answer.status, statuses[i], "code %zu", i);
    }
    expect_header("www-authenticate", "Bearer");
}

Test(gateway_unary, errors_say_what_may_be_tried_again) {
    static const struct {
        enum gf_code code;
        const char *retry_after;
        const char *authenticate;
    } errors[] = {
        {GF_RESOURCE_EXHAUSTED, "1", ""},
        {GF_UNAVAILABLE, "1", ""},
        {GF_UNAUTHENTICATED, "", "Bearer"},
        {GF_INTERNAL, "", ""},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(errors); i++) {
        GF_CLEANUP(gf_free_p)
        char *body = gf_asprintf("{\"id\":\"code=%d\"}", (int)errors[i].code);
        ask(JSON, gf_str_from(body));
        expect_header("retry-after", errors[i].retry_after);
        expect_header("www-authenticate", errors[i].authenticate);
    }
    ask(PROTO "X-Limit: 50\r\n", request_wire("x", 100));
    expect_header("retry-after", "");
}

Test(gateway_unary, malformed_json_is_told_with_its_place) {
    ask(JSON, GF_STR("{\n \"id\": 7}"));
    cr_expect_eq(answer.status, 400);
    cr_expect_not_null(strstr(answer.body, "line 2, column 8"), "%s", answer.body);
    cr_expect_not_null(strstr(answer.body, "google.rpc.BadRequest"), "%s", answer.body);
    ask(JSON, GF_STR(""));
    cr_expect_eq(answer.status, 400);
    ask(PROTO, GF_STR("\xff"));
    cr_expect_eq(answer.status, 400);
    cr_expect_eq(atomic_load(&rig.started), 0);
}

Test(gateway_unary, other_content_types_and_methods) {
    ask("Content-Type: text/plain\r\nX-Request-Id: odd-1\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 415);
    expect_header("x-request-id", "odd-1");
    expect_header("accept-post", "application/json, application/proto, application/grpc-web, "
                                 "application/grpc-web+proto, application/grpc-web+json, "
                                 "application/grpc-web-text, application/grpc-web-text+proto");
    ask("", GF_STR("{}"));
    cr_expect_eq(answer.status, 415);
    ask("Content-Type: application/connect+json\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 415);
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "PUT", GATEWAY_RIG_UNARY, JSON, GF_STR("{}"));
    cr_expect_eq(answer.status, 405);
    expect_header("allow", "GET, POST");
    char id[64];
    cr_expect_eq(strlen(gateway_answer_header(&answer, "x-request-id", id, sizeof(id))), 32);
    get(GATEWAY_RIG_REPEAT "?encoding=json&message=%7B%7D", "");
    cr_expect_eq(answer.status, 405);
    expect_header("allow", "POST");
}

Test(gateway_unary, methods_that_are_not_there) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", "/gofer.testing.Echo/Nothing", JSON, GF_STR("{}"));
    expect_answer(404, "application/json",
                  "{\"code\":\"unimplemented\",\"message\":\"there is no method "
                  "'/gofer.testing.Echo/Nothing'\"}");
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", "/gofer.testing.Echo/Nothing", WEB, GF_STR(""));
    cr_expect_eq(answer.status, 200);
    expect_header("grpc-status", "12");
}

Test(gateway_unary, streams_of_requests_are_grpcs) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", GATEWAY_RIG_COLLECT, JSON, GF_STR("{}"));
    cr_expect_eq(answer.status, 501);
    cr_expect_not_null(strstr(answer.body, "gRPC only"), "%s", answer.body);
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", GATEWAY_RIG_CHAT,
                             "Content-Type: application/connect+json\r\n", GF_STR(""));
    cr_expect_eq(answer.status, 200);
    cr_expect_not_null(strstr(answer.body + 5, "gRPC only"));
}

/* ---- what the interceptor says ---- */

Test(gateway_unary, refusals_need_no_body) {
    gateway_answer_free(&answer);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                                "Authorization: Bearer wrong\r\nContent-Length: 1000\r\n\r\n"));
    answer = gateway_rig_read(fd);
    cr_expect_eq(answer.status, 401);
    cr_expect_not_null(strstr(answer.body, "the token does not let in"), "%s", answer.body);
    cr_expect_eq(atomic_load(&rig.started), 0);
}

Test(gateway_unary, headers_that_come_twice_are_two_values) {
    ask(JSON "Authorization: Bearer a\r\nauthorization: Bearer b\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 401);
    cr_expect_not_null(strstr(answer.body, "more than one token"), "%s", answer.body);
}

Test(gateway_unary, refusals_are_held_back) {
    const int64_t begin_ns = gf_mono_ns();
    ask(JSON "Authorization: Bearer wrong\r\nX-Hold: 50\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 401);
    cr_expect_geq(gf_mono_ns() - begin_ns, 50 * GF_NS_PER_MS);
}

Test(gateway_unary, clients_that_leave_a_held_refusal_are_forgotten) {
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                                "Authorization: Bearer wrong\r\nX-Hold: 600000\r\n"
                                "Content-Length: 2\r\n\r\n{}"));
    while (gf_rpc_server_call_count(rig.rpc) == 0) {
        (void)usleep(1000);
    }
    (void)close(fd);
    while (gf_rpc_server_call_count(rig.rpc) != 0) {
        (void)usleep(1000);
    }
}

/* ---- limits ---- */

Test(gateway_unary, large_requests_are_refused) {
    ask(PROTO "X-Limit: 50\r\n", request_wire("x", 100));
    cr_expect_eq(answer.status, 413);
    cr_expect_not_null(strstr(answer.body, "\"code\":\"resource_exhausted\""), "%s", answer.body);
    /* The text may have more bytes than the message, but not a message of more. */
    GF_CLEANUP(gf_free_p) char *zeros = gf_malloc(4000);
    memset(zeros, 'A', 3999);
    zeros[3999] = '\0';
    GF_CLEANUP(gf_free_p) char *body = gf_asprintf("{\"payload\":\"%sA\"}", zeros);
    ask(JSON "X-Limit: 100\r\n", gf_str_from(body));
    cr_expect_eq(answer.status, 413);
    ask(JSON "X-Limit: 3100\r\n", gf_str_from(body));
    cr_expect_eq(answer.status, 200);
}

Test(gateway_unary, headers_are_bounded) {
    struct gf_strbuf headers;
    gf_strbuf_init(&headers, 1 << 16);
    gf_strbuf_append_cstr(&headers, JSON);
    for (int i = 0; i < 300; i++) {
        gf_strbuf_printf(&headers, "x-%d: y\r\n", i);
    }
    ask(headers.ptr, GF_STR("{}"));
    cr_expect_eq(answer.status, 431);
    gf_strbuf_fini(&headers);
    ask(JSON "Trace-Bin: *\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 400);
}

Test(gateway_unary, versions_and_timeouts_are_checked) {
    ask(JSON "Connect-Protocol-Version: 1\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 200);
    ask(JSON "Connect-Protocol-Version: 2\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 400);
    ask(JSON "Connect-Timeout-Ms: 12345678901\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 400);
    ask(JSON "Connect-Timeout-Ms: 9999999999\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 200);
    const int started = atomic_load(&rig.started);
    ask(JSON "Connect-Timeout-Ms: 0\r\n", GF_STR("{}"));
    cr_expect_eq(answer.status, 504);
    cr_expect_eq(atomic_load(&rig.started), started, "there was no time for it");
}

Test(gateway_unary, deadlines_end_calls) {
    ask(JSON "Connect-Timeout-Ms: 20\r\n", GF_STR("{\"id\":\"never\"}"));
    expect_answer(504, "application/json",
                  "{\"code\":\"deadline_exceeded\",\"message\":\"the deadline has passed\"}");
    cr_expect_eq(atomic_load(&rig.cancelled), 1);
    ask(WEB "Grpc-Timeout: 20m\r\n", GF_STR("\0\0\0\0\7\n\5never"));
    cr_expect_eq(answer.status, 200);
    expect_header("grpc-status", "4");
}

Test(gateway_unary, deadlines_end_calls_whose_body_does_not_come) {
    gateway_answer_free(&answer);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                                "Connect-Timeout-Ms: 20\r\nContent-Length: 1000\r\n\r\n{"));
    answer = gateway_rig_read(fd);
    cr_expect_eq(answer.status, 504);
    cr_expect_eq(atomic_load(&rig.started), 0);
}

Test(gateway_unary, clients_that_go_cancel_their_calls) {
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, GF_STR("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n" JSON
                                "Content-Length: 14\r\n\r\n{\"id\":\"never\"}"));
    cr_assert(gateway_rig_await(&rig.started, 1));
    (void)close(fd);
    cr_assert(gateway_rig_await(&rig.cancelled, 1));
    cr_assert(gateway_rig_await(&rig.done, 1));
}

/* ---- compression ---- */

Test(gateway_unary, compressed_requests_and_responses) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, 1 << 20);
    gf_strbuf_init(&back, 1 << 20);
    const struct gf_str wire = request_wire("x", 20000);
    cr_assert(gf_gateway__pack(packer, wire, &packed));
    ask(PROTO "Content-Encoding: gzip\r\nAccept-Encoding: br, gzip\r\n", gf_strbuf_view(&packed));
    cr_expect_eq(answer.status, 200);
    expect_header("content-encoding", "gzip");
    cr_expect_lt(answer.body_size, 1000);
    cr_assert_eq(gf_gateway__unpack(body_view(), &back, NULL), GF_OK);
    expect_response(gf_strbuf_view(&back), "x", 20000);
    /* What a client understands is guessed from what it says, where it does not say it. */
    ask(PROTO "Content-Encoding: gzip\r\n", gf_strbuf_view(&packed));
    expect_header("content-encoding", "gzip");
    ask(PROTO "Content-Encoding: gzip\r\nAccept-Encoding: identity\r\n", gf_strbuf_view(&packed));
    expect_header("content-encoding", "");
    /* Small answers and those of secrets are as they are. */
    ask(JSON "Accept-Encoding: gzip\r\n", GF_STR("{}"));
    expect_header("content-encoding", "");
    ask(PROTO "Accept-Encoding: gzip\r\nX-Secret: 1\r\n", wire);
    expect_header("content-encoding", "");
    expect_response(body_view(), "x", 20000);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    gf_gateway__packer_destroy(packer);
}

Test(gateway_unary, bombs_and_other_codings) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    gf_strbuf_init(&packed, 1 << 20);
    GF_CLEANUP(gf_free_p) char *zeros = gf_calloc(1, 8 << 20);
    cr_assert(gf_gateway__pack(packer, (struct gf_str){zeros, 8 << 20}, &packed));
    ask(PROTO "Content-Encoding: gzip\r\n", gf_strbuf_view(&packed));
    cr_expect_eq(answer.status, 413);
    ask(PROTO "Content-Encoding: gzip\r\n", GF_STR("no gzip"));
    cr_expect_eq(answer.status, 400);
    ask(PROTO "Content-Encoding: gzip\r\n", GF_STR(""));
    cr_expect_eq(answer.status, 200, "what is empty is not packed");
    ask(JSON "Content-Encoding: br\r\n", GF_STR("x"));
    cr_expect_eq(answer.status, 501);
    cr_expect_not_null(strstr(answer.body, "gzip, identity"), "%s", answer.body);
    gf_strbuf_fini(&packed);
    gf_gateway__packer_destroy(packer);
}

Test(gateway_unary, secrets_look_the_same) {
    ask(JSON "X-Secret: 1\r\n", GF_STR("{\"id\":\"x\"}"));
    expect_answer(200, "application/json", "{\"id\":\"x\"}");
    ask("Content-Type: application/grpc-web-text\r\nX-Secret: 1\r\n", GF_STR("AAAAAAMKAXg="));
    expect_answer(200, "application/grpc-web-text", "AAAAAAMKAXg=gAAAABBncnBjLXN0YXR1czogMA0K");
}

/* ---- Connect, GET ---- */

Test(gateway_unary, reads_may_be_asked_by_get) {
    get(GATEWAY_RIG_UNARY "?connect=v1&encoding=json&message=%7B%22id%22%3A%22x%22%7D", "");
    expect_answer(200, "application/json", "{\"id\":\"x\"}");
    expect_header("cache-control", "no-store");
    get(GATEWAY_RIG_UNARY "?connect=v1&encoding=proto&base64=1&message=CgF4", "");
    cr_expect_eq(answer.status, 200);
    expect_response(body_view(), "x", 0);
    get(GATEWAY_RIG_UNARY "?encoding=json&message=%7B%22id%22%3A%22fail%22%7D", "");
    cr_expect_eq(answer.status, 404);
}

Test(gateway_unary, get_with_compression) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf target;
    gf_strbuf_init(&packed, 1 << 16);
    gf_strbuf_init(&target, 1 << 16);
    cr_assert(gf_gateway__pack(packer, request_wire("x", 3000), &packed));
    gf_strbuf_append_cstr(&target,
                          GATEWAY_RIG_UNARY "?base64=1&encoding=proto&compression=gzip&message=");
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1 << 16);
    gf_base64_append(gf_strbuf_view(&packed), true, &text);
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        gf_strbuf_append_char(&target, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    while (target.ptr[target.len - 1] == '=') {
        gf_strbuf_truncate(&target, target.len - 1);
    }
    get(target.ptr, "Accept-Encoding: identity\r\n");
    cr_expect_eq(answer.status, 200, "%s", answer.body);
    expect_response(body_view(), "x", 3000);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&target);
    gf_strbuf_fini(&text);
    gf_gateway__packer_destroy(packer);
}

Test(gateway_unary, malformed_gets) {
    get(GATEWAY_RIG_UNARY, "");
    cr_expect_eq(answer.status, 400);
    cr_expect_not_null(strstr(answer.body, "?encoding=json&message=%7B%7D"), "%s", answer.body);
    get(GATEWAY_RIG_UNARY "?encoding=xml&message=x", "");
    cr_expect_eq(answer.status, 415);
    get(GATEWAY_RIG_UNARY "?encoding=json&message=%7B%7D&compression=br", "");
    cr_expect_eq(answer.status, 501);
    char target[GF_GATEWAY__QUERY_BYTES_MAX + 200] = GATEWAY_RIG_UNARY "?encoding=json&message=";
    memset(target + strlen(target), 'a', sizeof(target) - 1 - strlen(target));
    get(target, "");
    cr_expect_eq(answer.status, 414);
    cr_expect_not_null(strstr(answer.body, "resource_exhausted"), "%s", answer.body);
    expect_header("retry-after", "");
    /* Who is not let in is told that, and nothing of what else is wrong. */
    get(target, "Authorization: Bearer wrong\r\n");
    cr_expect_eq(answer.status, 401);
}

/* ---- gRPC-Web ---- */

Test(gateway_unary, grpc_web) {
    ask(WEB "X-Grpc-Web: 1\r\n", GF_STR("\0\0\0\0\3\n\1x"));
    cr_expect_eq(answer.status, 200);
    expect_header("content-type", "application/grpc-web+proto");
    cr_expect_eq(answer.body_size, 8 + 5 + 16);
    cr_expect_arr_eq(answer.body, "\0\0\0\0\3\n\1x\200\0\0\0\20grpc-status: 0\r\n",
                     answer.body_size);
    ask("Content-Type: application/grpc-web+json\r\n", GF_STR("\0\0\0\0\12{\"id\":\"x\"}"));
    cr_expect_eq(answer.status, 200);
    cr_expect_arr_eq(answer.body, "\0\0\0\0\12{\"id\":\"x\"}\200", 16);
}

Test(gateway_unary, grpc_web_as_text) {
    ask("Content-Type: application/grpc-web-text\r\n", GF_STR("AAAAAAMKAXg="));
    expect_answer(200, "application/grpc-web-text", "AAAAAAMKAXg=gAAAABBncnBjLXN0YXR1czogMA0K");
    ask("Content-Type: application/grpc-web-text\r\n", GF_STR("AAAA"));
    expect_header("grpc-status", "3");
}

Test(gateway_unary, grpc_web_errors_are_in_the_head) {
    ask(WEB, GF_STR("\0\0\0\0\6\n\4fail"));
    cr_expect_eq(answer.status, 200);
    cr_expect_eq(answer.body_size, 0);
    expect_header("grpc-status", "5");
    expect_header("grpc-message", "no echo of 'fail'");
    char details[512];
    (void)gateway_answer_header(&answer, "grpc-status-details-bin", details, sizeof(details));
    cr_expect_gt(strlen(details), 50);
    ask(WEB, GF_STR(""));
    expect_header("grpc-status", "12");
    ask(WEB, GF_STR("\0\0\0\0\0\0\0\0\0\0"));
    expect_header("grpc-status", "12");
    ask(WEB, GF_STR("\0\0\0\0\7\n"));
    expect_header("grpc-status", "3");
    ask(WEB, GF_STR("\1\0\0\0\2\n\1"));
    expect_header("grpc-status", "13");
    ask(WEB "Content-Encoding: gzip\r\n", GF_STR("\0\0\0\0\0"));
    expect_header("grpc-status", "12");
    ask(WEB "Authorization: Bearer wrong\r\n", GF_STR("\0\0\0\0\0"));
    expect_header("grpc-status", "16");
}

Test(gateway_unary, grpc_web_with_compression) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    struct gf_strbuf back;
    gf_strbuf_init(&packed, 1 << 20);
    gf_strbuf_init(&back, 1 << 20);
    gf_strbuf_append_bytes(&packed, "\0\0\0\0\0", 5);
    cr_assert(gf_gateway__pack(packer, request_wire("x", 20000), &packed));
    gf_gateway__envelope_head(GF_GATEWAY__COMPRESSED, packed.len - 5, packed.ptr);
    ask(WEB "Grpc-Encoding: gzip\r\nGrpc-Accept-Encoding: gzip\r\n", gf_strbuf_view(&packed));
    cr_expect_eq(answer.status, 200);
    expect_header("grpc-encoding", "gzip");
    cr_expect_eq(answer.body[0], GF_GATEWAY__COMPRESSED);
    const size_t size = answer.body_size - 5 - 5 - 16;
    cr_assert_eq(gf_gateway__unpack((struct gf_str){answer.body + 5, size}, &back, NULL), GF_OK);
    expect_response(gf_strbuf_view(&back), "x", 20000);
    gf_strbuf_fini(&packed);
    gf_strbuf_fini(&back);
    gf_gateway__packer_destroy(packer);
}

/* ---- figures ---- */

Test(gateway_unary, calls_are_counted) {
    ask(JSON, GF_STR("{}"));
    ask(PROTO, request_wire("fail", 0));
    ask(WEB, GF_STR("\0\0\0\0\0"));
    get(GATEWAY_RIG_UNARY "?encoding=json&message=%7B%7D", "");
    struct gf_gateway_stats stats;
    gf_gateway_stats(rig.gateway, &stats);
    cr_expect_eq(stats.calls_total[GF_GATEWAY_CONNECT][GF_GATEWAY_JSON], 1);
    cr_expect_eq(stats.calls_total[GF_GATEWAY_CONNECT][GF_GATEWAY_PROTO], 1);
    cr_expect_eq(stats.calls_total[GF_GATEWAY_GRPC_WEB][GF_GATEWAY_PROTO], 1);
    cr_expect_eq(stats.calls_total[GF_GATEWAY_CONNECT_GET][GF_GATEWAY_JSON], 1);
    cr_expect_eq(stats.responses_total[2], 3);
    cr_expect_eq(stats.responses_total[4], 1);
}
