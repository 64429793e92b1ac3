#include "extensions/cron/expression.h"

#include <criterion/criterion.h>

static struct gf_cron_expression parsed(const char *text) {
    struct gf_cron_expression expression = {0};
    struct gf_error err = {0};
    cr_assert_eq(gf_cron_parse(gf_str_from(text), &expression, &err), GF_OK, "'%s': %s", text,
                 err.message);
    return expression;
}

static void expect_refused(const char *text, const char *message) {
    struct gf_cron_expression expression = {.hours = 7};
    struct gf_error err = {0};
    cr_expect_eq(gf_cron_parse(gf_str_from(text), &expression, &err), GF_INVALID_ARGUMENT, "'%s'",
                 text);
    cr_expect_str_eq(err.message, message, "'%s' gives: %s", text, err.message);
    cr_expect_eq(expression.hours, 7, "output is untouched");
}

Test(cron_expression, fields_are_masks) {
    const struct gf_cron_expression e = parsed("5,10-12 0-23/8 1,31 */6 1-5");
    cr_expect_eq(e.minutes, UINT64_C(1) << 5 | UINT64_C(7) << 10);
    cr_expect_eq(e.hours, UINT64_C(1) | UINT64_C(1) << 8 | UINT64_C(1) << 16);
    cr_expect_eq(e.days_of_month, UINT64_C(1) << 1 | UINT64_C(1) << 31);
    cr_expect_eq(e.months, UINT64_C(1) << 1 | UINT64_C(1) << 7);
    cr_expect_eq(e.days_of_week, 0x3e);
    cr_expect(!e.both_days);
    cr_expect(!e.by_real_time);
}

Test(cron_expression, names_have_any_case_and_sunday_two_numbers) {
    cr_expect_eq(parsed("0 0 * JAN,dec Mon-fri").months, UINT64_C(1) << 1 | UINT64_C(1) << 12);
    cr_expect_eq(parsed("0 0 * * 0").days_of_week, 1);
    cr_expect_eq(parsed("0 0 * * 7").days_of_week, 1);
    cr_expect_eq(parsed("0 0 * * sun").days_of_week, 1);
    cr_expect_eq(parsed("0 0 * * fri-sun").days_of_week, 0x61);
    cr_expect_eq(parsed("0 0 * * sun-tue").days_of_week, 0x07);
    cr_expect_eq(parsed("0 0 * * 5-7").days_of_week, 0x61);
}

Test(cron_expression, a_value_with_a_step_goes_on_to_the_end) {
    cr_expect_eq(parsed("40/7 0 * * *").minutes,
                 UINT64_C(1) << 40 | UINT64_C(1) << 47 | UINT64_C(1) << 54);
    cr_expect_eq(parsed("0 0 1 1 * 2098/2").years[2], UINT64_C(1) << 0 | UINT64_C(1) << 2);
    cr_expect_eq(parsed("3/2000 0 * * *").minutes, UINT64_C(1) << 3);
}

Test(cron_expression, years_are_all_or_those_named) {
    const struct gf_cron_expression all = parsed("0 0 1 1 *");
    const struct gf_cron_expression some = parsed("0 0 1 1 * 1970,2033-2034,2100");
    cr_expect_eq(all.years[0], UINT64_MAX);
    cr_expect_eq(some.years[0], UINT64_C(1) | UINT64_C(1) << 63);
    cr_expect_eq(some.years[1], 1);
    cr_expect_eq(some.years[2], UINT64_C(1) << 2);
}

Test(cron_expression, what_begins_with_a_star_is_told_apart) {
    cr_expect(parsed("* 2 * * *").by_real_time);
    cr_expect(parsed("5 */2 * * *").by_real_time);
    cr_expect(!parsed("0-59 0-23 * * *").by_real_time);
    cr_expect(parsed("0 0 */2 * mon").both_days);
    cr_expect(parsed("0 0 1 * ?").both_days);
    cr_expect(!parsed("0 0 1-31 * mon").both_days);
}

