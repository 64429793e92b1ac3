/* What clients do that mean no good, or know no better. */
#include "api/http/testing/rig.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/testing/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static struct rig rig;

static void start_with(const struct gf_http_server_options *options) {
    rig_start(&rig, options, NULL, NULL);
}

static void stop(void) {
    rig_stop(&rig);
}

TestSuite(http_hostile, .fini = stop);

static void send_bytes(int fd, const char *bytes, size_t size) {
    gf_assert(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
}

/* Sends, and asserts that nothing but refusals comes back, and that no handler saw it. */
static void assert_refused(const char *bytes, size_t size) {
    const int heads = atomic_load(&rig.heads);
    const int fd = rig_connect(&rig);
    send_bytes(fd, bytes, size);
    (void)shutdown(fd, SHUT_WR);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_expect(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 4", 10) == 0 ||
                  strncmp(answer, "HTTP/1.1 5", 10) == 0,
              "'%s' was answered by '%s'", bytes, answer);
    cr_expect_null(strstr(answer, "HTTP/1.1 200"), "'%s' was answered by '%s'", bytes, answer);
    cr_expect_eq(atomic_load(&rig.heads), heads, "'%s' reached the handler", bytes);
}

#define ASSERT_REFUSED(literal) assert_refused(literal, sizeof(literal) - 1)

Test(http_hostile, heads_that_may_be_read_in_two_ways_are_refused) {
    start_with(NULL);
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                   "Content-Length: 3\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST
                   "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST
                   "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3 \r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST
                   "Content-Length: 99999999999999999999999\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST
                   "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    ASSERT_REFUSED("POST /echo HTTP/1.1\r\n" HOST
                   "Transfer-Encoding: chun\r\n ked\r\n\r\n0\r\n\r\n");
}

