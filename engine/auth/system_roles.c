#include "engine/auth/system_roles.h"

#include "base/identifier.h"

/* Makes constant arrays with their counts out of lists of names. */
#define RESOURCE(name) GF_PERMISSION_RESOURCE_##name
#define ACTION(name) GF_PERMISSION_ACTION_##name
#define TARGET(name)                                                                               \
    { .resource = RESOURCE(name) }
#define TARGETS(...)                                                                               \
    .targets = (const struct gf_permission_target[]){__VA_ARGS__},                                 \
    .target_count = sizeof((const struct gf_permission_target[]){__VA_ARGS__}) /                   \
                    sizeof(struct gf_permission_target)
#define ACTIONS(...)                                                                               \
    .actions = (const enum gf_permission_action[]){__VA_ARGS__},                                   \
    .action_count = sizeof((const enum gf_permission_action[]){__VA_ARGS__}) /                     \
                    sizeof(enum gf_permission_action)
#define IN(array) .namespaces = (array), .namespace_count = 1

/* GF_STR is no constant expression for an object of static storage. */
#define TEXT(literal)                                                                              \
    { "" literal, sizeof(literal) - 1 }

static const struct gf_str everywhere[] = {TEXT("*")};
static const struct gf_str in_default[] = {TEXT("default")};

static const struct gf_permission everything[] = {
    {IN(everywhere), TARGETS(TARGET(ALL)), ACTIONS(ACTION(ALL))},
};

static const struct gf_permission operator_permissions[] = {
    {IN(everywhere),
     TARGETS(TARGET(NAMESPACES), TARGET(PIPELINES), TARGET(PIPELINE_CONFIGS), TARGET(DEPLOYMENTS),
             TARGET(RUNS), TARGET(TASK_EXECUTIONS), TARGET(SUBSCRIPTIONS), TARGET(EVENTS)),
     ACTIONS(ACTION(READ))},
    {IN(everywhere), TARGETS(TARGET(RUNS), TARGET(PIPELINES), TARGET(SUBSCRIPTIONS)),
     ACTIONS(ACTION(WRITE))},
    {IN(everywhere), TARGETS(TARGET(PIPELINES)), ACTIONS(ACTION(DEPLOY))},
    {IN(everywhere), TARGETS(TARGET(TASK_EXECUTIONS)), ACTIONS(ACTION(WRITE), ACTION(READ_LOGS))},
    {TARGETS(TARGET(EXTENSIONS)), ACTIONS(ACTION(READ), ACTION(READ_LOGS))},
    {TARGETS(TARGET(IMAGES)), ACTIONS(ACTION(READ), ACTION(WRITE), ACTION(DELETE))},
    {TARGETS(TARGET(SYSTEM)), ACTIONS(ACTION(READ), ACTION(WRITE))},
};

/* What those who write pipelines see of the server as a whole; global secrets say for themselves in
 * which namespaces they may be used. */
#define SERVER_FOR_AUTHORS                                                                         \
    { TARGETS(TARGET(EXTENSIONS), TARGET(IMAGES)), ACTIONS(ACTION(READ)) }
#define SECRETS_FOR_AUTHORS                                                                        \
    { TARGETS(TARGET(GLOBAL_SECRETS)), ACTIONS(ACTION(READ), ACTION(USE_SECRET)) }

static const struct gf_permission namespace_admin_permissions[] = {
    {IN(in_default), TARGETS(TARGET(NAMESPACES)), ACTIONS(ACTION(READ), ACTION(WRITE))},
    {IN(in_default),
     TARGETS(TARGET(PIPELINES), TARGET(PIPELINE_CONFIGS), TARGET(DEPLOYMENTS), TARGET(RUNS),
             TARGET(TASK_EXECUTIONS), TARGET(OBJECTS), TARGET(PIPELINE_SECRETS),
             TARGET(SUBSCRIPTIONS), TARGET(EVENTS)),
     ACTIONS(ACTION(ALL))},
    SERVER_FOR_AUTHORS,
    SECRETS_FOR_AUTHORS,
};

