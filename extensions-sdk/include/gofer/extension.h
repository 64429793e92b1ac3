/*
 * gofer/extension.h: how to write an extension of gofer in C or C++.
 *
 * An extension is a program that waits for something, whatever that is, and starts runs of the
 * pipelines that subscribe to it. It connects out to gofer and keeps one stream open. With this
 * library it is a struct of callbacks and one call:
 *
 *     static enum gofer_outcome subscribe(struct gofer_extension *extension,
 *                                         struct gofer_subscription *subscription, void *ctx) {
 *         ...
 *         return GOFER_ACCEPTED;
 *     }
 *
 *     int main(int argc, char **argv) {
 *         const struct gofer_extension_definition definition = {
 *             .size = sizeof(definition),
 *             .version = "1.0.0",
 *             .subscribe = subscribe,
 *         };
 *         return gofer_extension_run(&definition, argc, argv);
 *     }
 *
 * The library does the rest: it connects and connects again, with growing pauses, for as long as it
 * takes; it keeps what gofer has not acknowledged and sends it again in the same order; it compares
 * the subscriptions that gofer sends at each connection with those that it knows, and calls back
 * only for what differs; it answers pings, keeps to the windows, drains and ends when told to.
 *
 * Exactly one run. A run is started with an idempotency key, which names what happened: the same
 * key starts one run only, however often it comes, also from a program that was restarted. Make
 * keys of what happened ("2026-11-22T09:00:00Z", the id of a message), never of chance or of the
 * time at which the program looked. Where an extension must know after a restart how far it had
 * come, it gives checkpoints along with its runs; gofer stores both at once.
 *
 * Structs. The ones that a program fills begin with `size`, which is the sizeof of the struct;
 * all else may be 0 or NULL and then means what its comment says. They are read before the function
 * that takes them returns (a definition: until gofer_extension_run does). The ones that the library
 * fills may grow at their ends. All others are opaque.
 *
 * Text is UTF-8 and ends with NUL. Text from the library that is no option may be empty and is
 * never NULL, unless it says so. Names of settings are compared without case. Times are nanoseconds
 * since 1970-01-01T00:00:00Z; 0 is no time.
 *
 * Threads. Callbacks run one at a time on the thread of gofer_extension_run, and should return
 * within a second: meanwhile no other one runs. Functions are for any thread, also within
 * callbacks, unless they say "Thread: callbacks". A program may have threads of its own; they have
 * ended when `stopped` returns. It must not fork without exec, and starts no threads before
 * gofer_extension_run, so that signals reach the library.
 *
 * The file is strict C11 and C++17.
 */
#ifndef GOFER_EXTENSION_H_
#define GOFER_EXTENSION_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GOFER_PRINTF(format_index, first_index)                                                    \
    __attribute__((format(printf, format_index, first_index)))
#else
#define GOFER_PRINTF(format_index, first_index)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this library. It is told to gofer with the version of the extension. */
#define GOFER_EXTENSION_SDK_VERSION "1.0.0"

/* Limits. gofer enforces its own in any case; these are the library's. */
enum {
    GOFER_UNACKNOWLEDGED_MAX = 20000,  /* runs, checkpoints and reports that gofer has not taken */
    GOFER_UNACKNOWLEDGED_MIB_MAX = 64, /* the same in MiB */
    GOFER_LOG_ENTRIES_MAX = 1000, /* that wait to be sent; older ones are dropped and counted */
    GOFER_KEY_CHARS_MAX = 255,    /* of an idempotency key and of the id of a report */
    GOFER_CHECKPOINT_BYTES_MAX = 4096,
    GOFER_REASON_CHARS_MAX = 1024,
    GOFER_INPUT_BYTES_MAX = 256 * 1024,
    GOFER_LOG_BYTES_MAX = 16 * 1024, /* of a line; longer ones are cut */
    GOFER_SUBSCRIPTIONS_MAX = 1000,  /* of one gofer_extension_observe */
    GOFER_PARAMETERS_MAX = 100,
    GOFER_STOP_MS_MAX = 8000 /* from SIGTERM to the end, if gofer does not acknowledge before */
};

