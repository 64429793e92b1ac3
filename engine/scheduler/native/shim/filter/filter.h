/*
 * The filter of system calls: the list in calls.txt, made into a program of the kernel's (seccomp)
 * when gofer is built.
 *
 * Calls of another kind than this machine's own end the process (SIGSYS): a 32-bit entry has other
 * numbers for its calls. Those of the x32 kind do not exist.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_FILTER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_FILTER_H_

#include "base/error.h"
#include "base/macros.h"

#include <linux/filter.h>
#include <stddef.h>

/*
 * Loads the filter for this process and all that it starts, for good. The process cannot gain
 * rights any more (no_new_privs is set). What is called afterwards must be on the list: this comes
 * last. Code: GF_UNIMPLEMENTED (the kernel has no filters).
 */
enum gf_code gf_filter_load(struct gf_error *err) GF_MUST_USE;

/* The program, in a generated file. Static storage. */
const struct sock_filter *gf_filter_program(size_t *out_count);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_FILTER_H_ */
