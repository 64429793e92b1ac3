/*
 * What a client sends to the HTTP server, whole, before it sends no more: whatever it is, the
 * connection ends, each request that the handler saw is done with, and the next client is served.
 */
#include "api/http/testing/rig.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_BYTES_MAX = 256 * 1024
};

static struct rig rig;

static void stop(void) {
    rig_stop(&rig);
}

static void start_once(void) {
    static bool started;
    if (!started) {
        /* Short: what libmicrohttpd loses is ended by them. */
        const struct gf_http_server_options options = {
            .head_ms_max = 100, .body_ms_max = 100, .idle_ms_max = 100};
        started = true;
        rig_start(&rig, &options, NULL, NULL);
        (void)atexit(stop);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char answer[16 * 1024];
    size_t answered = 0;
    start_once();
    const int fd = rig_adopt(&rig);
    (void)send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    while (answered < ANSWER_BYTES_MAX) {
        const ssize_t count = recv(fd, answer, sizeof(answer), 0);
        if (count <= 0) {
            break;
        }
        answered += (size_t)count;
    }
    (void)close(fd);
    gf_assert(rig_await_connections(&rig, 0));
    gf_assert(atomic_load(&rig.heads) == atomic_load(&rig.dones));
    return 0;
}
