#include "base/alloc.h"
#include "base/file.h"
#include "base/logframe.h"
#include "base/testing/skip.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    RING_BYTES = GF_LOGFRAME_RING_BYTES_MIN,
    LINE_BYTES = 100,
    BLOCK_BYTES = 4096,
};

static int empty_file(void) {
    const int fd = memfd_create("log", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

static int64_t disk_bytes(int fd) {
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    return (int64_t)status.st_blocks * 512;
}

static void open_ring(struct gf_logframe_writer *writer, int fd) {
    struct gf_error err = {0};
    cr_assert_eq(gf_logframe_ring_open(writer, fd, RING_BYTES, &err), GF_OK, "%s", err.message);
}

/* Line `number` of a log: each is told from every other. */
static struct gf_str line(char out[LINE_BYTES + 1], int number) {
    (void)snprintf(out, LINE_BYTES + 1, "%0*d", LINE_BYTES, number);
    return (struct gf_str){out, LINE_BYTES};
}

static void write_lines(struct gf_logframe_writer *writer, int from, int to) {
    char text[LINE_BYTES + 1];
    struct gf_error err = {0};
    for (int i = from; i < to; i++) {
        cr_assert_eq(gf_logframe_write(writer, GF_LOG_STREAM_SYSTEM, i, line(text, i), &err), GF_OK,
                     "%s", err.message);
    }
}

/* Reads to what is written now; every line must follow the one before, but where bytes are missing
 * as many as the frame tells. Gives the number of the line that comes next. */
static int read_lines(struct gf_logframe_reader *reader, int expected, int64_t *out_missing) {
    struct gf_logframe frame;
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    struct gf_error err = {0};
    for (;;) {
        char text[LINE_BYTES + 1];
        cr_assert_eq(gf_logframe_reader_next(reader, &event, &frame, &err), GF_OK, "%s",
                     err.message);
        if (event != GF_LOGFRAME_FRAME || frame.end) {
            return expected;
        }
        cr_assert_eq(frame.missing_bytes % LINE_BYTES, 0);
        expected += (int)(frame.missing_bytes / LINE_BYTES);
        *out_missing += frame.missing_bytes;
        cr_assert(gf_str_eq(frame.payload, line(text, expected)), "expected line %d, got '%.*s'",
                  expected, (int)frame.payload.len, frame.payload.ptr);
        expected++;
    }
}

Test(logframe_ring, size_on_disk_stays_bounded_and_the_newest_stays) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    int64_t missing = 0;
    open_ring(&writer, fd);
    for (int from = 0; from < 50000; from += 1000) {
        write_lines(&writer, from, from + 1000);
        cr_assert_leq(disk_bytes(fd), RING_BYTES + 2 * BLOCK_BYTES);
    }
    cr_assert_gt(writer.offset, 10 * (int64_t)RING_BYTES, "offsets are absolute");
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), 50000);
    gf_logframe_reader_fini(&reader);
    const int64_t kept = 50000 * (int64_t)LINE_BYTES - missing;
    const int64_t kept_frames = kept / LINE_BYTES * (LINE_BYTES + GF_LOGFRAME_HEADER_BYTES);
    cr_assert_leq(kept_frames, RING_BYTES);
    cr_assert_geq(kept_frames, RING_BYTES - RING_BYTES / 8, "no more goes than must");
}

Test(logframe_ring, nothing_is_missing_while_all_of_it_fits) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    int64_t missing = 0;
    open_ring(&writer, fd);
    write_lines(&writer, 0, RING_BYTES / (LINE_BYTES + GF_LOGFRAME_HEADER_BYTES));
    gf_logframe_reader_init(&reader, fd, 0);
    (void)read_lines(&reader, 0, &missing);
    cr_assert_eq(missing, 0);
    gf_logframe_reader_fini(&reader);
}

