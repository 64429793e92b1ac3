/*
 * What a set of roles allows: the answer to "may this caller do that", and to "may this caller give
 * that away".
 *
 * A caller may do what one permission of one of its roles allows; permissions do not combine. The
 * roles of a token are compiled once, and again when one of them changes; a check then costs well
 * under a microsecond, reads no memory that changes and allocates nothing.
 *
 * For the one place of the API's edge that checks calls before their handlers run, for handlers
 * that show only a part of what there is, and for the services of roles, tokens and extensions.
 *
 * Thread: any; a compiled set never changes.
 */
#ifndef GOFER_ENGINE_AUTH_ACCESS_H_
#define GOFER_ENGINE_AUTH_ACCESS_H_

#include "engine/auth/permission.h"

struct gf_access;

/* What somebody wants to do. Borrowed; the ids may be any bytes. */
struct gf_access_query {
    enum gf_permission_resource resource; /* not ALL */
    enum gf_permission_action action;     /* not ALL */
    /*
     * Of the thing; empty where it belongs to none. Of a kind that does belong to a namespace,
     * empty means all of them: it needs the namespaces `*`.
     */
    struct gf_str namespace_id;
    /*
     * What globs of targets are held against: for what belongs to a pipeline the pipeline's id, for
     * what belongs to an extension the extension's, else its own. Empty means all, and needs `*`.
     */
    struct gf_str id;
    /* The run that it belongs to; 0 = none. What is left out can only be refused for RUNS and
     * TASK_EXECUTIONS; for OBJECTS it says "of the pipeline". */
    int64_t run_id;
};

/*
 * Compiles roles, at most GF_TOKEN_ROLES_MAX; none allow nothing. Borrowed for the call. The caller
 * owns *out_access. Fails as gf_permissions_check where a role breaks a rule, so that no caller
 * gets a part of its roles, and with GF_RESOURCE_EXHAUSTED for too many roles.
 */
enum gf_code gf_access_create(const struct gf_role *const *roles, size_t role_count,
                              struct gf_access **out_access, struct gf_error *err) GF_MUST_USE;

/* Accepts NULL. */
void gf_access_destroy(struct gf_access *access);

/* Whether it is allowed. What is malformed is not. */
bool gf_access_allows(const struct gf_access *access, const struct gf_access_query *query);

/*
 * The same with a reason: GF_OK, or GF_PERMISSION_DENIED with what was missing: "needs action
 * ATTACH on resource TASK_EXECUTIONS in namespace 'default'". That depends on the query alone, so
 * it does not tell what exists.
 */
enum gf_code gf_access_check(const struct gf_access *access, const struct gf_access_query *query,
                             struct gf_error *err) GF_MUST_USE;

/*
 * Whether it could be allowed for something: in this namespace, or in any where it is empty. For
 * lists, which are let through by this and then leave out what gf_access_allows does not allow.
 */
bool gf_access_allows_some(const struct gf_access *access, enum gf_permission_resource resource,
                           enum gf_permission_action action, struct gf_str namespace_id);

/*
 * Whether these permissions (checked by gf_permissions_check) allow nothing that the set does not:
 * nobody can give more than they have. GF_OK, or GF_PERMISSION_DENIED with the first thing that is
 * more, which tells of `permissions` alone.
 *
 * The rule, which is on the safe side: every action on every target glob in every namespace glob of
 * `permissions` must be allowed by ONE permission of the set, whose globs each cover the other
 * (gf_glob_covers). So two permissions for `a*` and `b*` do not add up to one for `?*`; and ALL, of
 * resources or of actions, is covered by ALL only, as it includes what is added later. A comparison
 * that would take too long (GF_ACCESS_COVER_STEPS_MAX) is refused too.
 */
enum gf_code gf_access_covers(const struct gf_access *access,
                              const struct gf_permission *permissions, size_t count,
                              struct gf_error *err) GF_MUST_USE;

enum {
    GF_ACCESS_COVER_STEPS_MAX = 8000000, /* of some nanoseconds each */
};

/* For locals. */
static inline void gf_access_destroy_p(struct gf_access **access) {
    gf_access_destroy(*access);
}

#endif /* GOFER_ENGINE_AUTH_ACCESS_H_ */
