/*
 * The inside of the hub. For api/extension alone.
 *
 *     hub.c              making and freeing; extensions that are known; which connection is active
 *     listener.c         what the engine has committed
 *     times.c            deadlines of connections and of the hub
 *     commands.c         inputs to the engine that are not refused for want of room
 *     connection.c       a connection as a state machine; its end
 *     connection_call.c  the callbacks of its call
 *     handshake.c        from Registration to Welcome
 *     subscription_set.c the full set of subscriptions, and changes of it
 *     resolve.c          settings: opened, checked, references filled in
 *     asks.c             questions about subscriptions; debug requests
 *     incoming.c         what an extension says
 *     starts.c           its deliveries, and their acknowledgements
 *     starts_read.c      what they say
 *     outgoing.c         what it is told, in order
 *     deliveries.c       what waits to be delivered
 *     event_feed.c       gofer's own events
 *     event_flights.c    which of them are under way, and how often each was tried
 *     live.c             what is seen from outside
 *     hub_stats.c        figures of all connections together
 *     dialogs.c          dialogs
 *     intake.c           requests from outside: how they are verified
 *     external.c         and how they are taken in
 *
 * Design. A connection is a state machine as the streams of api/service: steps on the worker pool,
 * one at a time, whenever it is kicked. Steps alone send, so that sequence numbers leave in their
 * order, and steps alone read the store. What is said on the stream is taken in by the callback of
 * the rpc thread, which blocks on nothing: it becomes a command of the engine, or changes state
 * under the mutex. There is one mutex, the hub's, held for moments and never across a call into
 * the engine, the rpc layer or the event hub. Each field below says whose it is:
 *
 *     (m)  guarded by the mutex
 *     (s)  of the steps; nobody else looks at it
 *     (r)  of the rpc callbacks of the call, which never run at the same time
 *     (c)  constant once it is set
 */
#ifndef GOFER_API_EXTENSION_HUB_INTERNAL_H_
#define GOFER_API_EXTENSION_HUB_INTERNAL_H_

#include "api/extension/hub.h"
#include "api/extension/registration.h"
#include "api/extension/window.h"
#include "base/counter.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/sync.h"
#include "base/vec.h"

#include <stdatomic.h>

enum {
    GF_HUB_ARENA_BYTES_MAX = 256 << 20,  /* of one step; far above what messages can need */
    GF_HUB_STEP_BYTES = 16 << 20,        /* in it: then the step ends, so that nobody gets near */
    GF_HUB_SETTINGS_BYTES_MAX = 2 << 20, /* of one program or subscription, references filled in */
    GF_HUB_STEP_MESSAGES = 64,           /* of each kind in one step; then others have their turn */
    GF_HUB_SCAN_ROWS = 64,               /* subscriptions of one read */
    GF_HUB_ITEMS_MAX = 256,              /* waiting to be sent; then it is not read from */
    GF_HUB_JUDGING_MAX = 256,            /* results on their way to the store; likewise */
    GF_HUB_RETRY_MS = 20,                /* after the engine had no room */
    GF_HUB_FULL_RETRY_MS = 250,          /* after no more deliveries could be kept */
    GF_HUB_DISPATCH_MAX = 64,            /* tries of runs that are in the engine at once */
    GF_HUB_CLOCK_CHECK_MS = 30 * 1000,   /* how long a clock that was set may go unnoticed */
    GF_HUB_SEQUENCE_MS = 100,            /* between two SET_EVENT_SEQUENCE of one connection */
    GF_HUB_EVENTS_READ = 64,
    GF_HUB_DEBUGS_MAX = 16,                          /* of one connection at once */
    GF_HUB_ASKS_MAX = 1000,                          /* likewise */
    GF_HUB_DELIVERY_RETRY_MS_MAX = 24 * 3600 * 1000, /* that an extension may ask for */
    GF_HUB_KEY_BYTES_MAX = 3 * 65 + 3,
};

