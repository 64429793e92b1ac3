/*
 * For tests: the user of a session, whose ears keep what it hears and can be waited on. Used by
 * Criterion tests and by plain programs, so it aborts on failures that are not a test's subject.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SESSION_CLIENT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SESSION_CLIENT_H_

#include "base/sync.h"
#include "engine/scheduler/native/testing/native_host.h"
#include "engine/scheduler/session.h"

#include <stdbool.h>

enum {
    SESSION_CLIENT_OUTPUT_BYTES_MAX = 64 << 20
};

struct session_client {
    struct native_host *host;
    struct gf_session *session;
    struct gf_mutex mutex; /* of the rest */
    struct gf_cond changed;
    bool started;
    struct gf_session_start start;
    bool ended;
    struct gf_session_end end;
    int writable_count;
    struct gf_strbuf out; /* standard output, and standard error */
    struct gf_strbuf err;
};

/* Opens a session; close it with session_client_close. */
void session_client_open(struct session_client *client, struct native_host *host,
                         const struct gf_session_request *request);

/* Attaches, or runs `sh -c script` beside the program; with a terminal where columns is not 0. */
void session_client_attach(struct session_client *client, struct native_host *host,
                           struct gf_attempt attempt);
void session_client_exec(struct session_client *client, struct native_host *host,
                         struct gf_attempt attempt, const char *script, int columns, int rows);

/* Ends it, whatever its state, and frees what the client holds. */
void session_client_close(struct session_client *client);

/* Wait; they abort after NATIVE_HOST_WAIT_MS. */
void session_client_wait_started(struct session_client *client);
void session_client_wait_output(struct session_client *client, const char *text);
struct gf_session_end session_client_wait_end(struct session_client *client);
/* Until input was refused and there is room again, `count` times in all. */
void session_client_wait_writable(struct session_client *client, int count);

/* Input that must be taken. */
void session_client_write(struct session_client *client, const char *text);

void session_client_pause(struct session_client *client, bool paused);
void session_client_close_input(struct session_client *client);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SESSION_CLIENT_H_ */
