#include "base/alloc.h"
#include "base/mask.h"
#include "base/mask_internal.h"
#include "base/mask_reference.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum {
    OUT_BYTES_MAX = 8 << 20,
};

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static size_t below(size_t limit) {
    return (size_t)(next_random() % limit);
}

static void build(struct gf_mask_set *set, const char *const *values, size_t count) {
    struct gf_str views[16];
    struct gf_error err;
    cr_assert_leq(count, GF_ARRAY_COUNT(views));
    for (size_t i = 0; i < count; i++) {
        views[i] = gf_str_from(values[i]);
    }
    cr_assert_eq(gf_mask_set_init(set, views, count, &err), GF_OK);
}

/* ---- feeding ---- */

struct feeder {
    struct gf_mask_stream stream;
    struct gf_strbuf out;
    struct gf_strbuf fed; /* since the beginning or the last flush */
};

static void feeder_init(struct feeder *feeder, const struct gf_mask_set *set) {
    gf_mask_stream_init(&feeder->stream, set);
    gf_strbuf_init(&feeder->out, OUT_BYTES_MAX);
    gf_strbuf_init(&feeder->fed, OUT_BYTES_MAX);
}

static void feeder_fini(struct feeder *feeder) {
    gf_mask_stream_fini(&feeder->stream);
    gf_strbuf_fini(&feeder->out);
    gf_strbuf_fini(&feeder->fed);
}

/* Feeds exact-size copies, so that a sanitizer sees the first byte too far. */
static void feed(struct feeder *feeder, struct gf_str chunk) {
    const size_t held_before = gf_mask_held(&feeder->stream);
    GF_CLEANUP(gf_free_p) char *copy = gf_memdup(chunk.ptr, chunk.len);
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(chunk.len + GF_MASK_HELD_BYTES_MAX);
    const size_t size = gf_mask_feed(&feeder->stream, copy, chunk.len, out);
    cr_assert_leq(size, chunk.len + held_before);
    gf_strbuf_append_bytes(&feeder->out, out, size);
    gf_strbuf_append(&feeder->fed, chunk);
    cr_assert_eq(gf_mask_held(&feeder->stream),
                 gf_mask_reference_held(feeder->stream.set, gf_strbuf_view(&feeder->fed)));
}

static void flush(struct feeder *feeder) {
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(GF_MASK_HELD_BYTES_MAX);
    gf_strbuf_append_bytes(&feeder->out, out, gf_mask_flush(&feeder->stream, out));
    gf_strbuf_reset(&feeder->fed);
    cr_assert_eq(gf_mask_held(&feeder->stream), 0);
}

static void expect_out(const struct feeder *feeder, struct gf_str expected) {
    cr_assert(gf_str_eq(gf_strbuf_view(&feeder->out), expected),
              "'%" GF_STR_FMT "', expected '%" GF_STR_FMT "'",
              GF_STR_ARG(gf_strbuf_view(&feeder->out)), GF_STR_ARG(expected));
}

/* Feeds chunks of these sizes in turn; the last size counts for all that is left. */
static void check_chunks(const struct gf_mask_set *set, struct gf_str text, const size_t *sizes,
                         size_t count, struct gf_str expected) {
    struct feeder feeder;
    feeder_init(&feeder, set);
    for (size_t i = 0; text.len > 0; i++) {
        const size_t wanted = sizes[i < count ? i : count - 1];
        const size_t size = wanted < text.len ? wanted : text.len;
        feed(&feeder, (struct gf_str){text.ptr, size});
        text.ptr += size;
        text.len -= size;
    }
    flush(&feeder);
    expect_out(&feeder, expected);
    feeder_fini(&feeder);
}

static void check_one_chunk(const struct gf_mask_set *set, const char *text, const char *expected) {
    check_chunks(set, gf_str_from(text), (const size_t[]){SIZE_MAX}, 1, gf_str_from(expected));
}

/* Compares with the reference: in one chunk, cut in two everywhere, and byte by byte. */
static void check_cuts(const struct gf_mask_set *set, struct gf_str text) {
    struct gf_strbuf expected;
    gf_strbuf_init(&expected, OUT_BYTES_MAX);
    gf_mask_reference(set, text, &expected);
    for (size_t cut = 1; cut <= text.len; cut++) {
        check_chunks(set, text, (const size_t[]){cut, SIZE_MAX}, 2, gf_strbuf_view(&expected));
    }
    check_chunks(set, text, (const size_t[]){1}, 1, gf_strbuf_view(&expected));
    check_chunks(set, text, (const size_t[]){7, 3, 60, 64, 1, 5, 70}, 7, gf_strbuf_view(&expected));
    gf_strbuf_fini(&expected);
}

