/*
 * Values that nobody should see, from the user: typed without an echo, piped, or in a file; never
 * in the arguments, which others can see.
 *
 * Thread: the main thread, before there are others that handle signals.
 */
#ifndef GOFER_CLI_SECRET_INPUT_H_
#define GOFER_CLI_SECRET_INPUT_H_

#include "cli/cli.h"
#include "clients/c/secret_value.h"

struct gf_cli_secret_input {
    const char *file;   /* NULL = standard input */
    bool exact;         /* keep a newline at the end of standard input */
    const char *prompt; /* for a terminal, without ": " */
};

/*
 * Reads a value to behind what is in `value`.
 *
 *  - From a file: its bytes as they are.
 *  - From standard input that is no terminal: its bytes up to the end, without one newline at the
 *    end, which echo and editors put there; with `exact` as they are.
 *  - From a terminal: one line, without the newline, not shown. What was changed about the terminal
 *    is undone, also where a signal ends the program or Ctrl-Z stops it.
 *
 * Codes: GF_INVALID_ARGUMENT (too large, or empty), GF_CANCELLED (a signal came, after which
 * nothing more should be done), those of files.
 */
enum gf_code gf_read_secret(struct gf_cli *cli, const struct gf_cli_secret_input *input,
                            struct gf_secret_value *value, struct gf_error *err) GF_MUST_USE;

/* The same for a token, in the cli's arena: always from standard input. */
enum gf_code gf_read_token(struct gf_cli *cli, const char **out_token,
                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_CLI_SECRET_INPUT_H_ */