/* Exit codes of gofer_extension_run, which are those of the program. */
enum {
    GOFER_EXIT_OK = 0,       /* it was told to end: by gofer, by a signal or by itself */
    GOFER_EXIT_FAILED = 1,   /* by gofer_extension_fail */
    GOFER_EXIT_USAGE = 2,    /* the command line, the environment or the definition is wrong */
    GOFER_EXIT_REPLACED = 3, /* another program of the same extension took its place */
    GOFER_EXIT_REFUSED = 4   /* gofer does not let it in, and trying again would not help */
};

/* What became of a call. */
enum gofer_result {
    GOFER_OK = 0,
    GOFER_INVALID = 1, /* an argument is wrong, which is a fault of the program; it is logged */
    GOFER_FULL = 2,    /* too much is unacknowledged; `room` follows */
    GOFER_GONE = 3,    /* the subscription, delivery or dialog is over */
    GOFER_DRAINED = 4  /* nothing may be begun any more: the program is about to end */
};

/* "full: too much is unacknowledged" and the like. Static storage. */
const char *gofer_result_text(enum gofer_result result);

struct gofer_extension;    /* the running extension; one for each process */
struct gofer_settings;     /* names and values */
struct gofer_subscription; /* one subscription of a pipeline */
struct gofer_delivery;     /* something that gofer waits to see done */
struct gofer_dialog;       /* a conversation with a person */
struct gofer_text;         /* text that a callback writes */

/* A name with a value: a variable, a label. */
struct gofer_pair {
    const char *name;
    const char *value;
};

/* ---- What an extension says about itself ---- */

/* Types of settings. gofer checks values before the extension sees them. */
enum gofer_parameter_type {
    GOFER_STRING = 1,
    GOFER_INTEGER = 2,   /* 64 bits, decimal */
    GOFER_BOOLEAN = 3,   /* `true` or `false` */
    GOFER_DURATION = 4,  /* `90s`, `5m`, `1h30m` */
    GOFER_CHOICE = 5,    /* one of `choices` */
    GOFER_TIME_ZONE = 6, /* `Europe/Berlin` */
    GOFER_URL = 7        /* absolute, http or https */
};

/* A setting. An element of an array: has no size of its own. */
struct gofer_parameter {
    const char *name;               /* required: 1 to 64 letters, digits, hyphens and underscores */
    enum gofer_parameter_type type; /* 0: GOFER_STRING */
    bool required;
    const char *default_value;  /* NULL or empty: none */
    bool secret;                /* stored encrypted, never shown */
    const char *help;           /* for people, in a sentence or a few of Markdown */
    const char *const *choices; /* of GOFER_CHOICE, with a final NULL */
};

/* Which of gofer's own events are wanted: those that meet all that is set. An element of an array.
 */
struct gofer_event_filter {
    const char *const *kinds; /* "RUN_COMPLETED" ..., with a final NULL; NULL: every kind */
    const char *namespace_id; /* NULL: every one */
    const char *pipeline_id;  /* NULL: every one; needs namespace_id */
};

/* How an HMAC over the raw body of requests from outside is checked by gofer. An element. */
struct gofer_verification {
    const char *algorithm;          /* "SHA256", "SHA512" or "SHA1" */
    const char *key_parameter;      /* name of the config parameter with the key */
    const char *signature_header;   /* name of the header with the HMAC */
    const char *signature_prefix;   /* "sha256="; NULL: none */
    const char *delivery_id_header; /* NULL: none */
    const char *timestamp_header;   /* NULL: none */
    int64_t timestamp_tolerance_ms; /* 0: 5 minutes */
    bool base64;                    /* the HMAC is in base64; else in hexadecimal digits */
};

/* What an extension makes of a subscription. */
enum gofer_outcome {
    GOFER_ACCEPTED = 1, /* it works */
    GOFER_REFUSED = 2,  /* its settings are wrong */
    GOFER_FAILED = 3,   /* it does not work now; the extension goes on trying */
    GOFER_LATER = 4     /* not known yet; gofer_subscription_answer follows soon */
};

/* Why a subscription is taken away. */
enum gofer_end {
    GOFER_END_REMOVED =
        1, /* it was deleted, disabled, or disappeared while there was no connection */
    GOFER_END_CHANGED = 2, /* it has new settings; `subscribe` follows at once */
    GOFER_END_STOPPED = 3  /* the program ends; the subscription stays */
};

/* What became of a run that was to be started. */
enum gofer_run_kind {
    GOFER_RUN_STARTED = 1,
    GOFER_RUN_DUPLICATE = 2, /* it was started before, under the same key */
    GOFER_RUN_REFUSED = 3,   /* it was not and will not be started under this key */
    GOFER_RUN_PENDING = 4    /* it cannot be started now; gofer keeps it and tries again */
};

