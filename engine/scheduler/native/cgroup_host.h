/*
 * The control groups of this host: where containers' groups are made, and the end of those that
 * have lost their shim. The groups of one container are its shim's to make and to remove
 * (shim/cgroup.h).
 *
 * Three kinds of hosts: one unified hierarchy (v2), one hierarchy for each controller (v1), and
 * both, with the controllers in either (hybrid). For each of the controllers that gofer uses
 * (memory, cpu, pids) this module finds the hierarchy that has it and makes a directory "gofer"
 * there, once for all servers of the host; a prefix tells whose container a group is of. A
 * controller that cannot be had is left out: its limits are not enforced.
 *
 * In a unified hierarchy a group with processes cannot have groups with controllers below it. Where
 * the server's own group was delegated to it (systemd's Delegate=yes) the server therefore moves
 * itself into a sub-group first; elsewhere the directory is made at the root.
 *
 * Thread: any, after gf_cgroup_host_open; one container's groups by one thread at a time.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_CGROUP_HOST_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_CGROUP_HOST_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GF_CGROUP_MOUNTINFO_BYTES_MAX = 4 << 20,
    GF_CGROUP_CLEAR_MS_MAX = 2000, /* how long a group's processes may take to die */
};

/* X(name): the controllers; the names are the kernel's. */
#define GF_CGROUP_CONTROLLERS(X) X(MEMORY, "memory") X(CPU, "cpu") X(PIDS, "pids")

enum gf_cgroup_controller {
#define GF_X(name, text) GF_CGROUP_##name,
    GF_CGROUP_CONTROLLERS(GF_X)
#undef GF_X
    GF_CGROUP_CONTROLLER_COUNT,
};

/*
 * Directories on the heap; NULL = none. `split` is set for
 * controllers with a hierarchy of their own, `in_unified` for those of the unified one. The group
 * of container `name` is "<directory>/<prefix><name>".
 */
struct gf_cgroup_host {
    char *prefix;
    char *unified;
    char *split[GF_CGROUP_CONTROLLER_COUNT];
    bool in_unified[GF_CGROUP_CONTROLLER_COUNT];
};

/*
 * Finds the hierarchies and makes the directories, which stay. `instance` tells this server from
 * others on the host and is the same after a restart: letters, digits and '-'. What cannot be made
 * is left out. Code: GF_INTERNAL (/proc cannot be read).
 */
enum gf_code gf_cgroup_host_open(const char *instance, struct gf_cgroup_host *out_host,
                                 struct gf_error *err) GF_MUST_USE;

/* Frees the memory. Accepts a zeroed one. */
void gf_cgroup_host_fini(struct gf_cgroup_host *host);

/* "memory", "cpu", "pids". */
const char *gf_cgroup_controller_name(enum gf_cgroup_controller controller);

/* Whether limits of this controller are enforced. */
bool gf_cgroup_host_has(const struct gf_cgroup_host *host, enum gf_cgroup_controller controller);

/*
 * Kills all that is in the groups of container `name` and removes them; blocks until they are gone.
 * Groups that do not exist are fine. Code: GF_DEADLINE_EXCEEDED (GF_CGROUP_CLEAR_MS_MAX).
 */
enum gf_code gf_cgroup_host_clear(const struct gf_cgroup_host *host, const char *name,
                                  struct gf_error *err) GF_MUST_USE;

/* Calls fn for the name of every container that has a group in any hierarchy, perhaps several
 * times. */
void gf_cgroup_host_list(const struct gf_cgroup_host *host, void (*fn)(const char *name, void *ctx),
                         void *ctx);

/* ---- for cgroup_host.c and its tests ---- */

/* What /proc/self/mountinfo says: heap strings, NULL = not mounted. */
struct gf_cgroup_mounts {
    char *unified;
    char *unified_root; /* the group that is mounted there, as the host names it */
    char *split[GF_CGROUP_CONTROLLER_COUNT];
};

/* Never fails: what is malformed is not there. */
void gf_cgroup_mounts_parse(struct gf_str mountinfo, struct gf_cgroup_mounts *out_mounts);
void gf_cgroup_mounts_fini(struct gf_cgroup_mounts *mounts);

/* The path of the unified hierarchy in the text of /proc/self/cgroup; empty where there is none. */
struct gf_str gf_cgroup_own_path(struct gf_str self_cgroup);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_CGROUP_HOST_H_ */
