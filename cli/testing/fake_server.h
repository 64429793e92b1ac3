/*
 * A server of answers that a test writes down, for commands that call one: it keeps what it was
 * asked as JSON.
 *
 * Thread: one at a time, one fake server at a time.
 */
#ifndef GOFER_CLI_TESTING_FAKE_SERVER_H_
#define GOFER_CLI_TESTING_FAKE_SERVER_H_

#include "api/rpc/method.h"
#include "base/error.h"
#include "base/str.h"
#include "base/sync.h"

struct gf_rpc_server;

enum {
    GF_FAKE_CALLS_MAX = 32,
};

/* Stands among the messages of a stream where the client is to send one first. */
#define GF_FAKE_AWAIT "?"

/*
 * What a method answers: a response as JSON or, where `code` is not GF_OK, an error. A stream sends
 * its messages, and then ends with the code.
 */
struct gf_fake_answer {
    const char *method; /* "CreateToken" */
    const char *json;
    const char *const *messages; /* of a stream, as JSON, ended by NULL; NULL = none */
    enum gf_code code;
    const char *reason;
    const char *field;
    const char *message;
};

/* One call that came. */
struct gf_fake_call {
    const char *method;
    char *request;       /* JSON, in one line */
    char *authorization; /* of the metadata; "" for none */
};

struct gf_fake_server {
    struct gf_rpc_server *server;
    const struct gf_fake_answer *answers; /* in order: one that was given is passed over, unless it
                                             is the last one of its method */
    size_t answer_count;
    bool given[GF_FAKE_CALLS_MAX];
    struct gf_mutex mutex;
    struct gf_fake_call calls[GF_FAKE_CALLS_MAX];
    size_t call_count;
    char address[32]; /* 127.0.0.1:PORT */
};

/* Serves the services of tokens, roles, secrets, extensions, images, namespaces and the system.
 * Borrowed: answers. */
void gf_fake_server_start(struct gf_fake_server *fake, const struct gf_fake_answer *answers,
                          size_t answer_count);
void gf_fake_server_stop(struct gf_fake_server *fake);

/* What the last call of the method asked, "" where none came. */
const char *gf_fake_request(struct gf_fake_server *fake, const char *method);
/* What the call, or message of a stream, behind `index` others of the method asked. */
const char *gf_fake_request_at(struct gf_fake_server *fake, const char *method, size_t index);
/* Its authorization. */
const char *gf_fake_authorization(struct gf_fake_server *fake, const char *method);

#endif /* GOFER_CLI_TESTING_FAKE_SERVER_H_ */
