#include "base/sync.h"
#include "cli/secret_input.h"
#include "cli/testing/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <criterion/criterion.h>

static struct gf_cli_fixture fixture;
static struct gf_secret_value value;
static struct gf_error err;

static void setup(void) {
    static const struct gf_command_set none;
    gf_fixture_init(&fixture, &none, NULL);
    gf_secret_value_init(&value);
}

static void teardown(void) {
    gf_secret_value_fini(&value);
    gf_fixture_fini(&fixture);
}

TestSuite(secret_input, .init = setup, .fini = teardown);

static enum gf_code read_piped(const char *text, bool exact) {
    const struct gf_cli_secret_input input = {.exact = exact, .prompt = "value"};
    gf_secret_value_truncate(&value, 0);
    gf_fixture_input(&fixture, text);
    return gf_read_secret(&fixture.cli, &input, &value, &err);
}

Test(secret_input, piped_bytes_lose_one_newline_at_the_end) {
    cr_assert_eq(read_piped("hush\n", false), GF_OK);
    cr_expect_str_eq(value.bytes, "hush");
    cr_assert_eq(read_piped("two\nlines\n\n", false), GF_OK);
    cr_expect_str_eq(value.bytes, "two\nlines\n");
    cr_assert_eq(read_piped("hush", false), GF_OK);
    cr_expect_str_eq(value.bytes, "hush");
    cr_assert_eq(read_piped("hush\r\n", false), GF_OK);
    cr_expect_str_eq(value.bytes, "hush\r");
}

Test(secret_input, exact_bytes_lose_nothing) {
    cr_assert_eq(read_piped("hush\n", true), GF_OK);
    cr_expect_str_eq(value.bytes, "hush\n");
}

Test(secret_input, nothing_is_no_value) {
    cr_expect_eq(read_piped("", false), GF_INVALID_ARGUMENT);
    cr_expect_eq(read_piped("\n", false), GF_INVALID_ARGUMENT);
    cr_expect_str_eq(err.message, "standard input: there is nothing in it");
}

Test(secret_input, a_file_is_taken_to_the_last_byte) {
    char path[] = "/tmp/secret-input-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, "a\0b\n", 4), 4);
    cr_assert_eq(close(fd), 0);
    const struct gf_cli_secret_input input = {.file = path};
    cr_expect_eq(gf_read_secret(&fixture.cli, &input, &value, &err), GF_OK);
    cr_assert_eq(value.size, 4);
    cr_expect_arr_eq(value.bytes, "a\0b\n", 4);
    cr_assert_eq(unlink(path), 0);
    const struct gf_cli_secret_input missing = {.file = "/nowhere/file"};
    cr_expect_eq(gf_read_secret(&fixture.cli, &missing, &value, &err), GF_NOT_FOUND);
    const struct gf_cli_secret_input folder = {.file = "/tmp"};
    cr_expect_eq(gf_read_secret(&fixture.cli, &folder, &value, &err), GF_INVALID_ARGUMENT);
}

Test(secret_input, a_token_stands_between_white_space) {
    const char *token = NULL;
    gf_fixture_input(&fixture, " gfr_h_x\n\n");
    cr_assert_eq(gf_read_token(&fixture.cli, &token, &err), GF_OK);
    cr_expect_str_eq(token, "gfr_h_x");
}

/* ---- A terminal ---- */

struct terminal {
    int master;
    int slave;
    const char *typed;
    int signal; /* sent instead of the end of the line; 0 = none */
    bool echoed_before;
    bool echoed_while;
    pthread_t typist;
};

static bool echoes(int fd) {
    struct termios settings;
    cr_assert_eq(tcgetattr(fd, &settings), 0);
    return (settings.c_lflag & ECHO) != 0;
}

/* Types once the terminal is quiet, as a person does who waits for the prompt. */
static void *type(void *ctx) {
    struct terminal *terminal = ctx;
    while (echoes(terminal->slave)) {
        (void)usleep(1000);
    }
    terminal->echoed_while = echoes(terminal->slave);
    ssize_t size = write(terminal->master, terminal->typed, strlen(terminal->typed));
    gf_assert(size == (ssize_t)strlen(terminal->typed));
    if (terminal->signal != 0) {
        (void)kill(getpid(), terminal->signal);
    }
    return NULL;
}

static enum gf_code read_typed(struct terminal *terminal) {
    const struct gf_cli_secret_input input = {.prompt = "value of db"};
    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(terminal->master, 0);
    cr_assert_eq(grantpt(terminal->master), 0);
    cr_assert_eq(unlockpt(terminal->master), 0);
    terminal->slave = open(ptsname(terminal->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(terminal->slave, 0);
    terminal->echoed_before = echoes(terminal->slave);
    fixture.cli.in = fdopen(dup(terminal->slave), "re");
    fixture.cli.in_is_terminal = true;
    fixture.owns_in = true;
    gf_thread_start(&terminal->typist, "typist", type, terminal);
    enum gf_code rc = gf_read_secret(&fixture.cli, &input, &value, &err);
    gf_thread_join(terminal->typist);
    gf_fixture_flush(&fixture);
    return rc;
}

Test(secret_input, what_is_typed_is_not_shown, .timeout = 20) {
    struct terminal terminal = {.typed = "hush hush\nrest\n"};
    cr_assert_eq(read_typed(&terminal), GF_OK, "%s", err.message);
    cr_expect_str_eq(value.bytes, "hush hush");
    cr_expect_str_eq(fixture.err, "value of db (not shown): \n");
    cr_expect(terminal.echoed_before);
    cr_expect_not(terminal.echoed_while);
    cr_expect(echoes(terminal.slave), "the terminal is as it was");
    char shown[64] = {0};
    cr_assert_eq(fcntl(terminal.master, F_SETFL, O_NONBLOCK), 0);
    (void)!read(terminal.master, shown, sizeof(shown) - 1);
    cr_expect_null(strstr(shown, "hush"));
}

static volatile sig_atomic_t handled;

static void handle(int number) {
    handled = number;
}

Test(secret_input, a_signal_finds_the_terminal_as_it_was, .timeout = 20) {
    struct terminal terminal = {.typed = "hus", .signal = SIGTERM};
    const struct sigaction action = {.sa_handler = handle};
    cr_assert_eq(sigaction(SIGTERM, &action, NULL), 0);
    cr_expect_eq(read_typed(&terminal), GF_CANCELLED);
    cr_expect_eq(handled, SIGTERM, "it means what it meant before");
    cr_expect(echoes(terminal.slave));
}

Test(secret_input, lines_that_a_terminal_would_cut_are_refused, .timeout = 20) {
    static char typed[4200];
    memset(typed, 'a', sizeof(typed) - 2);
    typed[sizeof(typed) - 2] = '\n';
    struct terminal terminal = {.typed = typed};
    cr_expect_eq(read_typed(&terminal), GF_INVALID_ARGUMENT);
    cr_expect_not_null(strstr(err.message, "use a file or a pipe"));
    cr_expect(echoes(terminal.slave));
}