#define GF_CONNECTION_MAGIC 0x67666578u /* "gfex" */

struct gf_hub_connection;

/* Something of the hub that has a time. */
struct gf_hub_time {
    struct gf_heap_node node;
    void (*due)(struct gf_extension_hub *hub, struct gf_hub_time *time); /* (m) held; kicks */
};

/* Where one container of an extension is. Zeroed: there is none. */
struct gf_hub_instance {
    int32_t attempt;
    enum gf_instance_state state;
};

/* How requests from outside are verified, as far as it is known. All (m). */
struct gf_hub_intake {
    struct gf_extension_intake *known; /* NULL: nobody has asked, or the key could not be had */
    struct gf_error error;             /* in the latter case */
    int64_t retry_mono;                /* likewise: it is not looked up before */
    uint64_t version;                  /* higher with each change of what it is made of */
    uint64_t made_version;             /* that it was made of; 0 = it was not */
    uint64_t made_secrets;             /* likewise, of the hub's secrets_version */
    bool in_progress;                  /* a job makes it */
    struct gf_list asks;               /* that wait for the job */
};

/* An extension that is installed, or that still has a connection. All (m). */
struct gf_hub_extension {
    int64_t extension_key;
    char *extension_id; /* (c) */
    bool installer;
    bool gone; /* it was uninstalled */
    bool disabled;
    bool has_image;
    size_t registration_size;
    uint64_t settings_hash; /* of a program that is run by hand: it gets new ones by connecting */
    struct gf_hub_instance serving, successor, leaving;
    int64_t event_sequence;
    struct gf_list connections; /* oldest first */
    struct gf_hub_connection *active;
    /* What the last connection was, for those who look. */
    int32_t protocol_major;
    bool accepts_external; /* as its last registration says */
    int64_t update_time;   /* of its row */
    bool has_fallback;     /* likewise */
    struct gf_hub_intake intake;
    /* Deliveries: all, and those that are due and wait for a connection (or to be enabled). */
    size_t delivery_count;
    struct gf_list waiting;
    /* Events that failed, across connections: their attempts are counted here. */
    GF_VEC(struct gf_hub_tries {
        int64_t sequence;
        int32_t attempts;
    })
    tries;
};

/* A pending delivery. All (m). */
struct gf_hub_delivery {
    struct gf_hub_time time;  /* while it waits to be due */
    struct gf_list_link link; /* while it waits for a connection, or for a turn */
    int64_t delivery_key;
    struct gf_hub_extension *extension;
    enum gf_delivery_kind kind;
    int32_t attempt_count;
    int64_t next_attempt_time;
    int64_t latest_mono; /* it is due then at the latest, whatever is made of the clock */
    bool busy;           /* it is being tried, or its outcome is on its way to the store */
    bool gone;           /* its row is gone, while it is busy */
};

/* A delivery to the extension that it has not acknowledged yet. (m) */
struct gf_hub_sent {
    int64_t sequence;
    int64_t delivery_key;   /* 0 = it is an event of the feed */
    int64_t event_sequence; /* of the feed */
};

/* A subscription as a connection knows it. (m) */
struct gf_hub_subscription {
    int64_t subscription_key; /* 0 = it is not stored (yet) */
    int64_t pipeline_key;
    int64_t generation; /* that it was sent with */
    bool sent;          /* the extension has it */
    char *key;          /* the three ids, each with a NUL behind it */
    size_t key_size;
};

/* A subscription of which something has changed. (m) */
struct gf_hub_dirty {
    struct gf_list_link link;
    bool force; /* send it whatever is known */
    size_t key_size;
    char key[];
};

/* A message that waits to be sent. (m) */
struct gf_hub_item {
    struct gf_list_link link;
    size_t size;
    uint8_t bytes[]; /* of a ConnectResponse without sequence */
};

