/*
 * Shared by the files of the native scheduler: its object, and what it knows of one attempt.
 *
 * native.c          the object and the port's functions, called by the engine
 * launch.c          a job of the pool: from a task to a running shim
 * launch_image.c    the image, which may have to be fetched before
 * launch_network.c  the network that goes along
 * birth.c           how a shim is started, with what it is given
 * handover_files.c  the memory files that it is born with
 * attempt.c         an attempt after that, on the reactor's thread
 * report.c          what the engine is told about it
 * recover.c         finding attempts again: after a restart, or when somebody wonders about one
 * runtime.c         the directories
 * session*.c        ways into containers (session_internal.h)
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_INTERNAL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_INTERNAL_H_

#include "base/counter.h"
#include "base/identifier.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/proc.h"
#include "base/sync.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/disk_templates.h"
#include "engine/scheduler/native/host_protections.h"
#include "engine/scheduler/native/inspect.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/network/network.h"
#include "engine/scheduler/native/user_ranges.h"

#include <stdatomic.h>

enum {
    GF_NATIVE_NAME_BYTES_MAX = 64, /* of an attempt's name, with the final NUL */
    GF_NATIVE_BOOT_ID_BYTES_MAX = 64,
    GF_NATIVE_NODE_BYTES_MAX = 256,
    GF_NATIVE_INSTANCE_BYTES_MAX = 40,
    /* How long to wait before another look at a shim that cannot be reached; doubled each time. */
    GF_NATIVE_RETRY_MS_MIN = 2,
    GF_NATIVE_RETRY_MS_MAX = 200,
};

struct gf_native {
    struct gf_native_options options; /* but for its strings, which are gone */
    /* The identity of the data directory: tells this server from others, and a restart keeps it. */
    char instance[GF_NATIVE_INSTANCE_BYTES_MAX];
    char *stage;
    char *uppers;
    char *disks_dir;    /* of templates; made when it is needed */
    char *task_api_dir; /* NULL: none */
    char node[GF_NATIVE_NODE_BYTES_MAX];
    char boot_id[GF_NATIVE_BOOT_ID_BYTES_MAX];
    char *runtime; /* the runtime directory; NULL: not open */
    int dir_fd;    /* of options.dir */
    bool marked;   /* the loss of records was looked into; see gf_native__mark_runtime */
    int uppers_fd;
    int attempts_fd;
    int trash_fd;
    int program_fd; /* the shim */
    struct gf_cgroup_host cgroups;
    struct gf_network *network;
    struct gf_disk_templates disks;
    struct gf_host_protections protections;
    struct gf_user_ranges user_ranges;
    struct gf_mutex
        mutex; /* of the two below: the engine and the reactor add, the latter removes */
    struct gf_map
        attempts;       /* struct gf_attempt -> struct gf_native_attempt, those the engine knows */
    struct gf_list all; /* all attempts, by their `link` */
    bool reporting;     /* reactor's thread, as the next ones */
    struct gf_kept *kept;    /* roots of failed attempts (kept.h); NULL: not open */
    struct gf_list sessions; /* that are open: struct gf_session, by their `link` */
    /* Read by any thread. */
    struct gf_gauge kept_count;
    struct gf_counter launches;
    struct gf_counter launch_failures;
    struct gf_counter never_started;
    struct gf_counter adopted;
    struct gf_counter exits;
    struct gf_counter lost;
    struct gf_histogram launch;
};

/* What the log says of an attempt, since its launch by this server; empty after a restart. */
struct gf_native_label {
    char request[GF_LOG_REQUEST_BYTES_MAX]; /* not terminated */
    size_t request_size;
    char namespace_id[GF_IDENTIFIER_CHARS_MAX + 1];
    char pipeline_id[GF_IDENTIFIER_CHARS_MAX + 1]; /* or that of an extension, without namespace */
    char task_id[GF_IDENTIFIER_CHARS_MAX + 1];
    int64_t run_id;
};

/*
 * One attempt. Made by launch() or recover(); from then on its fields belong to the reactor's
 * thread, but for those of a job that is running (`busy`), which may read id, name
 * and label.
 *
 * An attempt in the map is known to the engine: there is one of that number, whatever is asked for.
 * Its life ends when the shim has ended (`gone`), its end was reported (`ended`), and the engine
 * does not need it any more (`forgotten`): then the directory is removed.
 */
struct gf_native_attempt {
    struct gf_native *native;
    struct gf_list_link link;
    struct gf_attempt id;
    char name[GF_NATIVE_NAME_BYTES_MAX];
    struct gf_native_label label;
    struct gf_kept_root *kept; /* whose container this is, for sessions; NULL: of no kept root */
    bool unknown;              /* to the engine: it is ended and removed, and nothing is reported */
    bool busy;                 /* a job of the pool has it, or its launch waits */
    void *waiting;             /* of launch.c: the launch that waits; NULL: it does not */
    bool gone;                 /* the shim has ended */
    bool started;              /* the start was reported: start_time and image_digest tell of it */
    bool ended;                /* the end was reported, or there is nobody to report to */
    bool forgotten;            /* the engine has recorded the end */
    bool stop_requested;       /* to be passed on when there is a connection */
    bool stop_force;
    atomic_bool launch_cancelled; /* stopped or forgotten: tells a job that waits; any thread */
    /* The digest of the image that it holds, released when it is freed; "": none. */
    char held_image[GF_DIGEST_BYTES];
    int64_t launch_mono_ns;  /* when it was asked for; 0: it was found, or has been counted */
    int64_t pull_start_time; /* 0: nothing had to be fetched, or it is not known any more */
    int64_t pull_end_time;
    int64_t user_id_first; /* the ids that it holds, given back when it is freed; 0: none */
    int socket;            /* to the shim; -1: no connection */
    struct gf_watch watch; /* of the socket */
    struct gf_proc proc;   /* the shim, where it is a child of this server; else pid 0 */
    struct gf_watch
        proc_watch; /* active between the end of the connection and that of the process */
    struct gf_timer retry;
    int64_t retry_ms;
    /* What was reported; the texts are on the heap, NULL before. */
    int64_t start_time;
    uint32_t missing_protections;
    char *image_digest;
    char *failure;
    struct gf_shim_exit exit; /* of what `ended` and is not lost */
    const char *lost;         /* why, in static storage; NULL = it is not */
};

