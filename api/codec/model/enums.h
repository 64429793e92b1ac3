/*
 * Enumerations of the model and of the contracts. Both have the same numbers, which is checked when
 * enums.c is compiled, so that going from one to the other is a cast; what these functions add is
 * what a cast cannot tell.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_ENUMS_H_
#define GOFER_API_CODEC_MODEL_ENUMS_H_

#include "engine/core/model.h"
#include "gofer/v1/run.pb-c.h"
#include "gofer/v1/task_execution.pb-c.h"

/* The kind of reason of a run or task that has ended; a success has NORMAL_EXIT. */
Gofer__V1__RunStatusReasonKind gf_run_reason_kind_to_message(enum gf_run_status status,
                                                             enum gf_reason_kind kind);
Gofer__V1__TaskExecutionStatusReasonKind gf_task_reason_kind_to_message(enum gf_task_status status,
                                                                        enum gf_reason_kind kind);

#endif /* GOFER_API_CODEC_MODEL_ENUMS_H_ */
