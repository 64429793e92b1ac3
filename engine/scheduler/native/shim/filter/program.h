/*
 * From a list of system calls to a program of the kernel's. Only for the generator and for tests.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_PROGRAM_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_PROGRAM_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/shim/filter/list.h"

#include <linux/filter.h>
#include <stddef.h>

/* A value in the caller's memory. */
struct gf_filter_code {
    struct sock_filter instructions[BPF_MAXINSNS];
    size_t count;
};

/*
 * Makes the program for the machine that this runs on: calls of another kind end the process, and
 * all others get the list's verdict. Code: GF_RESOURCE_EXHAUSTED (longer than the kernel takes).
 */
enum gf_code gf_filter_compile(const struct gf_filter_list *list, struct gf_filter_code *out_code,
                               struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_FILTER_PROGRAM_H_ */
