#include "api/http/server.h"
#include "api/http/testing/rig.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/testing/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static struct rig rig;

static void start(void) {
    rig_start(&rig, NULL, NULL, NULL);
}

static void stop(void) {
    rig_stop(&rig);
}

TestSuite(http_server, .init = start, .fini = stop);

static void assert_has(const char *text, const char *part) {
    cr_assert_not_null(strstr(text, part), "wanted '%s' in:\n%s", part, text);
}

static void assert_begins(const char *text, const char *part) {
    cr_assert_eq(strncmp(text, part, strlen(part)), 0, "wanted '%s' first in:\n%s", part, text);
}

/* What is behind the head. */
static const char *body_of(const char *answer) {
    const char *end = strstr(answer, "\r\n\r\n");
    cr_assert_not_null(end, "no head in:\n%s", answer);
    return end + 4;
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* Asks, and asserts status line and body. */
static void assert_answer(const char *request, const char *status, const char *body) {
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, request);
    assert_begins(answer, status);
    cr_assert_str_eq(body_of(answer), body, "%s", answer);
}

/* Every method: libmicrohttpd knows of some that they have bodies, and of others that they have. */
Test(http_server, what_follows_an_early_answer_is_no_request) {
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "X"};
    static const char *const heads[] = {
        "Content-Length: 60\r\n",
        "Content-Length: 60\r\nContent-Length: 60\r\n",
        "Content-Length: 60\r\nExpect: 100-continue\r\n",
        "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(methods) * GF_ARRAY_COUNT(heads); i++) {
        char request[512];
        (void)snprintf(request, sizeof(request),
                       "%s /hello HTTP/1.1\r\n" HOST "%s\r\n"
                       "GET /head HTTP/1.1\r\n" HOST CLOSE "\r\n",
                       methods[i % GF_ARRAY_COUNT(methods)], heads[i / GF_ARRAY_COUNT(methods)]);
        GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, request);
        cr_expect_null(strstr(answer, "peer"), "%s\n%s", request, answer);
        cr_expect_leq(count_of(answer, "HTTP/1.1 "), 1, "%s\n%s", request, answer);
    }
}

Test(http_server, answers_from_the_head) {
    assert_answer("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "hello\n");
}

Test(http_server, gives_target_and_headers_as_they_were_sent) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "GET /head?a=%41&b=%2F?c HTTP/1.1\r\n" HOST CLOSE
                                 "X-One:  1 \r\nx-two:\r\nX-One: 2\r\n\r\n");
    assert_has(answer, "GET /head?a=%41&b=%2F?c\n");
    assert_has(answer, "Host=[localhost]\nConnection=[close]\nX-One=[1]\nx-two=[]\nX-One=[2]\n");
    assert_has(answer, "peer ipv4:127.0.0.1:");
    assert_has(answer, "tls 0 local 1\n");
}

Test(http_server, reads_bodies_of_known_length) {
    assert_answer("POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n\r\nabcde",
                  "HTTP/1.1 200 OK\r\n", "abcde");
}

Test(http_server, reads_chunked_bodies_with_extensions_and_trailers) {
    assert_answer("POST /echo HTTP/1.1\r\n" HOST CLOSE "Transfer-Encoding: chunked\r\n\r\n"
                  "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n", "abcde");
}

Test(http_server, reads_bodies_that_come_byte_by_byte) {
    const char *request = "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 5\r\n\r\nabcde";
    const int fd = rig_connect(&rig);
    for (const char *at = request; *at != '\0'; at++) {
        const char byte[2] = {*at, '\0'};
        rig_send(fd, byte);
    }
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_assert_str_eq(body_of(answer), "abcde");
}

Test(http_server, gives_an_empty_body_where_there_is_none) {
    assert_answer("POST /echo HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "");
    assert_answer("POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 0\r\n\r\n",
                  "HTTP/1.1 200 OK\r\n", "");
}

Test(http_server, reads_large_bodies_whole) {
    const size_t size = 3 * 1000 * 1000;
    GF_CLEANUP(gf_free_p) char *body = gf_malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)('a' + i % 23);
    }
    body[size] = '\0';
    const int fd = rig_connect(&rig);
    char head[128];
    (void)snprintf(head, sizeof(head),
                   "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: %zu\r\n\r\n", size);
    rig_send(fd, head);
    rig_send(fd, body);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_assert(strcmp(body_of(answer), body) == 0);
}

