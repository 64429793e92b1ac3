/*
 * Design: the writer keeps the offset of the next frame itself and writes there with one pwritev,
 * so that what a failed write left behind goes, and the next frame takes its place. The reader
 * reads ahead into a buffer that holds at least one whole frame of the largest size, so that many
 * small frames cost one system call.
 */
#include "base/logframe.h"

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/logframe_internal.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    FLAG_END = 1,
    FLAG_CUT = 2,
    FLAG_COUNTED = 4,
    COUNT_BYTES = 8, /* of a COUNTED payload */
    READER_BUFFER_BYTES = 2 * GF_LOGFRAME_BYTES_MAX,
    CHECKED_HEADER_BYTES = 16, /* of a frame's header: all that stands before the checksum */
};

static const char magic[8] = "gflog\r\n";

void gf_logframe__put_le(uint8_t *out, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(number >> (8 * i));
    }
}

uint64_t gf_logframe__get_le(const char *bytes, int count) {
    uint64_t number = 0;
    for (int i = 0; i < count; i++) {
        number |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
    }
    return number;
}

const char *gf_log_stream_name(enum gf_log_stream stream) {
    switch (stream) {
#define STREAM_NAME(name, number, text)                                                            \
    case GF_LOG_STREAM_##name:                                                                     \
        return text;
        GF_LOG_STREAMS(STREAM_NAME)
#undef STREAM_NAME
    }
    return "unknown";
}

static bool is_stream(unsigned int number) {
    return number >= GF_LOG_STREAM_STDOUT && number <= GF_LOG_STREAM_SYSTEM;
}

void gf_logframe_encode_header(const struct gf_logframe *frame,
                               uint8_t out_header[GF_LOGFRAME_HEADER_BYTES]) {
    gf_assert(frame->payload.len <= GF_LOGFRAME_PAYLOAD_BYTES_MAX);
    gf_assert(is_stream(frame->stream));
    gf_assert(frame->end || !frame->cut);
    gf_assert(frame->cut || !frame->counted);
    gf_logframe__put_le(out_header, frame->payload.len, 4);
    gf_logframe__put_le(out_header + 4, frame->stream, 1);
    gf_logframe__put_le(out_header + 5,
                        (frame->end ? FLAG_END : 0u) | (frame->cut ? FLAG_CUT : 0u) |
                            (frame->counted ? FLAG_COUNTED : 0u),
                        1);
    gf_logframe__put_le(out_header + 6, 0, 2);
    gf_logframe__put_le(out_header + 8, (uint64_t)frame->wall_ns, 8);
    uint32_t crc = gf_crc32c(0, out_header, CHECKED_HEADER_BYTES);
    crc = gf_crc32c(crc, frame->payload.ptr, frame->payload.len);
    gf_logframe__put_le(out_header + CHECKED_HEADER_BYTES, crc, 4);
}

void gf_logframe__encode_file_header(uint64_t version,
                                     uint8_t out_header[GF_LOGFRAME_FILE_HEADER_BYTES]) {
    memcpy(out_header, magic, sizeof(magic));
    gf_logframe__put_le(out_header + 8, version, 2);
    gf_logframe__put_le(out_header + 10, 0, 2);
    gf_logframe__put_le(out_header + GF_LOGFRAME__CHECKED_FILE_BYTES,
                        gf_crc32c(0, out_header, GF_LOGFRAME__CHECKED_FILE_BYTES), 4);
}

/* ---- writing ---- */

enum gf_code gf_logframe__write_at(int fd, struct iovec *parts, int part_count, int64_t offset,
                                   struct gf_error *err) {
    while (part_count > 0) {
        const ssize_t written = pwritev(fd, parts, part_count, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log at byte %lld",
                                 (long long)offset);
        }
        offset += written;
        size_t left = (size_t)written;
        while (part_count > 0 && left >= parts->iov_len) {
            left -= parts->iov_len;
            parts++;
            part_count--;
        }
        if (part_count > 0) {
            parts->iov_base = (char *)parts->iov_base + left;
            parts->iov_len -= left;
        }
    }
    return GF_OK;
}

