/*
 * The hub: where extensions are connected. It serves gofer.extension.v1.ExtensionService/Connect,
 * whose proto file is the specification of what is said there.
 *
 * What extensions say becomes inputs of the engine, and is acknowledged when the engine has
 * committed it. What the engine commits becomes messages: the hub is a listener of the engine. It
 * dispatches what waits to be delivered (rows of struct gf_delivery) when it is due, and feeds
 * gofer's own events to those that follow them.
 *
 * An extension may have several connections: one for each of its containers while it is updated.
 * The active one is the newest that is ready of the serving container (attempt 0: of a program that
 * is run by hand); it alone is asked, and gets deliveries.
 *
 * Order: create; gf_extension_hub_listener to the engine; gf_engine_start; start; add to servers;
 * then stop, before the rpc servers stop (it ends all connections); destroy after the engine and
 * the pool have stopped.
 *
 * Thread: any, all calls but create, start, stop and destroy. No call blocks, but those marked so.
 */
#ifndef GOFER_API_EXTENSION_HUB_H_
#define GOFER_API_EXTENSION_HUB_H_

#include "api/access/gate.h"
#include "api/extension/parameters.h"
#include "api/rpc/server.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/core/model_extensions.h"
#include "engine/engine.h"
#include "engine/events/hub.h"
#include "engine/secrets/vault.h"
#include "engine/store/store.h"
#include "gofer/extension/v1/extension.pb-c.h"
#include "gofer/v1/extension.pb-c.h"

#include <stdatomic.h>

/* What an extension may do is limited by these; the registration's own limits are in
 * registration.h. */
enum {
    GF_EXTENSION_PROTOCOL_MAJOR = 1,
    GF_EXTENSION_PROTOCOL_MINOR = 0,
    GF_EXTENSION_CONNECTIONS_MAX = 4000,      /* at once */
    GF_EXTENSION_WINDOW = 1000,               /* deliveries of its that are not acknowledged yet */
    GF_EXTENSION_WINDOW_BYTES_MAX = 16 << 20, /* likewise; it is not read from beyond */
    GF_EXTENSION_REGISTER_MS = 10 * 1000,     /* from the call to the registration */
    GF_EXTENSION_READY_MS = 60 * 1000,        /* from SubscriptionsComplete to Ready */
    GF_EXTENSION_PING_MS = 15 * 1000,         /* where it promises no HealthReports */
    GF_EXTENSION_PONG_MS = 15 * 1000,         /* for the answer to a ping */
    GF_EXTENSION_HEALTH_INTERVAL_MS_MIN = 1000, /* that a registration may promise */
    GF_EXTENSION_HEALTH_INTERVAL_MS_MAX = 3600 * 1000,
    GF_EXTENSION_ASK_MS = 10 * 1000, /* for an answer to a question about a subscription */
    GF_EXTENSION_DEBUG_MS = 10 * 1000,
    GF_EXTENSION_CLOSE_MS = 5 * 1000, /* from Shutdown until the stream is ended */
    GF_EXTENSION_METRICS_MAX = 1000,
    GF_EXTENSION_DEBUG_BYTES_MAX = 1 << 20,
    GF_EXTENSION_DIALOGS_MAX = 16,          /* at once, of one connection */
    GF_EXTENSION_SENTENCE_BYTES_MAX = 1024, /* what it says about itself; longer ones are cut */
    GF_EXTENSION_LOG_BYTES_MAX = 16 << 10,
    GF_EXTENSION_LOG_METADATA_MAX = 32,
    GF_EXTENSION_LOGS_PER_SECOND_MAX = 1000, /* more are dropped, and counted in a line of ours */
};

struct gf_extension_hub;

/* A line of an extension's log: its own (LogEntry), or one of gofer's about it. Borrowed for the
 * call. */
struct gf_extension_log_line {
    int64_t extension_key;
    struct gf_str extension_id;
    bool from_gofer;
    Gofer__Extension__V1__LogLevel level; /* never UNSPECIFIED */
    struct gf_str text;                   /* valid UTF-8 */
    int64_t write_time;                   /* ns since 1970 */
    /* Of the subscription that it is about; empty: none. */
    struct gf_str namespace_id, pipeline_id, subscription_id;
    const struct gf_label *metadata; /* sorted by key, unique */
    size_t metadata_count;
};

