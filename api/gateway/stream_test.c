#include "api/gateway/envelope.h"
#include "api/gateway/gzip.h"
#include "api/gateway/testing/rig.h"
#include "base/alloc.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define CONNECT "Content-Type: application/connect+json\r\n"
#define WEB "Content-Type: application/grpc-web+proto\r\n"

static struct gateway_rig rig;
static struct gateway_answer answer;
static struct gf_strbuf text;

static void start(void) {
    gf_strbuf_init(&text, 32 << 20);
    gateway_rig_start(&rig);
}

static void stop(void) {
    gateway_answer_free(&answer);
    gateway_rig_stop(&rig);
    gf_strbuf_fini(&text);
}

TestSuite(gateway_stream, .init = start, .fini = stop);

/* The bytes in an envelope, in `text`. */
static struct gf_str in_envelope(const char *json) {
    char head[GF_GATEWAY__ENVELOPE_BYTES];
    gf_gateway__envelope_head(0, strlen(json), head);
    gf_strbuf_reset(&text);
    gf_strbuf_append_bytes(&text, head, sizeof(head));
    gf_strbuf_append_cstr(&text, json);
    return gf_strbuf_view(&text);
}

static void ask(const char *headers, struct gf_str body) {
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", GATEWAY_RIG_REPEAT, headers, body);
    cr_assert(answer.whole, "%s", answer.head);
}

static void ask_json(const char *headers, const char *json) {
    ask(headers, in_envelope(json));
}

/* Cuts the next envelope off the body of the answer. */
static struct gf_str next_envelope(struct gf_str *body, int *out_flags) {
    cr_assert_geq(body->len, GF_GATEWAY__ENVELOPE_BYTES, "the answer ends");
    const unsigned char *head = (const unsigned char *)body->ptr;
    const size_t size =
        (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | (size_t)head[4];
    *out_flags = head[0];
    cr_assert_leq(size, body->len - GF_GATEWAY__ENVELOPE_BYTES);
    const struct gf_str message = {body->ptr + GF_GATEWAY__ENVELOPE_BYTES, size};
    body->ptr += GF_GATEWAY__ENVELOPE_BYTES + size;
    body->len -= GF_GATEWAY__ENVELOPE_BYTES + size;
    return message;
}

static void expect_envelope(struct gf_str *body, int flags, const char *content) {
    int found = 0;
    const struct gf_str message = next_envelope(body, &found);
    cr_expect_eq(found, flags);
    cr_expect(gf_str_eq(message, gf_str_from(content)), "%" GF_STR_FMT " is not %s",
              GF_STR_ARG(message), content);
}

static struct gf_str body_view(void) {
    return (struct gf_str){answer.body, answer.body_size};
}

static void expect_header(const char *name, const char *value) {
    char found[512];
    (void)gateway_answer_header(&answer, name, found, sizeof(found));
    cr_expect_str_eq(found, value, "%s in:\n%s", name, answer.head);
}

/* Begins a request, and gives its connection. */
static int begin(const char *headers, const char *json) {
    struct gf_str body = in_envelope(json);
    GF_CLEANUP(gf_free_p)
    char *head = gf_asprintf("POST " GATEWAY_RIG_REPEAT " HTTP/1.1\r\nHost: localhost\r\n"
                             "Connection: close\r\n%sContent-Length: %zu\r\n\r\n",
                             headers, body.len);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, gf_str_from(head));
    gateway_rig_send(fd, body);
    return fd;
}

/* Reads until the text has come. */
static bool read_until(int fd, const char *wanted) {
    gf_strbuf_reset(&text);
    char c = 0;
    while (memmem(text.ptr, text.len, wanted, strlen(wanted)) == NULL) {
        if (recv(fd, &c, 1, 0) != 1) {
            return false;
        }
        gf_strbuf_append_char(&text, c);
    }
    return true;
}

/* ---- Connect ---- */

Test(gateway_stream, connect_json) {
    ask_json(CONNECT, "{\"id\":\"x\",\"count\":2}");
    cr_expect_eq(answer.status, 200);
    expect_header("content-type", "application/connect+json");
    expect_header("cache-control", "no-store");
    struct gf_str body = body_view();
    expect_envelope(&body, 0, "{\"id\":\"x\"}");
    expect_envelope(&body, 0, "{\"id\":\"x\",\"sequence\":\"1\"}");
    expect_envelope(&body, 2, "{}");
    cr_expect_eq(body.len, 0);
}

Test(gateway_stream, connect_binary_from_another_thread) {
    ask("Content-Type: application/connect+proto\r\n", GF_STR("\0\0\0\0\11\n\5later\30\2"));
    struct gf_str body = body_view();
    expect_envelope(&body, 0, "\n\5later");
    expect_envelope(&body, 0, "\n\5later\30\1");
    expect_envelope(&body, 2, "{}");
}

