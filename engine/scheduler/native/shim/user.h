/*
 * Who the command runs as: the `user` of a spec, looked up in the image's own /etc/passwd and
 * /etc/group, whose content is not trusted.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    GF_USER_DATABASE_BYTES_MAX = 1 << 20, /* of one file; a larger one is an error */
    GF_USER_GROUPS_MAX = 64,              /* supplementary groups; more are left out */
    GF_USER_HOME_BYTES_MAX = 256,         /* with the final NUL; a longer one counts as none */
};

struct gf_user {
    uid_t uid;
    gid_t gid;
    gid_t groups[GF_USER_GROUPS_MAX];
    size_t group_count;
    char home[GF_USER_HOME_BYTES_MAX]; /* "/" where the image does not say */
};

/*
 * Resolves "", "user" or "user:group", each a name or a number; "" is root. A number needs no
 * entry. Without a group it is the user's own, plus those that list the user; with one it is that
 * alone. passwd and group are the contents of the two files; malformed lines are skipped. Code:
 * GF_NOT_FOUND (a name without an entry), GF_INVALID_ARGUMENT (a number beyond 2^31 - 1).
 */
enum gf_code gf_user_resolve(const char *user, struct gf_str passwd, struct gf_str group,
                             struct gf_user *out_user, struct gf_error *err) GF_MUST_USE;

/*
 * The same with the files of the root that the process is in; one that is missing, or no regular
 * file, counts as empty. Code: as above, and GF_OUT_OF_RANGE (GF_USER_DATABASE_BYTES_MAX).
 */
enum gf_code gf_user_find(const char *user, struct gf_user *out_user,
                          struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_USER_H_ */