static enum gf_code write_frame(struct gf_logframe_writer *writer, const struct gf_logframe *frame,
                                struct gf_error *err) {
    gf_assert(!writer->ended);
    uint8_t header[GF_LOGFRAME_HEADER_BYTES];
    const size_t size = sizeof(header) + frame->payload.len;
    enum gf_code rc =
        writer->ring.bytes_max == 0 ? GF_OK : gf_logframe__ring_make_room(writer, size, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_logframe_encode_header(frame, header);
    struct iovec parts[] = {
        {.iov_base = header, .iov_len = sizeof(header)},
        {.iov_base = (void *)frame->payload.ptr, .iov_len = frame->payload.len},
    };
    rc = gf_logframe__write_at(writer->fd, parts, frame->payload.len == 0 ? 1 : 2, writer->offset,
                               err);
    if (rc != GF_OK) {
        /* A shorter frame that comes next would not cover what there is of this one. */
        gf_ignore(ftruncate(writer->fd, (off_t)writer->offset));
        return rc;
    }
    if (writer->ring.bytes_max > 0) {
        gf_logframe__ring_note(&writer->ring, writer->offset, frame->payload.len);
    }
    writer->offset += (int64_t)size;
    return GF_OK;
}

enum gf_code gf_logframe_writer_init(struct gf_logframe_writer *writer, int fd,
                                     struct gf_error *err) {
    uint8_t header[GF_LOGFRAME_FILE_HEADER_BYTES];
    gf_logframe__encode_file_header(GF_LOGFRAME_VERSION, header);
    struct iovec part = {.iov_base = header, .iov_len = sizeof(header)};
    const enum gf_code rc = gf_logframe__write_at(fd, &part, 1, 0, err);
    if (rc == GF_OK) {
        *writer = (struct gf_logframe_writer){.fd = fd, .offset = sizeof(header)};
    }
    return rc;
}

/* Reads to the last whole frame; *out_offset is where the next one goes. */
static enum gf_code find_end(int fd, int64_t *out_offset, struct gf_error *err) {
    struct gf_logframe_reader reader;
    gf_logframe_reader_init(&reader, fd, 0);
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    enum gf_code rc = GF_OK;
    while (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
        struct gf_logframe frame;
        rc = gf_logframe_reader_next(&reader, &event, &frame, err);
    }
    if (rc == GF_OK && event == GF_LOGFRAME_DONE) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION, "log is complete, nothing can be added");
    }
    if (rc == GF_OK) {
        *out_offset = gf_logframe_reader_offset(&reader);
    }
    gf_logframe_reader_fini(&reader);
    return rc;
}

enum gf_code gf_logframe_writer_resume(struct gf_logframe_writer *writer, int fd,
                                       struct gf_error *err) {
    int64_t offset = 0;
    if (gf_logframe__version(fd) == GF_LOGFRAME_RING_VERSION) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "log is a ring");
    }
    const enum gf_code rc = find_end(fd, &offset, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (ftruncate(fd, (off_t)offset) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log at byte %lld",
                             (long long)offset);
    }
    if (offset == 0) {
        return gf_logframe_writer_init(writer, fd, err);
    }
    *writer = (struct gf_logframe_writer){.fd = fd, .offset = offset};
    return GF_OK;
}

enum gf_code gf_logframe_write(struct gf_logframe_writer *writer, enum gf_log_stream stream,
                               int64_t wall_ns, struct gf_str bytes, struct gf_error *err) {
    for (size_t at = 0; at < bytes.len;) {
        const size_t left = bytes.len - at;
        const struct gf_logframe frame = {
            .stream = stream,
            .wall_ns = wall_ns,
            .payload = {bytes.ptr + at, left < GF_LOGFRAME_PAYLOAD_BYTES_MAX
                                            ? left
                                            : GF_LOGFRAME_PAYLOAD_BYTES_MAX},
        };
        const enum gf_code rc = write_frame(writer, &frame, err);
        if (rc != GF_OK) {
            return rc;
        }
        at += frame.payload.len;
    }
    return GF_OK;
}

