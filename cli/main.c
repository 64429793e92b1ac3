/* The gofer program: sets up what a command is given, and runs it. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/cmd/commands.h"
#include "clients/c/client.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    COLUMNS_DEFAULT = 80,
};

static const char *read_variable(const char *name) {
    return getenv(name);
}

static bool variable_is_set(const char *name) {
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

/* Whether whoever read the answer has gone away, as `head` does when it has what it wants. */
static bool reader_is_gone(int fd) {
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* The width of the terminal; 0 when fd is none. GOFER_FORCE_TTY=80 makes one of anything. */
static int terminal_columns(int fd) {
    int64_t forced = 0;
    if (gf_parse_i64(gf_str_from(getenv("GOFER_FORCE_TTY")), &forced) && forced > 0 &&
        forced <= INT16_MAX) {
        return (int)forced;
    }
    if (!isatty(fd)) {
        return 0;
    }
    struct winsize size = {0};
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : COLUMNS_DEFAULT;
}

static bool wants_colour(bool out_is_terminal) {
    if (variable_is_set("NO_COLOR")) {
        return false;
    }
    if (variable_is_set("CLICOLOR_FORCE")) {
        return true;
    }
    const char *term = getenv("TERM");
    return out_is_terminal && term != NULL && strcmp(term, "dumb") != 0;
}

int main(int argc, char **argv) {
    /* A reader that goes away is an error of write, not the end of the program. */
    (void)signal(SIGPIPE, SIG_IGN);
    /* What gRPC has to say of a connection is in the error, too. */
    gf_log_set_level(GF_LOG_ERROR);
    struct gf_arena arena;
    gf_arena_init(&arena, GF_CLI_ARENA_BYTES_MAX);
    struct gf_cli cli = {
        .commands = &gf_all_commands,
        .in = stdin,
        .out = stdout,
        .err = stderr,
        .in_is_terminal = isatty(STDIN_FILENO) != 0,
        .out_is_terminal = terminal_columns(STDOUT_FILENO) > 0,
        .err_is_terminal = terminal_columns(STDERR_FILENO) > 0,
        .columns = terminal_columns(STDOUT_FILENO),
        .program = argv[0],
        .getenv = read_variable,
        .arena = &arena,
    };
    cli.colour = wants_colour(cli.out_is_terminal);
    size_t word_count = argc > 0 ? (size_t)argc - 1 : 0;
    enum gf_exit_code code = gf_cli_main(&cli, (const char *const *)argv + 1, word_count);
    /* What was flushed before may have failed too. */
    bool complete = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!complete && code == GF_EXIT_OK && !reader_is_gone(STDOUT_FILENO)) {
        fprintf(stderr, "gofer: cannot write the answer\n");
        code = GF_EXIT_FAILED;
    }
    gf_client_destroy(cli.client);
    gf_arena_wipe(&arena); /* tokens, and values that were revealed */
    gf_arena_fini(&arena);
    return (int)code;
}
