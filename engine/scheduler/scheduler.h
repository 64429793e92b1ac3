/*
 * The scheduler port: what the engine needs from something that runs containers.
 *
 * A back end is one folder that implements `struct gf_scheduler_ops` and nothing else knows of it.
 * The engine calls down with launch, stop and forget; the back end reports up through `struct
 * gf_scheduler_events`. For every attempt that was launched the back end reports exactly one end:
 * exited, launch_failed or lost; before that, at most one `started`. A report for an attempt that
 * the engine has given up is ignored by its fencing number, so that a back end may report late; a
 * late `started` is answered with a forced stop, a late end with forget.
 *
 * After a restart of the server the engine calls recover() with all attempts that may have a
 * container, before any launch. What a back end must be able to tell about each of them then:
 *   - it runs (`started` again, and later its end),
 *   - it ended (`exited`, from records that survive the server),
 *   - it was never started and never will be (`never_started`: the engine launches it again with
 * the same number),
 *   - or it cannot be found (`lost`: the attempt is FAILED, ORPHANED, and made again where the task
 *     allows it).
 * So a back end keeps, per attempt and across its own restarts, whether anything was started and
 * how it ended, until forget(). It never starts an attempt twice, and an attempt whose record it
 * cannot find it never calls never_started unless nothing can have been started.
 * Containers that the engine does not name are not known to it: they are ended and removed.
 */
#ifndef GOFER_ENGINE_SCHEDULER_SCHEDULER_H_
#define GOFER_ENGINE_SCHEDULER_SCHEDULER_H_

#include "base/error.h"
#include "engine/core/core.h"
#include "engine/scheduler/session.h"

#define GF_INPUT_PATH "/run/gofer/input"
/* The directory of the listener for tasks, and its socket, as a container sees them. */
#define GF_TASK_API_DIR "/run/gofer/api"
#define GF_TASK_API_HOST "unix:" GF_TASK_API_DIR "/gofer.sock"

enum {
    GF_RING_LOG_BYTES_DEFAULT = 8 << 20,
};

/*
 * Everything a container needs. Borrowed for the call of launch(); the back end copies what it
 * keeps. `environment` is final: merged, sorted, without duplicates, "KEY=value" NUL-terminated.
 */
struct gf_launch {
    struct gf_attempt attempt;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t pipeline_key;
    int64_t run_id;
    const struct gf_task *task;
    const char *const *environment;
    size_t environment_count;
    int64_t timeout_ms;      /* of the attempt; 0 = none. The back end ends it then. */
    int64_t stop_timeout_ms; /* between SIGTERM and SIGKILL, whatever the reason; above 0 */
    /*
     * The run's document: a file that the container finds, read-only, at GF_INPUT_PATH. NULL =
     * none. GOFER_INPUT is in the environment then.
     */
    const struct gf_str *input;
    /*
     * The environment holds secrets. Their values, to be masked in the log before it is written;
     * the strings and those of `environment` are in guarded memory (engine/secrets/guarded.h): what
     * a back end keeps of them it keeps out of files, arguments, its own environment and core
     * dumps, and wipes. Values that are too short to be masked (base/mask.h) may be among them. A
     * back end that cannot mask what there is fails the launch; one that runs no programs has
     * nothing to mask.
     */
    const struct gf_str *masked;
    size_t masked_count; /* 0 = the launch has no secret */
    /*
     * The container finds the listener for tasks in GF_TASK_API_DIR, whatever its user, and also
     * when the server was started again. Where a back end has none to offer the launch fails.
     */
    bool task_api;
    bool disable_logs; /* no output is kept, as the task or its pipeline wants it */
    /*
     * The program has no end: its log is a ring (base/logframe.h) of so many bytes on the disk, at
     * least GF_LOGFRAME_RING_BYTES_MIN; where the file system cannot do that it is cut as any
     * other. Of the attempts before this one GF_RING_LOGS_KEPT - 1 (log_store.h) logs stay. 0 = no
     * ring.
     */
    int64_t ring_log_bytes;
    /*
     * Who the task is at the registry of its image: both empty where it does not say. Secrets were
     * filled in: the strings are in guarded memory, to be treated as `environment`.
     */
    struct gf_str registry_user;
    struct gf_str registry_password;
};

