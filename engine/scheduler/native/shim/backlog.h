/*
 * Output on its way to sessions: a ring of pieces, from which any number of readers take at their
 * own pace. The writer never waits: what is overwritten before a reader has come to it is lost to
 * that reader, which is how one that is too slow is found out.
 *
 * The ring's memory is touched only as far as readers fall behind.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BACKLOG_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BACKLOG_H_

#include "base/error.h"
#include "base/logframe.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value in the caller's memory; zeroed = closed. `head` is where the next piece goes. */
struct gf_backlog {
    char *bytes; /* NULL: closed */
    size_t size; /* a multiple of GF_BACKLOG_ALIGN */
    uint64_t origin;
    uint64_t head;
};

enum {
    GF_BACKLOG_ALIGN = 8,
    GF_BACKLOG_PIECE_BYTES_MAX = 32 << 10,
};

/* Code: GF_RESOURCE_EXHAUSTED. size is a multiple of the alignment, and above that of a piece. */
enum gf_code gf_backlog_open(struct gf_backlog *backlog, size_t size,
                             struct gf_error *err) GF_MUST_USE;
void gf_backlog_close(struct gf_backlog *backlog);

/* Adds a piece of 1 to GF_BACKLOG_PIECE_BYTES_MAX bytes. */
void gf_backlog_add(struct gf_backlog *backlog, enum gf_log_stream stream, struct gf_str bytes);

/* All readers are at the head: the next piece goes to the beginning of the memory. */
void gf_backlog_rewind(struct gf_backlog *backlog);

/* A reader is a position: it begins as `head`. False: what came next for it is overwritten. */
bool gf_backlog_has(const struct gf_backlog *backlog, uint64_t position);

/*
 * The next piece for a reader, and the position behind it; borrowed until the next change. False:
 * the reader is at the head. Only for positions that gf_backlog_has.
 */
bool gf_backlog_next(const struct gf_backlog *backlog, uint64_t position,
                     enum gf_log_stream *out_stream, struct gf_str *out_bytes, uint64_t *out_next);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_BACKLOG_H_ */
