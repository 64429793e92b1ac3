/*
 * Followers of a stream over HTTP, each on a connection of its own: see follow.h.
 *
 * Usage: http_followers PORT CAUSE_FILE FOLLOWERS EVENTS REQUEST_FILE
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "tests/bench/gateway/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    EVENTS = 256,
    READ_BYTES = 64 * 1024,
    SILENCE_MS = 15 * 1000,
    OPENING_MAX = 256, /* that have not begun to follow, at once */
};

struct follower {
    struct client_connection socket;
    size_t index;
    bool has_head;
};

struct load {
    struct follow follow;
    int epoll;
    int64_t port;
    struct gf_str request;
    struct follower *followers;
    size_t opened;
};

static void open_next(struct load *load) {
    while (load->opened < load->follow.follower_count &&
           load->opened - load->follow.following < OPENING_MAX) {
        struct follower *follower = &load->followers[load->opened];
        follower->index = load->opened++;
        follower->socket = client_connect_to(load->port, NULL);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = follower};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, follower->socket.fd, &event) != 0) {
            client_die("epoll_ctl");
        }
        client_send(&follower->socket, load->request);
    }
}

/* Whether there is a message in what came: the head alone is none. */
static bool has_message(struct follower *follower, const char *bytes, size_t size) {
    if (follower->has_head) {
        return size > 0;
    }
    if (size < 12 || memcmp(bytes, "HTTP/1.1 200", 12) != 0) {
        (void)fprintf(stderr, "%.*s\n", (int)size, bytes);
        errno = EPROTO;
        client_die("follow");
    }
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    follower->has_head = true; /* which comes at once */
    return end != NULL && end + 4 < bytes + size;
}

static void run(struct load *load) {
    static char bytes[READ_BYTES];
    struct epoll_event events[EVENTS];
    for (;;) {
        const int count = epoll_wait(load->epoll, events, EVENTS, SILENCE_MS);
        if (count == 0) {
            (void)fprintf(stderr, "event %lld has reached %zu\n", (long long)load->follow.round,
                          load->follow.reached);
            errno = ETIMEDOUT;
            client_die("nothing comes");
        }
        for (int i = 0; i < count; i++) {
            struct follower *follower = events[i].data.ptr;
            const size_t got = client_receive(&follower->socket, bytes, sizeof(bytes));
            if (has_message(follower, bytes, got) && follow_got(&load->follow, follower->index)) {
                return;
            }
        }
        open_next(load);
    }
}

int main(int argc, char **argv) {
    static struct load load;
    if (argc != 6) {
        (void)fprintf(stderr, "usage: http_followers PORT CAUSE_FILE FOLLOWERS EVENTS "
                              "REQUEST_FILE\n");
        return 2;
    }
    follow_init(&load.follow, argv[1], argv[2], argv[3], argv[4]);
    load.port = client_number(argv[1], 1);
    load.request = client_read_file(argv[5]);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.followers = gf_calloc(load.follow.follower_count, sizeof(*load.followers));
    open_next(&load);
    run(&load);
    follow_finish(&load.follow);
    return 0;
}