struct gofer_run_outcome {
    struct gofer_subscription *subscription; /* may be over by now */
    const char *idempotency_key;
    enum gofer_run_kind kind; /* may be a number that is not known here */
    int64_t run_id;           /* 0: there is no run */
    const char *reason;       /* of a refusal: "PIPELINE_DISABLED" and the like */
    const char *description;  /* of a refusal, for people */
    void *data;               /* of struct gofer_run_start */
};

/* Something that happened in gofer. What does not concern it is empty or 0. */
struct gofer_event {
    int64_t event_id; /* 1, 2, 3 ...: what happened later has a greater one */
    const char *kind; /* "RUN_COMPLETED"; digits for a kind that the library does not know */
    int64_t time_ns;
    const char *namespace_id;
    const char *pipeline_id;
    int64_t run_id;
    const char *task_id;
    const char *extension_id;
    const char *subscription_id;
    const char *run_status; /* "SUCCESSFUL", "FAILED", "CANCELLED" with RUN_COMPLETED */
    const char *description;
    const struct gofer_pair *metadata;
    size_t metadata_count;
    int32_t attempt; /* at delivering it, 1 to 20 */
};

/* A request from outside. */
struct gofer_external_event {
    const char *delivery_id; /* the same at every attempt: a good idempotency key */
    int32_t attempt;         /* at delivering it, 1 to 20 */
    int64_t receive_time_ns;
    const char *method;
    const char *path;  /* behind the extension's own, with a leading '/'; may be empty */
    const char *query; /* without '?'; may be empty */
    const struct gofer_pair *headers; /* in their order, names in lower case */
    size_t header_count;
    const void *body;
    size_t body_bytes;
    const char *peer;
    bool verified; /* by gofer, as declared */
};

enum gofer_dialog_kind {
    GOFER_DIALOG_INSTALLER = 1,   /* settings of the extension */
    GOFER_DIALOG_SUBSCRIPTION = 2 /* settings of a subscription */
};

struct gofer_extension_definition {
    size_t size; /* sizeof(struct gofer_extension_definition) */

    /* -- What it is -- */
    const char *name;          /* id where the environment has none; 3 to 64 letters, digits, - _ */
    const char *version;       /* required, by semantic versioning: "1.4.2" */
    const char *documentation; /* Markdown: what it does and how it is used. Up to 256 KiB */
    const struct gofer_parameter *config_parameters; /* for the administrator */
    size_t config_parameter_count;
    const struct gofer_parameter *subscription_parameters; /* for each subscription */
    size_t subscription_parameter_count;
    /* Events that match any of them, and that the roles of the extension let it read: without a
     * role for it nothing comes, except in development mode. At most 16. */
    const struct gofer_event_filter *event_filters;
    size_t event_filter_count;
    const struct gofer_verification *verification; /* NULL: requests come as they are */
    int32_t window;             /* deliveries of gofer's at once, 1 to 10,000; 0: 100 */
    int64_t health_interval_ms; /* > 0: health is reported so often; 0: gofer asks */
    bool accepts_external_events;
    bool has_installer;
    bool has_configurator;

    /* -- What it does. All may be NULL. -- */
    void *ctx; /* given to every callback */

    /*
     * It is let in: `settings` are the administrator's, with defaults and secrets filled in. Comes
     * before all others, and again when a later connection brings other settings. The settings
     * live until the next call or `stopped`. Whoever cannot work with them says so by
     * gofer_extension_health. Not called for an installer dialog.
     */
    void (*configure)(struct gofer_extension *extension, const struct gofer_settings *settings,
                      void *ctx);

    /*
     * A pipeline subscribes. To refuse it:
     *
     *     return gofer_subscription_refuse(subscription, "expression", "'%s' is no time", text);
     *
     * After a refusal the subscription is over, without `unsubscribe`: nothing of it is kept.
     * Otherwise it lives until `unsubscribe`. New settings are an `unsubscribe` of the old and a
     * `subscribe` of a new one. NULL: every subscription is accepted.
     */
    enum gofer_outcome (*subscribe)(struct gofer_extension *extension,
                                    struct gofer_subscription *subscription, void *ctx);

