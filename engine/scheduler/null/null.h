/*
 * The null scheduler: starts nothing, and reports at once that every attempt was started and ended
 * with exit code 0. It is for measuring the engine and for trying out graphs.
 *
 * It has no thread and keeps nothing: it reports from inside launch() and inquire(), and whatever
 * it is asked about, then or after a restart, has ended well.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NULL_NULL_H_
#define GOFER_ENGINE_SCHEDULER_NULL_NULL_H_

#include "base/clock.h"
#include "base/macros.h"
#include "engine/scheduler/scheduler.h"

struct gf_null_scheduler;

/* Owned by the caller; `events` and `clock` are borrowed until destroy. */
struct gf_null_scheduler *gf_null_scheduler_create(const struct gf_scheduler_events *events,
                                                   const struct gf_clock *clock) GF_MUST_USE;
void gf_null_scheduler_destroy(struct gf_null_scheduler *scheduler);

/* What the engine is given. Borrowed from the scheduler. */
struct gf_scheduler gf_null_scheduler_port(struct gf_null_scheduler *scheduler);

#endif /* GOFER_ENGINE_SCHEDULER_NULL_NULL_H_ */
