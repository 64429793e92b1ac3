/*
 * The kept roots of failed attempts, and the containers that sessions have in them.
 *
 * A kept root is a directory in `kept`, beside `uppers`, which the shim of the attempt has put
 * there with a record (kept_record.h): that it is there, and whole, means that it is kept. It goes
 * when its time is over, when there are more than keep_failed_count, and when the machine was
 * restarted; while a session is in it, as soon as there is none any more. Its image is held for as
 * long.
 *
 * Sessions in one root share one container: it has the same image, the same files, ids and limits
 * as the failed one, no network, and no program of its own; it begins with the first session and
 * ends with the last. To the rest of the scheduler it is an attempt that the engine does not know,
 * so that one that a killed server leaves behind is ended by the next.
 *
 * Thread: the reactor's, except where a function says otherwise.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/protocol.h"

struct gf_native;
struct gf_native_attempt;
struct gf_session;

/* Opens the directory, which is made where it is missing. Codes: those of base/file.h. Thread: any.
 */
enum gf_code gf_kept_open(struct gf_native *native, struct gf_error *err) GF_MUST_USE;

/* Frees what is known; the roots stay. After the reactor. Accepts one that was never opened. */
void gf_kept_close(struct gf_native *native);

/* The directory that roots are kept in; NULL: this server keeps none. Thread: any. */
const char *gf_kept_dir(const struct gf_native *native);

/* Finds what is kept, and removes what is not to be. Blocks. Before the first launch. Thread: any.
 */
void gf_kept_sweep(struct gf_native *native);

/*
 * After the sweep: an attempt of which only the directory is known may be the container of a kept
 * root, left behind by the last server. Then the root has no other one until it has gone.
 */
void gf_kept_adopt(struct gf_native_attempt *attempt);

/* After that: those whose time is over go from here on. */
void gf_kept_begin(struct gf_native *native);

/* The attempt has ended, and says so of its root. */
void gf_kept_add(struct gf_native_attempt *attempt, const struct gf_shim_exit *exit);

/*
 * The attempt was lost. Its shim may have kept the root before it was killed; nobody was told of
 * that, so it goes.
 */
void gf_kept_lost(struct gf_native_attempt *attempt);

/* Begins a session in the kept root of its attempt. */
void gf_kept_enter(struct gf_session *session);

/* The session is over; does nothing for one that is in no kept root. */
void gf_kept_leave(struct gf_session *session);

/* Of the container of a kept root: it runs; it has ended (why, a sentence); its shim has. */
void gf_kept_started(struct gf_native_attempt *container);
void gf_kept_ended(struct gf_native_attempt *container, const char *sentence);
void gf_kept_gone(struct gf_native_attempt *container);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_KEPT_H_ */
