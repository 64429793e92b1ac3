#include "base/str.h"
#include "cli/testing/fixture.h"
#include "cli/ui/table.h"

#include <criterion/criterion.h>

static const char *const headers[] = {"NAME", "STATE", "TEXT"};

static struct gf_cli_fixture fixture;
static struct gf_table table;

static void setup(void) {
    gf_fixture_init(&fixture, NULL, NULL);
    gf_table_init(&table, headers, GF_ARRAY_COUNT(headers));
}

static void teardown(void) {
    gf_table_fini(&table);
    gf_fixture_fini(&fixture);
}

TestSuite(table, .init = setup, .fini = teardown);

static void fill(void) {
    gf_table_cell(&table, "one");
    gf_table_cell_coloured(&table, "RUNNING", GF_CELL_YELLOW);
    gf_table_cell(&table, "a\tb\nc\033[1m");
    gf_table_cell(&table, "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c"); /* three wide characters */
    gf_table_cell_coloured(&table, "OK", GF_CELL_GREEN);
    gf_table_cell(&table, NULL);
}

static const char *printed(void) {
    gf_fixture_flush(&fixture);
    return fixture.out;
}

Test(table, off_a_terminal_plain_lines_without_header) {
    fill();
    gf_table_print(&table, &fixture.cli);
    cr_expect_str_eq(printed(), "one\tRUNNING\ta b c [1m\n"
                                "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c\tOK\t\n");
}

Test(table, on_a_terminal_aligned_with_header) {
    fixture.cli.out_is_terminal = true;
    fill();
    gf_table_print(&table, &fixture.cli);
    cr_expect_str_eq(printed(), "NAME    STATE    TEXT\n"
                                "one     RUNNING  a b c [1m\n"
                                "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c  OK       \n");
}

Test(table, colours_take_no_room) {
    fixture.cli.out_is_terminal = true;
    fixture.cli.colour = true;
    fill();
    gf_table_print_rows(&table, &fixture.cli);
    cr_expect_str_eq(printed(), "one     \033[33mRUNNING\033[0m  a b c [1m\n"
                                "\xe4\xba\x8c\xe4\xba\x8c\xe4\xba\x8c  \033[32mOK\033[0m       \n");
}

Test(table, width_of_text) {
    cr_expect_eq(gf_text_width(GF_STR("")), 0);
    cr_expect_eq(gf_text_width(GF_STR("abc")), 3);
    cr_expect_eq(gf_text_width(GF_STR("\xc3\xa4")), 1, "two bytes, one column");
    cr_expect_eq(gf_text_width(GF_STR("a\xcc\x88")), 1, "a combining mark takes none");
    cr_expect_eq(gf_text_width(GF_STR("\xe4\xba\x8c")), 2, "a wide one");
    cr_expect_eq(gf_text_width(GF_STR("\xf0\x9f\x98\x80")), 2, "an emoji");
    cr_expect_eq(gf_text_width(GF_STR("\xe4")), 1, "a broken one at the end");
}
