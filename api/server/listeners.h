/*
 * The engine has one listener; this one is several, which are told in their order.
 *
 * Thread: that of the engine's listener.
 */
#ifndef GOFER_API_SERVER_LISTENERS_H_
#define GOFER_API_SERVER_LISTENERS_H_

#include "engine/engine.h"

enum {
    GF_LISTENERS_MAX = 4,
};

struct gf_listeners {
    struct gf_engine_listener items[GF_LISTENERS_MAX];
    size_t count;
};

/* Before the engine is made. */
void gf_listeners_add(struct gf_listeners *listeners, struct gf_engine_listener listener);

/* For gf_engine_options; the listeners outlive the engine. */
struct gf_engine_listener gf_listeners_as_one(struct gf_listeners *listeners);

#endif /* GOFER_API_SERVER_LISTENERS_H_ */
