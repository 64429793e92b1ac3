/*
 * A gateway before the echo service, for tests, and clients made of bare sockets.
 *
 * The request's `id` tells the service what to do:
 *
 *     fail     NOT_FOUND with reason "NO_ECHO" and field "id"; of a stream after `count` messages
 *     later    answers from another thread
 *     never    answers when it is cancelled; of a stream after `count` messages
 *     code=N   fails with that code
 *     other    what the service of api/rpc/testdata does: the same comes back
 *
 * Calls with `authorization: Bearer wrong`, or with two of that header, are refused; the former
 * held back where they also have `x-hold: MS`; calls with `x-secret` are secret; calls with
 * `x-limit: N` may have so many bytes.
 *
 * Thread: the test's.
 */
#ifndef GOFER_API_GATEWAY_TESTING_RIG_H_
#define GOFER_API_GATEWAY_TESTING_RIG_H_

#include "api/gateway/gateway.h"
#include "base/pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define GATEWAY_RIG_UNARY "/gofer.testing.Echo/Unary"
#define GATEWAY_RIG_COLLECT "/gofer.testing.Echo/Collect"
#define GATEWAY_RIG_REPEAT "/gofer.testing.Echo/Repeat"
#define GATEWAY_RIG_CHAT "/gofer.testing.Echo/Chat"

struct gateway_rig {
    struct gf_schema *schema;
    struct gf_rpc_server *rpc;
    struct gf_gateway *gateway;
    struct gf_http_server *http;
    struct gf_pool *pool;
    int port;
    _Atomic int started;
    _Atomic int cancelled;
    _Atomic int done;
    _Atomic int64_t sent; /* messages of streams that were taken from the service */
};

/* Aborts on failure. */
void gateway_rig_start(struct gateway_rig *rig);
/* The same with options of pages: files, origins, hosts, `ready`. */
void gateway_rig_start_with(struct gateway_rig *rig, struct gf_gateway_options options);
void gateway_rig_stop(struct gateway_rig *rig);

/* Waits until the number is at least that, for ten seconds at most; false then. */
bool gateway_rig_await(_Atomic int *number, int wanted);

/* A connected socket; reading gives up after ten seconds. */
int gateway_rig_connect(const struct gateway_rig *rig);
void gateway_rig_send(int fd, struct gf_str bytes);

/* An answer, with the chunks of its body put together. */
struct gateway_answer {
    int status;
    char *head; /* with the status line; header names in lower case */
    char *body; /* with a final NUL */
    size_t body_size;
    bool whole; /* all of the body came */
};

/* Reads up to the end of the connection, which is closed. */
struct gateway_answer gateway_rig_read(int fd);
void gateway_answer_free(struct gateway_answer *answer);

/*
 * Sends a request and reads its answer. headers: lines that end in "\r\n", or "".
 */
struct gateway_answer gateway_rig_ask(const struct gateway_rig *rig, const char *method,
                                      const char *target, const char *headers, struct gf_str body);

/* The value of a header, up to the end of its line, into out; "" without one. Gives out. */
const char *gateway_answer_header(const struct gateway_answer *answer, const char *name, char *out,
                                  size_t size);

#endif /* GOFER_API_GATEWAY_TESTING_RIG_H_ */
