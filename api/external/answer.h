/*
 * What is answered to requests from outside. An error is {"code":"...","message":"..."}, with the
 * names of codes that the API has; one answer is the same for all reasons that nobody outside may
 * tell apart.
 */
#ifndef GOFER_API_EXTERNAL_ANSWER_H_
#define GOFER_API_EXTERNAL_ANSWER_H_

#include "api/http/exchange.h"
#include "base/error.h"

/* X(NAME, status, code, message, seconds of Retry-After or 0) */
#define GF_EXTERNAL_ANSWERS(X)                                                                     \
    X(MALFORMED, 400, "invalid_argument", "the delivery id is malformed", 0)                       \
    X(NOT_VERIFIED, 401, "unauthenticated", "the signature is missing or wrong", 0)                \
    X(NOT_FOUND, 404, "not_found", "there is nothing here", 0)                                     \
    X(NOT_POST, 405, "unimplemented", "POST is wanted", 0)                                         \
    X(LATE, 408, "deadline_exceeded", "the body came too slowly", 0)                               \
    X(TOO_LARGE, 413, "resource_exhausted", "the body is too large", 0)                            \
    X(MANY_HEADERS, 431, "resource_exhausted", "there are too many headers", 0)                    \
    X(TOO_OFTEN, 429, "resource_exhausted", "too many requests: try again later", 1)               \
    X(TOO_MANY_WAIT, 429, "resource_exhausted", "too many requests wait: try again later", 10)     \
    X(BUSY, 503, "unavailable", "the server is busy: try again later", 1)                          \
    X(NOT_NOW, 503, "unavailable", "this cannot be taken now: try again later", 30)

enum gf_external_answer {
    GF_EXTERNAL_ACCEPTED = 0, /* 202, without a body */
#define GF_X(name, status, code, message, retry) GF_EXTERNAL_##name,
    GF_EXTERNAL_ANSWERS(GF_X)
#undef GF_X
    GF_EXTERNAL_ANSWER_COUNT
};

/* Answers, with the id of the request in X-Request-Id. */
void gf_external_respond(struct gf_http_exchange *exchange, enum gf_external_answer answer,
                         struct gf_str request_id);

/* The status of one, for figures. */
int gf_external_status(enum gf_external_answer answer);

/* What is answered where a body did not come, or a request could not be stored. */
enum gf_external_answer gf_external_answer_of_body(const struct gf_error *error);
enum gf_external_answer gf_external_answer_of_store(const struct gf_error *error);

#endif /* GOFER_API_EXTERNAL_ANSWER_H_ */
