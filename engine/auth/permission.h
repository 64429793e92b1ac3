/*
 * Roles and permissions: what they are made of, and whether one may be stored. What a set of them
 * allows is answered in access.h; those that gofer brings along are in system_roles.h.
 *
 * A permission allows every one of its actions on every one of its targets, within its namespaces.
 * What no permission allows is forbidden; nothing forbids.
 *
 * Plain data, as in engine/core/model.h: strings and arrays live as long as the struct that holds
 * them.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_PERMISSION_H_
#define GOFER_ENGINE_AUTH_PERMISSION_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * X(NAME, number, in_namespace, actions): kinds of things. Numbers are stored and are those of
 * PermissionResource in role.proto. in_namespace: whether each of them belongs to a namespace, so
 * that the namespaces of a permission count. actions: what can be done with them (the letters of
 * GF_PERMISSION_ACTIONS); a permission that names another action is refused.
 */
#define GF_PERMISSION_RESOURCES(X)                                                                 \
    X(ALL, 1, true, "RWDLAUVP")                                                                    \
    X(NAMESPACES, 2, true, "RWD")                                                                  \
    X(PIPELINES, 3, true, "RWDP")                                                                  \
    X(PIPELINE_CONFIGS, 4, true, "RWD")                                                            \
    X(DEPLOYMENTS, 5, true, "R")                                                                   \
    X(RUNS, 6, true, "RW")                                                                         \
    X(TASK_EXECUTIONS, 7, true, "RWDLA")                                                           \
    X(OBJECTS, 8, true, "RWD")                                                                     \
    X(PIPELINE_SECRETS, 9, true, "RWDUV")                                                          \
    X(GLOBAL_SECRETS, 10, false, "RWDUV")                                                          \
    X(SUBSCRIPTIONS, 11, true, "RWD")                                                              \
    X(EXTENSIONS, 12, false, "RWDL")                                                               \
    X(EXTENSION_OBJECTS, 13, false, "RWD")                                                         \
    X(EVENTS, 14, true, "R")                                                                       \
    X(IMAGES, 15, false, "RWD")                                                                    \
    X(TOKENS, 16, false, "RWD")                                                                    \
    X(ROLES, 17, false, "RWD")                                                                     \
    X(SYSTEM, 18, false, "RW")

/* X(NAME, number, letter): what may be done; numbers as above. */
#define GF_PERMISSION_ACTIONS(X)                                                                   \
    X(ALL, 1, '*')                                                                                 \
    X(READ, 2, 'R')                                                                                \
    X(WRITE, 3, 'W')                                                                               \
    X(DELETE, 4, 'D')                                                                              \
    X(READ_LOGS, 5, 'L')                                                                           \
    X(ATTACH, 6, 'A')                                                                              \
    X(USE_SECRET, 7, 'U')                                                                          \
    X(REVEAL_SECRET, 8, 'V')                                                                       \
    X(DEPLOY, 9, 'P')

enum gf_permission_resource {
    GF_PERMISSION_RESOURCE_UNSPECIFIED = 0,
#define GF_X(name, number, in_namespace, actions) GF_PERMISSION_RESOURCE_##name = (number),
    GF_PERMISSION_RESOURCES(GF_X)
#undef GF_X
    GF_PERMISSION_RESOURCE_END /* one above the last */
};

enum gf_permission_action {
    GF_PERMISSION_ACTION_UNSPECIFIED = 0,
#define GF_X(name, number, letter) GF_PERMISSION_ACTION_##name = (number),
    GF_PERMISSION_ACTIONS(GF_X)
#undef GF_X
    GF_PERMISSION_ACTION_END /* one above the last */
};

/* "TASK_EXECUTIONS", "READ_LOGS"; "UNSPECIFIED" for what is no value. Static storage. */
const char *gf_permission_resource_name(enum gf_permission_resource resource);
const char *gf_permission_action_name(enum gf_permission_action action);
bool gf_permission_resource_valid(int64_t number);
bool gf_permission_action_valid(int64_t number);

/* Whether what is of this kind belongs to a namespace. ALL has both sorts, and says true. */
bool gf_permission_resource_in_namespace(enum gf_permission_resource resource);

/* Whether a permission may name the two together. */
bool gf_permission_fits(enum gf_permission_resource resource, enum gf_permission_action action);

/*
 * Limits. The last two are over all permissions of a role: they bound what a check costs. Globs
 * with more than one `*` (gf_glob_floats) are counted apart, as they cost ten times as much.
 */
enum {
    GF_ROLE_DESCRIPTION_CHARS_MAX = 4096,
    GF_ROLE_PERMISSIONS_MAX = 100,
    GF_PERMISSION_NAMESPACES_MAX = 100,
    GF_PERMISSION_TARGETS_MAX = 100,
    GF_PERMISSION_ACTIONS_MAX = 32, /* some twice does no harm */
    GF_PERMISSION_GLOBS_MAX = 100,  /* of one target */
    GF_ROLE_GLOBS_MAX = 1000,       /* a target without globs counts for one */
    GF_ROLE_FLOATING_GLOBS_MAX = 10,
    GF_TOKEN_ROLES_MAX = 32,
};

struct gf_permission_target {
    enum gf_permission_resource resource;
    const struct gf_str *globs; /* none means `*` */
    size_t glob_count;
};

/* Of which runs a permission holds; roles of users and of the system have ANY. */
enum {
    GF_PERMISSION_RUN_ANY = 0,   /* of all, and for what belongs to no run */
    GF_PERMISSION_RUN_NONE = -1, /* for what belongs to no run */
};

struct gf_permission {
    const struct gf_str *namespaces; /* globs; none: in no namespace */
    size_t namespace_count;
    const struct gf_permission_target *targets;
    size_t target_count;
    const enum gf_permission_action *actions;
    size_t action_count;
    int64_t run_id; /* this run alone, or one of the values above; never stored */
};

struct gf_role {
    struct gf_str role_id;
    struct gf_str description;
    const struct gf_permission *permissions;
    size_t permission_count;
    bool system_role;
    int64_t create_time;
    int64_t update_time;
};

/*
 * Whether a role may be stored and used: identifier, description, the limits above, every glob, and
 * that resources and actions go together. GF_OK, or GF_INVALID_ARGUMENT with the path of the field
 * ("permissions[1].targets[0].globs[2]"), GF_RESOURCE_EXHAUSTED for one of the limits over all of
 * a role.
 */
enum gf_code gf_role_check(const struct gf_role *role, struct gf_error *err) GF_MUST_USE;

/* The same for its permissions alone. */
enum gf_code gf_permissions_check(const struct gf_permission *permissions, size_t count,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_AUTH_PERMISSION_H_ */
