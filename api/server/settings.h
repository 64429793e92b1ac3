/*
 * From the configuration (api/config) to the options of the server.
 *
 * Thread: any.
 */
#ifndef GOFER_API_SERVER_SETTINGS_H_
#define GOFER_API_SERVER_SETTINGS_H_

#include "api/server/server.h"
#include "base/error.h"
#include "base/macros.h"
#include "gofer/config/v1/config.pb-c.h"

/* Where lists of the options lie. */
struct gf_server_lists {
    struct gf_server_listener listeners[GF_SERVER_LISTENERS_MAX];
    struct gf_server_listener gateway_listeners[GF_SERVER_LISTENERS_MAX];
    struct gf_server_listener external_listeners[GF_SERVER_LISTENERS_MAX];
    struct gf_image_registry registries[GF_IMAGE_REGISTRIES_MAX];
};

/*
 * Fills what the configuration has into options; `lists` is memory for them. What is set besides
 * (the mode, the programs, the version) stays. Everything is borrowed from config and lists. Code:
 * GF_INVALID_ARGUMENT (what the schema cannot tell of: half a certificate, a subnet that is none,
 * a protection that does not exist, settings that do not go together), with the path of the setting
 * as field.
 */
enum gf_code gf_server_options_apply(const Gofer__Config__V1__ServerConfig *config,
                                     struct gf_server_lists *lists,
                                     struct gf_server_options *options,
                                     struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVER_SETTINGS_H_ */
