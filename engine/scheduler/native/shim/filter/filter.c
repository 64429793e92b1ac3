#include "engine/scheduler/native/shim/filter/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

enum gf_code gf_filter_load(struct gf_error *err) {
    size_t count = 0;
    const struct sock_filter *instructions = gf_filter_program(&count);
    const struct sock_fprog program = {
        .len = (unsigned short)count,
        .filter = (struct sock_filter *)instructions, /* the kernel's header knows no const */
    };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        return gf_fail_errno(err, GF_UNIMPLEMENTED, errno,
                             "cannot load the filter of system calls");
    }
    return GF_OK;
}
