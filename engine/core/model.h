/*
 * What gofer knows: namespaces, pipelines, their configs, deployments, runs and task executions.
 * The states, kinds and rules that they are in have a header of their own, model_enums.h.
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
#include "engine/auth/permission.h"
#include "engine/auth/token.h"
#include "engine/core/model_enums.h"

#include <stdbool.h>
#include <stdint.h>

/* The switches of the whole service. One row. */
struct gf_preferences {
    bool run_starts_paused; /* no new run may start; those that exist go on */
    struct gf_str run_starts_paused_reason;
    bool attach_disabled;
    int64_t update_time; /* 0 = never changed */
};

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

/* Who gives a command, and from where. All are empty where gofer itself does. */
struct gf_actor {
    struct gf_str token_id; /* empty in development mode */
    struct gf_str user;     /* likewise */
    struct gf_str peer;     /* address of the caller, as "ipv4:192.0.2.7:51234" or "unix:" */
};

/*
 * What is known of a token: never its text. Only those of HUMAN, BOT and EXTENSION are rows: the
 * token of a run is made of the run (engine/auth/run_token.h).
 */
struct gf_token {
    struct gf_str token_id; /* gf_token_id_of the digest */
    struct gf_token_digest digest;
    enum gf_token_kind kind;
    struct gf_str user;
    struct gf_str description;
    const struct gf_str *role_ids; /* in the order given, unique */
    size_t role_count;
    const struct gf_label *metadata; /* sorted by key, unique */
    size_t metadata_count;
    bool disabled;
    int64_t create_time;
    int64_t expire_time;   /* 0 = never */
    int64_t last_use_time; /* to the minute; 0 = never */
    struct gf_str last_use_peer;
    struct gf_str extension_id; /* of an EXTENSION */
};

struct gf_namespace {
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_str name;
    struct gf_str description;
    int64_t run_parallelism; /* runs of its pipelines at once; 0 = the server's limit */
    int64_t create_time;
    int64_t update_time;
};

