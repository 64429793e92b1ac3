/*
 * One gofer-fetch that pulls: its process, its output, its end. Used by pulls.c alone, on the
 * reactor's thread where nothing else is said.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_PROCESS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_PROCESS_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/proc.h"
#include "base/reactor.h"
#include "engine/scheduler/native/images/pull_request.h"

/* What a process was started with. A value; owns its descriptors. */
struct gf_pull_child {
    struct gf_proc proc;
    int output_fd; /* -1: none */
};

/*
 * Starts the program with the request as its standard input. Thread: any.
 * Codes: those of gf_proc_spawn.
 */
enum gf_code gf_pull_spawn(const char *program, const char *store_dir, int request_fd,
                           struct gf_pull_child *out, struct gf_error *err) GF_MUST_USE;

/* Kills it and waits for that. Accepts a zeroed one with output_fd -1. Thread: any. */
void gf_pull_child_kill(struct gf_pull_child *child);

/* In the caller's memory, zeroed before the start. */
struct gf_pull_process {
    struct gf_reactor *reactor;
    struct gf_pull_child child;
    struct gf_watch output_watch;
    struct gf_watch end_watch;
    struct gf_pull_output output;
    struct gf_error error; /* of reading the output */
    void (*progress)(struct gf_pull_process *process, const struct gf_pull_progress *progress);
    /* The process is gone. The error says why there is no result, or `result` has it. */
    void (*ended)(struct gf_pull_process *process, const struct gf_error *error,
                  const struct gf_pull_result *result);
};

/* Takes the child over and watches it to its end. `ended` follows, never from within. */
void gf_pull_process_start(struct gf_pull_process *process, struct gf_reactor *reactor,
                           struct gf_pull_child child);

/* Kills it; `ended` follows when it is gone. */
void gf_pull_process_kill(struct gf_pull_process *process);

/* Kills it where it still runs, waits for that and frees everything; `ended` does not follow. */
void gf_pull_process_fini(struct gf_pull_process *process);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_IMAGES_PULL_PROCESS_H_ */