enum gf_hub_received_state {
    GF_RECEIVED_WAITING, /* for room in the engine */
    GF_RECEIVED_SUBMITTED,
    GF_RECEIVED_ANSWERED, /* its acknowledgement waits to be sent */
};

/* A delivery of the extension's, until its acknowledgement is sent. */
struct gf_hub_received {
    struct gf_command command;
    struct gf_list_link link; /* of the connection's held or answered ones; (m) */
    struct gf_hub_connection *connection;
    int64_t sequence;
    size_t size;
    struct gf_arena arena; /* of all of it */
    const Gofer__Extension__V1__ConnectRequest *request;
    /* The outcome. */
    const struct gf_start_result *starts; /* one for each subscription; NULL = none */
    size_t start_count;
    Gofer__Extension__V1__DeliveryOutcome outcome;
    const char *description;
};

/* A command of the hub's own. Freed when it is done. */
struct gf_hub_command {
    struct gf_command command;
    struct gf_list_link link; /* while it waits for room; (m) */
    struct gf_extension_hub *hub;
    struct gf_hub_connection *connection; /* with a reference; NULL = of none */
    struct gf_arena arena;                /* for what the input borrows */
    /* Thread: engine. The reply is borrowed. NULL: nobody wants to know. */
    void (*done)(struct gf_hub_command *self, const struct gf_reply *reply);
    int64_t number; /* the caller's */
    void *data;
};

enum gf_connection_phase {
    GF_PHASE_NEW = 0,     /* waits for the registration */
    GF_PHASE_REGISTERING, /* it is here: the next step looks at it */
    GF_PHASE_ENTERING,    /* its declaration is on its way to the store */
    GF_PHASE_WELCOME,     /* Welcome is next */
    GF_PHASE_SUBSCRIBING, /* the set of subscriptions is being sent */
    GF_PHASE_COMPLETE,    /* waits for Ready */
    GF_PHASE_READYING,    /* Ready is on its way to the store */
    GF_PHASE_READY,
};

struct gf_hub_feed;

struct gf_hub_connection {
    uint32_t magic;                   /* GF_CONNECTION_MAGIC */
    atomic_int references;            /* the call, commands, jobs */
    _Atomic int step_state;           /* of connection.c */
    struct gf_extension_hub *hub;     /* (c) */
    struct gf_list_link link;         /* (m) of the hub's */
    struct gf_list_link of_extension; /* (m) */
    struct gf_rpc_call *call;         /* of whoever knows that it has not ended: callbacks, steps */
    const struct gf_principal *principal; /* (c); until the call ends */
    struct gf_gate_watch gate_watch;      /* (s) */
    char id[32];                          /* (c) */
    int64_t accept_mono_ns;               /* (c) */
    int64_t connect_time;                 /* (c) */

    enum gf_connection_phase phase;     /* (m) */
    bool ended;                         /* (m) no step follows, nothing is sent */
    struct gf_error end;                /* (m) why it must end; GF_OK with `ending`: well */
    bool ending;                        /* (m) */
    bool read_paused;                   /* (m) a step resumes it when there is no reason any more */
    bool was_ready;                     /* (m) EXTENSION_READY was submitted: GONE follows */
    struct gf_hub_extension *extension; /* (m) set when it is let in; NULL before and afterwards */
    int64_t extension_key;              /* (c) from then on, as what follows */
    int32_t attempt;
    uint64_t settings_hash; /* of the row that it was welcomed with */
    Gofer__Extension__V1__ConnectionMode mode;
    struct gf_arena declared_arena;                     /* of what follows */
    const Gofer__Extension__V1__Registration *declared; /* without its documentation */
    struct gf_registration_facts facts;

    /* Handshake. */
    const Gofer__Extension__V1__ConnectRequest *registration; /* (s) while reading is paused */
    int64_t scan_after;     /* (s) key of the last subscription of the set */
    int64_t scan_count;     /* (s) sent */
    struct gf_str settings; /* (s) sealed, until it is welcomed; in declared_arena, as these */
    struct gf_str checkpoint;
    const char *extension_id; /* (c) */
    const char *version;      /* (c) */

