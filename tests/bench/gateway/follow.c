#include "tests/bench/gateway/follow.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_BYTES_MAX = 16 * 1024,
    PATIENCE_MS = 10 * 1000,
    FOLLOWERS_MAX = 100 * 1000,
    NUMBER_DIGITS = 8,
    EVENTS_MAX = 10 * 1000,
};

void follow_init(struct follow *follow, const char *port, const char *request_file,
                 const char *followers, const char *events) {
    client_raise_descriptors();
    *follow = (struct follow){
        .port = client_number(port, 1),
        .request = client_read_file(request_file),
        .follower_count = (size_t)client_number(followers, 1),
        .events = client_number(events, 1),
    };
    if (follow->follower_count > FOLLOWERS_MAX || follow->events > EVENTS_MAX) {
        errno = E2BIG;
        client_die("followers");
    }
    follow->number = memmem(follow->request.ptr, follow->request.len, "########", NUMBER_DIGITS);
    if (follow->number == NULL) {
        errno = EINVAL;
        client_die(request_file);
    }
    follow->seen = gf_calloc(follow->follower_count, sizeof(*follow->seen));
    for (size_t i = 0; i < follow->follower_count; i++) {
        follow->seen[i] = -1;
    }
    follow->each = client_samples_make(follow->follower_count * (size_t)follow->events);
    follow->last = client_samples_make((size_t)follow->events);
}

static void take_answer(struct follow *follow) {
    static char answer[ANSWER_BYTES_MAX];
    struct pollfd descriptor = {.fd = follow->cause.fd, .events = POLLIN};
    size_t size = 0;
    if (poll(&descriptor, 1, PATIENCE_MS) == 1) {
        size = client_receive(&follow->cause, answer, sizeof(answer));
    }
    if (size < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0) {
        (void)fprintf(stderr, "%.*s\n", (int)size, answer);
        errno = EPROTO;
        client_die("the request that causes events");
    }
}

void follow_cause(struct follow *follow) {
    char number[32];
    follow->round++;
    (void)snprintf(number, sizeof(number), "%0*lld", NUMBER_DIGITS, (long long)follow->round);
    memcpy(follow->number, number, NUMBER_DIGITS);
    follow->reached = 0;
    follow->start_ns = gf_mono_ns();
    client_send(&follow->cause, follow->request);
}

void follow_wait(const char *say) {
    printf("%s\n", say);
    (void)fflush(stdout);
    int each = 0;
    while ((each = getchar()) != EOF && each != '\n') {
    }
}

bool follow_got(struct follow *follow, size_t follower) {
    int64_t *seen = &follow->seen[follower];
    if (*seen < 0) {
        *seen = 0;
        if (++follow->following == follow->follower_count) {
            follow_wait("ready");
            /* Not before: a connection that asks for nothing may be closed to make room. */
            follow->cause = client_connect_to(follow->port, NULL);
            follow_cause(follow);
        }
        return false;
    }
    if (follow->round == 0 || *seen == follow->round) {
        return false;
    }
    const int64_t now_ns = gf_mono_ns();
    *seen = follow->round;
    client_samples_add(&follow->each, now_ns - follow->start_ns);
    if (++follow->reached < follow->follower_count) {
        return false;
    }
    client_samples_add(&follow->last, now_ns - follow->start_ns);
    take_answer(follow);
    if (follow->round == follow->events) {
        return true;
    }
    follow_cause(follow);
    return false;
}

void follow_finish(struct follow *follow) {
    char figures[128];
    client_samples_sort(&follow->each);
    client_samples_sort(&follow->last);
    (void)snprintf(
        figures, sizeof(figures), "%u %u %u %u %u %zu",
        client_samples_per_mille(&follow->each, 500), client_samples_per_mille(&follow->each, 990),
        client_samples_per_mille(&follow->each, 1000), client_samples_per_mille(&follow->last, 500),
        client_samples_per_mille(&follow->last, 990), follow->each.count);
    follow_wait(figures);
}
