/*
 * Roles for people.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_ROLE_H_
#define GOFER_CLI_UI_ROLE_H_

#include "cli/call.h"
#include "gofer/v1/role.pb-c.h"

/* How a list of roles is shown. */
extern const struct gf_listing gf_role_listing;

/* Prints one with its permissions. */
void gf_print_role(struct gf_cli *cli, const Gofer__V1__Role *role);

#endif /* GOFER_CLI_UI_ROLE_H_ */
