/*
 * Taking an extension out of use, for a while or for good: who depends on it.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_EXTENSION_LEAVE_H_
#define GOFER_CLI_EXTENSION_LEAVE_H_

#include "cli/cli.h"

/*
 * As gf_cli_confirm, for the extension of the first argument, with how many subscriptions it has
 * and what becomes of them ("go with it"). With --yes nothing is asked, and the count stays 0.
 */
bool gf_confirm_leave(struct gf_cli *cli, const char *verb, const char *fate,
                      int64_t *out_subscription_count, enum gf_exit_code *out_code);

#endif /* GOFER_CLI_EXTENSION_LEAVE_H_ */
