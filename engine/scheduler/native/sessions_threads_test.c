/*
 * Sessions from several threads at once, without Criterion, so that it runs under the thread
 * sanitizer: threads open sessions, give them input, hold their output back and close them at any
 * moment, and in the end the server ends with sessions open. Ends with 0 when every session that
 * was waited for had its end.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/sync.h"
#include "base/tree.h"
#include "engine/scheduler/native/testing/native_host.h"
#include "engine/scheduler/native/testing/session_client.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    THREADS = 4,
    ROUNDS = 12,
    LEFT_OPEN = 4,
};

static const struct gf_attempt ATTEMPT = {.run_key = 1, .attempt = 1};
static struct native_host host;

static void talk(struct session_client *client) {
    session_client_write(client, "hello\n");
    session_client_pause(client, true);
    session_client_pause(client, false);
    session_client_wait_output(client, "hello\n");
    session_client_close_input(client);
    const struct gf_session_end end = session_client_wait_end(client);
    gf_assert(end.error.code == GF_OK && end.exit_code == 0);
}

static void *work(void *ctx) {
    const int number = *(const int *)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        struct session_client client;
        if ((i + number) % 4 == 0) {
            session_client_attach(&client, &host, ATTEMPT);
        } else {
            session_client_exec(&client, &host, ATTEMPT, "cat", 0, 0);
        }
        if ((i + number) % 4 == 1) {
            talk(&client);
        } else if ((i + number) % 4 == 2) {
            host.scheduler.ops->sessions->resize(client.session, (struct gf_terminal_size){80, 25});
            host.scheduler.ops->sessions->signal(client.session, 1);
            (void)poll(NULL, 0, i);
        }
        session_client_close(&client);
    }
    return NULL;
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        gf_thread_start(&threads[i], "worker", work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        gf_thread_join(threads[i]);
    }
}

int main(void) {
    struct session_client left[LEFT_OPEN];
    struct gf_error error;
    const char *parent = getenv("TEST_TMPDIR");
    GF_CLEANUP(gf_free_p)
    char *dir = gf_asprintf("%s/gofer-sessions-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (geteuid() != 0) {
        printf("SKIPPED: containers need root; run the tests as root\n");
        return 0;
    }
    gf_assert(mkdtemp(dir) != NULL);
    native_host_make_image(dir);
    native_host_open(&host, dir);
    host.scheduler.ops->recover(host.scheduler.self, NULL, 0);
    native_host_launch(&host, ATTEMPT, "while :; do echo out; sleep 0.01; done");
    (void)native_host_wait(&host, ATTEMPT, NATIVE_STARTED);
    run_threads();
    for (int i = 0; i < LEFT_OPEN; i++) {
        session_client_exec(&left[i], &host, ATTEMPT, "yes", 0, 0);
    }
    session_client_wait_started(&left[0]);
    host.scheduler.ops->stop(host.scheduler.self, ATTEMPT, true);
    (void)native_host_wait(&host, ATTEMPT, NATIVE_EXITED);
    host.scheduler.ops->forget(host.scheduler.self, ATTEMPT);
    for (int i = 0; i < LEFT_OPEN; i++) {
        (void)session_client_wait_end(&left[i]);
        session_client_close(&left[i]);
    }
    native_host_wait_empty(&host);
    native_host_close(&host);
    gf_assert(gf_tree_remove(AT_FDCWD, dir, &error) == GF_OK);
    printf("every session had its end\n");
    return 0;
}
