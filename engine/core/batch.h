/*
 * What the steps of the core leave behind until it is written: rows that changed, events, and
 * effects, which are what the world must be told once the rows are durable. The core fills the
 * batch (engine/core/core.h), the store writes its rows and events, the engine thread releases its
 * effects.
 *
 * Everything in it is borrowed from the core until gf_core_batch_done. Thread: that of the core.
 */
#ifndef GOFER_ENGINE_CORE_BATCH_H_
#define GOFER_ENGINE_CORE_BATCH_H_

#include "base/error.h"
#include "base/vec.h"
#include "engine/core/model.h"
#include "engine/core/model_extensions.h"

/* ---- Effects ---- */

/* Names one attempt of one task: what the scheduler is told and what it reports about. */
struct gf_attempt {
    int64_t run_key;
    int32_t task_index;
    int32_t attempt; /* the fencing number */
};

enum gf_effect_kind {
    GF_EFFECT_REPLY = 1, /* answer the command behind `token` */
    GF_EFFECT_LAUNCH,    /* start this attempt */
    GF_EFFECT_STOP,      /* end this attempt */
    GF_EFFECT_FORGET,  /* the end of this attempt is recorded: the scheduler may drop its records */
    GF_EFFECT_INQUIRE, /* report about this attempt, whatever is known of it */
};

/*
 * The answer to a command. On GF_OK the pointer that belongs to the command's kind is set; it is
 * borrowed until gf_core_batch_done.
 */
struct gf_reply {
    struct gf_error error; /* code GF_OK = done */
    const struct gf_namespace *ns;
    const struct gf_pipeline *pipeline;
    const struct gf_config *config;
    const struct gf_deployment *deployment;
    const struct gf_run *run;
    const struct gf_task_execution *task; /* CANCEL_TASK; NULL where its run has ended */
    const struct gf_preferences *preferences;
    const struct gf_token *token; /* of the commands for one token, but DELETE_TOKEN */
    const struct gf_role *role;   /* CREATE_ROLE, UPDATE_ROLE */
    int64_t deleted_count;        /* DELETE_EXPIRED_TOKENS; also what others asked for with it */
    /*
     * The command was given before, with this outcome. The objects above are not set: they are read
     * from the store, by the names in it, as they are now.
     */
    const struct gf_request *replayed;
    const struct gf_extension *extension;       /* of the commands for one, but UNINSTALL */
    const struct gf_subscription *subscription; /* likewise, but DELETE */
    const struct gf_start_result *starts;       /* START_EXTENSION_RUNS; in the batch's arena */
    size_t start_count;
    int64_t subscription_count; /* UNINSTALL_EXTENSION */
    int64_t delivery_key;       /* ADD_DELIVERY; with `unchanged` that of the first one */
    int64_t delivery_count;     /* REPLAY_DELIVERIES, DELETE_DELIVERIES */
    bool unchanged; /* the command found everything as it wants it: nothing was written */
    bool created;   /* REGISTER_CONFIG: `config` is a new version, not the one that was there */
    bool created_pipeline;  /* REGISTER_CONFIG: the pipeline is new, too */
    const int64_t *run_ids; /* CANCEL_ALL_RUNS: the first GF_REPLY_RUN_IDS_MAX, oldest first */
    size_t run_id_count;
    int64_t run_count;            /* CANCEL_ALL_RUNS: all */
    const struct gf_str *actions; /* REPAIR_RUN: what was done; the first GF_REPLY_ACTIONS_MAX */
    size_t action_count;
    int64_t action_total; /* REPAIR_RUN: all */
};

struct gf_effect {
    enum gf_effect_kind kind;
    void *token;            /* REPLY */
    struct gf_reply *reply; /* REPLY; in the batch's arena */
    struct gf_attempt attempt;
    bool force;                     /* STOP: kill at once, without the grace period */
    const struct gf_run *run;       /* LAUNCH; borrowed until gf_core_batch_done */
    const struct gf_config *config; /* LAUNCH; borrowed until gf_core_batch_done */
    /*
     * LAUNCH of an extension's container; then run and config are NULL. `spec` is what this
     * container has of its two, without the settings. Both borrowed likewise. renew_image: it is
     * launched anew as it is, because its image may be another one by now: it is looked up again.
     */
    const struct gf_extension *extension;
    const struct gf_extension_spec *spec;
    bool renew_image;
    int64_t namespace_key;   /* LAUNCH: of the run's pipeline */
    int64_t timeout_ms;      /* LAUNCH: of the attempt; 0 = none */
    int64_t stop_timeout_ms; /* LAUNCH: between SIGTERM and SIGKILL; above 0 */
};

/* ---- Rows ---- */

/* The document of a run that is new in this batch. */
struct gf_run_input_row {
    int64_t run_key;
    struct gf_str content; /* in the batch's arena */
};

