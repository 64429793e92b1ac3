#include "cli/settings.h"
#include "cli/testing/fixture.h"
#include "clients/c/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

/* Shows what the settings are. */
static enum gf_exit_code show(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    fprintf(cli->out, "%s %s %s %s", cli->context_name == NULL ? "-" : cli->context_name, cli->host,
            cli->namespace_id, cli->token == NULL ? "-" : cli->token);
    if (cli->tls != NULL) {
        const char *const parts[] = {cli->tls->root_file, cli->tls->cert_file, cli->tls->key_file,
                                     cli->tls->server_name};
        fprintf(cli->out, " tls");
        for (size_t i = 0; i < GF_ARRAY_COUNT(parts); i++) {
            fprintf(cli->out, " %s", parts[i] == NULL ? "-" : parts[i]);
        }
    }
    fprintf(cli->out, "%s\n", cli->token_in_clear ? " clear" : "");
    return GF_EXIT_OK;
}

static const struct gf_command thing_show = {
    .noun = "thing", .verb = "show", .summary = "show", .run = show};
static enum gf_exit_code print(struct gf_cli *cli, const struct gf_parsed *parsed) {
    (void)parsed;
    fprintf(cli->out, "%s\n", cli->token == NULL ? "no token" : cli->token);
    return GF_EXIT_OK;
}

static const struct gf_command thing_print = {
    .noun = "thing", .verb = "print", .summary = "print", .offline = true, .run = print};
static const struct gf_command *const items[] = {&thing_print, &thing_show};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static char path[64];
static char token_path[64];

static void write_file(const char *name, const char *text, mode_t mode) {
    FILE *file = fopen(name, "we");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(name, mode), 0);
}

static void setup(void) {
    (void)snprintf(path, sizeof(path), "/tmp/settings-test-%d.json", (int)getpid());
    (void)snprintf(token_path, sizeof(token_path), "/tmp/settings-test-%d.token", (int)getpid());
    write_file(path,
               "{\"current\": \"prod\", \"contexts\": {"
               "\"prod\": {\"host\": \"prod:1\", \"namespace\": \"team-a\", \"token\": \"t-prod\","
               " \"tlsCaFile\": \"/ca\"},"
               "\"near\": {\"token\": \"t-near\", \"tokenInClear\": true},"
               "\"bare\": {\"host\": \"bare:1\"}}}",
               0600);
    write_file(token_path, "t-file\n", 0600);
}

static void teardown(void) {
    (void)unlink(path);
    (void)unlink(token_path);
}

TestSuite(settings, .init = setup, .fini = teardown);

static const char *run(const char *line, const char *const *variables) {
    static char out[512];
    const char *pairs[24] = {"GOFER_CONTEXTS", path};
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
        pairs[2 + i] = variables[i];
    }
    gf_fixture_init(&fixture, &set, pairs);
    enum gf_exit_code code = gf_fixture_run(&fixture, line);
    (void)snprintf(out, sizeof(out), "%s", code == GF_EXIT_OK ? fixture.out : fixture.err);
    gf_fixture_fini(&fixture);
    return out;
}

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(settings, the_current_context_holds) {
    cr_expect_str_eq(run("thing show", NULL), "prod prod:1 team-a t-prod tls /ca - - -\n");
}

Test(settings, options_win_over_all) {
    cr_expect_str_eq(run("thing show -n dev --tls-ca /other --tls-server-name n", NULL),
                     "prod prod:1 dev t-prod tls /other - - n\n");
    cr_expect_str_eq(
        run("thing show -n dev", VARIABLES("GOFER_NAMESPACE", "env", "GOFER_TOKEN", "t-env")),
        "prod prod:1 dev t-env tls /ca - - -\n");
}

Test(settings, the_environment_wins_over_the_current_context) {
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_NAMESPACE", "env", "GOFER_TOKEN", "t-env",
                                                 "GOFER_TLS_CERT", "/c", "GOFER_TLS_KEY", "/k")),
                     "prod prod:1 env t-env tls /ca /c /k -\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_TLS", "0")), "prod prod:1 team-a t-prod\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_CONTEXT", "near")),
                     "near 127.0.0.1:8080 default t-near clear\n");
}

