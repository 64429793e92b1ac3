/*
 * Error codes and error values.
 *
 * A function that can fail returns `enum gf_code` and takes `struct gf_error *err` last. The code
 * is the currency of every layer and equals the canonical gRPC code of the same name; only api/rpc
 * turns it into a status on the wire. The error value lives on the caller's stack: reporting an
 * error never allocates, and it may cross threads by copy.
 *
 * Contract of every such function: on GF_OK `err` is untouched; on any other code all outputs are
 * untouched and `err` is filled. `err` may be NULL where the caller does not care.
 *
 * Messages name the thing and the expectation, in lower case, without a final period:
 * "pipeline 'nightly' not found in namespace 'default'". Context is added once per layer, by
 * gf_wrap.
 *
 * Thread: any.
 */
#ifndef GOFER_BASE_ERROR_H_
#define GOFER_BASE_ERROR_H_

#include "base/macros.h"

#include <stdarg.h>

/* X(name, number, text): the canonical codes of gRPC, in their order. */
#define GF_CODES(X)                                                                                \
    X(OK, 0)                                                                                       \
    X(CANCELLED, 1)                                                                                \
    X(UNKNOWN, 2)                                                                                  \
    X(INVALID_ARGUMENT, 3)                                                                         \
    X(DEADLINE_EXCEEDED, 4)                                                                        \
    X(NOT_FOUND, 5)                                                                                \
    X(ALREADY_EXISTS, 6)                                                                           \
    X(PERMISSION_DENIED, 7)                                                                        \
    X(RESOURCE_EXHAUSTED, 8)                                                                       \
    X(FAILED_PRECONDITION, 9)                                                                      \
    X(ABORTED, 10)                                                                                 \
    X(OUT_OF_RANGE, 11)                                                                            \
    X(UNIMPLEMENTED, 12)                                                                           \
    X(INTERNAL, 13)                                                                                \
    X(UNAVAILABLE, 14)                                                                             \
    X(DATA_LOSS, 15)                                                                               \
    X(UNAUTHENTICATED, 16)

enum gf_code {
#define GF_CODE_ENUM(name, number) GF_##name = (number),
    GF_CODES(GF_CODE_ENUM)
#undef GF_CODE_ENUM
};

enum {
    GF_ERROR_MESSAGE_BYTES_MAX = 384, /* with the final NUL; longer messages end in "..." */
    GF_ERROR_FIELD_BYTES_MAX = 192,   /* with the final NUL */
    GF_ERROR_REASON_BYTES_MAX = 48,   /* with the final NUL */
};

struct gf_error {
    enum gf_code code;
    /* For machines, UPPER_SNAKE_CASE: "RUN_ALREADY_FINISHED"; "" when the code says all. */
    char reason[GF_ERROR_REASON_BYTES_MAX];
    /* Path of the request field at fault: "config.tasks[1].image"; "" when none is. */
    char field[GF_ERROR_FIELD_BYTES_MAX];
    char message[GF_ERROR_MESSAGE_BYTES_MAX];
};

/* Fills err (reason and field empty) and returns code; the idiom is `return gf_fail(err, ...)`. */
enum gf_code gf_fail(struct gf_error *err, enum gf_code code, const char *fmt, ...) GF_PRINTF(3, 4);

/* As gf_fail with a machine-readable reason. Borrowed: reason, a literal in UPPER_SNAKE_CASE. */
enum gf_code gf_fail_reason(struct gf_error *err, enum gf_code code, const char *reason,
                            const char *fmt, ...) GF_PRINTF(4, 5);

/* As gf_fail with GF_INVALID_ARGUMENT and the path of the field at fault. Borrowed: field. */
enum gf_code gf_fail_field(struct gf_error *err, const char *field, const char *fmt, ...)
    GF_PRINTF(3, 4);

/* As gf_fail with ": <strerror(errnum)>" appended to the message. */
enum gf_code gf_fail_errno(struct gf_error *err, enum gf_code code, int errnum, const char *fmt,
                           ...) GF_PRINTF(4, 5);

/*
 * Puts "<text>: " before the message of a filled err and returns its code. Code, reason and field
 * stay. A NULL err has no code to return (it gives GF_UNKNOWN), so the idiom is:
 *
 *     if (rc != GF_OK) {
 *         (void)gf_wrap(err, "run '%s'", name);
 *         return rc;
 *     }
 */
enum gf_code gf_wrap(struct gf_error *err, const char *fmt, ...) GF_PRINTF(2, 3);

/* As gf_wrap for the field path: "config." before "tasks[0].id". */
enum gf_code gf_wrap_field(struct gf_error *err, const char *prefix);

/* "NOT_FOUND" for GF_NOT_FOUND; "UNKNOWN" for a number that is no code. Static storage. */
const char *gf_code_name(enum gf_code code);

#endif /* GOFER_BASE_ERROR_H_ */
