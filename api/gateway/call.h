/*
 * A call over HTTP, from its head to the last byte of its answer. For api/gateway alone.
 *
 *     begin ──▶ (body) ──▶ request ──▶ take what comes ──▶ answer whole ──▶ done
 *       └─ refused ────────────────────┘    └─ a stream: its head, then `read` takes
 *
 * The carried call lives from begin to its release: before a whole answer, at the end of a stream,
 * or when the client has gone and the call has ended. The exchange lives longer than that.
 *
 *   call_begin.c     what a head says: protocol, deadline, codings, metadata
 *   call_request.c   from a body to the bytes of a message
 *   call_message.c   from messages and statuses to bytes of an answer
 *   call.c           what goes on between
 *
 * Thread: the http server's.
 */
#ifndef GOFER_API_GATEWAY_CALL_H_
#define GOFER_API_GATEWAY_CALL_H_

#include "api/gateway/form.h"
#include "api/gateway/gateway_internal.h"
#include "api/gateway/query.h"
#include "api/gateway/status.h"
#include "api/rpc/carried.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Memory for a request in JSON on its way to a message. */
    GF_GATEWAY__DECODE_BYTES_MAX = 256 * 1024 * 1024,
    /* A larger body in JSON is read by a worker: it would hold all others for milliseconds. */
    GF_GATEWAY__READ_AT_ONCE_BYTES_MAX = 64 * 1024,
    /* JSON has more bytes than the message that it stands for: so many times those, and some. */
    GF_GATEWAY__JSON_FACTOR = 2,
    GF_GATEWAY__JSON_BYTES_MORE = 4096,
    /* Of a body that nobody reads, as the call was refused and its answer is held back. */
    GF_GATEWAY__UNUSED_BYTES_MAX = 64 * 1024,
    /* A response in memory, in the form in which it is sent. */
    GF_GATEWAY__RESPONSE_BYTES_MAX = 128 * 1024 * 1024,
};

struct gf_gateway__call {
    struct gf_gateway__data data; /* the first */
    struct gf_list_link link;     /* guarded by the gateway's mutex */
    struct gf_gateway *gateway;
    struct gf_http_exchange *exchange;
    const struct gf_rpc_method *method;
    struct gf_rpc_call *rpc;             /* NULL once it was released */
    struct gf_gateway__reading *reading; /* of the request, by a worker; else NULL */
    gf_gateway__answer *answer;          /* of a page; NULL: a client's own call */
    struct gf_gateway__form form;
    struct gf_gateway__query query; /* of a GET, in the exchange's arena */
    bool request_gzip;              /* the coding that the request names */
    bool response_gzip;             /* what the client understands */
    bool is_secret;
    bool has_request;  /* it was given to the carried call */
    bool is_streaming; /* the head of a stream was sent: `read` takes */
    bool is_answered;  /* or its answer was begun */
    bool is_gone;      /* the client */
    bool is_cancelled; /* the carried call */
    bool has_ended;    /* END was taken: status is there */
    bool is_packed;    /* out, of an answer without envelopes */
    int http_status;   /* of an error, where it is not that of its code; else 0 */
    int64_t deadline_ns;
    int64_t held_until_ns;            /* of a refusal that is held back */
    struct gf_error *failure;         /* what went wrong with the answer, in the exchange's arena */
    struct gf_gateway__status status; /* borrowed from the carried call, or the failure */
    struct gf_strbuf out;             /* of the answer, what is not sent yet */
    size_t out_offset;
};

/* ---- call_begin.c ---- */

/*
 * Reads the head, and begins the carried call. `fault`, or NULL, is what was found wrong before,
 * and fault_status its HTTP status where that is not the one of its code, else 0; whatever is wrong
 * refuses the call after the interceptor has seen it.
 */
void gf_gateway__call_begin(struct gf_gateway__call *call, const struct gf_error *fault,
                            int fault_status);

/* ---- call_request.c ---- */

/* Bytes of the body, at most. */
size_t gf_gateway__call_body_bytes_max(const struct gf_gateway__call *call);

/*
 * Gives the body to the carried call, which wants it, or refuses it. The body is not needed
 * afterwards. False: a worker reads it, to whom the body and the exchange belong until
 * gf_gateway__call_is_read, of which a wake tells; gf_gateway__call_end_reading follows then.
 */
bool gf_gateway__call_give_request(struct gf_gateway__call *call, struct gf_str body) GF_MUST_USE;

/* Whether the worker has done its part. Only while there is a reading. */
bool gf_gateway__call_is_read(const struct gf_gateway__call *call);

/* Gives what the worker has read to the carried call where that wants it still, and frees it. */
void gf_gateway__call_end_reading(struct gf_gateway__call *call);

/* ---- call_message.c ---- */

/* Starts `out` anew. */
void gf_gateway__call_out_reset(struct gf_gateway__call *call);

/* Appends a response, given in the form of the wire, to `out`. Codes: GF_RESOURCE_EXHAUSTED,
 * GF_INTERNAL. */
enum gf_code gf_gateway__call_put_message(struct gf_gateway__call *call, struct gf_str wire,
                                          struct gf_error *err) GF_MUST_USE;

/* Appends the status, where the protocol has it behind the messages. */
void gf_gateway__call_put_end(struct gf_gateway__call *call);

/* Answers the exchange with all that there is: the call has its status. */
void gf_gateway__call_answer_whole(struct gf_gateway__call *call);

/* Answers it with the head of a stream. */
void gf_gateway__call_answer_stream(struct gf_gateway__call *call);

#endif /* GOFER_API_GATEWAY_CALL_H_ */
