/*
 * DESIGN. Messages are the nodes of a graph whose edges are their fields. One walk in depth visits
 * every message once: an edge back to an open message is a recursion, and the depth of a message is
 * one more than that of its deepest field. A second walk, from each request, looks for the types
 * that requests must not reach.
 */
#include "tools/protoc-gen-gofer-c/check.h"

#include "api/codec/wire/wire.h"
#include "tools/protoc-gen-gofer-c/collide.h"

#include <string.h>

struct checker {
    struct gen_schema *schema;
    struct gen_faults *faults;
    /* The fields on the way from where a walk began to where it is, for messages: "a.b.c". */
    struct gf_strbuf trail;
};

enum {
    TRAIL_BYTES_MAX = 4096
};

/* The message type of a field, or NULL for all other fields. */
static struct gen_type *message_of(const struct gen_schema *schema, const gen_field_proto *field) {
    if (field->type != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE) {
        return NULL;
    }
    return gen_schema_find(schema, field->type_name);
}

/* Appends ".name" to the trail. Gives the length to which to shorten it on the way back. */
static size_t extend_trail(struct checker *checker, const char *name) {
    size_t before = checker->trail.len;
    if (before > 0) {
        gf_strbuf_append_char(&checker->trail, '.');
    }
    gf_strbuf_append_cstr(&checker->trail, name);
    return before;
}

/* True for the types that hold anything at all. */
static bool is_dynamic(const struct gen_type *type) {
    static const char *const names[] = {
        "google.protobuf.Any",
        "google.protobuf.ListValue",
        "google.protobuf.Struct",
        "google.protobuf.Value",
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        if (strcmp(type->full_name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Visits a message and all that it contains, dynamic types aside. Recursion in C is bounded by the
 * number of messages that are declared; the trail names the fields from the first message visited.
 */
static void visit(struct checker *checker, struct gen_type *type) {
    type->state = GEN_OPEN;
    type->depth = 1;
    for (size_t i = 0; i < type->message->n_field; i++) {
        const gen_field_proto *field = type->message->field[i];
        struct gen_type *child = message_of(checker->schema, field);
        if (child == NULL || is_dynamic(child)) {
            continue;
        }
        size_t before = extend_trail(checker, field->name);
        if (child->state == GEN_OPEN) {
            struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_FIELD, i);
            gen_fault(checker->faults, type->file, &path,
                      "message %s contains itself, through '%s': recursive messages are refused",
                      child->full_name, checker->trail.ptr);
        } else if (child->state == GEN_NEW) {
            visit(checker, child);
        }
        if (child->state == GEN_DONE && child->depth + 1 > type->depth) {
            type->depth = child->depth + 1;
        }
        gf_strbuf_truncate(&checker->trail, before);
    }
    type->state = GEN_DONE;
}

/*
 * The first dynamic type that can be reached, or NULL; the trail then names the fields that lead to
 * it. `seen` has the messages that were searched before, so that each is searched once.
 */
static const struct gen_type *find_dynamic(struct checker *checker, struct gen_type *type,
                                           struct gf_map *seen) {
    if (is_dynamic(type)) {
        return type;
    }
    if (gf_map_put(seen, gf_str_from(type->full_name), type) != NULL) {
        return NULL;
    }
    for (size_t i = 0; i < type->message->n_field; i++) {
        struct gen_type *child = message_of(checker->schema, type->message->field[i]);
        if (child == NULL) {
            continue;
        }
        size_t before = extend_trail(checker, type->message->field[i]->name);
        const struct gen_type *found = find_dynamic(checker, child, seen);
        if (found != NULL) {
            return found;
        }
        gf_strbuf_truncate(&checker->trail, before);
    }
    return NULL;
}

static void check_request(struct checker *checker, const gen_file_proto *file,
                          const struct gen_path *path, const gen_method_proto *method) {
    struct gen_type *request = gen_schema_find(checker->schema, method->input_type);
    gf_assert(request != NULL && request->message != NULL);
    gf_strbuf_truncate(&checker->trail, 0);
    if (request->state == GEN_NEW && !is_dynamic(request)) {
        visit(checker, request);
    }
    struct gf_map seen = {0};
    const struct gen_type *dynamic = find_dynamic(checker, request, &seen);
    gf_map_fini(&seen);
    if (dynamic == request) {
        gen_fault(checker->faults, file, path, "the request of rpc %s is %s", method->name,
                  request->full_name);
    } else if (dynamic != NULL) {
        gen_fault(checker->faults, file, path, "request %s of rpc %s reaches %s, through '%s'",
                  request->full_name, method->name, dynamic->full_name, checker->trail.ptr);
    } else if (request->depth > GF_WIRE_DEPTH_MAX) {
        gen_fault(checker->faults, file, path,
                  "request %s of rpc %s is nested %zu deep; at most %d are decoded",
                  request->full_name, method->name, request->depth, GF_WIRE_DEPTH_MAX);
    }
}

static void check_service(struct checker *checker, const gen_file_proto *file, size_t index) {
    const gen_service_proto *service = file->service[index];
    const struct gen_path root = {.count = 0};
    const struct gen_path path = gen_path_child(&root, GEN_FILE_SERVICE, index);
    if (service->n_method == 0) {
        gen_fault(checker->faults, file, &path, "service %s has no rpc", service->name);
    }
    for (size_t i = 0; i < service->n_method; i++) {
        struct gen_path method_path = gen_path_child(&path, GEN_SERVICE_METHOD, i);
        check_request(checker, file, &method_path, service->method[i]);
    }
}

static void check_fields(struct checker *checker, const struct gen_type *type) {
    if (type->message->n_field > GF_WIRE_FIELDS_MAX) {
        gen_fault(checker->faults, type->file, &type->path,
                  "message %s has %zu fields; at most %d are decoded", type->full_name,
                  type->message->n_field, GF_WIRE_FIELDS_MAX);
    }
    for (size_t i = 0; i < type->message->n_field; i++) {
        const gen_field_proto *field = type->message->field[i];
        struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_FIELD, i);
        if (field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP) {
            gen_fault(checker->faults, type->file, &path, "field %s.%s is a group: use a message",
                      type->full_name, field->name);
        }
        if (field->has_proto3_optional && field->proto3_optional) {
            gen_fault(checker->faults, type->file, &path,
                      "field %s.%s is `optional`: let its zero mean that it is not set, or use a "
                      "oneof",
                      type->full_name, field->name);
        }
    }
}

void gen_check(struct gen_schema *schema, struct gen_faults *faults) {
    struct checker checker = {.schema = schema, .faults = faults};
    gf_strbuf_init(&checker.trail, TRAIL_BYTES_MAX);
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&schema->types, &position, NULL, &value)) {
        struct gen_type *type = value;
        if (type->message == NULL || !gen_schema_is_generated(schema, type->file)) {
            continue;
        }
        check_fields(&checker, type);
        if (type->state == GEN_NEW) {
            gf_strbuf_truncate(&checker.trail, 0);
            visit(&checker, type);
        }
    }
    for (size_t f = 0; f < schema->request->n_file_to_generate; f++) {
        const gen_file_proto *file = gen_schema_file(schema, schema->request->file_to_generate[f]);
        gf_assert(file != NULL);
        for (size_t i = 0; i < file->n_service; i++) {
            check_service(&checker, file, i);
        }
    }
    gf_strbuf_fini(&checker.trail);
    gen_check_collisions(schema, faults);
}
