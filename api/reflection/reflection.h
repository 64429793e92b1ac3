/*
 * Server reflection, grpc.reflection.v1 and v1alpha: generic clients (grpcurl, official libraries)
 * read the contracts from the server instead of from .proto files.
 *
 * Thread: create, add and destroy from one thread; the service itself runs on the server's threads.
 */
#ifndef GOFER_API_REFLECTION_REFLECTION_H_
#define GOFER_API_REFLECTION_REFLECTION_H_

#include "api/codec/json/schema.h"
#include "api/rpc/server.h"

#include <stddef.h>

struct gf_reflection;

/*
 * Reflection of a schema. `services` are those that it lists, besides reflection itself: the ones
 * that the server has. Owned by the caller, who destroys it after the server. Borrowed until then:
 * schema, services.
 */
struct gf_reflection *gf_reflection_create(const struct gf_schema *schema,
                                           const struct gf_rpc_service *const *services,
                                           size_t service_count) GF_MUST_USE;
void gf_reflection_destroy(struct gf_reflection *reflection);

/* Adds both versions of the service to a server that has not been started. */
void gf_reflection_add_to_server(struct gf_reflection *reflection, struct gf_rpc_server *server);

#endif /* GOFER_API_REFLECTION_REFLECTION_H_ */
