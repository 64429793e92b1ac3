#include "api/extension/log_reader.h"
#include "base/file.h"
#include "base/sync.h"
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
    struct gf_extension extension;
    struct gf_extension_log_reader reader;
    struct gf_arena arena;
    struct gf_str state;
    struct gf_latch woken;
};

static void open_fixture(struct fixture *fixture) {
    struct gf_error err = {0};
    *fixture = (struct fixture){.extension = {.extension_key = KEY}};
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/gofer-logs-XXXXXX");
    cr_assert(mkdtemp(fixture->directory) != NULL);
    cr_assert(gf_reactor_create("reactor", &fixture->reactor, &err) == GF_OK, "%s", err.message);
    cr_assert(gf_log_store_open(fixture->directory, fixture->reactor, &fixture->store, &err) ==
                  GF_OK,
              "%s", err.message);
    gf_arena_init(&fixture->arena, 1 << 20);
    gf_extension_log_reader_init(&fixture->reader, fixture->store, KEY);
}

static void close_fixture(struct fixture *fixture) {
    gf_extension_log_reader_fini(&fixture->reader);
    gf_arena_fini(&fixture->arena);
    gf_log_store_destroy(fixture->store);
    gf_reactor_destroy(fixture->reactor);
    cr_assert(gf_tree_remove(AT_FDCWD, fixture->directory, NULL) == GF_OK);
}

/* Adds one frame to the log of an attempt, as a writer that goes on. `text` NULL: the end. */
static void append(struct fixture *fixture, int32_t attempt, int64_t wall_ns, const char *text) {
    const struct gf_log_name name = {.run_id = KEY, .attempt = attempt};
    struct gf_logframe_writer writer;
    struct gf_error err = {0};
    int fd = -1;
    cr_assert(gf_log_store_create(fixture->store, &name, &fd, &err) == GF_OK, "%s", err.message);
    cr_assert(gf_logframe_ring_open(&writer, fd, GF_LOGFRAME_RING_BYTES_MIN, &err) == GF_OK, "%s",
              err.message);
    const enum gf_log_stream stream = attempt == 0 ? GF_LOG_STREAM_SYSTEM : GF_LOG_STREAM_STDOUT;
    const enum gf_code rc =
        text == NULL ? gf_logframe_end(&writer, wall_ns, &err)
                     : gf_logframe_write(&writer, stream, wall_ns, gf_str_from(text), &err);
    cr_assert(rc == GF_OK, "%s", err.message);
    gf_close(&fd);
}

static void look(struct fixture *fixture, int32_t latest, int32_t serving) {
    fixture->extension.latest_attempt = latest;
    fixture->extension.serving.attempt = serving;
    gf_extension_log_reader_look(&fixture->reader, &fixture->extension);
}

/* What there is now, all pieces with a space behind each; "~" before one that bytes are missing of.
 */
static void expect_pieces(struct fixture *fixture, const char *text) {
    struct gf_strbuf out;
    struct gf_error err = {0};
    bool found = true;
    gf_strbuf_init(&out, 1 << 20);
    while (found) {
        struct gf_extension_log_piece piece = {0};
        cr_assert(gf_extension_log_reader_next(&fixture->reader, &piece, &found, &err) == GF_OK,
                  "%s", err.message);
        if (found) {
            gf_strbuf_append_cstr(&out, piece.missing_bytes > 0 ? "~" : "");
            gf_strbuf_append(&out, piece.content);
            gf_strbuf_append_char(&out, ' ');
        }
    }
    cr_expect(eq(str, out.len == 0 ? "" : out.ptr, (char *)text));
    gf_strbuf_fini(&out);
}

static void save(struct fixture *fixture) {
    fixture->state = gf_extension_log_reader_save(&fixture->reader, &fixture->arena);
}

/* A new reader at the place that was saved. */
static void restore(struct fixture *fixture) {
    struct gf_error err = {0};
    gf_extension_log_reader_fini(&fixture->reader);
    gf_extension_log_reader_init(&fixture->reader, fixture->store, KEY);
    cr_assert(gf_extension_log_reader_restore(&fixture->reader, fixture->state, &err) == GF_OK,
              "%s", err.message);
}

