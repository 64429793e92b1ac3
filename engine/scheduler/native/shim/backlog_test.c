#include "engine/scheduler/native/shim/backlog.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum {
    SIZE = 128 << 10,
};

static struct gf_backlog backlog;

static void set_up(void) {
    struct gf_error error;
    cr_assert(gf_backlog_open(&backlog, SIZE, &error) == GF_OK, "%s", error.message);
}

static void tear_down(void) {
    gf_backlog_close(&backlog);
}

TestSuite(backlog, .init = set_up, .fini = tear_down);

static void add(const char *text) {
    gf_backlog_add(&backlog, GF_LOG_STREAM_STDERR, gf_str_from(text));
}

/* Takes one piece for the reader, and compares it. */
static void expect(uint64_t *position, struct gf_str text) {
    enum gf_log_stream stream = GF_LOG_STREAM_STDOUT;
    struct gf_str bytes;
    cr_assert(gf_backlog_has(&backlog, *position));
    cr_assert(gf_backlog_next(&backlog, *position, &stream, &bytes, position));
    cr_assert(stream == GF_LOG_STREAM_STDERR);
    cr_assert(gf_str_eq(bytes, text));
}

static bool at_end(uint64_t position) {
    enum gf_log_stream stream;
    struct gf_str bytes;
    return !gf_backlog_next(&backlog, position, &stream, &bytes, &position);
}

Test(backlog, readers_take_at_their_own_pace) {
    uint64_t first = backlog.head;
    add("one");
    uint64_t second = backlog.head;
    add("two");
    expect(&first, GF_STR("one"));
    expect(&second, GF_STR("two"));
    cr_assert(at_end(second) && !at_end(first));
    expect(&first, GF_STR("two"));
    gf_backlog_rewind(&backlog);
    add("three");
    expect(&first, GF_STR("three"));
    expect(&second, GF_STR("three"));
}

/* Pieces of every size go around many times. */
Test(backlog, pieces_are_whole_wherever_they_lie) {
    static char piece[GF_BACKLOG_PIECE_BYTES_MAX];
    uint64_t position = backlog.head;
    for (size_t i = 0; i < 2000; i++) {
        const size_t size = 1 + i * 7919 % sizeof(piece);
        memset(piece, (int)('a' + i % 26), size);
        gf_backlog_add(&backlog, GF_LOG_STREAM_STDERR, (struct gf_str){piece, size});
        expect(&position, (struct gf_str){piece, size});
        cr_assert(at_end(position));
    }
}

Test(backlog, reader_that_is_overtaken_is_found_out) {
    static char piece[GF_BACKLOG_PIECE_BYTES_MAX];
    const uint64_t slow = backlog.head;
    uint64_t fast = backlog.head;
    int added = 0;
    while (gf_backlog_has(&backlog, slow)) {
        gf_backlog_add(&backlog, GF_LOG_STREAM_STDERR, (struct gf_str){piece, sizeof(piece)});
        expect(&fast, (struct gf_str){piece, sizeof(piece)});
        added++;
    }
    cr_assert(ge(int, added, SIZE / (int)sizeof(piece) - 1));
    cr_assert(le(int, added, SIZE / (int)sizeof(piece)));
}
