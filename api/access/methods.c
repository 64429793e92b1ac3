/*
 * Design: a place is found in three steps at most (spec.id of a request is two), each of which is
 * an offset into the struct of the message before. They are worked out from the names once; a
 * request is then looked at in some nanoseconds, and no generated type is named here.
 */
#include "api/access/methods.h"

#include "base/alloc.h"
#include "base/identifier.h"
#include "base/map.h"

#include <string.h>

enum {
    STEPS_MAX = 2,
    ROOTS_MAX = 2,
};

/* A field of a message, of which the last of a place is a value and the others are messages. */
struct step {
    size_t offset;
    size_t case_offset;  /* of the oneof that it is a member of */
    uint32_t case_value; /* 0: it is in none */
};

/* No steps: there is no such field. */
struct place {
    struct step steps[STEPS_MAX];
    size_t step_count;
};

/* The message that says what the request is about, in one of its forms. */
struct root {
    struct place message; /* no steps: the request itself */
    struct place namespace_id;
    struct place id;
    struct place run_id;
};

struct gf_method {
    const struct gf_method_rule *rule;
    struct root roots[ROOTS_MAX];
    size_t root_count;
    bool streams_requests;
};

struct gf_methods {
    struct gf_map by_path; /* "/SERVICE/METHOD" */
    struct gf_method *items;
};

/* ---- resolving ---- */

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *message,
                                                  struct gf_str name) {
    for (unsigned i = 0; i < message->n_fields; i++) {
        if (gf_str_eq(gf_str_from(message->fields[i].name), name)) {
            return &message->fields[i];
        }
    }
    gf_unreachable();
}

