/*
 * Names that differ in a .proto file and are the same in C.
 *
 * Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_COLLIDE_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_COLLIDE_H_

#include "tools/protoc-gen-gofer-c/fault.h"
#include "tools/protoc-gen-gofer-c/schema.h"

/*
 * Looks for collisions between the types, enum values, services and RPCs of all files, and between
 * the members of each message; adds those in files for which code is asked to faults.
 */
void gen_check_collisions(const struct gen_schema *schema, struct gen_faults *faults);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_COLLIDE_H_ */
