/*
 * What every plug-in of protoc does: reads a request from standard input, and writes the answer to
 * standard output.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_PLUGIN_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_PLUGIN_H_

#include "base/arena.h"
#include "tools/protoc-gen-gofer-c/schema.h"

typedef Google__Protobuf__Compiler__CodeGeneratorResponse gen_response_proto;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File gen_response_file_proto;

struct gen_plugin {
    const char *name; /* "protoc-gen-gofer-c" */
    const char *help;
    /* Answers a request: with files, or with an error. The response lives in arena, as does the
     * request. */
    gen_response_proto *(*generate)(const gen_request_proto *request, struct gf_arena *arena);
};

/* The main of the plug-in: gives its exit code. */
int gen_plugin_main(const struct gen_plugin *plugin, int argc, char **argv);

/* An answer without files and without an error, in arena. */
gen_response_proto *gen_response_new(struct gf_arena *arena);

/* A file for an answer, in arena. Borrowed: both texts. */
gen_response_file_proto *gen_response_file_new(struct gf_arena *arena, char *name, char *content);

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_PLUGIN_H_ */
