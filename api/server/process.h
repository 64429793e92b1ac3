/*
 * Closes the process of the service to others: what it holds in memory can be read by nobody but
 * root, and nothing of it is left behind.
 *
 * Thread: the main thread, before there are others.
 */
#ifndef GOFER_API_SERVER_PROCESS_H_
#define GOFER_API_SERVER_PROCESS_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/secrets/guarded.h"

/*
 * From here on the process cannot be traced and its memory not be read by others of the same user,
 * it leaves no core dump, and the files that it makes are for its owner alone. Code: GF_INTERNAL.
 */
enum gf_code gf_process_close(struct gf_error *err) GF_MUST_USE;

/*
 * Moves a variable of the environment into out, and overwrites it where it was, so that it is not
 * in /proc/PID/environ either. Not there or empty: out stays as it is. Code: GF_INVALID_ARGUMENT
 * (longer than out takes; it is overwritten nevertheless).
 */
enum gf_code gf_process_take_secret(const char *name, struct gf_secret_buffer *out,
                                    struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVER_PROCESS_H_ */
