/*
 * From a task and an image to the spec of a container: what of the two counts where both say
 * something.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_CONTAINER_SPEC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_CONTAINER_SPEC_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/core/model.h"
#include "engine/scheduler/native/cgroup_host.h"
#include "engine/scheduler/native/disk_templates.h"
#include "engine/scheduler/native/images/image_store.h"
#include "engine/scheduler/native/native.h"
#include "engine/scheduler/native/shim/spec.h"

/* All is borrowed. */
struct gf_container_request {
    const char *name; /* of the attempt */
    const char *boot_id;
    const char *stage;
    const char *uppers; /* the directory of all uppers */
    const char *kept;   /* that of all kept roots; NULL: none is kept */
    const struct gf_task *task;
    int64_t timeout_ms;
    int64_t stop_timeout_ms;
    bool has_input;
    bool has_masks;
    int64_t ring_log_bytes; /* 0: the log is no ring */
    bool task_api;
    bool has_network;   /* a namespace goes with the spec */
    const char *resolv; /* for containers with a way out: the text of resolv.conf; NULL = "" */
    const char *task_api_dir;       /* NULL: this server has no listener for tasks */
    const char *const *environment; /* final: "KEY=value" */
    size_t environment_count;
    int64_t user_id_first;        /* the ids of this container; 0: no user namespace */
    uint32_t missing_protections; /* of engine/core/protection.h: what the host does not give */
    const struct gf_image *image;
    const struct gf_cgroup_host *cgroups;
    const struct gf_disk_templates *disks; /* NULL: there are none to be had */
    const struct gf_native_options *options;
};

/* The network of a task: its own choice, else the server's; never UNSPECIFIED. */
enum gf_network_mode gf_container_network(const struct gf_task *task,
                                          const struct gf_native_options *options);

/*
 * Makes the spec; it borrows from the request and the arena.
 *   - The command is the entrypoint and behind it the command. A task's entrypoint takes the place
 *     of the image's, and with it the image's command goes too.
 *   - The environment is the task's, then what the image sets and the task does not, then PATH and
 *     HOSTNAME where nobody sets them.
 *   - User and working directory are the task's, else the image's.
 *   - The host name is the task's id.
 *   - A protection is missing where the host does not give it and this container would have it, and
 *     where the task asks for something that excludes it.
 * Codes: GF_INVALID_ARGUMENT (no command at all), GF_FAILED_PRECONDITION (a network that this
 * server does not offer, or its listener for tasks where it has none).
 */
enum gf_code gf_container_spec_make(const struct gf_container_request *request,
                                    struct gf_arena *arena, struct gf_spec *out_spec,
                                    struct gf_error *err) GF_MUST_USE;

/* The number of a signal by its name or number: "SIGTERM", "TERM", "15"; 0 for anything else. */
int gf_signal_number(const char *text);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_CONTAINER_SPEC_H_ */
