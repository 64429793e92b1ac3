/* The inside of the gate. For api/access alone. */
#ifndef GOFER_API_ACCESS_GATE_INTERNAL_H_
#define GOFER_API_ACCESS_GATE_INTERNAL_H_

#include "api/access/gate.h"
#include "api/access/limits.h"
#include "api/access/methods.h"
#include "api/access/peer.h"
#include "api/access/table.h"
#include "base/counter.h"
#include "base/identifier.h"
#include "base/sync.h"

struct gf_gate {
    struct gf_gate_options options; /* with the defaults filled in */
    struct gf_access_table *table;
    struct gf_access_limits *limits;
    struct gf_methods *methods;
    struct gf_access *nothing; /* allows nothing: says what is missing */
    _Atomic uint64_t version;  /* from 1; one more whenever a stream may have to end */
    struct gf_mutex mutex;     /* guards what follows */
    struct gf_list uses;       /* entries with a use that was not taken yet, each counted */
    void (*changed)(void *ctx);
    void *changed_ctx;
    /* No lock. */
    struct gf_counter refused[GF_GATE_REFUSAL_COUNT];
    struct gf_counter audit_left_out;
    struct gf_counter streams_ended;
    struct gf_gauge streams;
};

/* What the gate knows of a call, in its arena: the principal and what else it was let in for. */
struct gf_gate_call {
    struct gf_principal principal; /* the first member */
    struct gf_gate *gate;
    enum gf_door_kind door;
    const struct gf_method *method; /* NULL: it has no row */
    bool counts_as_open;            /* of its address */
    bool counts_as_stream;          /* of its token */
    /* What a stream was allowed by its first message, to be asked again by any thread: written
     * once, before has_query is. */
    atomic_bool has_query;
    struct gf_access_query query;
    struct gf_gate_ids *ids; /* what the query borrows; NULL of unary calls */
};

/* Of a query; what is longer than any identifier is cut, and is longer still. */
struct gf_gate_ids {
    char namespace_id[GF_IDENTIFIER_CHARS_MAX + 1];
    char id[GF_IDENTIFIER_CHARS_MAX + 1];
};

static inline const struct gf_gate_call *gf_gate__call_of(const struct gf_principal *principal) {
    return (const struct gf_gate_call *)(const void *)principal;
}

/* Where it comes from. Only those who are counted or refused are asked for it. Tasks are counted
 * together and apart from people, who may use a unix socket too. */
static inline struct gf_peer gf_gate__peer(const struct gf_gate_call *call) {
    struct gf_peer peer;
    gf_peer_parse(call->door == GF_DOOR_TASKS ? "tasks" : call->principal.peer.ptr, &peer);
    return peer;
}

/* gate_feed.c: tells the owner that streams may have to end. No lock held. */
void gf_gate__streams_may_end(struct gf_gate *gate);

/* audit.c: a line about a refusal, if there may be one now. No lock held. */
void gf_gate__audit(const struct gf_gate_call *call, const char *method,
                    const struct gf_error *error);

/* gate.c: fills err with what is missing. */
enum gf_code gf_gate__missing(const struct gf_gate *gate, const struct gf_access_query *query,
                              struct gf_error *err);

#endif /* GOFER_API_ACCESS_GATE_INTERNAL_H_ */