    /* From the extension. */
    struct gf_window in;     /* (m) */
    size_t in_bytes;         /* (m) of pending ones */
    struct gf_list held;     /* (m) received ones that wait for room in the engine, in order */
    size_t submitted_count;  /* (m) in the engine */
    struct gf_list answered; /* (m) received ones that wait to be acknowledged */
    bool drained;            /* (m) it said so */
    int64_t log_second;      /* (r) */
    int32_t log_count;       /* (r) lines in that second */
    int64_t log_dropped;     /* (r) */

    /* To the extension. */
    struct gf_arena arena;            /* (s) of the step; kept while something is pending */
    const ProtobufCMessage *pending;  /* (s) refused for want of room */
    struct gf_list items;             /* (m) */
    size_t item_count;                /* (m) */
    struct gf_window out;             /* (m) */
    struct gf_map_i64 sent;           /* (m) of gf_hub_sent, by sequence */
    bool drain_asked, shutdown_asked; /* (m) the core wants it */
    bool drain_sent, shutdown_sent;   /* (m) */
    int64_t close_deadline;           /* (m) mono; after Shutdown; 0 = none */
    bool half_closed;                 /* (m) the extension sends no more */

    /* Subscriptions. */
    struct gf_map known;      /* (m) of gf_hub_subscription, by the three ids */
    struct gf_map_i64 by_key; /* (m) of the same, of those that are stored */
    uint64_t deletions;       /* (m) how often subscriptions or pipelines were deleted */
    uint64_t seen_deletions;  /* (s) the same before rows were read */
    struct gf_list dirty;     /* (m) */
    struct gf_map dirty_keys; /* (m) of gf_hub_dirty */
    struct gf_list asks;      /* (m) that wait to be sent */
    struct gf_list asked;     /* (m) that wait for an answer */
    size_t ask_count;         /* (m) of both */
    int64_t asked_max;        /* (s) the highest generation that was asked with */
    size_t judging;           /* (m) results of its that are on their way to the store */
    struct gf_list debugs;    /* (m) */
    size_t debug_count;       /* (m) */
    int64_t next_debug;       /* (m) */
    struct gf_list dialogs;   /* (m) */
    size_t dialog_count;      /* (m) */
    int64_t next_dialog;      /* (m) */

    /* Health. */
    struct gf_hub_time time;           /* (m) the next thing that is due */
    int64_t phase_deadline;            /* (m) mono; of the handshake */
    int64_t last_message_mono;         /* (m) */
    int64_t last_message_time;         /* (m) wall */
    int64_t ping_mono;                 /* (m) when the last one was sent; 0 = it is answered */
    int64_t next_ping_mono;            /* (m) */
    int64_t ping_id;                   /* (m) */
    int64_t latency_ns;                /* (m) */
    int64_t held_mono;                 /* (m) when held ones are tried again */
    Gofer__V1__ExtensionHealth health; /* (m) */
    char *health_description;          /* (m) heap */
    struct gf_str health_report;       /* (m) heap; the message, for its metrics */
    int64_t received_total, acknowledged_total, sent_total, answered_total; /* (m) */

    /* Event feed. */
    bool follows; /* (s) the follower is added */
    struct gf_event_follower follower;
    struct gf_event_selection *selections; /* (c) in declared_arena */
    size_t selection_count;
    struct gf_hub_feed *feed; /* (m); NULL = it follows nothing */
};