/* All borrowed until destroy, but for where it says otherwise. */
struct gf_extension_hub_options {
    struct gf_store *store;
    struct gf_vault *vault;
    struct gf_gate *gate; /* NULL: every stream is let go on (tests) */
    struct gf_event_hub *events;
    struct gf_pool *pool;       /* until stop */
    struct gf_reactor *reactor; /* until stop; for the times */
    const struct gf_clock *clock;
    const char *gofer_version;
    bool development_mode; /* the registration says who it is, where no token does */
    /* What extensions write. Must not block. NULL: it is dropped. Thread: any. */
    void (*log_line)(void *ctx, const struct gf_extension_log_line *line);
    void *ctx;
    /* For tests: other times than those above; 0 = those. */
    int64_t register_ms, ready_ms, ping_ms, pong_ms, ask_ms, close_ms;
};

/* Owned by the caller. */
struct gf_extension_hub *
gf_extension_hub_create(const struct gf_extension_hub_options *options) GF_MUST_USE;
/* No call is left. Accepts NULL. */
void gf_extension_hub_destroy(struct gf_extension_hub *hub);

/* For gf_engine_options (of one or several listeners). */
struct gf_engine_listener gf_extension_hub_listener(struct gf_extension_hub *hub);

/* After the engine has started: reads the extensions and what waits to be delivered, and begins to
 * dispatch. Blocks. Codes: those of the store. */
enum gf_code gf_extension_hub_start(struct gf_extension_hub *hub, struct gf_engine *engine,
                                    struct gf_error *err) GF_MUST_USE;

/* Ends all connections with GF_UNAVAILABLE, lets no more in, and answers all that waits likewise.
 * Before the rpc servers stop. Blocks until no job of its is left on the reactor. */
void gf_extension_hub_stop(struct gf_extension_hub *hub);

/* Adds the service. Call it for the door of people and that of tasks. */
void gf_extension_hub_add_to_server(struct gf_extension_hub *hub, struct gf_rpc_server *server);

/* That of the options, for others who wait for extensions. */
struct gf_reactor *gf_extension_hub_reactor(struct gf_extension_hub *hub);

/* Has all connections look at their tokens again (gf_gate_set_changed). */
void gf_extension_hub_check_tokens(struct gf_extension_hub *hub);

/* ---- What is seen from outside ---- */

/* How an extension is connected. Zeroed: it is not. */
struct gf_extension_live {
    bool connected; /* its active connection, or the newest one that is being set up */
    bool ready;
    Gofer__Extension__V1__ConnectionMode mode;
    int32_t attempt; /* of the container; 0 = run by hand */
    int64_t connect_time;
    int64_t latency_ns;        /* of the last ping; 0 = not known */
    int64_t last_message_time; /* that it sent */
    int32_t protocol_major;    /* 0 = it was never connected since the server started */
    int32_t protocol_minor;    /* of gofer */
    Gofer__V1__ExtensionHealth health;
    char health_description[GF_EXTENSION_SENTENCE_BYTES_MAX + 1]; /* NUL-terminated */
    char connection_id[32];                                       /* likewise */
    int64_t pending_count; /* deliveries to it, or runs of its, that wait; not the dead ones */
    int64_t received_total, acknowledged_total; /* deliveries of its on this connection */
    int64_t sent_total, answered_total;         /* deliveries to it, likewise */
};
void gf_extension_hub_live(struct gf_extension_hub *hub, int64_t extension_key,
                           struct gf_extension_live *out);

/* The figures of its last HealthReport and gofer's own about its connection, ordered by name, in
 * the arena. */
void gf_extension_hub_metrics(struct gf_extension_hub *hub, int64_t extension_key,
                              struct gf_arena *arena, Gofer__V1__ExtensionMetric ***out_metrics,
                              size_t *out_count);

/* Somebody who wants to know when an extension changes: its row or how it is connected. */
struct gf_extension_watcher {
    int64_t extension_key;
    /* Must not block, and must not call the hub: it queues a job. May come more often than
     * something changed. Thread: any. */
    void (*changed)(struct gf_extension_watcher *watcher);
    struct gf_list_link link; /* private to the hub */
    int running;              /* likewise */
};
/* The memory is the watcher's own. */
void gf_extension_hub_watch(struct gf_extension_hub *hub, struct gf_extension_watcher *watcher);
/* After it returns `changed` is not called and is not running. Not from within `changed`. */
void gf_extension_hub_unwatch(struct gf_extension_hub *hub, struct gf_extension_watcher *watcher);

/* ---- Subscriptions ---- */

/* What an extension makes of a subscription. Borrowed for the call of `answered`. */
struct gf_extension_answer {
    /*
     * GF_OK: it answered, see `outcome`. Else nobody knows:
     *   GF_UNAVAILABLE (reason NOT_CONNECTED): it has no active connection;
     *   GF_INVALID_ARGUMENT: the settings do not fit its declaration (with field);
     *   GF_FAILED_PRECONDITION (reason REFERENCE_BROKEN): a reference cannot be resolved;
     *   GF_DEADLINE_EXCEEDED: no answer in time;
     *   GF_ABORTED: the connection ended, or another question about it is under way.
     */
    struct gf_error error;
    int64_t generation; /* that it was asked with: for the command that follows */
    Gofer__Extension__V1__SubscriptionOutcome outcome;
    struct gf_str description; /* its sentence; up to GF_EXTENSION_SENTENCE_BYTES_MAX */
    const struct gf_setting_problem *problems;
    size_t problem_count;
};