static enum gf_code end(struct gf_logframe_writer *writer, const struct gf_logframe *frame,
                        struct gf_error *err) {
    const enum gf_code rc = write_frame(writer, frame, err);
    if (rc == GF_OK) {
        writer->ended = true;
    }
    return rc;
}

enum gf_code gf_logframe_end(struct gf_logframe_writer *writer, int64_t wall_ns,
                             struct gf_error *err) {
    const struct gf_logframe frame = {
        .stream = GF_LOG_STREAM_SYSTEM, .end = true, .wall_ns = wall_ns, .payload = {"", 0}};
    return end(writer, &frame, err);
}

enum gf_code gf_logframe_end_cut(struct gf_logframe_writer *writer, int64_t wall_ns,
                                 int64_t dropped_bytes, struct gf_str note, struct gf_error *err) {
    gf_assert(dropped_bytes >= 0);
    uint8_t payload[COUNT_BYTES + GF_LOGFRAME_NOTE_BYTES_MAX];
    const size_t note_len =
        note.len < GF_LOGFRAME_NOTE_BYTES_MAX ? note.len : GF_LOGFRAME_NOTE_BYTES_MAX;
    gf_logframe__put_le(payload, (uint64_t)dropped_bytes, COUNT_BYTES);
    if (note_len > 0) {
        memcpy(payload + COUNT_BYTES, note.ptr, note_len);
    }
    const struct gf_logframe frame = {
        .stream = GF_LOG_STREAM_SYSTEM,
        .end = true,
        .cut = true,
        .counted = true,
        .wall_ns = wall_ns,
        .payload = {(const char *)payload, COUNT_BYTES + note_len},
    };
    return end(writer, &frame, err);
}

/* ---- reading ---- */

enum gf_code gf_logframe_decode(struct gf_str bytes, int64_t offset, struct gf_logframe *out_frame,
                                size_t *out_size, struct gf_error *err) {
    if (bytes.len < GF_LOGFRAME_HEADER_BYTES) {
        *out_size = 0;
        return GF_OK;
    }
    const char *header = bytes.ptr;
    const uint64_t payload_len = gf_logframe__get_le(header, 4);
    const unsigned int stream = (unsigned int)gf_logframe__get_le(header + 4, 1);
    const unsigned int flags = (unsigned int)gf_logframe__get_le(header + 5, 1);
    const bool end = (flags & FLAG_END) != 0;
    const bool cut = (flags & FLAG_CUT) != 0;
    const bool counted = (flags & FLAG_COUNTED) != 0;
    /* The length first: a damaged one must not make a reader wait for bytes that never come. */
    if (payload_len > GF_LOGFRAME_PAYLOAD_BYTES_MAX || !is_stream(stream) ||
        (flags & ~(unsigned int)(FLAG_END | FLAG_CUT | FLAG_COUNTED)) != 0 ||
        gf_logframe__get_le(header + 6, 2) != 0 || (cut && !end) || (counted && !cut) ||
        (counted && payload_len < COUNT_BYTES) || (end && stream != GF_LOG_STREAM_SYSTEM)) {
        return gf_fail(err, GF_DATA_LOSS, "log is damaged at byte %lld: no frame begins there",
                       (long long)offset);
    }
    const size_t size = GF_LOGFRAME_HEADER_BYTES + (size_t)payload_len;
    if (bytes.len < size) {
        *out_size = 0;
        return GF_OK;
    }
    const struct gf_str payload = {header + GF_LOGFRAME_HEADER_BYTES, (size_t)payload_len};
    const uint32_t crc =
        gf_crc32c(gf_crc32c(0, header, CHECKED_HEADER_BYTES), payload.ptr, payload.len);
    if (crc != gf_logframe__get_le(header + CHECKED_HEADER_BYTES, 4)) {
        return gf_fail(err, GF_DATA_LOSS, "log is damaged at byte %lld: wrong checksum",
                       (long long)offset);
    }
    *out_frame = (struct gf_logframe){
        .stream = (enum gf_log_stream)stream,
        .end = end,
        .cut = cut,
        .counted = counted,
        .wall_ns = (int64_t)gf_logframe__get_le(header + 8, 8),
        .payload = payload,
    };
    *out_size = size;
    return GF_OK;
}

