#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/logframe.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

static int empty_file(void) {
    const int fd = memfd_create("log", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

static int64_t size_of(int fd) {
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    return status.st_size;
}

static void write_text(struct gf_logframe_writer *writer, enum gf_log_stream stream,
                       int64_t wall_ns, const char *text) {
    struct gf_error err;
    cr_assert_eq(gf_logframe_write(writer, stream, wall_ns, gf_str_from(text), &err), GF_OK);
}

static enum gf_logframe_event next(struct gf_logframe_reader *reader, struct gf_logframe *frame) {
    enum gf_logframe_event event = GF_LOGFRAME_DONE;
    struct gf_error err;
    cr_assert_eq(gf_logframe_reader_next(reader, &event, frame, &err), GF_OK);
    return event;
}

static void expect_frame(struct gf_logframe_reader *reader, enum gf_log_stream stream,
                         int64_t wall_ns, const char *text) {
    struct gf_logframe frame;
    cr_assert_eq(next(reader, &frame), GF_LOGFRAME_FRAME);
    cr_assert_eq(frame.stream, stream);
    cr_assert_eq(frame.wall_ns, wall_ns);
    cr_assert(gf_str_eq(frame.payload, gf_str_from(text)));
    cr_assert_not(frame.end);
}

Test(logframe, bytes_on_disk_are_as_documented) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDERR, 0x0102030405060708, "hi");
    static const unsigned char expected[] = {
        'g', 'f', 'l', 'o', 'g', '\r', '\n', 0, 1,    0,    0, 0, 0x58, 0x65, 0xff, 0x54,
        2,   0,   0,   0,   2,   0,    0,    0, 0x08, 0x07, 6, 5, 4,    3,    2,    1,
    };
    unsigned char bytes[16 + 20 + 2];
    cr_assert_eq(size_of(fd), (int64_t)sizeof(bytes));
    cr_assert_eq(writer.offset, (int64_t)sizeof(bytes));
    cr_assert_eq(gf_pread_exact(fd, bytes, sizeof(bytes), 0, NULL), GF_OK);
    cr_assert_arr_eq(bytes, expected, sizeof(expected));
    cr_assert_arr_eq(bytes + 36, "hi", 2);
}

Test(logframe, frames_come_back_as_they_were_written) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "out\n");
    write_text(&writer, GF_LOG_STREAM_STDERR, -2, "err");
    write_text(&writer, GF_LOG_STREAM_STDOUT, 3, "");
    write_text(&writer, GF_LOG_STREAM_SYSTEM, INT64_MAX, "note");
    cr_assert_eq(gf_logframe_end_cut(&writer, 9, 77, GF_STR("limit reached"), NULL), GF_OK);

    gf_logframe_reader_init(&reader, fd, 0);
    expect_frame(&reader, GF_LOG_STREAM_STDOUT, 1, "out\n");
    expect_frame(&reader, GF_LOG_STREAM_STDERR, -2, "err");
    expect_frame(&reader, GF_LOG_STREAM_SYSTEM, INT64_MAX, "note");
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_FRAME);
    cr_assert(frame.end && frame.cut);
    cr_assert_eq(frame.stream, GF_LOG_STREAM_SYSTEM);
    int64_t dropped_bytes = 0;
    cr_assert(gf_str_eq(gf_logframe_note(&frame, &dropped_bytes), GF_STR("limit reached")));
    cr_assert_eq(dropped_bytes, 77);
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_DONE);
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_DONE);
    cr_assert_eq(gf_logframe_reader_offset(&reader), size_of(fd));
    gf_logframe_reader_fini(&reader);
    gf_logframe_reader_fini(NULL);
}

Test(logframe, write_larger_than_a_frame_becomes_several) {
    enum {
        BYTES = GF_LOGFRAME_PAYLOAD_BYTES_MAX * 2 + 1
    };
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (char)(i * 31 >> 3);
    }
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    cr_assert_eq(
        gf_logframe_write(&writer, GF_LOG_STREAM_STDOUT, 1, (struct gf_str){bytes, BYTES}, NULL),
        GF_OK);
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    size_t at = 0;
    int frames = 0;
    gf_logframe_reader_init(&reader, fd, 0);
    while (next(&reader, &frame) == GF_LOGFRAME_FRAME) {
        cr_assert(memcmp(frame.payload.ptr, bytes + at, frame.payload.len) == 0);
        at += frame.payload.len;
        frames++;
    }
    cr_assert_eq(at, (size_t)BYTES);
    cr_assert_eq(frames, 3);
    gf_logframe_reader_fini(&reader);
}