Test(settings, a_task_works_in_its_own_namespace) {
    cr_expect_str_eq(run("thing show -c bare", VARIABLES("GOFER_NAMESPACE_ID", "of-the-run")),
                     "bare bare:1 of-the-run -\n");
    cr_expect_str_eq(run("thing show -c bare",
                         VARIABLES("GOFER_NAMESPACE_ID", "of-the-run", "GOFER_NAMESPACE", "env")),
                     "bare bare:1 env -\n");
}

Test(settings, a_named_context_wins_over_the_environment) {
    cr_expect_str_eq(
        run("thing show -c prod", VARIABLES("GOFER_HOST", "env:1", "GOFER_NAMESPACE", "env",
                                            "GOFER_TOKEN", "t-env", "GOFER_CONTEXT", "near")),
        "prod prod:1 team-a t-prod tls /ca - - -\n");
    cr_expect_str_eq(run("thing show -c bare", VARIABLES("GOFER_TOKEN", "t-env")),
                     "bare bare:1 default t-env\n", "what it leaves open, others say");
}

Test(settings, a_token_stays_with_its_server) {
    cr_expect_str_eq(run("thing show --host evil:1", NULL), "- evil:1 default -\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_HOST", "evil:1")), "- evil:1 default -\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_HOST", "evil:1", "GOFER_CONTEXT", "near")),
                     "- evil:1 default -\n");
    cr_expect_str_eq(run("thing show --host prod:1", NULL),
                     "prod prod:1 team-a t-prod tls /ca - - -\n", "it is the same one");
    cr_expect_str_eq(run("thing show -c prod --host tunnel:1", NULL),
                     "prod tunnel:1 team-a t-prod tls /ca - - -\n", "asked for in words");
}

Test(settings, tokens_come_from_files) {
    char line[128];
    (void)snprintf(line, sizeof(line), "thing show -c bare --token-file %s", token_path);
    cr_expect_str_eq(run(line, VARIABLES("GOFER_TOKEN", "t-env")), "bare bare:1 default t-file\n");
    cr_expect_str_eq(run("thing show -c bare", VARIABLES("GOFER_TOKEN_FILE", token_path)),
                     "bare bare:1 default t-file\n");
    cr_assert_eq(chmod(token_path, 0644), 0);
    cr_expect_not_null(strstr(run(line, NULL), "is open to others (mode 0644)"));
}

Test(settings, what_is_wrong_is_said) {
    cr_expect_str_eq(run("thing show -c nowhere", NULL),
                     "gofer: context 'nowhere' not found\nhint: gofer context list\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_CONTEXT", "nowhere")),
                     "gofer: context 'nowhere' not found\nhint: gofer context list\n");
    cr_expect_str_eq(run("thing show", VARIABLES("GOFER_TLS", "maybe")),
                     "gofer: GOFER_TLS is 1 or 0, not 'maybe'\n");
    write_file(path, "{\"contexts\": {\"prod\": {\"hots\": 1}}}", 0600);
    cr_expect_not_null(strstr(run("thing show", NULL), ".json:1:24: 'hots' is not known here"));
    cr_expect_str_eq(run("thing print", NULL), "no token\n",
                     "a command that asks no server reads none of it");
}

Test(settings, switches_of_the_environment) {
    cr_expect_str_eq(run("thing show -c bare", VARIABLES("GOFER_TLS", "on")),
                     "bare bare:1 default - tls - - - -\n");
    cr_expect_str_eq(run("thing show -c bare", VARIABLES("GOFER_TOKEN_IN_CLEAR", "1")),
                     "bare bare:1 default - clear\n");
    cr_expect_str_eq(
        run("thing show", VARIABLES("GOFER_CONTEXT", "near", "GOFER_TOKEN_IN_CLEAR", "0")),
        "near 127.0.0.1:8080 default t-near\n");
}
