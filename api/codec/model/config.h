/*
 * Pipeline specs and configs: messages to structs and back.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_CONFIG_H_
#define GOFER_API_CODEC_MODEL_CONFIG_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/core/model.h"
#include "gofer/v1/pipeline_config.pb-c.h"

/*
 * Reads a spec into a config without version, state and times: words become canonical, everything
 * is checked (gf_config_check) and the content hash is made. Text is borrowed from the spec, arrays
 * and the hash are in the arena.
 *
 * Errors name a field of the spec, such as `tasks[1].depends_on["greet"]`; a caller puts "spec."
 * before it. Codes: GF_INVALID_ARGUMENT, GF_UNIMPLEMENTED (a field or a word that this version does
 * not know what to do with).
 */
enum gf_code gf_config_from_spec(const Gofer__V1__PipelineSpec *spec, struct gf_arena *arena,
                                 struct gf_config *out, struct gf_error *err) GF_MUST_USE;

/* What stands where a literal password was; it is no password itself. */
#define GF_PASSWORD_SHOWN "***"

/* A whole config; without its tasks where `with_tasks` is false. */
Gofer__V1__PipelineConfig *gf_config_to_message(const struct gf_config *config, bool with_tasks,
                                                struct gf_arena *arena);

/* A task as its config has it, but for a literal password: GF_PASSWORD_SHOWN is in its place. */
Gofer__V1__TaskSpec *gf_task_to_message(const struct gf_task *task, struct gf_arena *arena);

/*
 * Reads one variable of a map. In one of a config (source PIPELINE_CONFIG) the references are
 * checked (references.h); any other is literal text. The path of an error is `field["KEY"]`.
 */
enum gf_code gf_variable_from_entry(const char *key, const char *value,
                                    enum gf_variable_source source, const char *field,
                                    struct gf_variable *out, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_CONFIG_H_ */
