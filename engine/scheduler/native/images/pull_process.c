/*
 * DESIGN
 * The output is read to its end, then the process is waited for: it ends when it has closed its
 * output. One that hangs there is killed by the deadline of its pull. Whatever comes, `ended` is
 * called when nothing of the process is left, so that who counts processes counts right.
 */
#include "engine/scheduler/native/images/pull_process.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_BYTES = 4096
};

enum gf_code gf_pull_spawn(const char *program, const char *store_dir, int request_fd,
                           struct gf_pull_child *out, struct gf_error *err) {
    const char *const argv[] = {"gofer-fetch", "pull", "--store", store_dir, NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return gf_fail_errno(err, gf_code_from_errno(errno), errno, "pipe");
    }
    GF_CLEANUP(gf_close_p) int read_fd = ends[0];
    GF_CLEANUP(gf_close_p) int write_fd = ends[1];
    const struct gf_proc_fd fds[] = {{request_fd, STDIN_FILENO}, {write_fd, STDOUT_FILENO}};
    const struct gf_proc_spec spec = {
        .program = program, .argv = argv, .fds = fds, .fd_count = GF_ARRAY_COUNT(fds)};
    struct gf_proc proc;
    enum gf_code rc = gf_fd_set_nonblocking(read_fd, true, err);
    if (rc == GF_OK) {
        rc = gf_proc_spawn(&spec, &proc, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "gofer-fetch");
    }
    *out = (struct gf_pull_child){.proc = proc, .output_fd = gf_take_fd(&read_fd)};
    return GF_OK;
}

void gf_pull_child_kill(struct gf_pull_child *child) {
    gf_proc_kill(&child->proc);
    gf_close(&child->output_fd);
}

static void finish(struct gf_pull_process *process) {
    struct gf_error error = process->error;
    struct gf_pull_result result = {.failed = true};
    struct gf_proc_exit status = {0};
    char text[GF_PROC_EXIT_BYTES_MAX];
    gf_watch_stop(&process->end_watch);
    (void)!gf_proc_wait(&process->child.proc, GF_NEVER, &status, NULL);
    process->child.proc = (struct gf_proc){.pid = 0};
    if (error.code == GF_OK && process->output.rest.len == 0) {
        (void)gf_fail(&error, GF_INTERNAL, "gofer-fetch ended without a result: %s",
                      gf_proc_exit_format(status, text));
    } else if (error.code == GF_OK && gf_pull_result_parse(gf_strbuf_view(&process->output.rest),
                                                           &result, &error) != GF_OK) {
        (void)gf_wrap(&error, "the result of gofer-fetch");
    }
    process->ended(process, &error, &result);
}

static void on_end(struct gf_watch *watch, uint32_t events, void *ctx) {
    (void)watch;
    (void)events;
    finish(ctx);
}

/* The output has ended, or is not worth reading any more. */
static void await_end(struct gf_pull_process *process) {
    gf_watch_stop(&process->output_watch);
    gf_close(&process->child.output_fd);
    struct gf_error error;
    if (gf_watch_start(process->reactor, &process->end_watch, process->child.proc.pidfd, EPOLLIN,
                       on_end, process, &error) != GF_OK) {
        gf_proc_signal(&process->child.proc, SIGKILL);
        finish(process);
    }
}

static void on_output(struct gf_watch *watch, uint32_t events, void *ctx) {
    struct gf_pull_process *process = ctx;
    char bytes[READ_BYTES];
    (void)watch;
    (void)events;
    const ssize_t size = read(process->child.output_fd, bytes, sizeof(bytes));
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (size <= 0) {
        await_end(process);
        return;
    }
    bool changed = false;
    if (gf_pull_output_add(&process->output, (struct gf_str){bytes, (size_t)size}, &changed,
                           &process->error) != GF_OK) {
        gf_proc_signal(&process->child.proc, SIGKILL);
        await_end(process);
    } else if (changed) {
        process->progress(process, &process->output.progress);
    }
}

static void start_failed(void *ctx) {
    finish(ctx);
}

void gf_pull_process_start(struct gf_pull_process *process, struct gf_reactor *reactor,
                           struct gf_pull_child child) {
    process->reactor = reactor;
    process->child = child;
    gf_pull_output_init(&process->output);
    if (gf_watch_start(reactor, &process->output_watch, child.output_fd, EPOLLIN, on_output,
                       process, &process->error) != GF_OK) {
        gf_proc_signal(&process->child.proc, SIGKILL);
        (void)gf_reactor_post(reactor, start_failed, process);
    }
}

void gf_pull_process_kill(struct gf_pull_process *process) {
    if (process->child.proc.pid != 0) {
        gf_proc_signal(&process->child.proc, SIGKILL);
    }
}

void gf_pull_process_fini(struct gf_pull_process *process) {
    gf_watch_stop(&process->output_watch);
    gf_watch_stop(&process->end_watch);
    if (process->reactor != NULL) {
        gf_pull_child_kill(&process->child);
        gf_pull_output_fini(&process->output);
    }
}
