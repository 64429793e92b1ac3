/*
 * Tries what containers need of this host, for gf_host_protections_probe: the program's other use.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROBE_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROBE_H_

#include <stdint.h>

/*
 * Writes a line "protection:sentence" to standard output for each protection that containers would
 * go without. `stage` is a directory as in the spec; its own files are the layer that is tried. The
 * process must end afterwards. Gives its exit code.
 */
int gf_probe_run(const char *stage, int64_t user_id_first);

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_PROBE_H_ */
