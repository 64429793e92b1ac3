/*
 * The way of the output: from the container's pipes into the log file, in frames (base/logframe.h),
 * one for each read.
 *
 * A container must never stand still because of its log. When the log has taken all it may, or the
 * disk does not take more, the pipes are still emptied, what comes is dropped, and the END frame
 * says so.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_

#include "base/error.h"
#include "base/logframe.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_PUMP_READ_BYTES_MAX = GF_LOGFRAME_PAYLOAD_BYTES_MAX,
    GF_PUMP_PIPE_BYTES = 1 << 20, /* of a pipe whose writer is faster than one read at a time */
};

/* A value in the caller's memory; a large one. Fields are readable. */
struct gf_pump {
    struct gf_logframe_writer writer;
    int64_t bytes_max; /* 0 = no limit */
    int64_t bytes;     /* payload that is in the log */
    bool truncated;
    struct gf_error failure; /* why writing has ended early; code GF_OK: it has not */
    char buffer[GF_PUMP_READ_BYTES_MAX];
};

/*
 * Begins the log in the file behind log_fd, which is borrowed. One that a server has begun before,
 * for a container that was never started, is continued.
 */
enum gf_code gf_pump_init(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                          struct gf_error *err) GF_MUST_USE;

/* Moves what one read gives. At the end of file closes *fd and sets it to -1. */
void gf_pump_move(struct gf_pump *pump, int *fd, enum gf_log_stream stream);

/* Writes the END frame. */
void gf_pump_finish(struct gf_pump *pump);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_ */
