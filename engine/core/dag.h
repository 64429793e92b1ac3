/*
 * The graph of a config's tasks: who waits for whom, and when a parent's end lets a task run.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_CORE_DAG_H_
#define GOFER_ENGINE_CORE_DAG_H_

#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/core/model.h"

#include <stdbool.h>

/*
 * Resolves the parents of every task and fills in their indexes and the tasks' children, whose
 * arrays are in the arena. The tasks' ids and the order of their parents have been checked.
 *
 * What is wrong is GF_INVALID_ARGUMENT on a field such as tasks[2].depends_on["x"]: two tasks of
 * one id, a parent that is no task, or a cycle, which the message shows in the order of running:
 * "tasks form a cycle: a -> b -> c -> a". Takes time linear in tasks and parents.
 */
enum gf_code gf_dag_build(struct gf_config *config, struct gf_arena *arena,
                          struct gf_error *err) GF_MUST_USE;

/*
 * Whether a parent that ended with `status` lets a task with this rule run. ANY is met by
 * SUCCESSFUL, FAILED and SKIPPED, never by CANCELLED; SUCCESS and FAILURE by SUCCESSFUL and FAILED.
 */
bool gf_dag_rule_met(enum gf_parent_rule rule, enum gf_task_status status);

#endif /* GOFER_ENGINE_CORE_DAG_H_ */
