/*
 * What the files of the gateway share: its struct, the way a request takes through it, and how
 * responses are put together.
 *
 *     head ─▶ admit (host, origin) ─▶ OPTIONS? ─▶ a call ─▶ call.h
 *                                                └▶ a route of the table ─▶ its function
 *                                                └▶ a file
 *
 * Calls (call.h and what it uses) and pages (everything that is declared under "Pages" below) know
 * nothing of each other but this header.
 *
 * Thread: the http server's, unless a function says otherwise.
 */
#ifndef GOFER_API_GATEWAY_GATEWAY_INTERNAL_H_
#define GOFER_API_GATEWAY_GATEWAY_INTERNAL_H_

#include "api/gateway/gateway.h"
#include "api/gateway/gzip.h"
#include "api/gateway/status.h"
#include "api/http/exchange.h"
#include "base/error.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/str.h"
#include "base/sync.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_gateway__pages;

struct gf_gateway {
    struct gf_gateway_options options;
    struct gf_gateway__pages *pages;   /* of gf_gateway__pages_create */
    struct gf_gateway__packer *packer; /* of responses, one after the other */

    struct gf_mutex mutex; /* guards calls and their links */
    struct gf_list calls;  /* struct gf_gateway__call (call.h): all open ones, for drain */
    _Atomic bool draining;

    /* What gf_gateway_stats tells. */
    _Atomic uint64_t calls_total[GF_GATEWAY_PROTOCOL_COUNT][GF_GATEWAY_CODEC_COUNT];
    _Atomic uint64_t responses_total[GF_GATEWAY_STATUS_CLASS_COUNT];
    _Atomic uint64_t refused_total;
    _Atomic int64_t streams;
};

/* ---- What goes on with an exchange ---- */

/*
 * The exchange goes on after `head`: what the http server tells of it goes to these functions, of
 * which those that are not needed may be NULL. A pointer to a struct that begins with this one is
 * the exchange's data (gf_http_set_data); an exchange that was answered within `head` has none.
 */
struct gf_gateway__activity {
    void (*body)(struct gf_gateway *gateway, struct gf_http_exchange *exchange, struct gf_str body,
                 const struct gf_error *error);
    void (*woken)(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
    enum gf_http_more (*read)(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                              char *out, size_t size_max, size_t *out_size);
    void (*gone)(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
    void (*done)(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
};

struct gf_gateway__data {
    const struct gf_gateway__activity *activity;
    struct gf_str request_name; /* of the carried call, in the exchange's arena; empty before it */
};

/* ---- Responses ---- */

enum {
    GF_GATEWAY__FIELDS_MAX = 48,
};

/* A head that grows. Names are of static storage; values are borrowed until the response. */
struct gf_gateway__head {
    int status;
    struct gf_str request_name; /* of x-request-id */
    struct gf_http_field fields[GF_GATEWAY__FIELDS_MAX];
    size_t field_count;
};

/* Starts a head with what every response of the gateway has: x-request-id, which is the request's
 * own where it has none of a call, and gf_gateway__common_headers. */
void gf_gateway__head_init(struct gf_gateway__head *head, struct gf_gateway *gateway,
                           struct gf_http_exchange *exchange, int status);
/* Adds a field. The value has no CR, LF or NUL. */
void gf_gateway__head_add(struct gf_gateway__head *head, const char *name, struct gf_str value);

/* Adds what the status of an error goes with: www-authenticate of 401, retry-after of 429 and 503.
 */
void gf_gateway__head_add_hints(struct gf_gateway__head *head);

/* gf_http_respond..., counted. Borrowed as there. */
void gf_gateway__respond(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                         const struct gf_gateway__head *head, struct gf_str body);
void gf_gateway__respond_static(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                const struct gf_gateway__head *head, struct gf_str body);
void gf_gateway__respond_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                              const struct gf_gateway__head *head, int fd, uint64_t offset,
                              uint64_t size);
void gf_gateway__respond_stream(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                const struct gf_gateway__head *head);

/* For what is refused before a call was made of it: writes the line of the log that calls have when
 * they end. */
void gf_gateway__note_refused(struct gf_http_exchange *exchange,
                              const struct gf_gateway__head *head,
                              const struct gf_gateway__status *why);

/*
 * Answers with an error that is not a call's: {"code": "not_found", "message": "..."}, as the
 * errors of calls are. With name, a further header ("allow") and its value.
 */
void gf_gateway__respond_error(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                               int status, const struct gf_error *error, const char *name,
                               struct gf_str value);

/* 405, with the methods that the path has ("GET, HEAD"). */
void gf_gateway__respond_method_not_allowed(struct gf_gateway *gateway,
                                            struct gf_http_exchange *exchange, const char *methods);

/* ---- Routes ---- */

struct gf_gateway__route {
    /* The whole path, or, where it ends in '/' and is longer than that, what it begins with. */
    const char *path;
    const char *methods; /* "GET, HEAD": others get 405 with this as Allow */
    void (*serve)(struct gf_gateway *gateway, struct gf_http_exchange *exchange);
};

/* ---- Calls ---- */

/* Takes the exchange, of a path that is a method's, within `head`. */
void gf_gateway__serve_call(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                            const struct gf_rpc_method *method);
/* Answers a call, by its content type, of a method that is not there. */
void gf_gateway__refuse_unknown_call(struct gf_gateway *gateway, struct gf_http_exchange *exchange);

/* ---- Calls, for pages ---- */

/*
 * What a carried call of a page gave: the bytes of the response message with GF_OK, else error.
 * Answers the exchange. Borrowed: both.
 */
typedef void gf_gateway__answer(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                struct gf_str wire, const struct gf_error *error);

/*
 * Calls a unary method with an empty request and the headers of this one (who calls, and whether
 * they may, is asked as ever), within `head`. The answer may come at once or later; none comes
 * where the client goes away. A method that is not there answers GF_UNIMPLEMENTED.
 */
void gf_gateway__call_for_page(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                               struct gf_str path, gf_gateway__answer *answer);

/* ---- Pages: hosts, origins, CORS, headers, files, documents ---- */

/* Of the options; codes as gf_gateway_create. Destroying accepts NULL. */
enum gf_code gf_gateway__pages_create(const struct gf_gateway_options *options,
                                      struct gf_gateway__pages **out_pages,
                                      struct gf_error *err) GF_MUST_USE;
void gf_gateway__pages_destroy(struct gf_gateway__pages *pages);

/* Whether the request may come in at all, by its host and its origin. False: it was answered. */
bool gf_gateway__admit(struct gf_gateway *gateway, struct gf_http_exchange *exchange);

/*
 * Answers OPTIONS of a path that has these methods ("GET, HEAD, POST"): CORS's question whether a
 * page may call, or the methods alone.
 */
void gf_gateway__answer_options(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                struct gf_str methods);

/*
 * What every response has: headers of security, and where the request's origin is allowed those of
 * CORS (with all headers of responses exposed that clients of calls read). Through
 * gf_gateway__head_add.
 */
void gf_gateway__common_headers(struct gf_gateway *gateway, struct gf_http_exchange *exchange,
                                struct gf_gateway__head *head);

extern const struct gf_gateway__route gf_gateway__routes[];
extern const size_t gf_gateway__route_count;

/* Everything that is neither a call nor a route: a file, or 404 (405 where the method is wrong). */
void gf_gateway__serve_file(struct gf_gateway *gateway, struct gf_http_exchange *exchange);

#endif /* GOFER_API_GATEWAY_GATEWAY_INTERNAL_H_ */
