/*
 * The three files of /etc that belong to the container rather than to its image: hosts, hostname
 * and resolv.conf. They are ordinary files in the container's own upper directory.
 */
#ifndef GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_
#define GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/scheduler/native/shim/spec.h"

enum {
    GF_ETC_RESOLV_BYTES_MAX = 16384
};

/* A value in the caller's memory. */
struct gf_etc {
    const struct gf_spec *spec; /* borrowed */
    struct gf_strbuf resolv;    /* the content of resolv.conf */
};

/* Reads what comes from the host: before the change of root. Free it with gf_etc_fini. */
void gf_etc_init(struct gf_etc *etc, const struct gf_spec *spec);
void gf_etc_fini(struct gf_etc *etc);

/*
 * Writes the files into /etc of the current root. Nothing that the image has put in their place is
 * followed or waited for; an /etc that is no directory is left alone.
 */
enum gf_code gf_etc_write(const struct gf_etc *etc, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SCHEDULER_NATIVE_SHIM_ETC_H_ */
