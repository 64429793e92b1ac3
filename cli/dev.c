/*
 * DESIGN. One loop waits for the program's output, its end, a change of its file and a signal. The
 * folder is watched, not the file: compilers write a new file and rename it. A change starts a
 * short pause, because files are written in pieces; the program is replaced when it is over.
 */
#include "cli/dev.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
    SETTLE_MS = 300, /* a file that changed is complete when it was left alone for so long */
    EVENTS_BYTES_MAX = 16 * 1024,
};

struct dev {
    struct gf_cli *cli;
    const struct gf_dev_options *options;
    int watch_fd;
    int output_fd; /* -1: nothing runs */
    struct gf_proc program;
    bool is_running;
    bool is_over;
    int64_t change_mono_ns; /* when a change counts; GF_NEVER: there is none */
    struct gf_strbuf line;
    enum gf_exit_code exit_code;
};

/* True when the end is wanted, once for each time that somebody said so. */
static bool take_stop(const struct dev *dev) {
    uint64_t count = 0;
    return read(dev->options->stop_fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

/* ---- What it prints ---- */

static void flush_line(struct dev *dev) {
    (void)fprintf(dev->cli->err, "%s | %.*s\n", dev->options->prefix, (int)dev->line.len,
                  dev->line.len > 0 ? dev->line.ptr : "");
    gf_strbuf_reset(&dev->line);
}

static void take_bytes(struct dev *dev, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n' || dev->line.len == GF_DEV_LINE_BYTES_MAX - 1) {
            flush_line(dev);
        }
        if (bytes[i] != '\n') {
            gf_strbuf_append_char(&dev->line, bytes[i]);
        }
    }
    (void)fflush(dev->cli->err);
}

/* Reads what there is; false when there will be no more. */
static bool take_output(struct dev *dev) {
    char bytes[4096];
    const ssize_t got = read(dev->output_fd, bytes, sizeof(bytes));
    if (got > 0) {
        take_bytes(dev, bytes, (size_t)got);
    }
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* What its end has left in the pipe. Others that it started may hold the pipe open. */
static void take_rest(struct dev *dev) {
    struct pollfd fd = {.fd = dev->output_fd, .events = POLLIN};
    while (poll(&fd, 1, 0) > 0 && take_output(dev)) {
    }
    if (dev->line.len > 0) {
        flush_line(dev);
    }
    gf_close(&dev->output_fd);
}

/* ---- Start and end ---- */

static enum gf_code start(struct dev *dev, struct gf_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, GF_RESOURCE_EXHAUSTED, errno, "no pipe for the program");
    }
    const struct gf_proc_fd fds[] = {{.from = ends[1], .to = STDOUT_FILENO},
                                     {.from = ends[1], .to = STDERR_FILENO}};
    const struct gf_proc_spec spec = {
        .program = dev->options->program,
        .argv = dev->options->argv,
        .envp = dev->options->envp,
        .fds = fds,
        .fd_count = GF_ARRAY_COUNT(fds),
    };
    const enum gf_code rc = gf_proc_spawn(&spec, &dev->program, err);
    gf_close(&ends[1]);
    if (rc != GF_OK) {
        gf_close(&ends[0]);
        return rc;
    }
    dev->output_fd = ends[0];
    dev->is_running = true;
    return GF_OK;
}

/* Starts it for the first time or anew; what does not start may when its file changes again. */
static void start_or_tell(struct dev *dev) {
    struct gf_error err = {0};
    if (start(dev, &err) == GF_OK) {
        return;
    }
    if (dev->options->no_restart) {
        dev->exit_code = gf_cli_fail(dev->cli, &err);
        dev->is_over = true;
    } else {
        gf_cli_note(dev->cli, "%s; waiting for %s to change", err.message, dev->options->program);
    }
}

static void ended(struct dev *dev, struct gf_proc_exit how) {
    char text[GF_PROC_EXIT_BYTES_MAX];
    dev->is_running = false;
    take_rest(dev);
    if (dev->is_over) {
        return;
    }
    if (dev->options->no_restart) {
        gf_cli_note(dev->cli, "%s ended with %s", dev->options->program,
                    gf_proc_exit_format(how, text));
        dev->exit_code = how.signaled || how.status != 0 ? GF_EXIT_FAILED : GF_EXIT_OK;
        dev->is_over = true;
        return;
    }
    gf_cli_note(dev->cli, "%s ended with %s; waiting for it to change", dev->options->program,
                gf_proc_exit_format(how, text));
}