Test(gateway_stream, streams_without_a_message) {
    ask_json(CONNECT, "{}");
    struct gf_str body = body_view();
    expect_envelope(&body, 2, "{}");
    cr_expect_eq(body.len, 0);
    ask(WEB, GF_STR("\0\0\0\0\0"));
    cr_expect_eq(answer.body_size, 5 + 16);
    cr_expect_arr_eq(answer.body, "\200\0\0\0\20grpc-status: 0\r\n", answer.body_size);
}

Test(gateway_stream, errors_stand_behind_the_messages) {
    ask_json(CONNECT, "{\"id\":\"fail\",\"count\":1}");
    cr_expect_eq(answer.status, 200);
    struct gf_str body = body_view();
    expect_envelope(&body, 0, "{\"id\":\"fail\"}");
    int flags = 0;
    const struct gf_str end = next_envelope(&body, &flags);
    cr_expect_eq(flags, 2);
    cr_expect(gf_str_has_prefix(end, GF_STR("{\"error\":{\"code\":\"not_found\",\"message\":\"no "
                                            "echo of 'fail'\",\"details\":[")));
    ask(WEB, GF_STR("\0\0\0\0\10\n\4fail\30\1"));
    expect_header("grpc-status", "");
    cr_expect_not_null(memmem(answer.body, answer.body_size, "grpc-status: 5\r\n", 16));
    cr_expect_not_null(memmem(answer.body, answer.body_size, "\r\ngrpc-status-details-bin: ", 27));
}

Test(gateway_stream, errors_before_the_first_message) {
    ask_json(CONNECT, "{\"id\":\"fail\"}");
    cr_expect_eq(answer.status, 200);
    cr_expect_eq(answer.body[0], 2);
    ask_json(CONNECT "Authorization: Bearer wrong\r\n", "{}");
    cr_expect_eq(answer.status, 200);
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"unauthenticated\""));
    ask(WEB, GF_STR("\0\0\0\0\6\n\4fail"));
    cr_expect_eq(answer.body_size, 0);
    expect_header("grpc-status", "5");
}

Test(gateway_stream, wrong_requests) {
    ask_json(CONNECT, "{\"ident\":1}");
    cr_expect_eq(answer.status, 200);
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"invalid_argument\""));
    ask(CONNECT, GF_STR(""));
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"unimplemented\""));
    ask(CONNECT, GF_STR("\0\0\0\0\2{}\0\0\0\0\2{}"));
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"unimplemented\""));
    ask(CONNECT, GF_STR("\0\0\0\0\2{"));
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"invalid_argument\""));
    ask(CONNECT, GF_STR("\1\0\0\0\2{}"));
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"internal\""));
    ask_json(CONNECT "Connect-Content-Encoding: zstd\r\n", "{}");
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"unimplemented\""));
    ask_json("Content-Type: application/json\r\n", "{}");
    cr_expect_eq(answer.status, 415);
    char types[512];
    (void)gateway_answer_header(&answer, "accept-post", types, sizeof(types));
    cr_expect_not_null(strstr(types, "application/connect+json"));
}

/* ---- streams that last ---- */

Test(gateway_stream, messages_come_as_they_are_sent_and_leaving_cancels) {
    const int fd = begin(CONNECT, "{\"id\":\"never\",\"count\":2}");
    cr_assert(read_until(fd, "\"sequence\":\"1\"}"));
    struct gf_gateway_stats stats;
    gf_gateway_stats(rig.gateway, &stats);
    cr_expect_eq(stats.streams, 1);
    cr_expect_eq(atomic_load(&rig.cancelled), 0);
    (void)close(fd);
    cr_assert(gateway_rig_await(&rig.cancelled, 1));
    cr_assert(gateway_rig_await(&rig.done, 1));
}

Test(gateway_stream, heads_come_before_the_first_message) {
    const int fd = begin(CONNECT, "{\"id\":\"never\"}");
    cr_assert(read_until(fd, "\r\n\r\n"));
    (void)close(fd);
    cr_assert(gateway_rig_await(&rig.done, 1));
}

Test(gateway_stream, deadlines_end_streams) {
    ask_json(CONNECT "Connect-Timeout-Ms: 30\r\n", "{\"id\":\"never\",\"count\":1}");
    struct gf_str body = body_view();
    expect_envelope(&body, 0, "{\"id\":\"never\"}");
    expect_envelope(&body, 2,
                    "{\"error\":{\"code\":\"deadline_exceeded\",\"message\":\"the deadline has "
                    "passed\"}}");
    ask(WEB "Grpc-Timeout: 30m\r\n", GF_STR("\0\0\0\0\11\n\5never\30\1"));
    cr_expect_not_null(memmem(answer.body, answer.body_size, "grpc-status: 4\r\n", 16));
}

Test(gateway_stream, drain_ends_streams) {
    const int fd = begin(CONNECT, "{\"id\":\"never\",\"count\":1}");
    const int web =
        begin("Content-Type: application/grpc-web+json\r\n", "{\"id\":\"never\",\"count\":1}");
    cr_assert(read_until(fd, "\"never\"}"));
    cr_assert(read_until(web, "\"never\"}"));
    gf_gateway_drain(rig.gateway);
    cr_expect(read_until(fd, "\"code\":\"unavailable\",\"message\":\"the server stops\""));
    cr_expect(read_until(web, "grpc-status: 14\r\n"));
    (void)close(fd);
    (void)close(web);
    ask_json(CONNECT, "{}");
    cr_expect_not_null(strstr(answer.body + 5, "\"code\":\"unavailable\""));
}