/*
 * Would you take this subscription? Sent as a Subscribe with a generation above all that were used
 * before. The caller fills the first part and keeps all of it, with what it borrows, until
 * `answered`, which is called exactly once, also where asking fails at once.
 *
 * Whoever asked, and then does not commit what it asked for (it was refused, or the command
 * failed), calls gf_extension_hub_resync, so that the extension has again what the store has.
 */
struct gf_extension_ask {
    int64_t extension_key;
    int64_t namespace_key, pipeline_key; /* whose secrets may be used */
    struct gf_str namespace_id, pipeline_id, subscription_id;
    int64_t generation; /* of the row; 0 = there is none yet */
    struct gf_str checkpoint;
    int64_t create_time, last_run_time; /* 0 = now, never */
    const struct gf_setting *settings;  /* as given: with references */
    size_t setting_count;
    int64_t timeout_ms; /* 0 = GF_EXTENSION_ASK_MS */
    /* Must not block. Thread: any, not that of gf_extension_hub_ask. */
    void (*answered)(struct gf_extension_ask *ask, const struct gf_extension_answer *answer);
    /* Private to the hub. */
    struct gf_list_link link;
    int64_t asked_generation;
    int64_t deadline;
};
void gf_extension_hub_ask(struct gf_extension_hub *hub, struct gf_extension_ask *ask);

/* Sends what the store has of a subscription to the connections of its extension: a Subscribe, or
 * an Unsubscribe where it is not there or disabled. */
void gf_extension_hub_resync(struct gf_extension_hub *hub, int64_t extension_key,
                             struct gf_str namespace_id, struct gf_str pipeline_id,
                             struct gf_str subscription_id);

/* ---- Debug ---- */

/* How do you look inside? As of an ask: `answered` exactly once; codes GF_UNAVAILABLE (not
 * connected, or it went away), GF_DEADLINE_EXCEEDED, GF_RESOURCE_EXHAUSTED (too many at once). */
struct gf_extension_debug {
    int64_t extension_key;
    int64_t timeout_ms; /* 0 = GF_EXTENSION_DEBUG_MS */
    void (*answered)(struct gf_extension_debug *debug, const struct gf_error *error,
                     struct gf_str info);
    /* Private to the hub. */
    struct gf_list_link link;
    int64_t request_number;
    int64_t deadline;
    bool sent;
};
void gf_extension_hub_debug(struct gf_extension_hub *hub, struct gf_extension_debug *debug);

/* ---- Dialogs ---- */

/*
 * A dialog of a person with an extension, over its active connection. The caller (dialog.c) fills
 * the first part. `ended` is called once, last: when the extension's connection is over, or after
 * gf_extension_hub_close_dialog. No callback blocks. Thread: any, one at a time.
 */
struct gf_extension_dialog {
    int64_t extension_key;
    Gofer__Extension__V1__DialogKind kind;
    struct gf_str namespace_id, pipeline_id; /* of SUBSCRIPTION; borrowed until opened */
    /* A step; borrowed for the call. Limits are checked. */
    void (*step)(struct gf_extension_dialog *dialog, const Gofer__Extension__V1__DialogStep *step);
    void (*ended)(struct gf_extension_dialog *dialog, const struct gf_error *error);
    /* Private to the hub. */
    struct gf_list_link link;
    char dialog_id[32];
    void *connection;
    int running;
    bool closing;
    struct gf_error why; /* of closing, for who tells the end */
};
/* Sends DialogStart. Codes: GF_UNAVAILABLE (not connected), GF_FAILED_PRECONDITION (it has no such
 * dialog), GF_RESOURCE_EXHAUSTED; then no callback comes. */
enum gf_code gf_extension_hub_open_dialog(struct gf_extension_hub *hub,
                                          struct gf_extension_dialog *dialog,
                                          struct gf_error *err) GF_MUST_USE;
/* Sends DialogAnswer. Does nothing where the connection is over. */
void gf_extension_hub_answer_dialog(struct gf_extension_hub *hub,
                                    struct gf_extension_dialog *dialog, struct gf_str text);
/* The person has gone (`cancel`: DialogCancel is sent), or the dialog is over. `ended` follows. */
void gf_extension_hub_close_dialog(struct gf_extension_hub *hub, struct gf_extension_dialog *dialog,
                                   bool cancel);