struct gf_extension_hub {
    struct gf_extension_hub_options options;
    struct gf_engine *engine;      /* (c) from start on */
    struct gf_mutex mutex;         /* GF_RANK_EXTENSIONS */
    struct gf_cond changed_cond;   /* a watcher or a dialog is not running any more */
    bool started, stopping;        /* (m) */
    struct gf_map_i64 extensions;  /* (m) of gf_hub_extension */
    struct gf_map by_id;           /* (m) of the same that are installed, without installers */
    uint64_t secrets_version;      /* (m) higher with each change of a secret */
    struct gf_list connections;    /* (m) all that have not ended */
    size_t connection_count;       /* (m) */
    int64_t next_connection;       /* (m) */
    struct gf_list watchers;       /* (m) */
    struct gf_list refused_asks;   /* (m) that nobody can be asked */
    struct gf_list refused_debugs; /* (m) likewise */
    struct gf_map_i64 deliveries;  /* (m) of gf_hub_delivery */
    struct gf_list runs_due;       /* (m) deliveries of RUN_START that are due */
    size_t dispatching;            /* (m) tries in the engine, and jobs */
    bool dispatch_queued;          /* (m) a job is on its way */
    struct gf_list held;           /* (m) commands that wait for room in the engine */
    bool retrying;                 /* (m) a job submits those: others stand behind them */
    struct gf_hub_time held_time;  /* (m) */
    struct gf_heap times;          /* (m) by mono_ns */
    int64_t armed_mono;            /* (m) of the timer; GF_NEVER = it is not armed */
    struct gf_timer timer;         /* of the reactor's thread */
    /* Figures. No lock. */
    struct gf_counter connections_total, connections_refused;
    struct gf_counter sent, redelivered, answered, received, acknowledged;
    struct gf_counter log_lines_refused;
    struct gf_histogram latency;
};

/* ---- hub.c. (m) is held where it says so ---- */

struct gf_hub_extension *gf_hub__find(struct gf_extension_hub *hub,
                                      int64_t extension_key); /* (m) */
/* Takes a row over, as it is now. (m) */
struct gf_hub_extension *gf_hub__put(struct gf_extension_hub *hub, const struct gf_extension *row);
/* It was uninstalled. (m) */
void gf_hub__remove(struct gf_extension_hub *hub, int64_t extension_key);
/* Frees one that is gone and has no connection and no delivery left. (m) */
void gf_hub__let_go(struct gf_extension_hub *hub, struct gf_hub_extension *extension);
/* Finds the active connection anew, kicks it if it is another one. (m) */
void gf_hub__choose_active(struct gf_extension_hub *hub, struct gf_hub_extension *extension);
/* Has connections end or drain that the row wants to. (m) */
void gf_hub__apply(struct gf_extension_hub *hub, struct gf_hub_extension *extension);
uint64_t gf_hub__settings_hash(const struct gf_extension *row);
const struct gf_extension_spec *gf_hub__spec_of(const struct gf_extension *row, int32_t attempt);

/* ---- times.c ---- */

void gf_hub__set_time(struct gf_extension_hub *hub, struct gf_hub_time *time,
                      int64_t deadline_mono_ns); /* (m); GF_NEVER: none */
void gf_hub__stop_times(struct gf_extension_hub *hub);
int64_t gf_hub__ms(int64_t option_ms, int64_t default_ms); /* in ns */

/* ---- commands.c ---- */

struct gf_hub_command *gf_hub__command(struct gf_extension_hub *hub, enum gf_input_kind kind);
/* Takes it over. Any thread, without (m). */
void gf_hub__submit(struct gf_hub_command *command);
void gf_hub__free_command(struct gf_hub_command *command);
void gf_hub__free_held(struct gf_extension_hub *hub);

/* ---- connection.c ---- */

/* A time of the connection has come (gf_hub_time.due). */
void gf_connection__time_is_due(struct gf_extension_hub *hub, struct gf_hub_time *time);

