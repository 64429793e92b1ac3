/*
 * Calls over HTTP under all the threads that have to do with them: for --config=tsan. What calls
 * mean is tested elsewhere; here it matters who touches what at the same time.
 */
#include "api/gateway/testing/rig.h"
#include "base/alloc.h"
#include "base/sync.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENT_THREADS = 4,
    ROUNDS = 40, /* of each client */
    FOLLOWERS = 8,
    LARGE_BYTES = 100 * 1000 + 2, /* more than is read at once; what is base64 has whole groups */
};

#define JSON "Content-Type: application/json\r\n"
#define STREAM "Content-Type: application/connect+json\r\n"

static void expect_status(const struct gateway_rig *rig, const char *path, const char *headers,
                          struct gf_str body, int status) {
    struct gateway_answer answer = gateway_rig_ask(rig, "POST", path, headers, body);
    gf_assert(answer.whole && answer.status == status);
    gateway_answer_free(&answer);
}

/* Begins a stream of two messages without an end. */
static int follow(const struct gateway_rig *rig) {
    const int fd = gateway_rig_connect(rig);
    gateway_rig_send(fd,
                     GF_STR("POST " GATEWAY_RIG_REPEAT " HTTP/1.1\r\nHost: localhost\r\n" STREAM
                            "Content-Length: 29\r\n\r\n\0\0\0\0\30{\"id\":\"never\",\"count\":2}"));
    return fd;
}

/* A request that a worker reads: its client waits for the answer, or goes at some time. */
static void send_large(const struct gateway_rig *rig, bool waits) {
    static const char end[] = "\"}";
    GF_CLEANUP(gf_free_p) char *body = gf_malloc(LARGE_BYTES);
    const int begun = snprintf(body, LARGE_BYTES, "{\"payload\":\"");
    memset(body + begun, 'A', LARGE_BYTES - (size_t)begun);
    memcpy(body + LARGE_BYTES - strlen(end), end, strlen(end));
    GF_CLEANUP(gf_free_p)
    char *head = gf_asprintf("POST " GATEWAY_RIG_UNARY " HTTP/1.1\r\nHost: localhost\r\n"
                             "Connection: close\r\n" JSON "Content-Length: %d\r\n\r\n",
                             LARGE_BYTES);
    const int fd = gateway_rig_connect(rig);
    gateway_rig_send(fd, gf_str_from(head));
    gateway_rig_send(fd, (struct gf_str){body, LARGE_BYTES});
    if (!waits) {
        (void)close(fd);
        return;
    }
    struct gateway_answer answer = gateway_rig_read(fd);
    gf_assert(answer.whole && answer.status == 200);
    gateway_answer_free(&answer);
}

static void *run_client(void *ctx) {
    struct gateway_rig *rig = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        expect_status(rig, GATEWAY_RIG_UNARY, JSON, GF_STR("{\"id\":\"x\"}"), 200);
        expect_status(rig, GATEWAY_RIG_UNARY, JSON, GF_STR("{\"id\":\"later\"}"), 200);
        expect_status(rig, GATEWAY_RIG_UNARY, JSON "Connect-Timeout-Ms: 1\r\n",
                      GF_STR("{\"id\":\"never\"}"), 504);
        expect_status(rig, GATEWAY_RIG_REPEAT, STREAM,
                      GF_STR("\0\0\0\0\31{\"id\":\"later\",\"count\":20}"), 200);
        send_large(rig, i % 2 == 0);
        char byte = 0;
        const int fd = follow(rig);
        (void)recv(fd, &byte, i % 2 == 0 ? 1 : 0, 0);
        (void)close(fd); /* before, while or after the stream begins */
    }
    return NULL;
}

static void *run_figures(void *ctx) {
    struct gateway_rig *rig = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        struct gf_gateway_stats stats;
        gf_gateway_stats(rig->gateway, &stats);
        gf_assert(stats.streams >= 0);
        expect_status(rig, GATEWAY_RIG_UNARY, JSON, GF_STR("{\"id\":\"fail\"}"), 404);
    }
    return NULL;
}

int main(void) {
    struct gateway_rig rig;
    pthread_t threads[CLIENT_THREADS + 1];
    gateway_rig_start(&rig);
    for (int i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_start(&threads[i], "client", run_client, &rig);
    }
    gf_thread_start(&threads[CLIENT_THREADS], "figures", run_figures, &rig);
    for (size_t i = 0; i < GF_ARRAY_COUNT(threads); i++) {
        gf_thread_join(threads[i]);
    }
    int fds[FOLLOWERS];
    const int started = atomic_load(&rig.started);
    for (int i = 0; i < FOLLOWERS; i++) {
        fds[i] = follow(&rig);
    }
    gf_assert(gateway_rig_await(&rig.started, started + FOLLOWERS));
    gf_gateway_drain(rig.gateway);
    for (int i = 0; i < FOLLOWERS; i++) {
        (void)shutdown(fds[i], SHUT_WR);
        struct gateway_answer answer = gateway_rig_read(fds[i]);
        gateway_answer_free(&answer);
    }
    gateway_rig_stop(&rig);
    gf_assert(atomic_load(&rig.done) == atomic_load(&rig.started));
    (void)puts("ok");
    return 0;
}
