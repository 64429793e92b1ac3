/*
 * Deliveries of gofer's: what the program works on, and what it has done.
 *
 * Gofer delivers again what was not acknowledged when a connection ended. The program is not asked
 * twice: a delivery that it still works on gets the new sequence, one that it has done meanwhile is
 * acknowledged at once. The last GF_SDK_DELIVERIES_DONE_MAX that were done are remembered.
 */
#ifndef GOFER_EXTENSIONS_SDK_SRC_DELIVERIES_H_
#define GOFER_EXTENSIONS_SDK_SRC_DELIVERIES_H_

#include "gofer/extension/v1/extension.pb-c.h"

#include <gofer/extension.h>
#include <stdint.h>

enum {
    GF_SDK_DELIVERIES_DONE_MAX = 10000,
};

struct gf_sdk_deliveries;

struct gf_sdk_deliveries *gf_sdk_deliveries_create(struct gofer_extension *extension);

/* Accepts NULL. Whoever still has a delivery must not use it any more. */
void gf_sdk_deliveries_destroy(struct gf_sdk_deliveries *deliveries);

/* Thread: main. */
void gf_sdk_deliveries_take_event(struct gf_sdk_deliveries *deliveries, int64_t sequence,
                                  const Gofer__Extension__V1__EventDelivery *message);
void gf_sdk_deliveries_take_external(struct gf_sdk_deliveries *deliveries, int64_t sequence,
                                     const Gofer__Extension__V1__ExternalEvent *message);

/* A delivery that nobody here knows. Thread: main. */
void gf_sdk_deliveries_refuse(struct gf_sdk_deliveries *deliveries, int64_t sequence);

/* How many the program works on. Thread: any. */
size_t gf_sdk_deliveries_count(struct gf_sdk_deliveries *deliveries);

#endif /* GOFER_EXTENSIONS_SDK_SRC_DELIVERIES_H_ */
