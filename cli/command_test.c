#include "cli/command.h"

#include <criterion/criterion.h>

static const struct gf_command up = {.verb = "up", .summary = "up"};
static const struct gf_command secret_word = {.verb = "hidden", .summary = "no", .hidden = true};
static const struct gf_command pipeline_get = {.noun = "pipeline", .verb = "get", .summary = "get"};
static const struct gf_command pipeline_run = {.noun = "pipeline", .verb = "run", .summary = "run"};
static const struct gf_command run_list = {.noun = "run", .verb = "list", .summary = "list"};
static const struct gf_command run_part_get = {
    .noun = "run", .verb = "part get", .summary = "part"};
static const struct gf_command *const items[] = {&secret_word,  &up,       &pipeline_get,
                                                 &pipeline_run, &run_list, &run_part_get};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static const struct gf_command *find(const char *first, const char *second, size_t *out_used,
                                     struct gf_error *err) {
    const char *const words[] = {first, second};
    size_t count = first == NULL ? 0 : second == NULL ? 1 : 2;
    return gf_command_find(&set, words, count, out_used, err);
}

static void expect_unknown(const char *first, const char *second, const char *message) {
    struct gf_error err = {0};
    size_t used = 0;
    cr_expect_null(find(first, second, &used, &err));
    cr_expect_eq(err.code, GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, message);
}

Test(command, found_by_its_words) {
    size_t used = 0;
    cr_expect_eq(find("up", "file", &used, NULL), &up);
    cr_expect_eq(used, 1);
    cr_expect_eq(find("pipeline", "run", &used, NULL), &pipeline_run);
    cr_expect_eq(used, 2);
    cr_expect_eq(find("hidden", NULL, &used, NULL), &secret_word);
}

Test(command, nouns_may_be_given_in_the_plural) {
    size_t used = 0;
    cr_expect_eq(find("runs", "list", &used, NULL), &run_list);
    cr_expect_str_eq(gf_command_noun(&set, GF_STR("pipelines")), "pipeline");
    cr_expect_null(gf_command_noun(&set, GF_STR("ups")));
}

Test(command, unknown_ones_get_the_nearest) {
    expect_unknown(NULL, NULL, "no command");
    expect_unknown("pipeline", NULL, "'pipeline' needs a verb");
    expect_unknown("pipelin", "get", "unknown command 'pipelin'; did you mean 'pipeline'?");
    expect_unknown("pipeline", "gte",
                   "unknown command 'pipeline gte'; did you mean 'pipeline get'?");
    expect_unknown("runs", "lst", "unknown command 'run lst'; did you mean 'run list'?");
    expect_unknown("elephant", NULL, "unknown command 'elephant'");
    expect_unknown("hiden", NULL, "unknown command 'hiden'");
    expect_unknown("x", NULL, "unknown command 'x'");
    expect_unknown("", NULL, "unknown command ''");
}

Test(command, name_is_as_typed) {
    char name[GF_COMMAND_NAME_BYTES_MAX];
    gf_command_name(&up, name);
    cr_expect_str_eq(name, "up");
    gf_command_name(&run_list, name);
    cr_expect_str_eq(name, "run list");
}

Test(command, verbs_may_have_two_words) {
    static const char *const words[] = {"run", "part", "get", "x"};
    static const char *const others[] = {"run", "part", "list"};
    struct gf_error err = {0};
    size_t used = 0;
    cr_expect_eq(gf_command_find(&set, words, 4, &used, NULL), &run_part_get);
    cr_expect_eq(used, 3);
    cr_expect_null(gf_command_find(&set, words, 2, &used, &err));
    cr_expect_str_eq(err.message, "'run part' needs a verb");
    cr_expect_null(gf_command_find(&set, others, 3, &used, &err));
    cr_expect(gf_command_is_verb_group(&set, "run", "part"));
    cr_expect_not(gf_command_is_verb_group(&set, "run", "list"));
    cr_expect_not(gf_command_is_verb_group(&set, "pipeline", "part"));
}
