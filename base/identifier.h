/*
 * Identifiers: what a user may call a namespace, a pipeline, a task and everything else with a
 * name. This is the one check, called wherever an identifier enters.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_IDENTIFIER_H_
#define GOFER_BASE_IDENTIFIER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

enum {
    GF_IDENTIFIER_CHARS_MIN = 3,
    GF_IDENTIFIER_CHARS_MAX = 64,
};

/*
 * GF_OK when id has 3 to 64 characters, each an ASCII letter, a digit, a hyphen or an underscore.
 * Else GF_INVALID_ARGUMENT on `field` (borrowed, a path such as "config.tasks[1].id") with a
 * message that says what is wrong: its length, or which character at which place.
 */
enum gf_code gf_identifier_check(struct gf_str id, const char *field,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_BASE_IDENTIFIER_H_ */
