/*
 * Design: the fields are written by the descriptors of protobuf-c, which know type and offset of
 * each; so there is no table of settings to keep.
 */
#include "api/config/apply.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <google/protobuf/duration.pb-c.h>

enum {
    TEXT_BYTES_MAX = 4096, /* of one value */
    LIST_ITEMS_MAX = 64,
    MESSAGE_BYTES_MAX = 256,
    SHOWN_BYTES_MAX = 40, /* of a value in a message */
    GUESS_DISTANCE_MAX = 3,
};

static enum gf_code fail_at(const struct gf_config_target *target, struct gf_yaml_place place,
                            const char *path, const char *fmt, ...) GF_PRINTF(4, 5);

static enum gf_code fail_at(const struct gf_config_target *target, struct gf_yaml_place place,
                            const char *path, const char *fmt, ...) {
    char message[MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (target->origin.is_file) {
        return gf_fail_field(target->err, path, "%s:%u:%u: %s%s%s", target->origin.name,
                             (unsigned)place.line, (unsigned)place.column, path,
                             path[0] != '\0' ? ": " : "", message);
    }
    return gf_fail_field(target->err, path, "%s: %s", target->origin.name, message);
}

static void *member(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
    return (char *)message + field->offset;
}

/* ---- Scalars ---- */

static enum gf_code fail_value(const struct gf_config_target *target,
                               const struct gf_config_setting *setting,
                               const struct gf_yaml_node *node) {
    struct gf_strbuf expected;
    gf_strbuf_init(&expected, MESSAGE_BYTES_MAX);
    gf_config_expectation(setting, &expected);
    enum gf_code rc;
    if (node->type != GF_YAML_SCALAR) {
        rc = fail_at(target, node->place, setting->path, "is %s, expected %s",
                     gf_yaml_type_name(node->type), expected.ptr);
    } else {
        struct gf_str shown = node->text;
        shown.len = shown.len > SHOWN_BYTES_MAX ? SHOWN_BYTES_MAX : shown.len;
        rc = fail_at(target, node->place, setting->path, "is %s'%" GF_STR_FMT "', expected %s",
                     node->quoted && setting->kind != GF_CONFIG_CHOICE ? "the text " : "",
                     GF_STR_ARG(shown), expected.ptr);
    }
    gf_strbuf_fini(&expected);
    return rc;
}

static bool set_choice(const struct gf_config_setting *setting, struct gf_str text, int *out) {
    for (size_t i = 0; i < setting->choice_count; i++) {
        if (gf_str_eq(text, gf_str_from(setting->choices[i].name))) {
            *out = setting->choices[i].number;
            return true;
        }
    }
    return false;
}

static bool is_absolute(struct gf_str path) {
    return path.len == 0 || path.ptr[0] == '/';
}

static Google__Protobuf__Duration *make_duration(int64_t ns, struct gf_arena *arena) {
    Google__Protobuf__Duration *duration = GF_ARENA_NEW(arena, Google__Protobuf__Duration);
    google__protobuf__duration__init(duration);
    duration->seconds = ns / GF_NS_PER_SEC;
    duration->nanos = (int32_t)(ns % GF_NS_PER_SEC);
    return duration;
}

static enum gf_code apply_number(const struct gf_config_target *target,
                                 const struct gf_config_setting *setting, void *out,
                                 const struct gf_yaml_node *node) {
    int64_t number = 0;
    struct gf_error ignored;
    /* JSON has units in quotation marks only. */
    if ((node->quoted && setting->kind == GF_CONFIG_INTEGER) ||
        gf_config_parse_number(setting->kind, node->text, &number, &ignored) != GF_OK ||
        number < setting->min || number > setting->max) {
        return fail_value(target, setting, node);
    }
    if (setting->kind == GF_CONFIG_DURATION) {
        *(Google__Protobuf__Duration **)out = make_duration(number, target->arena);
    } else {
        *(int64_t *)out = number;
    }
    return GF_OK;
}

static enum gf_code apply_scalar(const struct gf_config_target *target,
                                 const struct gf_config_setting *setting, void *out,
                                 const struct gf_yaml_node *node) {
    switch (setting->kind) {
    case GF_CONFIG_PATH:
        if (target->origin.is_file && !is_absolute(node->text)) {
            return fail_value(target, setting, node);
        }
        /* fall through */
    case GF_CONFIG_TEXT:
        if (node->text.len > TEXT_BYTES_MAX) {
            return fail_at(target, node->place, setting->path, "is longer than %d bytes",
                           TEXT_BYTES_MAX);
        }
        *(char **)out = (char *)gf_arena_str(target->arena, node->text).ptr;
        return GF_OK;
    case GF_CONFIG_BOOL: {
        const bool is_true = gf_str_eq(node->text, GF_STR("true"));
        if (node->quoted || (!is_true && !gf_str_eq(node->text, GF_STR("false")))) {
            return fail_value(target, setting, node);
        }
        *(protobuf_c_boolean *)out = is_true;
        return GF_OK;
    }
    case GF_CONFIG_CHOICE:
        return set_choice(setting, node->text, out) ? GF_OK : fail_value(target, setting, node);
    case GF_CONFIG_INTEGER:
    case GF_CONFIG_BYTES:
    case GF_CONFIG_DURATION:
        return apply_number(target, setting, out, node);
    case GF_CONFIG_SECTION:
    case GF_CONFIG_LIST:
    case GF_CONFIG_TEXTS:
        break;
    }
    gf_unreachable();
}

/* ---- Sections and lists ---- */

static ProtobufCMessage *new_message(const ProtobufCMessageDescriptor *descriptor,
                                     struct gf_arena *arena) {
    ProtobufCMessage *message = gf_arena_alloc(arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

ProtobufCMessage *gf_config_submessage(const struct gf_config_setting *setting,
                                       ProtobufCMessage *parent, struct gf_arena *arena) {
    ProtobufCMessage **slot = member(parent, setting->field);
    if (*slot == NULL) {
        *slot = new_message(setting->field->descriptor, arena);
        gf_config_fill_defaults(setting, *slot, arena);
    }
    return *slot;
}

/* The member that the key may have been meant for, or NULL. */
static const char *guess(const struct gf_config_setting *section, struct gf_str key) {
    const char *best = NULL;
    size_t best_distance = GUESS_DISTANCE_MAX + 1;
    for (size_t i = 0; i < section->child_count; i++) {
        const char *name = section->children[i].name;
        const size_t distance = gf_str_distance(key, gf_str_from(name));
        if (distance < best_distance && distance < key.len) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

static enum gf_code fail_unknown(const struct gf_config_target *target,
                                 const struct gf_config_setting *section,
                                 const struct gf_yaml_node *node) {
    const char *near = guess(section, node->key);
    return fail_at(target, node->key_place, section->path,
                   "there is no setting '%" GF_STR_FMT "' here%s%s%s", GF_STR_ARG(node->key),
                   near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
}

static const struct gf_config_setting *find_child(const struct gf_config_setting *section,
                                                  struct gf_str name) {
    for (size_t i = 0; i < section->child_count; i++) {
        if (gf_str_eq(gf_str_from(section->children[i].name), name)) {
            return &section->children[i];
        }
    }
    return NULL;
}

static bool has_member(const struct gf_yaml_node *node, const char *name) {
    for (const struct gf_yaml_node *child = node->first; child != NULL; child = child->next) {
        if (gf_str_eq(child->key, gf_str_from(name)) && !gf_yaml_is_null(child)) {
            return true;
        }
    }
    return false;
}

enum gf_code gf_config_apply_members(const struct gf_config_target *target,
                                     const struct gf_config_setting *section,
                                     ProtobufCMessage *message, const struct gf_yaml_node *node) {
    if (node->type != GF_YAML_MAP) {
        return fail_value(target, section, node);
    }
    for (const struct gf_yaml_node *child = node->first; child != NULL; child = child->next) {
        const struct gf_config_setting *setting = find_child(section, child->key);
        const enum gf_code rc = setting == NULL ? fail_unknown(target, section, child)
                                                : gf_config_apply(target, setting, message, child);
        if (rc != GF_OK) {
            return rc;
        }
    }
    for (size_t i = 0; i < section->child_count; i++) {
        if (section->children[i].required && !has_member(node, section->children[i].name)) {
            return fail_at(target, node->place, section->children[i].path, "is missing");
        }
    }
    return GF_OK;
}

static void set_repeated(const struct gf_config_setting *setting, ProtobufCMessage *parent,
                         void *items, size_t count) {
    *(void **)member(parent, setting->field) = items;
    *(size_t *)((char *)parent + setting->field->quantifier_offset) = count;
}

static enum gf_code apply_texts(const struct gf_config_target *target,
                                const struct gf_config_setting *setting, ProtobufCMessage *parent,
                                const struct gf_yaml_node *node) {
    if (node->type != GF_YAML_LIST) {
        return fail_value(target, setting, node);
    }
    char **items = GF_ARENA_ARRAY(target->arena, (size_t)LIST_ITEMS_MAX, char *);
    size_t count = 0;
    for (const struct gf_yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child->type != GF_YAML_SCALAR || gf_yaml_is_null(child)) {
            return fail_at(target, child->place, setting->path, "an item is %s, expected a text",
                           gf_yaml_is_null(child) ? "nothing" : gf_yaml_type_name(child->type));
        }
        if (count == LIST_ITEMS_MAX) {
            return fail_at(target, child->place, setting->path, "has more than %d items",
                           LIST_ITEMS_MAX);
        }
        if (child->text.len > TEXT_BYTES_MAX) {
            return fail_at(target, child->place, setting->path, "an item is longer than %d bytes",
                           TEXT_BYTES_MAX);
        }
        items[count++] = (char *)gf_arena_str(target->arena, child->text).ptr;
    }
    set_repeated(setting, parent, items, count);
    return GF_OK;
}

static enum gf_code apply_list(const struct gf_config_target *target,
                               const struct gf_config_setting *setting, ProtobufCMessage *parent,
                               const struct gf_yaml_node *node) {
    if (node->type != GF_YAML_LIST) {
        return fail_value(target, setting, node);
    }
    ProtobufCMessage **items =
        GF_ARENA_ARRAY(target->arena, (size_t)LIST_ITEMS_MAX, ProtobufCMessage *);
    size_t count = 0;
    for (const struct gf_yaml_node *child = node->first; child != NULL; child = child->next) {
        if (count == LIST_ITEMS_MAX) {
            return fail_at(target, child->place, setting->path, "has more than %d items",
                           LIST_ITEMS_MAX);
        }
        ProtobufCMessage *item = new_message(setting->field->descriptor, target->arena);
        gf_config_fill_defaults(setting, item, target->arena);
        const enum gf_code rc = gf_config_apply_members(target, setting, item, child);
        if (rc != GF_OK) {
            return rc;
        }
        items[count++] = item;
    }
    set_repeated(setting, parent, items, count);
    return GF_OK;
}

enum gf_code gf_config_apply(const struct gf_config_target *target,
                             const struct gf_config_setting *setting, ProtobufCMessage *parent,
                             const struct gf_yaml_node *node) {
    if (gf_yaml_is_null(node)) {
        return GF_OK;
    }
    enum gf_code rc;
    if (setting->kind == GF_CONFIG_SECTION) {
        return gf_config_apply_members(target, setting,
                                       gf_config_submessage(setting, parent, target->arena), node);
    }
    if (setting->kind == GF_CONFIG_LIST) {
        rc = apply_list(target, setting, parent, node);
    } else if (setting->kind == GF_CONFIG_TEXTS) {
        rc = apply_texts(target, setting, parent, node);
    } else if (node->type != GF_YAML_SCALAR) {
        rc = fail_value(target, setting, node);
    } else {
        rc = apply_scalar(target, setting, member(parent, setting->field), node);
    }
    if (rc == GF_OK && target->note != NULL && setting->index != SIZE_MAX) {
        target->note(target->ctx, setting, node);
    }
    return rc;
}

/* ---- Defaults ---- */

/* The text is that of a scalar, but for a list. */
static void fill_default(const struct gf_config_setting *setting, ProtobufCMessage *message,
                         struct gf_arena *arena) {
    struct gf_error err = {0};
    const struct gf_config_target target = {
        .arena = arena, .origin = {.name = setting->path}, .err = &err};
    const bool is_empty = strcmp(setting->fallback, "\"\"") == 0;
    struct gf_yaml_node scalar = {
        .type = GF_YAML_SCALAR,
        .text = is_empty ? GF_STR("") : gf_str_from(setting->fallback),
        .quoted = is_empty,
    };
    struct gf_yaml_node *node = &scalar;
    enum gf_code rc = GF_OK;
    if (setting->kind == GF_CONFIG_LIST || setting->kind == GF_CONFIG_TEXTS) {
        rc = gf_yaml_parse(scalar.text, setting->path, arena, &node, &err);
    }
    if (rc == GF_OK) {
        rc = gf_config_apply(&target, setting, message, node);
    }
    gf_assert(rc == GF_OK);
}

void gf_config_fill_defaults(const struct gf_config_setting *section, ProtobufCMessage *message,
                             struct gf_arena *arena) {
    for (size_t i = 0; i < section->child_count; i++) {
        const struct gf_config_setting *child = &section->children[i];
        if (child->fallback != NULL) {
            fill_default(child, message, arena);
        } else if (child->kind == GF_CONFIG_SECTION && child->index == SIZE_MAX &&
                   section->kind == GF_CONFIG_SECTION) {
            (void)gf_config_submessage(child, message, arena);
        }
    }
}
