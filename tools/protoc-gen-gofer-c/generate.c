#include "tools/protoc-gen-gofer-c/generate.h"

#include "tools/protoc-gen-gofer-c/check.h"
#include "tools/protoc-gen-gofer-c/names.h"

typedef Google__Protobuf__Compiler__CodeGeneratorResponse response_proto;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File response_file_proto;

enum gen_shape gen_shape_of(const gen_method_proto *method) {
    bool client = method->has_client_streaming && method->client_streaming;
    bool server = method->has_server_streaming && method->server_streaming;
    if (client) {
        return server ? GEN_BIDI_STREAM : GEN_CLIENT_STREAM;
    }
    return server ? GEN_SERVER_STREAM : GEN_UNARY;
}

void gen_set_service(struct gen_writer *writer, const struct gen_service *service) {
    struct gf_arena *arena = service->schema->arena;
    const char *package = service->file->package != NULL ? service->file->package : "";
    const char *name = gen_service_name(arena, package, service->proto->name);
    gen_set(writer, "service", name);
    gen_set(writer, "SERVICE", gen_upper(arena, name));
    gen_set(writer, "service_path",
            gf_arena_printf(arena, "%s%s%s", package, package[0] != '\0' ? "." : "",
                            service->proto->name));
}

void gen_set_method(struct gen_writer *writer, const struct gen_service *service, size_t index) {
    struct gf_arena *arena = service->schema->arena;
    const gen_method_proto *method = service->proto->method[index];
    const char *snake = gen_snake(arena, method->name);
    /* Type names come with a dot in front. */
    const char *request = method->input_type + 1;
    const char *response = method->output_type + 1;
    gen_set(writer, "rpc", snake);
    gen_set(writer, "RPC", gen_upper(arena, snake));
    gen_set(writer, "rpc_name", method->name);
    gen_set(writer, "member", gen_member(arena, snake));
    gen_set(writer, "Request", gen_message_type(arena, request));
    gen_set(writer, "Response", gen_message_type(arena, response));
    gen_set(writer, "request", gen_message_symbol(arena, request));
    gen_set(writer, "response", gen_message_symbol(arena, response));
}

static struct gen_path service_path(const struct gen_service *service) {
    const struct gen_path root = {.count = 0};
    return gen_path_child(&root, GEN_FILE_SERVICE, service->index);
}

static const char *comment_at(const gen_file_proto *file, const struct gen_path *path) {
    const gen_location_proto *location = gen_schema_location(file, path);
    return location != NULL ? location->leading_comments : NULL;
}

const char *gen_service_comment(const struct gen_service *service) {
    struct gen_path path = service_path(service);
    return comment_at(service->file, &path);
}

const char *gen_method_comment(const struct gen_service *service, size_t index) {
    struct gen_path path = service_path(service);
    path = gen_path_child(&path, GEN_SERVICE_METHOD, index);
    return comment_at(service->file, &path);
}

static response_file_proto *
write_file(const struct gen_schema *schema, const gen_file_proto *file, const char *suffix,
           void (*write)(struct gen_writer *writer, const struct gen_schema *schema,
                         const gen_file_proto *file)) {
    struct gen_writer writer;
    gen_writer_init(&writer);
    const char *stem = gen_strip_proto(schema->arena, file->name);
    gen_set(&writer, "file", file->name);
    gen_set(&writer, "stem", stem);
    write(&writer, schema, file);
    gf_assert(!writer.out.overflowed);
    response_file_proto *result = GF_ARENA_NEW(schema->arena, response_file_proto);
    google__protobuf__compiler__code_generator_response__file__init(result);
    result->name = gf_arena_printf(schema->arena, "%s%s", stem, suffix);
    result->content = gf_arena_strdup(schema->arena, writer.out.ptr);
    gen_writer_fini(&writer);
    return result;
}

static void write_files(const struct gen_schema *schema, response_proto *response) {
    size_t count = schema->request->n_file_to_generate;
    response->file = GF_ARENA_ARRAY(schema->arena, 2 * count, response_file_proto *);
    for (size_t i = 0; i < count; i++) {
        const gen_file_proto *file = gen_schema_file(schema, schema->request->file_to_generate[i]);
        response->file[response->n_file++] = write_file(schema, file, ".gofer.h", gen_write_header);
        response->file[response->n_file++] = write_file(schema, file, ".gofer.c", gen_write_source);
    }
}

response_proto *gen_generate(const gen_request_proto *request, struct gf_arena *arena) {
    response_proto *response = GF_ARENA_NEW(arena, response_proto);
    google__protobuf__compiler__code_generator_response__init(response);
    /* Otherwise protoc itself refuses `optional`, without naming the line. */
    response->has_supported_features = true;
    response->supported_features =
        GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
    struct gen_schema schema;
    gen_schema_init(&schema, request, arena);
    struct gen_faults faults;
    gen_faults_init(&faults);
    gen_check(&schema, &faults);
    if (faults.count > 0) {
        response->error = gf_arena_strdup(arena, faults.text.ptr);
    } else {
        write_files(&schema, response);
    }
    gen_faults_fini(&faults);
    gen_schema_fini(&schema);
    return response;
}
