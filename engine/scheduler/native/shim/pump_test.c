#include "base/clock.h"
#include "base/file.h"
#include "base/testing/skip.h"
#include "engine/scheduler/native/shim/pump.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct gf_pump pump;
static struct gf_error error;
static int log_fd;
static int pipe_fds[2];

static void set_up(void) {
    char path[] = "/tmp/gofer-pump-XXXXXX";
    log_fd = mkstemp(path);
    cr_assert(log_fd >= 0);
    cr_assert(eq(int, unlink(path), 0));
    cr_assert(eq(int, pipe2(pipe_fds, O_CLOEXEC), 0));
}

TestSuite(pump, .init = set_up);

static void feed(const char *bytes, size_t size) {
    cr_assert(eq(long, (long)write(pipe_fds[1], bytes, size), (long)size));
    gf_pump_move(&pump, &pipe_fds[0], GF_LOG_STREAM_STDOUT);
}

/* Reads the log back; gives its last frame. */
static struct gf_logframe read_log(struct gf_strbuf *out) {
    struct gf_logframe_reader reader;
    struct gf_logframe frame = {0};
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    gf_logframe_reader_init(&reader, log_fd, 0);
    do {
        cr_assert(gf_logframe_reader_next(&reader, &event, &frame, &error) == GF_OK, "%s",
                  error.message);
        if (event == GF_LOGFRAME_FRAME) {
            int64_t dropped_bytes = 0;
            gf_strbuf_append(out, gf_logframe_note(&frame, &dropped_bytes));
            cr_assert(eq(i64, dropped_bytes, frame.cut ? pump.dropped_bytes : 0));
        }
    } while (event == GF_LOGFRAME_FRAME && !frame.end);
    gf_logframe_reader_fini(&reader);
    return frame;
}

Test(pump, moves_what_comes_and_closes_at_the_end) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1000);
    cr_assert(gf_pump_init(&pump, log_fd, 0, NULL, &error) == GF_OK);
    feed("one", 3);
    feed("two", 3);
    close(pipe_fds[1]);
    gf_pump_move(&pump, &pipe_fds[0], GF_LOG_STREAM_STDOUT);
    cr_assert(eq(int, pipe_fds[0], -1));
    gf_pump_finish(&pump);
    const struct gf_logframe last = read_log(&out);
    cr_assert(last.end && !last.cut);
    cr_assert(eq(str, out.ptr, "onetwo"));
    cr_assert(eq(i64, pump.bytes, 6));
    cr_assert(not(pump.truncated));
    gf_strbuf_fini(&out);
}

Test(pump, limit_cuts_in_the_middle_of_a_read) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1000);
    cr_assert(gf_pump_init(&pump, log_fd, 4, NULL, &error) == GF_OK);
    feed("one", 3);
    cr_assert(not(pump.truncated));
    feed("two", 3);
    feed("more", 4);
    gf_pump_finish(&pump);
    const struct gf_logframe last = read_log(&out);
    cr_assert(last.end && last.cut);
    cr_assert(eq(str, out.ptr, "onetoutput beyond 4 bytes was dropped: 6 bytes are missing"));
    cr_assert(eq(i64, pump.bytes, 4));
    gf_strbuf_fini(&out);
}

Test(pump, limit_that_is_just_reached_cuts_nothing) {
    cr_assert(gf_pump_init(&pump, log_fd, 3, NULL, &error) == GF_OK);
    feed("one", 3);
    gf_pump_finish(&pump);
    cr_assert(not(pump.truncated));
}

Test(pump, full_disk_drops_output_and_never_blocks) {
    static char bytes[4096];
    const struct rlimit limit = {1000, 1000};
    cr_assert(gf_pump_init(&pump, log_fd, 0, NULL, &error) == GF_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    feed("first", 5);
    cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &limit), 0));
    for (int i = 0; i < 100; i++) {
        feed(bytes, sizeof(bytes));
    }
    cr_assert(pump.truncated);
    cr_assert(pump.failure.code != GF_OK);
    cr_assert(lt(i64, pump.bytes, 1000));
    cr_assert(eq(i64, pump.bytes + pump.dropped_bytes, 5 + 100 * (int64_t)sizeof(bytes)));
    gf_pump_finish(&pump);
}

Test(pump, without_a_log_the_pipes_are_emptied_and_nothing_is_missing) {
    cr_assert(gf_pump_init(&pump, -1, 4, NULL, &error) == GF_OK);
    feed("one", 3);
    feed("two", 3);
    close(pipe_fds[1]);
    gf_pump_move(&pump, &pipe_fds[0], GF_LOG_STREAM_STDOUT);
    cr_assert(eq(int, pipe_fds[0], -1));
    gf_pump_finish(&pump);
    cr_assert(not(pump.truncated));
    cr_assert(eq(i64, pump.bytes, 0));
    cr_assert(eq(i64, pump.dropped_bytes, 0));
}

