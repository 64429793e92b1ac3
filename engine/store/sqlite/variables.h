/*
 * The binary form of a run's variables: the column runs.variables.
 *
 *     nothing                           no variables
 *     format count variable*            format: one byte, 1; count: not 0
 *     variable = source key value       source: one byte, the number of enum gf_variable_source
 *     key, value = length bytes         count and lengths: unsigned LEB128 in its shortest form
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_STORE_SQLITE_VARIABLES_H_
#define GOFER_ENGINE_STORE_SQLITE_VARIABLES_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/model.h"

#include <stddef.h>

/* Appends; text that does not fit sets out->overflowed. The variables have passed
 * gf_variables_check. */
void gf_sqlite__variables_encode(const struct gf_variable *variables, size_t count,
                                 struct gf_strbuf *out);

/*
 * Reads what was encoded; the array (NULL where there are none) and its text are in the arena.
 * Checked: everything is there and nothing else is, sources are known, text is UTF-8 without NUL,
 * keys are sorted and unique, and there are at most GF_RUN_VARIABLES_MAX.
 *
 * Codes: GF_DATA_LOSS (not so), GF_RESOURCE_EXHAUSTED (the arena's cap).
 */
enum gf_code gf_sqlite__variables_decode(struct gf_str bytes, struct gf_arena *arena,
                                         const struct gf_variable **out_variables,
                                         size_t *out_count, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_STORE_SQLITE_VARIABLES_H_ */
