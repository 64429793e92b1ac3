/*
 * Whether a caller may put references to secrets into a config: whoever writes the tasks of a
 * pipeline decides what becomes of the values that they get.
 *
 * Thread: a worker.
 */
#ifndef GOFER_API_SERVICE_USE_SECRETS_H_
#define GOFER_API_SERVICE_USE_SECRETS_H_

#include "api/access/principal.h"

/*
 * References to secrets of the pipeline need USE_SECRET on PIPELINE_SECRETS of it, each one to a
 * global secret USE_SECRET on that one of GLOBAL_SECRETS. `config` is checked; its namespace is
 * that of the request. Code: GF_PERMISSION_DENIED, on a field from "spec." on.
 */
enum gf_code gf_use_secrets_check(const struct gf_principal *principal, struct gf_str namespace_id,
                                  const struct gf_config *config, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_SERVICE_USE_SECRETS_H_ */