/* The bytes after a reader's place are released again and again, at every distance from it. */
Test(logframe_ring, reader_that_follows_skips_what_is_released_meanwhile) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    int64_t missing = 0;
    int written = 0;
    int expected = 0;
    open_ring(&writer, fd);
    gf_logframe_reader_init(&reader, fd, 0);
    for (int step = 1; step < 60; step++) {
        const int lines = step * step * 3;
        write_lines(&writer, written, written + lines);
        written += lines;
        if (step % 3 == 0) {
            expected = read_lines(&reader, expected, &missing);
            cr_assert_eq(expected, written);
        } else {
            /* One frame alone: much is left in the reader's buffer when it is released. */
            struct gf_logframe frame;
            enum gf_logframe_event event;
            cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, NULL), GF_OK);
            cr_assert_eq(event, GF_LOGFRAME_FRAME);
            expected += (int)(frame.missing_bytes / LINE_BYTES) + 1;
            missing += frame.missing_bytes;
        }
    }
    cr_assert_gt(missing, 0, "the writer was never ahead by more than the ring");
    gf_logframe_reader_fini(&reader);
}

Test(logframe_ring, resume_point_that_was_released_tells_what_is_missing) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    int64_t missing = 0;
    open_ring(&writer, fd);
    write_lines(&writer, 0, 100);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), 100);
    const int64_t offset = gf_logframe_reader_offset(&reader);
    const int64_t payload = gf_logframe_reader_payload(&reader);
    cr_assert_eq(payload, 100 * LINE_BYTES);
    gf_logframe_reader_fini(&reader);

    write_lines(&writer, 100, 20000);
    gf_logframe_reader_init(&reader, fd, offset);
    gf_logframe_reader_set_payload(&reader, payload);
    cr_assert_eq(read_lines(&reader, 100, &missing), 20000);
    cr_assert_gt(missing, 0);
    gf_logframe_reader_fini(&reader);
}

Test(logframe_ring, writer_resumes_where_another_died) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    int64_t missing = 0;
    int written = 0;
    for (int life = 0; life < 40; life++) {
        open_ring(&writer, fd);
        write_lines(&writer, written, written + 997);
        written += 997;
        /* A part of a frame, as a writer leaves it that dies in the middle. */
        cr_assert_eq(pwrite(fd, "\x64\0\0\0\3\0\0\0half", 12, writer.offset), 12);
    }
    open_ring(&writer, fd);
    write_lines(&writer, written, written + 1);
    cr_assert_leq(disk_bytes(fd), RING_BYTES + 2 * BLOCK_BYTES);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), written + 1);
    gf_logframe_reader_fini(&reader);
}

/* The record says where to begin, but the hole was not made: the writer died in between. */
Test(logframe_ring, hole_that_was_not_made_is_made_by_the_next_writer) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    GF_CLEANUP(gf_close_p) int copy = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    char header[GF_LOGFRAME_RING_HEADER_BYTES];
    int64_t missing = 0;
    open_ring(&writer, fd);
    open_ring(&writer, copy);
    struct gf_logframe_writer ring = writer;
    write_lines(&writer, 0, 2000);
    ring.fd = fd;
    write_lines(&ring, 0, 2000);
    const int64_t before = disk_bytes(copy);
    write_lines(&ring, 2000, 2600); /* beyond what it holds: the first release */
    cr_assert_eq(gf_pread_exact(fd, header, sizeof(header), 0, NULL), GF_OK);
    cr_assert_eq(pwrite(copy, header, sizeof(header), 0), (ssize_t)sizeof(header));

    gf_logframe_reader_init(&reader, copy, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), 2000, "what is still there may be read");
    gf_logframe_reader_fini(&reader);
    struct gf_logframe_writer next;
    open_ring(&next, copy);
    cr_assert_lt(disk_bytes(copy), before);
    write_lines(&next, 2000, 2001);
    gf_logframe_reader_init(&reader, copy, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), 2001);
    cr_assert_gt(missing, 0);
    gf_logframe_reader_fini(&reader);
}

static void damage(int fd, int64_t offset) {
    char byte = 0;
    cr_assert_eq(gf_pread_exact(fd, &byte, 1, offset, NULL), GF_OK);
    byte = (char)(byte ^ 0x10);
    cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
}

