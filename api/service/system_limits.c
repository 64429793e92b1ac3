#include "api/service/system_limits.h"

#include "api/access/gate.h"
#include "api/codec/model/message.h"
#include "api/service/list.h"
#include "base/identifier.h"
#include "engine/core/limits.h"
#include "engine/secrets/references.h"
#include "engine/secrets/secret.h"

#include <stdlib.h>

enum {
    SETTINGS_MAX = 24,
};

struct limit {
    const char *name;
    int64_t value;
    const char *unit;
    const char *description;
};

/* Those of every server: the constants of engine/core/limits.h and of the API. */
static const struct limit constants[] = {
    {"argument_bytes_max", GF_ARGUMENT_BYTES_MAX, "bytes",
     "One argument of entrypoint or command; a longer one is refused."},
    {"config_bytes_max", GF_CONFIG_BYTES_MAX, "bytes",
     "A pipeline config as it is stored; a larger one is refused."},
    {"config_parents_max", GF_CONFIG_PARENTS_MAX, "count",
     "Dependencies of all tasks of a config together; a config with more is refused."},
    {"config_run_timeout_max", GF_RUN_TIMEOUT_MS_MAX, "milliseconds",
     "The longest timeout of its runs that a config may ask for; a longer one is refused."},
    {"config_stop_timeout_max", GF_STOP_TIMEOUT_MS_MAX, "milliseconds",
     "The longest stop timeout that a task may ask for; a longer one is refused."},
    {"config_task_timeout_max", GF_TASK_TIMEOUT_MS_MAX, "milliseconds",
     "The longest timeout that a task may ask for; a longer one is refused."},
    {"config_tasks_max", GF_CONFIG_TASKS_MAX, "count",
     "Tasks of a config; a config with more is refused."},
    {"description_chars_max", GF_DESCRIPTION_CHARS_MAX, "count",
     "Characters of a description; a longer one is refused."},
    {"followers_max", GF_EVENT_HUB_FOLLOWERS_MAX, "count",
     "Streams that wait for events, of runs and logs too; more are refused."},
    {"identifier_chars_max", GF_IDENTIFIER_CHARS_MAX, "count",
     "Characters of an identifier; a longer one is refused."},
    {"image_chars_max", GF_IMAGE_CHARS_MAX, "count",
     "Characters of an image reference; a longer one is refused."},
    {"label_key_chars_max", GF_LABEL_KEY_CHARS_MAX, "count",
     "Characters of the key of a label; a longer one is refused."},
    {"label_value_chars_max", GF_LABEL_VALUE_CHARS_MAX, "count",
     "Characters of the value of a label; a longer one is refused."},
    {"labels_max", GF_LABELS_MAX, "count",
     "Labels of a config, a task or a run; more are refused."},
    {"media_type_bytes_max", GF_MEDIA_TYPE_BYTES_MAX, "bytes",
     "The media type of an input document; a longer one is refused."},
    {"name_chars_max", GF_NAME_CHARS_MAX, "count",
     "Characters of a name for people; a longer one is refused."},
    {"namespaces_max", GF_NAMESPACES_MAX, "count", "Namespaces; more are refused."},
    {"ordering_key_chars_max", GF_ORDERING_KEY_CHARS_MAX, "count",
     "Characters of an ordering key; a longer one is refused."},
    {"page_size_max", GF_PAGE_SIZE_MAX, "count",
     "Items of one page of a list; who asks for more gets so many."},
    {"parallelism_max", GF_PARALLELISM_MAX, "count",
     "Any limit of runs or tasks at once that a caller may set; a higher one is refused."},
    {"permission_globs_max", GF_PERMISSION_GLOBS_MAX, "count",
     "Globs of one target of a permission; more are refused."},
    {"permission_namespaces_max", GF_PERMISSION_NAMESPACES_MAX, "count",
     "Globs of namespaces of a permission; more are refused."},
    {"permission_targets_max", GF_PERMISSION_TARGETS_MAX, "count",
     "Targets of a permission; more are refused."},
    {"priority_max", GF_PRIORITY_MAX, "count",
     "The highest priority of a run, and negative the lowest; others are refused."},
    {"queue_commands_max", GF_ENGINE_QUEUE_COMMANDS_MAX, "count",
     "Commands that wait for the engine; more are refused with RESOURCE_EXHAUSTED."},
    {"queue_limit_max", GF_QUEUE_LIMIT_MAX, "count",
     "The longest queue that a config may ask for; a longer one is refused."},
    {"reason_chars_max", GF_REASON_CHARS_MAX, "count",
     "Characters of a reason that a caller gives; a longer one is refused."},
    {"request_age_max", GF_REQUEST_AGE_NS_MAX / GF_NS_PER_MS, "milliseconds",
     "How long the first outcome of a request_id is kept; runs keep theirs as long as they live."},
    {"request_bytes_max", GF_SERVICES_REQUEST_BYTES_MAX, "bytes",
     "One message of a request; a larger one is refused."},
    {"request_id_chars_max", GF_REQUEST_ID_BYTES_MAX, "count",
     "Characters of a request_id; a longer one is refused."},
    {"retry_attempts_max", GF_RETRY_ATTEMPTS_MAX, "count",
     "Attempts that a retry policy may ask for; more are refused."},
    {"retry_backoff_max", GF_RETRY_MAX_BACKOFF_MS_MAX, "milliseconds",
     "The longest wait between attempts that a retry policy may ask for; a longer one is refused."},
    {"retry_backoff_multiplier_max", GF_RETRY_BACKOFF_MULTIPLIER_MAX, "count",
     "The highest multiplier of waits that a retry policy may ask for; a higher one is refused."},
    {"retry_initial_backoff_max", GF_RETRY_INITIAL_BACKOFF_MS_MAX, "milliseconds",
     "The longest first wait that a retry policy may ask for; a longer one is refused."},
    {"role_floating_globs_max", GF_ROLE_FLOATING_GLOBS_MAX, "count",
     "Globs of a role with more than one `*`; more are refused."},
    {"role_globs_max", GF_ROLE_GLOBS_MAX, "count",
     "Globs of a role, all its permissions together; more are refused."},
    {"role_permissions_max", GF_ROLE_PERMISSIONS_MAX, "count",
     "Permissions of a role; more are refused."},
    {"roles_max", GF_ROLES_MAX, "count", "Roles besides those of the system; more are refused."},
    {"run_input_bytes_max", GF_RUN_INPUT_BYTES_MAX, "bytes",
     "The input document of a run; a larger one is refused."},
    {"run_variables_bytes_max", GF_RUN_VARIABLES_BYTES_MAX, "bytes",
     "Keys and values of the variables that a run is started with; more are refused."},
    {"run_variables_max", GF_RUN_VARIABLES_MAX, "count",
     "Variables that a run is started with; more are refused."},
    {"secret_namespaces_max", GF_SECRET_NAMESPACES_MAX, "count",
     "Globs of namespaces of a global secret; more are refused."},
    {"secret_value_bytes_max", GF_SECRET_VALUE_BYTES_MAX, "bytes",
     "The value of a secret; a larger one is refused."},
    {"secret_versions_max", GF_SECRET_VERSIONS_MAX, "count",
     "Versions of a secret that are kept; the oldest one makes room for the next."},
    {"secrets_global_max", GF_SECRETS_GLOBAL_MAX, "count", "Global secrets; more are refused."},
    {"secrets_per_pipeline_max", GF_SECRETS_PER_PIPELINE_MAX, "count",
     "Secrets of one pipeline; more are refused."},
    {"sessions_max", GF_SERVICES_SESSIONS_MAX, "count",
     "People in containers (attach, exec, terminals) at the same time; more are refused."},
    {"sessions_per_container_max", GF_SESSIONS_PER_CONTAINER_MAX, "count",
     "The same in one container; more are refused."},
    {"task_arguments_max", GF_TASK_ARGUMENTS_MAX, "count",
     "Arguments of entrypoint and of command each; more are refused."},
    {"task_parents_max", GF_TASK_PARENTS_MAX, "count",
     "Dependencies of one task; a task with more is refused."},
    {"task_pool_parallelism_max", GF_TASK_POOL_PARALLELISM_MAX, "count",
     "Tasks at once of one task pool; a higher limit is refused."},
    {"task_pools_max", GF_TASK_POOLS_MAX, "count", "Task pools of a config; more are refused."},
    {"task_variables_max", GF_TASK_VARIABLES_MAX, "count",
     "Variables of a task; more are refused."},
    {"token_lifetime_min", GF_TOKEN_LIFETIME_MS_MIN, "milliseconds",
     "The shortest lifetime of a token; a shorter one is refused."},
    {"token_roles_max", GF_TOKEN_ROLES_MAX, "count", "Roles of a token; more are refused."},
    {"token_user_chars_max", GF_TOKEN_USER_CHARS_MAX, "count",
     "Characters of the user of a token; a longer one is refused."},
    {"tokens_max", GF_TOKENS_MAX, "count", "Tokens; more are refused."},
    {"user_chars_max", GF_USER_CHARS_MAX, "count",
     "Characters of the user of a task; a longer one is refused."},
    {"variable_key_bytes_max", GF_VARIABLE_KEY_BYTES_MAX, "bytes",
     "The key of a variable; a longer one is refused."},
    {"variable_references_max", GF_REFERENCES_MAX, "count",
     "References to secrets and objects in one value of a variable; more are refused."},
    {"variable_value_bytes_max", GF_VARIABLE_VALUE_BYTES_MAX, "bytes",
     "The value of a variable; a longer one is refused."},
    {"working_directory_bytes_max", GF_PATH_BYTES_MAX, "bytes",
     "The working directory of a task; a longer one is refused."},
};

