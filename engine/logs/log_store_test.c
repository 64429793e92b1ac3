#include "base/clock.h"
#include "base/file.h"
#include "base/sync.h"
#include "base/tree.h"
#include "engine/logs/log_store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

static const struct gf_log_name NAME = {
    .pipeline_key = 7, .run_id = 1234, .task_index = 0, .attempt = 1};

struct fixture {
    char directory[64];
    struct gf_reactor *reactor;
    struct gf_log_store *store;
};

static void open_fixture(struct fixture *fixture) {
    struct gf_error err = {0};
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/gofer-logs-XXXXXX");
    cr_assert_not_null(mkdtemp(fixture->directory));
    cr_assert_eq(gf_reactor_create("reactor", &fixture->reactor, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_log_store_open(fixture->directory, fixture->reactor, &fixture->store, &err),
                 GF_OK, "%s", err.message);
}

static void close_fixture(struct fixture *fixture) {
    gf_log_store_destroy(fixture->store);
    gf_reactor_destroy(fixture->reactor);
    cr_assert_eq(gf_tree_remove(AT_FDCWD, fixture->directory, NULL), GF_OK);
}

static void write_text(struct gf_logframe_writer *writer, const char *text) {
    struct gf_error err = {0};
    cr_assert_eq(gf_logframe_write(writer, GF_LOG_STREAM_STDOUT, 1, gf_str_from(text), &err), GF_OK,
                 "%s", err.message);
}

/* Makes the log and writes its header; gives the descriptor, which the caller closes. */
static int begin_log(struct fixture *fixture, struct gf_logframe_writer *out_writer) {
    struct gf_error err = {0};
    int fd = -1;
    cr_assert_eq(gf_log_store_create(fixture->store, &NAME, &fd, &err), GF_OK, "%s", err.message);
    cr_assert_eq(gf_logframe_writer_init(out_writer, fd, &err), GF_OK, "%s", err.message);
    return fd;
}

static void expect_text(struct gf_log_reader *reader, const char *text) {
    struct gf_error err = {0};
    enum gf_logframe_event event = GF_LOGFRAME_WAIT;
    struct gf_logframe frame = {0};
    cr_assert_eq(gf_logframe_reader_next(&reader->frames, &event, &frame, &err), GF_OK, "%s",
                 err.message);
    cr_assert_eq(event, GF_LOGFRAME_FRAME);
    cr_assert(gf_str_eq(frame.payload, gf_str_from(text)));
}

Test(log_store, missing_log_is_not_found) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_log_reader reader = {0};
    struct gf_error err = {0};
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &reader, &err), GF_NOT_FOUND);
    gf_log_reader_close(&reader);
    cr_expect_not(gf_log_store_has(fixture.store, &NAME));
    cr_assert_eq(gf_log_store_remove(fixture.store, &NAME, &err), GF_OK);
    close_fixture(&fixture);
}

Test(log_store, a_log_is_there_until_it_is_removed) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    int fd = -1;
    cr_assert_eq(gf_log_store_create(fixture.store, &NAME, &fd, &err), GF_OK);
    close(fd);
    cr_expect(gf_log_store_has(fixture.store, &NAME));
    struct gf_log_name other = NAME;
    other.attempt++;
    cr_expect_not(gf_log_store_has(fixture.store, &other));
    cr_assert_eq(gf_log_store_remove(fixture.store, &NAME, &err), GF_OK);
    cr_expect_not(gf_log_store_has(fixture.store, &NAME));
    close_fixture(&fixture);
}

Test(log_store, reads_what_was_written_from_any_frame_on) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_logframe_writer writer;
    int fd = begin_log(&fixture, &writer);
    write_text(&writer, "one");
    write_text(&writer, "two");

    struct gf_log_reader reader;
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &reader, &err), GF_OK);
    expect_text(&reader, "one");
    int64_t offset = gf_logframe_reader_offset(&reader.frames);
    gf_log_reader_close(&reader);

    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, offset, &reader, &err), GF_OK);
    expect_text(&reader, "two");
    gf_log_reader_close(&reader);
    close(fd);
    close_fixture(&fixture);
}

Test(log_store, create_keeps_a_log_that_is_there) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_logframe_writer writer;
    int fd = begin_log(&fixture, &writer);
    write_text(&writer, "before");
    close(fd);
    cr_assert_eq(gf_log_store_create(fixture.store, &NAME, &fd, &err), GF_OK);
    cr_assert_eq(gf_logframe_writer_resume(&writer, fd, &err), GF_OK, "%s", err.message);
    write_text(&writer, "after");
    close(fd);
    struct gf_log_reader reader;
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &reader, &err), GF_OK);
    expect_text(&reader, "before");
    expect_text(&reader, "after");
    gf_log_reader_close(&reader);
    close_fixture(&fixture);
}

