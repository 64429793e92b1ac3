/*
 * A server for tests, with a handler that does what the path says, and clients made of bare
 * sockets.
 *
 *     /hello     "hello\n"; any method, no body is read
 *     /echo      the body, of at most ECHO_BYTES_MAX
 *     /small     the same, at most SMALL_BYTES_MAX
 *     /slowly    the same, but a body that does not come is told of from another thread
 *     /unread    the same, but a stream says so
 *     /head      "METHOD PATH?QUERY" and all headers, a line each
 *     /async     "later\n", from another thread
 *     /lines?N   a stream of N lines, one for each wake by another thread
 *     /hold      no answer, until the client goes
 *     /restless  the same, and it is woken all the time
 *     /follow    a stream that says "hi\n", then nothing until the client goes
 *     /flood     a stream without end
 *     /broken    a stream that says "some", and breaks
 *     /file      bytes of a file
 *     /big       BIG_BYTES of a static text
 *     /deadline  "timer\n", by gf_http_wake_at
 */
#ifndef GOFER_API_HTTP_TESTING_RIG_H_
#define GOFER_API_HTTP_TESTING_RIG_H_

#include "api/http/server.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdatomic.h>

enum {
    RIG_ECHO_BYTES_MAX = 4 * 1024 * 1024,
    RIG_SMALL_BYTES_MAX = 16,
    RIG_BIG_BYTES = 3 * 1024 * 1024,
};

struct rig {
    struct gf_http_server *server;
    int port;
    _Atomic int heads;
    _Atomic int bodies;
    _Atomic int gones;
    _Atomic int dones;
    _Atomic int reads;
    _Atomic int last_body_code;               /* enum gf_code of the last body that did not come */
    struct gf_mutex mutex;                    /* guards what follows */
    GF_VEC(struct gf_http_exchange *) wanted; /* to be woken by the waker */
    struct gf_cond cond;
    bool ending;
    pthread_t waker;
};

/* Zero in options: defaults. Listens on `address` ("127.0.0.1:0" for NULL) and starts. Aborts where
 * that fails. */
void rig_start(struct rig *rig, const struct gf_http_server_options *options, const char *address,
               const struct gf_tls_files *tls);
/* Stops and destroys; every `head` had its `done`. */
void rig_stop(struct rig *rig);

/* Waits until the number is there, for at most ten seconds; false then. */
bool rig_await(_Atomic int *number, int wanted);
bool rig_await_connections(struct rig *rig, int64_t wanted);

/* A connected socket; reading gives up after ten seconds. */
int rig_connect(const struct rig *rig);
/* One end of a pair of sockets, whose other end the server serves. */
int rig_adopt(struct rig *rig);
void rig_send(int fd, const char *text);
/* Everything up to the end of the connection (or its reset), on the heap. Closes. */
char *rig_read_all(int fd);
/* Reads until `text` has come; the rest stays unread as far as it came later. False at the end. */
bool rig_read_until(int fd, const char *text);
/* Sends, and reads up to the end. */
char *rig_ask(const struct rig *rig, const char *request);

#endif /* GOFER_API_HTTP_TESTING_RIG_H_ */