Test(cron_expression, names_of_whole_expressions) {
    static const char *const pairs[][2] = {
        {"@yearly", "0 0 1 1 *"}, {"@Annually", "0 0 1 1 *"}, {"@monthly ", "0 0 1 * *"},
        {"@weekly", "0 0 * * 0"}, {"@DAILY", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
        {"@hourly", "0 * * * *"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(pairs); i++) {
        const struct gf_cron_expression a = parsed(pairs[i][0]);
        const struct gf_cron_expression b = parsed(pairs[i][1]);
        cr_expect_arr_eq(&a, &b, sizeof(a), "%s", pairs[i][0]);
    }
}

Test(cron_expression, blanks_around_fields_do_not_matter) {
    cr_expect_eq(parsed("  1\t 2   3 4  5 ").hours, 4);
}

Test(cron_expression, errors_name_the_field_the_place_and_what_is_expected) {
    expect_refused("61 * * * *", "minute at character 1: 61 is out of range, expected 0 to 59");
    expect_refused("0 24 * * *", "hour at character 3: 24 is out of range, expected 0 to 23");
    expect_refused("0 0 0 * *", "day-of-month at character 5: 0 is out of range, expected 1 to 31");
    expect_refused("0 0 * foo *", "month at character 7: 'foo' is unknown, expected 1 to 12 or "
                                  "jan to dec");
    expect_refused("0 0 * * mondays", "day-of-week at character 9: 'mondays' is unknown, expected "
                                      "0 to 7 or sun to sat");
    expect_refused("x * * * *", "minute at character 1: 'x' is no number, expected 0 to 59");
    expect_refused("1- * * * *", "minute at character 3: a value is missing, expected 0 to 59");
    expect_refused("5-1 * * * *", "minute at character 3: the range ends before it begins");
    expect_refused("*/0 * * * *", "minute at character 3: 0 is no step, expected 1 to 2100");
    expect_refused("*/ * * * *",
                   "minute at character 3: a step is missing behind '/', expected a number from 1 "
                   "on");
    expect_refused("1,,2 * * * *", "minute at character 3: a value is missing, expected 0 to 59");
    expect_refused("? * * * *", "minute at character 1: a value is missing, expected 0 to 59");
    expect_refused("0 0 L * *", "day-of-month at character 5: 'L' is no number, expected 1 to 31");
    expect_refused("*5 * * * *", "minute at character 2: '5' is not expected, expected ',', '-', "
                                 "'/' or the next field");
    expect_refused("0 0 1 1 * 1969",
                   "year at character 11: 1969 is out of range, expected 1970 to 2100");
    expect_refused("99999999999999999999 * * * *", "minute at character 1: 99999999999999999999 is "
                                                   "out of range, expected 0 to 59");
}

Test(cron_expression, the_number_of_fields_is_checked) {
    expect_refused("", "0 fields, expected 5 or 6: minute hour day-of-month month day-of-week "
                       "[year]");
    expect_refused("* * * *", "4 fields, expected 5 or 6: minute hour day-of-month month "
                              "day-of-week [year]");
    expect_refused("* * * * * * *", "more than 6 fields, expected 5 or 6: minute hour "
                                    "day-of-month month day-of-week [year]");
}

Test(cron_expression, what_never_matches_is_refused) {
    expect_refused("0 0 31 2 *", "the expression matches no day from 1970 to 2100, as 31 February "
                                 "would not");
    expect_refused("0 0 29 2 * 2025-2027", "the expression matches no day from 1970 to 2100, as "
                                           "31 February would not");
    (void)parsed("0 0 31 2 mon"); /* either day */
    (void)parsed("0 0 29 2 * 2096");
}

Test(cron_expression, names_that_mean_nothing_here) {
    expect_refused("@reboot", "@reboot means nothing here: a subscription outlives every restart");
    expect_refused("@every 5m",
                   "a name with @ is unknown, expected @yearly, @annually, @monthly, @weekly, "
                   "@daily, @midnight or @hourly");
}

Test(cron_expression, the_length_is_limited) {
    char text[GF_CRON_EXPRESSION_BYTES_MAX + 2];
    memset(text, ' ', sizeof(text));
    memcpy(text, "* * * * *", 9);
    struct gf_cron_expression expression = {0};
    struct gf_error err = {0};
    const struct gf_str most = {text, GF_CRON_EXPRESSION_BYTES_MAX};
    const struct gf_str too_long = {text, GF_CRON_EXPRESSION_BYTES_MAX + 1};
    cr_expect_eq(gf_cron_parse(most, &expression, &err), GF_OK);
    cr_expect_eq(gf_cron_parse(too_long, &expression, &err), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "expression is longer than 512 bytes");
}
