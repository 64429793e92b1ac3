/*
 * Ctrl-C while a command follows something: the stream is cancelled, so that the command can say
 * how to go on, and what runs on the server runs on.
 *
 * Thread: start and stop from the main thread, one at a time in a program; a thread of its own
 * calls fn.
 */
#ifndef GOFER_CLI_INTERRUPT_H_
#define GOFER_CLI_INTERRUPT_H_

#include "base/macros.h"

#include <stdbool.h>

struct gf_interrupt;

/* From now on SIGINT and SIGTERM call fn(ctx) on the waiting thread, once; a second one ends the
 * program. */
struct gf_interrupt *gf_interrupt_start(void (*fn)(void *ctx), void *ctx) GF_MUST_USE;

/*
 * The same for a command that has something to take away at its end: every signal calls fn, that of
 * a terminal that goes away (SIGHUP) too, and none ends the program.
 */
struct gf_interrupt *gf_interrupt_start_all(void (*fn)(void *ctx), void *ctx) GF_MUST_USE;

/* True once a signal came. Thread: any. */
bool gf_interrupt_seen(const struct gf_interrupt *interrupt);

/* Back to what it was. Accepts NULL. */
void gf_interrupt_stop(struct gf_interrupt *interrupt);

#endif /* GOFER_CLI_INTERRUPT_H_ */
