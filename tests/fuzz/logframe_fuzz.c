/*
 * The reader of the framed log: on any bytes it must neither crash nor read beyond them, what it
 * gives must be what is in the file, and a resume point must lead on to the same frames. Then the
 * input is taken as a script for the writer, so that valid files are reached too, and the file is
 * cut anywhere.
 */
#include "base/file.h"
#include "base/logframe.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    FRAMES_MAX = 1000,
    SCRIPT_STEP_BYTES = 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frame that is in the file at `offset` must encode to the very bytes that are there. */
static void check_frame(int fd, int64_t offset, const struct gf_logframe *frame) {
    uint8_t encoded[GF_LOGFRAME_HEADER_BYTES];
    uint8_t stored[GF_LOGFRAME_HEADER_BYTES];
    gf_logframe_encode_header(frame, encoded);
    gf_assert(gf_pread_exact(fd, stored, sizeof(stored), offset, NULL) == GF_OK);
    gf_assert(memcmp(encoded, stored, sizeof(stored)) == 0);
}

static bool is_ring(int fd) {
    char version = 0;
    return gf_pread_exact(fd, &version, 1, 8, NULL) == GF_OK && version == GF_LOGFRAME_RING_VERSION;
}

/* Reads to the end; gives the offset behind the last whole frame and counts the frames. */
static int64_t read_file(int fd, int *out_frames, bool *out_sound) {
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    enum gf_code rc = GF_OK;
    *out_frames = 0;
    gf_logframe_reader_init(&reader, fd, 0);
    for (;;) {
        const int64_t offset = gf_logframe_reader_offset(&reader);
        rc = gf_logframe_reader_next(&reader, &event, &frame, NULL);
        if (rc != GF_OK || event != GF_LOGFRAME_FRAME) {
            break;
        }
        const int64_t start = gf_logframe_reader_offset(&reader) - GF_LOGFRAME_HEADER_BYTES -
                              (int64_t)frame.payload.len;
        /* Only of a ring a part may be skipped, and it is told. */
        gf_assert(start == (offset == 0 ? GF_LOGFRAME_FILE_HEADER_BYTES : offset) ||
                  (is_ring(fd) && start >= GF_LOGFRAME_RING_HEADER_BYTES && start > offset));
        gf_assert(frame.missing_bytes >= 0);
        check_frame(fd, start, &frame);
        (*out_frames)++;
    }
    gf_assert(rc == GF_OK || rc == GF_DATA_LOSS);
    *out_sound = rc == GF_OK;
    const int64_t end = gf_logframe_reader_offset(&reader);
    gf_logframe_reader_fini(&reader);
    return end;
}

/* A ring that is resumed takes a frame, and can be read to its end. */
static void run_ring(int fd) {
    struct gf_logframe_writer writer;
    if (gf_logframe_ring_open(&writer, fd, GF_LOGFRAME_RING_BYTES_MIN, NULL) == GF_OK) {
        int frames = 0;
        bool sound = false;
        gf_assert(gf_logframe_end(&writer, 0, NULL) == GF_OK);
        gf_assert(read_file(fd, &frames, &sound) == writer.offset);
        gf_assert(sound && frames >= 1);
    }
}

static void run_bytes(const uint8_t *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    gf_assert(fd >= 0);
    gf_assert(gf_write_all(fd, data, size, NULL) == GF_OK);
    int frames = 0;
    bool sound = false;
    const int64_t end = read_file(fd, &frames, &sound);

    struct gf_logframe_writer writer;
    if (gf_logframe_writer_resume(&writer, fd, NULL) == GF_OK) {
        gf_assert(sound);
        gf_assert(writer.offset == (end == 0 ? GF_LOGFRAME_FILE_HEADER_BYTES : end));
        gf_assert(gf_logframe_end_cut(&writer, 0, 1, GF_STR("note"), NULL) == GF_OK);
        int frames_after = 0;
        (void)read_file(fd, &frames_after, &sound);
        gf_assert(sound);
        gf_assert(frames_after == frames + 1);
    }
    run_ring(fd);
    gf_close(&fd);
}

/* Each step of the script is a stream, a length and a place to take the payload from. */
static void run_script(const uint8_t *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    gf_assert(fd >= 0);
    struct gf_logframe_writer writer;
    int written = 0;
    gf_assert(gf_logframe_writer_init(&writer, fd, NULL) == GF_OK);
    for (size_t at = 0; at + SCRIPT_STEP_BYTES <= size && written < FRAMES_MAX;
         at += SCRIPT_STEP_BYTES) {
        const size_t wanted = (size_t)data[at + 1] << 8 | data[at + 2];
        const size_t len = wanted < size - at ? wanted : size - at;
        gf_assert(gf_logframe_write(&writer, (enum gf_log_stream)(data[at] % 3 + 1),
                                    (int64_t)at - data[at + 3],
                                    (struct gf_str){(const char *)data + at, len}, NULL) == GF_OK);
        written += len == 0 ? 0 : 1;
    }
    int frames = 0;
    bool sound = false;
    gf_assert(read_file(fd, &frames, &sound) == writer.offset);
    gf_assert(sound && frames == written);

    const int64_t cut = size == 0 ? 0 : writer.offset * data[0] / 256;
    gf_assert(ftruncate(fd, (off_t)cut) == 0);
    gf_assert(read_file(fd, &frames, &sound) <= cut);
    gf_assert(sound && frames <= written);
    gf_close(&fd);
}

/* The same as a ring, which may have released some. */
static void run_ring_script(const uint8_t *data, size_t size) {
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    gf_assert(fd >= 0);
    struct gf_logframe_writer writer;
    int written = 0;
    gf_assert(gf_logframe_ring_open(&writer, fd, GF_LOGFRAME_RING_BYTES_MIN, NULL) == GF_OK);
    for (size_t at = 0; at + SCRIPT_STEP_BYTES <= size && written < FRAMES_MAX;
         at += SCRIPT_STEP_BYTES) {
        const size_t wanted = (size_t)data[at + 1] << 8 | data[at + 2];
        const size_t len = wanted < size - at ? wanted : size - at;
        gf_assert(gf_logframe_write(&writer, GF_LOG_STREAM_STDOUT, (int64_t)at,
                                    (struct gf_str){(const char *)data + at, len}, NULL) == GF_OK);
        written += len == 0 ? 0 : 1;
        if (data[at + 3] == 0xff) {
            gf_assert(gf_logframe_ring_open(&writer, fd, GF_LOGFRAME_RING_BYTES_MIN, NULL) ==
                      GF_OK);
        }
    }
    int frames = 0;
    bool sound = false;
    const int64_t end = read_file(fd, &frames, &sound);
    gf_assert(sound && frames <= written && (frames == 0 || end == writer.offset));
    gf_close(&fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run_bytes(data, size);
    run_script(data, size);
    run_ring_script(data, size);
    return 0;
}