/* Ends it, with what it says on its way. */
static void stop(struct dev *dev) {
    struct gf_proc_exit how;
    const int64_t deadline = gf_deadline_after_ms(gf_mono_ns(), GF_DEV_STOP_MS);
    if (!dev->is_running) {
        return;
    }
    gf_proc_signal(&dev->program, SIGTERM);
    for (;;) {
        struct pollfd fds[] = {{.fd = dev->program.pidfd, .events = POLLIN},
                               {.fd = dev->output_fd, .events = POLLIN},
                               {.fd = dev->options->stop_fd, .events = POLLIN}};
        const int64_t left_ms = (deadline - gf_mono_ns()) / GF_NS_PER_MS;
        if (left_ms <= 0) {
            gf_cli_note(dev->cli, "%s did not end within %d s and is killed", dev->options->program,
                        GF_DEV_STOP_MS / 1000);
            gf_proc_kill(&dev->program);
            break;
        }
        (void)poll(fds, GF_ARRAY_COUNT(fds), (int)left_ms);
        if (fds[2].revents != 0 && take_stop(dev)) {
            if (dev->is_over) {
                gf_cli_note(dev->cli, "%s is killed", dev->options->program);
                gf_proc_kill(&dev->program);
                break;
            }
            dev->is_over = true; /* while it is being replaced */
        }
        if (fds[1].revents != 0 && !take_output(dev)) {
            gf_close(&dev->output_fd);
        }
        if (fds[0].revents != 0 && gf_proc_wait(&dev->program, 0, &how, NULL) == GF_OK) {
            break;
        }
    }
    dev->is_running = false;
    take_rest(dev);
}

/* ---- The file ---- */

static enum gf_code watch(struct dev *dev, struct gf_error *err) {
    const char *program = dev->options->program;
    const size_t length = (size_t)(strrchr(program, '/') - program);
    const char *folder = gf_arena_str(dev->cli->arena, (struct gf_str){program, length + 1}).ptr;
    dev->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (dev->watch_fd < 0 ||
        inotify_add_watch(dev->watch_fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "'%s' cannot be watched",
                             folder);
    }
    return GF_OK;
}

static void take_changes(struct dev *dev) {
    char bytes[EVENTS_BYTES_MAX] __attribute__((aligned(__alignof__(struct inotify_event))));
    const char *name = strrchr(dev->options->program, '/') + 1;
    const ssize_t got = read(dev->watch_fd, bytes, sizeof(bytes));
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const void *)(bytes + at);
        if (event->len > 0 && strcmp(event->name, name) == 0) {
            dev->change_mono_ns = gf_deadline_after_ms(gf_mono_ns(), SETTLE_MS);
        }
        at += (ssize_t)(sizeof(*event) + event->len);
    }
}

static void replace(struct dev *dev) {
    dev->change_mono_ns = GF_NEVER;
    gf_cli_note(dev->cli, "%s has changed and is run anew", dev->options->program);
    stop(dev);
    if (!dev->is_over) {
        start_or_tell(dev);
    }
}

/* ---- The loop ---- */

static void turn(struct dev *dev) {
    struct pollfd fds[] = {
        {.fd = dev->options->stop_fd, .events = POLLIN},
        {.fd = dev->watch_fd, .events = POLLIN},
        {.fd = dev->output_fd, .events = POLLIN},
        {.fd = dev->is_running ? dev->program.pidfd : -1, .events = POLLIN},
    };
    struct gf_proc_exit how;
    const int64_t left_ms = dev->change_mono_ns == GF_NEVER
                                ? -1
                                : (dev->change_mono_ns - gf_mono_ns()) / GF_NS_PER_MS + 1;
    const bool waits = dev->change_mono_ns == GF_NEVER || left_ms > 0;
    (void)poll(fds, GF_ARRAY_COUNT(fds), waits ? (int)left_ms : 0);
    if (fds[0].revents != 0 && take_stop(dev)) {
        dev->is_over = true;
        stop(dev);
        return;
    }
    if (fds[1].revents != 0) {
        take_changes(dev);
    }
    if (fds[2].revents != 0 && !take_output(dev)) {
        gf_close(&dev->output_fd);
    }
    if (fds[3].revents != 0 && gf_proc_wait(&dev->program, 0, &how, NULL) == GF_OK) {
        ended(dev, how);
    }
    if (gf_mono_ns() >= dev->change_mono_ns) {
        replace(dev);
    }
}

enum gf_exit_code gf_dev_run(struct gf_cli *cli, const struct gf_dev_options *options) {
    struct gf_error err = {0};
    struct dev dev = {
        .cli = cli,
        .options = options,
        .watch_fd = -1,
        .output_fd = -1,
        .change_mono_ns = GF_NEVER,
        .exit_code = GF_EXIT_OK,
    };
    gf_strbuf_init(&dev.line, GF_DEV_LINE_BYTES_MAX);
    if (!options->no_restart && watch(&dev, &err) != GF_OK) {
        dev.exit_code = gf_cli_fail(cli, &err);
    } else {
        start_or_tell(&dev);
        while (!dev.is_over) {
            turn(&dev);
        }
    }
    gf_close(&dev.watch_fd);
    gf_strbuf_fini(&dev.line);
    return dev.exit_code;
}
