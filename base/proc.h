/*
 * Child processes, by posix_spawn: the only way in this tree to start a program (gRPC and threads
 * do not survive a fork, and forking a big process is slow).
 *
 * The child gets exactly what its spec says: standard streams that are not mapped are /dev/null,
 * every other descriptor is closed, no signal is blocked or ignored, the environment is the given
 * one.
 *
 * A started process is watched by its pidfd, which becomes readable when it ends. Each one must be
 * waited for, once. SIGCHLD must not be ignored by the program that uses this.
 *
 * Thread: any; one process by one thread at a time.
 */
#ifndef GOFER_BASE_PROC_H_
#define GOFER_BASE_PROC_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    GF_PROC_FDS_MAX = 16,       /* mapped descriptors of one process */
    GF_PROC_FD_NUMBER_MAX = 63, /* the largest number of a mapped descriptor in the child */
};

/* The parent's descriptor `from` becomes `to` in the child. Borrowed. */
struct gf_proc_fd {
    int from;
    int to;
};

enum gf_proc_group {
    GF_PROC_GROUP_OWN,     /* a process group of its own: signals to it reach its children */
    GF_PROC_GROUP_SESSION, /* a session of its own: no controlling terminal either */
    GF_PROC_GROUP_PARENT,  /* stays with the parent: Ctrl-C of a terminal reaches it too */
};

/* All is borrowed until gf_proc_spawn returns. A zeroed spec with argv and program is complete. */
struct gf_proc_spec {
    const char *program;     /* a path with a '/', as seen from cwd; NULL: program_fd */
    int program_fd;          /* only when program is NULL: an executable file or memfd */
    const char *const *argv; /* ends with NULL; argv[0] is there */
    const char *const *envp; /* ends with NULL; NULL is the empty environment */
    const struct gf_proc_fd *fds;
    size_t fd_count;
    enum gf_proc_group group;
    const char *cwd; /* NULL: the parent's */
};

/* A running process, a value in the caller's memory. Zero pid: none. */
struct gf_proc {
    pid_t pid;
    int pidfd; /* owned; closed by gf_proc_wait */
    bool leads_group;
};

/* How it ended. */
struct gf_proc_exit {
    bool signaled; /* killed by a signal */
    int status;    /* the signal's number when signaled, else the exit code */
};

/*
 * Starts the program. Where program_fd is used, the child finds its own file open as the first
 * descriptor behind the mapped ones (at least 3). On failure nothing was started.
 * Codes: GF_NOT_FOUND (no such program), GF_PERMISSION_DENIED (not executable),
 * GF_RESOURCE_EXHAUSTED (no process or descriptor to be had), GF_INVALID_ARGUMENT (the cwd).
 */
enum gf_code gf_proc_spawn(const struct gf_proc_spec *spec, struct gf_proc *out_proc,
                           struct gf_error *err) GF_MUST_USE;

/*
 * Waits for the end up to deadline_mono_ns (GF_NEVER: without end, 0: looks only), reaps the
 * process and closes the pidfd. Code: GF_DEADLINE_EXCEEDED (it still runs; wait again).
 */
enum gf_code gf_proc_wait(struct gf_proc *proc, int64_t deadline_mono_ns,
                          struct gf_proc_exit *out_exit, struct gf_error *err) GF_MUST_USE;

/* Sends a signal to the process, or to its whole group where it leads one. Not yet waited for. */
void gf_proc_signal(const struct gf_proc *proc, int signal_number);

/* Kills the process (its whole group where it leads one) and reaps it. Accepts a zero pid. */
void gf_proc_kill(struct gf_proc *proc);

/*
 * Runs the program to its end and appends its standard output to out_stdout (spec->fds must not map
 * descriptor 1). At the deadline, or when the output passes the buffer's limit, it is killed. What
 * it leaves behind in its group is killed as well, and the output of that is not waited for.
 * Codes: those of gf_proc_spawn, GF_DEADLINE_EXCEEDED, GF_OUT_OF_RANGE (too much output). Any exit
 * status is GF_OK: see out_exit.
 */
enum gf_code gf_proc_run(const struct gf_proc_spec *spec, int64_t deadline_mono_ns,
                         struct gf_strbuf *out_stdout, struct gf_proc_exit *out_exit,
                         struct gf_error *err) GF_MUST_USE;

/* "exit code 1", "killed by SIGKILL", for messages. Gives `out`. */
enum {
    GF_PROC_EXIT_BYTES_MAX = 48
};
char *gf_proc_exit_format(struct gf_proc_exit status, char out[GF_PROC_EXIT_BYTES_MAX]);

#endif /* GOFER_BASE_PROC_H_ */
