/*
 * What gofer knows: namespaces, pipelines, their configs, deployments, runs and task executions.
 *
 * These structs are the one shape of a resource inside the engine: the core changes them, the store
 * writes and reads them, api/codec turns them into messages. They hold data only. Strings are
 * `struct gf_str` and live as long as the struct that holds them; who owns the struct says where
 * that is: the core (heap, one arena per object) or the reader that loaded it (its arena).
 *
 * Keys (`namespace_key`, `pipeline_key`, `run_key`) are numbers of the store, growing, never reused
 * and never shown to users; ids are what users see. Times are nanoseconds since 1970 UTC, 0 = not
 * yet.
 */
#ifndef GOFER_ENGINE_CORE_MODEL_H_
#define GOFER_ENGINE_CORE_MODEL_H_

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Enumerations: one table gives the enum, its name in the store, and its parser. ---- */

/* X(NAME, number): numbers are stored, so they never change; names are those of the protos. */
#define GF_PIPELINE_STATES(X) X(ACTIVE, 1) X(DISABLED, 2)
#define GF_CONFIG_STATES(X) X(UNRELEASED, 1) X(LIVE, 2) X(DEPRECATED, 3)
#define GF_DEPLOYMENT_STATES(X) X(RUNNING, 1) X(COMPLETE, 2)
#define GF_DEPLOYMENT_STATUSES(X) X(SUCCESSFUL, 1) X(FAILED, 2)
#define GF_RUN_STATES(X) X(PENDING, 1) X(QUEUED, 2) X(RUNNING, 3) X(COMPLETE, 4)
#define GF_RUN_STATUSES(X) X(SUCCESSFUL, 1) X(FAILED, 2) X(CANCELLED, 3)
#define GF_TASK_STATES(X) X(PROCESSING, 1) X(WAITING, 2) X(RUNNING, 3) X(COMPLETE, 4)
#define GF_TASK_STATUSES(X) X(SUCCESSFUL, 1) X(FAILED, 2) X(CANCELLED, 3) X(SKIPPED, 4)
/* Why a run or a task ended as it did. */
#define GF_REASON_KINDS(X)                                                                         \
    X(ABNORMAL_EXIT, 1)       /* a command ended with another code than 0, or by a signal */       \
    X(SCHEDULER_ERROR, 2)     /* the scheduler could not start or follow the container */          \
    X(FAILED_PRECONDITION, 3) /* parents did not end as the task asks */                           \
    X(USER_CANCELLED, 4)      /* somebody asked for it */                                          \
    X(ORPHANED, 5)            /* the container was lost while the server was away */               \
    X(TIMED_OUT, 6)           /* a time limit was reached */                                       \
    X(OUT_OF_MEMORY, 7)       /* the kernel ended the command at its memory limit */
/* How a parent must have ended for a task to run. */
#define GF_PARENT_RULES(X) X(ANY, 1) X(SUCCESS, 2) X(FAILURE, 3)
#define GF_VARIABLE_SOURCES(X) X(PIPELINE_CONFIG, 1) X(SYSTEM, 2) X(RUN_OPTIONS, 3) X(EXTENSION, 4)
#define GF_INITIATOR_KINDS(X) X(HUMAN, 1) X(BOT, 2) X(EXTENSION, 3)
#define GF_EVENT_KINDS(X)                                                                          \
    X(NAMESPACE_CREATED, 1)                                                                        \
    X(NAMESPACE_UPDATED, 2)                                                                        \
    X(NAMESPACE_DELETED, 3)                                                                        \
    X(PIPELINE_CREATED, 10)                                                                        \
    X(PIPELINE_ENABLED, 11)                                                                        \
    X(PIPELINE_DISABLED, 12)                                                                       \
    X(PIPELINE_DELETED, 13)                                                                        \
    X(PIPELINE_CONFIG_REGISTERED, 20)                                                              \
    X(PIPELINE_CONFIG_DELETED, 21)                                                                 \
    X(DEPLOYMENT_STARTED, 30)                                                                      \
    X(DEPLOYMENT_COMPLETED, 31)                                                                    \
    X(RUN_QUEUED, 40)                                                                              \
    X(RUN_STARTED, 41)                                                                             \
    X(RUN_CANCELLATION_STARTED, 42)                                                                \
    X(RUN_COMPLETED, 43)                                                                           \
    X(TASK_EXECUTION_CREATED, 50)                                                                  \
    X(TASK_EXECUTION_STARTED, 51)                                                                  \
    X(TASK_EXECUTION_COMPLETED, 52)

/*
 * Each table above becomes `enum gf_<name>` with GF_<PREFIX>_UNSPECIFIED = 0, a function that names
 * a value ("UNSPECIFIED" for what is no value; static storage) and one that tells whether a stored
 * number is a value.
 */