    /* A subscription is over: the place to free what is kept for it. After it returns no run is
     * started of it; those that were asked for and are not on their way have the outcome
     * GOFER_RUN_REFUSED, reason SUBSCRIPTION_GONE. Called for each before `stopped`, too. */
    void (*unsubscribe)(struct gofer_extension *extension, struct gofer_subscription *subscription,
                        enum gofer_end why, void *ctx);

    /* All subscriptions that there are have been told; after every connection. */
    void (*ready)(struct gofer_extension *extension, void *ctx);

    /* What became of one run; durable. Comes once for each run that was asked for, unless the
     * program ends before. */
    void (*run_outcome)(struct gofer_extension *extension, const struct gofer_run_outcome *outcome,
                        void *ctx);

    /* There is room again after GOFER_FULL. */
    void (*room)(struct gofer_extension *extension, void *ctx);

    /* The time of gofer_extension_wake_at has come, or somebody called gofer_extension_wake. Not
     * before `configure`; not between `drain` and `resume`. */
    void (*wake)(struct gofer_extension *extension, void *ctx);

    /*
     * Something happened in gofer; what the delivery is, is told with gofer_delivery_done. Both are
     * delivered until they are done, one attempt at a time. The event is borrowed for the call.
     * Without these callbacks gofer is told that they are not supported.
     */
    void (*event)(struct gofer_extension *extension, struct gofer_delivery *delivery,
                  const struct gofer_event *event, void *ctx);
    void (*external_event)(struct gofer_extension *extension, struct gofer_delivery *delivery,
                           const struct gofer_external_event *event, void *ctx);

    /* Somebody wants to know how it looks inside: write it with gofer_text_printf, no secrets. The
     * library adds what it knows. */
    void (*debug)(struct gofer_extension *extension, struct gofer_text *text, void *ctx);

    /* A person wants to be led to settings; see gofer_dialog_ask. `dialog_ended` is the last of
     * each dialog, whoever ended it. */
    void (*dialog_started)(struct gofer_extension *extension, struct gofer_dialog *dialog,
                           void *ctx);
    void (*dialog_answered)(struct gofer_extension *extension, struct gofer_dialog *dialog,
                            const char *answer, void *ctx);
    void (*dialog_ended)(struct gofer_extension *extension, struct gofer_dialog *dialog, void *ctx);

    /*
     * Finish what was begun and begin nothing, because the program is to be replaced or to end.
     * True: there is nothing to finish. False: gofer_extension_drained follows; until then runs may
     * still be started. NULL: as one that returns true. The library goes on until gofer has
     * acknowledged all runs.
     */
    bool (*drain)(struct gofer_extension *extension, const char *reason, int64_t deadline_ns,
                  void *ctx);

    /* A drained extension stays after all: it begins things again. */
    void (*resume)(struct gofer_extension *extension, void *ctx);

    /* The last callback, before gofer_extension_run returns; not called if `configure` was not. */
    void (*stopped)(struct gofer_extension *extension, void *ctx);
};

/* ---- Running ---- */

/*
 * Runs the extension until it is told to end, and returns an exit code.
 *
 * The command line has no other words than one of
 *     --help      says how the program is used
 *     --version   prints its version
 *     --describe  prints the definition as JSON
 *
 * The environment says who it is and where gofer is:
 *     GOFER_EXTENSION_ID     id of the extension, as installed; else `name` of the definition
 *     GOFER_HOST             "HOST:PORT" or "unix:/PATH"; else 127.0.0.1:8080
 *     GOFER_TOKEN            its token; GOFER_TOKEN_FILE: a file with it; GOFER_API_TOKEN counts if
 *                            neither is there
 *     GOFER_TLS              1: with TLS; 0: without, whatever else is there
 *     GOFER_TLS_CA, GOFER_TLS_CERT, GOFER_TLS_KEY, GOFER_TLS_SERVER_NAME
 *                            PEM files and the name in the server's certificate; any of them: TLS
 *     GOFER_TOKEN_IN_CLEAR   1: the token may go to another machine without TLS
 *     GOFER_LOG_LEVEL        debug, info (default), warning or error: what goes to standard error
 *
 * SIGTERM and SIGINT drain it and end it within GOFER_STOP_MS_MAX; a second one ends it at once.
 * Messages for people go to standard error.
 */
int gofer_extension_run(const struct gofer_extension_definition *definition, int argc, char **argv);

