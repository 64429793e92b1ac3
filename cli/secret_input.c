/*
 * DESIGN. While a line is typed, the signals that end the program only note that they came: reading
 * stops, the terminal gets back what it had, and then the signal is sent once more, with what it
 * meant before. So a terminal without an echo is never left behind. Ctrl-Z is not taken meanwhile.
 *
 * Bytes are read from the descriptor into guarded memory: the buffer of a stream would keep them.
 */
#include "cli/secret_input.h"

#include "base/file.h"
#include "clients/c/private_file.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    LINE_BYTES_MAX = 4095, /* what the kernel takes of one line */
};

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

enum {
    ENDING_COUNT = GF_ARRAY_COUNT(ending_signals),
};

static volatile sig_atomic_t came; /* the signal, which a handler can tell in no other way */

static void on_signal(int number) {
    came = number;
}

/* What was before. */
struct quiet_terminal {
    int fd;
    struct termios settings;
    struct sigaction ending[ENDING_COUNT];
    struct sigaction stop;
};

static enum gf_code quieten(int fd, struct quiet_terminal *out, struct gf_error *err) {
    out->fd = fd;
    if (tcgetattr(fd, &out->settings) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "the terminal");
    }
    came = 0;
    /* Without SA_RESTART: reading ends when a signal comes. */
    const struct sigaction note = {.sa_handler = on_signal};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        (void)sigaction(ending_signals[i], &note, &out->ending[i]);
    }
    (void)sigaction(SIGTSTP, &ignore, &out->stop);
    struct termios silent = out->settings;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    return GF_OK;
}

static void restore(struct quiet_terminal *terminal) {
    (void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->settings);
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        (void)sigaction(ending_signals[i], &terminal->ending[i], NULL);
    }
    (void)sigaction(SIGTSTP, &terminal->stop, NULL);
}

/* Reads up to the end of the line, or of the input, or until a signal comes. */
static enum gf_code read_line(int fd, struct gf_secret_value *value, struct gf_error *err) {
    const size_t before = value->size;
    while (came == 0) {
        char c = '\0';
        const ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return gf_fail_errno(err, gf_code_from_errno(errno), errno, "the terminal");
        }
        if (got == 0 || c == '\n') {
            break;
        }
        if (value->size - before == LINE_BYTES_MAX - 1 ||
            !gf_secret_value_append(value, (struct gf_str){&c, 1})) {
            return gf_fail(err, GF_INVALID_ARGUMENT,
                           "a terminal takes no more than %d bytes in a line: use a file or a pipe",
                           LINE_BYTES_MAX);
        }
    }
    return GF_OK;
}

static enum gf_code read_typed(struct gf_cli *cli, const char *prompt,
                               struct gf_secret_value *value, struct gf_error *err) {
    struct quiet_terminal terminal;
    const int fd = fileno(cli->in);
    enum gf_code rc = quieten(fd, &terminal, err);
    if (rc != GF_OK) {
        return rc;
    }
    fprintf(cli->err, "%s (not shown): ", prompt);
    (void)fflush(cli->err);
    rc = read_line(fd, value, err);
    restore(&terminal);
    fprintf(cli->err, "\n");
    (void)fflush(cli->err);
    if (came != 0) {
        (void)raise(came);
        return gf_fail(err, GF_CANCELLED, "nothing was done");
    }
    return rc;
}

static enum gf_code read_file(const char *path, struct gf_secret_value *value,
                              struct gf_error *err) {
    GF_CLEANUP(gf_close_p) int fd = -1;
    enum gf_code rc = gf_file_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0, &fd, err);
    if (rc == GF_OK) {
        rc = gf_secret_value_read(value, fd, path, err);
    }
    return rc == GF_FAILED_PRECONDITION
               ? gf_fail(err, GF_INVALID_ARGUMENT,
                         "%s: no file that can be read: is it a directory?", path)
               : rc;
}

static enum gf_code read_piped(struct gf_cli *cli, bool exact, struct gf_secret_value *value,
                               struct gf_error *err) {
    const size_t before = value->size;
    enum gf_code rc = gf_secret_value_read(value, fileno(cli->in), "standard input", err);
    if (rc == GF_OK && !exact && value->size > before && value->bytes[value->size - 1] == '\n') {
        gf_secret_value_truncate(value, value->size - 1);
    }
    return rc;
}

enum gf_code gf_read_secret(struct gf_cli *cli, const struct gf_cli_secret_input *input,
                            struct gf_secret_value *value, struct gf_error *err) {
    const size_t before = value->size;
    enum gf_code rc = GF_OK;
    if (input->file != NULL) {
        rc = read_file(input->file, value, err);
    } else if (cli->in_is_terminal) {
        rc = read_typed(cli, input->prompt, value, err);
    } else {
        rc = read_piped(cli, input->exact, value, err);
    }
    if (rc == GF_OK && value->size == before) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "%s: there is nothing in it",
                       input->file != NULL ? input->file : "standard input");
    }
    return rc;
}

enum gf_code gf_read_token(struct gf_cli *cli, const char **out_token, struct gf_error *err) {
    static const struct gf_cli_secret_input input = {.prompt = "token"};
    GF_CLEANUP(gf_secret_value_fini) struct gf_secret_value value;
    gf_secret_value_init(&value);
    enum gf_code rc = gf_read_secret(cli, &input, &value, err);
    return rc == GF_OK ? gf_token_parse_text((struct gf_str){value.bytes, value.size},
                                             "standard input", cli->arena, out_token, err)
                       : rc;
}
