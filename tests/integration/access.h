/*
 * What tests of access share: roles, tokens, and channels that carry them. Everything here is made
 * by the server's first token, and must succeed.
 *
 * Thread: the test's.
 */
#ifndef GOFER_TESTS_INTEGRATION_ACCESS_H_
#define GOFER_TESTS_INTEGRATION_ACCESS_H_

#include "gofer/v1/role.gofer.h"
#include "gofer/v1/secret.gofer.h"
#include "tests/integration/client.h"

/* Short names of the generated ones. */
#define RESOURCE(name) GOFER__V1__PERMISSION_RESOURCE__PERMISSION_RESOURCE_##name
#define ACTION(name) GOFER__V1__PERMISSION_ACTION__PERMISSION_ACTION_##name

/*
 * A permission: one action on one kind of things whose ids match `glob` (NULL: all), in the
 * namespaces that match `ns` (NULL: none).
 */
Gofer__V1__Permission *may(char *ns, Gofer__V1__PermissionResource resource, char *glob,
                           Gofer__V1__PermissionAction action);

/* A role of these permissions, up to the first NULL. */
void make_role(char *role_id, ...);

/* A token with one role: its text, and what is known of it where out_token is not NULL. */
char *make_token(char *user, char *role_id, Gofer__V1__Token **out_token);

/* A channel with a new token of that role. All are closed by access_teardown. */
struct gf_rpc_channel *log_in(char *user, char *role_id);
struct gf_rpc_channel *log_in_with(const char *token);

void create_namespace(char *namespace_id);
/* A pipeline in any namespace. */
void register_in(char *namespace_id, char *pipeline_id);

void access_setup(void);
void access_teardown(void);

#endif /* GOFER_TESTS_INTEGRATION_ACCESS_H_ */
