/*
 * The core of the engine: a state machine without a world.
 *
 * gf_core_step takes one input and the time, and changes the state. What must be written and what
 * the world must be told collects in the core's batch: rows that changed, events, and effects. The
 * engine thread steps many inputs, writes the batch in one transaction, releases its effects, and
 * then calls gf_core_batch_done. Nothing here does I/O, reads a clock, draws a random number,
 * starts a thread or knows of gRPC or SQL, so that a simulator can drive it through every order of
 * events.
 *
 * The state holds what is active: all namespaces, the pipelines and configs in use, the runs that
 * are not complete. When an input needs something else, gf_core_step answers GF_STEP_NEED and names
 * it; the engine thread loads it, gives it to the core (gf_core_give_*), and steps the same input
 * again. A step that answers NEED has changed nothing.
 *
 * Thread: one at a time; in the server, the engine thread.
 */
#ifndef GOFER_ENGINE_CORE_CORE_H_
#define GOFER_ENGINE_CORE_CORE_H_

#include "base/error.h"
#include "base/vec.h"
#include "engine/core/batch.h"
#include "engine/core/inputs_extensions.h"
#include "engine/core/model.h"

/* ---- Inputs ---- */

enum gf_input_kind {
    /* Commands: somebody waits for a reply. */
    GF_INPUT_CREATE_NAMESPACE = 1,
    GF_INPUT_UPDATE_NAMESPACE,
    GF_INPUT_DELETE_NAMESPACE,
    GF_INPUT_REGISTER_CONFIG,
    GF_INPUT_DELETE_CONFIG,
    GF_INPUT_DEPLOY,
    GF_INPUT_ENABLE_PIPELINE,
    GF_INPUT_DISABLE_PIPELINE,
    GF_INPUT_DELETE_PIPELINE,
    GF_INPUT_START_RUN,
    GF_INPUT_RETRY_RUN,
    GF_INPUT_CANCEL_RUN,
    GF_INPUT_CANCEL_ALL_RUNS,
    GF_INPUT_CANCEL_TASK,
    GF_INPUT_REPAIR_RUN,
    GF_INPUT_DELETE_TASK_LOGS,
    GF_INPUT_UPDATE_PREFERENCES,
    GF_INPUT_BOOTSTRAP_TOKEN,
    GF_INPUT_CREATE_TOKEN,
    GF_INPUT_ENABLE_TOKEN,
    GF_INPUT_DISABLE_TOKEN,
    GF_INPUT_DELETE_TOKEN,
    GF_INPUT_DELETE_EXPIRED_TOKENS,
    GF_INPUT_TOUCH_TOKENS,
    GF_INPUT_CREATE_ROLE,
    GF_INPUT_UPDATE_ROLE,
    GF_INPUT_DELETE_ROLE,
    GF_INPUT_RECORD_EVENT,
    /* About extensions: inputs_extensions.h. */
    GF_INPUT_INSTALL_EXTENSION,
    GF_INPUT_UPDATE_EXTENSION,
    GF_INPUT_UNINSTALL_EXTENSION,
    GF_INPUT_ENABLE_EXTENSION,
    GF_INPUT_DISABLE_EXTENSION,
    GF_INPUT_CREATE_SUBSCRIPTION,
    GF_INPUT_UPDATE_SUBSCRIPTION,
    GF_INPUT_ENABLE_SUBSCRIPTION,
    GF_INPUT_DISABLE_SUBSCRIPTION,
    GF_INPUT_DELETE_SUBSCRIPTION,
    GF_INPUT_REPLAY_DELIVERIES,
    GF_INPUT_DELETE_DELIVERIES,
    GF_INPUT_EXTENSION_REGISTERED,
    GF_INPUT_EXTENSION_READY,
    GF_INPUT_EXTENSION_DRAINED,
    GF_INPUT_EXTENSION_GONE,
    GF_INPUT_SUBSCRIPTION_JUDGED,
    GF_INPUT_START_EXTENSION_RUNS,
    GF_INPUT_SET_CHECKPOINT,
    GF_INPUT_SET_EVENT_SEQUENCE,
    GF_INPUT_ADD_DELIVERY,
    GF_INPUT_SETTLE_DELIVERY,
    GF_INPUT_PUT_REPORT,
    /* Reports of the scheduler. */
    GF_INPUT_TASK_STARTED,
    GF_INPUT_TASK_EXITED,
    GF_INPUT_TASK_LAUNCH_FAILED,
    GF_INPUT_TASK_LOST,
    GF_INPUT_TASK_NEVER_STARTED,
    /* Time has passed: what was due at `now` or before happens. See gf_core_next_deadline. */
    GF_INPUT_CLOCK,
};

