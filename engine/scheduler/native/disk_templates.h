/*
 * Empty file systems for containers with a disk limit (shim/disk.h), made by mkfs.ext4 when one of
 * a size is first needed and kept: sparse files of a hundred kilobytes each.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_DISK_TEMPLATES_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_DISK_TEMPLATES_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

enum {
    GF_DISK_TEMPLATE_MKFS_MS_MAX = 60000, /* how long making one may take */
    GF_DISK_TEMPLATES_MAX = 64,           /* sizes that are kept; the oldest goes first */
};

/* Limits are rounded up to a multiple of this; smaller ones are this. */
#define GF_DISK_BYTES_MIN (INT64_C(4) << 20)
#define GF_DISK_BYTES_MAX (INT64_C(1) << 40) /* larger limits are this */

/* A value in the caller's memory; zeroed it is idle. */
struct gf_disk_templates {
    char *dir;           /* NULL: there are none to be had */
    const char *program; /* static */
    const char *why_not; /* a sentence in static storage; NULL = they are to be had */
};

/*
 * Looks whether this machine has what is needed: mkfs.ext4, and loop devices. `dir` is made when a
 * template is. Removes what a server that was killed was making.
 */
void gf_disk_templates_init(struct gf_disk_templates *templates, const char *dir);
void gf_disk_templates_fini(struct gf_disk_templates *templates);

/*
 * The path of a template with at least `bytes`, in arena. `name` is the caller's own: several may
 * make one at once, and the last to finish stays. Code: GF_FAILED_PRECONDITION (see
 * why_not), GF_DEADLINE_EXCEEDED, those of base/file.h.
 */
enum gf_code gf_disk_templates_get(const struct gf_disk_templates *templates, int64_t bytes,
                                   const char *name, struct gf_arena *arena, const char **out_path,
                                   struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_DISK_TEMPLATES_H_ */