Test(logframe, many_small_frames_pass_the_end_of_the_buffer) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    for (int i = 0; i < 20000; i++) {
        write_text(&writer, GF_LOG_STREAM_STDOUT, i, "0123456789");
    }
    gf_logframe_reader_init(&reader, fd, 0);
    for (int i = 0; i < 20000; i++) {
        expect_frame(&reader, GF_LOG_STREAM_STDOUT, i, "0123456789");
    }
    gf_logframe_reader_fini(&reader);
}

Test(logframe, reader_waits_at_every_partial_byte_of_a_growing_file) {
    GF_CLEANUP(gf_close_p) int whole = empty_file();
    GF_CLEANUP(gf_close_p) int growing = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, whole, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "first");
    write_text(&writer, GF_LOG_STREAM_STDERR, 2, "second");
    cr_assert_eq(gf_logframe_end(&writer, 3, NULL), GF_OK);

    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    gf_logframe_reader_init(&reader, growing, 0);
    int frames = 0;
    for (int64_t at = 0; at < size_of(whole); at++) {
        const enum gf_logframe_event event = next(&reader, &frame);
        cr_assert(event == GF_LOGFRAME_WAIT || event == GF_LOGFRAME_FRAME);
        frames += event == GF_LOGFRAME_FRAME ? 1 : 0;
        char byte = 0;
        cr_assert_eq(gf_pread_exact(whole, &byte, 1, at, NULL), GF_OK);
        cr_assert_eq(pwrite(growing, &byte, 1, at), 1);
    }
    cr_assert_eq(frames, 2);
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_FRAME);
    cr_assert(frame.end && !frame.cut);
    gf_logframe_reader_fini(&reader);
}

Test(logframe, offset_behind_each_frame_resumes_there) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "first");
    write_text(&writer, GF_LOG_STREAM_STDOUT, 2, "second");
    gf_logframe_reader_init(&reader, fd, 0);
    expect_frame(&reader, GF_LOG_STREAM_STDOUT, 1, "first");
    const int64_t offset = gf_logframe_reader_offset(&reader);
    gf_logframe_reader_fini(&reader);

    gf_logframe_reader_init(&reader, fd, offset);
    expect_frame(&reader, GF_LOG_STREAM_STDOUT, 2, "second");
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_WAIT);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 3, "third");
    expect_frame(&reader, GF_LOG_STREAM_STDOUT, 3, "third");
    gf_logframe_reader_fini(&reader);

    struct gf_error err;
    enum gf_logframe_event event;
    gf_logframe_reader_init(&reader, fd, 10000);
    cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, &err), GF_OUT_OF_RANGE);
    gf_logframe_reader_fini(&reader);
    gf_logframe_reader_init(&reader, fd, offset + 1);
    cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, &err), GF_DATA_LOSS,
                 "the middle of a frame is no resume point");
    gf_logframe_reader_fini(&reader);
}

/* Every single bit that can be wrong is found, at the frame where it is. */
Test(logframe, every_damaged_bit_is_reported_with_its_offset) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "first");
    const int64_t second_at = writer.offset;
    write_text(&writer, GF_LOG_STREAM_STDERR, 2, "second");
    for (int64_t bit = 0; bit < writer.offset * 8; bit++) {
        char byte = 0;
        cr_assert_eq(gf_pread_exact(fd, &byte, 1, bit / 8, NULL), GF_OK);
        const char damaged = (char)(byte ^ (1 << bit % 8));
        cr_assert_eq(pwrite(fd, &damaged, 1, bit / 8), 1);

        struct gf_logframe_reader reader;
        struct gf_logframe frame;
        struct gf_error err;
        enum gf_logframe_event event = GF_LOGFRAME_FRAME;
        enum gf_code rc = GF_OK;
        int frames = 0;
        gf_logframe_reader_init(&reader, fd, 0);
        while (rc == GF_OK && event == GF_LOGFRAME_FRAME) {
            rc = gf_logframe_reader_next(&reader, &event, &frame, &err);
            frames += rc == GF_OK && event == GF_LOGFRAME_FRAME ? 1 : 0;
        }
        const bool in_second = bit / 8 >= second_at;
        cr_assert_eq(frames, in_second ? 1 : 0, "bit %lld", (long long)bit);
        /* A length that got larger may look like a frame that is not complete yet. */
        const bool in_length =
            (bit / 8 >= 16 && bit / 8 < 20) || (bit / 8 >= second_at && bit / 8 < second_at + 4);
        cr_assert(rc == GF_DATA_LOSS || (in_length && event == GF_LOGFRAME_WAIT), "bit %lld",
                  (long long)bit);
        if (rc == GF_DATA_LOSS && in_second) {
            GF_CLEANUP(gf_free_p) char *place = gf_asprintf("at byte %lld", (long long)second_at);
            cr_assert_not_null(strstr(err.message, place));
            cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, NULL), GF_DATA_LOSS,
                         "and again");
        }
        gf_logframe_reader_fini(&reader);
        cr_assert_eq(pwrite(fd, &byte, 1, bit / 8), 1);
    }
}

