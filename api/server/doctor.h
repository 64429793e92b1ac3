/*
 * What DiagnoseSystem tells of containers: what the native scheduler knows of this machine, and
 * what the configuration says of images.
 *
 * Thread: a worker; takes some tens of milliseconds.
 */
#ifndef GOFER_API_SERVER_DOCTOR_H_
#define GOFER_API_SERVER_DOCTOR_H_

#include "api/service/findings.h"
#include "base/arena.h"
#include "engine/scheduler/native/images/settings.h"
#include "engine/scheduler/native/native.h"

/* Borrowed: native, and what the settings point to. */
struct gf_doctor {
    struct gf_native *native; /* NULL: there are no containers */
    uint32_t required_protections;
    enum gf_network_mode default_network;
    const struct gf_image_settings *images;
};

/* For gf_services.check_containers; ctx is a struct gf_doctor. Gives the count. */
size_t gf_doctor_check(void *ctx, struct gf_arena *arena,
                       struct gf_named_finding out[GF_FINDINGS_MAX]);

#endif /* GOFER_API_SERVER_DOCTOR_H_ */