/* Whether somebody waits for a reply. */
static inline bool gf_input_is_command(enum gf_input_kind kind) {
    return kind < GF_INPUT_TASK_STARTED;
}

/* Why a container could not be started, as far as that decides what becomes of its task. */
enum gf_launch_failure {
    GF_LAUNCH_FAILURE_SCHEDULER = 0, /* nothing to do with its image */
    GF_LAUNCH_FAILURE_IMAGE,         /* the image could not be fetched now */
    /* There is no such image, or it may not be used: another attempt would fail alike, so none is
     * made. */
    GF_LAUNCH_FAILURE_IMAGE_REFUSED,
};

/* How a container came to run. */
struct gf_start {
    int64_t start_time;      /* 0 = the time of the step */
    int64_t pull_start_time; /* 0 = nothing had to be fetched */
    int64_t pull_end_time;
    struct gf_str image_digest;
    struct gf_str node;
    struct gf_str container_id;   /* the back end's own name for it; may be empty */
    uint32_t missing_protections; /* of protection.h: what this container goes without */
};

/* What a container left behind. */
struct gf_exit {
    int32_t exit_code;   /* of the command; 128 + signal where a signal ended it */
    int32_t exit_signal; /* 0 = none */
    bool timed_out;
    bool out_of_memory;
    bool stopped; /* by a stop that was asked for */
    /* Where the command never ran (not found, not executable, a mount that failed): why. */
    struct gf_str failure;
    int64_t start_time;
    int64_t end_time;
    int64_t cpu_time_ns;
    int64_t peak_memory_bytes;
    int64_t peak_pid_count;
    int64_t disk_bytes;
    int64_t log_bytes;
    bool log_truncated;
    int64_t root_expire_time; /* until when the root is kept (keep_failed); 0 = it is gone */
    /* As of gf_start, for a program of which the start was not told before its end. */
    struct gf_str container_id;
    uint32_t missing_protections;
};

/* Makes a command idempotent: see struct gf_request. */
struct gf_request_ref {
    struct gf_str caller;
    struct gf_str request_id; /* empty = none; at most GF_REQUEST_ID_BYTES_MAX */
};

/* A document that is given at the start of a run: at most GF_RUN_INPUT_BYTES_MAX. */
struct gf_run_document {
    struct gf_str media_type;
    struct gf_str digest;
    struct gf_str content;
};

/* A use of a token, of which its row tells the last one. */
struct gf_token_use {
    struct gf_str token_id;
    int64_t time;
    struct gf_str peer;
};

/*
 * One input. The strings and pointers are borrowed for the step only; the core copies what it
 * keeps. `token` comes back in the reply effect and means nothing to the core.
 */
