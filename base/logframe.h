/*
 * The file format of task output: written by the shim (and by log pumps), read by the server while
 * it grows.
 *
 * All numbers are little-endian and unsigned unless said otherwise.
 *
 *     file   = header frame* [end frame]
 *
 *     header (16 bytes)
 *       0  8  magic, the bytes "gflog\r\n\0"
 *       8  2  version: 1, or 2 of a ring
 *      10  2  reserved, 0
 *      12  4  CRC-32C of the 12 bytes before
 *
 *     frame (20 bytes and the payload)
 *       0  4  length of the payload, at most GF_LOGFRAME_PAYLOAD_BYTES_MAX
 *       4  1  stream: 1 stdout, 2 stderr, 3 system (what gofer itself has to say)
 *       5  1  flags: bit 0 END, bit 1 CUT, bit 2 COUNTED; the others are 0
 *       6  2  reserved, 0
 *       8  8  wall clock, signed, ns since 1970-01-01T00:00:00Z, when the bytes were read
 *      16  4  CRC-32C of the 16 bytes before and the payload
 *      20     payload: raw bytes of the stream, one read of the writer; lines and characters may be
 *             split between frames
 *
 * The END frame is of the system stream and the last of the file: the log is complete. With CUT,
 * output was dropped (a limit was reached); its payload, which may be empty, is a sentence that
 * says why. With COUNTED, which comes only with CUT, 8 bytes stand before the sentence: how many
 * bytes of output were dropped, signed, 0 or more. A file without an END frame is either still
 * growing or its writer died; which of the two, the file does not tell.
 *
 * A ring (version 2) is for writers without an end: its oldest frames make room for new ones. The
 * header is 128 bytes long:
 *
 *      16  24  a record of where the oldest kept frame begins
 *      40  24  another one; written in turns, the valid one with the greater offset counts
 *      64  64  reserved, 0
 *
 *     record (24 bytes)
 *       0  8  offset in the file of the oldest kept frame
 *       8  8  payload bytes of all frames that were released before it
 *      16  4  CRC-32C of the 16 bytes before
 *      20  4  reserved, 0
 *
 * Offsets stay as they are: what is between the header and the oldest kept frame is a hole, whose
 * blocks the file system has back (fallocate with PUNCH_HOLE). The record is written before the
 * hole is made, so that a reader who finds zeros finds in the header how far to skip.
 *
 * A frame is written by one pwritev. A reader that comes in between, or a writer that dies there,
 * sees a partial frame at the end of the file: a reader waits, a writer that resumes cuts it off.
 * A damaged length in the last frame looks the same: who knows that the writer is dead takes
 * waiting for the end of the log.
 *
 * Also part of the shim: no threads, no allocation in the writer.
 *
 * Thread: a writer or a reader belongs to one thread at a time. One writer a file, any number of
 * readers.
 */
#ifndef GOFER_BASE_LOGFRAME_H_
#define GOFER_BASE_LOGFRAME_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_LOGFRAME_VERSION = 1,
    GF_LOGFRAME_RING_VERSION = 2,
    GF_LOGFRAME_FILE_HEADER_BYTES = 16,
    GF_LOGFRAME_HEADER_BYTES = 20,
    GF_LOGFRAME_PAYLOAD_BYTES_MAX = 65536,
    GF_LOGFRAME_BYTES_MAX = GF_LOGFRAME_HEADER_BYTES + GF_LOGFRAME_PAYLOAD_BYTES_MAX,
    GF_LOGFRAME_NOTE_BYTES_MAX = 1024, /* of the sentence of an END frame */
    GF_LOGFRAME_RING_HEADER_BYTES = 128,
    GF_LOGFRAME_RING_MARKS = 16, /* a ring gives back about one such part of itself at a time */
    GF_LOGFRAME_RING_BYTES_MIN = 4 * GF_LOGFRAME_BYTES_MAX,
};

