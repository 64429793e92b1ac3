/*
 * How the runs of a pipeline have fared, as rows: one for each window of time.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_CLI_UI_STATS_H_
#define GOFER_CLI_UI_STATS_H_

#include "cli/call.h"
#include "gofer/v1/pipeline.pb-c.h"

/* How a list of windows is shown. */
extern const struct gf_listing gf_stats_listing;

/* Prints "Runs that ended within:" and the rows. */
void gf_print_stats(struct gf_cli *cli, const Gofer__V1__GetPipelineStatsResponse *response);

#endif /* GOFER_CLI_UI_STATS_H_ */
