/*
 * Design: the descriptor of the configuration with its comments is part of the program
 * (//proto:config_descriptors). Where a comment belongs to is a path of field numbers and indexes
 * in the descriptor of the file: message 4 (index), field 2 (index); enum 5 (index), value 2
 * (index).
 *
 * The descriptor and the comments are trusted: they come with the program, and a test reads all of
 * them. What is wrong with them is a fault of this program, and asserted.
 */
#include "api/config/schema.h"

#include "base/arena.h"
#include "base/time.h"
#include "gofer/config/v1/config.pb-c.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <google/protobuf/descriptor.pb-c.h>
#include <google/protobuf/duration.pb-c.h>

/* The bytes of the descriptor set, put into the program by the build. */
extern const uint8_t gf_config_descriptors_start[];
extern const uint8_t gf_config_descriptors_end[];

enum {
    ARENA_BYTES_MAX = 1 << 20,
    PATH_LENGTH_MAX = 4,
    MESSAGES = 4, /* numbers of fields in descriptor.proto */
    ENUMS = 5,
    FIELDS = 2,
    VALUES = 2,
};

static const char file_name[] = "gofer/config/v1/config.proto";
static const char root_name[] = "ServerConfig";
static const char env_prefix[] = "GOFER";

struct builder {
    struct gf_arena *arena;
    const Google__Protobuf__FileDescriptorProto *file;
    size_t index; /* of the next setting */
};

/* ---- Comments ---- */

/* Lines are joined by spaces. */
static const char *joined(struct builder *builder, const char *lines) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, ARENA_BYTES_MAX);
    bool gap = false;
    for (const char *at = lines; *at != '\0'; at++) {
        if (*at == ' ' || *at == '\n') {
            gap = text.len > 0;
            continue;
        }
        if (gap) {
            gf_strbuf_append_char(&text, ' ');
        }
        gap = false;
        gf_strbuf_append_char(&text, *at);
    }
    const char *copy = gf_arena_str(builder->arena, gf_strbuf_view(&text)).ptr;
    gf_strbuf_fini(&text);
    return copy;
}

static const char *comment_at(struct builder *builder, const int32_t *path, size_t length) {
    const Google__Protobuf__SourceCodeInfo *info = builder->file->source_code_info;
    for (size_t i = 0; i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
        if (location->n_path == length &&
            memcmp(location->path, path, length * sizeof(*path)) == 0) {
            return location->leading_comments == NULL ? ""
                                                      : joined(builder, location->leading_comments);
        }
    }
    return "";
}

/* What stands in backquotes behind the mark, or NULL. */
static const char *quoted_behind(struct builder *builder, const char *comment, const char *mark) {
    const char *at = strstr(comment, mark);
    if (at == NULL || at[strlen(mark)] != '`') {
        return NULL;
    }
    at += strlen(mark) + 1;
    const char *end = strchr(at, '`');
    gf_assert(end != NULL);
    return gf_arena_str(builder->arena, (struct gf_str){at, (size_t)(end - at)}).ptr;
}

static void read_range(struct builder *builder, struct gf_config_setting *setting) {
    const char mark[] = "Range: ";
    const char *at = strstr(setting->comment, mark);
    setting->min = INT64_MIN;
    setting->max = INT64_MAX;
    if (at == NULL) {
        return;
    }
    at += strlen(mark);
    const char *between = strstr(at, " to ");
    gf_assert(between != NULL);
    const char *end = between + strlen(" to ");
    end += strcspn(end, ". ");
    const struct gf_str min = {at, (size_t)(between - at)};
    const struct gf_str max = {between + strlen(" to "), (size_t)(end - between) - strlen(" to ")};
    struct gf_error err;
    gf_assert(gf_config_parse_number(setting->kind, min, &setting->min, &err) == GF_OK);
    gf_assert(gf_config_parse_number(setting->kind, max, &setting->max, &err) == GF_OK);
    setting->range = gf_arena_str(builder->arena, (struct gf_str){at, (size_t)(end - at)}).ptr;
}

/* ---- Types ---- */

