#include "engine/core/model.h"

#include "engine/core/model_extensions.h"

/* The two functions of one table; see GF_MODEL_ENUM_END. */
#define NAME_CASE(name_, number)                                                                   \
    case (number):                                                                                 \
        return #name_;
#define VALID_CASE(name_, number)                                                                  \
    case (number):                                                                                 \
        return true;

#define DEFINE_ENUM(name, TABLE)                                                                   \
    const char *gf_##name##_name(enum gf_##name value) {                                           \
        switch ((int)value) {                                                                      \
            TABLE(NAME_CASE)                                                                       \
        default:                                                                                   \
            return "UNSPECIFIED";                                                                  \
        }                                                                                          \
    }                                                                                              \
    bool gf_##name##_valid(int64_t number) {                                                       \
        switch (number) {                                                                          \
            TABLE(VALID_CASE)                                                                      \
        default:                                                                                   \
            return false;                                                                          \
        }                                                                                          \
    }

DEFINE_ENUM(pipeline_state, GF_PIPELINE_STATES)
DEFINE_ENUM(config_state, GF_CONFIG_STATES)
DEFINE_ENUM(deployment_state, GF_DEPLOYMENT_STATES)
DEFINE_ENUM(deployment_status, GF_DEPLOYMENT_STATUSES)
DEFINE_ENUM(run_state, GF_RUN_STATES)
DEFINE_ENUM(run_status, GF_RUN_STATUSES)
DEFINE_ENUM(task_state, GF_TASK_STATES)
DEFINE_ENUM(task_status, GF_TASK_STATUSES)
DEFINE_ENUM(reason_kind, GF_REASON_KINDS)
DEFINE_ENUM(parent_rule, GF_PARENT_RULES)
DEFINE_ENUM(queue_policy, GF_QUEUE_POLICIES)
DEFINE_ENUM(run_ordering_policy, GF_RUN_ORDERING_POLICIES)
DEFINE_ENUM(request_kind, GF_REQUEST_KINDS)
DEFINE_ENUM(variable_source, GF_VARIABLE_SOURCES)
DEFINE_ENUM(initiator_kind, GF_INITIATOR_KINDS)
DEFINE_ENUM(event_kind, GF_EVENT_KINDS)
DEFINE_ENUM(extension_update_policy, GF_EXTENSION_UPDATE_POLICIES)
DEFINE_ENUM(subscription_status, GF_SUBSCRIPTION_STATUSES)
DEFINE_ENUM(subscription_reason, GF_SUBSCRIPTION_REASONS)
DEFINE_ENUM(report_outcome, GF_REPORT_OUTCOMES)
DEFINE_ENUM(delivery_kind, GF_DELIVERY_KINDS)
DEFINE_ENUM(start_outcome, GF_START_OUTCOMES)
DEFINE_ENUM(instance_state, GF_INSTANCE_STATES)

/* A filter of events is a set of bits (struct gf_event_kinds). */
#define KIND_FITS(name_, number)                                                                   \
    _Static_assert((number) < GF_EVENT_KIND_END, #name_ " has no bit in a filter");
GF_EVENT_KINDS(KIND_FITS)
