/*
 * The handlers of SubscriptionService that are in other files than its table (subscription.c).
 *
 *     subscription_change.c    creating and changing: the extension is asked
 *
 * Thread: rpc.
 */
#ifndef GOFER_API_SERVICE_SUBSCRIPTION_CALLS_H_
#define GOFER_API_SERVICE_SUBSCRIPTION_CALLS_H_

#include "api/service/read_call.h"
#include "engine/core/model_extensions.h"
#include "gofer/v1/subscription.gofer.h"

void gf_subscription_create(struct gf_rpc_call *call,
                            const Gofer__V1__CreateSubscriptionRequest *request, void *ctx);
void gf_subscription_update(struct gf_rpc_call *call,
                            const Gofer__V1__UpdateSubscriptionRequest *request, void *ctx);
void gf_subscription_enable(struct gf_rpc_call *call,
                            const Gofer__V1__EnableSubscriptionRequest *request, void *ctx);

/* What a request names. */
struct gf_subscription_ids {
    const char *namespace_id;
    const char *pipeline_id;
    const char *extension_id;
    const char *subscription_id;
};

/* Checks the form of all four. Code: GF_INVALID_ARGUMENT on the field. */
enum gf_code gf_subscription_check_ids(const struct gf_subscription_ids *ids,
                                       struct gf_error *err) GF_MUST_USE;

/* On a worker: the subscription, as it is and as it is shown. Codes: GF_INVALID_ARGUMENT,
 * GF_NOT_FOUND with what is missing. */
enum gf_code gf_find_subscription(struct gf_read *read, const struct gf_subscription_ids *ids,
                                  struct gf_subscription *out, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_subscription_show(struct gf_read *read, const struct gf_subscription_ids *ids,
                                  Gofer__V1__Subscription **out, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_SUBSCRIPTION_CALLS_H_ */
