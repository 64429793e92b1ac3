#include "api/extension/log.h"
#include "base/file.h"
#include "base/tree.h"

#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    KEY = 42,
};

struct fixture {
    char directory[64];
    struct gf_reactor *reactor;
    struct gf_log_store *store;
    struct gf_pool *pool;
    struct gf_fake_clock clock;
    struct gf_extension_logs *logs;
};

static void start(struct fixture *fixture) {
    const struct gf_pool_opts opts = {.thread_count = 1, .queue_limit = 10, .name = "pool"};
    fixture->pool = gf_pool_create(&opts);
    fixture->logs = gf_extension_logs_create(fixture->store, fixture->pool, &fixture->clock.clock);
}

/* After it everything that was added is written. */
static void stop(struct fixture *fixture) {
    gf_pool_destroy(fixture->pool);
    gf_extension_logs_destroy(fixture->logs);
}

static void open_fixture(struct fixture *fixture) {
    struct gf_error err = {0};
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/gofer-logs-XXXXXX");
    cr_assert(mkdtemp(fixture->directory) != NULL);
    cr_assert(gf_reactor_create("reactor", &fixture->reactor, &err) == GF_OK, "%s", err.message);
    cr_assert(gf_log_store_open(fixture->directory, fixture->reactor, &fixture->store, &err) ==
                  GF_OK,
              "%s", err.message);
    gf_fake_clock_init(&fixture->clock, 0, 1000);
    start(fixture);
}

static void close_fixture(struct fixture *fixture) {
    gf_log_store_destroy(fixture->store);
    gf_reactor_destroy(fixture->reactor);
    cr_assert(gf_tree_remove(AT_FDCWD, fixture->directory, NULL) == GF_OK);
}

static void add(struct fixture *fixture, int64_t key, int64_t write_time, const char *text) {
    const struct gf_extension_log_line line = {
        .extension_key = key,
        .level = GOFER__EXTENSION__V1__LOG_LEVEL__LOG_LEVEL_INFO,
        .text = gf_str_from(text),
        .write_time = write_time,
    };
    gf_extension_logs_add(fixture->logs, &line);
}

/* All that is in the log of an extension, as "time text"; empty where there is none. */
static void read_all(struct fixture *fixture, int64_t key, struct gf_strbuf *out) {
    const struct gf_log_name name = {.run_id = key};
    struct gf_log_reader reader = {0};
    struct gf_error err = {0};
    if (gf_log_reader_open(fixture->store, &name, 0, &reader, &err) != GF_OK) {
        return;
    }
    enum gf_logframe_event event = GF_LOGFRAME_FRAME;
    struct gf_logframe frame = {0};
    while (gf_logframe_reader_next(&reader.frames, &event, &frame, &err) == GF_OK &&
           event == GF_LOGFRAME_FRAME) {
        cr_expect(eq(int, frame.stream, GF_LOG_STREAM_SYSTEM));
        gf_strbuf_printf(out, "%lld %" GF_STR_FMT, (long long)frame.wall_ns,
                         GF_STR_ARG(frame.payload));
    }
    gf_log_reader_close(&reader);
}

static void expect_log(struct fixture *fixture, int64_t key, const char *text) {
    struct gf_strbuf out;
    gf_strbuf_init(&out, 1 << 20);
    read_all(fixture, key, &out);
    cr_expect(eq(str, out.ptr == NULL ? "" : out.ptr, (char *)text));
    gf_strbuf_fini(&out);
}

Test(log, lines_are_frames_in_their_order_and_times_do_not_go_back) {
    struct fixture fixture;
    open_fixture(&fixture);
    add(&fixture, KEY, 700, "one");
    add(&fixture, KEY, 600, "two");
    add(&fixture, KEY, 5000, "three");
    add(&fixture, KEY + 1, 1, "of another");
    stop(&fixture);
    expect_log(&fixture, KEY, "700 INFO one\n700 INFO two\n1000 INFO three\n");
    expect_log(&fixture, KEY + 1, "1 INFO of another\n");
    close_fixture(&fixture);
}