void gf_connection__ref(struct gf_hub_connection *connection);
void gf_connection__unref(struct gf_hub_connection *connection);
/* Asks for a step. The caller has a reference, or holds (m) and the connection is listed. */
void gf_connection__kick(struct gf_hub_connection *connection);
/* Has it end with this error, once what is queued has been sent; the first reason counts. (m) */
void gf_connection__end(struct gf_hub_connection *connection, const struct gf_error *error);
void gf_connection__fail(struct gf_hub_connection *connection, enum gf_code code,
                         const char *reason, const char *fmt, ...) GF_PRINTF(4, 5); /* (m) */
/*
 * Sends a message of the step's arena. False: it is pending, or the stream is over; the step ends.
 */
bool gf_connection__send(struct gf_hub_connection *connection,
                         const Gofer__Extension__V1__ConnectResponse *message);
Gofer__Extension__V1__ConnectResponse *gf_connection__message(struct gf_hub_connection *connection);
/* Queues a message that is no delivery, and kicks. (m) */
void gf_connection__queue(struct gf_hub_connection *connection,
                          const Gofer__Extension__V1__ConnectResponse *message);
/* Finds the next time at which it has something to do. (m) */
void gf_connection__plan(struct gf_hub_connection *connection);
/* Whether this step has made so much that the rest is for another one. */
bool gf_connection__is_long(const struct gf_hub_connection *connection);
/* Whether there is a reason not to read from it. (m) */
bool gf_connection__is_full(const struct gf_hub_connection *connection);

enum gf_connection_next {
    GF_CONNECTION_WAIT,
    GF_CONNECTION_AGAIN,
};

/* ---- handshake.c: steps ---- */

enum gf_connection_next gf_handshake__register(struct gf_hub_connection *connection);
enum gf_connection_next gf_handshake__welcome(struct gf_hub_connection *connection);

/* ---- subscription_set.c ---- */

struct gf_hub_names {
    struct gf_str namespace_id, pipeline_id, subscription_id;
};
size_t gf_hub__key_of(const struct gf_hub_names *names, char out[GF_HUB_KEY_BYTES_MAX]);
struct gf_hub_names gf_hub__names_of(const char *key, size_t size);
/* What a Subscribe says but for its generation; borrowed. */
struct gf_hub_subscribe {
    struct gf_hub_names names;
    const struct gf_settings_check *settings;
    struct gf_str checkpoint;
    int64_t create_time, last_run_time;
};
/* A copy of it as a message, in the arena of the step. */
Gofer__Extension__V1__Subscribe *gf_set__write(struct gf_hub_connection *connection,
                                               const struct gf_hub_subscribe *subscribe);
/* Sends one of gf_set__write, its generation set, and notes it. False: the step ends. */
bool gf_set__subscribe(struct gf_hub_connection *connection,
                       Gofer__Extension__V1__Subscribe *subscribe, int64_t subscription_key,
                       int64_t pipeline_key);
bool gf_set__unsubscribe(struct gf_hub_connection *connection, const struct gf_hub_names *names,
                         const char *reason);
enum gf_connection_next gf_set__scan(struct gf_hub_connection *connection);
/* Sends what has changed. *out_more: there is more. False: the step ends. */
bool gf_set__send_dirty(struct gf_hub_connection *connection, bool *out_more);
void gf_set__mark(struct gf_hub_connection *connection, const struct gf_hub_names *names,
                  bool force); /* (m) */
/* Notes that it was sent. (m) */
void gf_set__note(struct gf_hub_connection *connection, const struct gf_hub_names *names,
                  int64_t subscription_key, int64_t pipeline_key, int64_t generation);
void gf_set__forget(struct gf_hub_connection *connection,
                    struct gf_hub_subscription *known); /* (m) */
void gf_set__committed(struct gf_hub_connection *connection,
                       const struct gf_subscription *row); /* (m) */
/* Before gf_set__deleted and gf_set__pipeline_deleted of a batch. (m) */
void gf_set__note_deletions(struct gf_hub_connection *connection);
void gf_set__deleted(struct gf_hub_connection *connection, int64_t subscription_key);      /* (m) */
void gf_set__pipeline_deleted(struct gf_hub_connection *connection, int64_t pipeline_key); /* (m) */
void gf_set__free(struct gf_hub_connection *connection);
struct gf_hub_subscription *gf_set__find(struct gf_hub_connection *connection,
                                         const struct gf_hub_names *names); /* (m) */
