/*
 * References to secrets in pipeline configs (engine/secrets/references.h): where they may stand,
 * and which there are.
 *
 * They stand in the values of variables, the config's and its tasks'. Every other text of a config
 * is literal, and so are the variables that a run is started with: who may start a run gets at no
 * secret that its config does not name. References to objects are not supported by this version.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_REFERENCES_H_
#define GOFER_API_CODEC_MODEL_REFERENCES_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"
#include "engine/secrets/references.h"

/*
 * Checks the references in the value of a variable of a config. Codes, each on `field` (borrowed):
 * GF_INVALID_ARGUMENT (as gf_references_list has it: a bad reference, or too many),
 * GF_UNIMPLEMENTED (one to an object).
 */
enum gf_code gf_references_check(struct gf_str value, const char *field,
                                 struct gf_error *err) GF_MUST_USE;

/* Whether a value that was checked is one reference and nothing else, so that it may be shown. */
bool gf_references_is_one(struct gf_str value);

/* A secret that a config refers to. */
struct gf_secret_reference {
    enum gf_reference_kind kind; /* PIPELINE_SECRET or GLOBAL_SECRET */
    struct gf_str key;
    /* The first place of it: `tasks[1].variables["TOKEN"]`, `tasks[2].registry_auth.password`. */
    const char *field;
};

/*
 * All secrets that a config refers to, each once, at its first place: the config's variables, then
 * the variables and the credentials for a registry of each task in its order. For the check of who
 * may use them. *out_references is in the arena; keys are borrowed from the config. Takes time in
 * proportion to the config's size.
 *
 * What gf_config_from_spec gave passes. Codes: as of gf_references_check.
 */
enum gf_code gf_config_secret_references(const struct gf_config *config, struct gf_arena *arena,
                                         const struct gf_secret_reference **out_references,
                                         size_t *out_count, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_REFERENCES_H_ */