static void wake(struct gf_extension_log_reader *reader) {
    gf_latch_open(&GF_CONTAINER_OF(reader, struct fixture, reader)->woken);
}

static void arm(struct fixture *fixture) {
    gf_latch_init(&fixture->woken);
    cr_assert(gf_extension_log_reader_arm(&fixture->reader, wake, NULL) == GF_OK);
}

static void wait_for_wake(struct fixture *fixture) {
    gf_latch_wait(&fixture->woken);
    gf_extension_log_reader_disarm(&fixture->reader);
    gf_latch_fini(&fixture->woken);
}

Test(log_reader, all_logs_come_by_time) {
    struct fixture fixture;
    open_fixture(&fixture);
    append(&fixture, 1, 10, "a");
    append(&fixture, 0, 15, "b");
    append(&fixture, 1, 20, "c");
    append(&fixture, 1, 25, NULL);
    append(&fixture, 0, 30, "d");
    append(&fixture, 2, 40, "e");
    look(&fixture, 2, 2);
    expect_pieces(&fixture, "a b c d e ");
    expect_pieces(&fixture, "");
    close_fixture(&fixture);
}

Test(log_reader, what_comes_wakes_whoever_waits) {
    struct fixture fixture;
    open_fixture(&fixture);
    look(&fixture, 0, 0);
    expect_pieces(&fixture, "");
    arm(&fixture);
    append(&fixture, 0, 1, "entry");
    wait_for_wake(&fixture);
    expect_pieces(&fixture, "entry ");

    append(&fixture, 1, 2, "one");
    look(&fixture, 1, 1);
    expect_pieces(&fixture, "one ");
    arm(&fixture);
    append(&fixture, 1, 3, "two");
    wait_for_wake(&fixture);
    expect_pieces(&fixture, "two ");
    close_fixture(&fixture);
}

Test(log_reader, goes_over_to_the_next_container) {
    struct fixture fixture;
    open_fixture(&fixture);
    append(&fixture, 1, 1, "one");
    look(&fixture, 1, 1);
    expect_pieces(&fixture, "one ");
    append(&fixture, 1, 2, "last"); /* its writer dies without an end */
    look(&fixture, 2, 2);
    expect_pieces(&fixture, "last ");
    append(&fixture, 2, 3, "two");
    look(&fixture, 2, 2);
    expect_pieces(&fixture, "two ");
    look(&fixture, 3, 3);
    cr_expect(eq(sz, fixture.reader.source_count, 3), "the first container is over");
    close_fixture(&fixture);
}

Test(log_reader, goes_on_from_its_place_without_gap_or_repetition) {
    struct fixture fixture;
    open_fixture(&fixture);
    append(&fixture, 1, 1, "a");
    append(&fixture, 1, 2, NULL);
    append(&fixture, 0, 3, "b");
    append(&fixture, 2, 4, "c");
    append(&fixture, 2, 6, "e");
    append(&fixture, 0, 5, "d");
    look(&fixture, 2, 2);
    const char *expected[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(expected); i++) {
        struct gf_extension_log_piece piece = {0};
        bool found = false;
        cr_assert(gf_extension_log_reader_next(&fixture.reader, &piece, &found, NULL) == GF_OK);
        cr_assert(found);
        cr_expect(gf_str_eq(piece.content, gf_str_from(expected[i])), "%s", expected[i]);
        save(&fixture);
        restore(&fixture);
        look(&fixture, 2, 2);
    }
    expect_pieces(&fixture, "");
    append(&fixture, 3, 7, "f");
    restore(&fixture);
    look(&fixture, 3, 3);
    expect_pieces(&fixture, "f ");
    close_fixture(&fixture);
}

