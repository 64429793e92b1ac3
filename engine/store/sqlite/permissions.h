/*
 * How roles.permissions holds the permissions of a role: a packed column (packed_fields.h) of one
 * field:
 *
 *     1 permissions  how many, then each as
 *                        list of namespaces
 *                        how many targets, then of each the number of its resource, list of globs
 *                        how many actions, then the number of each
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_PERMISSIONS_H_
#define GOFER_ENGINE_STORE_SQLITE_PERMISSIONS_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/auth/permission.h"

/* Appends to `out`. They have passed gf_permissions_check. */
void gf_sqlite__permissions_encode(const struct gf_permission *permissions, size_t count,
                                   struct gf_strbuf *out);

/*
 * Any bytes are safe. What comes back has passed gf_permissions_check, as that of a new role. The
 * array and all that is in it are in the arena.
 *
 * Codes: GF_DATA_LOSS (not what was written), GF_RESOURCE_EXHAUSTED (the arena's cap).
 */
enum gf_code gf_sqlite__permissions_decode(struct gf_str bytes, struct gf_arena *arena,
                                           const struct gf_permission **out_permissions,
                                           size_t *out_count, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_PERMISSIONS_H_ */
