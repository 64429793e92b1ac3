/*
 * A listener for events from outside in front of a hub, and clients made of bare sockets.
 *
 * Thread: the test's. Every failure that is not the test's subject aborts.
 */
#ifndef GOFER_TESTS_EXTENSION_SENDER_H_
#define GOFER_TESTS_EXTENSION_SENDER_H_

#include "api/external/listener.h"

#include <stddef.h>

enum {
    SENDER_ANSWER_BYTES_MAX = 4096,
};

struct sender {
    struct gf_external_listener *listener; /* NULL: there is none */
    int port;
};

struct answer {
    int status; /* 0: the connection ended without one */
    char text[SENDER_ANSWER_BYTES_MAX];
};

/* Options of the test's, or NULL; hub and clock are set. */
void sender_start(struct sender *self, struct gf_extension_hub *hub,
                  const struct gf_external_options *options);
void sender_stop(struct sender *self);

/* A header X-Hub-Signature-256 of the body. */
void sender_sign(char *out, size_t size, const char *key, const char *body);
/* Appends; gives out. */
char *strcat_headers(char *out, size_t size, const char *more);

/* On a connection of its own, up to its end. `headers` are whole lines; those of `post` get their
 * Content-Length. */
void sender_ask(const struct sender *self, const char *method, const char *target,
                const char *headers, const char *body, struct answer *out);
void sender_post(const struct sender *self, const char *target, const char *headers,
                 const char *body, struct answer *out);
/* The same answer, without the header Date. */
const char *answer_without_date(struct answer *answer);

int sender_connect(const struct sender *self);
void sender_send(int fd, const char *text);
/* Up to the end of the connection, which it closes; on the heap. */
char *sender_read_all(int fd);

#endif /* GOFER_TESTS_EXTENSION_SENDER_H_ */
