/*
 * Messages and enums as JSON Schema. Names of components are those of the types:
 * "gofer.v1.StartRunRequest".
 *
 * What a message must have is told of the requests of calls alone: everywhere else, what is zero or
 * empty is left out of answers, also where whoever sets it must give it.
 */
#include "tools/protoc-gen-gofer-openapi/comment.h"
#include "tools/protoc-gen-gofer-openapi/generate.h"

#include <string.h>

#define TYPE(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name

struct field {
    const gen_field_proto *proto;
    const char *text; /* its comment */
    struct oas_limits limits;
    bool is_of_request; /* of a call, at the top */
};

static bool is_message(const gen_field_proto *field) {
    return field->type == TYPE(MESSAGE);
}

static bool is_repeated(const gen_field_proto *field) {
    return field->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
}

/* The message of a map's entries, or NULL. */
static const gen_message_proto *map_entry(const struct gen_schema *schema,
                                          const gen_field_proto *field) {
    if (!is_message(field)) {
        return NULL;
    }
    const struct gen_type *type = gen_schema_find(schema, field->type_name);
    bool is_map = type != NULL && type->message != NULL && type->message->options != NULL &&
                  type->message->options->has_map_entry && type->message->options->map_entry;
    return is_map ? type->message : NULL;
}

/* The types of google.protobuf that have a text form of their own. */
static const struct {
    const char *name;
    const char *schema; /* members of the schema */
} well_known[] = {
    {".google.protobuf.Timestamp", "\"type\":\"string\",\"format\":\"date-time\""},
    {".google.protobuf.Duration",
     "\"type\":\"string\",\"pattern\":\"^-?[0-9]{1,12}(\\\\.[0-9]{1,9})?s$\""},
    {".google.protobuf.FieldMask",
     "\"type\":\"string\",\"pattern\":\"^([A-Za-z0-9_.]+(,[A-Za-z0-9_.]+)*)?$\""},
};

static const char *well_known_schema(const gen_field_proto *field) {
    for (size_t i = 0; i < GF_ARRAY_COUNT(well_known); i++) {
        if (field->type_name != NULL && strcmp(field->type_name, well_known[i].name) == 0) {
            return well_known[i].schema;
        }
    }
    return NULL;
}

/* Whether a field, or the value of an enum, at that index of the type is not in this version. */
static bool is_unavailable(const struct gen_schema *schema, const struct gen_type *type, int kind,
                           size_t index) {
    const struct gen_path path = gen_path_child(&type->path, kind, index);
    return oas_comment_is_unavailable(
        oas_comment_text(schema->arena, gen_schema_comment(type->file, &path)));
}

/* ---- Use ---- */

void oas_use(struct gen_schema *schema, struct gen_type *type) {
    if (type->state == GEN_DONE) {
        return;
    }
    type->state = GEN_DONE;
    for (size_t i = 0; type->message != NULL && i < type->message->n_field; i++) {
        const gen_field_proto *field = type->message->field[i];
        if (field->type_name != NULL && well_known_schema(field) == NULL &&
            !is_unavailable(schema, type, GEN_MESSAGE_FIELD, i)) {
            oas_use(schema, gen_schema_find(schema, field->type_name));
        }
    }
}

/* ---- Fields ---- */

