/*
 * Giving up rights: what a program that parses what strangers made does before it begins.
 *
 * Thread: the only one of the program.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFINE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFINE_H_

#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

/* Closes every descriptor but the standard streams. The first thing that main does. */
void gf_confine_descriptors(void);

/*
 * For a program that unpacks layers as root. What is open stays open; afterwards
 *   - no program that it could start has more rights, and nobody may trace it,
 *   - it sees no file outside of root_fd, and no network,
 *   - of root's capabilities it has those that making files needs (owners, modes, devices, file
 *     capabilities, trusted attributes),
 *   - it writes no core dump and no file of more than file_bytes_max, and its memory is bounded.
 * A part that the system does not grant is left out (a container without CAP_SYS_CHROOT, say): what
 * protects the store is that every path is opened beneath its root. Fails only where it could not
 * work: GF_INTERNAL.
 */
enum gf_code gf_confine(int root_fd, int64_t file_bytes_max, struct gf_error *err) GF_MUST_USE;

/*
 * For the process that speaks to registries, whose answers are strangers' too: it runs as the user
 * GF_CONFINE_NETWORK_USER_ID, without any capability or group of root's, and sees no file but those
 * below jail_fd, which it cannot write to; what it writes are descriptors that it is given. No more
 * rights by any program, nobody may trace it, no core dump, no file of more than file_bytes_max,
 * bounded memory and descriptors. It keeps the network. As above, chroot is left out where the
 * system does not grant it. Code: GF_INTERNAL.
 */
enum gf_code gf_confine_network(int jail_fd, int64_t file_bytes_max,
                                struct gf_error *err) GF_MUST_USE;

enum {
    GF_CONFINE_NETWORK_USER_ID = 65534, /* user and group: nobody, nogroup */
};

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_FETCH_CONFINE_H_ */