/* ---- what comes out ---- */

Test(mask, a_value_becomes_the_mask) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse"}, 1);
    check_one_chunk(&set, "say correct-horse to me", "say *** to me");
    check_one_chunk(&set, "correct-horse", "***");
    check_one_chunk(&set, "correct-hors", "correct-hors");
    check_one_chunk(&set, "", "");
    check_one_chunk(&set, "correct-correct-horse", "correct-***");
    gf_mask_set_fini(&set);
}

Test(mask, a_run_of_matches_becomes_one_mask) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse", "horse-battery", "staple-word"}, 3);
    check_one_chunk(&set, "[correct-horse-battery]", "[***]");
    check_one_chunk(&set, "[correct-horsestaple-word]", "[***]");
    check_one_chunk(&set, "[correct-horse staple-word]", "[*** ***]");
    gf_mask_set_fini(&set);
}

Test(mask, the_longest_of_values_in_each_other_counts) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"password1", "password1234", "my-password1", "word1234!!"}, 4);
    static const char text[] = "password1 password12 password1234 my-password123 password1234!! x";
    check_one_chunk(&set, text, "*** ***2 *** ***23 *** x");
    check_cuts(&set, GF_STR("password1 password12 password1234 my-password123 password1234!! x"));
    gf_mask_set_fini(&set);
}

Test(mask, no_values_mask_nothing) {
    struct gf_mask_set set;
    build(&set, NULL, 0);
    check_one_chunk(&set, "nothing is secret here", "nothing is secret here");
    gf_mask_set_fini(&set);
    build(&set, (const char *[]){"short", "  four  "}, 2);
    check_one_chunk(&set, "short and four", "short and four");
    gf_mask_set_fini(&set);
    gf_mask_set_fini(&set);
}

