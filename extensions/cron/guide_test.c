/* The examples of docs/guides/cron-and-interval.md: rows of expression, time zone, start, times. */
#include "base/file.h"
#include "base/time.h"
#include "extensions/cron/schedule.h"

#include <fcntl.h>

#include <criterion/criterion.h>

enum {
    GUIDE_BYTES_MAX = 256 * 1024,
    ROWS_MIN = 5,
};

static int64_t at(struct gf_str text) {
    int64_t wall_ns = 0;
    cr_assert_eq(gf_time_parse(text, &wall_ns, NULL), GF_OK, "'%" GF_STR_FMT "'", GF_STR_ARG(text));
    return wall_ns / 1000000000;
}

static struct gf_str trimmed(struct gf_str text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '`')) {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '`')) {
        text.len--;
    }
    return text;
}

/* The next cell of a row. */
static struct gf_str take_cell(struct gf_str *row) {
    struct gf_str cell;
    struct gf_str rest;
    (void)gf_str_cut(*row, '|', &cell, &rest);
    *row = rest;
    return trimmed(cell);
}

static bool is_example(struct gf_str row) {
    int64_t ignored = 0;
    (void)take_cell(&row);
    (void)take_cell(&row);
    (void)take_cell(&row);
    return gf_time_parse(take_cell(&row), &ignored, NULL) == GF_OK;
}

static void check_example(struct gf_str row) {
    (void)take_cell(&row);
    const struct gf_str text = take_cell(&row);
    const struct gf_str zone_name = take_cell(&row);
    int64_t time_s = at(take_cell(&row));
    struct gf_str times = take_cell(&row);

    struct gf_cron_expression expression = {0};
    cr_assert_eq(gf_cron_parse(text, &expression, NULL), GF_OK);
    GF_CLEANUP(gf_zone_destroy_p)
    struct gf_zone *zone = gf_zone_create(zone_name.ptr, zone_name.len);
    cr_assert_not_null(zone);
    while (times.len > 0) {
        struct gf_str expected;
        struct gf_str rest;
        (void)gf_str_cut(times, ',', &expected, &rest);
        times = rest;
        cr_assert(gf_cron_next_after(&expression, zone, time_s, &time_s));
        cr_expect_eq(time_s, at(trimmed(expected)), "'%" GF_STR_FMT "' is not due at %" GF_STR_FMT,
                     GF_STR_ARG(text), GF_STR_ARG(expected));
    }
}

Test(cron_guide, what_the_guide_shows_is_so) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf guide;
    gf_strbuf_init(&guide, GUIDE_BYTES_MAX);
    cr_assert_eq(gf_file_read(AT_FDCWD, "docs/guides/cron-and-interval.md", &guide, NULL), GF_OK);
    struct gf_str rest = gf_strbuf_view(&guide);
    int rows = 0;
    while (rest.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(rest, '\n', &line, &rest);
        if (is_example(line)) {
            check_example(line);
            rows++;
        }
    }
    cr_expect_geq(rows, ROWS_MIN);
}