static int compare(const void *left, const void *right) {
    return strcmp(((const struct limit *)left)->name, ((const struct limit *)right)->name);
}

static Gofer__V1__SystemLimit *message_of(const struct limit *limit, struct gf_arena *arena) {
    Gofer__V1__SystemLimit *message =
        GF_MESSAGE_NEW(arena, Gofer__V1__SystemLimit, gofer__v1__system_limit);
    message->name = gf_message_text(gf_str_from(limit->name), arena);
    message->value = limit->value;
    message->unit = gf_message_text(gf_str_from(limit->unit), arena);
    message->description = gf_message_text(gf_str_from(limit->description), arena);
    return message;
}

/* The gate says "no limit" by a negative number. */
static int64_t or_none(int64_t limit) {
    return limit < 0 ? 0 : limit;
}

Gofer__V1__SystemLimit **gf_system_limits(const struct gf_services *services,
                                          struct gf_arena *arena, size_t *out_count) {
    const struct gf_core_limits *core = &services->limits;
    const struct gf_services_http_limits *http = &services->http_limits;
    const struct gf_gate_options *gate = gf_gate_get_options(services->gate);
    /* Those that the options of the server set, by the names of its flags. */
    const struct limit settings[] = {
        {"address_rate_max", or_none(gate->address_rate_max), "count",
         "Calls without a token of one address in a second; more are refused. 0: no limit."},
        {"address_streams_max", or_none(gate->address_streams_max), "count",
         "Calls without a token of one address at the same time; more are refused. 0: no limit."},
        {"calls_max", services->calls_max != 0 ? services->calls_max : GF_RPC_CALLS_MAX_DEFAULT,
         "count", "Calls under way at the same time, streams included; more are refused."},
        {"containers_max", core->attempts_running_max, "count",
         "Containers at once, in the server; more tasks wait. 0: no limit."},
        {"external_address_connections_max", http->external_address_connections_max, "count",
         "Connections at once for events from outside of one address of another machine; more are "
         "closed. 0: no limit."},
        {"external_address_rate_max", http->external_address_rate_max, "count",
         "Requests in a second from outside of one address of another machine; more are refused. "
         "0: no limit."},
        {"external_body_bytes_max", http->external_body_bytes_max, "bytes",
         "The body of a request from outside; a larger one is refused."},
        {"external_connections_max", http->external_connections_max, "count",
         "Connections at once for events from outside; more are closed."},
        {"http_connections_max", http->connections_max, "count",
         "Connections at once of the gateway; more are closed."},
        {"namespace_runs_max", core->namespace_runs_max, "count",
         "Runs at once of one namespace, which may ask for less; more are queued. 0: no limit."},
        {"pipeline_queue_max", core->pipeline_queue_max, "count",
         "Runs of one pipeline that wait; its config may ask for less; more are refused. 0: no "
         "limit."},
        {"pipeline_runs_max", core->pipeline_runs_max, "count",
         "Runs at once of one pipeline, whose config may ask for less; more are queued. 0: no "
         "limit."},
        {"run_timeout_max", core->run_timeout_ms_max, "milliseconds",
         "How long a run may take; its config may ask for less; then it is ended. 0: no limit."},
        {"runs_active_max", core->runs_active_max, "count",
         "Runs that have not ended, in the server; more are refused. 0: no limit."},
        {"runs_max", core->runs_running_max, "count",
         "Runs at once, in the server; more are queued. 0: no limit."},
        {"stop_timeout", core->stop_timeout_ms, "milliseconds",
         "Time between SIGTERM and SIGKILL of a task that does not say."},
        {"task_timeout_max", core->task_timeout_ms_max, "milliseconds",
         "How long an attempt of a task may take; its task may ask for less; then it is ended. 0: "
         "no limit."},
        {"token_rate_max", or_none(gate->token_rate_max), "count",
         "Calls with one token in a second; more are refused. 0: no limit."},
        {"token_streams_max", or_none(gate->token_streams_max), "count",
         "Streams of one token at the same time; more are refused. 0: no limit."},
        {"upload_bytes_max", services->upload_bytes_max, "bytes",
         "One image archive that is imported; a larger one is refused."},
    };
    _Static_assert(GF_ARRAY_COUNT(settings) <= SETTINGS_MAX, "room for all");
    struct limit all[GF_ARRAY_COUNT(constants) + SETTINGS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(constants); i++) {
        all[count++] = constants[i];
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(settings); i++) {
        all[count++] = settings[i];
    }
    qsort(all, count, sizeof(all[0]), compare);
    Gofer__V1__SystemLimit **messages = GF_ARENA_ARRAY(arena, count, Gofer__V1__SystemLimit *);
    for (size_t i = 0; i < count; i++) {
        messages[i] = message_of(&all[i], arena);
    }
    *out_count = count;
    return messages;
}