static size_t find_message(const struct builder *builder, const char *name) {
    for (size_t i = 0; i < builder->file->n_message_type; i++) {
        if (strcmp(builder->file->message_type[i]->name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static const char *last_part(const char *type_name) {
    return strrchr(type_name, '.') + 1;
}

static enum gf_config_kind kind_of(const ProtobufCFieldDescriptor *field) {
    const struct gf_str name = gf_str_from(field->name);
    const bool is_path =
        gf_str_has_suffix(name, GF_STR("_file")) || gf_str_has_suffix(name, GF_STR("_dir"));
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        return GF_CONFIG_BOOL;
    }
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return GF_CONFIG_CHOICE;
    }
    if (field->type == PROTOBUF_C_TYPE_INT64) {
        return gf_str_has_suffix(name, GF_STR("_bytes")) ? GF_CONFIG_BYTES : GF_CONFIG_INTEGER;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING && field->label == PROTOBUF_C_LABEL_REPEATED) {
        return GF_CONFIG_TEXTS;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return is_path ? GF_CONFIG_PATH : GF_CONFIG_TEXT;
    }
    gf_assert(field->type == PROTOBUF_C_TYPE_MESSAGE);
    if (field->descriptor == &google__protobuf__duration__descriptor) {
        return GF_CONFIG_DURATION;
    }
    return field->label == PROTOBUF_C_LABEL_REPEATED ? GF_CONFIG_LIST : GF_CONFIG_SECTION;
}

/* "SCHEDULER_NAME_NATIVE" of SchedulerName -> "native". */
static const char *choice_name(struct builder *builder, const char *enum_name, const char *value) {
    size_t at = 0;
    for (const char *c = enum_name; *c != '\0'; c++) {
        at += c != enum_name && isupper((unsigned char)*c) ? 2 : 1;
    }
    char *name = gf_arena_strdup(builder->arena, value + at + 1);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return name;
}

static void add_choices(struct builder *builder, const char *type_name,
                        struct gf_config_setting *setting) {
    size_t index = 0;
    while (strcmp(builder->file->enum_type[index]->name, last_part(type_name)) != 0) {
        index++;
    }
    const Google__Protobuf__EnumDescriptorProto *type = builder->file->enum_type[index];
    struct gf_config_value *values =
        GF_ARENA_ARRAY(builder->arena, type->n_value, struct gf_config_value);
    for (size_t i = 1; i < type->n_value; i++) { /* the first one is "not set" */
        const int32_t path[] = {ENUMS, (int32_t)index, VALUES, (int32_t)i};
        values[i - 1] = (struct gf_config_value){
            .name = choice_name(builder, type->name, type->value[i]->name),
            .comment = comment_at(builder, path, GF_ARRAY_COUNT(path)),
            .number = type->value[i]->number,
        };
    }
    setting->choices = values;
    setting->choice_count = type->n_value - 1;
}

/* ---- The tree ---- */

static const char *env_of(struct builder *builder, const char *path) {
    char *env = gf_arena_printf(builder->arena, "%s_%s", env_prefix, path);
    for (char *c = env; *c != '\0'; c++) {
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
    }
    return env;
}

static void add_children(struct builder *builder, const ProtobufCMessageDescriptor *descriptor,
                         bool in_list, struct gf_config_setting *parent);

static void add_setting(struct builder *builder, size_t message, size_t index,
                        const ProtobufCMessageDescriptor *descriptor, bool in_list,
                        const struct gf_config_setting *parent, struct gf_config_setting *out) {
    const Google__Protobuf__FieldDescriptorProto *field =
        builder->file->message_type[message]->field[index];
    const int32_t path[PATH_LENGTH_MAX] = {MESSAGES, (int32_t)message, FIELDS, (int32_t)index};
    *out = (struct gf_config_setting){.index = SIZE_MAX};
    out->name = gf_arena_strdup(builder->arena, field->name);
    out->field = protobuf_c_message_descriptor_get_field_by_name(descriptor, out->name);
    out->kind = kind_of(out->field);
    out->path = parent->path[0] == '\0'
                    ? out->name
                    : gf_arena_printf(builder->arena, "%s%s.%s", parent->path,
                                      parent->kind == GF_CONFIG_LIST ? "[]" : "", out->name);
    out->comment = comment_at(builder, path, PATH_LENGTH_MAX);
    out->required = gf_str_has_prefix(gf_str_from(out->comment), GF_STR("Required."));
    out->fallback = quoted_behind(builder, out->comment, "Default: ");
    out->example = quoted_behind(builder, out->comment, "Example: ");
    read_range(builder, out);
    if (!in_list && out->kind != GF_CONFIG_SECTION) {
        out->env = env_of(builder, out->path);
        out->index = builder->index++;
        gf_assert(out->index < GF_CONFIG_SETTINGS_MAX);
    }
    if (out->kind == GF_CONFIG_CHOICE) {
        add_choices(builder, field->type_name, out);
    }
    if (out->kind == GF_CONFIG_SECTION || out->kind == GF_CONFIG_LIST) {
        add_children(builder, out->field->descriptor, in_list || out->kind == GF_CONFIG_LIST, out);
    }
}

/* Recurses as deep as the messages of the configuration are in each other. */
static void add_children(struct builder *builder, const ProtobufCMessageDescriptor *descriptor,
                         bool in_list, struct gf_config_setting *parent) {
    const size_t message = find_message(builder, last_part(descriptor->name));
    const size_t count = builder->file->message_type[message]->n_field;
    struct gf_config_setting *children =
        GF_ARENA_ARRAY(builder->arena, count, struct gf_config_setting);
    for (size_t i = 0; i < count; i++) {
        add_setting(builder, message, i, descriptor, in_list, parent, &children[i]);
    }
    parent->children = children;
    parent->child_count = count;
}

static struct gf_config_setting root;
static struct gf_arena root_arena;

static void build(void) {
    Google__Protobuf__FileDescriptorSet *set = google__protobuf__file_descriptor_set__unpack(
        NULL, (size_t)(gf_config_descriptors_end - gf_config_descriptors_start),
        gf_config_descriptors_start);
    gf_assert(set != NULL);
    gf_arena_init(&root_arena, ARENA_BYTES_MAX);
    struct builder builder = {.arena = &root_arena};
    for (size_t i = 0; i < set->n_file; i++) {
        if (strcmp(set->file[i]->name, file_name) == 0) {
            builder.file = set->file[i];
        }
    }
    gf_assert(builder.file != NULL);
    const int32_t path[] = {MESSAGES, (int32_t)find_message(&builder, root_name)};
    root = (struct gf_config_setting){
        .name = "", .path = "", .kind = GF_CONFIG_SECTION, .index = SIZE_MAX};
    root.comment = comment_at(&builder, path, GF_ARRAY_COUNT(path));
    add_children(&builder, &gofer__config__v1__server_config__descriptor, false, &root);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

const struct gf_config_setting *gf_config_schema(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, build);
    return &root;
}

/* ---- Look-ups ---- */

static const struct gf_config_setting *find(const struct gf_config_setting *setting,
                                            struct gf_str text, bool by_env) {
    const char *own = by_env ? setting->env : setting->path;
    if (own != NULL && setting != &root && gf_str_eq(gf_str_from(own), text)) {
        return setting;
    }
    for (size_t i = 0; i < setting->child_count; i++) {
        const struct gf_config_setting *found = find(&setting->children[i], text, by_env);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

const struct gf_config_setting *gf_config_find(struct gf_str path) {
    return find(gf_config_schema(), path, false);
}

const struct gf_config_setting *gf_config_find_env(struct gf_str name) {
    return find(gf_config_schema(), name, true);
}

/* ---- Numbers, and what is expected ---- */

void gf_config_expectation(const struct gf_config_setting *setting, struct gf_strbuf *out) {
    switch (setting->kind) {
    case GF_CONFIG_SECTION:
        gf_strbuf_append_cstr(out, "a mapping of settings");
        return;
    case GF_CONFIG_LIST:
        gf_strbuf_append_cstr(out, "a list of mappings");
        if (setting->fallback != NULL) {
            gf_strbuf_printf(out, ", as %s", setting->fallback);
        }
        return;
    case GF_CONFIG_TEXTS:
        gf_strbuf_append_cstr(out, "a list of texts");
        if (setting->example != NULL) {
            gf_strbuf_printf(out, ", as %s", setting->example);
        }
        return;
    case GF_CONFIG_TEXT:
        gf_strbuf_append_cstr(out, "a text");
        return;
    case GF_CONFIG_PATH:
        gf_strbuf_append_cstr(out, "an absolute path");
        return;
    case GF_CONFIG_BOOL:
        gf_strbuf_append_cstr(out, "true or false");
        return;
    case GF_CONFIG_INTEGER:
        gf_strbuf_append_cstr(out, "a whole number");
        break;
    case GF_CONFIG_BYTES:
        gf_strbuf_append_cstr(out, "a number of bytes, as 4096 or 64KiB");
        break;
    case GF_CONFIG_DURATION:
        gf_strbuf_append_cstr(out, "a duration, as 10s or 1h30m");
        break;
    case GF_CONFIG_CHOICE:
        gf_strbuf_append_cstr(out, "one of");
        for (size_t i = 0; i < setting->choice_count; i++) {
            gf_strbuf_printf(out, "%s %s", i > 0 ? "," : "", setting->choices[i].name);
        }
        return;
    }
    if (setting->range != NULL) {
        gf_strbuf_printf(out, ", %s", setting->range);
    }
}

/* "0644": to some a number of eights, to others one of tens. */
static bool has_leading_zero(struct gf_str digits) {
    return digits.len > 1 && digits.ptr[0] == '0';
}

enum gf_code gf_config_parse_bytes(struct gf_str text, int64_t *out_bytes, struct gf_error *err) {
    static const struct {
        struct gf_str name;
        int shift;
    } units[] = {{{"KiB", 3}, 10}, {{"MiB", 3}, 20}, {{"GiB", 3}, 30}, {{"TiB", 3}, 40}};
    struct gf_str digits = text;
    int shift = 0;
    for (size_t i = 0; i < GF_ARRAY_COUNT(units); i++) {
        if (gf_str_has_suffix(text, units[i].name)) {
            digits.len -= units[i].name.len;
            shift = units[i].shift;
        }
    }
    int64_t number = 0;
    if (has_leading_zero(digits) || !gf_parse_i64(digits, &number) || number < 0 ||
        number > (INT64_MAX >> shift)) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "is no number of bytes");
    }
    *out_bytes = (int64_t)((uint64_t)number << shift);
    return GF_OK;
}

enum gf_code gf_config_parse_number(enum gf_config_kind kind, struct gf_str text,
                                    int64_t *out_number, struct gf_error *err) {
    if (kind == GF_CONFIG_BYTES) {
        return gf_config_parse_bytes(text, out_number, err);
    }
    if (kind == GF_CONFIG_DURATION) {
        return gf_duration_parse(text, out_number, err);
    }
    gf_assert(kind == GF_CONFIG_INTEGER);
    return !has_leading_zero(text) && gf_parse_i64(text, out_number)
               ? GF_OK
               : gf_fail(err, GF_INVALID_ARGUMENT, "is no whole number");
}
