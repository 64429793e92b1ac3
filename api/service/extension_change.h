/*
 * What InstallExtension and UpdateExtension check of what somebody wants, shared with the dialogs
 * and with what the service installs by itself.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_EXTENSION_CHANGE_H_
#define GOFER_API_SERVICE_EXTENSION_CHANGE_H_

#include "api/service/read_call.h"
#include "engine/core/inputs_extensions.h"
#include "gofer/v1/extension.pb-c.h"

/*
 * Whether the image can be run here: its form, and that it is here or can be fetched. Codes, on
 * "image": GF_INVALID_ARGUMENT, GF_NOT_FOUND (reason IMAGE_NOT_FOUND; how to get it),
 * GF_PERMISSION_DENIED.
 */
enum gf_code gf_extension_check_image(struct gf_services *services, struct gf_str image,
                                      struct gf_error *err) GF_MUST_USE;

/*
 * Reads who an image is fetched as; NULL is nobody. Texts are borrowed. Code: GF_INVALID_ARGUMENT
 * on "registry_auth." fields: no secrets of a pipeline, no password without a user.
 */
enum gf_code gf_extension_read_registry_auth(const Gofer__V1__RegistryAuth *message,
                                             struct gf_registry_auth *out,
                                             struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_EXTENSION_CHANGE_H_ */
