/*
 * The check of a pipeline config, and of variables.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_CONFIG_H_
#define GOFER_ENGINE_CORE_CONFIG_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "engine/core/limits.h"
#include "engine/core/model.h"

/*
 * Checks the content of a config and its pipeline_id, and completes it: parents' indexes, the
 * indexes of tasks' pools, and tasks' children (in the arena, in the order of the tasks). Lists are
 * sorted where model.h says so. On failure nothing that counts has changed.
 *
 * What is wrong is GF_INVALID_ARGUMENT on a field with a path from the config on: "id",
 * "parallelism", "tasks[2].image", "tasks[2].depends_on["x"]"; a caller puts its request's prefix
 * before it (gf_wrap_field). Takes time linear in the size of the config.
 */
enum gf_code gf_config_check(struct gf_config *config, struct gf_arena *arena,
                             struct gf_error *err) GF_MUST_USE;

/* The same without pipeline_id, for who knows the content alone. */
enum gf_code gf_config_check_content(struct gf_config *config, struct gf_arena *arena,
                                     struct gf_error *err) GF_MUST_USE;

/*
 * Checks what tasks ask for against what a server gives at most (in each, 0 = it has no maximum).
 * Apart from the check above, because a config that was registered stays valid when the server is
 * configured anew. Errors are on "tasks[2].resources.memory_bytes" and name both values.
 */
enum gf_code gf_config_check_maximums(const struct gf_config *config,
                                      const struct gf_resources *maximums,
                                      struct gf_error *err) GF_MUST_USE;

/*
 * Checks variables as a task or a run may have them: sorted by key, keys of letters, digits and
 * underscores, not beginning with a digit or "GOFER_" (but "GOFER_EXTENSION_" where the source is
 * EXTENSION), no two alike without regard to case. Errors are on field + "[KEY]", such as
 * variables["x"]. Limits: GF_TASK_VARIABLES_MAX and those of key and value.
 */
enum gf_code gf_variables_check(const struct gf_variable *variables, size_t count,
                                const char *field, struct gf_error *err) GF_MUST_USE;

/*
 * Checks labels as a config or a task may have them: sorted by key, no key twice, keys not empty.
 * Errors are on `field` or on field + "[KEY]". Limits: GF_LABELS_MAX and those of key and value.
 */
enum gf_code gf_labels_check(const struct gf_label *labels, size_t count, const char *field,
                             struct gf_error *err) GF_MUST_USE;

/*
 * Checks pools and retry policies with their lists in any order, so that an error names an item as
 * its writer counts: "task_pools[1].parallelism"; "max_attempts" and "exit_codes[3]", which are
 * relative to the policy. A policy that is there has max_attempts of 1 or more.
 */
enum gf_code gf_task_pools_check(const struct gf_task_pool *pools, size_t count,
                                 struct gf_error *err) GF_MUST_USE;
enum gf_code gf_retry_policy_check(const struct gf_retry_policy *policy,
                                   struct gf_error *err) GF_MUST_USE;

/* Sort by key or id or number, as the check of a config wants them. */
void gf_variables_sort(struct gf_variable *variables, size_t count);
void gf_labels_sort(struct gf_label *labels, size_t count);
void gf_parents_sort(struct gf_parent *parents, size_t count);
void gf_task_pools_sort(struct gf_task_pool *pools, size_t count);
void gf_exit_codes_sort(int32_t *codes, size_t count);

/*
 * Checks text that a user wrote: UTF-8, no NUL, at most chars_max characters. Errors are on
 * `field`.
 */
enum gf_code gf_text_check(struct gf_str text, size_t chars_max, const char *field,
                           struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_CORE_CONFIG_H_ */