#define GF_MODEL_ENUM_END(name)                                                                    \
    const char *gf_##name##_name(enum gf_##name value);                                            \
    bool gf_##name##_valid(int64_t number);

enum gf_pipeline_state {
    GF_PIPELINE_STATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_PIPELINE_STATE_##name = (number),
    GF_PIPELINE_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(pipeline_state)

enum gf_config_state {
    GF_CONFIG_STATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_CONFIG_STATE_##name = (number),
    GF_CONFIG_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(config_state)

enum gf_deployment_state {
    GF_DEPLOYMENT_STATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_DEPLOYMENT_STATE_##name = (number),
    GF_DEPLOYMENT_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(deployment_state)

enum gf_deployment_status {
    GF_DEPLOYMENT_STATUS_UNSPECIFIED = 0,
#define GF_X(name, number) GF_DEPLOYMENT_STATUS_##name = (number),
    GF_DEPLOYMENT_STATUSES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(deployment_status)

enum gf_run_state {
    GF_RUN_STATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_RUN_STATE_##name = (number),
    GF_RUN_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(run_state)

enum gf_run_status {
    GF_RUN_STATUS_UNSPECIFIED = 0,
#define GF_X(name, number) GF_RUN_STATUS_##name = (number),
    GF_RUN_STATUSES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(run_status)

enum gf_task_state {
    GF_TASK_STATE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_TASK_STATE_##name = (number),
    GF_TASK_STATES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(task_state)

enum gf_task_status {
    GF_TASK_STATUS_UNSPECIFIED = 0,
#define GF_X(name, number) GF_TASK_STATUS_##name = (number),
    GF_TASK_STATUSES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(task_status)

enum gf_reason_kind {
    GF_REASON_UNSPECIFIED = 0,
#define GF_X(name, number) GF_REASON_##name = (number),
    GF_REASON_KINDS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(reason_kind)

enum gf_parent_rule {
    GF_PARENT_UNSPECIFIED = 0,
#define GF_X(name, number) GF_PARENT_##name = (number),
    GF_PARENT_RULES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(parent_rule)

enum gf_variable_source {
    GF_VARIABLE_SOURCE_UNSPECIFIED = 0,
#define GF_X(name, number) GF_VARIABLE_SOURCE_##name = (number),
    GF_VARIABLE_SOURCES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(variable_source)

enum gf_initiator_kind {
    GF_INITIATOR_UNSPECIFIED = 0,
#define GF_X(name, number) GF_INITIATOR_##name = (number),
    GF_INITIATOR_KINDS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(initiator_kind)

enum gf_event_kind {
    GF_EVENT_UNSPECIFIED = 0,
#define GF_X(name, number) GF_EVENT_##name = (number),
    GF_EVENT_KINDS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(event_kind)

/* ---- Resources ---- */

/* The sentence and the kind behind a status. kind is UNSPECIFIED and text empty where all went
 * well. */
struct gf_reason {
    enum gf_reason_kind kind;
    struct gf_str text;
};

struct gf_variable {
    struct gf_str key;
    struct gf_str value;
    enum gf_variable_source source;
};

/* A fact for people and tools, without a meaning for gofer. */
struct gf_label {
    struct gf_str key;
    struct gf_str value;
};

struct gf_namespace {
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_str name;
    struct gf_str description;
    int64_t create_time;
    int64_t update_time;
};

struct gf_pipeline {
    int64_t pipeline_key;
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    enum gf_pipeline_state state;
    int64_t create_time;
    int64_t update_time;
    int64_t latest_version; /* of its configs; 1 or more */
    int64_t live_version;   /* 0 = nothing is deployed */
    int64_t latest_run_id;  /* 0 = never ran */
    int64_t latest_deployment_id;
};

/* One parent of a task: `index` into the config's tasks, which the check of the graph fills in. */
struct gf_parent {
    struct gf_str task_id;
    int32_t index;
    enum gf_parent_rule rule;
};

/* Limits of a task's container; 0 = the scheduler's default. */
struct gf_resources {
    int64_t cpu_millis;
    int64_t memory_bytes;
    int64_t pid_count;
    int64_t disk_bytes;
};

enum gf_network_mode {
    GF_NETWORK_UNSPECIFIED = 0, /* the scheduler's default */
    GF_NETWORK_NONE = 1,
    GF_NETWORK_HOST = 2,
    GF_NETWORK_BRIDGE = 3,
};

/* When the image of a task is fetched. */
enum gf_pull_policy {
    GF_PULL_UNSPECIFIED = 0, /* the default: where it is missing */
    GF_PULL_NEVER = 1,
};

struct gf_task {
    struct gf_str task_id;
    struct gf_str description;
    struct gf_str image;
    const struct gf_str *entrypoint; /* replaces the image's where entrypoint_count > 0 */
    size_t entrypoint_count;
    const struct gf_str *command; /* replaces the image's where command_count > 0 */
    size_t command_count;
    const struct gf_variable *variables; /* sorted by key, keys unique */
    size_t variable_count;
    struct gf_parent *parents; /* sorted by task_id, unique */
    size_t parent_count;
    /* Tasks that name this one as a parent, as indexes; filled in by the check of the graph. */
    int32_t *children;
    size_t child_count;
    struct gf_str user;
    struct gf_str working_directory;
    int64_t timeout_ms; /* 0 = none */
    struct gf_resources resources;
    enum gf_network_mode network;
    enum gf_pull_policy pull;
    const struct gf_label *labels; /* sorted by key, keys unique */
    size_t label_count;
};

/* One registered version of a pipeline. Immutable but for its state and deprecate_time. */
struct gf_config {
    int64_t pipeline_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t version; /* from 1, per pipeline */
    enum gf_config_state state;
    int64_t register_time;
    int64_t deprecate_time;
    struct gf_str content_hash; /* lower-case hexadecimal BLAKE2b-256 of gf_config_encode's bytes */
    struct gf_str name;
    struct gf_str description;
    int64_t parallelism;                 /* runs at once; 0 = the server's limit */
    const struct gf_variable *variables; /* of every task; a task's own win; sorted, unique */
    size_t variable_count;
    const struct gf_label *labels; /* sorted by key, keys unique */
    size_t label_count;
    struct gf_task *tasks; /* in the order of the file */
    size_t task_count;
};

struct gf_deployment {
    int64_t pipeline_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t deployment_id; /* from 1, per pipeline */
    int64_t start_version; /* what was live before; end_version where nothing was */
    int64_t end_version;
    enum gf_deployment_state state;
    enum gf_deployment_status status;
    struct gf_reason reason;
    int64_t start_time;
    int64_t end_time;
};

struct gf_initiator {
    enum gf_initiator_kind kind;
    struct gf_str id;
    struct gf_str reason;
};

/*
 * The state of one task of a run: the row of its newest attempt. The rows of a run are created when
 * it starts; a queued run has none. States: WAITING for parents or for a free slot, PROCESSING from
 * the launch to the start of the container, RUNNING, COMPLETE.
 */
struct gf_task_execution {
    int64_t run_key;
    int32_t task_index; /* into the config's tasks */
    struct gf_str task_id;
    /* Fencing number: 0 = never launched, then 1, 2, ... A report of an older attempt changes
     * nothing. */
    int32_t attempt;
    enum gf_task_state state;
    enum gf_task_status status;
    struct gf_reason reason;
    bool has_exit_code;
    int32_t exit_code;
    int32_t exit_signal; /* 0 = ended by itself */
    int64_t create_time;
    int64_t launch_time;
    int64_t start_time;
    int64_t end_time;
    struct gf_str image_digest; /* "sha256:..." that ran; empty before the start */
    struct gf_str node;         /* the machine that ran it; empty before the start */
    int64_t cpu_time_ns;        /* used by the container; 0 = unknown */
    int64_t peak_memory_bytes;  /* 0 = unknown */
    int64_t log_bytes;          /* payload bytes in the log; 0 before the end */
    bool log_truncated;
};

struct gf_run {
    int64_t run_key;
    int64_t pipeline_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t run_id; /* from 1, per pipeline */
    int64_t version;
    enum gf_run_state state;
    enum gf_run_status status;
    struct gf_reason reason;
    struct gf_initiator initiator;
    const struct gf_variable *variables; /* given at the start; sorted by key, keys unique */
    size_t variable_count;
    struct gf_str request_id; /* empty = none was given */
    bool cancel_requested;
    int64_t create_time;
    int64_t start_time;
    int64_t end_time;
};

/*
 * One line of the event log. Which ids are set follows from the kind: a run's event has
 * namespace_id, pipeline_id and run_id, and so on. `status` is the number of the run, task or
 * deployment status for the _COMPLETED kinds, else 0.
 */
struct gf_event {
    int64_t sequence; /* from 1, without gaps, in the order of commits */
    int64_t time;
    enum gf_event_kind kind;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t version;       /* of a config; 0 = not about one */
    int64_t deployment_id; /* 0 = not about one */
    int64_t run_id;        /* 0 = not about one */
    struct gf_str task_id;
    int32_t attempt; /* of the task; 0 = not about one */
    int32_t status;
};

#endif /* GOFER_ENGINE_CORE_MODEL_H_ */
