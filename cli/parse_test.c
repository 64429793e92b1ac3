#include "base/str.h"
#include "cli/command.h"

#include <string.h>

#include <criterion/criterion.h>

enum {
    WORDS_MAX = 16,
};

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .help = "the pipeline"},
    {.name = "VERSION", .help = "the version", .optional = true},
};

static const struct gf_option options[] = {
    {.name = "variable", .letter = 'v', .kind = GF_OPTION_LIST, .value_name = "KEY=VALUE"},
    {.name = "follow", .letter = 'f', .kind = GF_OPTION_FLAG},
    {.name = "limit", .kind = GF_OPTION_COUNT, .value_name = "N"},
    {.name = "timeout", .kind = GF_OPTION_DURATION, .value_name = "DURATION"},
    {.name = "priority", .kind = GF_OPTION_NUMBER, .value_name = "N", .min = -10, .max = 10},
    {.name = "offset", .kind = GF_OPTION_NUMBER, .value_name = "N"},
    {.name = "attempt", .kind = GF_OPTION_COUNT, .value_name = "N", .min = 1, .max = 9},
    {.name = "grace",
     .kind = GF_OPTION_DURATION,
     .value_name = "DURATION",
     .min = 1,
     .max = 3600000},
    {.name = "color", .kind = GF_OPTION_TEXT, .value_name = "WHEN", .choices = "always|never"},
};

static const struct gf_command command = {
    .noun = "pipeline",
    .verb = "run",
    .summary = "run it",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
};

static const struct gf_command raw_command = {.verb = "raw", .summary = "raw", .raw = true};

static struct gf_arena arena;

static void setup(void) {
    gf_arena_init(&arena, 1 << 20);
}

static void teardown(void) {
    gf_arena_fini(&arena);
}

TestSuite(parse, .init = setup, .fini = teardown);

#define PARSE(of, parsed, err, ...)                                                                \
    gf_parse((of), (const char *const[]){__VA_ARGS__},                                             \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), &arena, (parsed), (err))

#define EXPECT_REFUSED(message_, ...)                                                              \
    do {                                                                                           \
        struct gf_parsed refused = {0};                                                            \
        struct gf_error error = {0};                                                               \
        cr_expect_eq(PARSE(&command, &refused, &error, __VA_ARGS__), GF_INVALID_ARGUMENT);         \
        cr_expect_str_eq(error.message, message_);                                                 \
        cr_expect_null(refused.command, "outputs stay untouched");                                 \
    } while (0)

Test(parse, options_stand_anywhere_in_every_form) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "-v", "A=1", "hello", "--variable=B=2", "-vC=3",
                       "-fq", "7", "--limit", "3", "--timeout=1m30s", "-ojson"),
                 GF_OK);
    cr_expect_str_eq(parsed.arguments[0], "hello");
    cr_expect_str_eq(parsed.arguments[1], "7");
    size_t count = 0;
    const char *const *variables = gf_parsed_list(&parsed, "variable", &count);
    cr_assert_eq(count, 3);
    cr_expect_str_eq(variables[0], "A=1");
    cr_expect_str_eq(variables[1], "B=2");
    cr_expect_str_eq(variables[2], "C=3");
    cr_expect(gf_parsed_flag(&parsed, "follow"));
    cr_expect(gf_parsed_flag(&parsed, "quiet"));
    cr_expect_not(gf_parsed_flag(&parsed, "verbose"));
    cr_expect_eq(gf_parsed_number(&parsed, "limit", 50), 3);
    cr_expect_eq(gf_parsed_number(&parsed, "timeout", 0), 90000);
    cr_expect_str_eq(gf_parsed_text(&parsed, "output"), "json");
    cr_expect_null(gf_parsed_text(&parsed, "namespace"));
}

Test(parse, what_is_not_given_has_its_default) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "hello"), GF_OK);
    cr_expect_null(parsed.arguments[1]);
    cr_expect_eq(gf_parsed_number(&parsed, "limit", 50), 50);
    cr_expect_not(gf_parsed_has(&parsed, "limit"));
    size_t count = 9;
    (void)gf_parsed_list(&parsed, "variable", &count);
    cr_expect_eq(count, 0);
}

Test(parse, the_last_value_counts) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "hello", "--limit", "1", "--limit", "2"), GF_OK);
    cr_expect_eq(gf_parsed_number(&parsed, "limit", 0), 2);
}

Test(parse, two_dashes_end_the_options) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "--", "--follow", "-f"), GF_OK);
    cr_expect_str_eq(parsed.arguments[0], "--follow");
    cr_expect_str_eq(parsed.arguments[1], "-f");
    cr_expect_not(gf_parsed_flag(&parsed, "follow"));
}

Test(parse, one_dash_is_an_argument) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "-"), GF_OK);
    cr_expect_str_eq(parsed.arguments[0], "-");
}

