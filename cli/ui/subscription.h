/*
 * Subscriptions, for people.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_SUBSCRIPTION_H_
#define GOFER_CLI_UI_SUBSCRIPTION_H_

#include "cli/call.h"
#include "gofer/v1/subscription.pb-c.h"

extern const struct gf_listing gf_subscription_listing;

void gf_print_subscription(struct gf_cli *cli, const Gofer__V1__Subscription *subscription);

/* "subscription simple/cron/nightly created: PENDING, ...": what became of it, and why. */
void gf_print_subscription_outcome(struct gf_cli *cli, const Gofer__V1__Subscription *subscription,
                                   const char *done);

/* Its path below the namespace, "simple/cron/nightly". In the cli's arena. */
const char *gf_show_subscription(struct gf_cli *cli, const Gofer__V1__Subscription *subscription);

#endif /* GOFER_CLI_UI_SUBSCRIPTION_H_ */