Test(log, goes_on_after_a_restart_and_after_damage) {
    struct fixture fixture;
    open_fixture(&fixture);
    add(&fixture, KEY, 1, "before");
    stop(&fixture);
    start(&fixture);
    add(&fixture, KEY, 2, "after");
    stop(&fixture);
    expect_log(&fixture, KEY, "1 INFO before\n2 INFO after\n");

    const struct gf_log_name name = {.run_id = KEY};
    int fd = -1;
    cr_assert(gf_log_store_create(fixture.store, &name, &fd, NULL) == GF_OK);
    cr_assert(pwrite(fd, "damage", 6, GF_LOGFRAME_RING_HEADER_BYTES) == 6);
    close(fd);
    start(&fixture);
    add(&fixture, KEY, 3, "anew");
    stop(&fixture);
    expect_log(&fixture, KEY, "3 INFO anew\n");
    close_fixture(&fixture);
}

static void hold(void *ctx) {
    gf_latch_wait(ctx);
}

Test(log, what_finds_no_room_is_dropped_and_counted) {
    struct fixture fixture;
    struct gf_latch latch;
    struct gf_strbuf out;
    static char long_text[16 << 10];
    open_fixture(&fixture);
    gf_latch_init(&latch);
    gf_strbuf_init(&out, 8 << 20);
    gf_pool_submit_reserved(fixture.pool, hold, &latch); /* the disk is slow */
    memset(long_text, 'x', sizeof(long_text) - 1);
    const int lines = 2 * GF_EXTENSION_LOG_QUEUE_BYTES_MAX / (int)sizeof(long_text);
    for (int i = 0; i < lines; i++) {
        add(&fixture, KEY, 1, long_text);
    }
    struct gf_extension_logs_stats stats;
    gf_extension_logs_stats(fixture.logs, &stats);
    cr_expect_eq(stats.lines_total + stats.dropped_total, (uint64_t)lines);
    cr_expect_gt(stats.dropped_total, 0);
    cr_expect_gt(stats.waiting_bytes, stats.waiting_bytes_limit / 2);
    gf_latch_open(&latch);
    gf_pool_drain(fixture.pool);
    add(&fixture, KEY, 2, "room again");
    stop(&fixture);
    read_all(&fixture, KEY, &out);
    int kept = 0;
    for (const char *at = out.ptr; (at = strstr(at, "1 INFO x")) != NULL; at++) {
        kept++;
    }
    char expected[200];
    (void)snprintf(expected, sizeof(expected),
                   "2 WARNING gofer: the log could not be written fast enough, lines that are "
                   "missing here: %d\n2 INFO room again\n",
                   lines - kept);
    cr_assert(kept > 0 && kept < lines);
    cr_assert(gf_str_has_suffix(gf_strbuf_view(&out), gf_str_from(expected)), "%s",
              out.ptr + out.len - 200);
    gf_strbuf_fini(&out);
    gf_latch_fini(&latch);
    close_fixture(&fixture);
}

Test(log, goes_with_its_extension) {
    struct fixture fixture;
    open_fixture(&fixture);
    const struct gf_log_name container = {.run_id = KEY, .attempt = 3};
    int fd = -1;
    cr_assert(gf_log_store_create(fixture.store, &container, &fd, NULL) == GF_OK);
    close(fd);
    add(&fixture, KEY, 1, "one");
    add(&fixture, KEY + 1, 1, "of another");
    gf_extension_logs_remove(fixture.logs, KEY);
    stop(&fixture);
    cr_expect(not(gf_log_store_has(fixture.store, &container)));
    expect_log(&fixture, KEY, "");
    expect_log(&fixture, KEY + 1, "1 INFO of another\n");
    close_fixture(&fixture);
}

Test(log, lists_who_has_logs) {
    static const int64_t expected[] = {7, 9, 2000};
    struct fixture fixture;
    struct gf_log_runs keys = {0};
    int fd = -1;
    open_fixture(&fixture);
    cr_assert(gf_extension_logs_list(fixture.logs, &keys, NULL) == GF_OK);
    cr_expect(eq(sz, keys.count, 0), "nobody yet");
    add(&fixture, 2000, 1, "text");
    add(&fixture, 9, 1, "text");
    add(&fixture, 7, 1, "text");
    stop(&fixture);
    start(&fixture);
    const struct gf_log_name container = {.run_id = 9, .attempt = 1};
    cr_assert(gf_log_store_create(fixture.store, &container, &fd, NULL) == GF_OK);
    gf_close(&fd);
    cr_assert(gf_extension_logs_list(fixture.logs, &keys, NULL) == GF_OK);
    cr_assert(eq(sz, keys.count, GF_ARRAY_COUNT(expected)));
    for (size_t i = 0; i < keys.count; i++) {
        cr_expect(eq(i64, keys.items[i], expected[i]));
    }
    gf_vec_fini(&keys);
    stop(&fixture);
    close_fixture(&fixture);
}
