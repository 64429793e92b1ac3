/*
 * The network of a container: the namespace that the server has handed over, or one with nothing
 * but a loopback, made here where the server had none ready.
 *
 * The shim makes the namespace and lives in it itself (it talks through unix sockets with paths,
 * which know no network namespaces) while the container's first process is busy with its mounts;
 * that one then joins. Making a network namespace is the most expensive single step of a container,
 * so it must not stand in line with the others.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_NETWORK_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_NETWORK_H_

#include "base/error.h"
#include "base/macros.h"

/* Moves the calling process into a new network namespace and brings its loopback up. */
enum gf_code gf_network_make(struct gf_error *err) GF_MUST_USE;

/* Joins the namespace behind the descriptor. */
enum gf_code gf_network_enter(int fd, struct gf_error *err) GF_MUST_USE;

/* Joins the network namespace of the process behind the pidfd. */
enum gf_code gf_network_join(int pidfd, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_NETWORK_H_ */
