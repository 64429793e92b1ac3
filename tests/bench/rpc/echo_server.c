/*
 * The echo service on api/rpc, to be measured.
 *
 * Usage: echo_server ADDRESS [THREADS]
 *
 * Prints "listening" when it serves; stops on SIGTERM or SIGINT and prints what it used:
 * seconds of processor time and MiB of memory at most.
 */
#include "api/rpc/testdata/echo_service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    int64_t threads = 0;
    if (argc < 2 || (argc > 2 && !gf_parse_i64(gf_str_from(argv[2]), &threads)) || threads < 0) {
        (void)fprintf(stderr, "usage: echo_server ADDRESS [THREADS]\n");
        return 2;
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);

    const struct gf_rpc_server_opts opts = {.thread_count = (size_t)threads};
    struct gf_rpc_server *server = NULL;
    struct gf_error err;
    enum gf_code code = gf_rpc_server_create(&opts, &server, &err);
    if (code == GF_OK) {
        gf_rpc_server_add_service(server, &gf_echo_service, gf_echo_handlers, NULL);
        code = gf_rpc_server_listen(server, argv[1], NULL, NULL, &err);
    }
    if (code != GF_OK) {
        (void)fprintf(stderr, "echo_server: %s\n", err.message);
        return 1;
    }
    gf_rpc_server_start(server);
    (void)printf("listening\n");
    (void)fflush(stdout);
    int received = 0;
    (void)sigwait(&signals, &received);
    gf_rpc_server_destroy(server);

    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%.2f %ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime),
                 usage.ru_maxrss / 1024);
    return 0;
}
