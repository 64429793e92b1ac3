/*
 * Roles and permissions: messages to structs and back. Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_ROLE_H_
#define GOFER_API_CODEC_MODEL_ROLE_H_

#include "base/arena.h"
#include "engine/auth/permission.h"
#include "gofer/v1/role.pb-c.h"

Gofer__V1__Role *gf_role_to_message(const struct gf_role *role, struct gf_arena *arena);

/* An array of messages; NULL where count is 0. */
Gofer__V1__Permission **gf_permissions_to_messages(const struct gf_permission *permissions,
                                                   size_t count, struct gf_arena *arena);

/*
 * Reads permissions without checking them (gf_role_check does). What is no resource or action of
 * this version comes out as a number that the check refuses. Arrays are in the arena, text is
 * borrowed from the messages.
 */
const struct gf_permission *gf_permissions_from_messages(Gofer__V1__Permission *const *messages,
                                                         size_t count, struct gf_arena *arena);

#endif /* GOFER_API_CODEC_MODEL_ROLE_H_ */