struct gf_str gf_logframe_note(const struct gf_logframe *frame, int64_t *out_dropped_bytes) {
    if (!frame->counted) {
        *out_dropped_bytes = 0;
        return frame->payload;
    }
    const int64_t count = (int64_t)gf_logframe__get_le(frame->payload.ptr, COUNT_BYTES);
    *out_dropped_bytes = count < 0 ? 0 : count;
    return (struct gf_str){frame->payload.ptr + COUNT_BYTES, frame->payload.len - COUNT_BYTES};
}

void gf_logframe_reader_init(struct gf_logframe_reader *reader, int fd, int64_t offset) {
    gf_assert(offset >= 0);
    *reader = (struct gf_logframe_reader){.fd = fd, .offset = offset};
}

void gf_logframe_reader_fini(struct gf_logframe_reader *reader) {
    if (reader == NULL) {
        return;
    }
    free(reader->buffer);
    *reader = (struct gf_logframe_reader){.fd = -1};
}

int64_t gf_logframe_reader_offset(const struct gf_logframe_reader *reader) {
    return reader->offset;
}

int64_t gf_logframe_reader_payload(const struct gf_logframe_reader *reader) {
    return reader->payload_bytes;
}

void gf_logframe_reader_set_payload(struct gf_logframe_reader *reader, int64_t payload_bytes) {
    reader->payload_bytes = payload_bytes;
}

/* Reads more behind what the buffer holds; *out_more is false at the end of the file. */
static enum gf_code fill_buffer(struct gf_logframe_reader *reader, bool *out_more,
                                struct gf_error *err) {
    if (reader->buffer == NULL) {
        reader->buffer = gf_malloc(READER_BUFFER_BYTES);
        reader->ring = gf_logframe__version(reader->fd) == GF_LOGFRAME_RING_VERSION;
    }
    memmove(reader->buffer, reader->buffer + reader->buffer_start, reader->buffer_len);
    reader->buffer_start = 0;
    const int64_t offset = reader->offset + (int64_t)reader->buffer_len;
    ssize_t got = -1;
    do {
        got = pread(reader->fd, reader->buffer + reader->buffer_len,
                    READER_BUFFER_BYTES - reader->buffer_len, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log at byte %lld",
                             (long long)offset);
    }
    struct stat status;
    if (got == 0 && fstat(reader->fd, &status) == 0 && status.st_size < reader->offset) {
        return gf_fail(err, GF_OUT_OF_RANGE, "log has %lld bytes, expected to resume at byte %lld",
                       (long long)status.st_size, (long long)reader->offset);
    }
    /* What there is of a frame whose write has failed goes again: it is read anew with the rest. */
    reader->buffer_len = got == 0 ? 0 : reader->buffer_len + (size_t)got;
    *out_more = got > 0;
    return GF_OK;
}

static void consume(struct gf_logframe_reader *reader, size_t size) {
    reader->buffer_start += size;
    reader->buffer_len -= size;
    reader->offset += (int64_t)size;
}

static struct gf_str buffered(const struct gf_logframe_reader *reader) {
    return (struct gf_str){
        reader->buffer == NULL ? "" : reader->buffer + reader->buffer_start,
        reader->buffer_len,
    };
}

bool gf_logframe_reader_has_next(const struct gf_logframe_reader *reader) {
    const struct gf_str bytes = buffered(reader);
    const bool there = !reader->ended && reader->offset > 0 &&
                       bytes.len >= GF_LOGFRAME_HEADER_BYTES &&
                       gf_logframe__get_le(bytes.ptr, 4) <= bytes.len - GF_LOGFRAME_HEADER_BYTES;
    if (!there || !reader->ring) {
        return there;
    }
    /* Of a ring it may have been read half released, and then more has to be read. */
    struct gf_logframe frame;
    size_t size = 0;
    return gf_logframe_decode(bytes, reader->offset, &frame, &size, NULL) == GF_OK && size > 0;
}

