#include "extensions/timetable/starter.h"

#include <criterion/criterion.h>

Test(starter, a_checkpoint_comes_back) {
    char text[GF_TIME_BYTES_MAX + 20];
    const int64_t time_ns = 1795341600 * GF_NS_PER_SEC + 5;
    (void)gf_starter_checkpoint(time_ns, 0x1234, text);
    cr_expect_str_eq(text, "2026-11-22T10:00:00.000000005Z 0000000000001234");
    cr_expect_eq(gf_starter_handled(text, 0x1234, 1, 2), time_ns);
}

Test(starter, a_checkpoint_of_other_settings_counts_from_now) {
    char text[GF_TIME_BYTES_MAX + 20];
    (void)gf_starter_checkpoint(1000, 0x1234, text);
    cr_expect_eq(gf_starter_handled(text, 0x1235, 1, 2), 2);
    (void)gf_starter_checkpoint(-1000, 0x1234, text);
    cr_expect_eq(gf_starter_handled(text, 0x1234, 1, 2), 2);
    cr_expect_eq(gf_starter_handled("yesterday", 0x1234, 1, 2), 2);
    cr_expect_eq(gf_starter_handled("yesterday 0000000000001234", 0x1234, 1, 2), 2);
}

Test(starter, without_a_checkpoint_it_counts_from_the_creation) {
    cr_expect_eq(gf_starter_handled("", 0x1234, 1, 2), 1);
}

Test(starter, choices_of_overlap) {
    enum gf_overlap overlap = GF_OVERLAP_NEWEST;
    cr_expect(gf_overlap_parse("allow", &overlap));
    cr_expect_eq(overlap, GF_OVERLAP_ALLOW);
    cr_expect(gf_overlap_parse("queue", &overlap));
    cr_expect_eq(overlap, GF_OVERLAP_QUEUE);
    cr_expect(gf_overlap_parse("newest", &overlap));
    cr_expect_eq(overlap, GF_OVERLAP_NEWEST);
    cr_expect(!gf_overlap_parse("oldest", &overlap));
    cr_expect_eq(overlap, GF_OVERLAP_NEWEST);
    cr_expect(gf_overlap_parse(NULL, &overlap));
    cr_expect_eq(overlap, GF_OVERLAP_ALLOW);
}

Test(starter, text_of_a_start_is_bounded) {
    struct gf_start start = {0};
    char long_text[GF_START_TEXT_BYTES_MAX + 1];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *first = gf_start_printf(&start, "%d", 42);
    const char *second = gf_start_printf(&start, "%s", "next");
    cr_expect_str_eq(gf_start_printf(&start, "%s", long_text), "");
    cr_expect_str_eq(first, "42");
    cr_expect_str_eq(second, "next");
}