/* SUBSCRIPTION_JUDGED. Without (m). The judgement is borrowed for the call. */
void gf_set__judge(struct gf_hub_connection *connection,
                   const struct gf_subscription_judgement *judgement);

/* ---- resolve.c. On a worker ---- */

struct gf_hub_settings {
    struct gf_settings_check check;     /* resolved ones; in the arena, which is wiped */
    enum gf_subscription_reason reason; /* of problems */
};
/* Checks, fills in references, checks again. `user` NULL: of an extension. What is more than
 * GF_HUB_SETTINGS_BYTES_MAX by then is a problem: the message must not become larger than
 * extensions take. */
/* Problems stand in out->check beside the settings that fit. */
void gf_settings__prepare(struct gf_extension_hub *hub,
                          Gofer__V1__ExtensionParameter *const *parameters, size_t parameter_count,
                          const struct gf_setting *given, size_t given_count,
                          const struct gf_vault_user *user, struct gf_arena *arena,
                          struct gf_hub_settings *out);

/* ---- asks.c ---- */

/* As much of the text as fits, in whole characters. */
struct gf_str gf_hub__cut(const char *text, size_t bytes_max);
/* A text of an extension, cut to what is kept of a sentence. In the arena. */
struct gf_str gf_hub__sentence(const char *text, struct gf_arena *arena);

/* Sends asks and debug requests. False: the step ends. */
bool gf_asks__send(struct gf_hub_connection *connection, bool *out_more);
/* True: the result is the answer to one. */
bool gf_asks__take(struct gf_hub_connection *connection,
                   const Gofer__Extension__V1__SubscriptionResult *result);
void gf_asks__expire(struct gf_hub_connection *connection);
void gf_asks__end(struct gf_hub_connection *connection);
int64_t gf_asks__deadline(const struct gf_hub_connection *connection); /* (m) */
void gf_debugs__take(struct gf_hub_connection *connection,
                     const Gofer__Extension__V1__DebugInfo *info);

/* ---- incoming.c: thread rpc ---- */

void gf_incoming__take(struct gf_hub_connection *connection,
                       const Gofer__Extension__V1__ConnectRequest *request);
/* A command about the connection, with a reference to it. */
struct gf_hub_command *gf_incoming__word(struct gf_hub_connection *connection,
                                         enum gf_input_kind kind);
/* What the extension asks for with RETRY, at most GF_HUB_DELIVERY_RETRY_MS_MAX; 0: nothing, the
 * back-off counts. */
int64_t gf_hub__retry_delay_ns(const Gofer__Extension__V1__DeliveryAck *ack);
/* A line of gofer's in the log of the extension. Without (m). */
void gf_hub__log(struct gf_extension_hub *hub, int64_t extension_key, const char *extension_id,
                 Gofer__Extension__V1__LogLevel level, const char *fmt, ...) GF_PRINTF(5, 6);

/* ---- starts.c ---- */

/* Takes a delivery in. Thread: rpc. */
void gf_starts__take(struct gf_hub_connection *connection,
                     const Gofer__Extension__V1__ConnectRequest *request);
/* Tries held ones again. Step. */
void gf_starts__retry(struct gf_hub_connection *connection);
/* Sends acknowledgements. False: the step ends. */
bool gf_starts__send_acks(struct gf_hub_connection *connection, bool *out_more);
void gf_starts__free(struct gf_hub_connection *connection);
/* ---- starts_read.c ---- */

/*
 * Reads a StartRun or ObservedEvent into an input. Code: GF_INVALID_ARGUMENT with the place, where
 * it has no key or names no subscription; what else is wrong is the input's `refusal`. All in the
 * arena or borrowed from the message.
 */
