/*
 * `gofer-fetch pull`: a request on standard input, progress and a result on standard output.
 *
 * Thread: the only one of the program.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_COMMAND_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_COMMAND_H_

#include "base/error.h"
#include "base/macros.h"

/*
 * Pulls into the store at store_dir, in two processes with few rights. The result goes out for
 * success and failure alike. Gives the code of the pull.
 */
enum gf_code gf_pull_command(const char *store_dir, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PULL_COMMAND_H_ */