/* ---- masking ---- */

static struct gf_mask_set masks;

static void begin_masked(int64_t bytes_max) {
    const struct gf_str value = GF_STR("correct-horse");
    cr_assert(gf_mask_set_init(&masks, &value, 1, &error) == GF_OK, "%s", error.message);
    cr_assert(gf_pump_init(&pump, log_fd, bytes_max, &masks, &error) == GF_OK);
}

static void expect_log(const char *expected) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1 << 20);
    gf_pump_finish(&pump);
    (void)read_log(&out);
    cr_assert(eq(str, out.ptr, (char *)expected));
    gf_strbuf_fini(&out);
    gf_mask_set_fini(&masks);
}

static void feed_text(const char *text) {
    feed(text, strlen(text));
}

Test(pump, masks_across_reads) {
    begin_masked(0);
    feed_text("it is corr");
    feed_text("ect-");
    feed_text("horse, is it");
    expect_log("it is ***, is it");
    cr_assert(eq(i64, pump.bytes, 16));
}

Test(pump, masks_across_frames) {
    enum {
        SIZE = GF_PUMP_READ_BYTES_MAX
    };
    static char bytes[SIZE];
    struct gf_strbuf out;
    gf_strbuf_init(&out, 3 * SIZE);
    begin_masked(0);
    /* The second read ends in the midst of the value, and comes on top of what is held. */
    memset(bytes, '.', SIZE);
    feed_text("corr");
    memcpy(bytes, "ected", 5);
    memcpy(bytes + SIZE - 5, "corre", 5);
    feed(bytes, SIZE);
    feed_text("ct-horse!");
    gf_pump_finish(&pump);
    (void)read_log(&out);
    cr_assert(eq(sz, out.len, (size_t)4 + SIZE - 5 + 3 + 1));
    cr_assert(eq(int, memcmp(out.ptr, "corrected.", 10), 0));
    cr_assert(eq(str, out.ptr + out.len - 5, ".***!"));
    gf_strbuf_fini(&out);
    gf_mask_set_fini(&masks);
}

Test(pump, streams_are_masked_apart) {
    int other[2];
    begin_masked(0);
    cr_assert(eq(int, pipe2(other, O_CLOEXEC), 0));
    feed_text("correct");
    cr_assert(eq(long, (long)write(other[1], "-horse", 6), 6L));
    gf_pump_move(&pump, &other[0], GF_LOG_STREAM_STDERR);
    feed_text("-horse");
    expect_log("-horse***");
}

Test(pump, limit_is_of_masked_bytes) {
    begin_masked(5);
    feed_text("[correct-horse]");
    cr_assert(eq(i64, pump.bytes, 5));
    cr_assert(not(pump.truncated));
    expect_log("[***]");
}

Test(pump, end_of_a_stream_gives_all_that_is_held) {
    begin_masked(0);
    feed_text("it is correct-ho");
    close(pipe_fds[1]);
    gf_pump_move(&pump, &pipe_fds[0], GF_LOG_STREAM_STDOUT);
    cr_assert(eq(i64, pump.bytes, 16));
    expect_log("it is correct-ho");
}

Test(pump, what_is_held_is_shown_when_its_time_has_come) {
    begin_masked(0);
    cr_assert(eq(i64, gf_pump_deadline(&pump), GF_NEVER));
    feed_text("name: ");
    cr_assert(eq(i64, gf_pump_deadline(&pump), GF_NEVER));
    const int64_t before = gf_mono_ns();
    feed_text("cor");
    const int64_t deadline = gf_pump_deadline(&pump);
    cr_assert(deadline >= gf_deadline_after_ms(before, GF_PUMP_IDLE_MS));
    cr_assert(deadline <= gf_deadline_after_ms(gf_mono_ns(), GF_PUMP_IDLE_MS));
    gf_pump_show(&pump, deadline - 1);
    cr_assert(eq(i64, pump.bytes, 6));
    gf_pump_show(&pump, deadline);
    cr_assert(eq(i64, pump.bytes, 9));
    cr_assert(eq(i64, gf_pump_deadline(&pump), GF_NEVER));
    feed_text("rect-horse");
    expect_log("name: cor***");
}

Test(pump, what_was_read_does_not_stay_in_memory) {
    static const char zeros[64];
    begin_masked(0);
    feed_text("it is correct-horse");
    cr_assert(eq(int, memcmp(pump.buffer, zeros, sizeof(zeros)), 0));
    gf_mask_set_fini(&masks);
}

Test(pump, interrupted_log_is_continued) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1000);
    cr_assert(gf_pump_init(&pump, log_fd, 0, NULL, &error) == GF_OK);
    feed("before ", 7);
    cr_assert(gf_pump_init(&pump, log_fd, 0, NULL, &error) == GF_OK);
    feed("after", 5);
    gf_pump_finish(&pump);
    (void)read_log(&out);
    cr_assert(eq(str, out.ptr, "before after"));
    gf_strbuf_fini(&out);
}

