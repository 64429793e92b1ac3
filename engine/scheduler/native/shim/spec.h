/*
 * The spec: everything that a shim must know to run one container. The server encodes it into a
 * sealed memory file, so that neither arguments nor environment touch the disk or /proc; the shim
 * decodes it.
 *
 * A spec never outlives its server (who starts a shim brings the shim along), so it is strict: an
 * unknown field is an error. Everything is bounded here, and checked again by the shim.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SPEC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SPEC_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/fields.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GF_SPEC_BYTES_MAX = 4 << 20,
    GF_SPEC_ARGS_MAX = 4096,
    GF_SPEC_VARIABLES_MAX = 4096,
    GF_SPEC_LAYERS_MAX = 128,
    GF_SPEC_PATH_BYTES_MAX = 4095,
    GF_SPEC_NAME_BYTES_MAX = 255,
    GF_SPEC_HOSTNAME_BYTES_MAX = 63,
    GF_SPEC_USER_BYTES_MAX = 128,
    GF_SPEC_INPUT_BYTES_MAX = 1 << 20,
    GF_SPEC_RESOLV_BYTES_MAX = 4096,
};

/* Texts are never NULL after decoding; for encoding NULL is "". All is borrowed. */
struct gf_spec {
    const char *attempt; /* the name of the attempt: for messages */
    const char *boot_id; /* for the start record */
    const char *image_digest;

    /* The root file system. Layers are directories, the topmost first. */
    struct gf_field_list layers;
    const char *stage;       /* an empty directory to mount the root on, shared by all containers */
    const char *upper;       /* a directory to make for what the container writes; "" = in memory */
    int64_t upper_bytes_max; /* in memory: how much may be written; 0 = the kernel's default */
    bool kept_upper;         /* that directory is there: the kept root of another container */
    /* Where the upper directory goes when the container has failed, and for how long; "" = it is
     * removed, as it is in any other case, unless it is a kept one. */
    const char *keep;
    int64_t keep_ms;
    /* On disk: an empty file system of the size that may be written (disk.h); "" = no limit. */
    const char *disk_template;

    /* The command. */
    struct gf_field_list args; /* at least one */
    bool idle; /* they are not executed: the container is there for sessions until it is stopped */
    struct gf_field_list env; /* "KEY=value" */
    const char *workdir;      /* absolute, or "" for "/" */
    const char *user;         /* "", "uid", "uid:gid", "name", "name:group" */
    const char *hostname;
    int64_t stop_signal; /* 0 = SIGTERM */
    bool open_stdin;     /* the input stays open, for sessions; else it is empty */
    bool terminal;       /* the command gets a terminal: its output is all stdout then */

    /*
     * The first of the container's own user ids on the host, GF_SHIM_USER_IDS of them; 0 = it has
     * no user namespace. Of engine/core/protection.h: what it goes without as far as the server
     * knows, and what it must not go without.
     */
    int64_t user_id_first;
    int64_t missing_protections;
    int64_t required_protections;

    /*
     * The network: the host's; or the namespace in GF_SHIM_FD_NETWORK; or, with neither, a new one
     * with a loopback alone.
     */
    bool network_host;
    bool has_network;
    const char *resolv; /* the text of /etc/resolv.conf */
    bool has_input;     /* a document for /run/gofer/input is in GF_SHIM_FD_INPUT */
    bool log_disabled;  /* none is kept: there is no file in GF_SHIM_FD_LOG */
    bool has_masks;     /* what to mask in the output is in GF_SHIM_FD_MASKS */
    /* A directory of the host to mount at /run/gofer/api; "" = none. */
    const char *task_api;

    /* Limits; 0 = none. */
    int64_t timeout_ms;
    int64_t grace_ms; /* between the stop signal and SIGKILL; of a timeout, and where a stop asks */
    int64_t memory_bytes;
    int64_t cpu_millis; /* thousandths of one CPU */
    int64_t pid_count;
    int64_t log_bytes_max;  /* payload that the log takes; the rest is dropped and the log marked */
    int64_t ring_log_bytes; /* the log is a ring of so many bytes, if that can be; 0 = it is none */

    /*
     * Control groups to make for this container, one directory for each controller that the host
     * offers; "" = not there. With cgroup v2, `cgroup_unified` holds all of them; with v1 and on
     * hybrid hosts the others name a hierarchy each.
     */
    const char *cgroup_unified;
    const char *cgroup_memory;
    const char *cgroup_cpu;
    const char *cgroup_pids;
};

/*
 * Appends the encoded spec to out (limit: GF_SPEC_BYTES_MAX). Codes: GF_INVALID_ARGUMENT (a bound),
 * GF_RESOURCE_EXHAUSTED (too large as a whole).
 */
enum gf_code gf_spec_encode(const struct gf_spec *spec, struct gf_strbuf *out,
                            struct gf_error *err) GF_MUST_USE;

/*
 * Decodes a spec; its texts are borrowed from `bytes`, its lists are freed by gf_spec_release.
 * Code: GF_INVALID_ARGUMENT.
 */
enum gf_code gf_spec_decode(struct gf_str bytes, struct gf_spec *out_spec,
                            struct gf_error *err) GF_MUST_USE;
void gf_spec_release(struct gf_spec *spec);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_SPEC_H_ */
