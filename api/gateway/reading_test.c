/* Requests that a worker reads: what becomes of them while it has them. */
#include "api/gateway/testing/rig.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/sync.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    LARGE_BYTES = 200 * 1000, /* of text; more than is read at once */
};

static struct gateway_rig rig;
static struct gateway_answer answer;
static struct gf_latch blocked;
static struct gf_latch go;

static void start(void) {
    gateway_rig_start(&rig);
    gf_latch_init(&blocked);
    gf_latch_init(&go);
}

static void stop(void) {
    gateway_answer_free(&answer);
    gateway_rig_stop(&rig);
    gf_latch_fini(&blocked);
    gf_latch_fini(&go);
}

TestSuite(gateway_reading, .init = start, .fini = stop);

static void block(void *ctx) {
    (void)ctx;
    gf_latch_open(&blocked);
    gf_latch_wait(&go);
}

/* Keeps the one worker until `go` is open. */
static void block_worker(void) {
    gf_pool_submit_reserved(rig.pool, block, NULL);
    gf_latch_wait(&blocked);
}

static void nothing(void *ctx) {
    (void)ctx;
}

static void await_queued(size_t wanted) {
    const int64_t deadline_ns = gf_mono_ns() + 10 * GF_NS_PER_SEC;
    struct gf_pool_stats stats;
    do {
        cr_assert_lt(gf_mono_ns(), deadline_ns, "no request came to the worker");
        gf_pool_stats(rig.pool, &stats);
    } while (stats.queued != wanted);
}

/* A request with a payload of LARGE_BYTES characters, with `end` behind. To be freed. */
static char *large(const char *end) {
    char *zeros = gf_malloc(LARGE_BYTES + 1);
    memset(zeros, 'A', LARGE_BYTES);
    zeros[LARGE_BYTES] = '\0';
    char *text = gf_asprintf("{\"id\":\"x\",\"payload\":\"%s\"%s", zeros, end);
    free(zeros);
    return text;
}

static void ask(const char *headers, const char *body) {
    GF_CLEANUP(gf_free_p)
    char *all = gf_asprintf("Content-Type: application/json\r\n%s", headers);
    gateway_answer_free(&answer);
    answer = gateway_rig_ask(&rig, "POST", GATEWAY_RIG_UNARY, all, gf_str_from(body));
}

/* Sends a large request whose answer is not read yet. */
static int send_large(const char *headers) {
    GF_CLEANUP(gf_free_p) char *body = large("}");
    GF_CLEANUP(gf_free_p)
    char *request = gf_asprintf("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\nContent-Type: application/json\r\n"
                                "Content-Length: %zu\r\n%s\r\n%s",
                                strlen(body), headers, body);
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, gf_str_from(request));
    return fd;
}

Test(gateway_reading, large_requests_come_whole) {
    GF_CLEANUP(gf_free_p) char *body = large("}");
    ask("", body);
    cr_expect_eq(answer.status, 200, "%s", answer.head);
    cr_expect_str_eq(answer.body, body);
    ask("X-Secret: yes\r\n", body);
    cr_expect_str_eq(answer.body, body);
}

Test(gateway_reading, faults_of_large_requests_are_told) {
    GF_CLEANUP(gf_free_p) char *cut = large("");
    ask("", cut);
    cr_expect_eq(answer.status, 400, "%s", answer.head);
    cr_expect_not_null(strstr(answer.body, "invalid_argument"), "%s", answer.body);
    GF_CLEANUP(gf_free_p) char *body = large("}");
    ask("X-Limit: 140000\r\n", body);
    cr_expect_eq(answer.status, 413, "%s", answer.head);
    cr_expect_eq(atomic_load(&rig.started), 0);
}

Test(gateway_reading, small_requests_wait_for_no_worker) {
    block_worker();
    ask("", "{\"id\":\"x\"}");
    cr_expect_eq(answer.status, 200, "%s", answer.head);
    gf_latch_open(&go);
}

Test(gateway_reading, too_many_are_refused) {
    struct gf_pool_stats stats;
    block_worker();
    gf_pool_stats(rig.pool, &stats);
    for (size_t i = 0; i < stats.queue_limit; i++) {
        struct gf_error err;
        cr_assert_eq(gf_pool_submit(rig.pool, nothing, NULL, &err), GF_OK);
    }
    GF_CLEANUP(gf_free_p) char *body = large("}");
    ask("", body);
    cr_expect_eq(answer.status, 429, "%s", answer.head);
    char found[16];
    cr_expect_str_eq(gateway_answer_header(&answer, "retry-after", found, sizeof(found)), "1");
    gf_latch_open(&go);
}

Test(gateway_reading, deadlines_that_pass_meanwhile_count) {
    block_worker();
    const int64_t sent_ns = gf_mono_ns();
    const int fd = send_large("Connect-Timeout-Ms: 1\r\n");
    await_queued(1);
    while (gf_mono_ns() - sent_ns < 5 * GF_NS_PER_MS) { /* until it has passed for sure */
    }
    gf_latch_open(&go);
    answer = gateway_rig_read(fd);
    cr_expect_eq(answer.status, 504, "%s", answer.head);
    cr_expect_eq(atomic_load(&rig.started), 0);
}

Test(gateway_reading, clients_may_go_meanwhile) {
    block_worker();
    for (size_t i = 1; i <= 8; i++) {
        const int fd = send_large("");
        await_queued(i);
        (void)close(fd);
    }
    gf_latch_open(&go);
    const int64_t deadline_ns = gf_mono_ns() + 10 * GF_NS_PER_SEC;
    struct gf_http_stats stats;
    do {
        cr_assert_lt(gf_mono_ns(), deadline_ns, "a request was not let go of");
        gf_http_server_stats(rig.http, &stats);
    } while (stats.requests > 0);
}