Test(http_hostile, lines_that_are_none_are_refused) {
    start_with(NULL);
    ASSERT_REFUSED("GET /hello HTTP/1.1\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\nHost: x\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\nY: 2\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\r\n\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\r\n\t2\r\nY: 2\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n Host: localhost\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\0002\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X\0: 1\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: 1\0\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: \0\0\r\n\r\n");
    ASSERT_REFUSED("GET /hel\0lo HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GE\0T /hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("\0GET /hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\0\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST ": a\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "nothing\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n" HOST "(x): a\r\n\r\n");
}

Test(http_hostile, first_lines_out_of_order_are_refused) {
    start_with(NULL);
    ASSERT_REFUSED("GET /hello HTTP/0.9\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/2.0\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1 \r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello http/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/11\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET  /hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello  HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hel lo HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED(" GET /hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET http://localhost/hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET * HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("G@T /hello HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hell\xc3\xb6 HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hel\tlo HTTP/1.1\r\n" HOST "\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\n\r\n");
    ASSERT_REFUSED("GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    ASSERT_REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    ASSERT_REFUSED("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense \r\n\r\n");
}

Test(http_hostile, nothing_behind_a_refused_head_counts_as_a_request) {
    start_with(NULL);
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                                 "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_null(strstr(answer, "hello"), "%s", answer);
    GF_CLEANUP(gf_free_p)
    char *wanted_less = rig_ask(&rig, "POST /hello HTTP/1.1\r\n" HOST "Content-Length: 60\r\n\r\n"
                                      "GET /head HTTP/1.1\r\n" HOST "\r\n");
    cr_assert_null(strstr(wanted_less, "peer"), "%s", wanted_less);
    cr_assert_eq(atomic_load(&rig.heads), 1);
}

Test(http_hostile, bad_chunks_end_the_request) {
    const char *const bodies[] = {
        "x\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\r\nabcde\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nabc",
        "\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nno trailer\r\n\r\n",
    };
    start_with(NULL);
    for (size_t i = 0; i < GF_ARRAY_COUNT(bodies); i++) {
        char request[256];
        (void)snprintf(request, sizeof(request),
                       "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%s",
                       bodies[i]);
        GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, request);
        cr_expect_null(strstr(answer, "HTTP/1.1 200"), "%s\n%s", bodies[i], answer);
    }
    cr_assert(rig_await(&rig.dones, (int)GF_ARRAY_COUNT(bodies)));
    cr_assert_eq(atomic_load(&rig.bodies), 0);
}

Test(http_hostile, a_head_without_a_host_is_refused_once) {
    start_with(NULL);
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, "GET /hello HTTP/1.1\r\n" CLOSE "\r\n");
    cr_expect_eq(strncmp(answer, "HTTP/1.1 400", 12), 0, "%s", answer);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1"), "%s", answer);
    cr_expect_not_null(strstr(answer, "nosniff"), "%s", answer);
}

/* Of a head that fits: an answer. Of one that does not: a refusal, or, of one that leaves just too
 * little memory for that, the end. */
static void assert_bounded(const char *request, const char *answer, size_t bytes_max) {
    if (strlen(request) <= bytes_max) {
        cr_expect_eq(strncmp(answer, "HTTP/1.1 404", 12), 0, "%zu: %.100s", strlen(request),
                     answer);
    } else {
        const bool is_end = answer[0] == '\0' && strlen(request) < 3 * bytes_max;
        cr_expect(is_end || strncmp(answer, "HTTP/1.1 431", 12) == 0 ||
                      strncmp(answer, "HTTP/1.1 414", 12) == 0,
                  "%zu: %.100s", strlen(request), answer);
    }
}

Test(http_hostile, heads_beyond_their_limit_are_refused) {
    const struct gf_http_server_options options = {.head_bytes_max = 2048, .head_ms_max = 300};
    char line[9000];
    start_with(&options);
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int size = 1900; size < 9000; size += 350) {
        char request[10000];
        (void)snprintf(request, sizeof(request), "GET /%.*s HTTP/1.1\r\n" HOST CLOSE "\r\n", size,
                       line);
        GF_CLEANUP(gf_free_p) char *target = rig_ask(&rig, request);
        assert_bounded(request, target, 2048);
        (void)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\n" HOST CLOSE "X: %.*s\r\n\r\n",
                       size, line);
        GF_CLEANUP(gf_free_p) char *header = rig_ask(&rig, request);
        assert_bounded(request, header, 2048);
    }
    cr_assert_eq(atomic_load(&rig.heads), 2);
}

Test(http_hostile, many_short_headers_and_arguments_are_bounded) {
    /* libmicrohttpd may lose its way with these, and then they are ended when they are late. */
    const struct gf_http_server_options options = {.head_ms_max = 300};
    start_with(&options);
    struct gf_strbuf text;
    gf_strbuf_init(&text, 1024 * 1024);
    gf_strbuf_append_cstr(&text, "GET /hello HTTP/1.1\r\n" HOST CLOSE);
    for (int i = 0; i < 3000; i++) {
        gf_strbuf_append_cstr(&text, "a:\r\n");
    }
    gf_strbuf_append_cstr(&text, "\r\n");
    GF_CLEANUP(gf_free_p) char *headers = rig_ask(&rig, text.ptr);
    cr_assert(strncmp(headers, "HTTP/1.1 4", 10) == 0 || headers[0] == '\0', "%.100s", headers);
    gf_strbuf_reset(&text);
    gf_strbuf_append_cstr(&text, "GET /hello?");
    for (int i = 0; i < 5000; i++) {
        gf_strbuf_append_cstr(&text, "a&");
    }
    gf_strbuf_append_cstr(&text, " HTTP/1.1\r\n" HOST CLOSE "\r\n");
    GF_CLEANUP(gf_free_p) char *arguments = rig_ask(&rig, text.ptr);
    cr_assert(strncmp(arguments, "HTTP/1.1 4", 10) == 0 || arguments[0] == '\0', "%.100s",
              arguments);
    gf_strbuf_fini(&text);
    cr_assert_eq(atomic_load(&rig.heads), 0);
}

/* ---- Slowness ---- */