static void make_log(struct fixture *fixture, int64_t run_id, int32_t attempt) {
    const struct gf_log_name name = {.run_id = run_id, .attempt = attempt};
    int fd = -1;
    cr_assert_eq(gf_log_store_create(fixture->store, &name, &fd, NULL), GF_OK);
    close(fd);
}

static bool has_log(struct fixture *fixture, int64_t run_id, int32_t attempt) {
    const struct gf_log_name name = {.run_id = run_id, .attempt = attempt};
    return gf_log_store_has(fixture->store, &name);
}

/* Those of extensions: pipeline_key 0. */
Test(log_store, logs_of_one_run_are_listed_and_removed_by_themselves) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_log_runs runs = {0};
    struct gf_log_pipelines pipelines = {0};
    cr_assert_eq(gf_log_store_list_runs(fixture.store, 0, &runs, NULL), GF_OK);
    cr_assert_eq(runs.count, 0, "there is no directory yet");
    make_log(&fixture, 12, 0);
    make_log(&fixture, 12, 1);
    make_log(&fixture, 123, 1);
    make_log(&fixture, 1200, 3);
    cr_assert_eq(gf_log_store_list_runs(fixture.store, 0, &runs, NULL), GF_OK);
    int64_t sum = 0;
    for (size_t i = 0; i < runs.count; i++) {
        sum += runs.items[i];
    }
    cr_assert_eq(runs.count, 4);
    cr_assert_eq(sum, 12 + 12 + 123 + 1200);
    cr_assert_eq(gf_log_store_list_pipelines(fixture.store, &pipelines, NULL), GF_OK);
    cr_assert_eq(pipelines.count, 0, "extensions are no pipeline");

    cr_assert_eq(gf_log_store_remove_run(fixture.store, 0, 12, NULL), GF_OK);
    cr_assert(!has_log(&fixture, 12, 0) && !has_log(&fixture, 12, 1));
    cr_assert(has_log(&fixture, 123, 1) && has_log(&fixture, 1200, 3));
    cr_assert_eq(gf_log_store_remove_run(fixture.store, 0, 77000, NULL), GF_OK);
    gf_vec_fini(&runs);
    gf_vec_fini(&pipelines);
    close_fixture(&fixture);
}

struct waiter {
    struct gf_log_reader reader; /* first: wake gets its address */
    struct gf_latch woken;
    atomic_int wake_count;
};

static void on_wake(struct gf_log_reader *reader) {
    struct waiter *waiter = (struct waiter *)reader;
    atomic_fetch_add(&waiter->wake_count, 1);
    gf_latch_open(&waiter->woken);
}

static void wait_for_wake(struct waiter *waiter) {
    cr_assert(gf_latch_wait_until(&waiter->woken, gf_mono_ns() + 10 * GF_NS_PER_SEC));
}

Test(log_store, an_armed_reader_is_woken_once_by_growth) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_logframe_writer writer;
    int fd = begin_log(&fixture, &writer);
    write_text(&writer, "one");

    struct waiter waiters[3];
    for (size_t i = 0; i < GF_ARRAY_COUNT(waiters); i++) {
        gf_latch_init(&waiters[i].woken);
        atomic_init(&waiters[i].wake_count, 0);
        cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &waiters[i].reader, &err), GF_OK);
        expect_text(&waiters[i].reader, "one");
        cr_assert_eq(gf_log_reader_arm(&waiters[i].reader, on_wake, &err), GF_OK, "%s",
                     err.message);
        cr_assert_eq(atomic_load(&waiters[i].wake_count), 0);
    }
    /* One that is disarmed hears nothing. */
    gf_log_reader_disarm(&waiters[2].reader);
    write_text(&writer, "two");
    wait_for_wake(&waiters[0]);
    wait_for_wake(&waiters[1]);
    write_text(&writer, "three");
    for (size_t i = 0; i < GF_ARRAY_COUNT(waiters); i++) {
        gf_log_reader_disarm(&waiters[i].reader);
        cr_assert_eq(atomic_load(&waiters[i].wake_count), i < 2 ? 1 : 0);
        expect_text(&waiters[i].reader, "two");
        expect_text(&waiters[i].reader, "three");
        gf_log_reader_close(&waiters[i].reader);
        gf_latch_fini(&waiters[i].woken);
    }
    close(fd);
    close_fixture(&fixture);
}

Test(log_store, arming_behind_the_end_wakes_at_once) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_logframe_writer writer;
    int fd = begin_log(&fixture, &writer);
    struct waiter waiter;
    gf_latch_init(&waiter.woken);
    atomic_init(&waiter.wake_count, 0);
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &waiter.reader, &err), GF_OK);
    write_text(&writer, "already there");
    cr_assert_eq(gf_log_reader_arm(&waiter.reader, on_wake, &err), GF_OK);
    cr_assert_eq(atomic_load(&waiter.wake_count), 1);
    expect_text(&waiter.reader, "already there");
    gf_log_reader_close(&waiter.reader);
    gf_latch_fini(&waiter.woken);
    close(fd);
    close_fixture(&fixture);
}

