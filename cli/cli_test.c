#include "cli/cli.h"
#include "cli/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_argument arguments[] = {
    {.name = "PIPELINE", .help = "the pipeline whose things are shown"},
    {.name = "RUN", .help = "the number of the run", .optional = true},
};

static const struct gf_option options[] = {
    {.name = "limit",
     .kind = GF_OPTION_COUNT,
     .value_name = "N",
     .help = "how many of the newest ones to show, of those that are there and can be shown"},
    {.name = "follow", .letter = 'f', .kind = GF_OPTION_FLAG, .help = "go on"},
};

static enum gf_exit_code show(struct gf_cli *cli, const struct gf_parsed *parsed) {
    fprintf(cli->out, "%s %s %s %s %d\n", parsed->arguments[0], cli->host, cli->namespace_id,
            cli->token == NULL ? "-" : cli->token, (int)cli->output);
    return GF_EXIT_OK;
}

static const struct gf_command thing_show = {
    .noun = "thing",
    .verb = "show",
    .summary = "show the things",
    .description =
        "Things are shown one after another, in the order in which they came to be; this "
        "sentence is long enough to be broken.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer thing show one\ngofer thing show one -f",
    .run = show,
};

static enum gf_exit_code fail_not_found(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    (void)gf_fail_reason(&err, GF_NOT_FOUND, "RUN_MISSING", "run 7 not found in pipeline '%s'",
                         parsed->arguments[0]);
    return gf_cli_fail(cli, &err);
}

static const struct gf_command thing_get = {
    .noun = "thing",
    .verb = "get",
    .summary = "get a thing",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = fail_not_found,
};

static enum gf_exit_code fail_unmet(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, parsed->arguments[1], "not now");
    return gf_cli_fail(cli, &err);
}

static const struct gf_command thing_start = {
    .noun = "thing",
    .verb = "start",
    .summary = "start a thing",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = fail_unmet,
};

static enum gf_exit_code fail_with(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct gf_error err = {0};
    if (strcmp(parsed->arguments[0], "unauthenticated") == 0) {
        (void)gf_fail(&err, GF_UNAUTHENTICATED, "who are you");
    } else {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "TOKEN_IN_CLEAR", "not in the clear");
    }
    return gf_cli_fail(cli, &err);
}

static const struct gf_command thing_fail = {
    .noun = "thing",
    .verb = "fail",
    .summary = "fail",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .run = fail_with,
};

static const struct gf_command *const items[] = {&thing_fail, &thing_get, &thing_show,
                                                 &thing_start};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;

