/*
 * The protections that a container has by default, by name. What a host cannot give is missing: it
 * is told of on the task, in DiagnoseSystem, and a server may be configured to refuse launches
 * without it. A set of them is a mask of bits; the bits are stored, so that they are never given
 * another meaning.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_PROTECTION_H_
#define GOFER_ENGINE_CORE_PROTECTION_H_

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* X(name, bit, text): the text is what protos, configuration and logs call it. */
#define GF_PROTECTIONS(X)                                                                          \
    /* Root of the container is nobody on the host: ids of its own, which no other has. */         \
    X(USER_NAMESPACE, 0, "user_namespace")                                                         \
    /* The list of system calls (seccomp). */                                                      \
    X(SYSTEM_CALL_FILTER, 1, "system_call_filter")                                                 \
    /* Limits, each where the task or the server has one. */                                       \
    X(MEMORY_LIMIT, 2, "memory_limit")                                                             \
    X(CPU_LIMIT, 3, "cpu_limit")                                                                   \
    X(PID_LIMIT, 4, "pid_limit")                                                                   \
    X(DISK_LIMIT, 5, "disk_limit")                                                                 \
    /* No way to what listens on the host, to its link-local neighbours and to other containers;   \
     * missing with the host's own network. */                                                     \
    X(NETWORK_ISOLATION, 6, "network_isolation")

enum gf_protection {
#define GF_X(name, bit, text) GF_PROTECTION_##name = 1 << (bit),
    GF_PROTECTIONS(GF_X)
#undef GF_X
#define GF_X(name, bit, text) | GF_PROTECTION_##name
    GF_PROTECTIONS_ALL = 0 GF_PROTECTIONS(GF_X),
#undef GF_X
};

/* The text of one protection, static; NULL for what is none. */
const char *gf_protection_text(uint32_t protection);

/* The protection of a text; 0 = there is none of that name. */
uint32_t gf_protection_of(struct gf_str text);

#endif /* GOFER_ENGINE_CORE_PROTECTION_H_ */