/* Sends a byte now and then until the connection ends. */
static void drip(int fd, const char *text) {
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    const int64_t end_ns = gf_mono_ns() + 10 * GF_NS_PER_SEC;
    for (size_t i = 0; gf_mono_ns() < end_ns; i++) {
        const char c = text[i % strlen(text)];
        char answer[256];
        if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 ||
            recv(fd, answer, sizeof(answer), MSG_DONTWAIT | MSG_PEEK) == 0) {
            return;
        }
        (void)nanosleep(&pause, NULL);
    }
    cr_assert(false, "the connection was not ended");
}

Test(http_hostile, a_head_that_comes_slowly_is_ended) {
    const struct gf_http_server_options options = {.head_ms_max = 200, .idle_ms_max = 60 * 1000};
    start_with(&options);
    const int fd = rig_connect(&rig);
    rig_send(fd, "GET /hello HTTP/1.1\r\n" HOST);
    drip(fd, "X: y\r\n");
    (void)close(fd);
    struct gf_http_stats stats;
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.timeouts_total, 1);
    cr_assert_eq(atomic_load(&rig.heads), 0);
}

Test(http_hostile, a_body_that_comes_slowly_is_answered_and_ended) {
    const struct gf_http_server_options options = {.body_ms_max = 200};
    start_with(&options);
    const int fd = rig_connect(&rig);
    rig_send(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n");
    cr_assert(rig_await(&rig.heads, 1));
    rig_send(fd, "abc");
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    cr_assert_eq(strncmp(answer, "HTTP/1.1 408", 12), 0, "%s", answer);
    cr_assert_eq(atomic_load(&rig.last_body_code), GF_DEADLINE_EXCEEDED);
    cr_assert(rig_await_connections(&rig, 0));
}

Test(http_hostile, an_idle_connection_is_ended) {
    const struct gf_http_server_options options = {.idle_ms_max = 150};
    start_with(&options);
    const int silent = rig_connect(&rig);
    const int kept = rig_connect(&rig);
    rig_send(kept, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(kept);
    cr_assert_not_null(strstr(answer, "hello"));
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(silent);
    cr_assert_str_eq(nothing, "");
}

Test(http_hostile, a_client_that_takes_nothing_is_ended) {
    const struct gf_http_server_options options = {.stall_ms_max = 200};
    const char *const paths[] = {"flood", "big"};
    start_with(&options);
    for (size_t i = 0; i < GF_ARRAY_COUNT(paths); i++) {
        char request[64];
        const int fd = rig_connect(&rig);
        const int small = 4096;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        (void)snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        rig_send(fd, request);
        cr_assert(rig_await(&rig.gones, (int)i + 1), "%s", paths[i]);
        (void)close(fd);
    }
    struct gf_http_stats stats;
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.timeouts_total, 2);
}

Test(http_hostile, a_client_that_takes_little_by_little_is_served) {
    const struct gf_http_server_options options = {.stall_ms_max = 150};
    const struct timespec pause = {.tv_nsec = 30 * 1000 * 1000};
    start_with(&options);
    const int fd = rig_connect(&rig);
    rig_send(fd, "GET /big HTTP/1.1\r\n" HOST CLOSE "\r\n");
    size_t all = 0;
    for (;;) {
        static char bytes[128 * 1024];
        const ssize_t count = recv(fd, bytes, sizeof(bytes), 0);
        if (count <= 0) {
            break;
        }
        all += (size_t)count;
        (void)nanosleep(&pause, NULL);
    }
    (void)close(fd);
    cr_assert_gt(all, RIG_BIG_BYTES);
}

Test(http_hostile, a_chunk_size_without_end_costs_no_processor_and_is_ended) {
    const struct gf_http_server_options options = {.body_ms_max = 400};
    start_with(&options);
    const int fd = rig_connect(&rig);
    rig_send(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3;x=");
    static char pad[64 * 1024];
    memset(pad, 'x', sizeof(pad) - 1);
    rig_send(fd, pad);
    struct rusage before;
    struct rusage after;
    (void)getrusage(RUSAGE_SELF, &before);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(fd);
    (void)getrusage(RUSAGE_SELF, &after);
    cr_assert_null(strstr(answer, "HTTP/1.1 200"));
    const long used_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                         after.ru_utime.tv_usec - before.ru_utime.tv_usec;
    cr_assert_lt(used_us, 200 * 1000, "%ld us", used_us);
}

/* ---- Numbers ---- */

Test(http_hostile, a_thousand_connections_are_served_and_followers_seen_off) {
    enum {
        COUNT = 1000
    };
    static int fds[COUNT];
    const struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        gf_test_skip("no descriptors for a thousand connections");
    }
    start_with(NULL);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = rig_connect(&rig);
        rig_send(fds[i], "GET /follow HTTP/1.1\r\n" HOST "\r\n");
    }
    for (int i = 0; i < COUNT; i++) {
        cr_assert(rig_read_until(fds[i], "hi\n"));
    }
    GF_CLEANUP(gf_free_p)
    char *answer = rig_ask(&rig, "GET /async HTTP/1.1\r\n" HOST CLOSE "\r\n");
    cr_assert_not_null(strstr(answer, "later\n"));
    for (int i = 0; i < COUNT; i++) {
        (void)close(fds[i]);
    }
    cr_assert(rig_await(&rig.gones, COUNT));
    cr_assert(rig_await_connections(&rig, 0));
}

