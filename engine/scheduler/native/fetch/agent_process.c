#include "base/socket.h"
#include "engine/scheduler/native/fetch/agent.h"
#include "engine/scheduler/native/fetch/confine.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#include <curl/curl.h>

enum {
    TURN_MS_MAX = 1000,
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
};

static void on_answer(void *ctx, const struct gf_registry_answer *answer) {
    const int *socket_fd = ctx;
    if (gf_socket_send(*socket_fd, answer, sizeof(*answer), NULL, 0, NULL) != GF_OK) {
        _exit(EXIT_DONE); /* nobody is there any more */
    }
}

/* Takes an order; the end of the parent is the end of this. */
static void take_order(struct gf_registry_client *client, int socket_fd) {
    struct gf_registry_job job;
    struct gf_socket_message message;
    if (gf_socket_receive(socket_fd, &job, sizeof(job), &message, NULL) != GF_OK ||
        message.size != sizeof(job) || message.fd_count > 1) {
        _exit(EXIT_DONE);
    }
    job.fd = message.fd_count == 1 ? message.fds[0] : -1;
    gf_registry_client_add(client, &job);
}

/* The resolver loads its parts when it is first used: while they can be seen. */
static void load_resolver(void) {
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo("localhost", NULL, &hints, &found) == 0) {
        freeaddrinfo(found);
    }
}

/* The other process sees that this one has ended; why, people read. */
static void give_up(const struct gf_error *err) {
    (void)dprintf(STDERR_FILENO, "gofer-fetch: the network process: %s\n", err->message);
    _exit(EXIT_FAILED);
}

/* Sanitizers look for leaks at a regular end, with rights that this has not: _exit. */
void gf_agent__run(const struct gf_agent_opts *opts, const struct gf_str *cas, int jail_fd,
                   int socket_fd) {
    struct gf_registry_client *client = NULL;
    struct gf_error err;
    const struct gf_registry_opts client_opts = {
        .request = opts->request,
        .repository = opts->repository,
        .cas = cas,
        .on_answer = on_answer,
        .ctx = &socket_fd,
    };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        _exit(EXIT_FAILED);
    }
    load_resolver();
    /* Only this, the standard error and the socket stay open: nothing that leads to the store. */
    if (gf_confine_network(jail_fd, opts->file_bytes_max, &err) != GF_OK) {
        give_up(&err);
    }
    close(jail_fd);
    close(opts->store->root_fd);
    close(opts->store->layers_fd);
    close(opts->store->images_fd);
    close(opts->store->names_fd);
    close(opts->store->indexes_fd);
    close(opts->store->downloads_fd);
    close(opts->store->tmp_fd);
    close(opts->store->work_fd);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    if (gf_registry_client_new(&client_opts, &client, &err) != GF_OK) {
        give_up(&err);
    }
    for (;;) {
        bool woken = false;
        if (gf_registry_client_run(client, socket_fd, TURN_MS_MAX, &woken, &err) != GF_OK) {
            give_up(&err);
        }
        if (woken) {
            take_order(client, socket_fd);
        }
    }
}
