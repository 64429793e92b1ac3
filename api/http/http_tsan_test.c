/*
 * The server under all the threads that it promises to bear: for --config=tsan. What it does is
 * tested elsewhere; here it matters who touches what at the same time.
 */
#include "api/http/testing/rig.h"
#include "base/alloc.h"
#include "base/sync.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENT_THREADS = 4,
    ROUNDS = 60, /* of each */
};

#define HOST "Host: localhost\r\n"
#define CLOSE "Connection: close\r\n"

static void expect(struct rig *rig, const char *request, const char *part) {
    GF_CLEANUP(gf_free_p) char *answer = rig_ask(rig, request);
    if (strstr(answer, part) == NULL) {
        (void)fprintf(stderr, "wanted '%s' in:\n%s\n", part, answer);
        abort();
    }
}

static void *run_client(void *ctx) {
    struct rig *rig = ctx;
    for (int i = 0; i < ROUNDS; i++) {
        struct gf_http_stats stats;
        expect(rig, "GET /async HTTP/1.1\r\n" HOST CLOSE "\r\n", "later\n");
        expect(rig, "GET /lines?5 HTTP/1.1\r\n" HOST CLOSE "\r\n", "line\n");
        expect(rig, "POST /echo HTTP/1.1\r\n" HOST CLOSE "Content-Length: 3\r\n\r\nabc", "abc");
        /* Gone while the waker may be at it. */
        const int fd = rig_connect(rig);
        rig_send(fd, i % 2 == 0 ? "GET /lines?1000000 HTTP/1.1\r\n" HOST "\r\n"
                                : "GET /async HTTP/1.1\r\n" HOST "\r\n");
        if (i % 4 < 2) {
            (void)rig_read_until(fd, "HTTP/1.1");
        }
        (void)close(fd);
        gf_http_server_stats(rig->server, &stats);
    }
    return NULL;
}

int main(void) {
    static struct rig rig;
    pthread_t clients[CLIENT_THREADS];
    rig_start(&rig, NULL, NULL, NULL);
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_start(&clients[i], "client", run_client, &rig);
    }
    for (size_t i = 0; i < CLIENT_THREADS; i++) {
        gf_thread_join(clients[i]);
    }
    int followers[8];
    for (size_t i = 0; i < GF_ARRAY_COUNT(followers); i++) {
        followers[i] = rig_connect(&rig);
        rig_send(followers[i], "GET /lines?1000000 HTTP/1.1\r\n" HOST "\r\n");
        gf_assert(rig_read_until(followers[i], "line\n"));
    }
    rig_stop(&rig);
    for (size_t i = 0; i < GF_ARRAY_COUNT(followers); i++) {
        (void)close(followers[i]);
    }
    return 0;
}