Test(http_server, continues_where_a_client_asks_first) {
    const int fd = rig_connect(&rig);
    rig_send(fd, "POST /echo HTTP/1.1\r\n" HOST CLOSE
                 "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    cr_assert(rig_read_until(fd, "HTTP/1.1 100 Continue\r\n\r\n"));
    rig_send(fd, "abc");
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    assert_begins(answer, "HTTP/1.1 200 OK\r\n");
    cr_assert_str_eq(body_of(answer), "abc");
}

Test(http_server, refuses_a_large_body_before_it_comes) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "POST /small HTTP/1.1\r\n" HOST
                                 "Content-Length: 17\r\nExpect: 100-continue\r\n\r\n");
    assert_begins(answer, "HTTP/1.1 413 ");
    cr_assert_eq(count_of(answer, "HTTP/1.1"), 1, "%s", answer);
}

/* The client waits for an answer before it sends any of it. */
Test(http_server, refuses_a_large_body_later_without_waiting_for_it) {
    const char *const requests[] = {
        "POST /slowly HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n",
        "POST /slowly HTTP/1.1\r\n" HOST "Content-Length: 17\r\nExpect: 100-continue\r\n\r\n",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(requests); i++) {
        GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, requests[i]);
        assert_begins(answer, "HTTP/1.1 413 ");
        cr_assert_str_eq(body_of(answer), "too large\n", "%s", answer);
    }
    cr_assert(rig_await_connections(&rig, 0));
}

/* There is no way to send one while libmicrohttpd reads: so nobody takes part of it for whole. */
Test(http_server, a_stream_in_the_middle_of_the_body_is_cut_and_over) {
    GF_CLEANUP(gf_free_p)
    char *answer =
        rig_ask(&rig, "POST /unread HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                      "14\r\n01234567890123456789\r\n");
    cr_assert_str_eq(answer, "");
    cr_assert(rig_await(&rig.gones, 1));
    cr_assert(rig_await(&rig.dones, 1));
}

Test(http_server, answers_while_a_large_body_still_comes) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "POST /small HTTP/1.1\r\n" HOST
                                 "Content-Length: 30\r\n\r\n0123456789012345678901234");
    assert_begins(answer, "HTTP/1.1 413 ");
    assert_has(answer, "Connection: close\r\n");
    GF_CLEANUP(gf_free_p)
    char *chunked =
        rig_ask(&rig, "POST /small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                      "8\r\n01234567\r\n9\r\n012345678\r\n8\r\n0123");
    assert_begins(chunked, "HTTP/1.1 413 ");
    cr_assert_eq(atomic_load(&rig.last_body_code), GF_RESOURCE_EXHAUSTED);
}

Test(http_server, answers_a_request_whose_body_it_does_not_want) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nabcde");
    assert_begins(answer, "HTTP/1.1 200 ");
    cr_assert_str_eq(body_of(answer), "hello\n");
}

Test(http_server, keeps_connections_and_takes_pipelined_requests_in_order) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none"
                                 "GET /async HTTP/1.1\r\n" HOST "\r\n"
                                 "POST /echo HTTP/1.1\r\n" HOST
                                 "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
                                 "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
    cr_assert_eq(count_of(answer, "HTTP/1.1 200 OK\r\n"), 4, "%s", answer);
    const char *const in_order[] = {"one", "later\n", "two", "hello\n"};
    const char *at = answer;
    for (size_t i = 0; i < GF_ARRAY_COUNT(in_order); i++) {
        at = body_of(at);
        assert_begins(at, in_order[i]);
    }
}

