/*
 * How late a message is with its followers. One event at a time is caused, by a request over HTTP;
 * the next one when each follower has the last. The time counts from before the request was sent,
 * so it has in it what the request itself takes, until it is on the disk.
 *
 * Standard output and input are the other side's: "ready" is written when all follow, and the run
 * begins with a line of input; then the line of figures is written, and the program goes on to
 * follow until its input ends, so that the server can be looked at meanwhile.
 */
#ifndef GOFER_TESTS_BENCH_GATEWAY_FOLLOW_H_
#define GOFER_TESTS_BENCH_GATEWAY_FOLLOW_H_

#include "tests/bench/gateway/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct follow {
    int64_t port;
    struct client_connection cause;
    struct gf_str request;
    char *number; /* in it */
    size_t follower_count;
    int64_t events, round;
    int64_t start_ns;
    size_t reached; /* by the event of this round */
    int64_t *seen;  /* of each follower: its last round; -1 before it follows */
    size_t following;
    struct client_samples each, last; /* until a follower has an event, until the last one has */
};

/* PORT and a file with the request that causes an event, for so many followers and events. Eight
 * '#' of the request become the number of the event. */
void follow_init(struct follow *follow, const char *port, const char *request_file,
                 const char *followers, const char *events);

/* A follower has got something. True: the run is over. */
bool follow_got(struct follow *follow, size_t follower);

/* Waits for a line of input. */
void follow_wait(const char *say);

/* Causes the next event. */
void follow_cause(struct follow *follow);

/* Writes the figures: the median, the 99th percentile and the most in microseconds of the time
 * until a follower has an event, the median and the 99th percentile of that until the last one has
 * it, and the number of messages. Then waits for the end. */
void follow_finish(struct follow *follow);

#endif /* GOFER_TESTS_BENCH_GATEWAY_FOLLOW_H_ */
