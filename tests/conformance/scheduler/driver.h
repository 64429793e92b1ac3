/*
 * What a back end tells of itself so that the conformance suite can be run against it. README.md
 * says what its author does.
 *
 * Thread: the test's.
 */
#ifndef GOFER_TESTS_CONFORMANCE_SCHEDULER_DRIVER_H_
#define GOFER_TESTS_CONFORMANCE_SCHEDULER_DRIVER_H_

#include "engine/logs/log_store.h"
#include "engine/scheduler/scheduler.h"

/*
 * What a back end can do, as bits; a case that needs what it cannot is skipped by name. Who sets a
 * bit passes all cases that need it: the suite has none that may fail.
 * X(NAME, bit, text)
 */
#define CONFORMANCE_CAPABILITIES(X)                                                                \
    X(PROGRAMS, 0, "programs that run")                                                            \
    X(LOGS, 1, "logs")                                                                             \
    X(MASKS, 2, "logs in which secrets are masked")                                                \
    X(RESTARTS, 3, "containers that outlive the server")                                           \
    X(IMAGES, 4, "images that it knows of")                                                        \
    X(MEMORY_LIMIT, 5, "a limit of memory")                                                        \
    X(PID_LIMIT, 6, "a limit of processes")                                                        \
    X(DISK_LIMIT, 7, "a limit of the disk")                                                        \
    X(USAGE, 8, "figures of what was used")                                                        \
    X(INPUT, 9, "the document of a run")                                                           \
    X(SESSIONS, 10, "ways into a container (session.h)")                                           \
    X(DISABLED_LOGS, 11, "launches without a log")

enum conformance_capability {
#define CONFORMANCE_X(name, bit, text) CONFORMANCE_##name = 1 << (bit),
    CONFORMANCE_CAPABILITIES(CONFORMANCE_X)
#undef CONFORMANCE_X
};

/* Networks, as bits of their modes. */
#define CONFORMANCE_NETWORK(mode) (1U << (mode))

struct conformance_driver {
    const char *name;      /* that of its ops */
    unsigned capabilities; /* of enum conformance_capability */
    /* What tasks get that ask for it, and what is refused to them. What is in neither is not
     * looked at. */
    unsigned networks_given;
    unsigned networks_refused;

    /*
     * Images. All have a static busybox with links for its applets in /bin, PATH=/bin, and in
     * /etc/passwd root and `worker` (1000:1000). Any names will do where it has no IMAGES.
     */
    const char *image;         /* command `true`, FROM_IMAGE=yes in its environment */
    const char *entry_image;   /* entrypoint `echo entry`, command `from image`, user `worker`,
                                * working directory /tmp */
    const char *missing_image; /* there is none of this name */

    /*
     * Makes the images and whatever else outlives a server, once for each case, in an empty
     * directory of its own, which the suite removes. Skips the test, loudly, where this machine
     * lacks what the back end needs. NULL = there is nothing to make.
     */
    void (*prepare)(const char *dir);

    /*
     * Opens the back end as a server does when it starts, on what an earlier one may have left in
     * the directory. `events` are borrowed until close. Gives what the other functions get.
     */
    void *(*open)(const char *dir, const struct gf_scheduler_events *events,
                  struct gf_scheduler *out);

    /* Ends it as a server ends: stop_reporting, then everything is freed. Containers go on. */
    void (*close)(void *back_end);

    /* Where the logs are. NULL without LOGS. */
    struct gf_log_store *(*logs)(void *back_end);
};

#endif /* GOFER_TESTS_CONFORMANCE_SCHEDULER_DRIVER_H_ */