static enum gf_exit_code run(const char *line, const char *const *variables) {
    gf_fixture_init(&fixture, &set, variables);
    return gf_fixture_run(&fixture, line);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(cli, .fini = teardown);

Test(cli, settings_have_defaults) {
    cr_expect_eq(run("thing show one", NULL), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one 127.0.0.1:8080 default - 0\n");
    cr_expect_str_eq(fixture.err, "");
}

static const char *const environment[] = {
    "GOFER_HOST", "host:1", "GOFER_NAMESPACE", "prod", "GOFER_TOKEN", "secret", NULL};

Test(cli, environment_wins_over_defaults) {
    cr_expect_eq(run("things show one", environment), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one host:1 prod secret 0\n");
}

Test(cli, options_win_over_the_environment) {
    cr_expect_eq(run("thing show one --host a:2 -n dev -o name", environment), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one a:2 dev secret 3\n");
}

Test(cli, empty_variables_are_none) {
    static const char *const empty[] = {"GOFER_HOST", "", "GOFER_TOKEN", "", NULL};
    cr_expect_eq(run("thing show one", empty), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one 127.0.0.1:8080 default - 0\n");
}

Test(cli, options_may_stand_before_the_command) {
    cr_expect_eq(run("-n dev --output=json thing show one", environment), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one host:1 dev secret 1\n");
}

Test(cli, options_behind_the_command_win_over_those_before) {
    cr_expect_eq(run("-n before thing show one -n behind", NULL), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "one 127.0.0.1:8080 behind - 0\n");
}

Test(cli, usage_errors_show_the_usage) {
    cr_expect_eq(run("thing show", NULL), GF_EXIT_USAGE);
    cr_expect_str_eq(fixture.out, "");
    cr_expect_str_eq(
        fixture.err,
        "gofer: missing argument PIPELINE: the pipeline whose things are shown\n"
        "usage: gofer thing show PIPELINE [RUN] [options]\nhint: gofer thing show --help\n");
}

Test(cli, unknown_verbs_hint_at_the_noun) {
    cr_expect_eq(run("thing shw", NULL), GF_EXIT_USAGE);
    cr_expect_str_eq(fixture.err, "gofer: unknown command 'thing shw'; did you mean 'thing show'?\n"
                                  "hint: gofer thing --help\n");
}

Test(cli, no_words_print_the_help_to_standard_error) {
    cr_expect_eq(run("", NULL), GF_EXIT_USAGE);
    cr_expect_str_eq(fixture.out, "");
    cr_expect_not_null(strstr(fixture.err, "thing show"));
}

Test(cli, only_options_are_no_command) {
    cr_expect_eq(run("-q", NULL), GF_EXIT_USAGE);
    cr_expect_eq(gf_fixture_run(&fixture, "-q --help"), GF_EXIT_USAGE);
    cr_expect_eq(gf_fixture_run(&fixture, "-n"), GF_EXIT_USAGE);
}

Test(cli, failures_hint_at_what_there_is) {
    cr_expect_eq(run("thing get hello -n prod", NULL), GF_EXIT_NOT_FOUND);
    cr_expect_str_eq(fixture.err, "gofer: run 7 not found in pipeline 'hello'\n"
                                  "hint: gofer run list hello -n prod\n");
}

Test(cli, refusals_hint_at_what_is_in_the_way) {
    cr_expect_eq(run("thing start hello PIPELINE_HAS_ACTIVE_RUNS -n prod", NULL), GF_EXIT_CONFLICT);
    cr_expect_str_eq(fixture.err, "gofer: not now\nhint: gofer run cancel hello --all -n prod\n");
    gf_fixture_fini(&fixture);
    cr_expect_eq(run("thing start hello RUN_STARTS_PAUSED", NULL), GF_EXIT_CONFLICT);
    cr_expect_str_eq(fixture.err, "gofer: not now\nhint: gofer service resume\n");
    gf_fixture_fini(&fixture);
    cr_expect_eq(run("thing start hello REGISTRY_UNAVAILABLE", NULL), GF_EXIT_CONFLICT);
    cr_expect_not_null(strstr(fixture.err, "hint: mirrors, ca_file"));
    gf_fixture_fini(&fixture);
    cr_expect_eq(run("thing start hello SOMETHING_ELSE", NULL), GF_EXIT_CONFLICT);
    cr_expect_str_eq(fixture.err, "gofer: not now\n");
}

Test(cli, who_is_not_known_is_told_how_to_be) {
    cr_expect_eq(run("thing fail unauthenticated", NULL), GF_EXIT_NOT_ALLOWED);
    cr_expect_not_null(strstr(fixture.err, "hint: no token was sent"));
    cr_expect_not_null(strstr(fixture.err, "gofer token bootstrap --save-as-context"));
    gf_fixture_fini(&fixture);
    cr_expect_eq(run("thing fail unauthenticated", environment), GF_EXIT_NOT_ALLOWED);
    cr_expect_not_null(strstr(fixture.err, "hint: the token is that of GOFER_TOKEN;"));
    cr_expect_null(strstr(fixture.err, "secret"));
    gf_fixture_fini(&fixture);
    cr_expect_eq(run("thing fail clear", environment), GF_EXIT_CONFLICT);
    cr_expect_not_null(strstr(fixture.err, "hint: --tls"));
}

Test(cli, verbose_shows_code_and_reason) {
    cr_expect_eq(run("thing get hello --verbose -q", NULL), GF_EXIT_NOT_FOUND);
    cr_expect_str_eq(fixture.err, "gofer: run 7 not found in pipeline 'hello'\n"
                                  "code: NOT_FOUND, reason: RUN_MISSING\n");
}

Test(cli, help_of_a_command) {
    static const char expected[] =
        "Show the things.\n"
        "\n"
        "Usage: gofer thing show PIPELINE [RUN] [options]\n"
        "\n"
        "Things are shown one after another, in the order in which they came to be; this sentence "
        "is "
        "long\n"
        "enough to be broken.\n"
        "\n"
        "Arguments:\n"
        "  PIPELINE                the pipeline whose things are shown\n"
        "  RUN                     the number of the run\n"
        "\n"
        "Options:\n"
        "      --limit N           how many of the newest ones to show, of those that are there "
        "and "
        "can be\n"
        "                          shown\n"
        "  -f, --follow            go on\n"
        "\n"
        "Common options:\n"
        "  -o, --output table|json|jsonl|name\n"
        "                          how to print the answer (default table)\n"
        "  -n, --namespace NAMESPACE\n"
        "                          the namespace (default $GOFER_NAMESPACE, else 'default')\n"
        "      --host ADDRESS      the server, HOST:PORT or unix:/PATH (default $GOFER_HOST, else\n"
        "                          127.0.0.1:8080)\n"
        "  -c, --context CONTEXT   the context: server, token and namespace (see gofer help "
        "connection)\n"
        "  -q, --quiet             print the answer only\n"
        "      --verbose           print more about errors\n"
        "      --no-color          print without colour\n"
        "  -h, --help              print this help\n"
        "\n"
        "Examples:\n"
        "  gofer thing show one\n"
        "  gofer thing show one -f\n";
    cr_expect_eq(run("thing show --help", NULL), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, expected);
}

Test(cli, help_of_a_noun_names_it_in_the_singular) {
    cr_expect_eq(run("things --help", NULL), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "Usage: gofer thing <verb> [options]\n"
                                  "\n"
                                  "  fail                    fail\n"
                                  "  get                     get a thing\n"
                                  "  show                    show the things\n"
                                  "  start                   start a thing\n");
}
