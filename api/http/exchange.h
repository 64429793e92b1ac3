/*
 * An exchange: one HTTP request and its response.
 *
 * Thread: the server's, within callbacks or not, but for gf_http_wake, which is for any.
 */
#ifndef GOFER_API_HTTP_EXCHANGE_H_
#define GOFER_API_HTTP_EXCHANGE_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gf_http_exchange;

/* ---- The request ---- */

/* "GET", "POST", ... as sent. Until `done`, as all texts below. */
struct gf_str gf_http_method(const struct gf_http_exchange *exchange);
/* The target up to the '?', as sent: not decoded. */
struct gf_str gf_http_path(const struct gf_http_exchange *exchange);
/* What is behind the first '?', as sent; "" without one. */
struct gf_str gf_http_query(const struct gf_http_exchange *exchange);
/* The first value of a header, whose name is compared without case; {NULL, 0} without one. */
struct gf_str gf_http_header(const struct gf_http_exchange *exchange, const char *name);
/* All of them, in their order, as sent. Stops where each gives false. */
void gf_http_each_header(const struct gf_http_exchange *exchange,
                         bool (*each)(void *ctx, struct gf_str name, struct gf_str value),
                         void *ctx);
/* Where it comes from, in the form of gf_rpc_call_peer. */
struct gf_str gf_http_peer(const struct gf_http_exchange *exchange);
/* Whether the way is encrypted; whether it came to an address of this machine alone. */
bool gf_http_is_tls(const struct gf_http_exchange *exchange);
bool gf_http_is_local(const struct gf_http_exchange *exchange);
/* Memory until `done`. */
struct gf_arena *gf_http_arena(struct gf_http_exchange *exchange);
/* One pointer of the handler's; NULL until set. */
void gf_http_set_data(struct gf_http_exchange *exchange, void *data);
void *gf_http_data(const struct gf_http_exchange *exchange);

/* ---- The body ---- */

/* Reads the body, of at most so many bytes; `body` follows. Only within `head`. */
void gf_http_read_body(struct gf_http_exchange *exchange, size_t bytes_max);

/* Overwrites and frees the body now, not only with `done`: where it was a secret, or the response
 * takes its time. The body that `body` was given is not there any more. */
void gf_http_wipe_body(struct gf_http_exchange *exchange);

/* ---- The response: one of the three, once ---- */

/* A header. Both are borrowed for the call; neither may hold CR, LF or NUL (asserted). */
struct gf_http_field {
    const char *name;
    struct gf_str value;
};

struct gf_http_head {
    int status; /* 200 to 599 */
    const struct gf_http_field *fields;
    size_t field_count;
};

/*
 * A whole response. Copied: body.
 *
 * libmicrohttpd writes Date, Content-Length, Transfer-Encoding and the Connection of connections
 * that are kept: they are not among the fields (asserted). A response may come before the body of
 * its request is there: then the connection ends with it, and it has at most 64 KiB and is none of
 * the other two, or the connection is cut.
 */
void gf_http_respond(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                     struct gf_str body);

/* The same of bytes that live longer than the server. Not copied. */
void gf_http_respond_static(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                            struct gf_str body);

/* The same of a file from its start, or size bytes from offset; fd is the server's from here on. */
void gf_http_respond_file(struct gf_http_exchange *exchange, const struct gf_http_head *head,
                          int fd, uint64_t offset, uint64_t size);

enum gf_http_more {
    GF_HTTP_MORE,   /* go on */
    GF_HTTP_END,    /* that was all */
    GF_HTTP_BROKEN, /* cut the connection, so that nobody takes it for whole */
};

/* A response of unknown length: the handler's `read` gives it. */
void gf_http_respond_stream(struct gf_http_exchange *exchange, const struct gf_http_head *head);

/* Has `woken` called, and `read` where it waits. Before `done`. Thread: any. */
void gf_http_wake(struct gf_http_exchange *exchange);

/* After `gone`: the handler will not use the exchange any more. */
void gf_http_abandon(struct gf_http_exchange *exchange);

/* Has `woken` called at a time of gf_mono_ns, or earlier times forgotten (GF_NEVER). */
void gf_http_wake_at(struct gf_http_exchange *exchange, int64_t mono_ns);

#endif /* GOFER_API_HTTP_EXCHANGE_H_ */
