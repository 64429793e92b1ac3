/*
 * A server to kill: opens a native scheduler on DIR, launches COUNT containers that run SCRIPT
 * (runs 1 to COUNT), writes a line when all of them run, and waits for its end.
 *
 * Usage: native_driver DIR COUNT SCRIPT
 */
#include "base/alloc.h"
#include "engine/scheduler/native/testing/native_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct native_host host;
    int64_t count = 0;
    if (argc != 4 || !gf_parse_i64(gf_str_from(argv[2]), &count)) {
        fprintf(stderr, "usage: native_driver DIR COUNT SCRIPT\n");
        return 2;
    }
    native_host_open(&host, argv[1]);
    host.input = GF_STR(NATIVE_DRIVER_INPUT);
    host.stop_timeout_ms = NATIVE_DRIVER_STOP_MS;
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    for (int64_t run = 1; run <= count; run++) {
        native_host_launch(&host, (struct gf_attempt){.run_key = run, .attempt = 1}, argv[3]);
    }
    for (int64_t run = 1; run <= count; run++) {
        const struct gf_attempt attempt = {.run_key = run, .attempt = 1};
        (void)native_host_wait(&host, attempt, NATIVE_STARTED);
    }
    printf("started\n");
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}
