/*
 * What the generator refuses, because protobuf-c or C could not cope with it.
 *
 *   - messages that contain themselves, and requests that reach google.protobuf.Any, Value, Struct
 *     or ListValue: protobuf-c has no limit on nesting, and a peer could overflow the stack;
 *   - requests that nest deeper, and messages with more fields, than api/codec/wire checks;
 *   - groups and proto3 `optional`, which protobuf-c does not know;
 *   - services without RPCs;
 *   - names that become the same in C (collide.h).
 *
 * Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_CHECK_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_CHECK_H_

#include "tools/protoc-gen-gofer-c/fault.h"
#include "tools/protoc-gen-gofer-c/schema.h"

/* Checks the files for which code is asked, and adds what is wrong with them to faults. */
void gen_check(struct gen_schema *schema, struct gen_faults *faults);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_CHECK_H_ */
