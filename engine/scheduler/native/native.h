/*
 * The native scheduler: containers made by gofer itself, without a daemon.
 *
 * Every attempt of a task gets a shim (shim/main.c), a small process that makes the container,
 * follows it to its end and outlives the server. This side starts shims, listens to them, and finds
 * them again after a restart. What the two say to each other is in protocol.h.
 *
 * Two places on disk:
 *
 *   - `dir`, below the data directory: `stage`, where containers mount their root, each in a mount
 *     namespace of its own; `uppers`, what containers write; and `runtime`, which says what the
 *     runtime directory was, so that its loss is noticed;
 *   - the runtime directory: `attempts`, one directory for each (protocol.h), and `trash`, those
 *     that are being removed. What is there means nothing after a reboot, so it lies in memory (a
 *     tmpfs) where the machine has a place for that, else in `dir`.
 *
 * Threads: launches and everything else that blocks run on the pool; sockets are watched, and
 * everything is reported, on the reactor's thread.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/reactor.h"
#include "engine/logs/log_store.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/images/pulls.h"
#include "engine/scheduler/native/network/network.h"
#include "engine/scheduler/scheduler.h"

#include <stdbool.h>
#include <stdint.h>

struct gf_native;
struct gf_network_report;

/*
 * The networks of tasks. `none` has a loopback device alone; `bridge` a way out by NAT, but none to
 * this machine, to link-local addresses (clouds keep credentials at 169.254.169.254) and to other
 * tasks. What is zero means the default.
 */
struct gf_native_network {
    enum gf_network_mode default_mode; /* of tasks that do not say; UNSPECIFIED = none */
    bool allow_host;                   /* tasks may ask for the host's; else their launch fails */
    const char *bridge_name;           /* default "gofer0"; at most 9 characters */
    const char *bridge_subnet;         /* IPv4, "10.213.0.0/16" by default; a /16 to a /28 */
    const char *const *dns_servers;    /* IPv4, at most 3; none = this machine's */
    size_t dns_server_count;
    int32_t ready_count; /* namespaces that are made ahead, of each kind; < 0 = none */
};

/* Ids of users: ranges of 65,536, one for each container at a time. */
enum {
    GF_NATIVE_USER_RANGES_DEFAULT = 4096,
};
/* Ids that systemd's table of user ids leaves free (uids-gids: 1879048192 to 2147483647). */
#define GF_NATIVE_USER_ID_FIRST_DEFAULT INT64_C(0x70000000)

/* GF_NATIVE_OPTIONS_DEFAULT fills these. */
enum {
    GF_NATIVE_PIDS_DEFAULT = 4096,
    GF_NATIVE_LOG_BYTES_DEFAULT = 1 << 28,
    GF_NATIVE_KEEP_FAILED_MS_DEFAULT = 3600 * 1000,
    GF_NATIVE_KEEP_FAILED_COUNT_DEFAULT = 16,
};

enum {
    GF_NATIVE_UPPER_MEMORY_BYTES_MAX = 1 << 30
};

/*
 * Where what a container writes goes. In memory (a tmpfs) a container starts faster by a third; but
 * it counts as the container's memory, and there is less of it. On disk a limit costs some
 * milliseconds more: a file system of its own. In memory its amount is always bounded, on disk by
 * the limit that the task, the defaults or the maximums have.
 */
enum gf_native_upper {
    /*
     * In memory, up to the limit or half of the machine's memory; on disk for tasks with a memory
     * limit, which it would use up, and for those that ask for more disk_bytes themselves than
     * GF_NATIVE_UPPER_MEMORY_BYTES_MAX.
     */
    GF_NATIVE_UPPER_AUTO = 0,
    GF_NATIVE_UPPER_DISK,
    GF_NATIVE_UPPER_MEMORY,
};

