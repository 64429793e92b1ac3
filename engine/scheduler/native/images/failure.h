/*
 * A failure as lines of a record: code, reason and message, then the end.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_FAILURE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_FAILURE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/images/lines.h"

/* Appends the three lines. */
void gf_failure_put(struct gf_strbuf *out, const struct gf_error *failure);

/*
 * Reads what follows "code=", whose value is code_name, up to the end of the record. A message that
 * is not valid UTF-8 is made printable. Code: GF_DATA_LOSS.
 */
enum gf_code gf_failure_take(struct gf_lines *lines, struct gf_str code_name,
                             struct gf_error *out_failure, struct gf_error *err) GF_MUST_USE;

/* Reads a line that must be there and have this key. Code: GF_DATA_LOSS. */
enum gf_code gf_lines_expect(struct gf_lines *lines, struct gf_str key, struct gf_str *out_value,
                             struct gf_error *err) GF_MUST_USE;
enum gf_code gf_lines_expect_end(struct gf_lines *lines, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_FAILURE_H_ */