struct gf_config_key {
    int64_t pipeline_key;
    int64_t version;
};

/*
 * Rows as the transaction must leave them: every pointer is to the newest state of an object that
 * changed since the last batch, once per object, in the order of the first change. A store first
 * removes the deleted namespaces and pipelines with all that belongs to them, and the deleted
 * configs (events stay; a key that it does not know is nothing), then writes every row as an
 * insert-or-replace by its key, parents before children: namespaces, pipelines, configs,
 * deployments, runs, inputs of runs, tasks, attempts; requests, preferences, roles and tokens
 * belong to nothing: of the last two the deleted ones go first. No row belongs to a deleted
 * namespace or pipeline, but a new one may have the id of a deleted one. A request replaces an
 * older one of the same caller and request_id.
 */
struct gf_namespace_vec GF_VEC_FIELDS(const struct gf_namespace *);
struct gf_pipeline_vec GF_VEC_FIELDS(const struct gf_pipeline *);
struct gf_config_vec GF_VEC_FIELDS(const struct gf_config *);
struct gf_deployment_vec GF_VEC_FIELDS(const struct gf_deployment *);
struct gf_run_vec GF_VEC_FIELDS(const struct gf_run *);
struct gf_task_execution_vec GF_VEC_FIELDS(const struct gf_task_execution *);
struct gf_run_input_vec GF_VEC_FIELDS(struct gf_run_input_row);
struct gf_request_vec GF_VEC_FIELDS(struct gf_request);
struct gf_config_key_vec GF_VEC_FIELDS(struct gf_config_key);
struct gf_event_vec GF_VEC_FIELDS(struct gf_event);
struct gf_effect_vec GF_VEC_FIELDS(struct gf_effect);
struct gf_key_vec GF_VEC_FIELDS(int64_t);
struct gf_token_vec GF_VEC_FIELDS(const struct gf_token *);
struct gf_role_vec GF_VEC_FIELDS(const struct gf_role *);
struct gf_str_vec GF_VEC_FIELDS(struct gf_str);
struct gf_extension_vec GF_VEC_FIELDS(const struct gf_extension *);
struct gf_subscription_vec GF_VEC_FIELDS(const struct gf_subscription *);
struct gf_start_key_vec GF_VEC_FIELDS(struct gf_start_key);
struct gf_delivery_vec GF_VEC_FIELDS(struct gf_delivery);
struct gf_delivery_id_vec GF_VEC_FIELDS(struct gf_delivery_id);
struct gf_report_vec GF_VEC_FIELDS(struct gf_report);

struct gf_batch {
    struct gf_namespace_vec namespaces;
    struct gf_key_vec deleted_namespaces; /* keys */
    struct gf_key_vec deleted_pipelines;  /* keys */
    struct gf_config_key_vec deleted_configs;
    struct gf_pipeline_vec pipelines;
    struct gf_config_vec configs;
    struct gf_deployment_vec deployments;
    struct gf_run_vec runs;
    struct gf_run_input_vec inputs;
    struct gf_task_execution_vec tasks;
    struct gf_task_execution_vec attempts; /* that were followed, or will be, by another one */
    struct gf_request_vec requests;
    const struct gf_preferences *preferences; /* NULL = unchanged */
    struct gf_role_vec roles;
    struct gf_str_vec deleted_roles; /* ids */
    struct gf_token_vec tokens;
    struct gf_str_vec deleted_tokens; /* ids; no row of `tokens` has one of them */
    bool bootstrapped;                /* a token was bootstrapped in this batch */
    int64_t source_sequence;          /* the last one of a recorded event; 0 = unchanged */
    /*
     * Of extensions, see store.h for what belongs to what. A deleted extension takes its
     * subscriptions, deliveries, their ids and reports along, a deleted pipeline its subscriptions,
     * a deleted subscription its start keys. A start key, a delivery, an id of one and a report
     * replace one of the same (subscription_key, key), delivery_key, (extension_key, id),
     * (extension_key, report_id).
     */
    struct gf_extension_vec extensions;
    struct gf_key_vec deleted_extensions; /* keys */
    struct gf_subscription_vec subscriptions;
    struct gf_key_vec deleted_subscriptions; /* keys */
    struct gf_start_key_vec start_keys;
    struct gf_delivery_vec deliveries;    /* an empty content: it stays as it was */
    struct gf_key_vec deleted_deliveries; /* keys */
    struct gf_delivery_id_vec delivery_ids;
    struct gf_report_vec reports;
    struct gf_event_vec events; /* in order of their sequence numbers */
    struct gf_effect_vec effects;
};

/* Rows and events of the batch: what a transaction has to write. 0 = none is needed. */
size_t gf_batch_row_count(const struct gf_batch *batch);

#endif /* GOFER_ENGINE_CORE_BATCH_H_ */
