#include "api/extension/parameters.h"
#include "base/testing/skip.h"

#include <unistd.h>

#include <criterion/criterion.h>

typedef Gofer__V1__ExtensionParameter parameter_type;

#define TYPE(name) GOFER__V1__EXTENSION_PARAMETER_TYPE__EXTENSION_PARAMETER_TYPE_##name

static struct gf_arena arena;

static void start(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void end(void) {
    gf_arena_fini(&arena);
}

TestSuite(extension_parameters, .init = start, .fini = end);

static parameter_type *declare(const char *name, Gofer__V1__ExtensionParameterType type) {
    parameter_type *parameter = GF_ARENA_NEW(&arena, parameter_type);
    gofer__v1__extension_parameter__init(parameter);
    parameter->name = gf_arena_strdup(&arena, name);
    parameter->type = type;
    return parameter;
}

static bool takes(Gofer__V1__ExtensionParameterType type, const char *text) {
    struct gf_str sentence = {0};
    const bool fits = gf_parameter_takes(declare("x", type), gf_str_from(text), &arena, &sentence);
    cr_assert_eq(fits, sentence.len == 0);
    return fits;
}

Test(extension_parameters, types_take_their_values_and_no_others) {
    cr_assert(takes(TYPE(INTEGER), "-9223372036854775808"));
    cr_assert_not(takes(TYPE(INTEGER), "9223372036854775808"));
    cr_assert_not(takes(TYPE(INTEGER), ""));
    cr_assert_not(takes(TYPE(INTEGER), "1.5"));
    cr_assert(takes(TYPE(BOOLEAN), "true"));
    cr_assert_not(takes(TYPE(BOOLEAN), "TRUE"));
    cr_assert(takes(TYPE(DURATION), "1h30m"));
    cr_assert_not(takes(TYPE(DURATION), "30m1h"));
    cr_assert(takes(TYPE(URL), "https://example.com/a?b=c"));
    cr_assert_not(takes(TYPE(URL), "ftp://example.com"));
    cr_assert_not(takes(TYPE(URL), "https:///path"));
    cr_assert_not(takes(TYPE(URL), "https://exa mple.com"));
    cr_assert(takes(TYPE(STRING), "whatever there is"));
    cr_assert(takes(TYPE(UNSPECIFIED), ""));
}

Test(extension_parameters, time_zones_have_a_name_of_the_database) {
    cr_assert(takes(TYPE(TIME_ZONE), "UTC"));
    cr_assert_not(takes(TYPE(TIME_ZONE), ""));
    cr_assert_not(takes(TYPE(TIME_ZONE), "../../etc/passwd"));
    cr_assert_not(takes(TYPE(TIME_ZONE), "/etc/localtime"));
    cr_assert_not(takes(TYPE(TIME_ZONE), "Europe/../UTC"));
    cr_assert_not(takes(TYPE(TIME_ZONE), "Europe/"));
    if (access("/usr/share/zoneinfo/UTC", R_OK) == 0) {
        cr_assert(takes(TYPE(TIME_ZONE), "Europe/Berlin"));
        cr_assert_not(takes(TYPE(TIME_ZONE), "Europe/Gotham"));
        cr_assert_not(takes(TYPE(TIME_ZONE), "Europe"));
    }
}

Test(extension_parameters, choices_are_named_in_the_sentence) {
    parameter_type *mode = declare("mode", TYPE(CHOICE));
    char *choices[] = {"fast", "slow"};
    mode->choices = choices;
    mode->n_choices = 2;
    struct gf_str sentence = {0};
    cr_assert(gf_parameter_takes(mode, GF_STR("slow"), &arena, &sentence));
    cr_assert_not(gf_parameter_takes(mode, GF_STR("Slow"), &arena, &sentence));
    cr_assert(gf_str_eq(sentence, GF_STR("must be one of: fast, slow")));
}

Test(extension_parameters, settings_get_the_declared_names_and_defaults) {
    parameter_type *parameters[] = {declare("every", TYPE(DURATION)), declare("Zone", TYPE(STRING)),
                                    declare("unset", TYPE(STRING))};
    parameters[1]->default_value = "UTC";
    const struct gf_setting given[] = {{GF_STR("EVERY"), GF_STR("5m")}};
    struct gf_settings_check check;
    gf_settings_check(parameters, 3, given, 1, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 0);
    cr_assert_eq(check.count, 2);
    cr_assert(gf_str_eq(check.settings[0].name, GF_STR("every")));
    cr_assert(gf_str_eq(check.settings[0].value, GF_STR("5m")));
    cr_assert(gf_str_eq(check.settings[1].name, GF_STR("Zone")));
    cr_assert(gf_str_eq(check.settings[1].value, GF_STR("UTC")));
}

Test(extension_parameters, every_problem_is_listed_without_a_value) {
    parameter_type *parameters[] = {declare("every", TYPE(DURATION)), declare("must", TYPE(STRING)),
                                    declare("twice", TYPE(STRING))};
    parameters[1]->required = true;
    const struct gf_setting given[] = {
        {GF_STR("every"), GF_STR("hunter2")},
        {GF_STR("other"), GF_STR("hunter2")},
        {GF_STR("twice"), GF_STR("a")},
        {GF_STR("TWICE"), GF_STR("b")},
    };
    struct gf_settings_check check;
    gf_settings_check(parameters, 3, given, 4, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 4);
    cr_assert(gf_str_eq(check.problems[0].parameter_name, GF_STR("other")));
    cr_assert(gf_str_eq(check.problems[1].parameter_name, GF_STR("every")));
    cr_assert(gf_str_eq(check.problems[2].description, GF_STR("is required")));
    cr_assert(gf_str_eq(check.problems[3].description, GF_STR("is given twice")));
    struct gf_error error = {0};
    cr_assert_eq(gf_settings_fail(&check, &error), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(error.field, "settings[\"other\"]");
    cr_assert_not_null(strstr(error.message, "; setting 'every' "), "%s", error.message);
    cr_assert_not_null(strstr(error.message, "(and 2 more)"), "%s", error.message);
    for (size_t i = 0; i < check.problem_count; i++) {
        cr_assert_null(memmem(check.problems[i].description.ptr, check.problems[i].description.len,
                              "hunter2", 7));
    }
}

Test(extension_parameters, a_value_with_a_reference_is_looked_at_when_it_is_filled_in) {
    parameter_type *parameters[] = {declare("port", TYPE(INTEGER))};
    const struct gf_setting given[] = {{GF_STR("port"), GF_STR("global_secret{{PORT}}")}};
    struct gf_settings_check check;
    gf_settings_check(parameters, 1, given, 1, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 0);
    gf_settings_check(parameters, 1, given, 1, GF_SETTINGS_RESOLVED, true, &arena, &check);
    cr_assert_eq(check.problem_count, 1);
}

Test(extension_parameters, references_stand_where_they_may) {
    parameter_type *parameters[] = {declare("key", TYPE(STRING))};
    const struct gf_setting pipelines[] = {{GF_STR("key"), GF_STR("pipeline_secret{{KEY}}")}};
    const struct gf_setting objects[] = {{GF_STR("key"), GF_STR("pipeline_object{{a/b}}")}};
    const struct gf_setting bad[] = {{GF_STR("key"), GF_STR("global_secret{{ }}")}};
    struct gf_settings_check check;
    gf_settings_check(parameters, 1, pipelines, 1, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 0);
    gf_settings_check(parameters, 1, pipelines, 1, GF_SETTINGS_GIVEN, false, &arena, &check);
    cr_assert_eq(check.problem_count, 1, "an extension belongs to no pipeline");
    gf_settings_check(parameters, 1, objects, 1, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 1);
    gf_settings_check(parameters, 1, bad, 1, GF_SETTINGS_GIVEN, true, &arena, &check);
    cr_assert_eq(check.problem_count, 1);
}

Test(extension_parameters, problems_beyond_the_limit_are_left_out) {
    struct gf_setting given[GF_SETTING_PROBLEMS_MAX + 5];
    for (size_t i = 0; i < GF_ARRAY_COUNT(given); i++) {
        given[i] = (struct gf_setting){GF_STR("unknown"), GF_STR("")};
    }
    struct gf_settings_check check;
    gf_settings_check(NULL, 0, given, GF_ARRAY_COUNT(given), GF_SETTINGS_GIVEN, true, &arena,
                      &check);
    cr_assert_eq(check.problem_count, GF_SETTING_PROBLEMS_MAX);
}

static void refused(parameter_type *const *parameters, size_t count, const char *field) {
    struct gf_error error = {0};
    cr_assert_eq(gf_parameters_check(parameters, count, "p", &error), GF_INVALID_ARGUMENT);
    cr_assert_str_eq(error.field, field);
}

Test(extension_parameters, declarations_are_checked_with_their_place) {
    parameter_type *good[] = {declare("a", TYPE(STRING)), declare("B-c_1", TYPE(INTEGER))};
    good[1]->default_value = "5";
    struct gf_error error = {0};
    cr_assert_eq(gf_parameters_check(good, 2, "p", &error), GF_OK);

    parameter_type *twice[] = {declare("a", TYPE(STRING)), declare("A", TYPE(STRING))};
    refused(twice, 2, "p[1].name");
    parameter_type *blank[] = {declare("a b", TYPE(STRING))};
    refused(blank, 1, "p[0].name");
    parameter_type *empty[] = {declare("", TYPE(STRING))};
    refused(empty, 1, "p[0].name");
    parameter_type *no_choices[] = {declare("a", TYPE(CHOICE))};
    refused(no_choices, 1, "p[0].choices");
    good[1]->default_value = "five";
    refused(good, 2, "p[1].default_value");
    good[1]->default_value = "5";
    good[1]->required = true;
    refused(good, 2, "p[1].default_value");
}
