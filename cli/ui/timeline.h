/*
 * What happened when in the tasks of a run: a row for each attempt, and all moments of one attempt.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_TIMELINE_H_
#define GOFER_CLI_UI_TIMELINE_H_

#include "cli/cli.h"
#include "cli/ui/table.h"
#include "gofer/v1/task_execution.pb-c.h"

/* A table with the columns of gf_timeline_add. To be printed and freed by the caller. */
void gf_timeline_init(struct gf_table *table);

/*
 * Adds a row for each attempt of the task, oldest first: how long it waited for a slot and for its
 * image, when it started and ended as offsets from `base`, how long it ran, and why it did not
 * succeed. What is not over is counted up to now.
 */
void gf_timeline_add(struct gf_cli *cli, struct gf_table *table,
                     const Google__Protobuf__Timestamp *base, const Gofer__V1__TaskExecution *task);

/* Prints "Timeline:" and a line for each moment that is known. Nothing when none is. */
void gf_print_moments(struct gf_cli *cli, const Google__Protobuf__Timestamp *base,
                      const Gofer__V1__TaskTimeline *timeline);

/* Prints "Earlier attempts:" and a row for each; nothing when there are none. */
void gf_print_attempts(struct gf_cli *cli, const Gofer__V1__TaskExecution *task);

/*
 * Why a task is as it is, where that is not plain: the reason of its end, unless it was successful;
 * that its result was kept; that it will be tried again. Empty for all else. In the cli's arena.
 */
const char *gf_show_task_remark(struct gf_cli *cli, const Gofer__V1__TaskExecution *task);

/* Its status, once it has one, else its state. */
const char *gf_show_task_word(struct gf_cli *cli, const Gofer__V1__TaskExecution *task);

#endif /* GOFER_CLI_UI_TIMELINE_H_ */