struct gf_pipeline {
    int64_t pipeline_key;
    int64_t namespace_key;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    enum gf_pipeline_state state;
    struct gf_str state_reason; /* why it is DISABLED, as somebody said; may be empty */
    int64_t create_time;
    int64_t update_time;
    int64_t latest_version; /* the highest that a config was given, also where it was deleted */
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

/*
 * When a failed attempt is made again. The wait before attempt n + 1 is initial_backoff_ms times
 * backoff_multiplier to the power of n - 1, at most max_backoff_ms; jitter_percent of it is drawn,
 * from a hash of the attempt's numbers.
 */
struct gf_retry_policy {
    int32_t max_attempts; /* the first included; 0 = no policy, which is one attempt */
    int64_t initial_backoff_ms;
    int64_t max_backoff_ms;
    double backoff_multiplier; /* 1 to 10; 0 = the default */
    int32_t jitter_percent;    /* 0 to 100 */
    const int32_t *exit_codes; /* sorted, unique, 1 to 255; none = every failure of the container */
    size_t exit_code_count;
    bool retry_orphaned;
    bool retry_timed_out;
};

/* A bound on how many tasks of a pipeline run at once, over all its runs. */
struct gf_task_pool {
    struct gf_str pool_id;
    int64_t parallelism; /* 1 or more */
};

/* Who a task is at the registry of its image; all empty = as the server has it configured. */
struct gf_registry_auth {
    struct gf_str secret_key; /* of a pipeline secret, "USER:PASSWORD" */
    struct gf_str user;
    struct gf_str password; /* may hold references to secrets */
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
    int64_t timeout_ms;      /* of one attempt; 0 = none but the server's */
    int64_t stop_timeout_ms; /* between SIGTERM and SIGKILL; 0 = the server's */
    struct gf_retry_policy retry;
    struct gf_str pool; /* of the config's pools; empty = none */
    int32_t pool_index; /* into the config's pools, which the check fills in; -1 = none */
    struct gf_resources resources;
    enum gf_network_mode network;
    enum gf_pull_policy pull;
    bool inject_token; /* the container gets a token of its run and a way to reach gofer */
    bool keep_failed;  /* the root of a failed attempt is kept for a while */
    bool disable_logs; /* no output is kept */
    bool open_stdin;   /* the standard input stays open, for who attaches; else it is empty */
    bool terminal;     /* the program gets a terminal; its output is all stdout then */
    struct gf_registry_auth registry_auth;
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
    struct gf_str register_user; /* of the token that registered it; empty in development mode */
    int64_t deprecate_time;
    struct gf_str content_hash; /* lower-case hexadecimal BLAKE2b-256 of gf_config_encode's bytes */
    struct gf_str name;
    struct gf_str description;
    int64_t parallelism;               /* runs at once; 0 = the server's limit */
    enum gf_queue_policy queue_policy; /* beyond it */
    int64_t queue_limit;               /* runs that may wait; 0 = the server's limit */
    int32_t priority;                  /* of its runs; -1000 to 1000, higher is sooner */
    int64_t timeout_ms;                /* of a run, from its start; 0 = the server's limit */
    int64_t task_parallelism;          /* tasks of one run at once; 0 = the server's limit */
    bool disable_logs;                 /* no output of any task is kept */
    const struct gf_task_pool *pools;  /* sorted by pool_id, unique */
    size_t pool_count;
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
    struct gf_str start_user; /* of the token that started it; empty in development mode */
};

struct gf_initiator {
    enum gf_initiator_kind kind;
    /* For people: the user of the token, empty in development mode; of EXTENSION its id. */
    struct gf_str id;
    struct gf_str reason;
    struct gf_str token_id; /* empty in development mode, and where gofer's own token was used */
    /* Of EXTENSION: because of which subscription of the run's pipeline, and under which key. */
    struct gf_str subscription_id;
    struct gf_str key;
    int64_t event_time; /* likewise: when what it is about happened; 0 = it does not say */
};

/*
 * The state of one task of a run: the row of its newest attempt. The rows of a run are created when
 * it starts; a queued run has none. States: WAITING for parents, for a free slot, or for the time
 * of its next attempt; PROCESSING from the launch to the start of the container; RUNNING; COMPLETE.
 *
 * An earlier attempt has a row of its own that never changes: the state as it was when that attempt
 * ended, COMPLETE and FAILED. Until the next attempt is launched the task's own row shows the same.
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
    bool cancel_requested; /* of this task alone; then `reason` is there before the end */
    bool has_exit_code;
    int32_t exit_code;
    int32_t exit_signal; /* 0 = ended by itself */
    int64_t create_time;
    int64_t ready_time;         /* its parents allowed it to run */
    int64_t queue_time;         /* the attempt began to wait for a slot */
    int64_t launch_time;        /* it was handed to the scheduler */
    int64_t pull_start_time;    /* the scheduler began to fetch the image; 0 = it had it */
    int64_t pull_end_time;      /* the image was there */
    int64_t start_time;         /* the program started */
    int64_t stop_time;          /* it was first asked to stop */
    int64_t end_time;           /* the program ended, or the task without one */
    int64_t next_attempt_time;  /* WAITING for its next attempt: when; else 0 */
    int64_t kept_run_id;        /* the run in which it ran, whose result is kept; 0 = none */
    struct gf_str image_digest; /* "sha256:..." that ran; empty before the start */
    struct gf_str node;         /* the machine that ran it; empty before the start */
    int64_t cpu_time_ns;        /* used by the container; 0 = unknown */
    int64_t peak_memory_bytes;  /* 0 = unknown */
    int64_t peak_pid_count;     /* 0 = unknown */
    int64_t disk_bytes;         /* written to the container's own file system; 0 = unknown */
    int64_t log_bytes;          /* payload bytes in the log; 0 before the end */
    bool log_truncated;
    bool log_disabled;            /* from its config: no log is kept of any attempt */
    struct gf_str container_id;   /* the scheduler's own name; empty before the start */
    uint32_t missing_protections; /* of protection.h, known with the start */
    int64_t root_expire_time; /* until when the root of a failed attempt is kept; 0 = it is not */
};

