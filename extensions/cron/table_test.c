/* What another implementation says: testdata/table.tsv, made by testdata/make_table.py. */
#include "base/file.h"
#include "base/time.h"
#include "extensions/cron/schedule.h"

#include <fcntl.h>

#include <criterion/criterion.h>

enum {
    LINES_MIN = 200,
    TABLE_BYTES_MAX = 1024 * 1024,
};

static int64_t at(struct gf_str text) {
    int64_t wall_ns = 0;
    cr_assert_eq(gf_time_parse(text, &wall_ns, NULL), GF_OK, "%" GF_STR_FMT, GF_STR_ARG(text));
    return wall_ns / 1000000000;
}

static struct gf_str take_column(struct gf_str *line) {
    struct gf_str column;
    struct gf_str rest;
    (void)gf_str_cut(*line, '\t', &column, &rest);
    *line = rest;
    return column;
}

static void check_line(struct gf_str line, int number) {
    const struct gf_str text = take_column(&line);
    const struct gf_str zone_name = take_column(&line);
    int64_t time_s = at(take_column(&line));
    struct gf_str times = take_column(&line);

    struct gf_cron_expression expression = {0};
    cr_assert_eq(gf_cron_parse(text, &expression, NULL), GF_OK, "line %d", number);
    GF_CLEANUP(gf_zone_destroy_p)
    struct gf_zone *zone = gf_zone_create(zone_name.ptr, zone_name.len);
    cr_assert_not_null(zone, "line %d", number);

    int count = 0;
    while (times.len > 0) {
        struct gf_str expected;
        (void)gf_str_cut(times, ' ', &expected, &times);
        cr_assert(gf_cron_next_after(&expression, zone, time_s, &time_s), "line %d", number);
        char found[GF_TIME_BYTES_MAX];
        cr_assert_eq(time_s, at(expected), "line %d: %s instead of %" GF_STR_FMT, number,
                     gf_time_format(time_s * 1000000000, found), GF_STR_ARG(expected));
        count++;
    }
    if (count < 5) {
        cr_assert(!gf_cron_next_after(&expression, zone, time_s, &time_s), "line %d", number);
    }
}

Test(cron_table, times_are_those_of_another_implementation) {
    GF_CLEANUP(gf_strbuf_fini) struct gf_strbuf table;
    gf_strbuf_init(&table, TABLE_BYTES_MAX);
    cr_assert_eq(gf_file_read(AT_FDCWD, "extensions/cron/testdata/table.tsv", &table, NULL), GF_OK);
    struct gf_str rest = gf_strbuf_view(&table);
    int number = 0;
    int checked = 0;
    while (rest.len > 0) {
        struct gf_str line;
        (void)gf_str_cut(rest, '\n', &line, &rest);
        number++;
        if (line.len > 0 && line.ptr[0] != '#') {
            check_line(line, number);
            checked++;
        }
    }
    cr_expect_geq(checked, LINES_MIN);
}
