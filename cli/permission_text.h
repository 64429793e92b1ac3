/*
 * A permission in one word, as --allow takes it and role get prints it:
 *
 *     ACTIONS:TARGETS[@NAMESPACES]
 *
 *     read,write:pipelines,runs@team-*
 *     use-secret:global-secrets/db-*
 *     read,read-logs:task-executions/web-*|api-*@team-a,team-b
 *     all:all@*
 *
 * Actions and kinds of things are those of role.proto, in lower case with hyphens, separated by
 * commas. Behind a kind and a slash are globs of what it holds for, separated by '|'; without them
 * it holds for all. Behind the '@' are globs of namespaces, separated by commas; they count only
 * for what belongs to a namespace.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_PERMISSION_TEXT_H_
#define GOFER_CLI_PERMISSION_TEXT_H_

#include "cli/cli.h"
#include "gofer/v1/role.pb-c.h"

/*
 * Reads one; *out_permission is in the cli's arena. Without '@' it holds in `namespace_id`.
 * GF_INVALID_ARGUMENT says which part is wrong.
 */
enum gf_code gf_permission_read(struct gf_cli *cli, const char *text, const char *namespace_id,
                                Gofer__V1__Permission **out_permission,
                                struct gf_error *err) GF_MUST_USE;

/* All that a list option gives. */
enum gf_code gf_permissions_read(struct gf_cli *cli, const char *option,
                                 Gofer__V1__Permission ***out_permissions, size_t *out_count,
                                 struct gf_error *err) GF_MUST_USE;

/* The same the other way round; in the cli's arena, fit for a terminal. */
const char *gf_permission_show(struct gf_cli *cli, const Gofer__V1__Permission *permission);

/* Prints "Permissions:" and one a line. */
void gf_print_permissions(struct gf_cli *cli, Gofer__V1__Permission *const *permissions,
                          size_t count);

#endif /* GOFER_CLI_PERMISSION_TEXT_H_ */
