#include "api/server/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    OWNER_ONLY = 077
};

enum gf_code gf_process_close(struct gf_error *err) {
    struct rlimit core = {0, 0};
    (void)umask(OWNER_ONLY);
    (void)getrlimit(RLIMIT_CORE, &core);
    /*
     * 1 rather than 0 where that is allowed, for the containers, which inherit it: the kernel
     * writes no file in either case, but at 0 it still gives the memory of a command that dies to
     * the host's handler of cores, where there is one.
     */
    core.rlim_max = core.rlim_max > 1 ? 1 : core.rlim_max;
    core.rlim_cur = core.rlim_max;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &core) != 0) {
        return gf_fail_errno(err, GF_INTERNAL, errno, "closing the process to others");
    }
    return GF_OK;
}

enum gf_code gf_process_take_secret(const char *name, struct gf_secret_buffer *out,
                                    struct gf_error *err) {
    char *value = getenv(name);
    if (value == NULL) {
        return GF_OK;
    }
    /* Behind the end of the process's arguments the kernel shows these very bytes. */
    gf_secret_buffer_append(out, gf_str_from(value));
    explicit_bzero(value, strlen(value));
    (void)unsetenv(name);
    return out->overflowed
               ? gf_fail(err, GF_INVALID_ARGUMENT,
                         "environment variable %s is longer than %zu bytes", name, out->limit)
               : GF_OK;
}
