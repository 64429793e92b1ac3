#include "engine/scheduler/native/fetch/confine.h"

#include "engine/scheduler/native/fetch/fail.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sanitizers reserve all addresses, and look for leaks at the end with the help of ptrace and
 * /proc. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

enum {
    DESCRIPTORS_MAX = 1024, /* removing a tree takes one for each level */
    MEMORY_BYTES_MAX = 1024 * 1024 * 1024,
    NETWORK_DESCRIPTORS_MAX = 512, /* one for each layer, and connections */
    CAPABILITY_WORDS = _LINUX_CAPABILITY_U32S_3,
};

/* Owners, modes and set-user-id bits of files that are not one's own; device nodes; attributes. */
static const int kept_capabilities[] = {
    CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,    CAP_FSETID,
    CAP_MKNOD, CAP_SETFCAP,      CAP_SYS_ADMIN, /* for trusted.* */
};

void gf_confine_descriptors(void) {
    (void)close_range(STDERR_FILENO + 1, ~0u, 0); /* an old kernel has none: nothing is lost */
}

static bool is_kept(int capability) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(kept_capabilities); i++) {
        if (kept_capabilities[i] == capability) {
            return true;
        }
    }
    return false;
}

/* Raw system calls: glibc has no wrapper, and libcap is not worth a dependency here. */
static enum gf_code drop_capabilities(struct gf_error *err) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[CAPABILITY_WORDS];
    if (syscall(SYS_capget, &header, data) != 0) {
        return gf_fail_system(err, "cannot read the capabilities");
    }
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (!is_kept(capability)) {
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
            data[capability / 32].permitted &= ~(1u << (capability % 32));
        }
    }
    for (int i = 0; i < CAPABILITY_WORDS; i++) {
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) != 0) {
        return gf_fail_system(err, "cannot drop capabilities");
    }
    return GF_OK;
}

/* Lowers a limit; a lower one that is there already stays. */
static void limit(int resource, rlim_t value) {
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)resource, &old) != 0) {
        return;
    }
    const rlim_t lower = old.rlim_max < value ? old.rlim_max : value;
    const struct rlimit new = {.rlim_cur = lower, .rlim_max = lower};
    (void)setrlimit((__rlimit_resource_t)resource, &new);
}

/* What cannot be had everywhere; see the header. */
static void confine_where_granted(int64_t file_bytes_max) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
    limit(RLIMIT_FSIZE, (rlim_t)file_bytes_max);
    /* A write that is too long is an error like others, not the end. */
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)unshare(CLONE_NEWNET | CLONE_NEWIPC);
    if (!IS_SANITIZED) {
        limit(RLIMIT_AS, MEMORY_BYTES_MAX);
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        (void)!chroot(".");
    }
}

enum gf_code gf_confine(int root_fd, int64_t file_bytes_max, struct gf_error *err) {
    if (fchdir(root_fd) != 0) {
        return gf_fail_system(err, "cannot enter the image store");
    }
    confine_where_granted(file_bytes_max);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return gf_fail_system(err, "cannot set no_new_privs");
    }
    return drop_capabilities(err);
}

/* Nothing of root's may stay, whatever the system grants: this fails where that cannot be had. */
static enum gf_code become_nobody(struct gf_error *err) {
    const id_t id = GF_CONFINE_NETWORK_USER_ID;
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    if (setgroups(0, NULL) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0) {
        return gf_fail_system(err, "cannot give up root's rights");
    }
    /* A process that is no longer root's has lost its capabilities; this holds without that, too.
     */
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[CAPABILITY_WORDS] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0) {
        return gf_fail_system(err, "cannot drop capabilities");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return gf_fail_system(err, "cannot set no_new_privs");
    }
    return GF_OK;
}

enum gf_code gf_confine_network(int jail_fd, int64_t file_bytes_max, struct gf_error *err) {
    if (fchdir(jail_fd) != 0) {
        return gf_fail_system(err, "cannot enter the directory of the network process");
    }
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, NETWORK_DESCRIPTORS_MAX);
    limit(RLIMIT_FSIZE, (rlim_t)file_bytes_max);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)unshare(CLONE_NEWIPC);
    if (!IS_SANITIZED) {
        limit(RLIMIT_AS, MEMORY_BYTES_MAX);
        (void)!chroot(".");
    }
    const enum gf_code rc = become_nobody(err);
    if (rc == GF_OK && !IS_SANITIZED) {
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    return rc;
}