Test(log_reader, says_what_is_missing_also_after_a_resume) {
    struct fixture fixture;
    static char text[1 << 16];
    open_fixture(&fixture);
    append(&fixture, 1, 1, "seen");
    look(&fixture, 1, 1);
    expect_pieces(&fixture, "seen ");
    save(&fixture);
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 10; i++) {
        append(&fixture, 1, 2 + i, text);
    }
    restore(&fixture);
    look(&fixture, 1, 1);
    struct gf_extension_log_piece piece = {0};
    int64_t bytes = 0;
    int64_t missing = 0;
    for (bool found = true; found; bytes += found ? (int64_t)piece.content.len : 0) {
        cr_assert(gf_extension_log_reader_next(&fixture.reader, &piece, &found, NULL) == GF_OK);
        cr_assert(found || bytes > 0);
        cr_assert(bytes == 0 || !found || piece.missing_bytes == 0, "it is told once, and first");
        missing += found ? piece.missing_bytes : 0;
    }
    cr_expect(missing > 0);
    cr_expect(eq(i64, bytes + missing, 10 * ((int64_t)sizeof(text) - 1)));
    close_fixture(&fixture);
}

Test(log_reader, only_the_latest_containers_are_read) {
    struct fixture fixture;
    open_fixture(&fixture);
    for (int32_t attempt = 90; attempt <= 100; attempt++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", attempt);
        append(&fixture, attempt, attempt, text);
    }
    look(&fixture, 100, 100);
    expect_pieces(&fixture, "93 94 95 96 97 98 99 100 ");
    /* One that is far behind comes to all that are still there. */
    save(&fixture);
    for (int32_t attempt = 101; attempt <= 120; attempt++) {
        char text[16];
        (void)snprintf(text, sizeof(text), "%d", attempt);
        append(&fixture, attempt, attempt, text);
        const struct gf_log_name old = {.run_id = KEY, .attempt = attempt - GF_RING_LOGS_KEPT};
        cr_assert(gf_log_store_remove(fixture.store, &old, NULL) == GF_OK);
    }
    restore(&fixture);
    look(&fixture, 120, 120);
    expect_pieces(&fixture, "113 114 115 116 117 118 119 120 ");
    close_fixture(&fixture);
}

Test(log_reader, damage_of_one_leaves_the_others) {
    struct fixture fixture;
    open_fixture(&fixture);
    append(&fixture, 1, 1, "one");
    append(&fixture, 2, 2, "two");
    const struct gf_log_name name = {.run_id = KEY, .attempt = 1};
    int fd = -1;
    cr_assert(gf_log_store_create(fixture.store, &name, &fd, NULL) == GF_OK);
    cr_assert(pwrite(fd, "damage", 6, GF_LOGFRAME_RING_HEADER_BYTES) == 6);
    gf_close(&fd);
    look(&fixture, 2, 2);
    expect_pieces(&fixture, "two gofer: this log is damaged and left out from here on\n ");
    close_fixture(&fixture);
}

Test(log_reader, places_of_others_are_refused) {
    static const char *const names[] = {"empty", "short", "version", "attempt", "offset"};
    struct fixture fixture;
    open_fixture(&fixture);
    append(&fixture, 1, 1, "one");
    look(&fixture, 1, 1);
    expect_pieces(&fixture, "one ");
    save(&fixture);
    cr_assert(eq(sz, fixture.state.len, 48));
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        char bytes[48];
        memcpy(bytes, fixture.state.ptr, sizeof(bytes));
        struct gf_str state = {bytes, sizeof(bytes)};
        state.len = i == 0 ? 0 : i == 1 ? 47 : 48;
        bytes[i == 2 ? 0 : 47] = i == 2 ? 9 : bytes[47];
        bytes[8] = i == 3 ? 0 : bytes[8];
        bytes[39] = i == 4 ? (char)0x80 : bytes[39];
        struct gf_extension_log_reader reader;
        gf_extension_log_reader_init(&reader, fixture.store, KEY);
        cr_expect(gf_extension_log_reader_restore(&reader, state, NULL) == GF_INVALID_ARGUMENT,
                  "%s", names[i]);
        gf_extension_log_reader_fini(&reader);
    }
    close_fixture(&fixture);
}