Test(logframe, other_files_and_versions_are_refused) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    struct gf_error err;
    enum gf_logframe_event event;
    cr_assert_eq(pwrite(fd, "this is no log at all", 21, 0), 21);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, &err), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "file is no log of gofer");
    gf_logframe_reader_fini(&reader);

    cr_assert_eq(pwrite(fd, "gflog\r\n\0\3\0\0\0crc.", 16, 0), 16);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, &err), GF_DATA_LOSS);
    cr_assert_str_eq(err.message, "log has version 3, expected 1 or 2");
    gf_logframe_reader_fini(&reader);
}

Test(logframe, writer_resumes_where_another_died) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_resume(&writer, fd, NULL), GF_OK, "an empty file");
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "first");
    const int64_t whole = writer.offset;
    write_text(&writer, GF_LOG_STREAM_STDOUT, 2, "lost");
    for (int64_t size = writer.offset - 1; size >= whole; size--) {
        cr_assert_eq(ftruncate(fd, size), 0);
        struct gf_logframe_writer resumed;
        cr_assert_eq(gf_logframe_writer_resume(&resumed, fd, NULL), GF_OK);
        cr_assert_eq(resumed.offset, whole);
        cr_assert_eq(size_of(fd), whole);
        write_text(&resumed, GF_LOG_STREAM_STDOUT, 2, "lost");
    }
    for (int64_t size = GF_LOGFRAME_FILE_HEADER_BYTES; size >= 0; size--) {
        cr_assert_eq(ftruncate(fd, size), 0);
        cr_assert_eq(gf_logframe_writer_resume(&writer, fd, NULL), GF_OK, "a partial header");
        cr_assert_eq(size_of(fd), (int64_t)GF_LOGFRAME_FILE_HEADER_BYTES);
    }
    cr_assert_eq(gf_logframe_end(&writer, 3, NULL), GF_OK);
    cr_assert_eq(gf_logframe_writer_resume(&writer, fd, NULL), GF_FAILED_PRECONDITION);
    cr_assert_eq(pwrite(fd, "X", 1, 0), 1);
    cr_assert_eq(gf_logframe_writer_resume(&writer, fd, NULL), GF_DATA_LOSS);
}

Test(logframe, write_that_failed_is_written_over_by_the_next) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "first");
    /* A limit in the middle of the next frame: its write comes back short, the rest is refused. */
    const struct rlimit limit = {(rlim_t)writer.offset + 25, RLIM_INFINITY};
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct gf_error err;
    const int64_t offset = writer.offset;
    cr_assert_eq(gf_logframe_write(&writer, GF_LOG_STREAM_STDOUT, 2, GF_STR("does not fit"), &err),
                 GF_RESOURCE_EXHAUSTED);
    cr_assert_eq(writer.offset, offset);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    write_text(&writer, GF_LOG_STREAM_STDERR, 3, "another, which is longer");

    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    gf_logframe_reader_init(&reader, fd, 0);
    expect_frame(&reader, GF_LOG_STREAM_STDOUT, 1, "first");
    expect_frame(&reader, GF_LOG_STREAM_STDERR, 3, "another, which is longer");
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_WAIT);
    gf_logframe_reader_fini(&reader);
}