/* Ends the program as SIGTERM does. */
void gofer_extension_stop(struct gofer_extension *extension);

/* Ends the program with GOFER_EXIT_FAILED, and says why in its log. */
void gofer_extension_fail(struct gofer_extension *extension, const char *format, ...)
    GOFER_PRINTF(2, 3);

/* The answer to a `drain` that returned false. */
void gofer_extension_drained(struct gofer_extension *extension);

/* Id of the extension. */
const char *gofer_extension_id(const struct gofer_extension *extension);

/* The settings of `configure`; empty before. Thread: callbacks. */
const struct gofer_settings *gofer_extension_settings(const struct gofer_extension *extension);

/* The last checkpoint of the extension as a whole. Thread: callbacks; until the next one is set or
 * comes. */
const char *gofer_extension_checkpoint(const struct gofer_extension *extension);

/* True between `ready` and the end of a connection. */
bool gofer_extension_is_ready(const struct gofer_extension *extension);

/* ---- Time ---- */

/* The clock of the machine. */
int64_t gofer_now_ns(void);

#define GOFER_NEVER INT64_MAX

/*
 * `wake` is called when the clock of the machine reaches this time, at once if it has already.
 * There is one such time: the next call replaces it, GOFER_NEVER takes it away, and it is gone when
 * `wake` is called. When the clock is set while there is such a time, `wake` is called at once, so
 * that a program can find out where it is now.
 */
void gofer_extension_wake_at(struct gofer_extension *extension, int64_t time_ns);

/* `wake` is called as soon as the callback thread is free. Several calls may become one. */
void gofer_extension_wake(struct gofer_extension *extension);

/* ---- Settings ---- */

/* The value, NULL if there is none. Lives as long as the settings. */
const char *gofer_settings_get(const struct gofer_settings *settings, const char *name);

/* The value read as its type; `fallback` if there is none or it is none of that type. */
int64_t gofer_settings_integer(const struct gofer_settings *settings, const char *name,
                               int64_t fallback);
bool gofer_settings_boolean(const struct gofer_settings *settings, const char *name, bool fallback);
int64_t gofer_settings_duration_ns(const struct gofer_settings *settings, const char *name,
                                   int64_t fallback_ns);

/* All of them, ordered by name. `at`: index below the count. */
size_t gofer_settings_count(const struct gofer_settings *settings);
struct gofer_pair gofer_settings_at(const struct gofer_settings *settings, size_t index);

/* ---- Subscriptions ---- */

/*
 * A subscription lives until `unsubscribe` returns (or `subscribe` refuses it), longer for those
 * who take a reference; every ref needs an unref. What these functions return lives as long.
 */
struct gofer_subscription *gofer_subscription_ref(struct gofer_subscription *subscription);
void gofer_subscription_unref(struct gofer_subscription *subscription);

const char *gofer_subscription_namespace_id(const struct gofer_subscription *subscription);
const char *gofer_subscription_pipeline_id(const struct gofer_subscription *subscription);
const char *gofer_subscription_id(const struct gofer_subscription *subscription);
const struct gofer_settings *
gofer_subscription_settings(const struct gofer_subscription *subscription);
int64_t gofer_subscription_create_time_ns(const struct gofer_subscription *subscription);

/* When it last started a run, as told at the last connection; 0: never. */
int64_t gofer_subscription_last_run_time_ns(const struct gofer_subscription *subscription);

/* Its last checkpoint; empty: none. Thread: callbacks; until the next one is set or comes. */
const char *gofer_subscription_checkpoint(const struct gofer_subscription *subscription);

/* One pointer of the program's. Thread: callbacks. */
void gofer_subscription_set_data(struct gofer_subscription *subscription, void *data);
void *gofer_subscription_data(const struct gofer_subscription *subscription);

/* All accepted and failed ones: from NULL, each one's successor, NULL at the end. Thread:
 * callbacks. */
struct gofer_subscription *gofer_extension_next_subscription(struct gofer_extension *extension,
                                                             struct gofer_subscription *previous);

/*
 * What is wrong, for the owner of the pipeline: a sentence that names the value and what would be
 * right. `parameter` names the setting that is wrong; NULL: none. They return GOFER_REFUSED and
 * GOFER_FAILED, for `subscribe` to return. Thread: callbacks, in `subscribe`.
 */
