/*
 * The inputs that are about extensions and subscriptions (a part of struct gf_input in core.h).
 * Strings and pointers are borrowed for the step.
 *
 * Who gives them: those of the first two groups come from people by the API, the others from the
 * connections of extensions (api/extension), which name an extension by its key, so that a late
 * word of one that was uninstalled is about nobody.
 */
#ifndef GOFER_ENGINE_CORE_INPUTS_EXTENSIONS_H_
#define GOFER_ENGINE_CORE_INPUTS_EXTENSIONS_H_

#include "engine/core/model_extensions.h"

struct gf_run_document;

/*
 * INSTALL_EXTENSION, UPDATE_EXTENSION. Checked here: ids, roles that exist, limits; the image's and
 * the settings' form is the caller's to check. `fingerprint` is what the caller makes of the
 * settings as given (they are sealed with a nonce), for request ids.
 *
 * An update whose `set_*` are all false launches the same image anew, and looks it up again (what
 * its name means may have changed); `relaunch` says so where nothing of what is set is new. An
 * update that changes something starts from the image that is there: it may not be to be had any
 * more, or never was but from a file. Settings count as changed where the sealed bytes differ: who
 * seals the same ones again leaves set_settings out. Codes besides those of the API:
 * FAILED_PRECONDITION with the reason UPDATE_RUNNING, also while a container of the last update is
 * not over yet.
 */
struct gf_extension_change {
    struct gf_str extension_id;
    const struct gf_extension_spec *spec; /* of an update: those fields that are set below */
    bool set_image, set_registry_auth, set_network, set_settings, set_roles, set_policy;
    bool relaunch; /* of an update: also where nothing changed */
    /* Of a launch of the same image anew: the caller has looked it up, and what its name means now
     * is here. */
    bool image_is_here;
    const struct gf_str *role_ids;
    size_t role_count;
    enum gf_extension_update_policy update_policy;
    bool installer; /* of an install */
    int64_t fingerprint;
};

/* UNINSTALL_EXTENSION, ENABLE_EXTENSION, DISABLE_EXTENSION */
struct gf_extension_choice {
    struct gf_str extension_id;
    bool force; /* of uninstall: also where it has subscriptions (reason HAS_SUBSCRIPTIONS) */
};

/*
 * CREATE_SUBSCRIPTION, UPDATE_SUBSCRIPTION (settings), ENABLE_, DISABLE_ and DELETE_SUBSCRIPTION.
 * `generation` is that which the extension was asked with, 0 = with none of its own: then it is the
 * next one. One that is not above the row's is GF_ABORTED (somebody else was faster). `pending`: it
 * was not asked, as it is not connected.
 *
 * An update always changes the row, because two seals of the same settings differ: who finds
 * nothing new in what is inside gives none, and answers by itself. To enable one that is in use, or
 * to disable one that is not, changes nothing. Of a creation with a request_id the recorded outcome
 * has namespace_id, pipeline_id, subject_id (the subscription_id) and resource_key (its key); the
 * extension_id is that of the repetition.
 */
struct gf_subscription_change {
    struct gf_str namespace_id, pipeline_id, extension_id, subscription_id;
    struct gf_str settings; /* sealed */
    int64_t generation;
    bool pending;
    int64_t fingerprint; /* as above */
};

/*
 * EXTENSION_REGISTERED, EXTENSION_READY, EXTENSION_DRAINED, EXTENSION_GONE: of a connection.
 *
 * GONE is of a connection that was ready and has ended, where no other of the same container that
 * is ready has taken its place: a container that is not ready again within
 * GF_EXTENSION_READY_LEASE_MS is stopped and started again. Refused: NOT_FOUND (reason
 * EXTENSION_NOT_INSTALLED), and all but GONE with FAILED_PRECONDITION where that container is over
 * (CONTAINER_OVER) or somebody runs by hand what has an image (RUNS_AS_CONTAINER), and REGISTERED
 * and READY with PERMISSION_DENIED (EXTENSION_DISABLED).
 */
struct gf_extension_word {
    int64_t extension_key;
    int32_t attempt;            /* of the container that it is of; 0 = run by hand */
    struct gf_str registration; /* of REGISTERED */
    struct gf_str version;      /* of READY, for the event */
    struct gf_str reason;       /* of GONE: a sentence */
};

/*
 * SUBSCRIPTION_JUDGED: what the extension makes of a subscription, or what gofer found wrong with
 * it before the extension saw it. One of another generation than the row's changes nothing, nor
 * does one about a subscription that is disabled. reason_text is cut at GF_REASON_BYTES_MAX.
 */
struct gf_subscription_judgement {
    int64_t subscription_key;
    int64_t generation;
    enum gf_subscription_status status; /* ACTIVE or ERROR */
    enum gf_subscription_reason reason;
    struct gf_str reason_text;
};

/* Names a subscription of an extension. */
struct gf_subscription_name {
    struct gf_str namespace_id, pipeline_id, subscription_id;
};