Test(logframe, nothing_is_written_behind_the_end, .signal = SIGABRT) {
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, empty_file(), NULL), GF_OK);
    cr_assert_eq(gf_logframe_end(&writer, 1, NULL), GF_OK);
    gf_ignore(gf_logframe_write(&writer, GF_LOG_STREAM_STDOUT, 2, GF_STR("x"), NULL));
}

Test(logframe, note_that_is_too_long_is_cut) {
    enum {
        BYTES = GF_LOGFRAME_NOTE_BYTES_MAX + 10
    };
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    GF_CLEANUP(gf_free_p) char *note = gf_calloc(1, BYTES);
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    cr_assert_eq(gf_logframe_end_cut(&writer, 1, 0, (struct gf_str){note, BYTES}, NULL), GF_OK);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(next(&reader, &frame), GF_LOGFRAME_FRAME);
    int64_t dropped_bytes = 1;
    cr_assert_eq(gf_logframe_note(&frame, &dropped_bytes).len, (size_t)GF_LOGFRAME_NOTE_BYTES_MAX);
    cr_assert_eq(dropped_bytes, 0);
    gf_logframe_reader_fini(&reader);
}

Test(logframe, what_was_given_stays_while_the_next_is_there) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    struct gf_logframe first;
    struct gf_logframe second;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    write_text(&writer, GF_LOG_STREAM_STDOUT, 1, "one");
    write_text(&writer, GF_LOG_STREAM_STDOUT, 2, "two");
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_not(gf_logframe_reader_has_next(&reader), "nothing was read yet");
    cr_assert_eq(next(&reader, &first), GF_LOGFRAME_FRAME);
    cr_assert(gf_logframe_reader_has_next(&reader));
    cr_assert_eq(next(&reader, &second), GF_LOGFRAME_FRAME);
    cr_assert(gf_str_eq(first.payload, GF_STR("one")));
    cr_assert(gf_str_eq(second.payload, GF_STR("two")));
    cr_assert_not(gf_logframe_reader_has_next(&reader));
    cr_assert_eq(gf_logframe_end(&writer, 3, NULL), GF_OK);
    cr_assert_eq(next(&reader, &first), GF_LOGFRAME_FRAME);
    cr_assert_not(gf_logframe_reader_has_next(&reader), "nothing comes behind the end");
    gf_logframe_reader_fini(&reader);
}

/* Of logs whose writer did not count. */
Test(logframe, note_without_a_count) {
    int64_t dropped_bytes = 1;
    const struct gf_logframe frame = {
        .stream = GF_LOG_STREAM_SYSTEM, .end = true, .cut = true, .payload = GF_STR("full")};
    cr_assert(gf_str_eq(gf_logframe_note(&frame, &dropped_bytes), GF_STR("full")));
    cr_assert_eq(dropped_bytes, 0);
}

Test(logframe, count_stands_in_cut_ends_only_and_whole) {
    static const struct {
        uint8_t flags;
        size_t payload;
        bool whole;
    } cases[] = {{7, 8, true}, {7, 7, false}, {4, 8, false}, {5, 8, false}, {3, 0, true}};
    for (size_t i = 0; i < GF_ARRAY_COUNT(cases); i++) {
        char bytes[GF_LOGFRAME_HEADER_BYTES + 8] = {0};
        bytes[0] = (char)cases[i].payload;
        bytes[4] = GF_LOG_STREAM_SYSTEM;
        bytes[5] = (char)cases[i].flags;
        uint32_t crc = gf_crc32c(0, bytes, 16);
        crc = gf_crc32c(crc, bytes + GF_LOGFRAME_HEADER_BYTES, cases[i].payload);
        for (int at = 0; at < 4; at++) {
            bytes[16 + at] = (char)(crc >> (8 * at));
        }
        struct gf_logframe frame;
        size_t size = 0;
        const struct gf_str text = {bytes, GF_LOGFRAME_HEADER_BYTES + cases[i].payload};
        cr_expect_eq(gf_logframe_decode(text, 0, &frame, &size, NULL),
                     cases[i].whole ? GF_OK : GF_DATA_LOSS, "case %zu", i);
    }
}

Test(logframe, stream_names) {
    cr_assert_str_eq(gf_log_stream_name(GF_LOG_STREAM_STDOUT), "stdout");
    cr_assert_str_eq(gf_log_stream_name(GF_LOG_STREAM_SYSTEM), "system");
}
