/*
 * What gofer knows of extensions: the extensions themselves, subscriptions, what was started under
 * which key, what waits to be delivered, and reports. Plain data, as in engine/core/model.h.
 *
 * Two things are opaque to the engine, because it knows no protobuf and no secrets: `registration`
 * is the message of gofer.extension.v1 that the extension sent last, as bytes of the wire;
 * `settings` are sealed by the vault (gf_vault_seal_settings), as literal values may be secrets.
 * The edge of the API makes and reads both.
 *
 * extension_key and subscription_key come from the same counter as run_key (gf_core_start.
 * next_run_key), so that the attempts of an extension's container, whose run_key is the
 * extension_key and whose task_index is 0, are never those of a run.
 */
#ifndef GOFER_ENGINE_CORE_MODEL_EXTENSIONS_H_
#define GOFER_ENGINE_CORE_MODEL_EXTENSIONS_H_

#include "engine/core/model.h"

/* X(NAME, number): numbers are stored and are those of the protos. */
#define GF_EXTENSION_UPDATE_POLICIES(X) X(NEVER, 1) X(MINOR, 2) X(PATCH, 3)
#define GF_SUBSCRIPTION_STATUSES(X) X(ACTIVE, 1) X(ERROR, 2) X(DISABLED, 3) X(PENDING, 4)
#define GF_SUBSCRIPTION_REASONS(X)                                                                 \
    X(EXTENSION_NOT_FOUND, 1)                                                                      \
    X(EXTENSION_REFUSED, 2)                                                                        \
    X(EXTENSION_DISABLED, 3)                                                                       \
    X(SETTINGS_INVALID, 4)                                                                         \
    X(REFERENCE_BROKEN, 5)                                                                         \
    X(EXTENSION_FAILED, 6)
#define GF_REPORT_OUTCOMES(X) X(SUCCESSFUL, 1) X(FAILED, 2) X(SKIPPED, 3)
/* What is delivered, and becomes a dead letter (DeadLetterKind). */
#define GF_DELIVERY_KINDS(X) X(EXTERNAL_EVENT, 1) X(EVENT_DELIVERY, 2) X(RUN_START, 3)
/* What became of a run that an extension wants (RunOutcomeKind, without DUPLICATE). */
#define GF_START_OUTCOMES(X) X(STARTED, 1) X(REFUSED, 3) X(PENDING, 4)
/* Where the container of an extension is; NONE: there is none, and nothing is left of one. */
#define GF_INSTANCE_STATES(X) X(LAUNCHED, 1) X(RUNNING, 2) X(DRAINING, 3) X(STOPPING, 4)

