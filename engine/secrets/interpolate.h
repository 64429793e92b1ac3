/*
 * Interpolation: puts values in the place of the references of a text (references.h). Launches use
 * it for the environment of tasks, extensions and subscriptions for their settings.
 *
 * The result lives in guarded memory. Values are put in as they are: what looks like a reference in
 * a value is text. No error holds a value, or anything of the text but words and keys.
 *
 * Thread: one at a time for a buffer, else any.
 */
#ifndef GOFER_ENGINE_SECRETS_INTERPOLATE_H_
#define GOFER_ENGINE_SECRETS_INTERPOLATE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/secrets/guarded.h"
#include "engine/secrets/references.h"

/*
 * Appends the value that a reference stands for to out. On an error what it has appended is taken
 * away again; its message must not hold a value, and gets the reference put before it:
 * "pipeline_secret{{KEY}}: not found".
 */
typedef enum gf_code gf_interpolate_fn(void *ctx, const struct gf_text_part *reference,
                                       struct gf_secret_buffer *out, struct gf_error *err);

/*
 * Appends the text to out with a value in the place of each reference. Codes: GF_INVALID_ARGUMENT
 * (references.h, or more than GF_REFERENCES_MAX), GF_FAILED_PRECONDITION (a value has a NUL, which
 * neither an environment variable nor a setting can hold; the result is larger than out's limit),
 * and those of fn. On an error out is as it was.
 */
enum gf_code gf_interpolate(struct gf_str text, unsigned kinds, gf_interpolate_fn *fn, void *ctx,
                            struct gf_secret_buffer *out, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_INTERPOLATE_H_ */
