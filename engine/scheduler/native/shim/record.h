/*
 * The records of an attempt, by which a server that was away learns what has become of it. They
 * replace each other atomically and are not synced: they have to survive the server, and after a
 * power cut the boot id in them (or their absence) says that the container is gone.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RECORD_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RECORD_H_

#include "base/error.h"
#include "base/macros.h"
#include "engine/scheduler/native/protocol.h"
#include "engine/scheduler/native/shim/spec.h"

#include <sys/types.h>

/* Writes "start": the container with this process 1 exists. dir_fd is the attempt's directory. */
enum gf_code gf_record_write_start(int dir_fd, const struct gf_spec *spec, pid_t container_pid,
                                   struct gf_error *err) GF_MUST_USE;

/* Writes "exit". */
enum gf_code gf_record_write_exit(int dir_fd, const struct gf_shim_exit *exit,
                                  struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_RECORD_H_ */
