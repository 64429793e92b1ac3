/*
 * An extension that is there for the dialog of its installation alone: installed under an id that
 * nobody sees, in a container of its own, and removed when nobody needs it any more, also when that
 * is before it is there. What a server that was killed leaves behind, its successor removes.
 *
 * Thread: any, all calls.
 */
#ifndef GOFER_API_SERVICE_EXTENSION_INSTALLER_H_
#define GOFER_API_SERVICE_EXTENSION_INSTALLER_H_

#include "api/service/services.h"
#include "engine/core/model_extensions.h"

enum {
    GF_INSTALLERS_MAX = 8, /* at once */
};

struct gf_installer;

/* The spec is copied. */
struct gf_installer_options {
    struct gf_services *services;
    struct gf_reactor *reactor; /* for another try where the engine has no room */
    const struct gf_extension_spec *spec;
    /* It is there, or will not be. Must not block, nor call the installer. */
    void (*changed)(void *ctx);
    void *ctx;
};

/* Begins to install it. Owned by the caller. Codes: GF_RESOURCE_EXHAUSTED, GF_UNAVAILABLE. */
enum gf_code gf_installer_create(const struct gf_installer_options *options,
                                 struct gf_installer **out_installer,
                                 struct gf_error *err) GF_MUST_USE;

/* It is removed, soon. `changed` is not called afterwards. Accepts NULL. Thread: not that of
 * `changed`; waits for one that is under way. */
void gf_installer_destroy(struct gf_installer *installer);

/* *out_key 0: it is not there yet. Codes: those of INSTALL_EXTENSION. */
enum gf_code gf_installer_key(struct gf_installer *installer, int64_t *out_key,
                              struct gf_error *err) GF_MUST_USE;

/* Its id, for the time of the installer. */
struct gf_str gf_installer_id(const struct gf_installer *installer);

#endif /* GOFER_API_SERVICE_EXTENSION_INSTALLER_H_ */