static struct step make_step(const ProtobufCFieldDescriptor *field) {
    gf_assert(field->label != PROTOBUF_C_LABEL_REPEATED);
    struct step step = {.offset = field->offset};
    if ((field->flags & (uint32_t)PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        step.case_offset = field->quantifier_offset;
        step.case_value = field->id;
    }
    return step;
}

/* Resolves names with dots between them; the last field is of `type`. Gives the type of a message.
 */
static const ProtobufCMessageDescriptor *resolve(const ProtobufCMessageDescriptor *message,
                                                 struct gf_str names, ProtobufCType type,
                                                 struct place *out_place) {
    struct gf_str rest = names;
    while (rest.len > 0) {
        struct gf_str name;
        (void)gf_str_cut(rest, '.', &name, &rest);
        const ProtobufCFieldDescriptor *field = find_field(message, name);
        gf_assert(out_place->step_count < STEPS_MAX);
        out_place->steps[out_place->step_count++] = make_step(field);
        gf_assert(field->type == (rest.len > 0 ? PROTOBUF_C_TYPE_MESSAGE : type));
        message = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    }
    return message;
}

static void resolve_value(const ProtobufCMessageDescriptor *message, const char *names,
                          ProtobufCType type, struct place *out_place) {
    if (names != NULL) {
        (void)resolve(message, gf_str_from(names), type, out_place);
    }
}

static void resolve_root(const struct gf_method_rule *rule,
                         const ProtobufCMessageDescriptor *request, struct gf_str name,
                         struct root *out_root) {
    const ProtobufCMessageDescriptor *message = request;
    if (name.len > 0) {
        message = resolve(request, name, PROTOBUF_C_TYPE_MESSAGE, &out_root->message);
    }
    resolve_value(message, rule->namespace_field, PROTOBUF_C_TYPE_STRING, &out_root->namespace_id);
    resolve_value(message, rule->id_field, PROTOBUF_C_TYPE_STRING, &out_root->id);
    resolve_value(message, rule->run_field, PROTOBUF_C_TYPE_INT64, &out_root->run_id);
}

static void resolve_method(const struct gf_rpc_method *rpc, struct gf_method *method) {
    struct gf_str rest = gf_str_from(method->rule->root == NULL ? "" : method->rule->root);
    method->streams_requests = gf_rpc_kind_streams_requests(rpc->kind);
    do {
        struct gf_str name;
        (void)gf_str_cut(rest, '|', &name, &rest);
        gf_assert(method->root_count < ROOTS_MAX);
        resolve_root(method->rule, rpc->request, name, &method->roots[method->root_count++]);
    } while (rest.len > 0);
}

/* NULL for methods of services whose tables are not known here (an older name of reflection). */
static const struct gf_rpc_method *find_rpc(const char *name) {
    size_t service_count = 0;
    const struct gf_rpc_service *const *services = gf_method_services(&service_count);
    for (size_t i = 0; i < service_count; i++) {
        for (size_t k = 0; k < services[i]->method_count; k++) {
            if (strcmp(services[i]->methods[k].path + 1, name) == 0) {
                return &services[i]->methods[k];
            }
        }
    }
    return NULL;
}

struct gf_methods *gf_methods_create(void) {
    size_t count = 0;
    const struct gf_method_rule *rules = gf_method_rules(&count);
    struct gf_methods *methods = GF_NEW(struct gf_methods);
    methods->items = gf_calloc(count, sizeof(*methods->items));
    for (size_t i = 0; i < count; i++) {
        struct gf_method *method = &methods->items[i];
        method->rule = &rules[i];
        const struct gf_rpc_method *rpc = find_rpc(rules[i].method);
        gf_assert(rpc != NULL || rules[i].access != GF_METHOD_PERMISSION);
        if (rpc != NULL) {
            resolve_method(rpc, method);
        }
        char path[128] = "/";
        const size_t length = strlen(rules[i].method);
        gf_assert(length + 1 < sizeof(path));
        memcpy(path + 1, rules[i].method, length);
        gf_assert(gf_map_put(&methods->by_path, (struct gf_str){path, length + 1}, method) == NULL);
    }
    return methods;
}

void gf_methods_destroy(struct gf_methods *methods) {
    if (methods == NULL) {
        return;
    }
    gf_map_fini(&methods->by_path);
    free(methods->items);
    free(methods);
}

const struct gf_method *gf_methods_find(const struct gf_methods *methods,
                                        const struct gf_rpc_method *method) {
    return gf_map_get(&methods->by_path, gf_str_from(method->path));
}

const struct gf_method_rule *gf_method_rule(const struct gf_method *method) {
    return method->rule;
}

/* ---- looking at requests ---- */

/* Where the value is; NULL where a message on the way, or the member of a oneof, is not set. */
static const char *follow(const void *message, const struct place *place) {
    const char *at = message;
    for (size_t i = 0; i < place->step_count; i++) {
        const struct step *step = &place->steps[i];
        if (i > 0) {
            const char *next = NULL; /* The field of the step before is a pointer. */
            memcpy(&next, at, sizeof(next));
            at = next;
        }
        if (at == NULL) {
            return NULL;
        }
        uint32_t value = step->case_value;
        if (value != 0) {
            memcpy(&value, at + step->case_offset, sizeof(value));
        }
        if (value != step->case_value) {
            return NULL;
        }
        at += step->offset;
    }
    return at;
}

static const void *pointer_at(const void *message, const struct place *place) {
    const char *at = follow(message, place);
    const void *pointer = NULL;
    if (at != NULL) {
        memcpy(&pointer, at, sizeof(pointer));
    }
    return pointer;
}

static struct gf_str text_at(const void *message, const struct place *place) {
    const char *text = place->step_count == 0 ? NULL : pointer_at(message, place);
    return text == NULL ? (struct gf_str){NULL, 0} : gf_str_from(text);
}

/* A number that no run has is one that nobody's run has: 0 would say "of the pipeline". */
static int64_t run_at(const void *message, const struct place *place) {
    if (place->step_count == 0) {
        return 0;
    }
    const char *at = follow(message, place);
    int64_t number = 0;
    if (at != NULL) {
        memcpy(&number, at, sizeof(number));
    }
    return number > 0 ? number : INT64_MAX;
}

/* The message that says what the request is about, and how; NULL where the request has none. */
static const void *find_root(const struct gf_method *method, const ProtobufCMessage *request,
                             const struct root **out_root) {
    for (size_t i = 0; i < method->root_count; i++) {
        const struct root *root = &method->roots[i];
        const void *message =
            root->message.step_count == 0 ? request : pointer_at(request, &root->message);
        if (message != NULL) {
            *out_root = root;
            return message;
        }
    }
    return NULL;
}

bool gf_method_query(const struct gf_method *method, const ProtobufCMessage *request,
                     struct gf_access_query *out_query) {
    const struct gf_method_rule *rule = method->rule;
    gf_assert(rule->access == GF_METHOD_PERMISSION);
    const struct root *root = NULL;
    const void *message = find_root(method, request, &root);
    if (message == NULL && method->streams_requests) {
        return false;
    }
    *out_query = (struct gf_access_query){.resource = rule->resource, .action = rule->action};
    if (message != NULL) {
        out_query->namespace_id = text_at(message, &root->namespace_id);
        out_query->id = text_at(message, &root->id);
        out_query->run_id = run_at(message, &root->run_id);
    }
    if (rule->default_namespace && out_query->namespace_id.len == 0) {
        out_query->namespace_id = GF_STR("default");
        if (rule->id_field != NULL && strcmp(rule->id_field, rule->namespace_field) == 0) {
            out_query->id = out_query->namespace_id;
        }
    }
    return true;
}
