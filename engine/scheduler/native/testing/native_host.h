/*
 * For tests: a native scheduler with all that it needs, on a directory of its own, and an engine's
 * ears: what it reports is kept and can be waited for. Used by Criterion tests and by plain
 * programs, so it aborts on failures that are not a test's subject.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_HOST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_HOST_H_

#include "base/pool.h"
#include "base/reactor.h"
#include "base/sync.h"
#include "base/vec.h"
#include "engine/logs/log_store.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/protocol.h"

#include <stdbool.h>

enum {
    NATIVE_HOST_WAIT_MS = 30000,
    NATIVE_HOST_POOL_THREADS = 4,
};

/* Name of the image that native_host_make_image makes. */
#define NATIVE_HOST_IMAGE "busybox:latest"
/* Another one of it: entrypoint `echo entry`, command `from image`, user worker, directory /tmp. */
#define NATIVE_HOST_ENTRY_IMAGE "entry:latest"

enum native_event_kind {
    NATIVE_STARTED = 1,
    NATIVE_EXITED,
    NATIVE_LAUNCH_FAILED,
    NATIVE_LOST,
    NATIVE_NEVER_STARTED,
};

struct native_event {
    enum native_event_kind kind;
    struct gf_attempt attempt;
    struct gf_exit exit;            /* its failure points to `text` */
    enum gf_launch_failure failure; /* of LAUNCH_FAILED */
    uint32_t missing_protections;   /* of STARTED */
    char *text;                     /* a message or a failure; on the heap */
    int64_t mono_ns;                /* when it was reported */
};

struct native_host {
    char *dir;
    struct gf_reactor *reactor;
    struct gf_pool *pool;
    struct gf_log_store *logs;
    struct gf_image_store *images;
    struct gf_native *native;
    struct gf_scheduler scheduler;
    struct gf_scheduler_events events;
    /* Of launches to come; set by the test. */
    struct gf_str input;         /* borrowed; NULL in it = none */
    const char *variable;        /* "KEY=value", sorts behind "B"; borrowed; NULL = none */
    const struct gf_str *masked; /* values to mask; borrowed */
    size_t masked_count;
    bool task_api;
    int64_t stop_timeout_ms; /* where the task has none; 0 = the default */
    struct gf_mutex mutex;   /* of the rest */
    struct gf_cond changed;
    GF_VEC(struct native_event) seen;
};

/* What native_driver gives its containers. */
#define NATIVE_DRIVER_INPUT "the input of a run\n"
enum {
    NATIVE_DRIVER_STOP_MS = 1000
};

/* Puts an image store with both into dir/images; the digest of the first is 64 times 'a'. */
void native_host_make_image(const char *dir);

/* Opens everything below dir, which exists. Call scheduler.ops->recover before the first launch. */
void native_host_open(struct native_host *host, const char *dir);
/* The same with options; what the host sets itself is replaced, but for events where there are any:
 * then the host hears nothing. */
void native_host_open_with(struct native_host *host, const char *dir,
                           struct gf_native_options options);

/* Ends it as a server ends: containers stay as they are. */
void native_host_close(struct native_host *host);

/* Launches a task; `task` may be NULL: then `sh -c script`. run_key of the attempt is its run_id.
 */
void native_host_launch(struct native_host *host, struct gf_attempt attempt, const char *script);
void native_host_launch_task(struct native_host *host, struct gf_attempt attempt,
                             const struct gf_task *task);

/*
 * Waits for the first event of that kind about that attempt and gives a copy, which borrows from
 * the host; kind 0: any end. Aborts after NATIVE_HOST_WAIT_MS, and when the attempt has ended
 * otherwise.
 */
struct native_event native_host_wait(struct native_host *host, struct gf_attempt attempt,
                                     enum native_event_kind kind);

/* Waits until the attempt, which has started, has written some output. */
void native_host_wait_output(struct native_host *host, struct gf_attempt attempt);

/* The newest event about the attempt; kind 0 where there is none. */
struct native_event native_host_last(struct native_host *host, struct gf_attempt attempt);

/* The directory of the image's only layer, below dir; the caller frees it. */
char *native_host_layer(const char *dir);

/* Events of that kind about that attempt; kind 0: all of them. */
size_t native_host_count(struct native_host *host, struct gf_attempt attempt,
                         enum native_event_kind kind);

/* Waits until no directory of an attempt is left. */
void native_host_wait_empty(struct native_host *host);

/* Names of directories in attempts/. */
size_t native_host_count_dirs(const struct native_host *host);

/* The start record of an attempt below dir; its texts are not set. */
struct gf_shim_start native_host_read_start(const char *dir, struct gf_attempt attempt);

/* The standard output of an attempt; the caller frees it. */
char *native_host_read_output(struct native_host *host, struct gf_attempt attempt);
/* The same of a stream. */
char *native_host_read_stream(struct native_host *host, struct gf_attempt attempt,
                              enum gf_log_stream stream);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_NATIVE_HOST_H_ */
