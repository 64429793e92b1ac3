/*
 * Shared by logframe.c and logframe_ring.c.
 */
#ifndef GOFER_BASE_LOGFRAME_INTERNAL_H_
#define GOFER_BASE_LOGFRAME_INTERNAL_H_

#include "base/logframe.h"

#include <sys/uio.h>

enum {
    GF_LOGFRAME__CHECKED_FILE_BYTES = 12, /* of the file's header: all before the checksum */
};

/* Little-endian numbers of up to 8 bytes. */
void gf_logframe__put_le(uint8_t *out, uint64_t number, int bytes);
uint64_t gf_logframe__get_le(const char *bytes, int count);

/* Writes the parts one behind the other at the offset. Advances parts as it goes. */
enum gf_code gf_logframe__write_at(int fd, struct iovec *parts, int part_count, int64_t offset,
                                   struct gf_error *err) GF_MUST_USE;

/* The first bytes of a file of this version. */
void gf_logframe__encode_file_header(uint64_t version,
                                     uint8_t out_header[GF_LOGFRAME_FILE_HEADER_BYTES]);

/* ---- logframe_ring.c ---- */

/*
 * Where the oldest kept frame of a ring begins. Code: GF_DATA_LOSS (neither record is valid, or it
 * lies behind the end of the file).
 */
enum gf_code gf_logframe__ring_start(int fd, struct gf_logframe_mark *out_start,
                                     struct gf_error *err) GF_MUST_USE;

/* Of the version, by the file's header; 0 where that is damaged, or too short. */
uint64_t gf_logframe__version(int fd);

/* Before a frame of this size is written to a ring: releases old frames as far as needed. */
enum gf_code gf_logframe__ring_make_room(struct gf_logframe_writer *writer, size_t frame_bytes,
                                         struct gf_error *err) GF_MUST_USE;

/* A frame of a ring begins at `offset` and has been written, or was found when resuming. */
void gf_logframe__ring_note(struct gf_logframe_ring *ring, int64_t offset, size_t payload_bytes);

#endif /* GOFER_BASE_LOGFRAME_INTERNAL_H_ */
