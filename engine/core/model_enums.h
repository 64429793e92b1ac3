/*
 * The enumerations of what gofer knows: states, statuses, kinds and rules of the resources of
 * engine/core/model.h. One table gives each its enum, its name in the store, and its parser.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_MODEL_ENUMS_H_
#define GOFER_ENGINE_CORE_MODEL_ENUMS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    X(OUT_OF_MEMORY, 7)       /* the kernel ended the command at its memory limit */               \
    X(DISPLACED, 10)          /* a newer run took its slot (queue policy CANCEL_OLDEST) */         \
    X(COALESCED, 11)          /* a newer run took its place in the queue (ordering NEWEST) */      \
    X(IMAGE_ERROR, 12)        /* the image is not there, may not be used or cannot be fetched */
/* How a parent must have ended for a task to run. */
#define GF_PARENT_RULES(X) X(ANY, 1) X(SUCCESS, 2) X(FAILURE, 3)
/* What becomes of a run that starts while its pipeline's parallelism is used up. */
#define GF_QUEUE_POLICIES(X) X(QUEUE, 1) X(REJECT, 2) X(CANCEL_OLDEST, 3)
/* What an ordering key does among the runs of a pipeline that have the same one. */
#define GF_RUN_ORDERING_POLICIES(X) X(STRICT, 1) X(NEWEST, 2)
/* What a request_id was used for. */
#define GF_REQUEST_KINDS(X)                                                                        \
    X(CREATE_NAMESPACE, 1)                                                                         \
    X(REGISTER_CONFIG, 2)                                                                          \
    X(DEPLOY, 3)                                                                                   \
    X(CREATE_TOKEN, 4)                                                                             \
    X(CREATE_ROLE, 5)                                                                              \
    X(INSTALL_EXTENSION, 6)                                                                        \
    X(CREATE_SUBSCRIPTION, 7)
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
    X(RUN_REPAIRED, 47)                                                                            \
    X(TASK_EXECUTION_CREATED, 50)                                                                  \
    X(TASK_EXECUTION_STARTED, 51)                                                                  \
    X(TASK_EXECUTION_COMPLETED, 52)                                                                \
    X(TASK_EXECUTION_RETRIED, 53)                                                                  \
    X(TASK_EXECUTION_CANCELLATION_STARTED, 54)                                                     \
    X(TASK_EXECUTION_LOGS_DELETED, 55)                                                             \
    X(TASK_EXECUTION_ATTACHED, 56)                                                                 \
    X(EXTENSION_INSTALLED, 70)                                                                     \
    X(EXTENSION_UPDATED, 71)                                                                       \
    X(EXTENSION_UNINSTALLED, 72)                                                                   \
    X(EXTENSION_ENABLED, 73)                                                                       \
    X(EXTENSION_DISABLED, 74)                                                                      \
    X(EXTENSION_CONNECTED, 75)                                                                     \
    X(EXTENSION_DISCONNECTED, 76)                                                                  \
    X(EXTENSION_DEAD_LETTERED, 77)                                                                 \
    X(EXTENSION_RESTARTED, 78)                                                                     \
    X(EXTENSION_UPDATE_FAILED, 79)                                                                 \
    X(SUBSCRIPTION_CREATED, 80)                                                                    \
    X(SUBSCRIPTION_UPDATED, 81)                                                                    \
    X(SUBSCRIPTION_ENABLED, 82)                                                                    \
    X(SUBSCRIPTION_DISABLED, 83)                                                                   \
    X(SUBSCRIPTION_FAILED, 84)                                                                     \
    X(SUBSCRIPTION_DELETED, 85)                                                                    \
    X(SUBSCRIPTION_ACTIVATED, 86)                                                                  \
    X(SECRET_WRITTEN, 100)                                                                         \
    X(SECRET_DELETED, 101)                                                                         \
    X(SECRET_REVEALED, 102)                                                                        \
    X(SECRET_KEYS_ROTATED, 103)                                                                    \
    X(TOKEN_CREATED, 110)                                                                          \
    X(TOKEN_ENABLED, 111)                                                                          \
    X(TOKEN_DISABLED, 112)                                                                         \
    X(TOKEN_DELETED, 113)                                                                          \
    X(ROLE_CREATED, 114)                                                                           \
    X(ROLE_UPDATED, 115)                                                                           \
    X(ROLE_DELETED, 116)                                                                           \
    X(IMAGE_IMPORTED, 120)                                                                         \
    X(IMAGE_DELETED, 121)                                                                          \
    X(SYSTEM_PREFERENCES_UPDATED, 130)                                                             \
    X(SYSTEM_STARTED, 131)

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

enum gf_queue_policy {
    GF_QUEUE_POLICY_UNSPECIFIED = 0, /* means QUEUE */
#define GF_X(name, number) GF_QUEUE_POLICY_##name = (number),
    GF_QUEUE_POLICIES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(queue_policy)

enum gf_run_ordering_policy {
    GF_RUN_ORDERING_UNSPECIFIED = 0, /* the run has no ordering key */
#define GF_X(name, number) GF_RUN_ORDERING_##name = (number),
    GF_RUN_ORDERING_POLICIES(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(run_ordering_policy)

enum gf_request_kind {
    GF_REQUEST_UNSPECIFIED = 0,
#define GF_X(name, number) GF_REQUEST_##name = (number),
    GF_REQUEST_KINDS(GF_X)
#undef GF_X
};
GF_MODEL_ENUM_END(request_kind)

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

/* ---- Without a table: they are in configs alone, by their numbers. ---- */

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
    GF_PULL_ALWAYS = 2, /* what the name means is asked of the registry each time */
};

/* ---- Sets ---- */

/* A set of kinds of events: bit kind % 64 of word kind / 64. */
enum {
    GF_EVENT_KIND_END = 192,
};
struct gf_event_kinds {
    uint64_t words[GF_EVENT_KIND_END / 64];
};

static inline bool gf_event_kinds_have(const struct gf_event_kinds *kinds,
                                       enum gf_event_kind kind) {
    return (kinds->words[(size_t)kind / 64] >> ((unsigned)kind % 64) & 1) != 0;
}

static inline void gf_event_kinds_add(struct gf_event_kinds *kinds, enum gf_event_kind kind) {
    kinds->words[(size_t)kind / 64] |= UINT64_C(1) << ((unsigned)kind % 64);
}

static inline bool gf_event_kinds_empty(const struct gf_event_kinds *kinds) {
    return (kinds->words[0] | kinds->words[1] | kinds->words[2]) == 0;
}

#endif /* GOFER_ENGINE_CORE_MODEL_ENUMS_H_ */
