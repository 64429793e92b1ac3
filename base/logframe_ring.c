/*
 * Design: a ring gives back its oldest frames in parts of about a sixteenth of its size, so that
 * making room costs two system calls for many frames. Where those parts begin the writer keeps in
 * mind, in a fixed number of marks: frames need not be read again to be released. First the header
 * says where the oldest kept frame begins, then the hole is made; a writer that dies in between has
 * lost nothing, and the one that resumes makes the hole again.
 */
#include "base/crc32c.h"
#include "base/file.h"
#include "base/logframe_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RECORDS = 2,
    RECORD_BYTES = 24,
    CHECKED_RECORD_BYTES = 16,
    RECORD_TRIES = 8, /* of reading both, while a writer replaces them */
};

static enum gf_code punch(int fd, int64_t from, int64_t to, struct gf_error *err) {
    int rc = -1;
    do {
        rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                       (off_t)(to - from));
    } while (rc != 0 && errno == EINTR);
    if (rc != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        return gf_fail(err, GF_UNIMPLEMENTED, "the file system of the log cannot punch holes");
    }
    if (rc != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log at byte %lld",
                             (long long)from);
    }
    return GF_OK;
}

/* ---- Records of the start ---- */

static void encode_record(const struct gf_logframe_mark *start, uint8_t out[RECORD_BYTES]) {
    memset(out, 0, RECORD_BYTES);
    gf_logframe__put_le(out, (uint64_t)start->offset, 8);
    gf_logframe__put_le(out + 8, (uint64_t)start->payload_bytes, 8);
    gf_logframe__put_le(out + CHECKED_RECORD_BYTES, gf_crc32c(0, out, CHECKED_RECORD_BYTES), 4);
}

static bool decode_record(const char *bytes, struct gf_logframe_mark *out) {
    const struct gf_logframe_mark mark = {
        .offset = (int64_t)gf_logframe__get_le(bytes, 8),
        .payload_bytes = (int64_t)gf_logframe__get_le(bytes + 8, 8),
    };
    if (gf_crc32c(0, bytes, CHECKED_RECORD_BYTES) !=
            gf_logframe__get_le(bytes + CHECKED_RECORD_BYTES, 4) ||
        mark.offset < GF_LOGFRAME_RING_HEADER_BYTES || mark.payload_bytes < 0 ||
        mark.payload_bytes > mark.offset) {
        return false;
    }
    *out = mark;
    return true;
}

/* *out_record is which of the records it is. */
static enum gf_code find_start(int fd, struct gf_logframe_mark *out_start, int64_t *out_record,
                               struct gf_error *err) {
    for (int i = 0; i < RECORD_TRIES; i++) {
        char bytes[RECORDS * RECORD_BYTES];
        struct gf_logframe_mark found = {0};
        int64_t record = 0;
        const enum gf_code rc =
            gf_pread_exact(fd, bytes, sizeof(bytes), GF_LOGFRAME_FILE_HEADER_BYTES, err);
        if (rc != GF_OK) {
            return rc;
        }
        for (int at = 0; at < RECORDS; at++) {
            struct gf_logframe_mark mark;
            if (decode_record(bytes + at * RECORD_BYTES, &mark) && mark.offset > found.offset) {
                found = mark;
                record = at;
            }
        }
        struct stat status;
        if (found.offset != 0 && fstat(fd, &status) == 0 && found.offset <= status.st_size) {
            *out_start = found;
            *out_record = record;
            return GF_OK;
        }
    }
    return gf_fail(err, GF_DATA_LOSS, "log is damaged: nothing tells where it begins");
}

enum gf_code gf_logframe__ring_start(int fd, struct gf_logframe_mark *out_start,
                                     struct gf_error *err) {
    int64_t record = 0;
    return find_start(fd, out_start, &record, err);
}

uint64_t gf_logframe__version(int fd) {
    char header[GF_LOGFRAME_FILE_HEADER_BYTES];
    uint8_t expected[GF_LOGFRAME_FILE_HEADER_BYTES];
    if (gf_pread_exact(fd, header, sizeof(header), 0, NULL) != GF_OK) {
        return 0;
    }
    const uint64_t version = gf_logframe__get_le(header + 8, 2);
    gf_logframe__encode_file_header(version, expected);
    return memcmp(header, expected, sizeof(header)) == 0 ? version : 0;
}

static enum gf_code write_record(int fd, struct gf_logframe_ring *ring,
                                 const struct gf_logframe_mark *start, struct gf_error *err) {
    uint8_t record[RECORD_BYTES];
    encode_record(start, record);
    struct iovec part = {.iov_base = record, .iov_len = sizeof(record)};
    const int64_t at =
        GF_LOGFRAME_FILE_HEADER_BYTES + (ring->record_count % RECORDS) * RECORD_BYTES;
    const enum gf_code rc = gf_logframe__write_at(fd, &part, 1, at, err);
    if (rc == GF_OK) {
        ring->record_count++;
    }
    return rc;
}

/* ---- Writing ---- */

