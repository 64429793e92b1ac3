/*
 * A client to be killed: opens the bidi stream of the echo service at the address in its first
 * argument, sends one message and waits for ever.
 */
#include "api/rpc/testdata/echo_service.h"

#include <unistd.h>

int main(int argc, char **argv) {
    struct gf_rpc_channel *channel = NULL;
    struct gf_rpc_stream *stream = NULL;
    const gf_echo_request request = GOFER__TESTING__ECHO_REQUEST__INIT;
    if (argc != 2 || gf_rpc_channel_create(argv[1], NULL, &channel, NULL) != GF_OK ||
        gf_rpc_stream_open(channel, &gf_echo_methods[GF_ECHO_CHAT], NULL, NULL, &stream, NULL) !=
            GF_OK ||
        gf_rpc_stream_send(stream, &request.base, NULL) != GF_OK) {
        return 1;
    }
    for (;;) {
        (void)pause();
    }
}
