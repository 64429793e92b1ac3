/*
 * Network namespaces: a thread that makes one is in it afterwards, and goes back to where it came
 * from by the namespace that it kept open. Only for threads that nothing else depends on.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NAMESPACE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NAMESPACE_H_

#include "base/error.h"
#include "base/macros.h"

/* Opens the network namespace of the calling thread. */
enum gf_code gf_namespace_open_own(int *out_fd, struct gf_error *err) GF_MUST_USE;

/*
 * Moves the calling thread into a new network namespace: its loopback is up, every user in it may
 * listen on every port and send pings, and devices that come later have no IPv6. On failure the
 * thread may be in either.
 */
enum gf_code gf_namespace_make(int *out_fd, struct gf_error *err) GF_MUST_USE;

/* Moves the calling thread into the namespace. */
enum gf_code gf_namespace_enter(int fd, struct gf_error *err) GF_MUST_USE;

/* Writes a setting of the calling thread's network namespace ("ipv4/ip_forward"). Codes: those of
 * base/file.h. */
enum gf_code gf_namespace_set(const char *setting, const char *value,
                              struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_NETWORK_NAMESPACE_H_ */
