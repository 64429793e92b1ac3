/*
 * DESIGN. The parser does not recurse: open objects and arrays are frames on a stack of
 * GF_JSON_DEPTH_MAX. Values know their offset only; lines and columns are counted when an error
 * needs them.
 */
#include "api/codec/json/text.h"

#include "api/codec/json/scan_internal.h"
#include "base/map.h"

#include <string.h>

enum {
    /* Objects with more members are searched for duplicates by a map. */
    SMALL_OBJECT_COUNT = 8,
};

struct frame {
    struct gf_json_value *container;
    struct gf_json_value **tail; /* where the next element or member is hung up */
};

struct parser {
    struct gf_json__scanner scanner;
    struct frame frames[GF_JSON_DEPTH_MAX];
    size_t depth; /* frames in use */
    struct gf_json_value *root;
};

/* null, false or true. */
static enum gf_code scan_word(struct parser *parser, struct gf_json_value *value) {
    static const struct {
        const char *word;
        enum gf_json_type type;
    } words[] = {{"null", GF_JSON_NULL}, {"false", GF_JSON_FALSE}, {"true", GF_JSON_TRUE}};
    struct gf_str rest = {parser->scanner.text.ptr + parser->scanner.at,
                          parser->scanner.text.len - parser->scanner.at};
    for (size_t i = 0; i < GF_ARRAY_COUNT(words); i++) {
        if (gf_str_has_prefix(rest, gf_str_from(words[i].word))) {
            value->type = words[i].type;
            parser->scanner.at += strlen(words[i].word);
            return GF_OK;
        }
    }
    return gf_json__fail_unexpected(&parser->scanner, "a value");
}

static struct frame *top(struct parser *parser) {
    return &parser->frames[parser->depth - 1];
}

/* Refuses an object that has a key twice, at the second one. */
static enum gf_code fail_duplicate(const struct parser *parser,
                                   const struct gf_json_value *member) {
    struct gf_strbuf path;
    gf_strbuf_init(&path, GF_ERROR_FIELD_BYTES_MAX);
    for (size_t i = 1; i < parser->depth; i++) {
        const struct gf_json_value *container = parser->frames[i - 1].container;
        if (container->type == GF_JSON_OBJECT) {
            gf_json_path_key(&path, parser->frames[i].container->key, false);
        } else {
            gf_json_path_index(&path, container->count - 1);
        }
    }
    gf_json_path_key(&path, member->key, false);
    enum gf_code code = gf_json_fail(
        parser->scanner.err, parser->scanner.text, member->key_offset, gf_strbuf_view(&path).ptr,
        "the key '%" GF_STR_FMT "' occurs twice", GF_STR_ARG(member->key));
    gf_strbuf_fini(&path);
    return code;
}

static enum gf_code check_keys(const struct parser *parser, const struct gf_json_value *object) {
    struct gf_map keys = {0};
    const struct gf_json_value *duplicate = NULL;
    for (const struct gf_json_value *member = object->first; member != NULL && duplicate == NULL;
         member = member->next) {
        if (object->count > SMALL_OBJECT_COUNT) {
            duplicate = gf_map_put(&keys, member->key, (void *)member) != NULL ? member : NULL;
            continue;
        }
        for (const struct gf_json_value *other = object->first; other != member;
             other = other->next) {
            duplicate = gf_str_eq(other->key, member->key) ? member : duplicate;
        }
    }
    gf_map_fini(&keys);
    return duplicate == NULL ? GF_OK : fail_duplicate(parser, duplicate);
}

/* Hangs a value that begins under the cursor into what is open. NULL when the arena is full. */
static struct gf_json_value *add_value(struct parser *parser) {
    struct gf_json_value *value = gf_arena_try_alloc(parser->scanner.arena, sizeof(*value));
    if (value == NULL) {
        return NULL;
    }
    value->offset = (uint32_t)parser->scanner.at;
    if (parser->depth == 0) {
        parser->root = value;
    } else {
        struct frame *frame = top(parser);
        *frame->tail = value;
        frame->tail = &value->next;
        frame->container->count++;
    }
    return value;
}

static enum gf_code open_container(struct parser *parser, struct gf_json_value *value) {
    if (parser->depth == GF_JSON_DEPTH_MAX) {
        return gf_json__fail_here(&parser->scanner, "objects and arrays are nested too deeply");
    }
    value->type = gf_json__peek(&parser->scanner) == '{' ? GF_JSON_OBJECT : GF_JSON_ARRAY;
    parser->frames[parser->depth++] = (struct frame){value, &value->first};
    parser->scanner.at++;
    return GF_OK;
}

static enum gf_code close_container(struct parser *parser) {
    const struct gf_json_value *container = top(parser)->container;
    enum gf_code code = container->type == GF_JSON_OBJECT ? check_keys(parser, container) : GF_OK;
    parser->depth--;
    parser->scanner.at++;
    return code;
}

/* A key with its colon, under the cursor. */
static enum gf_code scan_key(struct parser *parser, struct gf_str *out_key) {
    if (gf_json__peek(&parser->scanner) != '"') {
        return gf_json__fail_unexpected(&parser->scanner, "a key in double quotes");
    }
    enum gf_code code = gf_json__scan_string(&parser->scanner, out_key);
    if (code != GF_OK) {
        return code;
    }
    gf_json__skip_space(&parser->scanner);
    if (gf_json__peek(&parser->scanner) != ':') {
        return gf_json__fail_unexpected(&parser->scanner, "':'");
    }
    parser->scanner.at++;
    gf_json__skip_space(&parser->scanner);
    return GF_OK;
}