/* Whether a field names something that has an identifier. */
static bool is_identifier(const char *name) {
    static const char *const names[] = {"namespace_id",    "pipeline_id", "extension_id",
                                        "subscription_id", "task_id",     "role_id"};
    for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void write_string(struct oas_json *json, const struct gen_schema *schema,
                         const struct field *field) {
    const char *pattern = field->limits.pattern;
    oas_text(json, "type", "string");
    if (pattern == NULL && field->is_of_request && is_identifier(field->proto->name)) {
        pattern = "[A-Za-z0-9_-]{3,64}";
    }
    if (pattern != NULL) {
        bool may_be_empty = !field->is_of_request || !field->limits.is_required;
        oas_text(json, "pattern",
                 gf_arena_printf(schema->arena, may_be_empty ? "^(%s)?$" : "^%s$", pattern));
    }
    if (field->limits.chars_max >= 0) {
        oas_number(json, "maxLength", field->limits.chars_max);
    }
}

/* Limits of the type where the field has none of its own. Those of 64 bits are left out: JSON
 * programs cannot compare with them. */
static void write_integer(struct oas_json *json, const struct field *field, int64_t least,
                          int64_t most) {
    const struct oas_limits *limits = &field->limits;
    oas_text(json, "type", "integer");
    oas_text(json, "format", least < 0 ? "int32" : "uint32");
    oas_number(json, "minimum", limits->has_least ? limits->least : least);
    oas_number(json, "maximum", limits->has_most ? limits->most : most);
}

static void write_long_integer(struct oas_json *json, const struct field *field, bool is_signed) {
    const struct oas_limits *limits = &field->limits;
    bool is_natural = !is_signed || (limits->has_least && limits->least >= 0);
    /* Answers have strings, as numbers of JavaScript cannot tell large ones apart. */
    oas_raw(json, "type", "[\"string\",\"integer\"]");
    oas_text(json, "format", is_signed ? "int64" : "uint64");
    oas_text(json, "pattern", is_natural ? "^[0-9]{1,20}$" : "^-?[0-9]{1,19}$");
    if (is_natural || limits->has_least) {
        oas_number(json, "minimum", limits->has_least ? limits->least : 0);
    }
    if (limits->has_most) {
        oas_number(json, "maximum", limits->most);
    }
}

static void write_real(struct oas_json *json, const char *format) {
    oas_raw(json, "type", "[\"number\",\"string\"]");
    oas_text(json, "format", format);
    oas_text(json, "pattern", "^(-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity)$");
}

/* The members of the schema of one value. */
static void write_value(struct oas_json *json, const struct gen_schema *schema,
                        const struct field *field) {
    switch ((int)field->proto->type) {
    case TYPE(STRING):
        write_string(json, schema, field);
        break;
    case TYPE(BYTES):
        oas_text(json, "type", "string");
        oas_text(json, "format", "byte");
        oas_text(json, "contentEncoding", "base64");
        break;
    case TYPE(BOOL):
        oas_text(json, "type", "boolean");
        break;
    case TYPE(INT32):
    case TYPE(SINT32):
    case TYPE(SFIXED32):
        write_integer(json, field, INT32_MIN, INT32_MAX);
        break;
    case TYPE(UINT32):
    case TYPE(FIXED32):
        write_integer(json, field, 0, UINT32_MAX);
        break;
    case TYPE(INT64):
    case TYPE(SINT64):
    case TYPE(SFIXED64):
        write_long_integer(json, field, true);
        break;
    case TYPE(UINT64):
    case TYPE(FIXED64):
        write_long_integer(json, field, false);
        break;
    case TYPE(DOUBLE):
        write_real(json, "double");
        break;
    case TYPE(FLOAT):
        write_real(json, "float");
        break;
    case TYPE(ENUM):
        oas_ref(json, "schemas", field->proto->type_name + 1);
        break;
    case TYPE(MESSAGE):
        if (well_known_schema(field->proto) != NULL) {
            gf_strbuf_append_cstr(&json->out, json->needs_comma ? "," : "");
            gf_strbuf_append_cstr(&json->out, well_known_schema(field->proto));
            json->needs_comma = true;
        } else {
            oas_ref(json, "schemas", field->proto->type_name + 1);
        }
        break;
    default:
        /* Groups, which proto3 does not have. */
        break;
    }
}

static void write_field(struct oas_json *json, const struct gen_schema *schema,
                        const struct field *field) {
    const gen_message_proto *entry = map_entry(schema, field->proto);
    oas_open_object(json, field->proto->json_name);
    if (entry != NULL) {
        const struct field value = {.proto = entry->field[1], .limits = {.chars_max = -1}};
        oas_text(json, "type", "object");
        oas_open_object(json, "additionalProperties");
        write_value(json, schema, &value);
        oas_close_object(json);
        if (field->limits.items_max >= 0) {
            oas_number(json, "maxProperties", field->limits.items_max);
        }
    } else if (is_repeated(field->proto)) {
        oas_text(json, "type", "array");
        oas_open_object(json, "items");
        struct field item = *field;
        item.limits.has_least = item.limits.has_most = false; /* they count the items */
        write_value(json, schema, &item);
        oas_close_object(json);
        if (field->limits.items_max >= 0) {
            oas_number(json, "maxItems", field->limits.items_max);
        }
    } else {
        write_value(json, schema, field);
    }
    oas_text(json, "description", field->text);
    oas_close_object(json);
}

static struct field read_field(const struct gen_schema *schema, const struct gen_type *type,
                               size_t index) {
    struct field field = {.proto = type->message->field[index]};
    const struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_FIELD, index);
    field.text = oas_comment_text(schema->arena, gen_schema_comment(type->file, &path));
    oas_comment_limits(field.text, &field.limits);
    field.is_of_request = gf_str_has_suffix(gf_str_from(type->message->name), GF_STR("Request"));
    return field;
}

/* ---- Messages ---- */

