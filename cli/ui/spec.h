/*
 * What a pipeline consists of, for people.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_SPEC_H_
#define GOFER_CLI_UI_SPEC_H_

#include "cli/cli.h"
#include "gofer/v1/pipeline_config.pb-c.h"

/* Prints "Tasks:" and one line for each task: its id, its image, what it waits for. */
void gf_print_tasks(struct gf_cli *cli, const Gofer__V1__PipelineSpec *spec);

#endif /* GOFER_CLI_UI_SPEC_H_ */
