/*
 * The memory files that a server hands over to a new shim: what shim/handover.h takes.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_HANDOVER_FILES_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_HANDOVER_FILES_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A sealed file with the spec. With `guarded` its environment lies in guarded memory, and what is
 * made of it on the way does, too. Codes: GF_INVALID_ARGUMENT and GF_RESOURCE_EXHAUSTED (a bound of
 * the spec), those of base/file.h. No message has anything of the environment.
 */
enum gf_code gf_handover_seal_spec(const struct gf_spec *spec, bool guarded, int *out_fd,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * A sealed file with the set of what is to be masked. Borrowed: values. Codes:
 * GF_RESOURCE_EXHAUSTED (a limit of base/mask.h), those of base/file.h.
 */
enum gf_code gf_handover_seal_masks(const struct gf_str *values, size_t count, int *out_fd,
                                    struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_HANDOVER_FILES_H_ */
