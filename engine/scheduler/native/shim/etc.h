/*
 * The three files of /etc that belong to the container rather than to its image: hosts, hostname
 * and resolv.conf. They are ordinary files in the container's own upper directory. What resolv.conf
 * says, the server has decided (network/resolv.h).
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/spec.h"

#include <sys/types.h>

/*
 * Writes the files into /etc of the current root. Nothing that the image has put in their place is
 * followed or waited for; an /etc that is no directory is left alone. They belong to `owner`, the
 * container's root as the host sees it.
 */
enum gf_code gf_etc_write(const struct gf_spec *spec, uid_t owner,
                          struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_ */
