/*
 * For tests: containers made by the shim alone, without a server. A harness is a temporary
 * directory with a root file system made from Debian's static busybox; its containers' control
 * groups are made where a server would make them.
 *
 * Every failure that is not the test's subject fails the test.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SHIM_HARNESS_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SHIM_HARNESS_H_

#include "base/proc.h"
#include "base/str.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/spec.h"

#include <stdbool.h>

enum {
    HARNESS_WAIT_MS = 60000, /* how long a test waits for what must come */
    HARNESS_OUTPUT_BYTES_MAX = 16 << 20,
};

/* Skips the test, loudly, where it is not run by root. The first line of a test. */
void harness_needs_root(void);

struct harness {
    char *dir;
    char *layer;
    char *stage;
    char *attempts;
    struct gf_cgroup_host cgroups;
    int program_fd;
    int count;
};

void harness_init(struct harness *harness);
/* Removes everything, also containers that are still there. */
void harness_fini(struct harness *harness);

/* A container and its shim. */
struct harness_container {
    struct harness *harness;
    char name[32];
    char *dir; /* of the attempt */
    char *log; /* path */
    char *cgroups[1 + GF_CGROUP_CONTROLLER_COUNT];
    struct gf_proc proc;
    int socket;
    bool started;
    struct gf_shim_started start;
    bool exited;
    struct gf_shim_exit exit;
    char *messages[2]; /* what start and exit borrow from */
    struct gf_strbuf out;
    struct gf_strbuf err;
    struct gf_strbuf note; /* of the END frame */
    bool log_ended;
};

/* A spec that runs `sh -c script` as root; adjust it before harness_start. Borrows from the
 * harness. */
struct gf_spec harness_spec(const struct harness *harness, const char *const *args);

/* Starts a shim. `args` of the spec end with NULL. */
void harness_start(struct harness *harness, struct gf_spec spec,
                   struct harness_container *out_container);

/* Waits for the message; false when the shim ends without it. */
bool harness_wait_started(struct harness_container *container);
bool harness_wait_exited(struct harness_container *container);

/* Waits for the end of the shim, and reads the log. */
void harness_finish(struct harness_container *container);

void harness_send(struct harness_container *container, const struct gf_shim_message *message);

/* Frees what the container holds. */
void harness_container_fini(struct harness_container *container);

/* All of it: runs the spec to its end. */
void harness_run(struct harness *harness, struct gf_spec spec,
                 struct harness_container *out_container);

/* The same for `sh -c script` with the default spec; checks that the command ran. */
void harness_run_script(struct harness *harness, const char *script,
                        struct harness_container *out_container);

/* Whether the file exists in the attempt's directory. */
bool harness_has_file(const struct harness_container *container, const char *name);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_TESTING_SHIM_HARNESS_H_ */