/*
 * START_EXTENSION_RUNS: one run for each subscription, all under the same key. The reply has one
 * struct gf_start_result for each, in their order.
 *
 * What cannot be done now (runs are paused, a limit is reached) is kept as a delivery with
 * `content`, and answered as PENDING; where no more can be kept, the whole input is
 * GF_RESOURCE_EXHAUSTED (reason TOO_MANY_DELIVERIES) and nothing was done. A try of such a delivery
 * has delivery_key, and besides the same content as at first: what it comes to settles that.
 *
 * REFUSED, and answered so to the same key from now on, with the reason: SUBSCRIPTION_DISABLED,
 * PIPELINE_DISABLED, NOTHING_LIVE, CHAIN_TOO_DEEP, INVALID_ARGUMENT (of variables, labels, the
 * document, the ordering key, the reason, and whatever `refusal` is about), GIVEN_UP (its dead
 * letter was deleted, by somebody or for newer ones). REFUSED now, but
 * not for good: SUBSCRIPTION_NOT_FOUND. Codes of the whole input, of which nothing was done:
 * GF_NOT_FOUND (the extension is not installed, the delivery does not wait any more),
 * GF_FAILED_PRECONDITION (EXTENSION_DISABLED), GF_INVALID_ARGUMENT (key, numbers and sizes),
 * GF_RESOURCE_EXHAUSTED, GF_DATA_LOSS.
 *
 * The checkpoint is set with what is new alone: a repetition leaves it as later ones have set it.
 */
struct gf_extension_start {
    int64_t extension_key;
    struct gf_str key; /* 1 to GF_START_KEY_CHARS_MAX characters */
    const struct gf_subscription_name *subscriptions;
    size_t subscription_count; /* 1 to GF_START_SUBSCRIPTIONS_MAX */
    int64_t delivery_key;      /* 0 = it comes from the extension; else exactly one subscription */
    const struct gf_variable *variables; /* sorted by key, unique; source EXTENSION */
    size_t variable_count;
    const struct gf_label *labels; /* sorted by key, unique */
    size_t label_count;
    struct gf_str reason;                   /* at most GF_REASON_CHARS_MAX */
    int64_t event_time;                     /* 0 = it does not say; not negative */
    const struct gf_run_document *document; /* NULL = none */
    struct gf_str ordering_key;
    enum gf_run_ordering_policy ordering_policy;
    bool set_checkpoint; /* of the one subscription, or of the extension where there are several */
    struct gf_str checkpoint;
    struct gf_str cause_namespace_id, cause_pipeline_id; /* empty = no run made it want these */
    int64_t cause_run_id;
    /* What was found wrong with every run of it before it came here, which then is the outcome of
     * the key; what is wrong is left out of the other fields. NULL = nothing. */
    const struct gf_error *refusal;
    /* What to keep of it where it must wait, once for each subscription: so without their list. At
     * most GF_DELIVERY_BYTES_MAX. */
    struct gf_str content;
};

/* SET_CHECKPOINT: of a subscription, or of the extension (empty ids); GF_NOT_FOUND for a
 * subscription that is not there. SET_EVENT_SEQUENCE: never goes back. */
struct gf_extension_progress {
    int64_t extension_key;
    struct gf_subscription_name subscription;
    struct gf_str checkpoint;
    int64_t event_sequence;
};

/*
 * ADD_DELIVERY: `row` without keys and times, of EXTERNAL_EVENT. An EVENT_DELIVERY that was given
 * up is added with `dead` set, attempt_count and description. GF_RESOURCE_EXHAUSTED (reason
 * TOO_MANY_DELIVERIES) where too much waits, GF_FAILED_PRECONDITION (EXTENSION_DISABLED). With
 * `once` the key is an id (struct gf_delivery_id): a delivery that came before under the same one
 * is answered as the first, whatever has become of that and of the extension (`unchanged`). One
 * that is refused claims no id.
 *
 * SETTLE_DELIVERY: how an attempt went: done (it is removed; not for RUN_START, which
 * START_EXTENSION_RUNS settles), failed (tried again after retry_ns, at most
 * GF_DELIVERY_RETRY_NS_MAX, or the back-off; a dead letter after GF_DELIVERY_ATTEMPTS_MAX), or
 * rejected (a dead letter at once). One that is gone or dead stays so (`unchanged`).
 *
 * REPLAY_DELIVERIES, DELETE_DELIVERIES: dead letters of extension_id, without keys all (of REPLAY);
 * others than its dead letters are left out. A replay for which there is no room is
 * GF_RESOURCE_EXHAUSTED as a whole.
 */
struct gf_delivery_change {
    const struct gf_delivery *row;
    bool once;
    int64_t delivery_key;
    enum {
        GF_SETTLED_DONE = 1,
        GF_SETTLED_FAILED,
        GF_SETTLED_REJECTED
    } settled;
    struct gf_str description;
    int64_t retry_ns; /* 0 = the back-off */
    struct gf_str extension_id;
    const int64_t *keys;
    size_t key_count;
};

/* PUT_REPORT: `row` without create_time, pipeline_key and extension_id. GF_NOT_FOUND where the run
 * or the subscription that it names is not there, or, with `own_only`, is no business of the
 * extension's: it may report about its subscriptions and about runs that it started. */
struct gf_report_put {
    const struct gf_report *row;
    bool own_only; /* its roles do not let it read the run, or the pipeline */
};

/* What became of one run that was wanted. */
struct gf_start_result {
    enum gf_start_outcome outcome;
    bool duplicate; /* STARTED before, under this key */
    int64_t run_id;
    struct gf_str reason, description; /* of REFUSED */
};

#endif /* GOFER_ENGINE_CORE_INPUTS_EXTENSIONS_H_ */
