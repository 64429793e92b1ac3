/*
 * Design: libyaml turns the text into events, of which it holds few at a time; the tree is built
 * with a stack of our own, so that nothing recurses. Aliases are refused before anything is copied,
 * which leaves no way to make a small text large.
 */
#include "api/config/yaml.h"

#include "api/codec/json/text.h"
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum {
    MESSAGE_BYTES_MAX = 256
};

/* One mapping or list that is being read. */
struct level {
    struct gf_yaml_node *node;
    struct gf_yaml_node *last;
    size_t count;
    bool has_key; /* of a mapping: the key has been read, the value comes */
    struct gf_str key;
    struct gf_yaml_place key_place;
};

struct reader {
    const char *source;
    struct gf_arena *arena;
    struct gf_error *err;
    struct level levels[GF_YAML_DEPTH_MAX];
    size_t depth;
    size_t node_count;
    size_t document_count;
    struct gf_yaml_node *root;
};

static struct gf_yaml_place place_of(yaml_mark_t mark) {
    return (struct gf_yaml_place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

enum gf_code gf_yaml_fail(struct gf_error *err, const char *source, struct gf_yaml_place place,
                          const char *fmt, ...) {
    char message[MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    return gf_fail(err, GF_INVALID_ARGUMENT, "%s:%u:%u: %s", source, (unsigned)place.line,
                   (unsigned)place.column, message);
}

bool gf_yaml_is_null(const struct gf_yaml_node *node) {
    return node->type == GF_YAML_SCALAR && !node->quoted &&
           (node->text.len == 0 || gf_str_eq(node->text, GF_STR("~")) ||
            gf_str_eq(node->text, GF_STR("null")));
}

const char *gf_yaml_type_name(enum gf_yaml_type type) {
    switch (type) {
    case GF_YAML_SCALAR:
        return "a single value";
    case GF_YAML_LIST:
        return "a list";
    case GF_YAML_MAP:
        return "a mapping";
    }
    gf_unreachable();
}

static enum gf_code fail_limit(struct reader *reader, struct gf_yaml_place place, const char *what,
                               size_t limit) {
    (void)gf_yaml_fail(reader->err, reader->source, place, "there are more than %zu %s", limit,
                       what);
    if (reader->err != NULL) {
        reader->err->code = GF_RESOURCE_EXHAUSTED;
    }
    return GF_RESOURCE_EXHAUSTED;
}

/* ---- The tree ---- */

static enum gf_code check_key(struct reader *reader, const struct level *level, struct gf_str key,
                              struct gf_yaml_place place) {
    if (key.len > GF_YAML_KEY_BYTES_MAX) {
        return gf_yaml_fail(reader->err, reader->source, place, "a key is longer than %d bytes",
                            GF_YAML_KEY_BYTES_MAX);
    }
    if (gf_str_eq(key, GF_STR("<<"))) {
        return gf_yaml_fail(reader->err, reader->source, place,
                            "merge keys (<<) are not taken: write out what is meant");
    }
    for (const struct gf_yaml_node *node = level->node->first; node != NULL; node = node->next) {
        if (gf_str_eq(node->key, key)) {
            return gf_yaml_fail(reader->err, reader->source, place,
                                "'%" GF_STR_FMT "' is given a second time, first in line %u",
                                GF_STR_ARG(key), (unsigned)node->key_place.line);
        }
    }
    return level->count < GF_YAML_KEYS_MAX
               ? GF_OK
               : fail_limit(reader, place, "keys in one mapping", GF_YAML_KEYS_MAX);
}

/* Puts a node where it belongs: the root, or a child of the innermost mapping or list. */
static enum gf_code attach(struct reader *reader, struct gf_yaml_node *node) {
    if (++reader->node_count > GF_YAML_NODES_MAX) {
        return fail_limit(reader, node->place, "values", GF_YAML_NODES_MAX);
    }
    if (reader->depth == 0) {
        reader->root = node;
        return GF_OK;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->node->type == GF_YAML_MAP) {
        if (!level->has_key) {
            return gf_yaml_fail(reader->err, reader->source, node->place,
                                "a key must be a plain text, and this is %s",
                                gf_yaml_type_name(node->type));
        }
        node->key = level->key;
        node->key_place = level->key_place;
        level->has_key = false;
    }
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->count++;
    return GF_OK;
}

static struct gf_yaml_node *new_node(struct reader *reader, enum gf_yaml_type type,
                                     const yaml_event_t *event) {
    struct gf_yaml_node *node = GF_ARENA_NEW(reader->arena, struct gf_yaml_node);
    node->type = type;
    node->place = place_of(event->start_mark);
    return node;
}

static enum gf_code refuse_marks(struct reader *reader, const yaml_event_t *event,
                                 const yaml_char_t *anchor, const yaml_char_t *tag) {
    const struct gf_yaml_place place = place_of(event->start_mark);
    if (anchor != NULL) {
        return gf_yaml_fail(reader->err, reader->source, place,
                            "anchors (&) are not taken: write out what is meant");
    }
    if (tag != NULL) {
        return gf_yaml_fail(reader->err, reader->source, place,
                            "tags (!) are not taken: the setting has its type already");
    }
    return GF_OK;
}

static enum gf_code open_level(struct reader *reader, enum gf_yaml_type type,
                               const yaml_event_t *event, const yaml_char_t *anchor,
                               const yaml_char_t *tag) {
    enum gf_code rc = refuse_marks(reader, event, anchor, tag);
    if (rc == GF_OK && reader->depth == GF_YAML_DEPTH_MAX) {
        rc = fail_limit(reader, place_of(event->start_mark), "levels", GF_YAML_DEPTH_MAX);
    }
    if (rc != GF_OK) {
        return rc;
    }
    struct gf_yaml_node *node = new_node(reader, type, event);
    rc = attach(reader, node);
    if (rc == GF_OK) {
        reader->levels[reader->depth++] = (struct level){.node = node};
    }
    return rc;
}

static enum gf_code take_scalar(struct reader *reader, const yaml_event_t *event) {
    const struct gf_yaml_place place = place_of(event->start_mark);
    const struct gf_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    const enum gf_code rc =
        refuse_marks(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (rc != GF_OK) {
        return rc;
    }
    if (memchr(text.ptr, '\0', text.len) != NULL || !gf_utf8_valid(text)) {
        return gf_yaml_fail(reader->err, reader->source, place,
                            "the text has a NUL or is no well-formed UTF-8");
    }
    struct level *level = reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;
    if (level != NULL && level->node->type == GF_YAML_MAP && !level->has_key) {
        const enum gf_code checked = check_key(reader, level, text, place);
        if (checked != GF_OK) {
            return checked;
        }
        level->key = gf_arena_str(reader->arena, text);
        level->key_place = place;
        level->has_key = true;
        return GF_OK;
    }
    struct gf_yaml_node *node = new_node(reader, GF_YAML_SCALAR, event);
    node->text = gf_arena_str(reader->arena, text);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return attach(reader, node);
}

/* ---- Events ---- */

static enum gf_code begin_document(struct reader *reader, const yaml_event_t *event) {
    const struct gf_yaml_place place = place_of(event->start_mark);
    if (++reader->document_count > 1) {
        return gf_yaml_fail(reader->err, reader->source, place,
                            "a second document begins (---), and there may be one alone");
    }
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end) {
        return gf_yaml_fail(reader->err, reader->source, place, "directives (%%) are not taken");
    }
    return GF_OK;
}

static enum gf_code take_event(struct reader *reader, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return begin_document(reader, event);
    case YAML_ALIAS_EVENT:
        return gf_yaml_fail(reader->err, reader->source, place_of(event->start_mark),
                            "aliases (*) are not taken: write out what is meant");
    case YAML_SCALAR_EVENT:
        return take_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(reader, GF_YAML_LIST, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_level(reader, GF_YAML_MAP, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return GF_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return GF_OK;
    }
    gf_unreachable();
}

/* What libyaml says is wrong, at the place that it is wrong at. */
static enum gf_code fail_parse(struct reader *reader, const yaml_parser_t *parser) {
    if (parser->error == YAML_MEMORY_ERROR) {
        gf_oom();
    }
    const bool at_mark = parser->error != YAML_READER_ERROR;
    const char *context = at_mark && parser->context != NULL ? parser->context : "";
    return gf_yaml_fail(reader->err, reader->source,
                        place_of(at_mark ? parser->problem_mark : parser->mark), "%s%s%s", context,
                        context[0] != '\0' ? ": " : "",
                        parser->problem != NULL ? parser->problem : "this is no YAML");
}

static enum gf_code read_events(struct reader *reader, yaml_parser_t *parser) {
    for (;;) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            return fail_parse(reader, parser);
        }
        const bool last = event.type == YAML_STREAM_END_EVENT;
        const enum gf_code rc = take_event(reader, &event);
        yaml_event_delete(&event);
        if (rc != GF_OK || last) {
            return rc;
        }
    }
}

enum gf_code gf_yaml_parse(struct gf_str text, const char *source, struct gf_arena *arena,
                           struct gf_yaml_node **out_root, struct gf_error *err) {
    if (text.len > GF_YAML_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "%s: has %zu bytes, more than %d", source,
                       text.len, GF_YAML_BYTES_MAX);
    }
    if (gf_str_has_prefix(text, GF_STR("\xef\xbb\xbf"))) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "%s:1:1: begins with a byte order mark: store it as UTF-8 without", source);
    }
    struct reader reader = {.source = source, .arena = arena, .err = err};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        gf_oom();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.len > 0 ? text.ptr : ""),
                                 text.len);
    const enum gf_code rc = read_events(&reader, &parser);
    yaml_parser_delete(&parser);
    if (rc == GF_OK) {
        *out_root = reader.root != NULL && gf_yaml_is_null(reader.root) ? NULL : reader.root;
    }
    return rc;
}

/* ---- Writing ---- */

/* The depth is bounded by GF_YAML_DEPTH_MAX. */
void gf_yaml_write_flow(const struct gf_yaml_node *node, struct gf_strbuf *out) {
    if (node->type == GF_YAML_SCALAR) {
        gf_json_append_string(out, node->text);
        return;
    }
    gf_strbuf_append_char(out, node->type == GF_YAML_MAP ? '{' : '[');
    for (const struct gf_yaml_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first) {
            gf_strbuf_append_cstr(out, ", ");
        }
        if (node->type == GF_YAML_MAP) {
            gf_json_append_string(out, child->key);
            gf_strbuf_append_cstr(out, ": ");
        }
        gf_yaml_write_flow(child, out);
    }
    gf_strbuf_append_char(out, node->type == GF_YAML_MAP ? '}' : ']');
}
