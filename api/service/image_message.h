/*
 * Images of the store as messages. Thread: any.
 */
#ifndef GOFER_API_SERVICE_IMAGE_MESSAGE_H_
#define GOFER_API_SERVICE_IMAGE_MESSAGE_H_

#include "base/arena.h"
#include "engine/scheduler/native/images/image_store.h"
#include "gofer/v1/image.pb-c.h"

Gofer__V1__Image *gf_image_to_message(const struct gf_image_entry *entry, struct gf_arena *arena);
Gofer__V1__ImageDefaults *gf_image_defaults_to_message(const struct gf_image_record *record,
                                                       struct gf_arena *arena);

#endif /* GOFER_API_SERVICE_IMAGE_MESSAGE_H_ */
