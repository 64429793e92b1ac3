/*
 * Checks of what callers say, before anything is looked up: the one place of each. A caller over
 * the wire, an extension and a test get the same refusal. Every error is GF_INVALID_ARGUMENT on the
 * field of the public request, such as "priority.value" of StartRunRequest.
 *
 * What only the wire can get wrong (the shape of a message, the number of an enumeration, the
 * characters of an id) is for api/service to check.
 */
#ifndef GOFER_ENGINE_CORE_CORE_CHECKS_H_
#define GOFER_ENGINE_CORE_CORE_CHECKS_H_

#include "engine/core/core.h"

/* All of a START_RUN but the ids of its pipeline. */
enum gf_code gf_core__check_start_run(const struct gf_input *input,
                                      struct gf_error *err) GF_MUST_USE;

/* Name, description and parallelism of a CREATE_NAMESPACE or UPDATE_NAMESPACE. */
enum gf_code gf_core__check_namespace(const struct gf_input *input,
                                      struct gf_error *err) GF_MUST_USE;

/* All of a CREATE_TOKEN or BOOTSTRAP_TOKEN, but whether its roles are there. */
enum gf_code gf_core__check_token(const struct gf_input *input, struct gf_error *err) GF_MUST_USE;

/* Each an identifier, none twice, at most GF_TOKEN_ROLES_MAX; whether they exist is not looked up.
 * `field` is that of the list. */
enum gf_code gf_core__check_role_ids(const struct gf_str *role_ids, size_t count, const char *field,
                                     struct gf_error *err) GF_MUST_USE;

/* All of an INSTALL_EXTENSION or UPDATE_EXTENSION, but whether its roles are there. */
enum gf_code gf_core__check_extension(const struct gf_input *input,
                                      struct gf_error *err) GF_MUST_USE;

/* On "reason": up to GF_REASON_CHARS_MAX characters. */
enum gf_code gf_core__check_reason(struct gf_str reason, struct gf_error *err) GF_MUST_USE;

/* On "request_id": up to GF_REQUEST_ID_BYTES_MAX. */
enum gf_code gf_core__check_request_id(struct gf_str request_id, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_CORE_CORE_CHECKS_H_ */
