/*
 * Many threads take and ask while the network is stopped. Runs under the thread sanitizer too, so
 * it has a main of its own. In a network namespace of its own; does nothing without root.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sync.h"
#include "engine/scheduler/native/network/network.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum {
    THREADS = 3,
    ROUNDS = 30,
};

static struct gf_network *network;
static atomic_int answers;

static void count_answer(const struct gf_network_lease *lease, const struct gf_error *error,
                         void *ctx) {
    (void)ctx;
    gf_assert((lease == NULL) == (error->code != GF_OK) || lease != NULL);
    if (lease != NULL) {
        (void)close(lease->fd);
    }
    atomic_fetch_add(&answers, 1);
}

static void *use(void *ctx) {
    (void)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        int fd = gf_network_take_private(network);
        gf_close(&fd);
        gf_network_request_bridged(network, count_answer, NULL);
    }
    return NULL;
}

int main(void) {
    const struct gf_network_opts opts = {
        .bridge_name = "gft0", .bridge_subnet = "10.214.0.0/24", .ready_count = 2};
    struct gf_network_report report;
    struct gf_error error;
    pthread_t threads[THREADS];
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        fprintf(stderr, "SKIPPED: network namespaces need root; run the tests as root\n");
        return 0;
    }
    gf_log_set_level(GF_LOG_ERROR);
    gf_assert(gf_network_create(&opts, &network, &error) == GF_OK);
    for (int i = 0; i < THREADS; i++) {
        gf_thread_start(&threads[i], "user", use, NULL);
    }
    gf_network_get_report(network, &report);
    gf_network_stop(network);
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(threads[i]);
    }
    gf_network_destroy(network);
    gf_assert(atomic_load(&answers) == THREADS * ROUNDS);
    return 0;
}