Test(log_store, half_a_frame_of_a_dead_writer_wakes_once) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_logframe_writer writer;
    int fd = begin_log(&fixture, &writer);
    cr_assert_eq(pwrite(fd, "half", 4, writer.offset), 4);
    struct waiter waiter;
    gf_latch_init(&waiter.woken);
    atomic_init(&waiter.wake_count, 0);
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &waiter.reader, &err), GF_OK);
    for (int round = 0; round < 3; round++) {
        enum gf_logframe_event event = GF_LOGFRAME_FRAME;
        struct gf_logframe frame = {0};
        cr_assert_eq(gf_logframe_reader_next(&waiter.reader.frames, &event, &frame, &err), GF_OK);
        cr_assert_eq(event, GF_LOGFRAME_WAIT);
        cr_assert_eq(gf_log_reader_arm(&waiter.reader, on_wake, &err), GF_OK);
        cr_assert_eq(atomic_load(&waiter.wake_count), 1, "round %d", round);
        gf_log_reader_disarm(&waiter.reader);
    }
    gf_log_reader_close(&waiter.reader);
    gf_latch_fini(&waiter.woken);
    close(fd);
    close_fixture(&fixture);
}

Test(log_store, removing_a_pipeline_removes_its_logs_only) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_error err = {0};
    struct gf_log_name other = NAME;
    other.pipeline_key = 8;
    int fd = -1;
    cr_assert_eq(gf_log_store_create(fixture.store, &NAME, &fd, &err), GF_OK);
    close(fd);
    cr_assert_eq(gf_log_store_create(fixture.store, &other, &fd, &err), GF_OK);
    close(fd);
    cr_assert_eq(gf_log_store_remove_pipeline(fixture.store, NAME.pipeline_key, &err), GF_OK);
    struct gf_log_reader reader = {0};
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &reader, &err), GF_NOT_FOUND);
    cr_assert_eq(gf_log_reader_open(fixture.store, &other, 0, &reader, &err), GF_OK);
    gf_log_reader_close(&reader);
    close_fixture(&fixture);
}

Test(log_store, lists_the_pipelines_that_have_logs) {
    struct fixture fixture;
    struct gf_error err = {0};
    struct gf_log_pipelines keys = {0};
    open_fixture(&fixture);
    cr_assert_eq(gf_log_store_list_pipelines(fixture.store, &keys, &err), GF_OK, "%s", err.message);
    cr_expect_eq(keys.count, 0);
    const int64_t pipelines[] = {7, 12};
    for (size_t i = 0; i < GF_ARRAY_COUNT(pipelines); i++) {
        struct gf_log_name name = NAME;
        int fd = -1;
        name.pipeline_key = pipelines[i];
        cr_assert_eq(gf_log_store_create(fixture.store, &name, &fd, &err), GF_OK);
        gf_close(&fd);
    }
    cr_assert_eq(gf_log_store_list_pipelines(fixture.store, &keys, &err), GF_OK, "%s", err.message);
    cr_assert_eq(keys.count, 2);
    cr_expect_eq(keys.items[0] + keys.items[1], 19);
    cr_assert_eq(gf_log_store_remove_pipeline(fixture.store, 7, &err), GF_OK, "%s", err.message);
    gf_vec_clear(&keys);
    cr_assert_eq(gf_log_store_list_pipelines(fixture.store, &keys, &err), GF_OK, "%s", err.message);
    cr_assert_eq(keys.count, 1);
    cr_expect_eq(keys.items[0], 12);
    gf_vec_fini(&keys);
    close_fixture(&fixture);
}

Test(log_store, stats_tell_of_logs_and_readers) {
    struct fixture fixture;
    open_fixture(&fixture);
    struct gf_log_store_stats stats;
    struct gf_logframe_writer writer;
    struct gf_log_reader reader = {0};
    const int fd = begin_log(&fixture, &writer);
    cr_assert_eq(gf_log_reader_open(fixture.store, &NAME, 0, &reader, NULL), GF_OK);
    gf_log_store_stats(fixture.store, &stats);
    cr_expect_eq(stats.created_total, 1);
    cr_expect_eq(stats.readers, 1);
    cr_expect_eq(stats.files_watched, 0);
    gf_log_reader_close(&reader);
    gf_log_reader_close(&reader);
    gf_log_store_stats(fixture.store, &stats);
    cr_expect_eq(stats.readers, 0);
    close(fd);
    close_fixture(&fixture);
}