enum gofer_outcome gofer_subscription_refuse(struct gofer_subscription *subscription,
                                             const char *parameter, const char *format, ...)
    GOFER_PRINTF(3, 4);
enum gofer_outcome gofer_subscription_fail(struct gofer_subscription *subscription,
                                           const char *format, ...) GOFER_PRINTF(2, 3);

/* Another setting that is wrong, before gofer_subscription_refuse. At most GOFER_PARAMETERS_MAX. */
void gofer_subscription_problem(struct gofer_subscription *subscription, const char *parameter,
                                const char *format, ...) GOFER_PRINTF(3, 4);

/*
 * The answer after GOFER_LATER, or a change of mind: an accepted subscription that does not work
 * any more (GOFER_FAILED), one that works again (GOFER_ACCEPTED). With GOFER_REFUSED it is over for
 * gofer, but stays for the program until `unsubscribe`. `description` says why, NULL if accepted.
 * Results: GOFER_INVALID, GOFER_GONE.
 */
enum gofer_result gofer_subscription_answer(struct gofer_subscription *subscription,
                                            enum gofer_outcome outcome, const char *description);

/* ---- Starting runs ---- */

/* The run whose result makes the extension want another one. */
struct gofer_run_reference {
    const char *namespace_id;
    const char *pipeline_id;
    int64_t run_id; /* 0: none */
};

struct gofer_run_start {
    size_t size;                        /* sizeof(struct gofer_run_start) */
    const char *idempotency_key;        /* required: names what happened */
    const struct gofer_pair *variables; /* of the environment of every task */
    size_t variable_count;
    const char *reason; /* shown with the run */
    const void *input;  /* a document for the tasks; NULL: none */
    size_t input_bytes;
    const char *input_media_type; /* NULL: application/json if it is JSON */
    int64_t event_time_ns;        /* when it happened; 0: not said */
    const char *ordering_key;     /* runs of one key go one after another; NULL: they do not */
    bool ordering_newest;         /* only the newest of those that wait is kept */
    const struct gofer_pair *labels;
    size_t label_count;
    const char *checkpoint; /* stored together with the run; NULL: stays as it is */
    struct gofer_run_reference cause;
    void *data; /* comes back with `run_outcome` */
};

/*
 * Starts one run. GOFER_OK: gofer will hear of it, at once or when there is a connection again, and
 * `run_outcome` follows. Results: GOFER_INVALID, GOFER_FULL, GOFER_GONE, GOFER_DRAINED: then
 * nothing is kept, and `data` does not come back.
 *
 * The checkpoint is the subscription's; for gofer_extension_observe it is the extension's.
 */
enum gofer_result gofer_extension_start_run(struct gofer_extension *extension,
                                            struct gofer_subscription *subscription,
                                            const struct gofer_run_start *start);

/* One thing that concerns several subscriptions: one run of each, all of them durable at once.
 * `run_outcome` follows for each. Subscriptions that are over are left out; all: GOFER_GONE. */
enum gofer_result gofer_extension_observe(struct gofer_extension *extension,
                                          struct gofer_subscription *const *subscriptions,
                                          size_t subscription_count,
                                          const struct gofer_run_start *start);

/*
 * Where a subscription, or the extension as a whole (NULL), has got to, without a run. Comes back
 * by gofer_subscription_checkpoint after a restart. Empty: forget it. Results: as of
 * gofer_extension_start_run. One that is not sent yet is replaced by the next.
 */
enum gofer_result gofer_extension_set_checkpoint(struct gofer_extension *extension,
                                                 struct gofer_subscription *subscription,
                                                 const char *checkpoint);

/* ---- Deliveries of gofer's ---- */

/*
 * The end of a delivery; exactly one of them for each, within the callback or later, after which
 * the delivery must not be used. One that was under way when a connection broke is not given to the
 * program again: the library answers for it. Done: it need not be delivered again. Retry: again,
 * not before delay_ms (0: gofer's choice); after 20 attempts it becomes a dead letter. Reject: it
 * will never be right and becomes a dead letter at once. `why` is a sentence.
 */
void gofer_delivery_done(struct gofer_delivery *delivery);
void gofer_delivery_retry(struct gofer_delivery *delivery, int64_t delay_ms, const char *why);
void gofer_delivery_reject(struct gofer_delivery *delivery, const char *why);

/* ---- What people see ---- */

