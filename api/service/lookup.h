/*
 * What many calls look up, with the checks of what names it. Every error is on the request's field.
 *
 * Thread: a worker, with the reader of `read`. Results are in its arena.
 */
#ifndef GOFER_API_SERVICE_LOOKUP_H_
#define GOFER_API_SERVICE_LOOKUP_H_

#include "api/service/read_call.h"
#include "engine/core/model_extensions.h"

/* The namespace of a request: empty means "default". */
struct gf_str gf_request_namespace(const char *namespace_id);

/* Checks the ids of a request on "namespace_id" and "pipeline_id". Thread: any. */
enum gf_code gf_check_namespace_id(const char *namespace_id, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_check_pipeline_ids(const char *namespace_id, const char *pipeline_id,
                                   struct gf_error *err) GF_MUST_USE;
/* A number that must be 1 or more, such as a run_id. */
enum gf_code gf_check_number(int64_t number, const char *field, struct gf_error *err) GF_MUST_USE;
/* The characters of a request_id: letters, digits, hyphens and underscores. */
enum gf_code gf_check_request_id(const char *request_id, struct gf_error *err) GF_MUST_USE;

/* Codes: GF_INVALID_ARGUMENT, GF_NOT_FOUND with what is missing. */
enum gf_code gf_find_pipeline(struct gf_read *read, const char *namespace_id,
                              const char *pipeline_id, struct gf_pipeline *out,
                              struct gf_error *err) GF_MUST_USE;
enum gf_code gf_find_run(struct gf_read *read, const char *namespace_id, const char *pipeline_id,
                         int64_t run_id, struct gf_run *out, struct gf_error *err) GF_MUST_USE;
/* Version 0 is the live one; reason NOTHING_LIVE where there is none. */
enum gf_code gf_find_config(struct gf_read *read, const struct gf_pipeline *pipeline,
                            int64_t version, struct gf_config *out,
                            struct gf_error *err) GF_MUST_USE;

/* Checks the id and finds the extension; installers are not there. Codes: GF_INVALID_ARGUMENT on
 * "extension_id", GF_NOT_FOUND (reason EXTENSION_NOT_INSTALLED). */
enum gf_code gf_find_extension(struct gf_read *read, const char *extension_id,
                               struct gf_extension *out, struct gf_error *err) GF_MUST_USE;

/* The newest version that is there; GF_NOT_FOUND where all were deleted. */
enum gf_code gf_find_newest_config(struct gf_read *read, const struct gf_pipeline *pipeline,
                                   struct gf_arena *arena, struct gf_config *out,
                                   struct gf_error *err) GF_MUST_USE;

/*
 * The config of a run, which may be large: give it an arena of its own where little of it is shown.
 * Zeroed where the version was deleted: a run outlives it.
 */
enum gf_code gf_find_run_config(struct gf_read *read, const struct gf_run *run,
                                struct gf_arena *arena, struct gf_config *out,
                                struct gf_error *err) GF_MUST_USE;

/*
 * Refuses, with GF_NOT_FOUND, to answer a repeated call with a namespace or a pipeline that has the
 * id of the one that the first call was about, which was deleted.
 */
enum gf_code gf_check_resource(const char *what, struct gf_str id, int64_t key,
                               int64_t replayed_key, struct gf_error *err) GF_MUST_USE;

/*
 * Whether a call of this caller with this request_id has an outcome. The engine decides what comes
 * of that; here it says that what was checked before need not be as it was then.
 */
bool gf_was_given_before(struct gf_read *read, struct gf_str caller, struct gf_str request_id);

/* The task of that id; NULL where the config has none. Thread: any. */
const struct gf_task *gf_config_find_task(const struct gf_config *config, struct gf_str task_id);

#endif /* GOFER_API_SERVICE_LOOKUP_H_ */