/* ---- native.c ---- */

/* "12-0-1" for run 12, task 0, attempt 1. Gives `out`. */
char *gf_native__name(struct gf_attempt id, char out[GF_NATIVE_NAME_BYTES_MAX]);

/* What lines about the attempt have; borrowed from it. */
struct gf_log_context gf_native__log_context(const struct gf_native_attempt *attempt);

/* For the lines of the scope, within which the attempt is not freed. */
#define GF_NATIVE_LOG_SCOPE(attempt)                                                               \
    GF_CLEANUP(gf_log_leave)                                                                       \
    struct gf_log_context native_log_scope_ = gf_native__log_context(attempt);                     \
    gf_log_enter(&native_log_scope_)

/*
 * A new attempt in the list of all; with `known` also in the map. NULL when that has one of this
 * number.
 */
struct gf_native_attempt *gf_native__add(struct gf_native *native, struct gf_attempt id,
                                         const char *name, bool known) GF_MUST_USE;

/* The one of this number that the engine knows; NULL: none. */
struct gf_native_attempt *gf_native__find(struct gf_native *native, struct gf_attempt id);

/* Takes it out of the map and the list. Nothing of it may be active. Reactor's thread. */
void gf_native__unlink(struct gf_native_attempt *attempt);
/* The same, and frees it. */
void gf_native__drop(struct gf_native_attempt *attempt);
/* Gives the container's user ids back, where it has any and nothing of it runs. Any thread. */
void gf_native__give_ids(struct gf_native_attempt *attempt);
/* Frees one that is in none of them. */
void gf_native__free(struct gf_native_attempt *attempt);

struct gf_inspection_subject gf_native__subject(const struct gf_native_attempt *attempt);

/* ---- runtime.c ---- */

/* Opens and makes all directories. Codes: those of base/file.h. */
enum gf_code gf_native__open_dirs(struct gf_native *native, const struct gf_native_options *options,
                                  struct gf_error *err);

/* Closes them, and removes those of the runtime directory where they are empty. */
void gf_native__close_dirs(struct gf_native *native);

/*
 * Why records of attempts may be missing, a sentence in static storage: since the last server the
 * machine was restarted, or the runtime directory was removed. NULL where neither has happened, so
 * that an attempt without a record was never started.
 */
const char *gf_native__records_lost(const struct gf_native *native);

/* From now on the runtime directory as it is counts as complete; durable. */
void gf_native__mark_runtime(struct gf_native *native);

/* ---- launch.c ---- */

/* Copies the launch and submits the job for the attempt. Thread: engine. */
void gf_native__submit_launch(struct gf_native_attempt *attempt, const struct gf_launch *launch);

/*
 * Its launch waits for the image or the network: nobody does any more, nothing was started, and
 * that is reported as an end by a stop, unless it was forgotten. Reactor's thread.
 */
void gf_native__end_waiting(struct gf_native_attempt *attempt);

/* ---- attempt.c; reactor's thread ---- */

/* A shim was started: takes over the process and the socket. */
void gf_native__launched(struct gf_native_attempt *attempt, struct gf_proc proc, int socket);

/* Acts on what was found; takes over what the inspection holds. */
void gf_native__inspected(struct gf_native_attempt *attempt, struct gf_inspection *inspection);

void gf_native__request_stop(struct gf_native_attempt *attempt, bool force);
void gf_native__inquire(struct gf_native_attempt *attempt);
void gf_native__forget(struct gf_native_attempt *attempt);

/* Stops what is active and frees it, where it is. For the end of the server. */
void gf_native__abandon(struct gf_native_attempt *attempt);

/* ---- report.c; reactor's thread ---- */

/* Report, where the end was not reported before, and keep what they report. */
void gf_native__report_started(struct gf_native_attempt *attempt,
                               const struct gf_shim_started *started);
void gf_native__report_exited(struct gf_native_attempt *attempt, const struct gf_shim_exit *exit);
void gf_native__report_lost(struct gf_native_attempt *attempt, const char *sentence);

/* Report again. */
void gf_native__tell_start(const struct gf_native_attempt *attempt);
void gf_native__tell_end(const struct gf_native_attempt *attempt);

/* Nothing was started, and nothing is left on disk: report it and drop the attempt. */
void gf_native__launch_failed(struct gf_native_attempt *attempt, enum gf_launch_failure failure,
                              struct gf_str message);
void gf_native__never_started(struct gf_native_attempt *attempt);

/* ---- recover.c ---- */

void gf_native__recover(struct gf_native *native, const struct gf_attempt *attempts, size_t count);

/* Finds out what became of an attempt that is not in the map, and reports it. Reactor's thread. */
void gf_native__adopt(struct gf_native *native, struct gf_attempt id);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_INTERNAL_H_ */