/* As gf_logframe_decode for the header of the file. */
static enum gf_code decode_file_header(struct gf_str bytes, size_t *out_size,
                                       struct gf_error *err) {
    if (bytes.len < GF_LOGFRAME_FILE_HEADER_BYTES) {
        *out_size = 0;
        return GF_OK;
    }
    if (memcmp(bytes.ptr, magic, sizeof(magic)) != 0) {
        return gf_fail(err, GF_DATA_LOSS, "file is no log of gofer");
    }
    const uint64_t version = gf_logframe__get_le(bytes.ptr + 8, 2);
    if (version != GF_LOGFRAME_VERSION && version != GF_LOGFRAME_RING_VERSION) {
        return gf_fail(err, GF_DATA_LOSS, "log has version %llu, expected %d or %d",
                       (unsigned long long)version, GF_LOGFRAME_VERSION, GF_LOGFRAME_RING_VERSION);
    }
    uint8_t expected[GF_LOGFRAME_FILE_HEADER_BYTES];
    gf_logframe__encode_file_header(version, expected);
    if (memcmp(bytes.ptr, expected, sizeof(expected)) != 0) {
        return gf_fail(err, GF_DATA_LOSS, "log is damaged at byte 0: wrong checksum");
    }
    const size_t size = version == GF_LOGFRAME_VERSION ? GF_LOGFRAME_FILE_HEADER_BYTES
                                                       : GF_LOGFRAME_RING_HEADER_BYTES;
    *out_size = bytes.len < size ? 0 : size;
    return GF_OK;
}

/* Goes on at the oldest kept frame of a ring, if that lies before it. False: it does not. */
static bool skip_released(struct gf_logframe_reader *reader) {
    struct gf_logframe_mark start = {0};
    if (!reader->ring || gf_logframe__ring_start(reader->fd, &start, NULL) != GF_OK ||
        start.offset <= reader->offset) {
        return false;
    }
    reader->missing_bytes += start.payload_bytes > reader->payload_bytes
                                 ? start.payload_bytes - reader->payload_bytes
                                 : 0;
    reader->payload_bytes = start.payload_bytes;
    reader->offset = start.offset;
    reader->buffer_start = 0;
    reader->buffer_len = 0;
    return true;
}

static void give(struct gf_logframe_reader *reader, struct gf_logframe *frame) {
    frame->missing_bytes = reader->missing_bytes;
    reader->missing_bytes = 0;
    reader->payload_bytes += (int64_t)frame->payload.len;
    reader->ended = frame->end;
}

/*
 * What a ring releases while it is read shows as zeros, or as damage where it was read half: then
 * the header has the place to go on at, because it was written first.
 */
enum gf_code gf_logframe_reader_next(struct gf_logframe_reader *reader,
                                     enum gf_logframe_event *out_event,
                                     struct gf_logframe *out_frame, struct gf_error *err) {
    if (reader->ended) {
        *out_event = GF_LOGFRAME_DONE;
        return GF_OK;
    }
    for (;;) {
        size_t size = 0;
        bool more = true;
        const bool at_file_header = reader->offset == 0;
        enum gf_code rc = at_file_header ? decode_file_header(buffered(reader), &size, err)
                                         : gf_logframe_decode(buffered(reader), reader->offset,
                                                              out_frame, &size, err);
        if (rc == GF_DATA_LOSS && !at_file_header && skip_released(reader)) {
            continue;
        }
        if (rc == GF_OK && size == 0) {
            rc = fill_buffer(reader, &more, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        if (!more) {
            *out_event = GF_LOGFRAME_WAIT;
            return GF_OK;
        }
        consume(reader, size);
        if (size != 0 && at_file_header) {
            reader->ring = size == GF_LOGFRAME_RING_HEADER_BYTES;
        } else if (size != 0) {
            give(reader, out_frame);
            *out_event = GF_LOGFRAME_FRAME;
            return GF_OK;
        }
    }
}