Test(http_server, keeps_a_connection_for_requests_one_after_the_other) {
    const int fd = rig_connect(&rig);
    for (int i = 0; i < 50; i++) {
        rig_send(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        cr_assert(rig_read_until(fd, "\r\n\r\nhello\n"));
    }
    (void)close(fd);
}

Test(http_server, answers_head_without_a_body) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "HEAD /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_has(answer, "Content-Length: 6\r\n");
    cr_assert_str_eq(body_of(answer), "");
    GF_CLEANUP(gf_free_p)
    char *stream = rig_ask(&rig, "HEAD /flood HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_begins(stream, "HTTP/1.1 200 ");
    cr_assert_str_eq(body_of(stream), "");
}

Test(http_server, answers_http_1_0_without_chunks) {
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, "GET /lines?3 HTTP/1.0\r\n\r\n");
    cr_assert_str_eq(body_of(answer), "line\nline\nline\n", "%s", answer);
    GF_CLEANUP(gf_free_p) char *whole = rig_ask(&rig, "GET /hello HTTP/1.0\r\n\r\n");
    cr_assert_str_eq(body_of(whole), "hello\n");
}

Test(http_server, answers_from_another_thread_and_by_timers) {
    assert_answer("GET /async HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "later\n");
    assert_answer("GET /deadline HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "timer\n");
}

Test(http_server, who_is_woken_all_the_time_leaves_others_their_turn) {
    const int restless = rig_connect(&rig);
    rig_send(restless, "GET /restless HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 1));
    assert_answer("GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "hello\n");
    (void)close(restless);
    cr_assert(rig_await(&rig.dones, 2));
}

Test(http_server, streams_as_it_is_woken) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "GET /lines?200 HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_has(answer, "Transfer-Encoding: chunked\r\n");
    cr_assert_eq(count_of(answer, "line\n"), 200);
    assert_has(answer, "\r\n0\r\n\r\n");
}

Test(http_server, cuts_a_broken_stream) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "GET /broken HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_has(answer, "some");
    cr_assert_null(strstr(answer, "\r\n0\r\n"), "%s", answer);
}

Test(http_server, sends_parts_of_files) {
    assert_answer("GET /file HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", "23456");
}

Test(http_server, sends_large_answers_whole) {
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "GET /big HTTP/1.1\r\n" HOST CLOSE "\r\n");
    cr_assert_eq(strlen(body_of(answer)), RIG_BIG_BYTES);
}

Test(http_server, tells_that_a_waiting_client_has_gone) {
    const int fd = rig_connect(&rig);
    rig_send(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 1));
    cr_assert_eq(atomic_load(&rig.gones), 0);
    (void)close(fd);
    cr_assert(rig_await(&rig.gones, 1));
    cr_assert(rig_await(&rig.dones, 1));
}

Test(http_server, sees_the_end_of_a_client_behind_bytes_that_wait) {
    const int fd = rig_connect(&rig);
    rig_send(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 1));
    rig_send(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    (void)shutdown(fd, SHUT_WR);
    cr_assert(rig_await(&rig.gones, 1));
    (void)close(fd);
}

