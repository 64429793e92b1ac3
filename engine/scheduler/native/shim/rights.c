/*
 * DESIGN
 * The order is the kernel's: groups and gid while we are still root, the bounding set while we have
 * CAP_SETPCAP, then the uid (which takes all capabilities from anybody but root), then what root
 * keeps. The death signal comes last, because every change of credentials clears it.
 */
#include "engine/scheduler/native/shim/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Root of a container owns its files and its processes, whoever they belong to, and may become
 * another user. Nothing here reaches beyond the container's own namespaces and file system.
 */
#define CAPABILITY(number) (UINT64_C(1) << (number))
#define CAPABILITIES_OF_ROOT                                                                       \
    (CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |               \
     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETGID) |                      \
     CAPABILITY(CAP_SETUID))

enum {
    CAPABILITIES_MAX = 64
};

struct limit {
    int resource;
    rlim_t value;
};

static const struct limit LIMITS[] = {
    /*
     * No file in any case; at 0 the kernel would still give the memory of a command that dies, with
     * its environment, to the host's handler of cores, where there is one. At 1 it does not.
     */
    {RLIMIT_CORE, 1},
    {RLIMIT_NOFILE, 65536},
    {RLIMIT_MEMLOCK, 8 << 20},
};

static enum gf_code set_limits(struct gf_error *err) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(LIMITS); i++) {
        struct rlimit limit;
        if (getrlimit(LIMITS[i].resource, &limit) != 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot read a resource limit");
        }
        if (limit.rlim_max > LIMITS[i].value) {
            limit.rlim_max = LIMITS[i].value;
        }
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(LIMITS[i].resource, &limit) != 0) {
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set a resource limit");
        }
    }
    return GF_OK;
}

enum gf_code gf_rights_limit(struct gf_error *err) {
    return set_limits(err);
}

/* A key ring is accounted to the user who makes it, so the namespace is entered before. */
enum gf_code gf_rights_enter(const struct gf_user_namespace *user_namespace, struct gf_error *err) {
    enum gf_code rc = gf_user_namespace_enter(user_namespace, err);
    /* A kernel may be built without keys: then there is no ring of the host's to leave. */
    if (rc == GF_OK && syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
        errno != ENOSYS) {
        rc = gf_fail_errno(err, GF_INTERNAL, errno, "cannot join a session key ring");
    }
    return rc;
}

/* Nothing that is not in the bounding set can ever be gained. */
static enum gf_code shrink_bounding_set(struct gf_error *err) {
    for (int i = 0; i < CAPABILITIES_MAX; i++) {
        if ((CAPABILITIES_OF_ROOT & CAPABILITY(i)) != 0) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
            if (errno == EINVAL) {
                return GF_OK; /* behind the last capability of this kernel */
            }
            return gf_fail_errno(err, GF_INTERNAL, errno, "cannot drop capability %d", i);
        }
    }
    return GF_OK;
}

static enum gf_code set_capabilities(uint64_t capabilities, struct gf_error *err) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const uint32_t low = (uint32_t)capabilities;
    const uint32_t high = (uint32_t)(capabilities >> 32);
    /* The inheritable set stays empty: it would leak through files with capabilities. */
    struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low},
        {.effective = high, .permitted = high},
    };
    if (syscall(SYS_capset, &header, data) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the capabilities");
    }
    return GF_OK;
}

static enum gf_code become(const struct gf_user *user, struct gf_error *err) {
    if (setgroups(user->group_count, user->groups) != 0 ||
        setresgid(user->gid, user->gid, user->gid) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot take group %u", user->gid);
    }
    enum gf_code rc = shrink_bounding_set(err);
    if (rc != GF_OK) {
        return rc;
    }
    if (setresuid(user->uid, user->uid, user->uid) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot become user %u", user->uid);
    }
    return set_capabilities(user->uid == 0 ? CAPABILITIES_OF_ROOT : 0, err);
}

enum gf_code gf_rights_drop(const struct gf_user *user, struct gf_error *err) {
    enum gf_code rc = become(user, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set no_new_privs");
    }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot set the death signal");
    }
    /* The change of the user may have made this memory readable to it again, as the host is set. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "cannot close the memory of process 1");
    }
    return GF_OK;
}
