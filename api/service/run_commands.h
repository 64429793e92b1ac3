/*
 * The handlers of RunService that give commands, for the table in run.c. Thread: rpc.
 */
#ifndef GOFER_API_SERVICE_RUN_COMMANDS_H_
#define GOFER_API_SERVICE_RUN_COMMANDS_H_

#include "api/rpc/server.h"
#include "gofer/v1/run.gofer.h"

void gf_run_start(struct gf_rpc_call *call, const Gofer__V1__StartRunRequest *request, void *ctx);
void gf_run_retry(struct gf_rpc_call *call, const Gofer__V1__RetryRunRequest *request, void *ctx);
void gf_run_cancel(struct gf_rpc_call *call, const Gofer__V1__CancelRunRequest *request, void *ctx);
void gf_run_cancel_all(struct gf_rpc_call *call, const Gofer__V1__CancelAllRunsRequest *request,
                       void *ctx);
void gf_run_repair(struct gf_rpc_call *call, const Gofer__V1__RepairRunRequest *request, void *ctx);

#endif /* GOFER_API_SERVICE_RUN_COMMANDS_H_ */
