/*
 * Lines of the log: whatever a value holds, a line is one line, without anything that a terminal
 * obeys, and as JSON an object that a strict parser reads back: with the very text where it was
 * UTF-8 and had room.
 */
#include "api/codec/json/text.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 16 << 20,
};

struct said {
    char bytes[GF_LOG_LINE_BYTES_MAX];
    size_t size;
};

static void keep(void *ctx, struct gf_str line) {
    struct said *said = ctx;
    gf_assert(line.len <= sizeof(said->bytes));
    memcpy(said->bytes, line.ptr, line.len);
    said->size = line.len;
}

static void say(struct gf_str text, enum gf_log_format format, struct said *out) {
    const size_t half = text.len / 2;
    gf_log_set_format(format);
    GF_LOG_SCOPE(.request = {text.ptr, half}, .run_id = (int64_t)half, .task_id = GF_STR("t"));
    gf_log_set_sink(keep, out);
    gf_log_error("event", GF_KV_VIEW("value", text), GF_KV_I64("number", -(int64_t)half),
                 GF_KV_U64("size", text.len), GF_KV_BOOL("truth", half % 2 == 0),
                 GF_KV_VIEW("task", text));
    gf_log_set_sink(NULL, NULL);
}

static void check_bytes(const struct said *said) {
    gf_assert(said->size > 1 && said->bytes[said->size - 1] == '\n');
    const struct gf_str line = {said->bytes, said->size - 1};
    gf_assert(gf_utf8_valid(line));
    for (size_t i = 0; i < line.len; i++) {
        const unsigned char c = (unsigned char)line.ptr[i];
        const bool c1_control = c == 0xc2 && (unsigned char)line.ptr[i + 1] < 0xa0;
        gf_assert(c >= 0x20 && c != 0x7f && !c1_control);
    }
}

static const struct gf_json_value *member(const struct gf_json_value *object, const char *name) {
    const struct gf_json_value *child = object->first;
    while (child != NULL && !gf_str_eq(child->key, gf_str_from(name))) {
        child = child->next;
    }
    return child;
}

static void check_object(const struct said *said, struct gf_str text) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    const struct gf_json_value *object = NULL;
    struct gf_error err = {0};
    const enum gf_code code =
        gf_json_parse((struct gf_str){said->bytes, said->size - 1}, &arena, &object, &err);
    gf_assert(code == GF_OK);
    gf_assert(object->type == GF_JSON_OBJECT);
    gf_assert(member(object, "event") != NULL);
    const struct gf_json_value *value = member(object, "value");
    if (member(object, "cut") == NULL) {
        gf_assert(value != NULL && value->type == GF_JSON_STRING);
        gf_assert(!gf_utf8_valid(text) || gf_str_eq(value->text, text));
        gf_assert(member(object, "number")->type == GF_JSON_NUMBER);
        gf_assert(member(object, "truth")->type == GF_JSON_TRUE ||
                  member(object, "truth")->type == GF_JSON_FALSE);
        gf_assert(member(object, "task")->text.len >= text.len);
    }
    gf_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct gf_str text = {(const char *)data, size};
    struct said said;
    say(text, GF_LOG_TEXT, &said);
    check_bytes(&said);
    say(text, GF_LOG_JSON, &said);
    check_bytes(&said);
    check_object(&said, text);
    return 0;
}