struct gf_input {
    enum gf_input_kind kind;
    void *token;
    struct gf_actor actor; /* of a command: who gives it; its events say so */
    union {
        struct {
            struct gf_str namespace_id, name, description;
            int64_t run_parallelism;
            /* For update: which of them to set. */
            bool set_name, set_description, set_run_parallelism;
            bool cascade;                  /* for delete: also where it has pipelines */
            struct gf_request_ref request; /* for create */
        } ns;
        struct {
            struct gf_str namespace_id;
            /* Checked (gf_config_check), without version, state and times; with pipeline_id and
             * hash. */
            const struct gf_config *config;
            bool deploy; /* make the new version live in the same step */
            struct gf_request_ref request;
        } register_config;
        /* DEPLOY, DELETE_CONFIG */
        struct {
            struct gf_str namespace_id, pipeline_id;
            int64_t version;               /* 0 = the newest that is there, for DEPLOY */
            struct gf_request_ref request; /* for DEPLOY */
        } deploy;
        /* ENABLE_PIPELINE, DISABLE_PIPELINE, DELETE_PIPELINE */
        struct {
            struct gf_str namespace_id, pipeline_id;
            struct gf_str reason; /* for DISABLE; at most GF_REASON_CHARS_MAX */
        } pipeline;
        struct {
            struct gf_str namespace_id, pipeline_id;
            const struct gf_variable *variables; /* sorted by key, unique */
            size_t variable_count;
            const struct gf_label *labels; /* sorted by key, unique */
            size_t label_count;
            struct gf_initiator initiator;
            struct gf_str request_id;               /* empty = none */
            const struct gf_run_document *document; /* NULL = none */
            bool has_priority;                      /* else that of the config */
            int32_t priority;
            struct gf_str ordering_key;                  /* empty = none */
            enum gf_run_ordering_policy ordering_policy; /* UNSPECIFIED with a key: STRICT */
        } start_run;
        struct {
            struct gf_str namespace_id, pipeline_id;
            int64_t run_id;
            bool failed_tasks_only; /* keep the results of those that were successful */
            bool use_live_version;  /* not together with failed_tasks_only */
            struct gf_initiator initiator;
            struct gf_str request_id;
        } retry_run;
        /* CANCEL_RUN, CANCEL_TASK, CANCEL_ALL_RUNS, REPAIR_RUN */
        struct {
            struct gf_str namespace_id, pipeline_id;
            int64_t run_id;        /* not for CANCEL_ALL_RUNS */
            struct gf_str task_id; /* for CANCEL_TASK */
            bool force;
            struct gf_str reason; /* a sentence; empty = the default one */
        } cancel;
        /*
         * The files are the caller's: the core says whether they may go, and tells of it. Whether a
         * complete run has such a task is for the caller to know, from the store.
         */
        struct {
            struct gf_str namespace_id, pipeline_id;
            int64_t run_id;
            int64_t run_key; /* of the run that the caller means: another one is not found */
            struct gf_str task_id;
        } delete_logs;
        struct {
            bool set_run_starts_paused, run_starts_paused;
            bool set_reason;
            struct gf_str reason;
            bool set_attach_disabled, attach_disabled;
        } preferences;
        /*
         * BOOTSTRAP_TOKEN, CREATE_TOKEN: `row` without create_time, disabled and the last use; its
         * texts are checked here. expire_time is from lifetime_ms, 0 = never. ENABLE, DISABLE and
         * DELETE: row's token_id alone; where it is the actor's own they are refused.
         *
         * Bootstrapping works once in the life of a store: then FAILED_PRECONDITION, reason
         * BOOTSTRAP_DONE. Its token has the role `bootstrap`, whatever the row says. A token_id
         * that is there is GF_INTERNAL: whoever made it tries again with another text.
         *
         * DELETE_EXPIRED_TOKENS has no fields. Where very many have expired it is answered when
         * the clock has removed the last of them. By itself the clock removes all that have
         * expired, GF_TOKEN_EXPIRED_KEPT_NS after the first of them has.
         * That a role gives no more than the caller has is the caller's to check.
         */
        struct {
            const struct gf_token *row;
            int64_t lifetime_ms;
            struct gf_request_ref request; /* for CREATE_TOKEN */
        } token;
        /*
         * TOUCH_TOKENS, at most GF_TOKEN_USES_MAX: tokens that are gone are left out, and uses in
         * or before the minute of the last one. No event tells of it.
         */
        struct {
            const struct gf_token_use *uses;
            size_t count;
        } touch;
        /* CREATE_ROLE, UPDATE_ROLE: checked here (gf_role_check). DELETE_ROLE: role_id alone. */
        struct {
            const struct gf_role *row;
            bool set_description, set_permissions; /* for UPDATE_ROLE */
            struct gf_request_ref request;         /* for CREATE_ROLE */
        } role;
        /*
         * Something that happened outside of the core (a secret was written, an image imported):
         * `event` without sequence, and with the time of the step where its time is 0. Its actor is
         * the event's own. With a source_sequence above 0 it comes from a journal that may tell it
         * again after a crash: a number that is not above the last one changes nothing.
         */
        struct {
            const struct gf_event *event;
            int64_t source_sequence;
        } record;
        /* INSTALL_EXTENSION (request), UPDATE_EXTENSION */
        struct {
            struct gf_extension_change change;
            struct gf_request_ref request;
        } extension;
        struct gf_extension_choice choice;
        /* CREATE_SUBSCRIPTION (request) and the others of subscriptions */
        struct {
            struct gf_subscription_change change;
            struct gf_request_ref request;
        } subscription;
        struct gf_extension_word word;
        struct gf_subscription_judgement judgement;
        struct gf_extension_start extension_start;
        struct gf_extension_progress progress;
        struct gf_delivery_change delivery;
        struct gf_report_put report;
        struct {
            struct gf_attempt attempt;
            struct gf_start start;
        } started;
        struct {
            struct gf_attempt attempt;
            struct gf_exit exit;
            struct gf_str image_digest, node;
        } exited;
        /* LAUNCH_FAILED, LOST, NEVER_STARTED */
        struct {
            struct gf_attempt attempt;
            enum gf_launch_failure failure; /* of LAUNCH_FAILED */
            struct gf_str message;          /* a sentence */
        } failed;
    } u;
};

