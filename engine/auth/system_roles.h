/*
 * The roles that gofer brings along, in one table, the role of a run's token, and the one that
 * every extension has.
 *
 *     bootstrap        everything; of the first token alone
 *     admin            everything
 *     operator         keeps the service going: sees all namespaces, reads logs, starts and stops
 *                      runs, rolls back, looks after images and switches; no secrets, no attach
 *     namespace-admin  everything in its namespace
 *     developer        writes pipelines, runs and deploys them, reads logs, uses secrets; may not
 *                      attach, delete, or see a secret's value
 *     reader           sees what there is and how it fares; no logs, no objects, no secrets
 *     anonymous        of callers without a token, where the admin lets them in: sees pipelines and
 *                      runs
 *
 * The last four hold in the namespace `default` only, so that giving one of them away never opens
 * another team's namespace. The same role for another namespace is a role of the users' (`gofer
 * role create --like`).
 *
 * They are in no store: what is new here is there with the program that brings it along.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_SYSTEM_ROLES_H_
#define GOFER_ENGINE_AUTH_SYSTEM_ROLES_H_

#include "base/arena.h"
#include "engine/auth/permission.h"

#define GF_ROLE_BOOTSTRAP "bootstrap" /* cannot be given to another token */
#define GF_ROLE_ANONYMOUS "anonymous"

/* All of them, ordered by role_id. Static storage; their times are 0. */
const struct gf_role *gf_system_roles(size_t *out_count);

/* One of them, or NULL. */
const struct gf_role *gf_system_role(struct gf_str role_id);

/*
 * The role of a run's token, in arena: it may read its pipeline, the pipeline's configs and
 * objects, its own run with its task executions and objects, and write objects of its own run. No
 * logs, no secrets, no other run. Borrowed for the life of the result: the ids, identifiers. run_id
 * is 1 or more.
 */
const struct gf_role *gf_run_role(struct gf_str namespace_id, struct gf_str pipeline_id,
                                  int64_t run_id, struct gf_arena *arena);

/*
 * The role that every extension has, in arena: it may read itself, and read, write and delete its
 * own objects. Whatever else it may do, somebody gave it. Borrowed for the life of the result: the
 * id, an identifier.
 */
const struct gf_role *gf_extension_role(struct gf_str extension_id, struct gf_arena *arena);

#endif /* GOFER_ENGINE_AUTH_SYSTEM_ROLES_H_ */
