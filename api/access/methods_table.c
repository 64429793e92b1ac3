/* The rows. One line each, in the order of their names, so that a reader sees who may do what. */
#include "api/access/methods.h"
#include "base/macros.h"
#include "gofer/extension/v1/extension.gofer.h"
#include "gofer/v1/deployment.gofer.h"
#include "gofer/v1/event.gofer.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/image.gofer.h"
#include "gofer/v1/namespace.gofer.h"
#include "gofer/v1/object.gofer.h"
#include "gofer/v1/pipeline.gofer.h"
#include "gofer/v1/pipeline_config.gofer.h"
#include "gofer/v1/role.gofer.h"
#include "gofer/v1/run.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "gofer/v1/subscription.gofer.h"
#include "gofer/v1/system.gofer.h"
#include "gofer/v1/task_execution.gofer.h"
#include "gofer/v1/token.gofer.h"
#include "grpc/health/v1/health.gofer.h"
#include "grpc/reflection/v1/reflection.gofer.h"

/* clang-format off */
#define OPEN(name) {.method = (name), .access = GF_METHOD_OPEN}
#define LOCAL(name, ...) {.method = (name), .access = GF_METHOD_LOCAL, __VA_ARGS__}
#define TOKEN(name) {.method = (name), .access = GF_METHOD_TOKEN}
/* It is told settings with their secrets. */
#define EXTENSION(name) {.method = (name), .access = GF_METHOD_EXTENSION, .secret = true}
#define NEEDS(name, what, how, ...)                                                                \
    {.method = (name), .access = GF_METHOD_PERMISSION,                                             \
     .resource = GF_PERMISSION_RESOURCE_##what, .action = GF_PERMISSION_ACTION_##how,              \
     ##__VA_ARGS__}

/* Where a request says what it is about. */
#define ID(field) .id_field = (field)
#define IN_NAMESPACE .namespace_field = "namespace_id", .default_namespace = true
#define OF_PIPELINE IN_NAMESPACE, .id_field = "pipeline_id"
#define OF_RUN OF_PIPELINE, .run_field = "run_id"
#define IN(message) .root = (message)
#define FILTERED .filtered = true
#define SECRET .secret = true
/* A namespace: the thing itself, and that in which it is. */
#define THIS_NAMESPACE .namespace_field = "namespace_id", .id_field = "namespace_id"

static const struct gf_method_rule rules[] = {
    EXTENSION("gofer.extension.v1.ExtensionService/Connect"),

    NEEDS("gofer.v1.DeploymentService/AbortDeployment", PIPELINES, DEPLOY, OF_PIPELINE),
    NEEDS("gofer.v1.DeploymentService/DeployPipeline", PIPELINES, DEPLOY, OF_PIPELINE),
    NEEDS("gofer.v1.DeploymentService/GetDeployment", DEPLOYMENTS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.DeploymentService/ListDeployments", DEPLOYMENTS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.DeploymentService/PromoteDeployment", PIPELINES, DEPLOY, OF_PIPELINE),
    NEEDS("gofer.v1.DeploymentService/RollbackPipeline", PIPELINES, DEPLOY, OF_PIPELINE),

    NEEDS("gofer.v1.EventService/FollowEvents", EVENTS, READ, IN("filter"),
          .namespace_field = "namespace_id", FILTERED),
    NEEDS("gofer.v1.EventService/GetEvent", EVENTS, READ, FILTERED),
    NEEDS("gofer.v1.EventService/ListEvents", EVENTS, READ, IN("filter"),
          .namespace_field = "namespace_id", FILTERED),

    NEEDS("gofer.v1.ExtensionService/DeleteDeadLetters", EXTENSIONS, DELETE, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/DisableExtension", EXTENSIONS, WRITE, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/EnableExtension", EXTENSIONS, WRITE, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/FollowExtensionLogs", EXTENSIONS, READ_LOGS,
          ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/GetDeadLetter", EXTENSIONS, READ, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/GetExtension", EXTENSIONS, READ, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/GetExtensionDebugInfo", EXTENSIONS, READ_LOGS,
          ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/InstallExtension", EXTENSIONS, WRITE, ID("extension_id"),
          SECRET),
    NEEDS("gofer.v1.ExtensionService/ListDeadLetters", EXTENSIONS, READ, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/ListExtensionReports", EXTENSIONS, READ, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/ListExtensions", EXTENSIONS, READ, FILTERED),
    NEEDS("gofer.v1.ExtensionService/ReplayDeadLetters", EXTENSIONS, WRITE, ID("extension_id")),
    /* It starts a container of any image, for an extension that has no id yet. */
    NEEDS("gofer.v1.ExtensionService/RunExtensionInstaller", EXTENSIONS, WRITE, SECRET),
    NEEDS("gofer.v1.ExtensionService/RunSubscriptionConfigurator", SUBSCRIPTIONS, WRITE,
          IN("start"), OF_PIPELINE, SECRET),
    NEEDS("gofer.v1.ExtensionService/UninstallExtension", EXTENSIONS, DELETE, ID("extension_id")),
    NEEDS("gofer.v1.ExtensionService/UpdateExtension", EXTENSIONS, WRITE, ID("extension_id"),
          SECRET),
    NEEDS("gofer.v1.ExtensionService/WatchExtension", EXTENSIONS, READ, ID("extension_id")),

    NEEDS("gofer.v1.ImageService/DeleteImage", IMAGES, DELETE, ID("reference")),
    NEEDS("gofer.v1.ImageService/ExportImage", IMAGES, READ, ID("reference")),
    NEEDS("gofer.v1.ImageService/GetImage", IMAGES, READ, ID("reference")),
    NEEDS("gofer.v1.ImageService/ImportImage", IMAGES, WRITE, IN("start"), ID("name")),
    NEEDS("gofer.v1.ImageService/ListImages", IMAGES, READ, FILTERED),
    NEEDS("gofer.v1.ImageService/PullImage", IMAGES, WRITE, ID("reference"), SECRET),

    NEEDS("gofer.v1.NamespaceService/CreateNamespace", NAMESPACES, WRITE, THIS_NAMESPACE),
    NEEDS("gofer.v1.NamespaceService/DeleteNamespace", NAMESPACES, DELETE, THIS_NAMESPACE),
    NEEDS("gofer.v1.NamespaceService/GetNamespace", NAMESPACES, READ, THIS_NAMESPACE,
          .default_namespace = true),
    NEEDS("gofer.v1.NamespaceService/ListNamespaces", NAMESPACES, READ, FILTERED),
    NEEDS("gofer.v1.NamespaceService/UpdateNamespace", NAMESPACES, WRITE, THIS_NAMESPACE),

    NEEDS("gofer.v1.ObjectService/DeleteExtensionObject", EXTENSION_OBJECTS, DELETE,
          ID("extension_id")),
    NEEDS("gofer.v1.ObjectService/DeletePipelineObject", OBJECTS, DELETE, OF_PIPELINE),
    NEEDS("gofer.v1.ObjectService/DeleteRunObject", OBJECTS, DELETE, OF_RUN),
    NEEDS("gofer.v1.ObjectService/GetExtensionObject", EXTENSION_OBJECTS, READ, ID("extension_id")),
    NEEDS("gofer.v1.ObjectService/GetPipelineObject", OBJECTS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.ObjectService/GetRunObject", OBJECTS, READ, OF_RUN),
    NEEDS("gofer.v1.ObjectService/ListExtensionObjects", EXTENSION_OBJECTS, READ,
          ID("extension_id")),
    NEEDS("gofer.v1.ObjectService/ListPipelineObjects", OBJECTS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.ObjectService/ListRunObjects", OBJECTS, READ, OF_RUN),
    NEEDS("gofer.v1.ObjectService/PutExtensionObject", EXTENSION_OBJECTS, WRITE, IN("start"),
          ID("extension_id")),
    NEEDS("gofer.v1.ObjectService/PutPipelineObject", OBJECTS, WRITE, IN("start"), OF_PIPELINE),
    NEEDS("gofer.v1.ObjectService/PutRunObject", OBJECTS, WRITE, IN("start"), OF_RUN),

    NEEDS("gofer.v1.PipelineConfigService/DeletePipelineConfig", PIPELINE_CONFIGS, DELETE,
          OF_PIPELINE),
    NEEDS("gofer.v1.PipelineConfigService/DiffPipelineConfigs", PIPELINE_CONFIGS, READ,
          OF_PIPELINE),
    NEEDS("gofer.v1.PipelineConfigService/GetPipelineConfig", PIPELINE_CONFIGS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.PipelineConfigService/ListPipelineConfigs", PIPELINE_CONFIGS, READ,
          OF_PIPELINE),
    NEEDS("gofer.v1.PipelineConfigService/RegisterPipelineConfig", PIPELINE_CONFIGS, WRITE,
          IN_NAMESPACE, ID("spec.id")),
    /* It tells what registering would: the same right. */
    NEEDS("gofer.v1.PipelineConfigService/ValidatePipelineConfig", PIPELINE_CONFIGS, WRITE,
          IN_NAMESPACE, ID("spec.id")),

    NEEDS("gofer.v1.PipelineService/DeletePipeline", PIPELINES, DELETE, OF_PIPELINE),
    NEEDS("gofer.v1.PipelineService/DisablePipeline", PIPELINES, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.PipelineService/EnablePipeline", PIPELINES, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.PipelineService/GetPipeline", PIPELINES, READ, OF_PIPELINE),
    /* They tell of all its runs. */
    NEEDS("gofer.v1.PipelineService/GetPipelineStats", RUNS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.PipelineService/ListPipelines", PIPELINES, READ, IN_NAMESPACE, FILTERED),

    NEEDS("gofer.v1.RoleService/CreateRole", ROLES, WRITE, ID("role_id")),
    NEEDS("gofer.v1.RoleService/DeleteRole", ROLES, DELETE, ID("role_id")),
    NEEDS("gofer.v1.RoleService/GetRole", ROLES, READ, ID("role_id")),
    TOKEN("gofer.v1.RoleService/ListMethodPermissions"),
    NEEDS("gofer.v1.RoleService/ListRoles", ROLES, READ, FILTERED),
    NEEDS("gofer.v1.RoleService/UpdateRole", ROLES, WRITE, ID("role_id")),

    NEEDS("gofer.v1.RunService/CancelAllRuns", RUNS, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.RunService/CancelRun", RUNS, WRITE, OF_RUN),
    NEEDS("gofer.v1.RunService/GetRun", RUNS, READ, OF_RUN),
    NEEDS("gofer.v1.RunService/ListRuns", RUNS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.RunService/RepairRun", RUNS, WRITE, OF_RUN),
    NEEDS("gofer.v1.RunService/RetryRun", RUNS, WRITE, OF_RUN),
    NEEDS("gofer.v1.RunService/StartRun", RUNS, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.RunService/WatchRun", RUNS, READ, OF_RUN),

    NEEDS("gofer.v1.SecretService/DeleteGlobalSecret", GLOBAL_SECRETS, DELETE, ID("key")),
    NEEDS("gofer.v1.SecretService/DeletePipelineSecret", PIPELINE_SECRETS, DELETE, OF_PIPELINE),
    NEEDS("gofer.v1.SecretService/GetGlobalSecret", GLOBAL_SECRETS, READ, ID("key")),
    NEEDS("gofer.v1.SecretService/GetPipelineSecret", PIPELINE_SECRETS, READ, OF_PIPELINE),
    TOKEN("gofer.v1.SecretService/GetSecretSealingKey"),
    NEEDS("gofer.v1.SecretService/ListGlobalSecrets", GLOBAL_SECRETS, READ, FILTERED),
    NEEDS("gofer.v1.SecretService/ListPipelineSecrets", PIPELINE_SECRETS, READ, OF_PIPELINE),
    NEEDS("gofer.v1.SecretService/PutGlobalSecret", GLOBAL_SECRETS, WRITE, ID("key"), SECRET),
    NEEDS("gofer.v1.SecretService/PutPipelineSecret", PIPELINE_SECRETS, WRITE, OF_PIPELINE,
          SECRET),
    NEEDS("gofer.v1.SecretService/RevealGlobalSecret", GLOBAL_SECRETS, REVEAL_SECRET, ID("key"),
          SECRET),
    NEEDS("gofer.v1.SecretService/RevealPipelineSecret", PIPELINE_SECRETS, REVEAL_SECRET,
          OF_PIPELINE, SECRET),
    NEEDS("gofer.v1.SecretService/RotateSecretKeys", SYSTEM, WRITE),

    NEEDS("gofer.v1.SubscriptionService/CreateSubscription", SUBSCRIPTIONS, WRITE, OF_PIPELINE,
          SECRET),
    NEEDS("gofer.v1.SubscriptionService/DeleteSubscription", SUBSCRIPTIONS, DELETE, OF_PIPELINE),
    NEEDS("gofer.v1.SubscriptionService/DisableSubscription", SUBSCRIPTIONS, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.SubscriptionService/EnableSubscription", SUBSCRIPTIONS, WRITE, OF_PIPELINE),
    NEEDS("gofer.v1.SubscriptionService/GetSubscription", SUBSCRIPTIONS, READ, OF_PIPELINE),
    /* An empty namespace may mean all that the caller may see. */
    NEEDS("gofer.v1.SubscriptionService/ListSubscriptions", SUBSCRIPTIONS, READ,
          .namespace_field = "namespace_id", FILTERED),
    NEEDS("gofer.v1.SubscriptionService/UpdateSubscription", SUBSCRIPTIONS, WRITE, OF_PIPELINE,
          SECRET),

    NEEDS("gofer.v1.SystemService/DiagnoseSystem", SYSTEM, READ),
    NEEDS("gofer.v1.SystemService/GetMetrics", SYSTEM, READ),
    OPEN("gofer.v1.SystemService/GetSystemInfo"),
    NEEDS("gofer.v1.SystemService/GetSystemLimits", SYSTEM, READ),
    NEEDS("gofer.v1.SystemService/GetSystemPreferences", SYSTEM, READ),
    NEEDS("gofer.v1.SystemService/GetSystemSummary", SYSTEM, READ),
    NEEDS("gofer.v1.SystemService/UpdateSystemPreferences", SYSTEM, WRITE),

    NEEDS("gofer.v1.TaskExecutionService/AttachTaskExecution", TASK_EXECUTIONS, ATTACH,
          IN("start"), OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/CancelTaskExecution", TASK_EXECUTIONS, WRITE, OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/DeleteTaskExecutionLogs", TASK_EXECUTIONS, DELETE,
          OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/ExecTaskExecution", TASK_EXECUTIONS, ATTACH, IN("start"),
          OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/FollowTaskExecutionLogs", TASK_EXECUTIONS, READ_LOGS,
          OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/GetTaskExecution", TASK_EXECUTIONS, READ, OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/ListTaskExecutions", TASK_EXECUTIONS, READ, OF_RUN),
    NEEDS("gofer.v1.TaskExecutionService/OpenTerminal", TASK_EXECUTIONS, ATTACH,
          IN("attach|exec"), OF_RUN),
    /* Of a terminal that the same token opened: the handler sees to it. */
    NEEDS("gofer.v1.TaskExecutionService/SendTerminalInput", TASK_EXECUTIONS, ATTACH, FILTERED),

    LOCAL("gofer.v1.TokenService/BootstrapToken", SECRET),
    NEEDS("gofer.v1.TokenService/CreateToken", TOKENS, WRITE, SECRET),
    NEEDS("gofer.v1.TokenService/DeleteExpiredTokens", TOKENS, DELETE),
    NEEDS("gofer.v1.TokenService/DeleteToken", TOKENS, DELETE, ID("token_id")),
    NEEDS("gofer.v1.TokenService/DisableToken", TOKENS, WRITE, ID("token_id")),
    NEEDS("gofer.v1.TokenService/EnableToken", TOKENS, WRITE, ID("token_id")),
    NEEDS("gofer.v1.TokenService/GetToken", TOKENS, READ, ID("token_id")),
    NEEDS("gofer.v1.TokenService/ListTokens", TOKENS, READ, FILTERED),
    TOKEN("gofer.v1.TokenService/WhoAmI"),

    OPEN("grpc.health.v1.Health/Check"),
    OPEN("grpc.health.v1.Health/Watch"),
    TOKEN("grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    TOKEN("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
};
/* clang-format on */

const struct gf_method_rule *gf_method_rules(size_t *out_count) {
    *out_count = GF_ARRAY_COUNT(rules);
    return rules;
}

const struct gf_rpc_service *const *gf_method_services(size_t *out_count) {
    static const struct gf_rpc_service *const services[] = {
        &gofer_extension_v1_extension_service,
        &gofer_v1_deployment_service,
        &gofer_v1_event_service,
        &gofer_v1_extension_service,
        &gofer_v1_image_service,
        &gofer_v1_namespace_service,
        &gofer_v1_object_service,
        &gofer_v1_pipeline_config_service,
        &gofer_v1_pipeline_service,
        &gofer_v1_role_service,
        &gofer_v1_run_service,
        &gofer_v1_secret_service,
        &gofer_v1_subscription_service,
        &gofer_v1_system_service,
        &gofer_v1_task_execution_service,
        &gofer_v1_token_service,
        &grpc_health_v1_health,
        &grpc_reflection_v1_server_reflection,
    };
    *out_count = GF_ARRAY_COUNT(services);
    return services;
}