/* X(name, number, text) */
#define GF_LOG_STREAMS(X)                                                                          \
    X(STDOUT, 1, "stdout")                                                                         \
    X(STDERR, 2, "stderr")                                                                         \
    X(SYSTEM, 3, "system")

enum gf_log_stream {
#define GF_LOG_STREAM_ENUM(name, number, text) GF_LOG_STREAM_##name = (number),
    GF_LOG_STREAMS(GF_LOG_STREAM_ENUM)
#undef GF_LOG_STREAM_ENUM
};

/* "stdout", "stderr", "system". Static storage. */
const char *gf_log_stream_name(enum gf_log_stream stream);

/* One frame as read. */
struct gf_logframe {
    enum gf_log_stream stream;
    bool end;     /* the log is complete: nothing comes behind */
    bool cut;     /* only with end: output was dropped */
    bool counted; /* only with cut: the payload begins with how much (gf_logframe_note) */
    int64_t wall_ns;
    struct gf_str payload; /* borrowed from the reader or from the decoded bytes */
    int64_t missing_bytes; /* by a reader: payload before it that a ring released unread */
};

/* ---- writing ---- */

/* The beginning of a frame: its offset, and the payload of all frames before it. */
struct gf_logframe_mark {
    int64_t offset;
    int64_t payload_bytes;
};

/* What the writer of a ring keeps in mind. Private to logframe_ring.c. */
struct gf_logframe_ring {
    int64_t bytes_max; /* 0 = the log is no ring */
    struct gf_logframe_mark start;
    int64_t payload_bytes; /* of all frames that were ever written */
    struct gf_logframe_mark marks[GF_LOGFRAME_RING_MARKS + 1]; /* frames to begin with, rising */
    size_t mark_count;
    int64_t record_count; /* written; the next one goes to the record of its parity */
};

/* A value in the caller's memory. The descriptor is borrowed; it must not be open with O_APPEND. */
struct gf_logframe_writer {
    int fd;
    int64_t offset; /* where the next frame goes = the size of what is valid; readable */
    bool ended;
    struct gf_logframe_ring ring;
};