Test(parse, every_usage_error_says_what_is_wrong) {
    EXPECT_REFUSED("missing argument PIPELINE: the pipeline", "-f");
    EXPECT_REFUSED("unexpected argument 'three'", "one", "two", "three");
    EXPECT_REFUSED("unknown option '--what'", "one", "--what=3");
    EXPECT_REFUSED("unknown option '-Z'", "one", "-Z");
    EXPECT_REFUSED("unknown option '-Z'", "one", "-fZ");
    EXPECT_REFUSED("--limit needs a value: N", "one", "--limit");
    EXPECT_REFUSED("-v needs a value: KEY=VALUE", "one", "-v");
    EXPECT_REFUSED("--follow takes no value", "one", "--follow=yes");
    EXPECT_REFUSED("--limit takes a whole number, not 'x'", "one", "--limit", "x");
    EXPECT_REFUSED("--limit takes a whole number, not '-1'", "one", "--limit", "-1");
    EXPECT_REFUSED("--limit takes a whole number, not ''", "one", "--limit=");
    EXPECT_REFUSED("--timeout takes a duration such as 30s or 1m30s, not 'soon'", "one",
                   "--timeout", "soon");
    EXPECT_REFUSED("--color takes one of always|never, not 'alway'", "one", "--color", "alway");
    EXPECT_REFUSED("-o takes one of table|json|jsonl|name, not 'xml'", "one", "-o", "xml");
}

Test(parse, numbers_may_be_negative_and_have_bounds) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "one", "--priority", "-10", "--offset=-12345",
                       "--attempt", "9", "--grace", "1h"),
                 GF_OK);
    cr_expect_eq(gf_parsed_number(&parsed, "priority", 0), -10);
    cr_expect_eq(gf_parsed_number(&parsed, "offset", 0), -12345);
    cr_expect_eq(gf_parsed_number(&parsed, "attempt", 0), 9);
    cr_expect_eq(gf_parsed_number(&parsed, "grace", 0), 3600000);
    EXPECT_REFUSED("--priority takes a whole number from -10 to 10, not '-11'", "one", "--priority",
                   "-11");
    EXPECT_REFUSED("--priority takes a whole number from -10 to 10, not 'high'", "one",
                   "--priority=high");
    EXPECT_REFUSED("--attempt takes a whole number from 1 to 9, not '0'", "one", "--attempt", "0");
    EXPECT_REFUSED("--offset takes a whole number, not '1.5'", "one", "--offset", "1.5");
    EXPECT_REFUSED("--grace takes a duration from 1ms to 1h, not '500us'", "one", "--grace",
                   "500us");
    EXPECT_REFUSED("--grace takes a duration from 1ms to 1h, not '2h'", "one", "--grace", "2h");
}

Test(parse, help_asks_for_no_arguments) {
    struct gf_parsed parsed = {0};
    cr_assert_eq(PARSE(&command, &parsed, NULL, "--help"), GF_OK);
    cr_expect(gf_parsed_flag(&parsed, "help"));
}

Test(parse, raw_commands_keep_their_words) {
    struct gf_parsed parsed = {0};
    static const char *const words[] = {"--what", "-Z", "--"};
    cr_assert_eq(gf_parse(&raw_command, words, 3, &arena, &parsed, NULL), GF_OK);
    cr_expect_eq(parsed.word_count, 3);
    cr_expect_str_eq(parsed.words[2], "--");
}

Test(parse, too_many_words_are_refused) {
    static const char *words[GF_COMMAND_WORDS_MAX + 1];
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        words[i] = "-f";
    }
    struct gf_parsed parsed = {0};
    struct gf_error err = {0};
    cr_expect_eq(gf_parse(&command, words, GF_ARRAY_COUNT(words), &arena, &parsed, &err),
                 GF_INVALID_ARGUMENT);
    words[0] = "one";
    cr_expect_eq(gf_parse(&command, words, GF_COMMAND_WORDS_MAX, &arena, &parsed, &err), GF_OK);
}

static size_t leading(const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return gf_parse_leading(words, count);
}

Test(parse, leading_options_end_at_the_command) {
    cr_expect_eq(leading((const char *const[]){"pipeline", "-q", NULL}), 0);
    cr_expect_eq(leading((const char *const[]){"-n", "prod", "pipeline", NULL}), 2);
    cr_expect_eq(leading((const char *const[]){"-nprod", "-q", "--host=x:1", "up", NULL}), 3);
    cr_expect_eq(leading((const char *const[]){"--what", "up", NULL}), 0);
    cr_expect_eq(leading((const char *const[]){"--", "up", NULL}), 0);
    cr_expect_eq(leading((const char *const[]){"-n", NULL}), 1);
    cr_expect_eq(gf_parse_leading(NULL, 0), 0);
}