/* ---- What a step asks for ---- */

enum gf_step {
    GF_STEP_DONE = 0, /* applied, or refused with a reply: either way the input is dealt with */
    GF_STEP_NEED = 1, /* nothing changed: load what *out_need names and step again */
};

enum gf_need_kind {
    GF_NEED_PIPELINE = 1, /* by namespace_key and pipeline_id -> gf_core_give_pipeline */
    GF_NEED_CONFIG,       /* by pipeline_key and version -> gf_core_give_config */
    /* the newest below version, by pipeline_key -> gf_core_give_older_version */
    GF_NEED_OLDER_VERSION,
    GF_NEED_RUN,     /* a complete run, by pipeline_key and run_id -> gf_core_give_run */
    GF_NEED_REQUEST, /* a request_id, by pipeline_key -> gf_core_give_request */
    /* whether namespace_key has pipelines, besides those that the batch deletes ->
     * gf_core_give_namespace_pipelines */
    GF_NEED_NAMESPACE_PIPELINES,
    GF_NEED_OUTCOME,   /* of a request, by caller and request_id -> gf_core_give_outcome */
    GF_NEED_RUN_TASKS, /* of a complete run, by run_key -> gf_core_give_run_tasks */
    GF_NEED_RUN_INPUT, /* of a complete run, by run_key -> gf_core_give_run_input */
    GF_NEED_START_KEY, /* by subscription_key and text -> gf_core_give_start_key */
    /* of a delivery that came in, by extension_key and text -> gf_core_give_delivery_id */
    GF_NEED_DELIVERY_ID,
    GF_NEED_DELIVERY, /* without its content, by delivery_key -> gf_core_give_delivery */
    /* the dead letters of extension_key, at most GF_CORE_STEP_DELIVERIES_MAX, without their
     * contents -> gf_core_give_dead_letters */
    GF_NEED_DEAD_LETTERS,
};

struct gf_need {
    enum gf_need_kind kind;
    int64_t namespace_key;
    struct gf_str namespace_id; /* of namespace_key; borrowed from the core */
    int64_t pipeline_key;
    int64_t version;
    int64_t run_id;
    int64_t run_key;
    int64_t subscription_key;
    int64_t extension_key;
    int64_t delivery_key;
    struct gf_str
        text; /* pipeline_id, request_id, key or id; borrowed from the input or the core */
    struct gf_str caller; /* of a request; borrowed likewise */
    /*
     * What the step asks for besides, in memory of the core until the next step: an input that is
     * about very many things would be stepped as often. Who answers only the first is asked again.
     */
    const struct gf_need *more;
    size_t more_count;
};

/* ---- The core ---- */

struct gf_core;

