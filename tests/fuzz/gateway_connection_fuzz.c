/*
 * Whole connections: bytes that go to a gateway before an echo service, over a socket. Whatever
 * comes, it answers or hangs up, no call is left behind, and what it answers is HTTP.
 */
#include "api/gateway/testing/rig.h"
#include "base/alloc.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gateway_rig rig;
static bool running;

static void stop(void) {
    gateway_rig_stop(&rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!running) {
        gateway_rig_start(&rig);
        running = true;
        (void)atexit(stop);
    }
    const int fd = gateway_rig_connect(&rig);
    gateway_rig_send(fd, (struct gf_str){(const char *)data, size});
    (void)shutdown(fd, SHUT_WR);
    struct gateway_answer answer = gateway_rig_read(fd);
    gf_assert(answer.head[0] == '\0' || (answer.status >= 100 && answer.status <= 599));
    gateway_answer_free(&answer);
    return 0;
}