/* ---- Requests from outside ---- */

/*
 * How requests for an extension are taken in: what its last registration declares, and the key.
 * Known also while it is not connected. Never changes; counted.
 */
struct gf_extension_intake {
    int64_t extension_key;
    /* NULL: they are not verified. Its texts are the intake's. */
    const Gofer__Extension__V1__ExternalEventVerification *verification;
    struct gf_str key; /* of the HMAC; guarded memory */
    /* Private to the hub. */
    struct gf_arena arena;
    void *guarded;
    _Atomic int references;
};
void gf_extension_intake_ref(struct gf_extension_intake *intake);
/* Accepts NULL. The last one wipes the key. */
void gf_extension_intake_unref(struct gf_extension_intake *intake);

/* Whether there is an extension of this id that takes requests from outside, disabled or not. */
bool gf_extension_hub_takes_external(struct gf_extension_hub *hub, struct gf_str extension_id);

/*
 * Asks for the intake of an extension. The caller keeps it until it is answered: error GF_OK with
 * an intake, which is the caller's to unref; GF_NOT_FOUND: as of gf_extension_hub_takes_external;
 * GF_UNAVAILABLE: the key cannot be had now. True: it is answered at once. False: `known` is called
 * once, on a worker; it must not block.
 *
 * The key is looked up when it is first needed and after the extension or a secret has changed, and
 * is kept in between.
 */
struct gf_extension_intake_ask {
    struct gf_str extension_id; /* borrowed until it is answered */
    void (*known)(struct gf_extension_intake_ask *ask);
    struct gf_error error;
    struct gf_extension_intake *intake;
    /* Private to the hub. */
    struct gf_list_link link;
};
bool gf_extension_hub_ask_intake(struct gf_extension_hub *hub,
                                 struct gf_extension_intake_ask *ask) GF_MUST_USE;

/*
 * Takes in a request from outside for an extension: stored, then `stored` is called with GF_OK, and
 * from then on it is delivered until the extension has acknowledged it. `event` has all but
 * `attempt`. With `once` its delivery_id is the sender's: one that came under the same id before
 * (GF_DELIVERY_ID_AGE_NS) is not stored again, which `stored` sees in `duplicate`. Codes, by
 * `stored` or at once (then `stored` is not called): GF_NOT_FOUND, GF_FAILED_PRECONDITION (it is
 * disabled, or takes no such requests), GF_RESOURCE_EXHAUSTED (too many wait: reason
 * TOO_MANY_DELIVERIES; else the engine has no room), GF_UNAVAILABLE. Borrowed until `stored`: the
 * struct alone.
 */
struct gf_extension_external {
    int64_t extension_key;
    bool once;
    const Gofer__Extension__V1__ExternalEvent *event; /* borrowed for gf_extension_hub_accept_... */
    /* Must not block. Thread: engine. */
    void (*stored)(struct gf_extension_external *external, const struct gf_error *error);
    bool duplicate; /* for `stored` to look at */
    /* Private to the hub. */
    void *state;
};
enum gf_code gf_extension_hub_accept_external(struct gf_extension_hub *hub,
                                              struct gf_extension_external *external,
                                              struct gf_error *err) GF_MUST_USE;

/* ---- Figures ---- */

/* Of all extensions together: what there is now, and was since the hub was made. */
struct gf_extension_hub_stats {
    size_t connections;
    size_t connections_limit;
    size_t ready; /* of those */
    uint64_t connections_total;
    uint64_t connections_refused_total; /* because there were too many */
    size_t deliveries_pending;          /* rows that wait, and those under way */
    size_t deliveries_unanswered;       /* sent to extensions, and not acknowledged by them */
    size_t deliveries_unacknowledged;   /* sent by extensions, and not acknowledged by gofer */
    size_t window_limit;                /* of either, on one connection */
    uint64_t sent_total;                /* deliveries to extensions, of events too */
    uint64_t redelivered_total;         /* of those: not the first attempt */
    uint64_t answered_total;            /* deliveries that extensions acknowledged */
    uint64_t received_total;            /* deliveries of extensions */
    uint64_t acknowledged_total;        /* of those, by gofer */
    size_t dispatching;                 /* tries of runs that are in the engine */
    size_t dispatching_limit;
    size_t commands_held;                 /* that wait for room in the engine */
    size_t dialogs;                       /* open ones */
    uint64_t log_lines_refused_total;     /* lines of extensions that wrote too many in a second */
    struct gf_histogram_snapshot latency; /* of answers to pings */
};
/* Looks at every connection. */
void gf_extension_hub_stats(struct gf_extension_hub *hub, struct gf_extension_hub_stats *out);

#endif /* GOFER_API_EXTENSION_HUB_H_ */