/* In each, 0 = no limit, but where it says otherwise. */
struct gf_core_limits {
    int64_t runs_active_max;      /* runs that are not complete, in the server; more are refused */
    int64_t runs_running_max;     /* runs at once, in the server; more are queued */
    int64_t namespace_runs_max;   /* of one namespace; its row may ask for less */
    int64_t pipeline_runs_max;    /* of one pipeline; its config may ask for less */
    int64_t pipeline_queue_max;   /* runs of one pipeline that wait; its config may ask for less */
    int64_t attempts_running_max; /* containers at once, in the server; ready tasks wait */
    int64_t run_timeout_ms_max;   /* of every run; its config may ask for less */
    int64_t task_timeout_ms_max;  /* of every attempt; its task may ask for less */
    int64_t stop_timeout_ms;      /* for tasks that do not say; 0 = GF_STOP_TIMEOUT_MS_DEFAULT */
    /* Of what a task may ask for, each; a config that asks for more is not registered. */
    struct gf_resources task_maximums;
    /* How long the scheduler may take before it is given up; 0 = the default of limits.h. */
    int64_t launch_lease_ms; /* from the launch to its first report */
    int64_t stop_lease_ms;   /* from the end that was due to the report of it; twice */
    int64_t inquiry_ms;      /* to answer an inquiry */
};

/* What the core must know before its first step, from the store. */
struct gf_core_start {
    int64_t next_namespace_key;
    int64_t next_pipeline_key;
    int64_t next_run_key;
    int64_t next_event_sequence;
    struct gf_preferences preferences; /* copied */
    bool bootstrapped;                 /* a token was bootstrapped, at some time */
    int64_t source_sequence;           /* the last one of a recorded event */
};

/* Owned by the caller; gf_core_destroy accepts NULL. */
struct gf_core *gf_core_create(const struct gf_core_limits *limits,
                               const struct gf_core_start *start) GF_MUST_USE;
void gf_core_destroy(struct gf_core *core);

/*
 * Restoring, before the first step: every namespace, and every run that is not complete with all
 * its task executions, in the order of run_key; the pipeline and the config of a run are given
 * before it. All are copied. gf_core_resume then continues what was interrupted: tasks that were
 * ready are launched, and *out_attempts lists those that may have a container (PROCESSING with an
 * attempt, or RUNNING), in heap memory of the vector, for the scheduler to report about.
 *
 * gf_core_restore_run gives false, and has done nothing, when the pipeline or the config is
 * missing, the run is COMPLETE, or a task is none of its config: the store has lost something.
 */
void gf_core_restore_namespace(struct gf_core *core, const struct gf_namespace *ns);
/*
 * Before the first step: no namespace, pipeline, run or extension gets a key below these from now
 * on. For keys that something outside of the store has, which the store, set back to a copy, does
 * not know.
 */
void gf_core_skip_keys(struct gf_core *core, int64_t namespace_key, int64_t pipeline_key,
                       int64_t run_key);
/* Likewise: BOOTSTRAP_TOKEN works once more, for who has lost the tokens. The admin of the machine
 * asked for it; it is not stored. */
void gf_core_allow_bootstrap(struct gf_core *core);
/* All roles of users, then all tokens. */
void gf_core_restore_role(struct gf_core *core, const struct gf_role *role);
void gf_core_restore_token(struct gf_core *core, const struct gf_token *token);
bool gf_core_restore_run(struct gf_core *core, const struct gf_run *run,
                         const struct gf_task_execution *tasks, size_t task_count);
/*
 * Behind the roles: all extensions, then all subscriptions, in the order of their keys, and for
 * each extension what it has of deliveries that are not dead, and the number of the latest id of
 * one (gf_extension_counts of the store): before the runs. False for a subscription whose extension
 * or namespace is missing: the store has lost something. Containers of extensions that may be there
 * are among the attempts of gf_core_resume; extensions that were there for an installer dialog are
 * deleted by it, and their containers are not named.
 */
void gf_core_restore_extension(struct gf_core *core, const struct gf_extension *extension);
bool gf_core_restore_subscription(struct gf_core *core, const struct gf_subscription *subscription);
void gf_core_restore_deliveries(struct gf_core *core, int64_t extension_key, int64_t pending_count,
                                int64_t pending_bytes, int64_t latest_id_number);
struct gf_attempt_vec GF_VEC_FIELDS(struct gf_attempt);
void gf_core_resume(struct gf_core *core, int64_t now, struct gf_attempt_vec *out_attempts);

/*
 * Answers to a NEED, also used for restoring; all are copied. NULL (or run_id 0) says that it does
 * not exist; the core remembers that until the batch is done.
 */
