/*
 * Which images run on this machine.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PLATFORM_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PLATFORM_H_

#include "base/error.h"
#include "base/macros.h"

#include <jansson.h>

enum {
    GF_PLATFORM_BYTES_MAX = 96
};

/* As images name it: "linux", "amd64", "v8". Borrowed strings; "" where nothing is said. */
struct gf_platform {
    const char *os;
    const char *architecture;
    const char *variant;
};

/* Reads the members os, architecture and variant of an object. */
enum gf_code gf_platform_read(const json_t *object, struct gf_platform *out,
                              struct gf_error *err) GF_MUST_USE;

/* 0: does not run here. Else the higher the better. One that says nothing has the lowest, 1. */
int gf_platform_rank(const struct gf_platform *platform);

/* "linux/arm64/v8"; what is odd is cut or escaped. Gives `out`. */
char *gf_platform_format(const struct gf_platform *platform, char out[GF_PLATFORM_BYTES_MAX]);

/* The machine that this program was built for. */
struct gf_platform gf_platform_host(void);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_PLATFORM_H_ */
