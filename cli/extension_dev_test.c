/* gofer extension dev, with a shell script for a program and a server of written answers. */
#include "base/macros.h"
#include "cli/cmd/commands.h"
#include "cli/testing/fake_server.h"
#include "cli/testing/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

static const struct gf_command *const items[] = {&gf_cmd_extension_dev};
static const struct gf_command_set set = {items, GF_ARRAY_COUNT(items)};

static struct gf_cli_fixture fixture;
static struct gf_fake_server fake;
static char folder[32] = "/tmp/extension-dev-XXXXXX";
static char program[64];
static char line[256];
static const char *variables[] = {"GOFER_HOST", fake.address, "GOFER_TOKEN", "gfr_h_mine", NULL};

#define NOT_INSTALLED                                                                              \
    { .method = "GetExtension", .code = GF_NOT_FOUND, .message = "extension 'folder' not found" }
#define INSTALLS                                                                                   \
    { .method = "InstallExtension", .json = "{\"extension\":{\"extensionId\":\"folder\"}}" }
#define GIVES_TOKEN                                                                                \
    {                                                                                              \
        .method = "CreateToken",                                                                   \
        .json = "{\"token\":{\"tokenId\":\"tok_1\"},\"tokenText\":\"gfr_e_text\"}"                 \
    }
#define DELETES_TOKEN                                                                              \
    { .method = "DeleteToken", .json = "{}" }
#define UNINSTALLS                                                                                 \
    { .method = "UninstallExtension", .json = "{}" }

static void begin(const struct gf_fake_answer *answers, size_t count, const char *script) {
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(program, sizeof(program), "%s/folder", folder);
    FILE *file = fopen(program, "w");
    cr_assert_not_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", script);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(program, 0755), 0);
    gf_fake_server_start(&fake, answers, count);
    gf_fixture_init(&fixture, &set, variables);
}

#define BEGIN(script, ...)                                                                         \
    static const struct gf_fake_answer answers[] = {__VA_ARGS__};                                  \
    begin(answers, GF_ARRAY_COUNT(answers), script)

static enum gf_exit_code run(const char *words) {
    (void)snprintf(line, sizeof(line), "extension dev %s %s", program, words);
    const enum gf_exit_code code = gf_fixture_run(&fixture, line);
    gf_fixture_flush(&fixture);
    return code;
}

static void end(void) {
    gf_fixture_fini(&fixture);
    gf_fake_server_stop(&fake);
    (void)remove(program);
    (void)remove(folder);
}

Test(extension_dev, gives_the_program_what_it_needs_and_shows_what_it_prints) {
    BEGIN("echo \"id=$GOFER_EXTENSION_ID token=$GOFER_TOKEN tls=$GOFER_TLS word=$1\"; printf last",
          NOT_INSTALLED, INSTALLS, GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run("--no-restart -s interval=5s --role reader -- word"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.err, "folder | id=folder token=gfr_e_text tls=0 word=word\n"),
                       "%s", fixture.err);
    cr_expect_not_null(strstr(fixture.err, "folder | last\n"), "%s", fixture.err);
    cr_expect_not_null(strstr(gf_fake_request(&fake, "InstallExtension"), "\"interval\":\"5s\""));
    cr_expect_not_null(strstr(gf_fake_request(&fake, "CreateToken"), "TOKEN_KIND_EXTENSION"));
    cr_expect_not_null(strstr(gf_fake_request(&fake, "CreateToken"), "\"roleIds\":[\"reader\"]"));
    end();
}

Test(extension_dev, takes_away_what_it_made) {
    BEGIN("exit 3", NOT_INSTALLED, INSTALLS, GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run("--no-restart"), GF_EXIT_FAILED);
    cr_expect_not_null(strstr(gf_fake_request(&fake, "DeleteToken"), "tok_1"));
    cr_expect_not_null(strstr(gf_fake_request(&fake, "UninstallExtension"), "\"force\":true"));
    end();
}

Test(extension_dev, keeps_what_it_did_not_install) {
    BEGIN("exit 0",
          {.method = "GetExtension", .json = "{\"extension\":{\"extensionId\":\"folder\"}}"},
          GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run("--no-restart"), GF_EXIT_OK);
    cr_expect_str_eq(gf_fake_request(&fake, "UninstallExtension"), "");
    cr_expect_not_null(strstr(gf_fake_request(&fake, "DeleteToken"), "tok_1"));
    end();
}

