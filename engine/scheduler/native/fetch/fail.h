/*
 * The failures that gofer-fetch has of its own, with the reasons that clients of the API see.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FAIL_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FAIL_H_

#include "base/error.h"
#include "base/file.h"

#include <errno.h>

/* The archive is not what it must be. gf_fail_archive(err, "entry '%s' ...", ...) */
#define gf_fail_archive(err, ...)                                                                  \
    gf_fail_reason((err), GF_INVALID_ARGUMENT, "ARCHIVE_INVALID", __VA_ARGS__)

/* The archive is over a limit, or the disk is full. */
#define gf_fail_limit(err, ...)                                                                    \
    gf_fail_reason((err), GF_RESOURCE_EXHAUSTED, "IMAGE_TOO_LARGE", __VA_ARGS__)

/* A system call failed, errno says how: gf_fail_system(err, "write '%s'", name). */
#define gf_fail_system(err, ...)                                                                   \
    ({                                                                                             \
        const int gf_errno_ = errno;                                                               \
        gf_fail_errno((err), gf_code_from_errno(gf_errno_), gf_errno_, __VA_ARGS__);               \
    })

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_FAIL_H_ */
