#include "engine/scheduler/native/shim/probe.h"

#include "engine/core/protection.h"
#include "engine/scheduler/native/shim/filter/filter.h"
#include "engine/scheduler/native/shim/rootfs.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void tell(uint32_t protection, const char *sentence) {
    printf("%s:%s\n", gf_protection_text(protection), sentence);
}

/* A root as containers get it, in a mount namespace that ends with this process. */
static void try_user_namespace(const char *stage, int64_t user_id_first) {
    struct gf_user_namespace user_namespace = GF_USER_NAMESPACE_NONE;
    struct gf_error error;
    const struct gf_spec spec = {
        .layers = {.items = &stage, .count = 1},
        .stage = stage,
        .upper = "",
    };
    if (unshare(CLONE_NEWNS) != 0) {
        tell(GF_PROTECTION_USER_NAMESPACE, strerror(errno));
        return;
    }
    enum gf_code rc = gf_user_namespace_make(user_id_first, &user_namespace, &error);
    gf_user_namespace_reap(&user_namespace);
    if (rc == GF_OK) {
        rc = gf_rootfs_enter(&spec, &user_namespace, &error);
    }
    if (rc == GF_OK && user_namespace.fd < 0) {
        rc = gf_fail(&error, GF_UNIMPLEMENTED,
                     "the kernel, or the file system of the data directory, cannot show files as "
                     "those of other users (idmapped mounts)");
    }
    if (rc == GF_OK) {
        rc = gf_user_namespace_enter(&user_namespace, &error);
    }
    if (rc != GF_OK) {
        tell(GF_PROTECTION_USER_NAMESPACE, error.message);
    }
}

static void try_filter(void) {
    struct gf_error error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || gf_filter_load(&error) != GF_OK) {
        tell(GF_PROTECTION_SYSTEM_CALL_FILTER, strerror(errno));
    }
}

int gf_probe_run(const char *stage, int64_t user_id_first) {
    try_user_namespace(stage, user_id_first);
    try_filter();
    return fflush(stdout) == 0 ? 0 : 1;
}
