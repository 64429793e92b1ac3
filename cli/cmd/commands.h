/*
 * Every command, one file each: cli/cmd/<noun>_<verb>.c defines gf_cmd_<noun>_<verb>.
 */
#ifndef GOFER_CLI_CMD_COMMANDS_H_
#define GOFER_CLI_CMD_COMMANDS_H_

#include "cli/command.h"

extern const struct gf_command gf_cmd_complete;
extern const struct gf_command gf_cmd_completion;
extern const struct gf_command gf_cmd_config_delete;
extern const struct gf_command gf_cmd_config_diff;
extern const struct gf_command gf_cmd_config_get;
extern const struct gf_command gf_cmd_config_list;
extern const struct gf_command gf_cmd_config_reference;
extern const struct gf_command gf_cmd_config_validate;
extern const struct gf_command gf_cmd_context_delete;
extern const struct gf_command gf_cmd_context_get;
extern const struct gf_command gf_cmd_context_list;
extern const struct gf_command gf_cmd_context_set;
extern const struct gf_command gf_cmd_context_use;
extern const struct gf_command gf_cmd_deployment_get;
extern const struct gf_command gf_cmd_deployment_list;
extern const struct gf_command gf_cmd_event_list;
extern const struct gf_command gf_cmd_extension_dev;
extern const struct gf_command gf_cmd_help;
extern const struct gf_command gf_cmd_image_delete;
extern const struct gf_command gf_cmd_image_export;
extern const struct gf_command gf_cmd_image_get;
extern const struct gf_command gf_cmd_image_import;
extern const struct gf_command gf_cmd_image_list;
extern const struct gf_command gf_cmd_image_pull;
extern const struct gf_command gf_cmd_namespace_create;
extern const struct gf_command gf_cmd_namespace_delete;
extern const struct gf_command gf_cmd_namespace_get;
extern const struct gf_command gf_cmd_namespace_list;
extern const struct gf_command gf_cmd_namespace_update;
extern const struct gf_command gf_cmd_pipeline_delete;
extern const struct gf_command gf_cmd_pipeline_disable;
extern const struct gf_command gf_cmd_pipeline_enable;
extern const struct gf_command gf_cmd_pipeline_get;
extern const struct gf_command gf_cmd_pipeline_list;
extern const struct gf_command gf_cmd_pipeline_run;
extern const struct gf_command gf_cmd_pipeline_stats;
extern const struct gf_command gf_cmd_reference;
extern const struct gf_command gf_cmd_role_create;
extern const struct gf_command gf_cmd_role_delete;
extern const struct gf_command gf_cmd_role_get;
extern const struct gf_command gf_cmd_role_list;
extern const struct gf_command gf_cmd_role_methods;
extern const struct gf_command gf_cmd_role_update;
extern const struct gf_command gf_cmd_run_cancel;
extern const struct gf_command gf_cmd_run_get;
extern const struct gf_command gf_cmd_run_input;
extern const struct gf_command gf_cmd_run_list;
extern const struct gf_command gf_cmd_run_repair;
extern const struct gf_command gf_cmd_run_retry;
extern const struct gf_command gf_cmd_secret_delete;
extern const struct gf_command gf_cmd_secret_get;
extern const struct gf_command gf_cmd_secret_list;
extern const struct gf_command gf_cmd_secret_put;
extern const struct gf_command gf_cmd_secret_reveal;
extern const struct gf_command gf_cmd_secret_rotate_keys;
extern const struct gf_command gf_cmd_service_config;
extern const struct gf_command gf_cmd_service_doctor;
extern const struct gf_command gf_cmd_service_info;
extern const struct gf_command gf_cmd_service_init_config;
extern const struct gf_command gf_cmd_service_limits;
extern const struct gf_command gf_cmd_service_pause;
extern const struct gf_command gf_cmd_service_preferences;
extern const struct gf_command gf_cmd_service_resume;
extern const struct gf_command gf_cmd_service_start;
extern const struct gf_command gf_cmd_service_summary;
extern const struct gf_command gf_cmd_task_attach;
extern const struct gf_command gf_cmd_task_cancel;
extern const struct gf_command gf_cmd_task_delete_logs;
extern const struct gf_command gf_cmd_task_exec;
extern const struct gf_command gf_cmd_task_get;
extern const struct gf_command gf_cmd_task_list;
extern const struct gf_command gf_cmd_task_logs;
extern const struct gf_command gf_cmd_task_shell;
extern const struct gf_command gf_cmd_token_bootstrap;
extern const struct gf_command gf_cmd_token_create;
extern const struct gf_command gf_cmd_token_delete;
extern const struct gf_command gf_cmd_token_delete_expired;
extern const struct gf_command gf_cmd_token_disable;
extern const struct gf_command gf_cmd_token_enable;
extern const struct gf_command gf_cmd_token_get;
extern const struct gf_command gf_cmd_token_list;
extern const struct gf_command gf_cmd_up;
extern const struct gf_command gf_cmd_version;
extern const struct gf_command gf_cmd_whoami;

/* All of them. */
extern const struct gf_command_set gf_all_commands;

#endif /* GOFER_CLI_CMD_COMMANDS_H_ */
