#include "cli/cmd/commands.h"

/* Ordered by noun and verb; those of one word first. */
static const struct gf_command *const items[] = {
    &gf_cmd_complete,
    &gf_cmd_completion,
    &gf_cmd_help,
    &gf_cmd_reference,
    &gf_cmd_up,
    &gf_cmd_version,

    &gf_cmd_config_get,
    &gf_cmd_config_list,
    &gf_cmd_deployment_get,
    &gf_cmd_deployment_list,
    &gf_cmd_event_list,
    &gf_cmd_image_get,
    &gf_cmd_image_import,
    &gf_cmd_image_list,
    &gf_cmd_namespace_create,
    &gf_cmd_namespace_delete,
    &gf_cmd_namespace_get,
    &gf_cmd_namespace_list,
    &gf_cmd_namespace_update,
    &gf_cmd_pipeline_get,
    &gf_cmd_pipeline_list,
    &gf_cmd_pipeline_run,
    &gf_cmd_run_cancel,
    &gf_cmd_run_get,
    &gf_cmd_run_list,
    &gf_cmd_service_info,
    &gf_cmd_service_start,
    &gf_cmd_task_get,
    &gf_cmd_task_list,
    &gf_cmd_task_logs,
};

const struct gf_command_set gf_all_commands = {items, GF_ARRAY_COUNT(items)};
