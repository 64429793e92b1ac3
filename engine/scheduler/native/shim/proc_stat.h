/*
 * What /proc/PID/stat tells about a process.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROC_STAT_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROC_STAT_H_

#include <stdint.h>
#include <sys/types.h>

/* When it was started, in ticks since the boot: with its pid, that names it for good. 0: unknown.
 */
int64_t gf_proc_stat_start_ticks(pid_t pid);

/* The session that it is in, as the process that leads it; 0: unknown. */
pid_t gf_proc_stat_session(pid_t pid);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROC_STAT_H_ */