/* Pointers are borrowed until gf_native_destroy, strings until gf_native_create returns. */
struct gf_native_options {
    const char *dir;         /* made where it is missing; its path has at most 3900 bytes */
    const char *runtime_dir; /* NULL: chosen, and the same after a restart (runtime.c) */
    /*
     * The directory of the listener for tasks, an absolute path; NULL: there is none, and launches
     * with task_api fail. It exists before the first such launch and is never replaced by another
     * one of its name, as containers that run have it mounted. Every user may enter it (0755), and
     * connect to the socket in it (0666).
     */
    const char *task_api_dir;
    struct gf_image_store *images;
    struct gf_image_pulls *pulls; /* NULL: images that the store lacks are not fetched */
    struct gf_log_store *logs;
    struct gf_reactor *reactor;
    struct gf_pool *pool;
    const struct gf_scheduler_events *events;
    const char *node;             /* the name of this machine in reports; NULL: its host name */
    struct gf_resources defaults; /* of tasks that do not say; 0 = no limit */
    struct gf_resources maximums; /* 0 = none; what a task asks for beyond is lowered to it */
    struct gf_native_network network;
    int64_t user_id_first; /* 0 = GF_NATIVE_USER_ID_FIRST_DEFAULT */
    int32_t user_ranges;   /* 0 = GF_NATIVE_USER_RANGES_DEFAULT */
    /* Of protection.h: a launch that would go without one of these fails. */
    uint32_t required_protections;
    bool debugging_disabled;   /* no sessions, and no root is kept */
    int64_t keep_failed_ms;    /* how long the root of a failed attempt is kept */
    int32_t keep_failed_count; /* roots that are kept at once; the oldest goes first */
    int64_t log_bytes_max;     /* of one attempt's output; 0 = no limit */
    enum gf_native_upper upper;
};

#define GF_NATIVE_OPTIONS_DEFAULT                                                                  \
    ((struct gf_native_options){                                                                   \
        .defaults = {.pid_count = GF_NATIVE_PIDS_DEFAULT},                                         \
        .log_bytes_max = GF_NATIVE_LOG_BYTES_DEFAULT,                                              \
        .keep_failed_ms = GF_NATIVE_KEEP_FAILED_MS_DEFAULT,                                        \
        .keep_failed_count = GF_NATIVE_KEEP_FAILED_COUNT_DEFAULT,                                  \
    })

/*
 * Opens the directory and the control groups. Warns in the log where the host has no controller for
 * a limit. Codes: GF_PERMISSION_DENIED (not root), those of base/file.h. Thread: any.
 */
enum gf_code gf_native_create(const struct gf_native_options *options,
                              struct gf_native **out_native, struct gf_error *err) GF_MUST_USE;

/* The port. Borrowed: valid until gf_native_destroy. */
struct gf_scheduler gf_native_scheduler(struct gf_native *native);

/* The runtime directory in use. Borrowed until gf_native_destroy. Thread: any. */
const char *gf_native_runtime_dir(const struct gf_native *native);

/* Of one protection: whether this host gives it to containers. */
struct gf_native_protection {
    uint32_t protection; /* of engine/core/protection.h */
    bool given;
    const char *reason; /* a sentence; "" where it is given */
};

enum {
    GF_NATIVE_PROTECTIONS_MAX = 16
};

/*
 * What was found when the scheduler was opened, in the order of engine/core/protection.h. A single
 * container may still go without one: by what its task asks for (the network of the host), or
 * because of the file system that its image lies on; that is told of the container alone. Gives the
 * count. The sentences are borrowed until gf_native_destroy. Thread: any.
 */
size_t gf_native_protections(const struct gf_native *native,
                             struct gf_native_protection out[GF_NATIVE_PROTECTIONS_MAX]);

/*
 * Whether tasks can have a bridge, and what a person should know of their networks
 * (network/network.h). Takes some tens of milliseconds. Thread: any that may block, before
 * stop_reporting.
 */
void gf_native_network_report(struct gf_native *native, struct gf_network_report *out_report);

/*
 * Frees it; containers stay as they are. Order at the end of a server: engine, stop_reporting,
 * pulls (stopped), reactor (stopped: what it sees goes to the pool), pool (joined), then this.
 * Accepts NULL.
 */
void gf_native_destroy(struct gf_native *native);

/* What there is now, and was since the start. */
struct gf_native_stats {
    size_t attempts;   /* that the engine knows, until it has recorded their ends */
    size_t roots_kept; /* of failed attempts */
    size_t roots_kept_limit;
    size_t user_ranges_used;
    size_t user_ranges_limit;
    uint64_t launches_total;             /* that were asked for */
    uint64_t launch_failures_total;      /* of those: nothing could be started */
    uint64_t never_started_total;        /* found after a restart, to be launched again */
    uint64_t adopted_total;              /* containers that run and were found again */
    uint64_t exits_total;                /* ends that were reported */
    uint64_t lost_total;                 /* attempts whose end nobody knows */
    struct gf_histogram_snapshot launch; /* from being asked for until the command began */
    struct gf_network_stats network;
};
/* Thread: any. */
void gf_native_stats(struct gf_native *native, struct gf_native_stats *out);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NATIVE_H_ */
