/*
 * What protoc tells a plug-in, with the look-ups that a generator needs: messages by name, and the
 * place and comment of everything in its .proto file.
 *
 * Everything is borrowed from the request and lives in the arena. Thread: one at a time.
 */
#ifndef GOFER_TOOLS_PROTOC_GEN_GOFER_C_SCHEMA_H_
#define GOFER_TOOLS_PROTOC_GEN_GOFER_C_SCHEMA_H_

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <google/protobuf/compiler/plugin.pb-c.h>
#include <google/protobuf/descriptor.pb-c.h>

/* Short names for what protobuf-c calls Google__Protobuf__... */
typedef Google__Protobuf__Compiler__CodeGeneratorRequest gen_request_proto;
typedef Google__Protobuf__FileDescriptorProto gen_file_proto;
typedef Google__Protobuf__DescriptorProto gen_message_proto;
typedef Google__Protobuf__FieldDescriptorProto gen_field_proto;
typedef Google__Protobuf__EnumDescriptorProto gen_enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto gen_service_proto;
typedef Google__Protobuf__MethodDescriptorProto gen_method_proto;
typedef Google__Protobuf__SourceCodeInfo__Location gen_location_proto;

enum {
    GEN_PATH_MAX = 80
};

/* Where something stands in a file's descriptor: the path of SourceCodeInfo. */
struct gen_path {
    int32_t steps[GEN_PATH_MAX];
    size_t count;
};

/* A message or an enum of any file. Exactly one of message and enumeration is set. */
struct gen_type {
    const char *full_name; /* "gofer.v1.Run", without the dot in front */
    const gen_file_proto *file;
    const gen_message_proto *message;
    const gen_enum_proto *enumeration;
    struct gen_path path;

    /* For the walk over the graph of messages in check.c. */
    enum {
        GEN_NEW,
        GEN_OPEN,
        GEN_DONE
    } state;
    size_t depth; /* levels of messages, this one included, once done */
};

struct gen_schema {
    const gen_request_proto *request;
    struct gf_arena *arena;
    struct gf_map types; /* full name -> struct gen_type */
};

/* Reads a request; fini frees what is not in the arena. */
void gen_schema_init(struct gen_schema *schema, const gen_request_proto *request,
                     struct gf_arena *arena);
void gen_schema_fini(struct gen_schema *schema);

/* The type of that name, with or without a dot in front, or NULL. */
struct gen_type *gen_schema_find(const struct gen_schema *schema, const char *full_name);

/* The file of that name, or NULL. */
const gen_file_proto *gen_schema_file(const struct gen_schema *schema, const char *name);

/* True when code is asked for that file, rather than it being only imported. */
bool gen_schema_is_generated(const struct gen_schema *schema, const gen_file_proto *file);

/* The path with two more steps: the field number in the descriptor's proto, and an index. */
struct gen_path gen_path_child(const struct gen_path *parent, int32_t number, size_t index);

/* What SourceCodeInfo says of a path, or NULL. */
const gen_location_proto *gen_schema_location(const gen_file_proto *file,
                                              const struct gen_path *path);

/* The comment above it, or NULL. */
const char *gen_schema_comment(const gen_file_proto *file, const struct gen_path *path);

/* The shapes of RPCs. */
enum gen_shape {
    GEN_UNARY,
    GEN_CLIENT_STREAM,
    GEN_SERVER_STREAM,
    GEN_BIDI_STREAM
};

enum gen_shape gen_shape_of(const gen_method_proto *method);

/* Field numbers in google/protobuf/descriptor.proto, for paths. */
enum {
    GEN_FILE_MESSAGE = 4,
    GEN_FILE_ENUM = 5,
    GEN_FILE_SERVICE = 6,
    GEN_MESSAGE_FIELD = 2,
    GEN_MESSAGE_NESTED = 3,
    GEN_MESSAGE_ENUM = 4,
    GEN_MESSAGE_ONEOF = 8,
    GEN_ENUM_VALUE = 2,
    GEN_SERVICE_METHOD = 2,
};

#endif /* GOFER_TOOLS_PROTOC_GEN_GOFER_C_SCHEMA_H_ */
