/*
 * Names in C of what has a name in a .proto file.
 *
 * Those of messages, fields and enums are the names that protoc-gen-c gives; those of services and
 * RPCs are ours. Results are NUL-terminated and live in the arena. Thread: any.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_NAMES_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_NAMES_H_

#include "base/arena.h"

/* "TaskExecutionService" gives "task_execution_service", "GetHTTPUrl" gives "get_http_url". */
char *gen_snake(struct gf_arena *arena, const char *camel);

/* "get_run" gives "GET_RUN". */
char *gen_upper(struct gf_arena *arena, const char *text);

/* "gofer/v1/run.proto" gives "gofer/v1/run". */
char *gen_strip_proto(struct gf_arena *arena, const char *file_name);

/* The base of all names of a service: "gofer.v1" and "RunService" give "gofer_v1_run_service". */
char *gen_service_name(struct gf_arena *arena, const char *package, const char *service);

/* A name as a member of a struct: keywords of C and C++ get a "_" behind them. */
char *gen_member(struct gf_arena *arena, const char *snake);

/* protoc-gen-c's type of "gofer.v1.GetRunRequest": "Gofer__V1__GetRunRequest". */
char *gen_message_type(struct gf_arena *arena, const char *full_name);

/* protoc-gen-c's prefix of functions for it: "gofer__v1__get_run_request". */
char *gen_message_symbol(struct gf_arena *arena, const char *full_name);

/* protoc-gen-c's member for a field or oneof: "requestId" gives "requestid", "default" "default_".
 */
char *gen_field_member(struct gf_arena *arena, const char *field);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_NAMES_H_ */
