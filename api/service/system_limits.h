/*
 * The limits that the service enforces, for people and programs that want to know them before they
 * reach them. Thread: any.
 */
#ifndef GOFER_API_SERVICE_SYSTEM_LIMITS_H_
#define GOFER_API_SERVICE_SYSTEM_LIMITS_H_

#include "api/service/services.h"
#include "gofer/v1/system.pb-c.h"

/* All of them, ordered by name, in the arena. */
Gofer__V1__SystemLimit **gf_system_limits(const struct gf_services *services,
                                          struct gf_arena *arena, size_t *out_count);

#endif /* GOFER_API_SERVICE_SYSTEM_LIMITS_H_ */
