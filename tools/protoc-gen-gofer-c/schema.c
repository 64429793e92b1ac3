#include "tools/protoc-gen-gofer-c/schema.h"

#include <string.h>

struct gen_path gen_path_child(const struct gen_path *parent, int32_t number, size_t index) {
    struct gen_path path = *parent;
    gf_assert(path.count + 2 <= GEN_PATH_MAX);
    path.steps[path.count++] = number;
    path.steps[path.count++] = (int32_t)index;
    return path;
}

static const char *join(struct gf_arena *arena, const char *scope, const char *name) {
    return gf_arena_printf(arena, "%s%s%s", scope, scope[0] != '\0' ? "." : "", name);
}

static void add_enum(struct gen_schema *schema, const gen_file_proto *file,
                     const gen_enum_proto *enumeration, const char *scope, struct gen_path path) {
    struct gen_type *type = GF_ARENA_NEW(schema->arena, struct gen_type);
    type->full_name = join(schema->arena, scope, enumeration->name);
    type->file = file;
    type->enumeration = enumeration;
    type->path = path;
    gf_map_put(&schema->types, gf_str_from(type->full_name), type);
}

/* Recurses as deep as protoc lets messages be declared in each other. */
static void add_message(struct gen_schema *schema, const gen_file_proto *file,
                        const gen_message_proto *message, const char *scope, struct gen_path path) {
    struct gen_type *type = GF_ARENA_NEW(schema->arena, struct gen_type);
    type->full_name = join(schema->arena, scope, message->name);
    type->file = file;
    type->message = message;
    type->path = path;
    gf_map_put(&schema->types, gf_str_from(type->full_name), type);
    for (size_t i = 0; i < message->n_nested_type; i++) {
        add_message(schema, file, message->nested_type[i], type->full_name,
                    gen_path_child(&path, GEN_MESSAGE_NESTED, i));
    }
    for (size_t i = 0; i < message->n_enum_type; i++) {
        add_enum(schema, file, message->enum_type[i], type->full_name,
                 gen_path_child(&path, GEN_MESSAGE_ENUM, i));
    }
}

void gen_schema_init(struct gen_schema *schema, const gen_request_proto *request,
                     struct gf_arena *arena) {
    *schema = (struct gen_schema){.request = request, .arena = arena};
    const struct gen_path root = {.count = 0};
    for (size_t f = 0; f < request->n_proto_file; f++) {
        const gen_file_proto *file = request->proto_file[f];
        const char *package = file->package != NULL ? file->package : "";
        for (size_t i = 0; i < file->n_message_type; i++) {
            add_message(schema, file, file->message_type[i], package,
                        gen_path_child(&root, GEN_FILE_MESSAGE, i));
        }
        for (size_t i = 0; i < file->n_enum_type; i++) {
            add_enum(schema, file, file->enum_type[i], package,
                     gen_path_child(&root, GEN_FILE_ENUM, i));
        }
    }
}

void gen_schema_fini(struct gen_schema *schema) {
    gf_map_fini(&schema->types);
}

struct gen_type *gen_schema_find(const struct gen_schema *schema, const char *full_name) {
    return gf_map_get(&schema->types, gf_str_from(full_name[0] == '.' ? full_name + 1 : full_name));
}

const gen_file_proto *gen_schema_file(const struct gen_schema *schema, const char *name) {
    for (size_t i = 0; i < schema->request->n_proto_file; i++) {
        if (strcmp(schema->request->proto_file[i]->name, name) == 0) {
            return schema->request->proto_file[i];
        }
    }
    return NULL;
}

bool gen_schema_is_generated(const struct gen_schema *schema, const gen_file_proto *file) {
    for (size_t i = 0; i < schema->request->n_file_to_generate; i++) {
        if (strcmp(schema->request->file_to_generate[i], file->name) == 0) {
            return true;
        }
    }
    return false;
}

const gen_location_proto *gen_schema_location(const gen_file_proto *file,
                                              const struct gen_path *path) {
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const gen_location_proto *location = info->location[i];
        if (location->n_path == path->count &&
            memcmp(location->path, path->steps, path->count * sizeof(path->steps[0])) == 0) {
            return location;
        }
    }
    return NULL;
}

const char *gen_schema_comment(const gen_file_proto *file, const struct gen_path *path) {
    const gen_location_proto *location = gen_schema_location(file, path);
    return location != NULL ? location->leading_comments : NULL;
}

enum gen_shape gen_shape_of(const gen_method_proto *method) {
    bool client = method->has_client_streaming && method->client_streaming;
    bool server = method->has_server_streaming && method->server_streaming;
    if (client) {
        return server ? GEN_BIDI_STREAM : GEN_CLIENT_STREAM;
    }
    return server ? GEN_SERVER_STREAM : GEN_UNARY;
}
