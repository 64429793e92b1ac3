/*
 * The spec of an exec: what a shim must know to run a program in its container for a session. It
 * comes in a sealed memory file, with the message `exec` (protocol.h).
 *
 * It may come from a later server than the shim's own: fields that are not known are skipped.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_SPEC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_SPEC_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fields.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts are never NULL after decoding; for encoding NULL is "". All is borrowed. */
struct gf_exec_spec {
    struct gf_field_list args; /* at least one */
    /* "KEY=value": besides the environment of the container's program, of which they take the
     * place where the keys are the same. A container without a program has one for
     * them. */
    struct gf_field_list env;
    const char *user;    /* as in struct gf_spec; "" = that of the container's program */
    const char *workdir; /* likewise */
    bool terminal;
    int64_t columns; /* of the terminal; 0 = not known */
    int64_t rows;
};

/* As gf_spec_encode and gf_spec_decode, with the bounds of spec.h. */
enum gf_code gf_exec_spec_encode(const struct gf_exec_spec *spec, struct gf_strbuf *out,
                                 struct gf_error *err) GF_MUST_USE;
enum gf_code gf_exec_spec_decode(struct gf_str bytes, struct gf_exec_spec *out_spec,
                                 struct gf_error *err) GF_MUST_USE;
void gf_exec_spec_release(struct gf_exec_spec *spec);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_EXEC_SPEC_H_ */