Test(mask, only_what_may_be_a_beginning_is_held) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse"}, 1);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    feed(&feeder, GF_STR("login: "));
    expect_out(&feeder, GF_STR("login: "));
    feed(&feeder, GF_STR("no corr"));
    expect_out(&feeder, GF_STR("login: no "));
    cr_assert_eq(gf_mask_held(&feeder.stream), 4);
    flush(&feeder);
    expect_out(&feeder, GF_STR("login: no corr"));
    feed(&feeder, GF_STR("correct-horse"));
    cr_assert_eq(gf_mask_held(&feeder.stream), 0);
    expect_out(&feeder, GF_STR("login: no corr***"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

Test(mask, a_flush_costs_the_piece_that_it_cuts_and_no_more) {
    enum {
        SIZE = 200
    };
    struct gf_mask_set set;
    char value[SIZE + 1] = {0};
    for (size_t i = 0; i < SIZE; i++) {
        value[i] = (char)('a' + below(26));
    }
    build(&set, (const char *[]){value}, 1);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    feed(&feeder, (struct gf_str){value, 70});
    flush(&feeder);
    feed(&feeder, (struct gf_str){value + 70, SIZE - 70});
    flush(&feeder);
    struct gf_strbuf expected;
    gf_strbuf_init(&expected, SIZE);
    gf_strbuf_printf(&expected, "***%.6s%.58s***", value + 64, value + 70);
    expect_out(&feeder, gf_strbuf_view(&expected));
    gf_strbuf_fini(&expected);
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

Test(mask, a_flush_masks_what_was_held_beyond_a_match) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"abcdefgh", "abcdefgh-and-so-on", "gh-and-on"}, 3);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    feed(&feeder, GF_STR("x abcdefgh-and-so-"));
    cr_assert_eq(gf_mask_held(&feeder.stream), 16);
    flush(&feeder);
    expect_out(&feeder, GF_STR("x ***-and-so-"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

static void show(struct feeder *feeder) {
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(GF_MASK_HELD_BYTES_MAX);
    gf_strbuf_append_bytes(&feeder->out, out, gf_mask_show(&feeder->stream, out));
}

Test(mask, what_is_shown_may_still_be_the_beginning_of_a_match) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse", "rrect-battery"}, 2);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    feed(&feeder, GF_STR("> co"));
    show(&feeder);
    show(&feeder);
    expect_out(&feeder, GF_STR("> co"));
    feed(&feeder, GF_STR("rrect-horse < "));
    expect_out(&feeder, GF_STR("> co*** < "));
    feed(&feeder, GF_STR("co"));
    show(&feeder);
    feed(&feeder, GF_STR("rr"));
    show(&feeder);
    feed(&feeder, GF_STR("ect-battery"));
    expect_out(&feeder, GF_STR("> co*** < corr***"));
    feed(&feeder, GF_STR(" corr"));
    show(&feeder);
    feed(&feeder, GF_STR("upt"));
    expect_out(&feeder, GF_STR("> co*** < corr*** corrupt"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

Test(mask, what_is_much_like_a_secret_is_not_shown) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse"}, 1);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    for (size_t i = 0; i < 13; i++) { /* one character at a time, with a pause behind each */
        feed(&feeder, (struct gf_str){&"correct-horse"[i], 1});
        show(&feeder);
    }
    expect_out(&feeder, GF_STR("corr***"));
    feed(&feeder, GF_STR(" corre"));
    show(&feeder);
    expect_out(&feeder, GF_STR("corr*** "));
    flush(&feeder);
    expect_out(&feeder, GF_STR("corr*** corre"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

Test(mask, what_lies_in_a_match_is_shown_as_a_mask) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"abcdefgh-and", "fgh-and-so-on"}, 2);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    feed(&feeder, GF_STR("x abcdefgh-and"));
    expect_out(&feeder, GF_STR("x ***"));
    cr_assert_eq(gf_mask_held(&feeder.stream), 7);
    show(&feeder);
    expect_out(&feeder, GF_STR("x ***"));
    feed(&feeder, GF_STR("-so-on"));
    flush(&feeder);
    expect_out(&feeder, GF_STR("x ***"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

/* ---- against the reference ---- */

Test(mask, what_is_shown_is_what_the_reference_shows) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"aabaabaabb", "abbabbabba", "baababbaab", "aabaabaabbabab"}, 4);
    for (int round = 0; round < 300; round++) {
        char text[80];
        bool shown[sizeof(text)] = {0};
        struct gf_strbuf expected;
        struct feeder feeder;
        gf_strbuf_init(&expected, OUT_BYTES_MAX);
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (char)('a' + below(2));
        }
        memcpy(text + below(60), "aabaabaabb", 10);
        feeder_init(&feeder, &set);
        for (size_t i = 0; i < sizeof(text);) {
            const size_t size = 1 + below(sizeof(text) - i < 9 ? sizeof(text) - i : 9);
            feed(&feeder, (struct gf_str){text + i, size});
            i += size;
            if (below(3) == 0) {
                show(&feeder);
                gf_mask_reference_show(&set, (struct gf_str){text, i}, shown);
            }
        }
        flush(&feeder);
        gf_mask_reference_shown(&set, (struct gf_str){text, sizeof(text)}, shown, &expected);
        expect_out(&feeder, gf_strbuf_view(&expected));
        feeder_fini(&feeder);
        gf_strbuf_fini(&expected);
    }
    gf_mask_set_fini(&set);
}

/* Values and texts of few letters: matches, near misses and overlaps everywhere. */
static void random_letters(char *out, size_t size, size_t letters) {
    for (size_t i = 0; i < size; i++) {
        out[i] = (char)('a' + below(letters));
    }
}

static void check_random(size_t letters, size_t value_bytes_max, size_t values_max) {
    enum {
        TEXT_BYTES = 260
    };
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(values_max * value_bytes_max);
    struct gf_str values[16];
    const size_t count = 1 + below(values_max);
    for (size_t i = 0; i < count; i++) {
        values[i].ptr = bytes + i * value_bytes_max;
        values[i].len = GF_MASK_FORM_BYTES_MIN + below(value_bytes_max - GF_MASK_FORM_BYTES_MIN);
        random_letters(bytes + i * value_bytes_max, values[i].len, letters);
    }
    struct gf_mask_set set;
    cr_assert_eq(gf_mask_set_init(&set, values, count, NULL), GF_OK);
    char text[TEXT_BYTES];
    random_letters(text, sizeof(text), letters);
    for (size_t at = below(40); at < sizeof(text); at += below(90)) {
        /* A pattern, perhaps cut short: its end is overwritten by the next. */
        const struct gf_mask_pattern *pattern = &set.patterns[below(set.pattern_count)];
        const size_t left = sizeof(text) - at;
        memcpy(text + at, set.pool + pattern->offset,
               pattern->length < left ? pattern->length : left);
    }
    check_cuts(&set, (struct gf_str){text, sizeof(text)});
    gf_mask_set_fini(&set);
}

Test(mask, random_texts_come_out_as_the_reference_says, .timeout = 120) {
    for (int i = 0; i < 8; i++) {
        check_random(1, 100, 2);
        check_random(2, 20, 8);
        check_random(2, 200, 3);
        check_random(4, 80, 8);
        check_random(26, 300, 4);
    }
}

Test(mask, periodic_texts_come_out_as_the_reference_says, .timeout = 120) {
    static const char *const values[] = {
        "abababab", "abababababababab", "babababac", "aaaaaaaaaaaaaaaab", "aaaaaaaaa", "baaaaaaab",
    };
    struct gf_mask_set set;
    build(&set, values, GF_ARRAY_COUNT(values));
    check_cuts(&set, GF_STR("abababababababababababacabababaababababbabababac"));
    check_cuts(&set, GF_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabaaaaaaabaaaaaaab"));
    check_cuts(&set, GF_STR("aaaaaaaabaaaaaaabaaaaaaaaabababababababab"));
    gf_mask_set_fini(&set);
}

/* ---- blocks ---- */

Test(mask, a_block_works_in_another_place) {
    struct gf_mask_set built;
    build(&built, (const char *[]){"correct-horse", "line one here\nline two here\n"}, 2);
    const int fd = memfd_create("set", MFD_CLOEXEC);
    cr_assert_eq(write(fd, built.block, built.block_size), (ssize_t)built.block_size);
    void *block = mmap(NULL, built.block_size, PROT_READ, MAP_SHARED, fd, 0);
    cr_assert_neq(block, MAP_FAILED);
    const size_t size = built.block_size;
    gf_mask_set_fini(&built);

    struct gf_mask_set set;
    struct gf_error err;
    cr_assert_eq(gf_mask_set_attach(&set, block, size, &err), GF_OK);
    cr_assert_eq(gf_mask_set_hide(&set, &err), GF_OK);
    check_one_chunk(&set, "correct-horse, line two here", "***, ***");
    gf_mask_set_fini(&set);
    cr_assert_eq(munmap(block, size), 0);
    (void)close(fd);
}

Test(mask, the_same_values_give_the_same_block) {
    struct gf_mask_set a;
    struct gf_mask_set b;
    build(&a, (const char *[]){"correct-horse", "battery-staple"}, 2);
    build(&b, (const char *[]){"correct-horse", "battery-staple"}, 2);
    cr_assert_eq(a.block_size, b.block_size);
    cr_assert_arr_eq(a.block, b.block, a.block_size);
    gf_mask_set_fini(&a);
    gf_mask_set_fini(&b);
}

Test(mask, damaged_blocks_are_refused) {
    struct gf_mask_set built;
    build(&built, (const char *[]){"correct-horse", "correct-horse-battery"}, 2);
    const size_t size = built.block_size;
    GF_CLEANUP(gf_free_p) unsigned char *block = gf_memdup(built.block, size);
    const size_t patterns = (size_t)((const char *)built.patterns - (const char *)built.block);
    struct gf_mask_set set;
    struct gf_error err;
    for (size_t short_by = 1; short_by <= size; short_by++) {
        cr_assert_eq(gf_mask_set_attach(&set, block, size - short_by, &err), GF_DATA_LOSS);
    }
    for (size_t i = 0; i < sizeof(struct gf_mask__header); i++) {
        block[i] ^= 0x41;
        cr_assert_eq(gf_mask_set_attach(&set, block, size, &err), GF_DATA_LOSS, "byte %zu", i);
        block[i] ^= 0x41;
    }
    for (size_t i = patterns + 3; i < size; i += 4) { /* the highest bytes of each number */
        block[i] ^= 0x41;
        cr_assert_eq(gf_mask_set_attach(&set, block, size, &err), GF_DATA_LOSS, "byte %zu", i);
        block[i] ^= 0x41;
    }
    cr_assert_eq(gf_mask_set_attach(&set, block, size, &err), GF_OK);
    gf_mask_set_fini(&built);
}

/* Whether the mapping around `address` has the flag "dd", do not dump. */
static bool is_hidden(const void *address) {
    GF_CLEANUP(gf_free_p) char *line = NULL;
    size_t capacity = 0;
    bool inside = false;
    bool hidden = false;
    FILE *file = fopen("/proc/self/smaps", "re");
    cr_assert_not_null(file);
    while (getline(&line, &capacity, file) > 0) {
        void *start = NULL;
        void *end = NULL;
        if (sscanf(line, "%p-%p ", &start, &end) == 2) {
            inside = (const char *)start <= (const char *)address &&
                     (const char *)address < (const char *)end;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            hidden = strstr(line, " dd") != NULL;
        }
    }
    (void)fclose(file);
    return hidden;
}

Test(mask, sets_are_not_in_core_dumps) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse"}, 1);
    cr_assert(is_hidden(set.block));
    void *page =
        mmap(NULL, set.block_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, set.block, set.block_size);
    struct gf_mask_set attached;
    cr_assert_eq(gf_mask_set_attach(&attached, page, set.block_size, NULL), GF_OK);
    cr_assert_eq(madvise(page, set.block_size, MADV_DODUMP), 0);
    cr_assert_not(is_hidden(page));
    cr_assert_eq(gf_mask_set_hide(&attached, NULL), GF_OK);
    cr_assert(is_hidden(page));
    (void)munmap(page, set.block_size);
    gf_mask_set_fini(&set);
}

Test(mask, a_finished_stream_holds_nothing) {
    struct gf_mask_set set;
    build(&set, (const char *[]){"correct-horse"}, 1);
    struct gf_mask_stream stream;
    char out[100];
    gf_mask_stream_init(&stream, &set);
    cr_assert_eq(gf_mask_feed(&stream, "correct-hors", 12, out), 0);
    cr_assert_eq(memcmp(stream.held, "correct-hors", 12), 0);
    gf_mask_stream_fini(&stream);
    static const struct gf_mask_stream empty;
    cr_assert_eq(memcmp(&stream, &empty, sizeof(stream)), 0);
    gf_mask_stream_init(&stream, &set);
    (void)gf_mask_feed(&stream, "correct-hors", 12, out);
    cr_assert_eq(gf_mask_flush(&stream, out), 12);
    cr_assert_eq(memcmp(stream.held, empty.held, sizeof(stream.held)), 0);
    gf_mask_set_fini(&set);
}

/* ---- limits ---- */

Test(mask, limits_are_checked_and_no_error_tells_a_value) {
    struct gf_str values[GF_MASK_VALUES_MAX + 1];
    GF_CLEANUP(gf_free_p) char *large = gf_malloc(GF_MASK_VALUE_BYTES_MAX + 1);
    memset(large, 'x', GF_MASK_VALUE_BYTES_MAX + 1);
    struct gf_mask_set set = {0};
    struct gf_error err;
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        values[i] = GF_STR("xxxxxxxxxy");
    }
    cr_assert_eq(gf_mask_set_init(&set, values, GF_MASK_VALUES_MAX + 1, &err),
                 GF_RESOURCE_EXHAUSTED);
    cr_assert_null(strstr(err.message, "xxxx"));
    cr_assert_eq(gf_mask_set_init(&set, values, GF_MASK_VALUES_MAX, &err), GF_OK);
    gf_mask_set_fini(&set);

    values[0] = (struct gf_str){large, GF_MASK_VALUE_BYTES_MAX + 1};
    cr_assert_eq(gf_mask_set_init(&set, values, 1, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_null(strstr(err.message, "xxxx"));
    values[0].len--;
    cr_assert_eq(gf_mask_set_init(&set, values, 1, &err), GF_OK);
    gf_mask_set_fini(&set);

    for (size_t i = 0; i < 9; i++) {
        values[i] = (struct gf_str){large, GF_MASK_VALUE_BYTES_MAX};
    }
    cr_assert_eq(gf_mask_set_init(&set, values, 9, &err), GF_RESOURCE_EXHAUSTED);
    cr_assert_null(strstr(err.message, "xxxx"));
    cr_assert_null(set.block);
    cr_assert_eq(gf_mask_set_init(&set, values, 8, &err), GF_OK);
    gf_mask_set_fini(&set);
}

/* As much as a set may be made of, with something for every encoder in short lines. */
Test(mask, the_largest_set_fits_its_block, .timeout = 120) {
    static const char alphabet[] =
        "abcdefghijABCDEFGHIJ0123456789/+<>&~*!'() \"\\\t\x01\x1f\xc3\xa9";
    GF_CLEANUP(gf_free_p) char *bytes = gf_malloc(GF_MASK_VALUES_BYTES_MAX);
    struct gf_str values[GF_MASK_VALUES_BYTES_MAX / GF_MASK_VALUE_BYTES_MAX];
    for (size_t i = 0; i < GF_MASK_VALUES_BYTES_MAX; i++) {
        bytes[i] = below(30) == 0 ? '\n' : alphabet[below(sizeof(alphabet) - 1)];
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(values); i++) {
        values[i].ptr = bytes + i * GF_MASK_VALUE_BYTES_MAX;
        values[i].len = GF_MASK_VALUE_BYTES_MAX;
    }
    struct gf_mask_set set;
    struct gf_error err;
    cr_assert_eq(gf_mask_set_init(&set, values, GF_ARRAY_COUNT(values), &err), GF_OK);
    const struct gf_str secret = gf_mask__trim(values[3]);
    struct feeder feeder;
    feeder_init(&feeder, &set);
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(secret.len + GF_MASK_HELD_BYTES_MAX);
    size_t size = gf_mask_feed(&feeder.stream, secret.ptr, secret.len, out);
    gf_strbuf_append_bytes(&feeder.out, out, size);
    flush(&feeder);
    expect_out(&feeder, GF_STR("***"));
    feeder_fini(&feeder);
    gf_mask_set_fini(&set);
}

/* ---- the bound ---- */

static double cpu_ns(void) {
    struct timespec now;
    cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double feed_ns(const struct gf_mask_set *set, const char *text, size_t size, char *out) {
    double least = 0;
    for (int i = 0; i < 3; i++) {
        struct gf_mask_stream stream;
        gf_mask_stream_init(&stream, set);
        const double start = cpu_ns();
        (void)gf_mask_feed(&stream, text, size, out);
        const double took = cpu_ns() - start;
        least = i == 0 || took < least ? took : least;
    }
    return least;
}

/*
 * Every place of the text begins with all but the last byte of a value as long as can be. Eight
 * times the text must cost some eight times as much, and a value of 64 KiB not much more than one
 * of 64 bytes.
 */
Test(mask, near_misses_cost_no_more_than_a_constant, .timeout = 120) {
    enum {
        TEXT_BYTES = 512 << 10
    };
    GF_CLEANUP(gf_free_p) char *value = gf_malloc(GF_MASK_VALUE_BYTES_MAX);
    GF_CLEANUP(gf_free_p) char *text = gf_malloc(TEXT_BYTES);
    GF_CLEANUP(gf_free_p) char *out = gf_malloc(TEXT_BYTES + GF_MASK_HELD_BYTES_MAX);
    memset(text, 'a', TEXT_BYTES);
    memset(value, 'a', GF_MASK_VALUE_BYTES_MAX);
    struct gf_mask_set near;
    struct gf_mask_set large;
    value[63] = 'b';
    const struct gf_str near_value = {value, 64};
    cr_assert_eq(gf_mask_set_init(&near, &near_value, 1, NULL), GF_OK);
    value[63] = 'a';
    value[GF_MASK_VALUE_BYTES_MAX - 1] = 'b';
    const struct gf_str large_value = {value, GF_MASK_VALUE_BYTES_MAX};
    cr_assert_eq(gf_mask_set_init(&large, &large_value, 1, NULL), GF_OK);

    const double small_ns = feed_ns(&near, text, TEXT_BYTES / 8, out);
    const double near_ns = feed_ns(&near, text, TEXT_BYTES, out);
    const double large_ns = feed_ns(&large, text, TEXT_BYTES, out);
    cr_expect_lt(near_ns, 8 * 4 * small_ns);
    cr_expect_lt(large_ns, 20 * near_ns);
    gf_mask_set_fini(&near);
    gf_mask_set_fini(&large);
}