/*
 * How a back end reports. Thread: any; never called from inside launch(), stop(), forget() or
 * recover() on the engine thread's stack — the null scheduler, which has no thread, is the
 * exception and may. The structs are borrowed for the call.
 */
struct gf_scheduler_events {
    void *ctx;
    void (*started)(void *ctx, struct gf_attempt attempt, const struct gf_start *start);
    void (*exited)(void *ctx, struct gf_attempt attempt, const struct gf_exit *exit,
                   struct gf_str image_digest, struct gf_str node);
    void (*launch_failed)(void *ctx, struct gf_attempt attempt, enum gf_launch_failure failure,
                          struct gf_str message);
    void (*lost)(void *ctx, struct gf_attempt attempt, struct gf_str message);
    void (*never_started)(void *ctx, struct gf_attempt attempt);
};

struct gf_scheduler_ops {
    const char *name; /* "native", "null" */

    /*
     * Whether programs have logs (engine/logs): then that of an attempt is there before its program
     * starts, whatever it writes; but of a launch with disable_logs there is none.
     */
    bool has_logs;

    /* Starts an attempt; the outcome is reported. Never blocks, never fails. Thread: engine. */
    void (*launch)(void *self, const struct gf_launch *launch);

    /*
     * Ends an attempt: SIGTERM, then SIGKILL after the launch's stop_timeout_ms; `force` kills at
     * once, also where a stop is under way. Its end is reported by `exited` with `stopped` set. An
     * attempt that is not known or has ended is ignored. Never blocks. Thread: engine.
     */
    void (*stop)(void *self, struct gf_attempt attempt, bool force);

    /*
     * The end of the attempt is durable: its records may go. Where its end was not reported the
     * engine has given it up: whatever is left of it is ended by force, and need not be reported.
     * Never blocks. Thread: engine.
     */
    void (*forget)(void *self, struct gf_attempt attempt);

    /*
     * Somebody wonders about an attempt: reports `started` (again) if its container runs, its end
     * if it has ended, never_started, or lost. It may be one that the back end does not know.
     * Answers in any case, also when what it reports was reported before. Never blocks. Thread:
     * engine.
     */
    void (*inquire)(void *self, struct gf_attempt attempt);

    /* See above. Called once, before the first launch. May block. Thread: engine. */
    void (*recover)(void *self, const struct gf_attempt *attempts, size_t count);

    /*
     * Whether an image reference can be run here with that pull policy. GF_NOT_FOUND with a
     * sentence that says how to get it, where it is not there and would not be fetched;
     * GF_INVALID_ARGUMENT for a malformed reference; GF_PERMISSION_DENIED for one that may not be
     * used. Thread: any.
     */
    enum gf_code (*check_image)(void *self, struct gf_str image, enum gf_pull_policy pull,
                                struct gf_error *err);

    /*
     * Opens a way into a container: session.h. *out is valid until its close() has been called,
     * which must be, and is set before the first event. NULL in a back end without such ways. Never
     * blocks, never fails. Thread: any.
     */
    void (*open_session)(void *self, const struct gf_session_request *request,
                         const struct gf_session_events *events, struct gf_session **out);
    const struct gf_session_ops *sessions; /* NULL where open_session is */

    /*
     * Stops reporting; containers stay as they are. After it returns no event is called. Thread:
     * any, once, after the engine has stopped.
     */
    void (*stop_reporting)(void *self);
};

/* A back end in use. The ops are static; `self` belongs to whoever made the back end. */
struct gf_scheduler {
    const struct gf_scheduler_ops *ops;
    void *self;
};

#endif /* GOFER_ENGINE_SCHEDULER_SCHEDULER_H_ */
