/*
 * The way of the output: from the container's pipes into the log file, in frames (base/logframe.h),
 * one for each read. Secrets are masked on the way (base/mask.h), each stream by itself: neither
 * the cuts between reads nor those between frames let one through, and what is counted and limited
 * is what was masked. What a program has written and left as it is for a while is shown as far as
 * the masker lets it; at the end of a stream, whatever ended it, all that was held back comes.
 *
 * A container must never stand still because of its log. When the log has taken all it may, or the
 * disk does not take more, the pipes are still emptied, what comes is dropped and counted, and the
 * END frame says so. Of a task whose log is disabled nothing is kept, and nothing is missing.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_

#include "base/error.h"
#include "base/logframe.h"
#include "base/macros.h"
#include "base/mask.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_PUMP_READ_BYTES_MAX = GF_LOGFRAME_PAYLOAD_BYTES_MAX,
    GF_PUMP_PIPE_BYTES = 1 << 20, /* of a pipe whose writer is faster than one read at a time */
    GF_PUMP_STREAMS = 2,          /* stdout and stderr */
    /* How long a stream is silent before what the masker holds back of it is shown. */
    GF_PUMP_IDLE_MS = 100,
};

/* One stream on its way through the masker. */
struct gf_pump_stream {
    struct gf_mask_stream mask;
    int64_t show_ns; /* monotonic: when what is held back is shown; GF_NEVER: nothing is */
};

/* Called with all output, masked, also with what the log does not take. Borrowed for the call. */
typedef void gf_pump_tap_fn(enum gf_log_stream stream, struct gf_str bytes, void *ctx);

/* A value in the caller's memory; a large one. Fields are readable. */
struct gf_pump {
    struct gf_logframe_writer writer;
    int64_t bytes_max;     /* 0 = no limit */
    int64_t bytes;         /* payload that is in the log */
    int64_t dropped_bytes; /* that are not, though there is a log */
    bool kept;             /* there is a log */
    bool truncated;
    struct gf_error failure; /* why something could not be written; code GF_OK: nothing */
    gf_pump_tap_fn *tap;     /* set by the owner after gf_pump_init; NULL: none */
    void *tap_ctx;
    const struct gf_mask_set *masks; /* NULL: nothing is masked, and what follows is not used */
    struct gf_pump_stream streams[GF_PUMP_STREAMS];
    char masked[GF_PUMP_READ_BYTES_MAX + GF_MASK_HELD_BYTES_MAX];
    char buffer[GF_PUMP_READ_BYTES_MAX]; /* with masks it holds nothing between two calls */
};

/*
 * Begins the log in the file behind log_fd, which is borrowed, as is masks (NULL: nothing is
 * masked). One that a server has begun before, for a container that was never started, is
 * continued. log_fd -1: no log is kept.
 */
enum gf_code gf_pump_init(struct gf_pump *pump, int log_fd, int64_t bytes_max,
                          const struct gf_mask_set *masks, struct gf_error *err) GF_MUST_USE;

/*
 * The same with a ring of ring_bytes on the disk, where old output makes room for new and nothing
 * is cut but what comes while the disk is full. Where the file system cannot do that, the log says
 * so and takes bytes_max as any other. 0 = no ring.
 */
enum gf_code gf_pump_init_ring(struct gf_pump *pump, int log_fd, int64_t ring_bytes,
                               int64_t bytes_max, const struct gf_mask_set *masks,
                               struct gf_error *err) GF_MUST_USE;

/* Moves what one read gives. At the end of file closes *fd and sets it to -1. */
void gf_pump_move(struct gf_pump *pump, int *fd, enum gf_log_stream stream);

/* When gf_pump_show has something to do, monotonic; GF_NEVER: not before the next move. */
int64_t gf_pump_deadline(const struct gf_pump *pump);

/* Shows what is held back of the streams whose time has come. */
void gf_pump_show(struct gf_pump *pump, int64_t now_ns);

/* Writes what is held back and the END frame. */
void gf_pump_finish(struct gf_pump *pump);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PUMP_H_ */