enum gf_code gf_starts__read(const Gofer__Extension__V1__ConnectRequest *request,
                             struct gf_arena *arena, struct gf_extension_start *out,
                             struct gf_error *err) GF_MUST_USE;

/* The same of what was kept (`content` of gf_extension_start), for the delivery of this row. */
enum gf_code gf_starts__read_kept(struct gf_str content, const struct gf_delivery *row,
                                  struct gf_arena *arena, struct gf_extension_start *out,
                                  struct gf_error *err) GF_MUST_USE;

enum gf_code gf_starts__read_checkpoint(const Gofer__Extension__V1__Checkpoint *checkpoint,
                                        struct gf_extension_progress *out,
                                        struct gf_error *err) GF_MUST_USE;
enum gf_code gf_starts__read_report(const struct gf_hub_connection *connection,
                                    const Gofer__Extension__V1__Report *report,
                                    struct gf_arena *arena, struct gf_report_put *out,
                                    struct gf_error *err) GF_MUST_USE;

/* ---- outgoing.c: step ---- */

enum gf_connection_next gf_outgoing__send(struct gf_hub_connection *connection);

/* ---- deliveries.c ---- */

enum gf_code gf_deliveries__load(struct gf_extension_hub *hub, struct gf_error *err) GF_MUST_USE;
void gf_deliveries__put(struct gf_extension_hub *hub, const struct gf_delivery *row); /* (m) */
void gf_deliveries__remove(struct gf_extension_hub *hub, int64_t delivery_key);       /* (m) */
/* Those of an extension that is gone. (m) */
void gf_deliveries__remove_all(struct gf_extension_hub *hub, struct gf_hub_extension *extension);
/* The extension may take some now. (m) */
void gf_deliveries__wake(struct gf_extension_hub *hub, struct gf_hub_extension *extension);
bool gf_deliveries__send(struct gf_hub_connection *connection, bool *out_more);
/* How an attempt went. Without (m). */
void gf_deliveries__settle(struct gf_extension_hub *hub, int64_t delivery_key, int settled,
                           struct gf_str description, int64_t retry_ns);
void gf_deliveries__free(struct gf_extension_hub *hub);

/* ---- event_feed.c ---- */

void gf_feed__start(struct gf_hub_connection *connection); /* (m): it is active now */
bool gf_feed__send(struct gf_hub_connection *connection, bool *out_more);
/* The extension has answered an event. Without (m). */
void gf_feed__acked(struct gf_hub_connection *connection, int64_t event_sequence,
                    const Gofer__Extension__V1__DeliveryAck *ack);
int64_t gf_feed__deadline(const struct gf_hub_connection *connection); /* (m) */
void gf_feed__stop(struct gf_hub_connection *connection);              /* at the end; without (m) */
void gf_feed__free(struct gf_hub_connection *connection);

/* ---- intake.c ---- */

/* What an intake is made of has changed. (m) */
void gf_intake__changed(struct gf_hub_extension *extension);
/* Secrets may have changed. (m) */
void gf_intake__committed(struct gf_extension_hub *hub, const struct gf_batch *batch);
void gf_intake__free(struct gf_hub_extension *extension);

/* ---- live.c ---- */

/* Tells watchers. Without (m). */
void gf_hub__tell(struct gf_extension_hub *hub, int64_t extension_key);
/* Takes over a HealthReport that was checked. */
void gf_health__take(struct gf_hub_connection *connection,
                     const Gofer__Extension__V1__HealthReport *report);

/* ---- dialogs.c ---- */

void gf_dialogs__take(struct gf_hub_connection *connection,
                      const Gofer__Extension__V1__DialogStep *step);
void gf_dialogs__end(struct gf_hub_connection *connection, const struct gf_error *error);

#endif /* GOFER_API_EXTENSION_HUB_INTERNAL_H_ */
