/*
 * The gate: every call of every listener passes it before its handler runs, and nothing else asks
 * who somebody is. It finds the caller by the token (principal.h), holds the call against the table
 * of methods (methods.h), slows down who fails to log in, keeps to the rates, and writes refusals
 * to the audit log.
 *
 * A call is looked at twice: when its headers are here (who is it; may it call this method for
 * anything at all), and with each decoded request (may it do so there). What a handler must ask
 * besides, it asks the principal.
 *
 * A door is one listener's way in. That for people is open in development mode; that for tasks
 * always wants a token.
 *
 * Streams that are open when a token ends or loses a right end too: they are looked at again
 * whenever tokens, roles, runs or extensions change (gf_gate_watch).
 *
 * Refusals are told by the log, as lines `call_denied`, of which each token and each address may
 * cause so many (engine/auth/audit_limit.h). No line and no error has any of a token's text.
 */
#ifndef GOFER_API_ACCESS_GATE_H_
#define GOFER_API_ACCESS_GATE_H_

#include "api/access/principal.h"
#include "api/rpc/server.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/secrets/vault.h"
#include "engine/store/store.h"

struct gf_gate;

/*
 * Reasons of its refusals: what a caller shows is wanted (TOKEN_REQUIRED), is no token
 * (TOKEN_MALFORMED), or does not let in (TOKEN_INVALID: unknown, disabled, expired, of a run or a
 * container that is over; which of them is not told), or not where extensions alone are let in
 * (TOKEN_OF_NO_EXTENSION); it is of an extension that is disabled (EXTENSION_DISABLED); the caller
 * may not do this (PERMISSION_MISSING), or does it too often (RATE_LIMITED).
 */
#define GF_REASON_TOKEN_OF_NO_EXTENSION "TOKEN_OF_NO_EXTENSION"
#define GF_REASON_EXTENSION_DISABLED "EXTENSION_DISABLED"
#define GF_REASON_PERMISSION_MISSING "PERMISSION_MISSING"
#define GF_REASON_RATE_LIMITED "RATE_LIMITED"

enum {
    GF_GATE_TOKEN_RATE_MAX_DEFAULT = 50000,
    GF_GATE_ADDRESS_RATE_MAX_DEFAULT = 100,
    GF_GATE_ADDRESS_STREAMS_MAX_DEFAULT = 64,
    GF_GATE_TOKEN_STREAMS_MAX_DEFAULT = 1000,
};

/* Zero in a number means its default. Borrowed until destroy: vault, clock. */
struct gf_gate_options {
    struct gf_vault *vault; /* for tokens of runs and containers; NULL: they do not let in */
    const struct gf_clock *clock;
    bool development_mode;
    bool allow_anonymous;     /* callers without a token have the role `anonymous` */
    int64_t token_rate_max;   /* calls of one token in a second; < 0: no limit */
    int64_t address_rate_max; /* calls without a token of one address in a second; < 0: likewise */
    int64_t address_streams_max; /* open calls of one address without a token; < 0: likewise */
    int64_t token_streams_max;   /* open streams of one token; < 0: likewise */
};

/* Owned by the caller. Thread: any, all calls but create, load and destroy. */
struct gf_gate *gf_gate_create(const struct gf_gate_options *options) GF_MUST_USE;
/* No call is left. Accepts NULL. */
void gf_gate_destroy(struct gf_gate *gate);
/* Those that hold, defaults filled in. Borrowed until destroy. */
const struct gf_gate_options *gf_gate_get_options(const struct gf_gate *gate);

/* Reads all roles, extensions and tokens, before the engine starts. Codes: those of the store. */
enum gf_code gf_gate_load(struct gf_gate *gate, struct gf_store *store,
                          struct gf_error *err) GF_MUST_USE;
/* How it learns of tokens, roles, runs and extensions from then on. */
struct gf_engine_listener gf_gate_listener(struct gf_gate *gate);

enum gf_door_kind {
    GF_DOOR_PEOPLE = 1, /* clients of every sort */
    GF_DOOR_TASKS,      /* the unix socket in containers: a token is always wanted */
};

/* The functions for gf_rpc_server_opts, all three; their ctx is a door. Borrowed until the server
 * is gone. */
struct gf_door {
    struct gf_gate *gate;
    enum gf_door_kind kind;
};
enum gf_code gf_gate_intercept(struct gf_rpc_call *call, void *door, struct gf_error *err);
enum gf_code gf_gate_authorize(struct gf_rpc_call *call, const ProtobufCMessage *request,
                               void *door, struct gf_error *err);
void gf_gate_ended(struct gf_rpc_call *call, void *door);

/*
 * Whether the caller of an open stream may still have it: GF_OK, else GF_UNAUTHENTICATED (its token
 * has ended) or GF_PERMISSION_DENIED (also: its extension was disabled). For the steps of streams;
 * cheap where nothing has changed.
 */
struct gf_gate_watch {
    uint64_t version; /* zeroed at first; private to the gate */
};
enum gf_code gf_gate_check_stream(const struct gf_rpc_call *call, struct gf_gate_watch *watch,
                                  struct gf_error *err) GF_MUST_USE;

/*
 * Called whenever a stream may have to end, once for many changes: it kicks all streams. One
 * function; set before the servers start. Must not block. Thread: any.
 */
void gf_gate_set_changed(struct gf_gate *gate, void (*changed)(void *ctx), void *ctx);

/* The next time at which a token expires, as gf_wall_ns; GF_NEVER. The owner calls gf_gate_expire
 * then, or a little later. */
int64_t gf_gate_next_expiry(struct gf_gate *gate);
void gf_gate_expire(struct gf_gate *gate);

/*
 * The uses of tokens that the store does not know yet, at most one a minute for each token: up to
 * GF_TOKEN_USES_MAX of them, in the arena, and forgotten here; where there are as many, others may
 * be left. For GF_INPUT_TOUCH_TOKENS, from time to time.
 */
void gf_gate_take_uses(struct gf_gate *gate, struct gf_arena *arena, struct gf_token_use **out_uses,
                       size_t *out_count);

/* Reasons of refusals, as they are counted. */
#define GF_GATE_REFUSALS(X)                                                                        \
    X(TOKEN_REQUIRED)                                                                              \
    X(TOKEN_MALFORMED)                                                                             \
    X(TOKEN_INVALID)                                                                               \
    X(TOKEN_OF_NO_EXTENSION)                                                                       \
    X(EXTENSION_DISABLED)                                                                          \
    X(PERMISSION_MISSING)                                                                          \
    X(RATE_LIMITED)                                                                                \
    X(OTHER)

enum gf_gate_refusal {
#define GF_X(name) GF_GATE_REFUSAL_##name,
    GF_GATE_REFUSALS(GF_X)
#undef GF_X
    GF_GATE_REFUSAL_COUNT,
};

/* What there is now, and was since the gate was made. */
struct gf_gate_stats {
    uint64_t refused_total[GF_GATE_REFUSAL_COUNT]; /* calls, by enum gf_gate_refusal */
    uint64_t audit_left_out_total; /* refusals that were not written down: there were too many */
    uint64_t streams_ended_total;  /* open ones whose caller may not have them any more */
    int64_t streams;               /* open ones of tokens */
    size_t addresses;              /* that are remembered, for their rates */
    size_t addresses_open;         /* of those: with open calls without a token */
};
void gf_gate_stats(struct gf_gate *gate, struct gf_gate_stats *out);

#endif /* GOFER_API_ACCESS_GATE_H_ */
