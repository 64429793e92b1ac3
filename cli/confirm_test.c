#include "cli/testing/fixture.h"

#include <string.h>

#include <criterion/criterion.h>

static const struct gf_option options[] = {
    {.name = "yes", .letter = 'y', .kind = GF_OPTION_FLAG, .help = "do not ask"},
};

static enum gf_exit_code delete_it(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    enum gf_exit_code code = GF_EXIT_OK;
    if (gf_cli_confirm(cli, "delete it?", &code)) {
        fprintf(cli->out, "deleted\n");
    }
    return code;
}

static const struct gf_command thing_delete = {
    .noun = "thing",
    .verb = "delete",
    .summary = "delete",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = delete_it,
};
static const struct gf_command *const items[] = {&thing_delete};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;

static void setup(void) {
    gf_fixture_init(&fixture, &set, NULL);
}

static void teardown(void) {
    gf_fixture_fini(&fixture);
}

TestSuite(confirm, .init = setup, .fini = teardown);

/* Somebody at a terminal types this. */
static enum gf_exit_code typed(const char *text) {
    char copy[32];
    (void)snprintf(copy, sizeof(copy), "%s", text);
    fixture.cli.in = fmemopen(copy, strlen(copy) + (copy[0] == '\0' ? 1 : 0), "r");
    if (copy[0] == '\0') {
        (void)fgetc(fixture.cli.in); /* fmemopen takes no empty buffer */
    }
    fixture.cli.in_is_terminal = true;
    fixture.cli.err_is_terminal = true;
    enum gf_exit_code code = gf_fixture_run(&fixture, "thing delete");
    (void)fclose(fixture.cli.in);
    return code;
}

Test(confirm, consent_is_y_or_yes) {
    cr_expect_eq(typed("y\n"), GF_EXIT_OK);
    cr_expect_eq(typed("YES\n"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "deleted\ndeleted\n");
    cr_expect_str_eq(fixture.err, "delete it? [y/N] delete it? [y/N] ");
}

Test(confirm, all_else_is_none) {
    cr_expect_eq(typed("n\n"), GF_EXIT_FAILED);
    cr_expect_eq(typed("\n"), GF_EXIT_FAILED);
    cr_expect_eq(typed("yesno\n"), GF_EXIT_FAILED);
    cr_expect_eq(typed(""), GF_EXIT_FAILED, "the end of the input");
    cr_expect_str_eq(fixture.out, "");
    cr_expect_not_null(strstr(fixture.err, "nothing was done"));
}

Test(confirm, the_option_asks_nobody) {
    cr_expect_eq(gf_fixture_run(&fixture, "thing delete -y"), GF_EXIT_OK);
    cr_expect_str_eq(fixture.out, "deleted\n");
    cr_expect_str_eq(fixture.err, "");
}

Test(confirm, without_a_terminal_the_option_is_needed) {
    cr_expect_eq(gf_fixture_run(&fixture, "thing delete"), GF_EXIT_USAGE);
    fixture.cli.in_is_terminal = true;
    cr_expect_eq(gf_fixture_run(&fixture, "thing delete"), GF_EXIT_USAGE, "the question is unseen");
    cr_expect_str_eq(fixture.out, "");
    cr_expect_not_null(strstr(fixture.err, "--yes"));
}
