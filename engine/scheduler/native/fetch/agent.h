/*
 * The process that speaks to registries, as the process that unpacks sees it: it is given files to
 * fill, and says what came of that. What it fills and says is not trusted: everything is checked
 * against digests by whoever started it.
 *
 * Thread: the only one of the program.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_AGENT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_AGENT_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/fetch/registry/client.h"
#include "engine/scheduler/native/fetch/store.h"
#include "engine/scheduler/native/images/pull_request.h"

#include <stdbool.h>
#include <sys/types.h>

struct gf_agent {
    int fd; /* the socket to it, owned; -1: none */
    pid_t pid;
};

/* All is borrowed for the call. */
struct gf_agent_opts {
    const struct gf_pull_request *request; /* with at least one source */
    const char *repository;
    const struct gf_fetch_store *store; /* with a work directory */
    int64_t file_bytes_max;             /* that it may write */
};

/*
 * Starts it, by fork: before this process has given up its own rights. Reads certificates first.
 * Codes: GF_FAILED_PRECONDITION (a file of certificates that cannot be read), those of base/file.h.
 */
enum gf_code gf_agent_start(const struct gf_agent_opts *opts, struct gf_agent *out,
                            struct gf_error *err) GF_MUST_USE;

/* Hands it a job; job->fd is copied and stays the caller's. */
enum gf_code gf_agent_order(const struct gf_agent *agent, const struct gf_registry_job *job,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Waits up to timeout_ms for an answer; *out_got is false when none came. Texts in it are made
 * printable. Codes: GF_INTERNAL (it has ended, or says nonsense), GF_CANCELLED (nobody reads the
 * standard output any more: who asked for the pull was killed).
 */
enum gf_code gf_agent_receive(const struct gf_agent *agent, int timeout_ms, bool *out_got,
                              struct gf_registry_answer *out, struct gf_error *err) GF_MUST_USE;

/* Has it end, and waits for that, but not for long. Accepts one that was not started. */
void gf_agent_stop(struct gf_agent *agent);

/* Private to agent.c and agent_process.c: what it does, up to its end. */
void gf_agent__run(const struct gf_agent_opts *opts, const struct gf_str *cas, int jail_fd,
                   int socket_fd) __attribute__((noreturn));

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_AGENT_H_ */