static const struct gf_permission developer_permissions[] = {
    {IN(in_default),
     TARGETS(TARGET(NAMESPACES), TARGET(PIPELINES), TARGET(PIPELINE_CONFIGS), TARGET(DEPLOYMENTS),
             TARGET(RUNS), TARGET(TASK_EXECUTIONS), TARGET(OBJECTS), TARGET(PIPELINE_SECRETS),
             TARGET(SUBSCRIPTIONS), TARGET(EVENTS)),
     ACTIONS(ACTION(READ))},
    {IN(in_default),
     TARGETS(TARGET(PIPELINES), TARGET(PIPELINE_CONFIGS), TARGET(RUNS), TARGET(TASK_EXECUTIONS),
             TARGET(OBJECTS), TARGET(SUBSCRIPTIONS)),
     ACTIONS(ACTION(WRITE))},
    {IN(in_default), TARGETS(TARGET(PIPELINES)), ACTIONS(ACTION(DEPLOY))},
    {IN(in_default), TARGETS(TARGET(TASK_EXECUTIONS)), ACTIONS(ACTION(READ_LOGS))},
    {IN(in_default), TARGETS(TARGET(PIPELINE_SECRETS)), ACTIONS(ACTION(USE_SECRET))},
    SERVER_FOR_AUTHORS,
    SECRETS_FOR_AUTHORS,
};

static const struct gf_permission reader_permissions[] = {
    {IN(in_default),
     TARGETS(TARGET(NAMESPACES), TARGET(PIPELINES), TARGET(PIPELINE_CONFIGS), TARGET(DEPLOYMENTS),
             TARGET(RUNS), TARGET(TASK_EXECUTIONS), TARGET(SUBSCRIPTIONS), TARGET(EVENTS)),
     ACTIONS(ACTION(READ))},
};

static const struct gf_permission anonymous_permissions[] = {
    {IN(in_default), TARGETS(TARGET(PIPELINES), TARGET(RUNS)), ACTIONS(ACTION(READ))},
};

#define ROLE(id, text, list)                                                                       \
    {                                                                                              \
        .role_id = TEXT(id), .description = TEXT(text), .permissions = (list),                     \
        .permission_count = GF_ARRAY_COUNT(list), .system_role = true,                             \
    }

static const struct gf_role roles[] = {
    ROLE("admin", "Everything.", everything),
    ROLE(GF_ROLE_ANONYMOUS,
         "Callers without a token, where they are let in: sees pipelines and runs of the "
         "namespace default.",
         anonymous_permissions),
    ROLE(GF_ROLE_BOOTSTRAP, "Everything. Only the first token has it.", everything),
    ROLE("developer",
         "Writes, runs and deploys pipelines of the namespace default, reads logs, uses secrets. "
         "May not attach to containers, delete, or see the values of secrets.",
         developer_permissions),
    ROLE("namespace-admin", "Everything in the namespace default.", namespace_admin_permissions),
    ROLE("operator",
         "Keeps the service going: sees all namespaces, reads logs, starts and stops runs, deploys "
         "and rolls back, looks after images and switches. No secrets, objects or attaching.",
         operator_permissions),
    ROLE("reader",
         "Sees what there is in the namespace default and how it fares. No logs, objects or "
         "secrets.",
         reader_permissions),
};

const struct gf_role *gf_system_roles(size_t *out_count) {
    *out_count = GF_ARRAY_COUNT(roles);
    return roles;
}

const struct gf_role *gf_system_role(struct gf_str role_id) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(roles); i++) {
        if (gf_str_eq(roles[i].role_id, role_id)) {
            return &roles[i];
        }
    }
    return NULL;
}

/* ---- the role of a run ---- */

/* What a permission of the role is about; the globs are those of its pipeline. */
struct run_right {
    enum gf_permission_resource resources[3]; /* up to the first UNSPECIFIED */
    enum gf_permission_action action;
    bool of_run; /* of its own run; else of what belongs to no run */
};