Test(gateway_stream, stops_with_streams_that_are_open) {
    const int fd = begin(CONNECT, "{\"id\":\"never\",\"count\":1}");
    cr_assert(read_until(fd, "\"never\"}"));
    /* The rig stops now. */
    cr_expect_eq(atomic_load(&rig.done), 0);
}

/* What a client does not read stays where it is. */
Test(gateway_stream, slow_clients_hold_the_service_back) {
    GF_CLEANUP(gf_free_p) char *payload = gf_calloc(1, 40001);
    memset(payload, 'A', 40000);
    GF_CLEANUP(gf_free_p)
    char *json = gf_asprintf("{\"id\":\"x\",\"count\":1000,\"payload\":\"%s\"}", payload);
    const int fd = begin(CONNECT, json);
    cr_assert(gateway_rig_await(&rig.started, 1));
    /* The service is at rest when its number stays the same over many turns of the server. */
    int64_t before = -1;
    while (atomic_load(&rig.sent) != before) {
        before = atomic_load(&rig.sent);
        for (int i = 0; i < 20; i++) {
            ask_json(CONNECT, "{}");
        }
    }
    cr_expect_lt(before, 700, "%lld", (long long)before);
    gateway_answer_free(&answer);
    answer = gateway_rig_read(fd);
    cr_expect(answer.whole);
    cr_expect_eq(atomic_load(&rig.sent), 1000);
    cr_expect_gt(answer.body_size, 1000 * 40000);
}

/* ---- compression, text ---- */

Test(gateway_stream, messages_are_packed_each_for_itself) {
    GF_CLEANUP(gf_free_p) char *payload = gf_calloc(1, 8001);
    memset(payload, 'A', 8000);
    GF_CLEANUP(gf_free_p)
    char *json = gf_asprintf("{\"id\":\"x\",\"count\":3,\"payload\":\"%s\"}", payload);
    ask_json(CONNECT "Connect-Accept-Encoding: gzip\r\n", json);
    expect_header("connect-content-encoding", "gzip");
    expect_header("content-encoding", "");
    struct gf_str body = body_view();
    struct gf_strbuf back;
    gf_strbuf_init(&back, 1 << 20);
    for (int i = 0; i < 3; i++) {
        int flags = 0;
        const struct gf_str packed = next_envelope(&body, &flags);
        cr_expect_eq(flags, 1);
        gf_strbuf_reset(&back);
        cr_assert_eq(gf_gateway__unpack(packed, &back, NULL), GF_OK);
        cr_expect_gt(back.len, 8000);
    }
    expect_envelope(&body, 2, "{}");
    gf_strbuf_fini(&back);
    /* Small ones are not. */
    ask_json(CONNECT "Connect-Accept-Encoding: gzip\r\n", "{\"id\":\"x\",\"count\":1}");
    body = body_view();
    expect_envelope(&body, 0, "{\"id\":\"x\"}");
}

Test(gateway_stream, packed_requests) {
    struct gf_gateway__packer *packer = gf_gateway__packer_create();
    struct gf_strbuf packed;
    gf_strbuf_init(&packed, 1 << 16);
    GF_CLEANUP(gf_free_p) char *payload = gf_calloc(1, 4001);
    memset(payload, 'A', 4000);
    GF_CLEANUP(gf_free_p) char *json = gf_asprintf("{\"count\":1,\"payload\":\"%s\"}", payload);
    gf_strbuf_append_bytes(&packed, "\0\0\0\0\0", 5);
    cr_assert(gf_gateway__pack(packer, gf_str_from(json), &packed));
    gf_gateway__envelope_head(1, packed.len - 5, packed.ptr);
    ask(CONNECT "Connect-Content-Encoding: gzip\r\n", gf_strbuf_view(&packed));
    expect_header("connect-content-encoding", "gzip");
    cr_expect_eq(answer.body[0], 1);
    gf_strbuf_fini(&packed);
    gf_gateway__packer_destroy(packer);
}

Test(gateway_stream, grpc_web_text_is_flushed_message_by_message) {
    ask("Content-Type: application/grpc-web-text\r\n", GF_STR("AAAAAAUKAXgYAg=="));
    expect_header("content-type", "application/grpc-web-text");
    struct gf_strbuf bytes;
    gf_strbuf_init(&bytes, 1 << 16);
    cr_assert_eq(gf_gateway__text_decode(body_view(), &bytes, NULL), GF_OK);
    struct gf_str body = gf_strbuf_view(&bytes);
    expect_envelope(&body, 0, "\n\1x");
    expect_envelope(&body, 0, "\n\1x\30\1");
    expect_envelope(&body, GF_GATEWAY__TRAILERS, "grpc-status: 0\r\n");
    gf_strbuf_fini(&bytes);
}
