/*
 * Extensions and subscriptions as people see them: the rows of the store, joined with how the
 * extension is connected now and with what it declares.
 *
 * Thread: a worker, with the reader of `read`. Results are in its arena.
 */
#ifndef GOFER_API_SERVICE_EXTENSION_MESSAGE_H_
#define GOFER_API_SERVICE_EXTENSION_MESSAGE_H_

#include "api/service/lookup.h"
#include "engine/core/model_extensions.h"
#include "gofer/extension/v1/extension.pb-c.h"
#include "gofer/v1/extension.pb-c.h"
#include "gofer/v1/subscription.pb-c.h"

/* What the row has of the registration; never NULL, an empty one where there is none. In the arena.
 */
const Gofer__Extension__V1__Registration *gf_extension_declares(const struct gf_extension *row,
                                                                struct gf_arena *arena);

/* `full`: with the documentation. Codes: those of the store. */
enum gf_code gf_extension_to_message(struct gf_read *read, const struct gf_extension *row,
                                     bool full, Gofer__V1__Extension **out,
                                     struct gf_error *err) GF_MUST_USE;

/* What a subscription shows of its extension. */
struct gf_shown_extension {
    const Gofer__Extension__V1__Registration *declaration;
    bool disabled;
};

struct gf_shown_extension gf_extension_shown(const struct gf_extension *row,
                                             struct gf_arena *arena);

/* Where its extension is disabled it does not work, and says so; its own status stays stored. */
Gofer__V1__Subscription *gf_subscription_to_message(struct gf_read *read,
                                                    const struct gf_subscription *row,
                                                    const struct gf_shown_extension *extension);

/* The fields may be empty and 0: then NULL. */
Gofer__V1__SubscriptionReference *gf_subscription_reference(struct gf_str namespace_id,
                                                            struct gf_str pipeline_id,
                                                            struct gf_str subscription_id,
                                                            struct gf_arena *arena);

#endif /* GOFER_API_SERVICE_EXTENSION_MESSAGE_H_ */