Test(extension_dev, leaves_it_installed_when_asked_to) {
    BEGIN("exit 0", NOT_INSTALLED, INSTALLS, GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run("--no-restart --keep"), GF_EXIT_OK);
    cr_expect_str_eq(gf_fake_request(&fake, "UninstallExtension"), "");
    end();
}

Test(extension_dev, leaves_one_with_an_image_alone) {
    BEGIN("exit 0", {.method = "GetExtension",
                     .json = "{\"extension\":{\"extensionId\":\"folder\",\"image\":\"cron:1\"}}"});
    cr_expect_eq(run("--no-restart"), GF_EXIT_CONFLICT);
    cr_expect_not_null(strstr(fixture.err, "--id"), "%s", fixture.err);
    end();
}

/* The program replaces its own file, as a compiler would; the new one ends the command by Ctrl-C.
 */
Test(extension_dev, runs_a_program_anew_when_its_file_changes) {
    BEGIN("echo first\n"
          "printf '#!/bin/sh\\necho second\\nkill -INT $PPID\\nsleep 60\\n' >$0.new\n"
          "chmod 755 $0.new\n"
          "mv $0.new $0\n"
          "sleep 60",
          NOT_INSTALLED, INSTALLS, GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run(""), GF_EXIT_OK);
    const char *first = strstr(fixture.err, "folder | first\n");
    cr_assert_not_null(first, "%s", fixture.err);
    cr_expect_not_null(strstr(first, "folder | second\n"), "%s", fixture.err);
    cr_expect_not_null(strstr(gf_fake_request(&fake, "DeleteToken"), "tok_1"));
    end();
}

Test(extension_dev, takes_away_what_it_made_after_impatient_signals) {
    BEGIN("trap '' TERM\n"
          "kill -HUP $PPID\n"
          "while :; do kill -INT $PPID; sleep 0.01; done",
          NOT_INSTALLED, INSTALLS, GIVES_TOKEN, DELETES_TOKEN, UNINSTALLS);
    cr_expect_eq(run("--no-restart"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.err, "is killed"), "%s", fixture.err);
    cr_expect_not_null(strstr(gf_fake_request(&fake, "DeleteToken"), "tok_1"));
    cr_expect_not_null(strstr(gf_fake_request(&fake, "UninstallExtension"), "folder"));
    end();
}

Test(extension_dev, names_what_it_could_not_take_away) {
    BEGIN("exit 0", NOT_INSTALLED, INSTALLS, GIVES_TOKEN,
          {.method = "DeleteToken", .code = GF_UNAVAILABLE, .message = "the server is stopping"},
          {.method = "UninstallExtension", .code = GF_UNAVAILABLE, .message = "it is stopping"});
    cr_expect_eq(run("--no-restart"), GF_EXIT_OK);
    cr_expect_not_null(strstr(fixture.err, "gofer token delete tok_1"), "%s", fixture.err);
    cr_expect_not_null(strstr(fixture.err, "gofer extension uninstall folder"), "%s", fixture.err);
    end();
}

Test(extension_dev, says_that_a_file_is_no_program) {
    static const struct gf_fake_answer none[1] = {{.method = "GetExtension", .json = "{}"}};
    begin(none, 1, "exit 0");
    cr_assert_eq(chmod(program, 0644), 0);
    cr_expect_eq(run(""), GF_EXIT_CONFLICT);
    cr_expect_not_null(strstr(fixture.err, "chmod +x"), "%s", fixture.err);
    end();
}

Test(extension_dev, names_the_program_that_is_not_there) {
    static const struct gf_fake_answer none[1] = {{.method = "GetExtension", .json = "{}"}};
    begin(none, 1, "exit 0");
    cr_expect_eq(gf_fixture_run(&fixture, "extension dev ./no-such-program"), GF_EXIT_NOT_FOUND);
    gf_fixture_flush(&fixture);
    cr_expect_not_null(strstr(fixture.err, "no-such-program"), "%s", fixture.err);
    end();
}
