/*
 * The environment of a container: variables from several places become one list.
 *
 * Where two places set the same key, the later of these wins, and its spelling of the key with it:
 * the server's own variables, the pipeline's, the task's, the run's, and what gofer injects, which
 * nobody can override:
 *
 *     GOFER_NAMESPACE_ID  GOFER_PIPELINE_ID  GOFER_RUN_ID  GOFER_TASK_ID  GOFER_TASK_IMAGE
 *     GOFER_TASK_ATTEMPT
 *
 * and, where the run has a document to work on, GOFER_INPUT: the path of a file with it; and what
 * the caller adds (`injected`: for tokens).
 *
 * Keys are compared without regard to the case of ASCII letters.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_ENVIRONMENT_H_
#define GOFER_ENGINE_CORE_ENVIRONMENT_H_

#include "base/arena.h"
#include "engine/core/model.h"

/* Borrowed for the call. */
struct gf_environment_sources {
    const struct gf_variable *system; /* the server's own; may be NULL with count 0 */
    size_t system_count;
    const struct gf_config *config; /* that the task is of; may be NULL */
    const struct gf_task *task;
    const struct gf_run *run;
    int32_t attempt;
    struct gf_str input_path; /* of the run's document in the container; empty = it has none */
    const struct gf_variable *injected; /* win over all others; may be NULL with count 0 */
    size_t injected_count;
};

/*
 * Merges. *out_variables is an array in the arena, sorted by key, whose values are borrowed from
 * the sources. `source` of each tells where it came from, whatever the source says itself:
 * PIPELINE_CONFIG are those of `config` and `task` and no others, for their values may have
 * references to secrets; a run's are RUN_OPTIONS or EXTENSION; all others SYSTEM.
 */
void gf_environment_merge(const struct gf_environment_sources *sources, struct gf_arena *arena,
                          struct gf_variable **out_variables, size_t *out_count);

/* The same variables as "KEY=value" strings, NUL-terminated, as execve wants them. In the arena. */
const char *const *gf_environment_strings(const struct gf_variable *variables, size_t count,
                                          struct gf_arena *arena);

#endif /* GOFER_ENGINE_CORE_ENVIRONMENT_H_ */