Test(http_hostile, beyond_the_limit_who_asks_nothing_makes_room_for_others) {
    const struct gf_http_server_options options = {.connections_max = 3};
    start_with(&options);
    const int silent = rig_connect(&rig);
    cr_assert(rig_await_connections(&rig, 1));
    int busy[2];
    for (int i = 0; i < 2; i++) {
        busy[i] = rig_connect(&rig);
        rig_send(busy[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    }
    cr_assert(rig_await(&rig.bodies, 2));
    const int next = rig_connect(&rig);
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(silent);
    cr_assert_str_eq(nothing, "");
    rig_send(next, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 3));
    GF_CLEANUP(gf_free_p) char *refused = rig_read_all(rig_connect(&rig));
    cr_assert_str_eq(refused, "");
    struct gf_http_stats stats;
    gf_http_server_stats(rig.server, &stats);
    cr_assert_eq(stats.connections_refused_total, 1);
    (void)close(busy[0]);
    (void)close(busy[1]);
    (void)close(next);
    cr_assert(rig_await(&rig.gones, 3));
}

Test(http_hostile, beyond_the_limit_who_has_no_whole_head_makes_room_for_others) {
    const struct gf_http_server_options options = {.connections_max = 2};
    start_with(&options);
    const int held = rig_connect(&rig);
    rig_send(held, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(rig_await(&rig.bodies, 1));
    const int slow[] = {rig_connect(&rig), rig_connect(&rig)};
    cr_assert(rig_await_connections(&rig, 2));
    rig_send(slow[1], "GET /hello HTTP/1.1\r\nHo");
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(slow[0]);
    cr_assert_str_eq(nothing, "");
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(&rig, "GET /hello HTTP/1.1\r\n" HOST CLOSE "\r\n");
    cr_assert_not_null(strstr(answer, "hello\n"), "%s", answer);
    GF_CLEANUP(gf_free_p) char *cut = rig_read_all(slow[1]);
    cr_assert_str_eq(cut, "");
    (void)close(held);
    cr_assert(rig_await(&rig.gones, 1));
}

Test(http_hostile, descriptors_are_bounded_and_counted) {
    static _Atomic int64_t descriptors;
    const struct gf_http_server_options options = {.descriptors_max = 2,
                                                   .descriptors = &descriptors};
    start_with(&options);
    int fds[3];
    for (size_t i = 0; i < GF_ARRAY_COUNT(fds); i++) {
        fds[i] = rig_connect(&rig);
        rig_send(fds[i], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
        cr_assert(i == 2 || rig_await(&rig.bodies, (int)i + 1));
    }
    GF_CLEANUP(gf_free_p) char *nothing = rig_read_all(fds[2]);
    cr_assert_str_eq(nothing, "");
    cr_assert_eq(atomic_load(&descriptors), 2);
    (void)close(fds[0]);
    (void)close(fds[1]);
    cr_assert(rig_await(&rig.gones, 2));
    cr_assert(rig_await_connections(&rig, 0));
    cr_assert_eq(atomic_load(&descriptors), 0);
}

static void await_body_bytes(int64_t wanted) {
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    struct gf_http_stats stats;
    for (gf_http_server_stats(rig.server, &stats); stats.body_bytes != wanted;
         gf_http_server_stats(rig.server, &stats)) {
        (void)nanosleep(&pause, NULL);
    }
}

Test(http_hostile, all_bodies_together_are_bounded_and_the_oldest_makes_room) {
    const struct gf_http_server_options options = {.bodies_bytes_max = 100 * 1000};
    static char body[120 * 1000 + 1];
    start_with(&options);
    memset(body, 'b', sizeof(body) - 1);
    const int oldest = rig_connect(&rig);
    rig_send(oldest, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n");
    send_bytes(oldest, body, 80000);
    await_body_bytes(80000);
    const int next = rig_connect(&rig);
    rig_send(next, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 80000\r\n\r\n");
    send_bytes(next, body, 80000);
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(next);
    cr_assert_eq(strncmp(answer, "HTTP/1.1 200", 12), 0, "%.100s", answer);
    GF_CLEANUP(gf_free_p) char *refusal = rig_read_all(oldest);
    cr_assert_eq(strncmp(refusal, "HTTP/1.1 503", 12), 0, "%.100s", refusal);
    const int large = rig_connect(&rig);
    rig_send(large, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 120000\r\n\r\n");
    send_bytes(large, body, 110000);
    GF_CLEANUP(gf_free_p) char *alone = rig_read_all(large);
    cr_assert_eq(strncmp(alone, "HTTP/1.1 503", 12), 0, "%.100s", alone);
    await_body_bytes(0);
}

Test(http_hostile, responses_that_nobody_takes_are_bounded) {
    enum {
        SIZE = 3 * 1024 * 1024
    };
    const struct gf_http_server_options options = {.responses_bytes_max = SIZE * 3 / 2};
    static char body[SIZE];
    char request[128];
    start_with(&options);
    memset(body, 'b', sizeof(body));
    (void)snprintf(request, sizeof(request),
                   "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: %d\r\n\r\n", SIZE);
    const int idler = rig_connect(&rig);
    const int small = 4096;
    (void)setsockopt(idler, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    rig_send(idler, request);
    send_bytes(idler, body, sizeof(body));
    cr_assert(rig_read_until(idler, "HTTP/1.1 200"));
    const int reader = rig_connect(&rig);
    rig_send(reader, request);
    send_bytes(reader, body, sizeof(body));
    GF_CLEANUP(gf_free_p) char *answer = rig_read_all(reader);
    cr_assert_gt(strlen(answer), SIZE);
    cr_assert(rig_await(&rig.gones, 1));
    GF_CLEANUP(gf_free_p) char *part = rig_read_all(idler);
    cr_assert_lt(strlen(part), SIZE);
}

Test(http_hostile, connections_end_whose_streams_break_or_have_no_chunks) {
    start_with(NULL);
    const int other = rig_connect(&rig); /* older: nothing has libmicrohttpd look at the rest */
    cr_assert(rig_await_connections(&rig, 1));
    free(rig_ask(&rig, "GET /broken HTTP/1.1\r\n" HOST "\r\n"));
    GF_CLEANUP(gf_free_p) char *old = rig_ask(&rig, "GET /lines?2 HTTP/1.0\r\n\r\n");
    cr_assert_not_null(strstr(old, "line\nline\n"));
    cr_assert(rig_await_connections(&rig, 1));
    (void)close(other);
}