/* What a run works on. The document itself lives in the store alone (get_run_input). */
struct gf_run_input {
    struct gf_str media_type;
    struct gf_str digest; /* lower-case hexadecimal BLAKE2b-256 */
    int64_t size_bytes;
};

/* A stretch of tasks, in the order of the config, of which a retry keeps the results or not. */
struct gf_kept_tasks {
    int64_t task_count; /* 1 or more */
    int64_t run_id;     /* the run in which they ran; 0 = they run again */
};

/*
 * `reason` of a run that is not COMPLETE says why it is being ended: kind TIMED_OUT, or the kind of
 * a cancel, when cancel_requested is set too. Its kind is UNSPECIFIED while nothing ends it.
 */
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
    const struct gf_label *labels; /* sorted by key, keys unique */
    size_t label_count;
    struct gf_str request_id; /* empty = none was given */
    bool has_input;
    struct gf_run_input input;  /* where has_input is set */
    int32_t priority;           /* -1000 to 1000, higher is sooner */
    bool has_priority;          /* it was given at the start; else it is the config's */
    struct gf_str ordering_key; /* empty = none */
    enum gf_run_ordering_policy ordering_policy;
    int32_t chain_depth;    /* of runs that made extensions want each other; 0 = it is the first */
    int64_t retried_run_id; /* the run of the same pipeline that this one repeats; 0 = none */
    bool used_live_version; /* the retry asked for the live version, not for that of the run */
    /* Of a retry of what failed: all tasks. No neighbours have the same run_id. */
    const struct gf_kept_tasks *kept_tasks;
    size_t kept_count; /* stretches; 0 = every task runs */
    bool cancel_requested;
    int64_t create_time;
    int64_t start_time;
    int64_t deadline_time; /* when its timeout ends it; 0 = not started, or no timeout */
    int64_t end_time;
};

/*
 * The first outcome of a command with a request_id: kept for GF_REQUEST_AGE_NS_MAX, and answered to
 * every repetition by the same caller. Only what succeeded is kept. Runs are not here: theirs is in
 * their own row, and lives as long as they do.
 */
struct gf_request {
    struct gf_str caller; /* empty = everybody, in development mode */
    struct gf_str request_id;
    enum gf_request_kind kind;
    int64_t fingerprint; /* of what was asked for: another one is another call */
    int64_t create_time;
    /* What came of it: the ids and numbers that the kind has. */
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    /* Of the namespace, pipeline or subscription: a later one of that id is another. */
    int64_t resource_key;
    struct gf_str subject_id; /* of the token, role, extension or subscription */
    int64_t number;           /* the version, or the deployment_id */
    bool changed;             /* false: everything was as the command wanted it */
    bool created_first;       /* REGISTER_CONFIG: the pipeline came into being with it */
};

/* How the runs of a pipeline that ended within a time have fared. Durations are in ns. */
struct gf_run_stats {
    int64_t successful_count;
    int64_t failed_count;
    int64_t cancelled_count;
    /* Of those that ended within the time and had started; 0 where there is none. */
    int64_t median_duration;
    int64_t p95_duration;
    int64_t median_queue_duration; /* from creation to start */
    bool truncated;                /* more ended within the time; these are those that ended last */
};

/* How many task executions of a run are where. */
struct gf_task_counts {
    int64_t by_state[5];  /* index: enum gf_task_state */
    int64_t by_status[5]; /* index: enum gf_task_status; of the COMPLETE ones */
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
    struct gf_str extension_id;
    struct gf_str subscription_id;
    struct gf_str key;               /* of the secret */
    struct gf_str subject_id;        /* of the token, role or image */
    struct gf_actor actor;           /* of what somebody did; empty where gofer did it */
    const struct gf_label *metadata; /* more facts, as EventKind in event.proto says; by key */
    size_t metadata_count;
};

#endif /* GOFER_ENGINE_CORE_MODEL_H_ */