Test(http_server, tells_that_a_follower_has_gone_also_by_reset) {
    const int fd = rig_connect(&rig);
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    rig_send(fd, "GET /follow HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_read_until(fd, "hi\n"));
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(fd);
    cr_assert(rig_await(&rig.gones, 1));
    cr_assert(rig_await(&rig.dones, 1));
}

Test(http_server, answers_at_once_also_who_sends_no_more) {
    const int fd = rig_connect(&rig);
    rig_send(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    (void)shutdown(fd, SHUT_WR);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_assert_str_eq(body_of(answer), "abc");
}

Test(http_server, stop_ends_what_waits_and_follows) {
    int fds[3];
    const char *const paths[] = {"hold", "follow", "flood"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        char request[64];
        (void)snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        fds[i] = rig_connect(&rig);
        rig_send(fds[i], request);
    }
    const int half = rig_connect(&rig);
    rig_send(half, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    cr_assert(rig_await(&rig.heads, 4));
    gf_http_server_stop(rig.server, 0);
    cr_assert_eq(atomic_load(&rig.dones), 4);
    cr_assert_eq(atomic_load(&rig.gones), 4);
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        (void)close(fds[i]);
    }
    (void)close(half);
}

Test(http_server, stop_lets_requests_finish_within_their_grace) {
    const int fd = rig_connect(&rig);
    const int idle = rig_connect(&rig);
    rig_send(fd, "GET /lines?300 HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.reads, 1));
    gf_http_server_stop(rig.server, 10 * 1000);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_assert_eq(count_of(answer, "line\n"), 300);
    assert_has(answer, "\r\n0\r\n\r\n");
    cr_assert_eq(atomic_load(&rig.gones), 0);
    (void)close(idle);
}

Test(http_server, counts_what_there_was) {
    free(rig_ask(&rig, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n"));
    free(rig_ask(&rig, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"));
    struct gf_http_stats stats;
    cr_assert(rig_await_connections(&rig, 0));
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.connections_total, 2);
    cr_assert_eq(stats.requests_total, 1);
    cr_assert_eq(stats.malformed_total, 1);
    cr_assert_eq(stats.requests, 0);
    cr_assert_eq(stats.body_bytes, 0);
}

/* ---- Listening ---- */

static void no_head(struct gf_http_exchange *exchange, void *ctx) {
    (void)exchange;
    (void)ctx;
}

static void no_body(struct gf_http_exchange *exchange, struct gf_str body,
                    const struct gf_error *error, void *ctx) {
    (void)exchange;
    (void)body;
    (void)error;
    (void)ctx;
}

/* A server that nobody asks anything. */
static struct gf_http_server *make_idle_server(void) {
    const struct gf_http_server_options options = {
        .name = "idle", .handler = {.head = no_head, .body = no_body, .done = no_head}};
    struct gf_http_server *server = NULL;
    cr_assert_eq(gf_http_server_create(&options, &server, NULL), GF_OK);
    return server;
}

Test(http_server_listen, takes_unix_sockets_and_replaces_stale_ones) {
    char folder[] = "/tmp/gofer-http-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    char address[64];
    (void)snprintf(address, sizeof(address), "unix:%s/s", folder);
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    (void)snprintf(path.sun_path, sizeof(path.sun_path), "%s/s", folder);
    const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(stale, (struct sockaddr *)&path, sizeof(path)), 0);
    (void)close(stale);

    struct rig local;
    rig_start(&local, NULL, address, NULL);
    cr_assert_eq(local.port, 0);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&path, sizeof(path)), 0);
    rig_send(fd, "GET /head HTTP/1.1\r\n" HOST CLOSE "\r\n");
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    assert_has(answer, "peer unix:\ntls 0 local 1\n");

    struct gf_error err;
    struct gf_http_server *second = make_idle_server();
    cr_assert_eq(gf_http_server_listen(second, address, NULL, NULL, &err), GF_FAILED_PRECONDITION);
    gf_http_server_destroy(second);
    rig_stop(&local);
    cr_assert_eq(access(path.sun_path, F_OK), -1, "the socket goes with the server");
    cr_assert_eq(rmdir(folder), 0);
}

Test(http_server_listen, all_addresses_of_ipv6_are_those_of_ipv4_too) {
    const int ipv6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ipv6 < 0) {
        gf_test_skip("no IPv6 here");
    }
    (void)close(ipv6);
    rig_start(&rig, NULL, "[::]:0", NULL);
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, "GET /head HTTP/1.1\r\n" HOST CLOSE "\r\n");
    assert_has(answer, "peer ipv4:127.0.0.1:");
    assert_has(answer, "tls 0 local 1\n");
    rig_stop(&rig);
}

Test(http_server_listen, tells_what_is_wrong_with_an_address) {
    struct gf_http_server *server = make_idle_server();
    struct gf_error err;
    int port = 0;
    cr_assert_eq(gf_http_server_listen(server, "127.0.0.1:0", NULL, &port, &err), GF_OK);
    cr_assert_gt(port, 0);
    char taken[32];
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", port);
    cr_assert_eq(gf_http_server_listen(server, taken, NULL, NULL, &err), GF_FAILED_PRECONDITION);
    assert_has(err.message, "in use");
    cr_assert_eq(gf_http_server_listen(server, "nonsense", NULL, NULL, &err), GF_INVALID_ARGUMENT);
    cr_assert_eq(gf_http_server_listen(server, "192.0.2.1:0", NULL, NULL, &err),
                 GF_FAILED_PRECONDITION);
    gf_http_server_destroy(server);
}
