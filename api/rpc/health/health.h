/*
 * The service grpc.health.v1.Health, which load balancers, supervisors and grpc_health_probe know:
 * tells whether the server, or one of its services, takes calls.
 *
 * Order: create before the server starts; set as things come up; shut down before the server stops,
 * because streams of Watch have no end of their own; destroy after the server.
 *
 * Thread: create and destroy by the owner; set and shutdown from any.
 */
#ifndef GOFER_API_RPC_HEALTH_HEALTH_H_
#define GOFER_API_RPC_HEALTH_HEALTH_H_

#include "api/rpc/server.h"

#include <stdbool.h>

enum {
    GF_RPC_HEALTH_WATCHERS_MAX = 1000, /* streams of Watch at once; more: RESOURCE_EXHAUSTED */
    GF_RPC_HEALTH_SERVICES_MAX = 100,  /* names that were set */
};

struct gf_rpc_health;

/* Adds the service to the server, where nothing is serving yet. Owned by the caller. */
struct gf_rpc_health *gf_rpc_health_create(struct gf_rpc_server *server);

/*
 * Says whether a service takes calls; "" is the server as a whole. A name that was never set is
 * unknown to callers. Who watches the service is told. Borrowed: service. Does nothing after
 * shutdown.
 */
void gf_rpc_health_set(struct gf_rpc_health *health, const char *service, bool serving);

/* Nothing takes calls any more: tells all watchers so and ends their streams with UNAVAILABLE. */
void gf_rpc_health_shutdown(struct gf_rpc_health *health);

/* Accepts NULL. */
void gf_rpc_health_destroy(struct gf_rpc_health *health);

#endif /* GOFER_API_RPC_HEALTH_HEALTH_H_ */