void gf_logframe__ring_note(struct gf_logframe_ring *ring, int64_t offset, size_t payload_bytes) {
    const int64_t last =
        ring->mark_count == 0 ? ring->start.offset : ring->marks[ring->mark_count - 1].offset;
    if (offset - last >= ring->bytes_max / GF_LOGFRAME_RING_MARKS &&
        ring->mark_count < GF_ARRAY_COUNT(ring->marks)) {
        ring->marks[ring->mark_count++] =
            (struct gf_logframe_mark){.offset = offset, .payload_bytes = ring->payload_bytes};
    }
    ring->payload_bytes += (int64_t)payload_bytes;
}

enum gf_code gf_logframe__ring_make_room(struct gf_logframe_writer *writer, size_t frame_bytes,
                                         struct gf_error *err) {
    struct gf_logframe_ring *ring = &writer->ring;
    const int64_t end = writer->offset + (int64_t)frame_bytes;
    size_t released = 0;
    struct gf_logframe_mark start = ring->start;
    while (end - start.offset > ring->bytes_max && released < ring->mark_count) {
        start = ring->marks[released++];
    }
    if (released == 0) {
        return GF_OK;
    }
    enum gf_code rc = write_record(writer->fd, ring, &start, err);
    if (rc != GF_OK) {
        return rc;
    }
    ring->start = start;
    ring->mark_count -= released;
    memmove(ring->marks, ring->marks + released, ring->mark_count * sizeof(ring->marks[0]));
    return punch(writer->fd, GF_LOGFRAME_RING_HEADER_BYTES, start.offset, err);
}

/* ---- Opening ---- */

static enum gf_code begin(struct gf_logframe_writer *writer, struct gf_error *err) {
    uint8_t header[GF_LOGFRAME_RING_HEADER_BYTES] = {0};
    writer->offset = sizeof(header);
    writer->ring.start = (struct gf_logframe_mark){.offset = sizeof(header)};
    /* Nothing is there yet; what matters is whether it can be done. */
    enum gf_code rc =
        punch(writer->fd, GF_LOGFRAME_RING_HEADER_BYTES, GF_LOGFRAME_RING_HEADER_BYTES + 1, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_logframe__encode_file_header(GF_LOGFRAME_RING_VERSION, header);
    encode_record(&writer->ring.start, header + GF_LOGFRAME_FILE_HEADER_BYTES);
    writer->ring.record_count = 1;
    struct iovec part = {.iov_base = header, .iov_len = sizeof(header)};
    return gf_logframe__write_at(writer->fd, &part, 1, 0, err);
}

/* Reads all that is kept, to where the next frame goes. */
static enum gf_code read_kept(struct gf_logframe_writer *writer, struct gf_error *err) {
    struct gf_logframe_ring *ring = &writer->ring;
    struct gf_logframe_reader reader;
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    enum gf_code rc = GF_OK;
    gf_logframe_reader_init(&reader, writer->fd, ring->start.offset);
    ring->payload_bytes = ring->start.payload_bytes;
    while (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
        struct gf_logframe frame;
        const int64_t offset = gf_logframe_reader_offset(&reader);
        rc = gf_logframe_reader_next(&reader, &event, &frame, err);
        if (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
            gf_logframe__ring_note(ring, offset, frame.payload.len);
        }
    }
    if (rc == GF_OK && event == GF_LOGFRAME_DONE) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION, "log is complete, nothing can be added");
    }
    writer->offset = gf_logframe_reader_offset(&reader);
    gf_logframe_reader_fini(&reader);
    return rc;
}

static enum gf_code resume(struct gf_logframe_writer *writer, struct gf_error *err) {
    if (gf_logframe__version(writer->fd) == GF_LOGFRAME_VERSION) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "log is no ring");
    }
    if (gf_logframe__version(writer->fd) != GF_LOGFRAME_RING_VERSION) {
        return gf_fail(err, GF_DATA_LOSS, "file is no ring of gofer's logs");
    }
    /* The next record goes to the place of the older one. */
    int64_t record = 0;
    enum gf_code rc = find_start(writer->fd, &writer->ring.start, &record, err);
    if (rc == GF_OK) {
        writer->ring.record_count = record + 1;
        rc = read_kept(writer, err);
    }
    if (rc == GF_OK && ftruncate(writer->fd, (off_t)writer->offset) != 0) {
        rc = gf_fail_errno(err, gf_code_from_errno(errno), errno, "log at byte %lld",
                           (long long)writer->offset);
    }
    const int64_t start = writer->ring.start.offset;
    if (rc == GF_OK && start > GF_LOGFRAME_RING_HEADER_BYTES) {
        rc = punch(writer->fd, GF_LOGFRAME_RING_HEADER_BYTES, start, err);
    }
    return rc;
}

enum gf_code gf_logframe_ring_open(struct gf_logframe_writer *writer, int fd, int64_t bytes_max,
                                   struct gf_error *err) {
    gf_assert(bytes_max >= GF_LOGFRAME_RING_BYTES_MIN);
    struct gf_logframe_writer opened = {.fd = fd, .ring = {.bytes_max = bytes_max}};
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "log");
    }
    /* A header that is not whole was never read: its writer died at once. */
    const bool is_new = status.st_size < GF_LOGFRAME_RING_HEADER_BYTES &&
                        gf_logframe__version(fd) != GF_LOGFRAME_VERSION;
    const enum gf_code rc = is_new ? begin(&opened, err) : resume(&opened, err);
    if (rc == GF_OK) {
        *writer = opened;
    }
    return rc;
}
