#include "api/codec/model/enums.h"

#include "engine/core/model_extensions.h"
#include "gofer/extension/v1/extension.pb-c.h"
#include "gofer/v1/deployment.pb-c.h"
#include "gofer/v1/event.pb-c.h"
#include "gofer/v1/extension.pb-c.h"
#include "gofer/v1/pipeline.pb-c.h"
#include "gofer/v1/pipeline_config.pb-c.h"
#include "gofer/v1/run.pb-c.h"
#include "gofer/v1/subscription.pb-c.h"

/* One check for each value of each table of engine/core/model.h and model_extensions.h. */
#define SAME(theirs, number) _Static_assert((int)(theirs) == (number), #theirs);

#define CHECK_PIPELINE_STATE(name, number)                                                         \
    SAME(GOFER__V1__PIPELINE_STATE__PIPELINE_STATE_##name, number)
GF_PIPELINE_STATES(CHECK_PIPELINE_STATE)

#define CHECK_CONFIG_STATE(name, number)                                                           \
    SAME(GOFER__V1__PIPELINE_CONFIG_STATE__PIPELINE_CONFIG_STATE_##name, number)
GF_CONFIG_STATES(CHECK_CONFIG_STATE)

#define CHECK_DEPLOYMENT_STATE(name, number)                                                       \
    SAME(GOFER__V1__DEPLOYMENT_STATE__DEPLOYMENT_STATE_##name, number)
GF_DEPLOYMENT_STATES(CHECK_DEPLOYMENT_STATE)

#define CHECK_DEPLOYMENT_STATUS(name, number)                                                      \
    SAME(GOFER__V1__DEPLOYMENT_STATUS__DEPLOYMENT_STATUS_##name, number)
GF_DEPLOYMENT_STATUSES(CHECK_DEPLOYMENT_STATUS)

#define CHECK_RUN_STATE(name, number) SAME(GOFER__V1__RUN_STATE__RUN_STATE_##name, number)
GF_RUN_STATES(CHECK_RUN_STATE)

#define CHECK_RUN_STATUS(name, number) SAME(GOFER__V1__RUN_STATUS__RUN_STATUS_##name, number)
GF_RUN_STATUSES(CHECK_RUN_STATUS)

#define CHECK_TASK_STATE(name, number)                                                             \
    SAME(GOFER__V1__TASK_EXECUTION_STATE__TASK_EXECUTION_STATE_##name, number)
GF_TASK_STATES(CHECK_TASK_STATE)

#define CHECK_TASK_STATUS(name, number)                                                            \
    SAME(GOFER__V1__TASK_EXECUTION_STATUS__TASK_EXECUTION_STATUS_##name, number)
GF_TASK_STATUSES(CHECK_TASK_STATUS)

#define CHECK_ORDERING(name, number)                                                               \
    SAME(GOFER__V1__RUN_ORDERING_POLICY__RUN_ORDERING_POLICY_##name, number)
GF_RUN_ORDERING_POLICIES(CHECK_ORDERING)

#define CHECK_VARIABLE_SOURCE(name, number)                                                        \
    SAME(GOFER__V1__VARIABLE_SOURCE__VARIABLE_SOURCE_##name, number)
GF_VARIABLE_SOURCES(CHECK_VARIABLE_SOURCE)

#define CHECK_INITIATOR(name, number) SAME(GOFER__V1__INITIATOR_KIND__INITIATOR_KIND_##name, number)
GF_INITIATOR_KINDS(CHECK_INITIATOR)

#define CHECK_EVENT(name, number) SAME(GOFER__V1__EVENT_KIND__EVENT_KIND_##name, number)
GF_EVENT_KINDS(CHECK_EVENT)

#define CHECK_UPDATE_POLICY(name, number)                                                          \
    SAME(GOFER__V1__EXTENSION_UPDATE_POLICY__EXTENSION_UPDATE_POLICY_##name, number)
GF_EXTENSION_UPDATE_POLICIES(CHECK_UPDATE_POLICY)

#define CHECK_SUBSCRIPTION_STATUS(name, number)                                                    \
    SAME(GOFER__V1__SUBSCRIPTION_STATUS__SUBSCRIPTION_STATUS_##name, number)
GF_SUBSCRIPTION_STATUSES(CHECK_SUBSCRIPTION_STATUS)

#define SUBSCRIPTION_REASON(name)                                                                  \
    GOFER__V1__SUBSCRIPTION_STATUS_REASON_KIND__SUBSCRIPTION_STATUS_REASON_KIND_##name
#define CHECK_SUBSCRIPTION_REASON(name, number) SAME(SUBSCRIPTION_REASON(name), number)
GF_SUBSCRIPTION_REASONS(CHECK_SUBSCRIPTION_REASON)

#define CHECK_REPORT_OUTCOME(name, number)                                                         \
    SAME(GOFER__V1__EXTENSION_REPORT_OUTCOME__EXTENSION_REPORT_OUTCOME_##name, number)
GF_REPORT_OUTCOMES(CHECK_REPORT_OUTCOME)

#define CHECK_DELIVERY_KIND(name, number)                                                          \
    SAME(GOFER__V1__DEAD_LETTER_KIND__DEAD_LETTER_KIND_##name, number)
GF_DELIVERY_KINDS(CHECK_DELIVERY_KIND)

#define CHECK_START_OUTCOME(name, number)                                                          \
    SAME(GOFER__EXTENSION__V1__RUN_OUTCOME_KIND__RUN_OUTCOME_KIND_##name, number)
GF_START_OUTCOMES(CHECK_START_OUTCOME)

/* Only a run that waits is coalesced, and it has no tasks yet. */
#define TASK_REASON(name)                                                                          \
    GOFER__V1__TASK_EXECUTION_STATUS_REASON_KIND__TASK_EXECUTION_STATUS_REASON_KIND_##name
SAME(TASK_REASON(ABNORMAL_EXIT), GF_REASON_ABNORMAL_EXIT)
SAME(TASK_REASON(SCHEDULER_ERROR), GF_REASON_SCHEDULER_ERROR)
SAME(TASK_REASON(FAILED_PRECONDITION), GF_REASON_FAILED_PRECONDITION)
SAME(TASK_REASON(USER_CANCELLED), GF_REASON_USER_CANCELLED)
SAME(TASK_REASON(ORPHANED), GF_REASON_ORPHANED)
SAME(TASK_REASON(TIMED_OUT), GF_REASON_TIMED_OUT)
SAME(TASK_REASON(OUT_OF_MEMORY), GF_REASON_OUT_OF_MEMORY)
SAME(TASK_REASON(DISPLACED), GF_REASON_DISPLACED)
SAME(TASK_REASON(IMAGE_ERROR), GF_REASON_IMAGE_ERROR)

/* Runs have the numbers of tasks, but for what only a task can meet with. */
#define RUN_REASON(name) GOFER__V1__RUN_STATUS_REASON_KIND__RUN_STATUS_REASON_KIND_##name
SAME(RUN_REASON(ABNORMAL_EXIT), GF_REASON_ABNORMAL_EXIT)
SAME(RUN_REASON(SCHEDULER_ERROR), GF_REASON_SCHEDULER_ERROR)
SAME(RUN_REASON(FAILED_PRECONDITION), GF_REASON_FAILED_PRECONDITION)
SAME(RUN_REASON(USER_CANCELLED), GF_REASON_USER_CANCELLED)
SAME(RUN_REASON(ORPHANED), GF_REASON_ORPHANED)
SAME(RUN_REASON(TIMED_OUT), GF_REASON_TIMED_OUT)
SAME(RUN_REASON(DISPLACED), GF_REASON_DISPLACED)
SAME(RUN_REASON(COALESCED), GF_REASON_COALESCED)

Gofer__V1__RunStatusReasonKind gf_run_reason_kind_to_message(enum gf_run_status status,
                                                             enum gf_reason_kind kind) {
    if (kind == GF_REASON_OUT_OF_MEMORY) {
        return RUN_REASON(ABNORMAL_EXIT);
    }
    if (kind == GF_REASON_UNSPECIFIED && status == GF_RUN_STATUS_SUCCESSFUL) {
        return RUN_REASON(NORMAL_EXIT);
    }
    return (Gofer__V1__RunStatusReasonKind)kind;
}

Gofer__V1__TaskExecutionStatusReasonKind gf_task_reason_kind_to_message(enum gf_task_status status,
                                                                        enum gf_reason_kind kind) {
    if (kind == GF_REASON_UNSPECIFIED && status == GF_TASK_STATUS_SUCCESSFUL) {
        return TASK_REASON(NORMAL_EXIT);
    }
    return (Gofer__V1__TaskExecutionStatusReasonKind)kind;
}
