/*
 * Events of what happens outside of the engine's core, as an import of an image: they go the way of
 * commands, and nobody waits for them.
 */
#ifndef GOFER_API_SERVICE_RECORD_H_
#define GOFER_API_SERVICE_RECORD_H_

#include "engine/engine.h"

/*
 * Has the event written, with the time of the step where it has none. Copied: event. One that the
 * engine refuses, because it stops or has too much to do, is told in the log of the service
 * instead. Thread: any.
 */
void gf_record_event(struct gf_engine *engine, const struct gf_event *event);

#endif /* GOFER_API_SERVICE_RECORD_H_ */