enum gf_extension_update_policy {
    GF_EXTENSION_UPDATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_EXTENSION_UPDATE_##name = (number),
    GF_EXTENSION_UPDATE_POLICIES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(extension_update_policy)

enum gf_subscription_status {
    GF_SUBSCRIPTION_UNSPECIFIED = 0,
#define GF_X(name, number) GF_SUBSCRIPTION_##name = (number),
    GF_SUBSCRIPTION_STATUSES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(subscription_status)

enum gf_subscription_reason {
    GF_SUBSCRIPTION_REASON_UNSPECIFIED = 0,
#define GF_X(name, number) GF_SUBSCRIPTION_REASON_##name = (number),
    GF_SUBSCRIPTION_REASONS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(subscription_reason)

enum gf_report_outcome {
    GF_REPORT_UNSPECIFIED = 0,
#define GF_X(name, number) GF_REPORT_##name = (number),
    GF_REPORT_OUTCOMES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(report_outcome)

enum gf_delivery_kind {
    GF_DELIVERY_UNSPECIFIED = 0,
#define GF_X(name, number) GF_DELIVERY_##name = (number),
    GF_DELIVERY_KINDS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(delivery_kind)

enum gf_start_outcome {
    GF_START_UNSPECIFIED = 0,
#define GF_X(name, number) GF_START_##name = (number),
    GF_START_OUTCOMES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(start_outcome)

enum gf_instance_state {
    GF_INSTANCE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_INSTANCE_##name = (number),
    GF_INSTANCE_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(instance_state)

/* What decides how the program of an extension is started and what it is told. */
struct gf_extension_spec {
    struct gf_str image; /* empty: gofer starts nothing, it is run by hand */
    struct gf_registry_auth registry_auth;
    enum gf_network_mode network; /* of its container; UNSPECIFIED = the scheduler's default */
    struct gf_str settings;       /* sealed; empty = none were given */
};

/*
 * One container of an extension. Zeroed = there is none.
 *
 * LAUNCHED: the scheduler is to start it. RUNNING: it has started, or is connected already.
 * DRAINING: it is to finish what it has begun, and its connection is told so (Drain) with
 * GF_EXTENSION_DRAIN_LEASE_MS for it. STOPPING: the scheduler is to end it, and its connection is
 * told (Shutdown). What drains or stops does not work again: another container comes in its place.
 */
struct gf_extension_instance {
    int32_t attempt; /* of the scheduler; its token is bound to it */
    enum gf_instance_state state;
    int64_t launch_time;
    int64_t ready_time;         /* it said Ready for the first time; 0 = not yet */
    struct gf_str image_digest; /* that runs; empty before it is known */
};

/*
 * An installed extension. While it is updated there are two containers: `serving` goes on with
 * `fallback`, `successor` has `spec`. When the successor is ready it becomes the serving one and
 * the old one is drained and stopped as `leaving`; when it fails, `spec` becomes `fallback` again.
 *
 * Roles and policy hold at once, also where the update then fails. While an extension is disabled
 * no container is launched and there is no fallback: disabling gives up an update. One without an
 * image has no container, but may have those of a time when it had one, as `leaving`.
 */
struct gf_extension {
    int64_t extension_key;
    struct gf_str extension_id;
    bool installer; /* it is there for an installer dialog, and goes with it; lists leave it out */
    struct gf_extension_spec spec;
    bool has_fallback; /* an update is under way */
    struct gf_extension_spec fallback;
    const struct gf_str *role_ids; /* in the order given, unique */
    size_t role_count;
    enum gf_extension_update_policy update_policy;
    bool disabled;
    struct gf_str registration; /* a Registration message; empty before its first connection */
    struct gf_str checkpoint;
    int64_t event_sequence; /* up to which it has gofer's events; 0 = it follows none yet */
    int32_t latest_attempt; /* the highest that a container of it has had */
    struct gf_extension_instance serving;
    struct gf_extension_instance successor;
    struct gf_extension_instance leaving;
    int32_t restart_count;   /* since it was installed, updated or enabled */
    int64_t next_start_time; /* it waits to be started again; 0 = it does not */
    /* Why it was started again or not updated; a sentence, or empty. It stays when all is well
     * again, until the next update that succeeds, or until it is enabled. */
    struct gf_str last_trouble;
    int64_t run_count; /* runs that it has started */
    int64_t create_time;
    int64_t update_time; /* of spec, roles, policy or disabled */
};

/* What a pipeline wants of an extension. */
struct gf_subscription {
    int64_t subscription_key;
    int64_t extension_key;
    int64_t pipeline_key;
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    struct gf_str extension_id;
    struct gf_str subscription_id;
    struct gf_str settings; /* sealed; empty = none */
    int64_t generation;     /* of the settings, from 1, higher with each change of them */
    enum gf_subscription_status status;
    enum gf_subscription_reason reason; /* of ERROR */
    struct gf_str reason_text;
    struct gf_str checkpoint;
    int64_t create_time;
    int64_t update_time;   /* of settings and status */
    int64_t last_run_time; /* 0 = it never started one */
    int64_t last_run_id;
    int64_t run_count;
};

/*
 * What became of the run that was wanted under a key: kept for GF_START_KEY_AGE_NS, and answered to
 * every repetition.
 */
struct gf_start_key {
    int64_t subscription_key;
    struct gf_str key;
    enum gf_start_outcome outcome;
    int64_t run_id;            /* of STARTED */
    struct gf_str reason;      /* of REFUSED: a name, as "PIPELINE_DISABLED" */
    struct gf_str description; /* likewise: a sentence */
    int64_t create_time;
};

/* What is said of a key that was PENDING when its dead letter went: somebody deleted that, or it
 * was among the oldest where there were too many. */
#define GF_START_GIVEN_UP_REASON "GIVEN_UP"
#define GF_START_GIVEN_UP_DESCRIPTION "it could not be started, and its dead letter was deleted"

/*
 * Something that gofer has taken in and must still deliver, or has given up (then it is a dead
 * letter). `content` is a message of the wire, by its kind: ExternalEvent, gofer.v1.Event, or the
 * run that could not be started yet, as a StartRun without its subscription and checkpoint (also
 * where it came as an ObservedEvent).
 */
struct gf_delivery {
    int64_t delivery_key; /* from the counter of run_key */
    int64_t extension_key;
    enum gf_delivery_kind kind;
    int64_t subscription_key; /* of RUN_START; else 0 */
    /* Of the subscription, for people: it may be gone. Empty where there is none. */
    struct gf_str namespace_id, pipeline_id, subscription_id;
    struct gf_str key; /* the idempotency key, or the id of the external event; may be empty */
    bool dead;
    int32_t attempt_count;
    int64_t next_attempt_time; /* of one that is not dead: not before */
    int64_t create_time;
    int64_t dead_time;
    struct gf_str description; /* why the last attempt failed; a sentence */
    int64_t content_bytes;     /* size of the content, also where that is left empty */
    struct gf_str content;     /* left empty by the lists of the store */
};

/*
 * An id under which a delivery came in (ADD_DELIVERY with `once`): it outlives the delivery, so
 * that one which comes a second time is known. It counts for GF_DELIVERY_ID_AGE_NS, and of an
 * extension the newest GF_DELIVERY_IDS_MAX count.
 */
struct gf_delivery_id {
    int64_t extension_key;
    struct gf_str id;
    int64_t number;       /* of the ids of its extension, rising */
    int64_t delivery_key; /* of the first delivery; it may be gone */
    int64_t create_time;
};

/* What an extension says it did. The same report_id of the same extension replaces what was. */
struct gf_report {
    int64_t extension_key;
    struct gf_str extension_id;
    struct gf_str report_id;
    struct gf_str subscription_id; /* empty = none */
    /* Of the run or the subscription; empty and 0 = none. */
    struct gf_str namespace_id, pipeline_id;
    int64_t pipeline_key;
    int64_t run_id;
    enum gf_report_outcome outcome;
    struct gf_str title, body, url;
    int64_t create_time;
};

#endif /* GOFER_ENGINE_CORE_MODEL_EXTENSIONS_H_ */