/* What a writer leaves that dies while it writes a record: the other one still leads to frames. */
Test(logframe_ring, record_that_is_written_half_is_no_loss) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    for (int life = 0; life < 4; life++) {
        int64_t missing = 0;
        open_ring(&writer, fd);
        write_lines(&writer, life * 20001, life * 20001 + 19000 + life * 100);
        damage(fd, GF_LOGFRAME_FILE_HEADER_BYTES + writer.ring.record_count % 2 * 24 + 2);
        open_ring(&writer, fd);
        write_lines(&writer, life * 20001 + 19000 + life * 100, (life + 1) * 20001);
        gf_logframe_reader_init(&reader, fd, 0);
        cr_assert_eq(read_lines(&reader, 0, &missing), (life + 1) * 20001);
        gf_logframe_reader_fini(&reader);
    }
    damage(fd, GF_LOGFRAME_FILE_HEADER_BYTES);
    damage(fd, GF_LOGFRAME_FILE_HEADER_BYTES + 24);
    cr_assert_eq(gf_logframe_ring_open(&writer, fd, RING_BYTES, NULL), GF_DATA_LOSS);
}

Test(logframe_ring, end_is_the_last_frame) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    struct gf_logframe_reader reader;
    struct gf_logframe frame;
    enum gf_logframe_event event;
    int64_t missing = 0;
    open_ring(&writer, fd);
    write_lines(&writer, 0, 20000);
    cr_assert_eq(gf_logframe_end(&writer, 1, NULL), GF_OK);
    gf_logframe_reader_init(&reader, fd, 0);
    cr_assert_eq(read_lines(&reader, 0, &missing), 20000);
    cr_assert_eq(gf_logframe_reader_next(&reader, &event, &frame, NULL), GF_OK);
    cr_assert_eq(event, GF_LOGFRAME_DONE);
    gf_logframe_reader_fini(&reader);
    cr_assert_eq(gf_logframe_ring_open(&writer, fd, RING_BYTES, NULL), GF_FAILED_PRECONDITION);
}

Test(logframe_ring, other_logs_and_files_are_refused) {
    GF_CLEANUP(gf_close_p) int fd = empty_file();
    struct gf_logframe_writer writer;
    cr_assert_eq(gf_logframe_writer_init(&writer, fd, NULL), GF_OK);
    cr_assert_eq(gf_logframe_ring_open(&writer, fd, RING_BYTES, NULL), GF_FAILED_PRECONDITION);
    GF_CLEANUP(gf_close_p) int ring = empty_file();
    open_ring(&writer, ring);
    cr_assert_eq(gf_logframe_writer_resume(&writer, ring, NULL), GF_FAILED_PRECONDITION);
    char text[2 * GF_LOGFRAME_RING_HEADER_BYTES] = "this is no log at all";
    GF_CLEANUP(gf_close_p) int other = empty_file();
    cr_assert_eq(pwrite(other, text, sizeof(text), 0), (ssize_t)sizeof(text));
    cr_assert_eq(gf_logframe_ring_open(&writer, other, RING_BYTES, NULL), GF_DATA_LOSS);
}

Test(logframe_ring, file_system_that_punches_no_holes_says_so) {
    char directory[] = "/tmp/gofer-ramfs-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "ramfs", 0, NULL) != 0) {
        (void)rmdir(directory);
        gf_test_skip("mounting a file system without holes needs root");
    }
    const int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    GF_CLEANUP(gf_close_p) int fd = -1;
    cr_assert_eq(gf_file_open(dir_fd, "log", O_RDWR | O_CREAT, 0600, &fd, NULL), GF_OK);
    close(dir_fd);
    struct gf_logframe_writer writer;
    struct gf_error err = {0};
    cr_assert_eq(gf_logframe_ring_open(&writer, fd, RING_BYTES, &err), GF_UNIMPLEMENTED);
    cr_assert_str_eq(err.message, "the file system of the log cannot punch holes");
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    cr_assert_eq(status.st_size, 0, "the file is as it was");
    (void)umount2(directory, MNT_DETACH);
    (void)rmdir(directory);
}
