/*
 * Terminals of a container: made in its own /dev/pts by the process that will use them, once that
 * is the container's user, and followed by the shim through the other end.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TERMINAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TERMINAL_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

/* Makes a terminal in the root that the process is in; both ends close on exec. */
enum gf_code gf_terminal_open(int *out_master_fd, int *out_slave_fd,
                              struct gf_error *err) GF_MUST_USE;

/* Hands both ends over to the shim through a socket, and takes them; non-blocking there. */
enum gf_code gf_terminal_send(int socket_fd, int master_fd, int slave_fd,
                              struct gf_error *err) GF_MUST_USE;
enum gf_code gf_terminal_receive(int socket_fd, int *out_master_fd, int *out_slave_fd,
                                 struct gf_error *err) GF_MUST_USE;

/* Makes it the controlling terminal of the calling process, which leads a session without one. */
enum gf_code gf_terminal_control(int slave_fd, struct gf_error *err) GF_MUST_USE;

/* 0 of both: stays as it is. Beyond 16 bits: as large as can be. */
void gf_terminal_resize(int master_fd, int64_t columns, int64_t rows);

/* The character that ends the input, as the terminal is set; -1: it has none now. */
int gf_terminal_end_character(int master_fd);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_TERMINAL_H_ */