/* One value with its key, if it has one. Objects and arrays are only opened. */
static enum gf_code scan_value(struct parser *parser) {
    struct gf_str key = {NULL, 0};
    size_t key_offset = parser->scanner.at;
    enum gf_code code = GF_OK;
    if (parser->depth > 0 && top(parser)->container->type == GF_JSON_OBJECT) {
        code = scan_key(parser, &key);
        if (code != GF_OK) {
            return code;
        }
    }
    struct gf_json_value *value = add_value(parser);
    if (value == NULL) {
        return gf_json__fail_exhausted(&parser->scanner);
    }
    value->key = key;
    value->key_offset = (uint32_t)key_offset;
    char c = gf_json__peek(&parser->scanner);
    if (c == '{' || c == '[') {
        return open_container(parser, value);
    }
    if (c == '"') {
        value->type = GF_JSON_STRING;
        return gf_json__scan_string(&parser->scanner, &value->text);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        value->type = GF_JSON_NUMBER;
        return gf_json__scan_number(&parser->scanner, &value->text);
    }
    return scan_word(parser, value);
}

static bool at_close(struct parser *parser) {
    return gf_json__peek(&parser->scanner) ==
           (top(parser)->container->type == GF_JSON_OBJECT ? '}' : ']');
}

/* Goes on behind a value: closes what ends there, and stops before the next value. */
static enum gf_code scan_after_value(struct parser *parser) {
    for (;;) {
        gf_json__skip_space(&parser->scanner);
        if (parser->depth == 0) {
            return gf_json__at_end(&parser->scanner)
                       ? GF_OK
                       : gf_json__fail_unexpected(&parser->scanner, "the end of the text");
        }
        if (at_close(parser)) {
            enum gf_code code = close_container(parser);
            if (code != GF_OK) {
                return code;
            }
            continue;
        }
        bool object = top(parser)->container->type == GF_JSON_OBJECT;
        if (gf_json__peek(&parser->scanner) != ',') {
            return gf_json__fail_unexpected(&parser->scanner, object ? "',' or '}'" : "',' or ']'");
        }
        size_t comma = parser->scanner.at++;
        gf_json__skip_space(&parser->scanner);
        if (at_close(parser)) {
            parser->scanner.at = comma;
            return gf_json__fail_here(&parser->scanner,
                                      "a comma before the end of an object or array");
        }
        return GF_OK;
    }
}

/* The place of the first byte that is not part of valid UTF-8. */
static size_t find_bad_utf8(struct gf_str text) {
    size_t at = 0;
    while (at < text.len) {
        size_t size = 1;
        while (size < 4 && at + size < text.len &&
               ((unsigned char)text.ptr[at + size] & 0xc0) == 0x80) {
            size++;
        }
        if (!gf_utf8_valid((struct gf_str){text.ptr + at, size})) {
            break;
        }
        at += size;
    }
    return at;
}

enum gf_code gf_json_parse(struct gf_str text, struct gf_arena *arena,
                           const struct gf_json_value **out_value, struct gf_error *err) {
    if (text.len > GF_JSON_TEXT_BYTES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "JSON text of %zu bytes is longer than %d",
                       text.len, GF_JSON_TEXT_BYTES_MAX);
    }
    if (text.len == 0) {
        text = GF_STR("");
    }
    if (!gf_utf8_valid(text)) {
        return gf_json_fail(err, text, find_bad_utf8(text), "", "the text is not valid UTF-8");
    }
    struct parser parser = {.scanner = {.text = text, .arena = arena, .err = err}};
    gf_json__skip_space(&parser.scanner);
    do {
        size_t depth_before = parser.depth;
        enum gf_code code = scan_value(&parser);
        if (code != GF_OK) {
            return code;
        }
        gf_json__skip_space(&parser.scanner);
        if (parser.depth > depth_before && !at_close(&parser)) {
            continue;
        }
        code = scan_after_value(&parser);
        if (code != GF_OK) {
            return code;
        }
    } while (parser.depth > 0);
    *out_value = parser.root;
    return GF_OK;
}

void gf_json_append_string(struct gf_strbuf *out, struct gf_str string) {
    gf_strbuf_append_char(out, '"');
    const char *text = string.len > 0 ? string.ptr : "";
    size_t plain = 0; /* where what can be copied as it is begins */
    for (size_t i = 0; i < string.len; i++) {
        static const char names[] = "\"\\\b\f\n\r\t";
        static const char escapes[] = "\"\\bfnrt";
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
            continue;
        }
        gf_strbuf_append_bytes(out, text + plain, i - plain);
        plain = i + 1;
        const char *name = c != 0 ? strchr(names, c) : NULL;
        if (name != NULL) {
            gf_strbuf_append_char(out, '\\');
            gf_strbuf_append_char(out, escapes[name - names]);
        } else {
            gf_strbuf_printf(out, "\\u%04x", c);
        }
    }
    gf_strbuf_append_bytes(out, text + plain, string.len - plain);
    gf_strbuf_append_char(out, '"');
}
