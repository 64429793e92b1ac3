/*
 * Images of the store as messages. Thread: any.
 */
#ifndef GOFER_API_SERVICE_IMAGE_MESSAGE_H_
#define GOFER_API_SERVICE_IMAGE_MESSAGE_H_

#include "api/service/services.h"
#include "base/arena.h"
#include "engine/scheduler/native/images/image_store.h"
#include "gofer/v1/image.pb-c.h"

Gofer__V1__Image *gf_image_to_message(struct gf_image_store *store,
                                      const struct gf_image_entry *entry, struct gf_arena *arena);
Gofer__V1__ImageDefaults *gf_image_defaults_to_message(const struct gf_image_record *record,
                                                       struct gf_arena *arena);

/* Records that an image came or went, by whoever makes the call. */
void gf_image_record(struct gf_services *services, enum gf_event_kind kind, const char *digest,
                     const char *const *names, size_t name_count, struct gf_rpc_call *call);

#endif /* GOFER_API_SERVICE_IMAGE_MESSAGE_H_ */
