/*
 * What the gofer command exits with: the one table. `gofer help exit-codes` prints it.
 */
#ifndef GOFER_CLI_EXIT_CODE_H_
#define GOFER_CLI_EXIT_CODE_H_

#include "base/error.h"

/* X(NAME, number, text) */
#define GF_EXITS(X)                                                                                \
    X(OK, 0, "done")                                                                               \
    X(FAILED, 1, "failed: bad input in a file, a limit, or an error of the server")                \
    X(USAGE, 2, "the command line is wrong")                                                       \
    X(RUN_UNSUCCESSFUL, 3, "the run ended unsuccessfully (with --wait or --follow)")               \
    X(NOT_ALLOWED, 4, "not authenticated, or not allowed")                                         \
    X(NOT_FOUND, 5, "something that was named does not exist")                                     \
    X(UNREACHABLE, 6, "the server cannot be reached, or the deadline passed")                      \
    X(CONFLICT, 7,                                                                                 \
      "a conflict or an unmet precondition: it exists already, it is not in the "                  \
      "right state")                                                                               \
    X(INTERRUPTED, 130, "interrupted by Ctrl-C")

enum gf_exit_code {
#define GF_EXIT_ENUM(name, number, text) GF_EXIT_##name = (number),
    GF_EXITS(GF_EXIT_ENUM)
#undef GF_EXIT_ENUM
};

/* The exit code for the outcome of a call. */
enum gf_exit_code gf_exit_code_of(enum gf_code code);

#endif /* GOFER_CLI_EXIT_CODE_H_ */
