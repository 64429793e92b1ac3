/*
 * From a request of protoc to the C of its services.
 *
 * For X.proto two files are made: X.gofer.h, what handlers and clients include, and X.gofer.c, the
 * tables and thunks behind it. A file without services gets both, with nothing in them, so that a
 * build may ask for the same files whatever a .proto file holds.
 *
 * Thread: any.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_GENERATE_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_GENERATE_H_

#include "base/arena.h"
#include "tools/protoc-gen-gofer-c/schema.h"
#include "tools/protoc-gen-gofer-c/writer.h"

#include <google/protobuf/compiler/plugin.pb-c.h>

/*
 * Answers a request: with files, or with an error that names every fault and its place. The
 * response lives in arena, as must the request.
 */
Google__Protobuf__Compiler__CodeGeneratorResponse *gen_generate(const gen_request_proto *request,
                                                                struct gf_arena *arena);

/* ---- between the files of the generator ---- */

/* A service, and an RPC of it, of which a template speaks. */
struct gen_service {
    const struct gen_schema *schema;
    const gen_file_proto *file;
    const gen_service_proto *proto;
    size_t index; /* in the file */
};

/*
 * Sets the variables of a service: service (gofer_v1_run_service), SERVICE, service_path
 * (gofer.v1.RunService); and of an RPC: rpc (get_run), RPC, rpc_name (GetRun), member (get_run),
 * Request and Response (types in C), request and response (prefixes of functions in C).
 */
void gen_set_service(struct gen_writer *writer, const struct gen_service *service);
void gen_set_method(struct gen_writer *writer, const struct gen_service *service, size_t index);

/* What the .proto file says above a service, and above an RPC; NULL when it says nothing. */
const char *gen_service_comment(const struct gen_service *service);
const char *gen_method_comment(const struct gen_service *service, size_t index);

/* Writes X.gofer.h and X.gofer.c. */
void gen_write_header(struct gen_writer *writer, const struct gen_schema *schema,
                      const gen_file_proto *file);
void gen_write_source(struct gen_writer *writer, const struct gen_schema *schema,
                      const gen_file_proto *file);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_GENERATE_H_ */
