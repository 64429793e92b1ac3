/*
 * How a shim is born: what it is given (protocol.h) is gathered in a struct gf_birth, and then it
 * is started. The same for an attempt (launch.c) and for the container of a kept root
 * (kept_start.c).
 *
 * Thread: any that may block; one birth by one thread.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_BIRTH_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_BIRTH_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/proc.h"

#include <stdint.h>

struct gf_native;

/* Descriptors; -1 = not there. Owned, but for network_fd, which is borrowed. A value. */
struct gf_birth {
    int spec_fd;    /* must be there in the end, as must be the directory */
    int masks_fd;   /* -1: there is nothing to mask */
    int dir_fd;     /* of gf_birth_make_dir */
    int log_fd;     /* -1: no log is kept */
    int input_fd;   /* -1: the run has no document */
    int network_fd; /* -1: the shim makes a namespace, or takes the host's */
};

#define GF_BIRTH_INIT ((struct gf_birth){-1, -1, -1, -1, -1, -1})

/*
 * Makes the directory `name` among those of all attempts, locks it, and writes down which user ids
 * are in use (0 = none of its own). Codes: those of base/file.h; GF_ALREADY_EXISTS where there is
 * one: nothing is ever started twice.
 */
enum gf_code gf_birth_make_dir(struct gf_birth *birth, const struct gf_native *native,
                               const char *name, int64_t user_id_first,
                               struct gf_error *err) GF_MUST_USE;

/* Starts the shim. *out_socket, the server's end, does not block and is the caller's. */
enum gf_code gf_birth_spawn(const struct gf_birth *birth, const struct gf_native *native,
                            const char *name, struct gf_proc *out_proc, int *out_socket,
                            struct gf_error *err) GF_MUST_USE;

/* It has failed: removes the directory, where it was made. What cannot be removed is logged. */
void gf_birth_undo(const struct gf_birth *birth, const struct gf_native *native, const char *name);

/* Closes what is owned: the shim has copies. */
void gf_birth_fini(struct gf_birth *birth);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_BIRTH_H_ */