/* What the log holds, whatever was released. */
static struct gf_logframe read_kept(struct gf_strbuf *out, int64_t *out_missing) {
    struct gf_logframe_reader reader;
    struct gf_logframe frame = {0};
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    *out_missing = 0;
    gf_logframe_reader_init(&reader, log_fd, 0);
    while (event == GF_LOGFRAME_FRAME && !frame.end) {
        cr_assert(gf_logframe_reader_next(&reader, &event, &frame, &error) == GF_OK, "%s",
                  error.message);
        gf_strbuf_append(out, frame.payload);
        *out_missing += frame.missing_bytes;
    }
    gf_logframe_reader_fini(&reader);
    return frame;
}

Test(pump, ring_cuts_nothing_and_keeps_the_newest) {
    static char bytes[4096];
    struct gf_strbuf out;
    int64_t missing = 0;
    gf_strbuf_init(&out, 1 << 20);
    cr_assert(gf_pump_init_ring(&pump, log_fd, GF_LOGFRAME_RING_BYTES_MIN, 10, NULL, &error) ==
                  GF_OK,
              "%s", error.message);
    for (int i = 0; i < 300; i++) {
        memset(bytes, 'a' + i % 26, sizeof(bytes));
        feed(bytes, sizeof(bytes));
    }
    feed("newest", 6);
    gf_pump_finish(&pump);
    const struct gf_logframe last = read_kept(&out, &missing);
    cr_assert(last.end && !last.cut);
    cr_assert(not(pump.truncated));
    cr_assert(eq(i64, pump.bytes, 300 * (int64_t)sizeof(bytes) + 6));
    cr_assert(eq(i64, missing + (int64_t)out.len, pump.bytes));
    cr_assert(missing > 0 && out.len <= GF_LOGFRAME_RING_BYTES_MIN);
    cr_assert(eq(str, out.ptr + out.len - 6, "newest"));
    gf_strbuf_fini(&out);
}

Test(pump, ring_goes_on_after_a_disk_was_full) {
    static char bytes[4096];
    struct gf_strbuf out;
    int64_t missing = 0;
    const struct rlimit full = {1000, RLIM_INFINITY};
    const struct rlimit room = {RLIM_INFINITY, RLIM_INFINITY};
    gf_strbuf_init(&out, 10000);
    memset(bytes, '\xff', sizeof(bytes)); /* no header of a frame is made of it */
    cr_assert(gf_pump_init_ring(&pump, log_fd, GF_LOGFRAME_RING_BYTES_MIN, 10, NULL, &error) ==
              GF_OK);
    (void)signal(SIGXFSZ, SIG_IGN);
    feed("first ", 6);
    cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &full), 0));
    feed(bytes, sizeof(bytes));
    cr_assert(eq(int, setrlimit(RLIMIT_FSIZE, &room), 0));
    feed("last", 4);
    gf_pump_finish(&pump);
    const struct gf_logframe last = read_kept(&out, &missing);
    cr_assert(last.end && last.cut);
    cr_assert(eq(i64, pump.dropped_bytes, (int64_t)sizeof(bytes)));
    cr_assert(pump.truncated);
    cr_assert(out.len >= 10 && memcmp(out.ptr, "first last", 10) == 0);
    gf_strbuf_fini(&out);
}

Test(pump, ring_that_cannot_be_is_a_log_that_is_cut_and_says_so) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1000);
    /* A descriptor that may not punch holes, but can be written: one of a file system without. */
    char directory[] = "/tmp/gofer-ramfs-XXXXXX";
    cr_assert(mkdtemp(directory) != NULL);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "ramfs", 0, NULL) != 0) {
        (void)rmdir(directory);
        gf_test_skip("mounting a file system without holes needs root");
    }
    GF_CLEANUP(gf_close_p) int dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gf_close(&log_fd);
    cr_assert(gf_file_open(dir_fd, "log", O_RDWR | O_CREAT, 0600, &log_fd, &error) == GF_OK);
    cr_assert(gf_pump_init_ring(&pump, log_fd, GF_LOGFRAME_RING_BYTES_MIN, 4, NULL, &error) ==
              GF_OK);
    feed("onetwo", 6);
    gf_pump_finish(&pump);
    (void)read_log(&out);
    cr_assert(eq(str, out.ptr,
                 "the file system of the log cannot punch holes: this one is cut at 4 bytes\n"
                 "onetoutput beyond 4 bytes was dropped: 2 bytes are missing"));
    gf_close(&log_fd);
    (void)umount2(directory, MNT_DETACH);
    (void)rmdir(directory);
    gf_strbuf_fini(&out);
}
