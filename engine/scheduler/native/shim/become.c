#include "engine/scheduler/native/shim/become.h"

#include "base/tree.h"
#include "engine/core/protection.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/filter/filter.h"
#include "engine/scheduler/native/shim/rights.h"
#include "engine/scheduler/native/shim/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever they are inside. */
enum {
    INPUT_MODE = 0644,
    OUTPUT_MODE = 0622,
};

/* Makes the working directory where the image has none; it belongs to the user then. */
static enum gf_code make_workdir(const char *path, const struct gf_user *user,
                                 struct gf_error *err) {
    if (path[0] == '\0' || access(path, F_OK) == 0 || errno != ENOENT) {
        return GF_OK;
    }
    enum gf_code rc = gf_tree_make(AT_FDCWD, path, 0755, err);
    if (rc == GF_OK && lchown(path, user->uid, user->gid) != 0) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot make '%s'", path);
    }
    return rc;
}

/* Those that a container has no id for would be an odd failure of the kernel's. */
static enum gf_code check_ids(const struct gf_become *become, const struct gf_user *user,
                              struct gf_error *err) {
    if (become->user_namespace->fd >= 0 &&
        (user->uid >= GF_SHIM_USER_IDS || user->gid >= GF_SHIM_USER_IDS)) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "user %u with group %u is out of range: a container has the ids 0 to %d",
                       user->uid, user->gid, GF_SHIM_USER_IDS - 1);
    }
    return GF_OK;
}

enum gf_code gf_become_user(const struct gf_become *become, struct gf_user *out_user,
                            struct gf_error *err) {
    enum gf_code rc = gf_rights_limit(err);
    if (rc == GF_OK) {
        rc = gf_rights_enter(become->user_namespace, err);
    }
    if (rc == GF_OK) {
        rc = gf_user_find(become->user, out_user, err);
    }
    if (rc == GF_OK) {
        rc = check_ids(become, out_user, err);
    }
    if (rc == GF_OK) {
        rc = make_workdir(become->workdir_to_make, out_user, err);
    }
    return rc == GF_OK ? gf_rights_drop(out_user, err) : rc;
}

static enum gf_code give_stream(int fd, uid_t owner, mode_t mode, struct gf_error *err) {
    if (fd >= 0 && (fchown(fd, owner, owner) != 0 || fchmod(fd, mode) != 0)) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot give away a stream");
    }
    return GF_OK;
}

enum gf_code gf_become_give_streams(const struct gf_become_streams *streams,
                                    const struct gf_user_namespace *user_namespace,
                                    struct gf_error *err) {
    const uid_t owner = user_namespace->first;
    enum gf_code rc = give_stream(streams->stdin_fd, owner, INPUT_MODE, err);
    if (rc == GF_OK) {
        rc = give_stream(streams->stdout_fd, owner, OUTPUT_MODE, err);
    }
    return rc == GF_OK ? give_stream(streams->stderr_fd, owner, OUTPUT_MODE, err) : rc;
}

enum gf_code gf_become_enter_workdir(const char *workdir, struct gf_error *err) {
    char path[PATH_MAX];
    if (chdir(workdir[0] != '\0' ? workdir : "/") != 0) {
        return gf_fail_errno(err, GF_FAILED_PRECONDITION, errno,
                             "cannot enter the working directory '%s'", workdir);
    }
    /* The kernel says "(unreachable)" for a directory outside of the root. */
    if (getcwd(path, sizeof(path)) == NULL || path[0] != '/') {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the working directory '%s' is outside of the container", workdir);
    }
    return GF_OK;
}

enum gf_code gf_become_confined(const struct gf_become *become, uint32_t *missing,
                                struct gf_error *err) {
    uint32_t lacking = 0;
    if (become->user_namespace->fd < 0) {
        lacking |= GF_PROTECTION_USER_NAMESPACE;
    }
    if (gf_filter_load(NULL) != GF_OK) {
        lacking |= GF_PROTECTION_SYSTEM_CALL_FILTER;
    }
    const uint32_t refused = lacking & become->required_protections;
    if (refused != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the container would go without %s, which this server requires",
                       gf_protection_text(refused & -refused));
    }
    *missing |= lacking;
    return GF_OK;
}

const struct gf_field_list *gf_become_environment(const struct gf_field_list *env,
                                                  const struct gf_user *user) {
    static const char *items[GF_SPEC_VARIABLES_MAX + 2]; /* the rest stays NULL */
    static char home[sizeof("HOME=") + GF_USER_HOME_BYTES_MAX];
    static struct gf_field_list complete = {.items = items};
    for (size_t i = 0; i < env->count; i++) {
        if (strncmp(env->items[i], "HOME=", 5) == 0) {
            return env;
        }
        items[i] = env->items[i];
    }
    snprintf(home, sizeof(home), "HOME=%s", user->home);
    items[env->count] = home;
    complete.count = env->count + 1;
    return &complete;
}