static void write_required(struct oas_json *json, const struct gen_schema *schema,
                           const struct gen_type *type) {
    bool any = false;
    for (size_t i = 0; i < type->message->n_field; i++) {
        const struct field field = read_field(schema, type, i);
        if (!field.is_of_request || !field.limits.is_required ||
            oas_comment_is_unavailable(field.text)) {
            continue;
        }
        if (!any) {
            oas_open_array(json, "required");
        }
        any = true;
        oas_text(json, NULL, field.proto->json_name);
    }
    if (any) {
        oas_close_array(json);
    }
}

/* The schema that a member of the oneof is there. */
static void write_presence(struct oas_json *json, const gen_field_proto *field) {
    oas_open_object(json, NULL);
    oas_open_array(json, "required");
    oas_text(json, NULL, field->json_name);
    oas_close_array(json);
    oas_close_object(json);
}

/* One of the oneof's members, or none of them. */
static void write_oneof(struct oas_json *json, const struct gen_schema *schema,
                        const struct gen_type *type, size_t index) {
    const gen_message_proto *message = type->message;
    const struct gen_path path = gen_path_child(&type->path, GEN_MESSAGE_ONEOF, index);
    oas_open_object(json, NULL);
    oas_text(json, "title", message->oneof_decl[index]->name);
    oas_text(json, "description",
             oas_comment_text(schema->arena, gen_schema_comment(type->file, &path)));
    oas_open_array(json, "oneOf");
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            oas_open_object(json, NULL);
            oas_open_object(json, "not");
            oas_open_array(json, "anyOf");
        }
        for (size_t i = 0; i < message->n_field; i++) {
            const gen_field_proto *field = message->field[i];
            if (field->has_oneof_index && (size_t)field->oneof_index == index &&
                !is_unavailable(schema, type, GEN_MESSAGE_FIELD, i)) {
                write_presence(json, field);
            }
        }
    }
    oas_close_array(json);
    oas_close_object(json);
    oas_close_object(json);
    oas_close_array(json);
    oas_close_object(json);
}

static void write_message(struct oas_json *json, const struct gen_schema *schema,
                          const struct gen_type *type, const char *text) {
    const gen_message_proto *message = type->message;
    oas_text(json, "type", "object");
    oas_text(json, "description", text);
    oas_open_object(json, "properties");
    for (size_t i = 0; i < message->n_field; i++) {
        const struct field field = read_field(schema, type, i);
        if (!oas_comment_is_unavailable(field.text)) {
            write_field(json, schema, &field);
        }
    }
    oas_close_object(json);
    write_required(json, schema, type);
    if (message->n_oneof_decl > 0) {
        oas_open_array(json, "allOf");
        for (size_t i = 0; i < message->n_oneof_decl; i++) {
            write_oneof(json, schema, type, i);
        }
        oas_close_array(json);
    }
    oas_bool(json, "additionalProperties", false);
}

/* ---- Enums ---- */

static void write_enum(struct oas_json *json, const struct gen_schema *schema,
                       const struct gen_type *type, const char *text) {
    struct gf_strbuf description;
    gf_strbuf_init(&description, OAS_OUTPUT_BYTES_MAX);
    gf_strbuf_printf(&description, "%s\n", text);
    oas_text(json, "type", "string");
    oas_open_array(json, "enum");
    for (size_t i = 0; i < type->enumeration->n_value; i++) {
        if (is_unavailable(schema, type, GEN_ENUM_VALUE, i)) {
            continue;
        }
        const struct gen_path path = gen_path_child(&type->path, GEN_ENUM_VALUE, i);
        const char *name = type->enumeration->value[i]->name;
        oas_text(json, NULL, name);
        gf_strbuf_printf(&description, "\n- `%s`: %s", name,
                         oas_comment_text(schema->arena, gen_schema_comment(type->file, &path)));
    }
    oas_close_array(json);
    oas_text(json, "description", description.ptr);
    gf_strbuf_fini(&description);
}

void oas_write_schemas(struct oas_json *json, const struct gen_schema *schema) {
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&schema->types, &position, NULL, &value)) {
        const struct gen_type *type = value;
        bool is_entry = type->message != NULL && type->message->options != NULL &&
                        type->message->options->has_map_entry && type->message->options->map_entry;
        if (type->state != GEN_DONE || is_entry) {
            continue;
        }
        const char *text =
            oas_comment_text(schema->arena, gen_schema_comment(type->file, &type->path));
        oas_open_object(json, type->full_name);
        if (type->message != NULL) {
            write_message(json, schema, type, text);
        } else {
            write_enum(json, schema, type, text);
        }
        oas_close_object(json);
    }
}
