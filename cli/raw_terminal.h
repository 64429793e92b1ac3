/*
 * A terminal that hands on every key as it is typed, for a program elsewhere. Whatever ends this
 * program, the terminal gets back what it had: by gf_raw_terminal_stop, by exit(), and by signals
 * that end it.
 *
 * Thread: the main thread, one terminal at a time in a program.
 */
#ifndef GOFER_CLI_RAW_TERMINAL_H_
#define GOFER_CLI_RAW_TERMINAL_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* From now on it is raw. The descriptor is borrowed until stop. Codes: those of errno. */
enum gf_code gf_raw_terminal_start(int fd, struct gf_error *err) GF_MUST_USE;

/* As it was before. Does nothing where it is not raw. */
void gf_raw_terminal_stop(void);

/* The same from within the handler of a signal, before the program ends there. */
void gf_raw_terminal_restore(void);

/* Its size; false where the descriptor is no terminal or does not know. */
bool gf_terminal_read_size(int fd, int32_t *out_columns, int32_t *out_rows);

#endif /* GOFER_CLI_RAW_TERMINAL_H_ */
