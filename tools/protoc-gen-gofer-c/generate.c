#include "tools/protoc-gen-gofer-c/generate.h"

#include "tools/protoc-gen-gofer-c/check.h"
#include "tools/protoc-gen-gofer-c/names.h"
#include "tools/protoc-gen-gofer-c/plugin.h"

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

const char *gen_service_comment(const struct gen_service *service) {
    struct gen_path path = service_path(service);
    return gen_schema_comment(service->file, &path);
}

const char *gen_method_comment(const struct gen_service *service, size_t index) {
    struct gen_path path = service_path(service);
    path = gen_path_child(&path, GEN_SERVICE_METHOD, index);
    return gen_schema_comment(service->file, &path);
}

static gen_response_file_proto *
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
    gen_response_file_proto *result =
        gen_response_file_new(schema->arena, gf_arena_printf(schema->arena, "%s%s", stem, suffix),
                              gf_arena_strdup(schema->arena, writer.out.ptr));
    gen_writer_fini(&writer);
    return result;
}

static void write_files(const struct gen_schema *schema, gen_response_proto *response) {
    size_t count = schema->request->n_file_to_generate;
    response->file = GF_ARENA_ARRAY(schema->arena, 2 * count, gen_response_file_proto *);
    for (size_t i = 0; i < count; i++) {
        const gen_file_proto *file = gen_schema_file(schema, schema->request->file_to_generate[i]);
        response->file[response->n_file++] = write_file(schema, file, ".gofer.h", gen_write_header);
        response->file[response->n_file++] = write_file(schema, file, ".gofer.c", gen_write_source);
    }
}

gen_response_proto *gen_generate(const gen_request_proto *request, struct gf_arena *arena) {
    gen_response_proto *response = gen_response_new(arena);
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