enum gofer_log_level {
    GOFER_DEBUG = 1,
    GOFER_INFO = 2,
    GOFER_WARNING = 3,
    GOFER_ERROR = 4
};

/* A line of the log, to gofer and to standard error. Never put secrets into it. */
void gofer_extension_log(struct gofer_extension *extension, enum gofer_log_level level,
                         const char *format, ...) GOFER_PRINTF(3, 4);

/* The same about a subscription. */
void gofer_subscription_log(struct gofer_subscription *subscription, enum gofer_log_level level,
                            const char *format, ...) GOFER_PRINTF(3, 4);

enum gofer_report_outcome {
    GOFER_REPORT_OK = 1,
    GOFER_REPORT_FAILED = 2,
    GOFER_REPORT_SKIPPED = 3
};

/* What the extension did, for the page of a run or its own. */
struct gofer_report {
    size_t size;                             /* sizeof(struct gofer_report) */
    const char *report_id;                   /* required; the same id replaces what it was */
    struct gofer_subscription *subscription; /* NULL: none */
    struct gofer_run_reference run;          /* run_id 0: none */
    enum gofer_report_outcome outcome;       /* 0: it does not say */
    const char *title;                       /* required: one line, up to 255 characters */
    const char *body;                        /* Markdown, up to 64 KiB; NULL: none */
    const char *url;                         /* NULL: none */
};

/* Results: GOFER_INVALID, GOFER_FULL, GOFER_DRAINED. */
enum gofer_result gofer_extension_report(struct gofer_extension *extension,
                                         const struct gofer_report *report);

enum gofer_health {
    GOFER_HEALTH_OK = 1,
    GOFER_HEALTH_DEGRADED = 2,
    GOFER_HEALTH_FAILED = 3
};

/* How it feels; told to gofer now and after each connection. `format`: why, NULL if OK. At the
 * start it is OK. */
void gofer_extension_set_health(struct gofer_extension *extension, enum gofer_health health,
                                const char *format, ...) GOFER_PRINTF(3, 4);

/* A figure of the extension, by the conventions of Prometheus ("files_seen_total"); goes out with
 * each report of health, every 30 seconds at least. At most 100 names; others: GOFER_INVALID. */
enum gofer_result gofer_extension_set_metric(struct gofer_extension *extension, const char *name,
                                             double value);

/* ---- Writing debug text ---- */

/* Up to 1 MiB in all; what is beyond is left out. Thread: callbacks, in `debug`. */
void gofer_text_printf(struct gofer_text *text, const char *format, ...) GOFER_PRINTF(2, 3);

/* ---- Dialogs ---- */

/* What can be asked. An answer to a secret question is not shown while it is typed. */
struct gofer_question {
    size_t size;                /* sizeof(struct gofer_question) */
    const char *text;           /* required: Markdown */
    const char *parameter;      /* name of the parameter that it is about; NULL: none */
    const char *const *choices; /* with a final NULL; NULL: any text */
    const char *default_answer; /* NULL: none */
    bool secret;
    const char *error; /* what was wrong with the last answer; NULL: nothing */
};

enum gofer_dialog_kind gofer_dialog_kind(const struct gofer_dialog *dialog);
/* Of GOFER_DIALOG_SUBSCRIPTION; else empty. */
const char *gofer_dialog_namespace_id(const struct gofer_dialog *dialog);
const char *gofer_dialog_pipeline_id(const struct gofer_dialog *dialog);
void gofer_dialog_set_data(struct gofer_dialog *dialog, void *data);
void *gofer_dialog_data(const struct gofer_dialog *dialog);

/*
 * Steps of a dialog: something to show, a question (one answer follows), the settings that came
 * out, or why there are none; the last two end it, and `dialog_ended` follows. Thread: callbacks.
 * Results: GOFER_INVALID, GOFER_GONE.
 */
enum gofer_result gofer_dialog_say(struct gofer_dialog *dialog, const char *format, ...)
    GOFER_PRINTF(2, 3);
enum gofer_result gofer_dialog_ask(struct gofer_dialog *dialog,
                                   const struct gofer_question *question);
enum gofer_result gofer_dialog_finish(struct gofer_dialog *dialog,
                                      const struct gofer_pair *settings, size_t setting_count);
enum gofer_result gofer_dialog_fail(struct gofer_dialog *dialog, const char *format, ...)
    GOFER_PRINTF(2, 3);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* GOFER_EXTENSION_H_ */