/* Starts a new log in an empty file and writes its header. */
enum gf_code gf_logframe_writer_init(struct gf_logframe_writer *writer, int fd,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * Goes on with a log that another writer left: reads it, cuts off a partial frame at its end, and
 * stands behind the last whole one. An empty file gets its header. The descriptor must be readable.
 * Codes: GF_DATA_LOSS (damaged), GF_FAILED_PRECONDITION (it has an END frame, or is a ring).
 */
enum gf_code gf_logframe_writer_resume(struct gf_logframe_writer *writer, int fd,
                                       struct gf_error *err) GF_MUST_USE;

/*
 * Begins a ring in an empty file, or goes on with one that another writer left, as
 * gf_logframe_writer_resume does. The file takes up to bytes_max bytes of the disk (at least
 * GF_LOGFRAME_RING_BYTES_MIN, asserted) and a block or two; its size only grows. The descriptor
 * must be readable.
 * Codes: GF_UNIMPLEMENTED (the file system cannot punch holes; the file is as it was), GF_DATA_LOSS
 * (damaged), GF_FAILED_PRECONDITION (it has an END frame, or is no ring).
 */
enum gf_code gf_logframe_ring_open(struct gf_logframe_writer *writer, int fd, int64_t bytes_max,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * Writes the bytes as one frame, or as several where there are more than
 * GF_LOGFRAME_PAYLOAD_BYTES_MAX. No bytes, no frame. After an error (a full disk) the file is as
 * before the frame that failed, or ends in a part of it: the next write overwrites that part.
 */
enum gf_code gf_logframe_write(struct gf_logframe_writer *writer, enum gf_log_stream stream,
                               int64_t wall_ns, struct gf_str bytes,
                               struct gf_error *err) GF_MUST_USE;

/*
 * Writes the END frame, the last one, of a log that holds all output. gf_logframe_end_cut: of one
 * that lacks dropped_bytes of it (0 or more); `note` says why, may be empty, and is cut beyond
 * GF_LOGFRAME_NOTE_BYTES_MAX.
 */
enum gf_code gf_logframe_end(struct gf_logframe_writer *writer, int64_t wall_ns,
                             struct gf_error *err) GF_MUST_USE;
enum gf_code gf_logframe_end_cut(struct gf_logframe_writer *writer, int64_t wall_ns,
                                 int64_t dropped_bytes, struct gf_str note,
                                 struct gf_error *err) GF_MUST_USE;

/* ---- reading ---- */

enum gf_logframe_event {
    GF_LOGFRAME_FRAME, /* a frame is there (with `end` set it is the last one) */
    GF_LOGFRAME_WAIT,  /* nothing more yet: look again when the file has grown */
    GF_LOGFRAME_DONE,  /* the END frame was given before */
};

/* The fields are private to logframe.c. */
struct gf_logframe_reader {
    int fd;
    char *buffer;
    size_t buffer_start;
    size_t buffer_len;
    int64_t offset;
    int64_t payload_bytes; /* of the frames before offset; known where reading began at 0 */
    int64_t missing_bytes; /* skipped, and not told with a frame yet */
    bool ring;
    bool ended;
};

/*
 * Starts to read the log in fd (borrowed, only pread is used) at `offset`: 0, or what
 * gf_logframe_reader_offset gave. Allocates a buffer of about 128 KiB at the first read.
 *
 * Of a ring, what was released is skipped; the next frame tells how much it is. A reader that
 * begins elsewhere than at 0 knows that only if it is told how much payload came before:
 * gf_logframe_reader_payload of the reader whose offset it is.
 */
void gf_logframe_reader_init(struct gf_logframe_reader *reader, int fd, int64_t offset);
void gf_logframe_reader_fini(struct gf_logframe_reader *reader);

/*
 * Gives the next frame; its payload is borrowed until the next call.
 * Codes: GF_DATA_LOSS (no log, an unknown version, or a damaged frame: the message has its offset;
 * the same again at every further call), GF_OUT_OF_RANGE (the offset lies behind the end of the
 * file).
 */
enum gf_code gf_logframe_reader_next(struct gf_logframe_reader *reader,
                                     enum gf_logframe_event *out_event,
                                     struct gf_logframe *out_frame,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * Whether the next frame is in the reader's memory already, whole: reading it leaves the payloads
 * that were given since the last call that had to read the file where they are.
 */
bool gf_logframe_reader_has_next(const struct gf_logframe_reader *reader);

/* Where the next frame begins: the resume point behind the frame that was given last. */
int64_t gf_logframe_reader_offset(const struct gf_logframe_reader *reader);

/* The payload bytes of all frames before that, and its counterpart; see gf_logframe_reader_init. */
int64_t gf_logframe_reader_payload(const struct gf_logframe_reader *reader);
void gf_logframe_reader_set_payload(struct gf_logframe_reader *reader, int64_t payload_bytes);

/*
 * Decodes the frame at the start of bytes, for those who have them in memory. `offset` is for the
 * message only. *out_size is the size of the whole frame, or 0 when bytes ends before it does; then
 * *out_frame is untouched. Code: GF_DATA_LOSS.
 */
enum gf_code gf_logframe_decode(struct gf_str bytes, int64_t offset, struct gf_logframe *out_frame,
                                size_t *out_size, struct gf_error *err) GF_MUST_USE;

/* The sentence of an END frame with `cut`, and how much was dropped; 0 where nobody counted. */
struct gf_str gf_logframe_note(const struct gf_logframe *frame, int64_t *out_dropped_bytes);

/* Writes the header of a frame with this payload. */
void gf_logframe_encode_header(const struct gf_logframe *frame,
                               uint8_t out_header[GF_LOGFRAME_HEADER_BYTES]);

#endif /* GOFER_BASE_LOGFRAME_H_ */