void gf_core_give_pipeline(struct gf_core *core, const struct gf_need *need,
                           const struct gf_pipeline *pipeline);
void gf_core_give_config(struct gf_core *core, const struct gf_need *need,
                         const struct gf_config *config);
/* 0 = there is none. */
void gf_core_give_older_version(struct gf_core *core, const struct gf_need *need, int64_t version);
void gf_core_give_run(struct gf_core *core, const struct gf_need *need, const struct gf_run *run);
void gf_core_give_request(struct gf_core *core, const struct gf_need *need,
                          const struct gf_run *run);
void gf_core_give_namespace_pipelines(struct gf_core *core, const struct gf_need *need,
                                      bool has_pipelines);
void gf_core_give_outcome(struct gf_core *core, const struct gf_need *need,
                          const struct gf_request *outcome);
/* All of them, in their order; those that have ended must say how. */
void gf_core_give_run_tasks(struct gf_core *core, const struct gf_need *need,
                            const struct gf_task_execution *tasks, size_t task_count);
/* NULL = it has none. */
void gf_core_give_run_input(struct gf_core *core, const struct gf_need *need,
                            const struct gf_str *content);
void gf_core_give_start_key(struct gf_core *core, const struct gf_need *need,
                            const struct gf_start_key *key);
void gf_core_give_delivery_id(struct gf_core *core, const struct gf_need *need,
                              const struct gf_delivery_id *id);
void gf_core_give_delivery(struct gf_core *core, const struct gf_need *need,
                           const struct gf_delivery *delivery);
void gf_core_give_dead_letters(struct gf_core *core, const struct gf_need *need,
                               const struct gf_delivery *deliveries, size_t count);
/* Every run that is not complete, in the order of run_key, with its config; borrowed for the call.
 */
void gf_core_visit_runs(const struct gf_core *core,
                        void (*visit)(void *ctx, const struct gf_run *run,
                                      const struct gf_config *config),
                        void *ctx);

/* Whether the core holds this config, so that a restore need not give it again. */
bool gf_core_has_config(const struct gf_core *core, int64_t pipeline_key, int64_t version);

/* One input at time `now` (ns since 1970 UTC). On GF_STEP_NEED fills *out_need. */
enum gf_step gf_core_step(struct gf_core *core, const struct gf_input *input, int64_t now,
                          struct gf_need *out_need) GF_MUST_USE;

/*
 * The time of the next thing that happens by itself: a timeout, the end of a wait, a scheduler that
 * has been silent for too long, or queued runs for which a step had no time. A GF_INPUT_CLOCK is
 * due then. GF_NEVER (base/clock.h) = nothing is.
 */
int64_t gf_core_next_deadline(const struct gf_core *core);

/* What has collected since the last gf_core_batch_done. Borrowed. */
const struct gf_batch *gf_core_batch(const struct gf_core *core);
bool gf_core_batch_is_empty(const struct gf_core *core);

/*
 * The owner takes no more inputs: answers the commands that wait for reports (REPAIR_RUN) with
 * GF_UNAVAILABLE. The effects are in the batch.
 */
void gf_core_stop(struct gf_core *core);

/* Memory that the batch holds, about: a reason to end it. */
size_t gf_core_batch_bytes(const struct gf_core *core);

/* The batch is durable, its effects are released: forgets it, and frees runs that are complete. */
void gf_core_batch_done(struct gf_core *core);

/* Figures for tests and metrics. */
struct gf_core_stats {
    int64_t runs_active;
    int64_t runs_queued;
    int64_t runs_running;
    int64_t attempts_running; /* of tasks: each has a slot */
    int64_t tasks_ready;      /* waiting for a slot */
    int64_t tasks_backoff;    /* waiting for the time of their next attempt */
    int64_t deadlines;        /* that are set */
    int64_t pipelines_cached;
    int64_t configs_cached;
    int64_t subscriptions;
    int64_t deliveries_pending; /* of all extensions, not the dead ones */
    int64_t namespaces;
    int64_t tokens;
    int64_t roles; /* of users */
    int64_t extensions;
};
struct gf_core_stats gf_core_get_stats(const struct gf_core *core);

#endif /* GOFER_ENGINE_CORE_CORE_H_ */
