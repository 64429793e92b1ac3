/*
 * DESIGN. Every name that ends up in C is claimed in a map of its scope, whose value is what
 * claimed it first. A second claim is a fault, unless neither of the two is in a file for which
 * code is asked.
 */
#include "tools/protoc-gen-gofer-c/collide.h"

#include "base/map.h"
#include "tools/protoc-gen-gofer-c/names.h"

#include <string.h>

/* Something that claims names: where it stands, and what people call it. */
struct claimant {
    const gen_file_proto *file;
    const struct gen_path *path;
    const char *text; /* "message gofer.v1.Run", in the schema's arena */
    bool collided;    /* one fault says it all */
};

struct scope {
    const struct gen_schema *schema;
    struct gen_faults *faults;
    struct gf_map names; /* name in C -> const char *, the text of who claimed it */
};

static void claim(struct scope *scope, struct claimant *claimant, const char *name) {
    const char *owner = gf_map_get(&scope->names, gf_str_from(name));
    if (owner == NULL) {
        gf_map_put(&scope->names, gf_str_from(name), (void *)claimant->text);
        return;
    }
    if (!claimant->collided && gen_schema_is_generated(scope->schema, claimant->file)) {
        claimant->collided = true;
        gen_fault(scope->faults, claimant->file, claimant->path,
                  "%s is '%s' in C, as is %s: rename one of them", claimant->text, name, owner);
    }
}

/* ---- the members of one message ---- */

static void claim_field(struct scope *scope, const struct gen_type *type, size_t index) {
    struct gf_arena *arena = scope->schema->arena;
    const gen_field_proto *field = type->message->field[index];
    struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_FIELD, index);
    struct claimant claimant = {
        .file = type->file, .path = &path, .text = gf_arena_printf(arena, "field %s", field->name)};
    char *member = gen_field_member(arena, field->name);
    claim(scope, &claimant, member);
    if (field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED) {
        claim(scope, &claimant, gf_arena_printf(arena, "n_%s", member));
    }
}

static void check_members(const struct gen_schema *schema, struct gen_faults *faults,
                          const struct gen_type *type) {
    struct scope scope = {.schema = schema, .faults = faults};
    /* The member that protobuf-c puts into every message. */
    gf_map_put(&scope.names, GF_STR("base"), (void *)"the head of every message");
    for (size_t i = 0; i < type->message->n_field; i++) {
        claim_field(&scope, type, i);
    }
    for (size_t i = 0; i < type->message->n_oneof_decl; i++) {
        struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_ONEOF, i);
        const char *name = type->message->oneof_decl[i]->name;
        struct claimant claimant = {.file = type->file,
                                    .path = &path,
                                    .text = gf_arena_printf(schema->arena, "oneof %s", name)};
        claim(&scope, &claimant,
              gf_arena_printf(schema->arena, "%s_case", gen_snake(schema->arena, name)));
    }
    gf_map_fini(&scope.names);
}

/* ---- the names that all files share ---- */

static void claim_message(struct scope *scope, const struct gen_type *type) {
    struct gf_arena *arena = scope->schema->arena;
    struct claimant claimant = {.file = type->file,
                                .path = &type->path,
                                .text = gf_arena_printf(arena, "message %s", type->full_name)};
    claim(scope, &claimant, gen_message_type(arena, type->full_name));
    claim(scope, &claimant,
          gf_arena_printf(arena, "%s__init", gen_message_symbol(arena, type->full_name)));
    for (size_t i = 0; i < type->message->n_oneof_decl; i++) {
        const char *name = type->message->oneof_decl[i]->name;
        const char *full_name = gf_arena_printf(arena, "%s.%s", type->full_name, name);
        claim(scope, &claimant,
              gf_arena_printf(arena, "%sCase", gen_message_type(arena, full_name)));
    }
}

static void claim_enum(struct scope *scope, const struct gen_type *type) {
    struct gf_arena *arena = scope->schema->arena;
    struct claimant claimant = {.file = type->file,
                                .path = &type->path,
                                .text = gf_arena_printf(arena, "enum %s", type->full_name)};
    claim(scope, &claimant, gen_message_type(arena, type->full_name));
    const char *prefix = gen_upper(arena, gen_message_symbol(arena, type->full_name));
    for (size_t i = 0; i < type->enumeration->n_value; i++) {
        struct gen_path path = gen_path_child(&type->path, GEN_ENUM_VALUE, i);
        const char *name = type->enumeration->value[i]->name;
        struct claimant value = {
            .file = type->file, .path = &path, .text = gf_arena_printf(arena, "value %s", name)};
        claim(scope, &value, gf_arena_printf(arena, "%s__%s", prefix, name));
    }
}

/* All names that header.c and source.c derive from an RPC. */
static void claim_method(struct scope *scope, struct claimant *claimant, const char *service,
                         const char *method) {
    static const char *const suffixes[] = {
        "",
        "_handler",
        "_reply",
        "_send",
        "_stream_open",
        "_stream_send",
        "_stream_recv",
        "_on_start",
        "_on_message",
    };
    struct gf_arena *arena = scope->schema->arena;
    const char *base = gf_arena_printf(arena, "%s_%s", service, gen_snake(arena, method));
    for (size_t i = 0; i < GF_ARRAY_COUNT(suffixes); i++) {
        claim(scope, claimant, gf_arena_printf(arena, "%s%s", base, suffixes[i]));
    }
    claim(scope, claimant, gen_upper(arena, base));
}

static void claim_service(struct scope *scope, const gen_file_proto *file, size_t index) {
    static const char *const suffixes[] = {"", "_method", "_methods", "_handlers",
                                           "_add_to_server"};
    struct gf_arena *arena = scope->schema->arena;
    const gen_service_proto *service = file->service[index];
    const struct gen_path root = {.count = 0};
    const struct gen_path path = gen_path_child(&root, GEN_FILE_SERVICE, index);
    const char *package = file->package != NULL ? file->package : "";
    const char *name = gen_service_name(arena, package, service->name);
    const char *text = gf_arena_printf(arena, "service %s", service->name);
    struct claimant claimant = {.file = file, .path = &path, .text = text};
    for (size_t i = 0; i < GF_ARRAY_COUNT(suffixes); i++) {
        claim(scope, &claimant, gf_arena_printf(arena, "%s%s", name, suffixes[i]));
    }
    claim(scope, &claimant, gf_arena_printf(arena, "%s_METHOD_COUNT", gen_upper(arena, name)));
    for (size_t i = 0; i < service->n_method; i++) {
        struct gen_path method_path = gen_path_child(&path, GEN_SERVICE_METHOD, i);
        const char *method = service->method[i]->name;
        struct claimant rpc = {.file = file,
                               .path = &method_path,
                               .text = gf_arena_printf(arena, "rpc %s.%s", service->name, method)};
        claim_method(scope, &rpc, name, method);
    }
}

void gen_check_collisions(const struct gen_schema *schema, struct gen_faults *faults) {
    struct scope scope = {.schema = schema, .faults = faults};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&schema->types, &position, NULL, &value)) {
        const struct gen_type *type = value;
        if (type->message == NULL) {
            claim_enum(&scope, type);
            continue;
        }
        claim_message(&scope, type);
        if (gen_schema_is_generated(schema, type->file)) {
            check_members(schema, faults, type);
        }
    }
    for (size_t f = 0; f < schema->request->n_proto_file; f++) {
        for (size_t i = 0; i < schema->request->proto_file[f]->n_service; i++) {
            claim_service(&scope, schema->request->proto_file[f], i);
        }
    }
    gf_map_fini(&scope.names);
}
