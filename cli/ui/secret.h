/*
 * What is known of secrets, for people; never their values.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_SECRET_H_
#define GOFER_CLI_UI_SECRET_H_

#include "cli/call.h"
#include "gofer/v1/secret.pb-c.h"

/* How lists are shown: of a pipeline's secrets, and of global ones. */
extern const struct gf_listing gf_secret_listing;
extern const struct gf_listing gf_global_secret_listing;

/* Prints all that is known of one, with its versions. */
void gf_print_secret(struct gf_cli *cli, const Gofer__V1__Secret *secret);

#endif /* GOFER_CLI_UI_SECRET_H_ */
