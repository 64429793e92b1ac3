/*
 * Parts of gf_server_options_apply, for api/server alone.
 *
 *     settings.c               listeners, access, limits
 *     settings_containers.c    what runs containers, and their images
 */
#ifndef GOFER_API_SERVER_SETTINGS_INTERNAL_H_
#define GOFER_API_SERVER_SETTINGS_INTERNAL_H_

#include "api/server/settings.h"

#include <google/protobuf/duration.pb-c.h>

/* NULL for an empty text: not given. */
const char *gf_settings__given(const char *text);
/* In the configuration 0 is "no limit"; in the options it is the default, and -1 no limit. */
int64_t gf_settings__limit(int64_t value);
/* Whole milliseconds, rounded up: a time that was given is never none. */
int64_t gf_settings__ms(const Google__Protobuf__Duration *duration);

enum gf_code gf_settings__take_scheduler(const Gofer__Config__V1__Scheduler *scheduler,
                                         struct gf_server_options *options,
                                         struct gf_error *err) GF_MUST_USE;
enum gf_code gf_settings__take_images(const Gofer__Config__V1__Images *images,
                                      struct gf_server_lists *lists,
                                      struct gf_server_options *options,
                                      struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVER_SETTINGS_INTERNAL_H_ */