static const struct run_right run_rights[] = {
    {{RESOURCE(PIPELINES), RESOURCE(PIPELINE_CONFIGS), RESOURCE(OBJECTS)}, ACTION(READ), false},
    {{RESOURCE(RUNS), RESOURCE(TASK_EXECUTIONS), RESOURCE(OBJECTS)}, ACTION(READ), true},
    {{RESOURCE(OBJECTS)}, ACTION(WRITE), true},
};

/* ids: the namespace's and the pipeline's. */
static void fill_permission(struct gf_permission *permission, const struct run_right *right,
                            const struct gf_str ids[2], int64_t run_id, struct gf_arena *arena) {
    const size_t room = GF_ARRAY_COUNT(right->resources);
    struct gf_permission_target *targets = GF_ARENA_ARRAY(arena, room, struct gf_permission_target);
    permission->namespaces = &ids[0];
    permission->namespace_count = 1;
    permission->actions = &right->action;
    permission->action_count = 1;
    permission->run_id = right->of_run ? run_id : GF_PERMISSION_RUN_NONE;
    permission->targets = targets;
    for (size_t i = 0; i < room && right->resources[i] != RESOURCE(UNSPECIFIED); i++) {
        targets[i] = (struct gf_permission_target){right->resources[i], &ids[1], 1};
        permission->target_count++;
    }
}

const struct gf_role *gf_run_role(struct gf_str namespace_id, struct gf_str pipeline_id,
                                  int64_t run_id, struct gf_arena *arena) {
    gf_assert(run_id > 0); /* 0 would say "of any run" */
    gf_assert(gf_identifier_check(namespace_id, "", NULL) == GF_OK);
    gf_assert(gf_identifier_check(pipeline_id, "", NULL) == GF_OK);
    struct gf_role *role = GF_ARENA_NEW(arena, struct gf_role);
    struct gf_str *ids = GF_ARENA_ARRAY(arena, 2, struct gf_str);
    struct gf_permission *permissions =
        GF_ARENA_ARRAY(arena, GF_ARRAY_COUNT(run_rights), struct gf_permission);
    ids[0] = namespace_id;
    ids[1] = pipeline_id;
    for (size_t i = 0; i < GF_ARRAY_COUNT(run_rights); i++) {
        fill_permission(&permissions[i], &run_rights[i], ids, run_id, arena);
    }
    role->role_id = GF_STR("run");
    role->description = GF_STR("Tasks of one run.");
    role->permissions = permissions;
    role->permission_count = GF_ARRAY_COUNT(run_rights);
    role->system_role = true;
    return role;
}

/* ---- the role of an extension ---- */

static const enum gf_permission_action extension_reads[] = {ACTION(READ)};
static const enum gf_permission_action extension_objects[] = {ACTION(READ), ACTION(WRITE),
                                                              ACTION(DELETE)};

const struct gf_role *gf_extension_role(struct gf_str extension_id, struct gf_arena *arena) {
    gf_assert(gf_identifier_check(extension_id, "", NULL) == GF_OK);
    struct gf_role *role = GF_ARENA_NEW(arena, struct gf_role);
    struct gf_str *id = GF_ARENA_NEW(arena, struct gf_str);
    struct gf_permission_target *targets = GF_ARENA_ARRAY(arena, 2, struct gf_permission_target);
    struct gf_permission *permissions = GF_ARENA_ARRAY(arena, 2, struct gf_permission);
    *id = extension_id;
    targets[0] = (struct gf_permission_target){RESOURCE(EXTENSIONS), id, 1};
    targets[1] = (struct gf_permission_target){RESOURCE(EXTENSION_OBJECTS), id, 1};
    permissions[0] = (struct gf_permission){
        .targets = &targets[0],
        .target_count = 1,
        .actions = extension_reads,
        .action_count = GF_ARRAY_COUNT(extension_reads),
    };
    permissions[1] = (struct gf_permission){
        .targets = &targets[1],
        .target_count = 1,
        .actions = extension_objects,
        .action_count = GF_ARRAY_COUNT(extension_objects),
    };
    role->role_id = GF_STR("extension");
    role->description = GF_STR("One extension.");
    role->permissions = permissions;
    role->permission_count = 2;
    role->system_role = true;
    return role;
}
