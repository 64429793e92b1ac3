/*
 * The handler tables of the services that this version has, one file each, and the ctx of all:
 * struct gf_services. For api/service alone.
 */
#ifndef GOFER_API_SERVICE_HANDLERS_H_
#define GOFER_API_SERVICE_HANDLERS_H_

#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/image.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/role.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "gofer/v1/system.gofer.h"
#include "gofer/v1/task_execution.gofer.h"
#include "gofer/v1/token.gofer.h"

extern const struct gofer_v1_system_service_handlers gf_system_service;
extern const struct gofer_v1_namespace_service_handlers gf_namespace_service;
extern const struct gofer_v1_pipeline_service_handlers gf_pipeline_service;
extern const struct gofer_v1_pipeline_config_service_handlers gf_pipeline_config_service;
extern const struct gofer_v1_deployment_service_handlers gf_deployment_service;
extern const struct gofer_v1_run_service_handlers gf_run_service;
extern const struct gofer_v1_task_execution_service_handlers gf_task_execution_service;
extern const struct gofer_v1_event_service_handlers gf_event_service;
extern const struct gofer_v1_extension_service_handlers gf_extension_service;
extern const struct gofer_v1_image_service_handlers gf_image_service;
extern const struct gofer_v1_secret_service_handlers gf_secret_service;
extern const struct gofer_v1_subscription_service_handlers gf_subscription_service;
extern const struct gofer_v1_token_service_handlers gf_token_service;
extern const struct gofer_v1_role_service_handlers gf_role_service;

/* Starts of calls that have files of their own. */
void gf_system_diagnose(struct gf_rpc_call *call, const Gofer__V1__DiagnoseSystemRequest *request,
                        void *ctx);
void gf_run_watch_start(struct gf_rpc_call *call, const Gofer__V1__WatchRunRequest *request,
                        void *ctx);
void gf_log_follow_start(struct gf_rpc_call *call,
                         const Gofer__V1__FollowTaskExecutionLogsRequest *request, void *ctx);
void gf_log_delete_start(struct gf_rpc_call *call,
                         const Gofer__V1__DeleteTaskExecutionLogsRequest *request, void *ctx);
void gf_event_follow_start(struct gf_rpc_call *call, const Gofer__V1__FollowEventsRequest *request,
                           void *ctx);
void gf_extension_log_follow_start(struct gf_rpc_call *call,
                                   const Gofer__V1__FollowExtensionLogsRequest *request, void *ctx);
void gf_image_pull_start(struct gf_rpc_call *call, const Gofer__V1__PullImageRequest *request,
                         void *ctx);
void gf_image_export_start(struct gf_rpc_call *call, const Gofer__V1__ExportImageRequest *request,
                           void *ctx);
void gf_image_delete_start(struct gf_rpc_call *call, const Gofer__V1__DeleteImageRequest *request,
                           void *ctx);
void gf_image_import_start(struct gf_rpc_call *call, void *ctx);
void gf_image_import_message(struct gf_rpc_call *call, const Gofer__V1__ImportImageRequest *request,
                             void *ctx);

#endif /* GOFER_API_SERVICE_HANDLERS_H_ */
