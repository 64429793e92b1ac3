/*
 * DESIGN. upb reads the bytes; the text is ours, because maps of upb have the order of their
 * hashes, which changes from run to run. docs/internals/decisions/0006-json-text.md tells more.
 *
 * Recursion follows the message, whose depth upb bounds.
 */
#include "api/codec/json/encode_internal.h"
#include "api/codec/json/well_known_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <upb/decode.h>
#include <upb/reflection.h>

static enum gf_code encode_message(struct gf_json__encoder *encoder, const upb_Message *message,
                                   const upb_MessageDef *def) GF_MUST_USE;

/* ---- layout ---- */

static void new_line(struct gf_json__encoder *encoder) {
    if (encoder->opts.pretty) {
        gf_strbuf_printf(encoder->out, "\n%*s", (int)encoder->depth * 2, "");
    }
}

static void open_bracket(struct gf_json__encoder *encoder, char bracket) {
    gf_strbuf_append_char(encoder->out, bracket);
    encoder->depth++;
}

/* Goes to the place of the next member or element. */
static void next_item(struct gf_json__encoder *encoder, bool *first) {
    if (!*first) {
        gf_strbuf_append_char(encoder->out, ',');
    }
    *first = false;
    new_line(encoder);
}

static void close_bracket(struct gf_json__encoder *encoder, char bracket, bool empty) {
    encoder->depth--;
    if (!empty) {
        new_line(encoder);
    }
    gf_strbuf_append_char(encoder->out, bracket);
}

static void colon(struct gf_json__encoder *encoder) {
    gf_strbuf_append_cstr(encoder->out, encoder->opts.pretty ? ": " : ":");
}

static enum gf_code fail_exhausted(struct gf_json__encoder *encoder) {
    return gf_fail(encoder->err, GF_RESOURCE_EXHAUSTED, "message is too large as JSON");
}

/* ---- messages with a text form ---- */

static enum gf_code encode_instant(struct gf_json__encoder *encoder, const upb_Message *message,
                                   const upb_MessageDef *def) {
    struct gf_json__instant instant = {
        upb_Message_Get(message, upb_MessageDef_FindFieldByNumber(def, 1)).int64_val,
        upb_Message_Get(message, upb_MessageDef_FindFieldByNumber(def, 2)).int32_val,
    };
    char text[GF_TIME_BYTES_MAX];
    _Static_assert(GF_TIME_BYTES_MAX >= GF_DURATION_BYTES_MAX, "one buffer serves both");
    bool is_time = upb_MessageDef_WellKnownType(def) == kUpb_WellKnown_Timestamp;
    enum gf_code code = is_time ? gf_json__timestamp_format(&instant, text, encoder->err)
                                : gf_json__duration_format(&instant, text, encoder->err);
    if (code == GF_OK) {
        gf_json_append_string(encoder->out, gf_str_from(text));
    }
    return code;
}

static enum gf_code encode_mask(struct gf_json__encoder *encoder, const upb_Message *message,
                                const upb_MessageDef *def) {
    struct gf_strbuf joined;
    gf_strbuf_init(&joined, encoder->out->limit);
    const upb_Array *paths =
        upb_Message_Get(message, upb_MessageDef_FindFieldByNumber(def, 1)).array_val;
    size_t count = paths != NULL ? upb_Array_Size(paths) : 0;
    enum gf_code code = GF_OK;
    for (size_t i = 0; i < count && code == GF_OK; i++) {
        upb_StringView path = upb_Array_Get(paths, i).str_val;
        struct gf_str text = {path.data, path.size};
        if (!gf_json__mask_to_json(text, encoder->arena, &text)) {
            code = fail_exhausted(encoder);
        }
        gf_strbuf_append_cstr(&joined, i > 0 ? "," : "");
        gf_strbuf_append(&joined, text);
    }
    gf_json_append_string(encoder->out, gf_strbuf_view(&joined));
    gf_strbuf_fini(&joined);
    return code;
}

/* ---- lists and maps ---- */

static enum gf_code encode_value(struct gf_json__encoder *encoder, upb_MessageValue value,
                                 const upb_FieldDef *field) {
    if (upb_FieldDef_IsSubMessage(field)) {
        return encode_message(encoder, value.msg_val, upb_FieldDef_MessageSubDef(field));
    }
    gf_json__encode_scalar(encoder, value, field);
    return GF_OK;
}

static enum gf_code encode_list(struct gf_json__encoder *encoder, const upb_Array *array,
                                const upb_FieldDef *field) {
    size_t count = array != NULL ? upb_Array_Size(array) : 0;
    bool first = true;
    open_bracket(encoder, '[');
    for (size_t i = 0; i < count; i++) {
        next_item(encoder, &first);
        enum gf_code code = encode_value(encoder, upb_Array_Get(array, i), field);
        if (code != GF_OK) {
            return code;
        }
    }
    close_bracket(encoder, ']', first);
    return GF_OK;
}

/* An entry of a map, to be sorted: texts by their bytes, numbers by their value. */
struct entry {
    struct gf_str text;
    uint64_t order;
    upb_MessageValue key;
    upb_MessageValue value;
};

static int compare_entries(const void *a, const void *b) {
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return gf_str_cmp(x->text, y->text);
}

static struct entry make_entry(upb_MessageValue key, upb_MessageValue value,
                               const upb_FieldDef *key_field) {
    struct entry entry = {.key = key, .value = value};
    const uint64_t sign_bit = UINT64_C(1) << 63;
    upb_CType type = upb_FieldDef_CType(key_field);
    if (type == kUpb_CType_String) {
        entry.text = (struct gf_str){key.str_val.data, key.str_val.size};
    } else if (type == kUpb_CType_Bool) {
        entry.order = key.bool_val;
    } else if (type == kUpb_CType_UInt64) {
        entry.order = key.uint64_val;
    } else if (type == kUpb_CType_UInt32) {
        entry.order = key.uint32_val;
    } else if (type == kUpb_CType_Int32) {
        entry.order = (uint64_t)(int64_t)key.int32_val ^ sign_bit;
    } else {
        entry.order = (uint64_t)key.int64_val ^ sign_bit;
    }
    return entry;
}

/* Keys are strings in JSON whatever their type. */
static void encode_key(struct gf_json__encoder *encoder, upb_MessageValue key,
                       const upb_FieldDef *field) {
    upb_CType type = upb_FieldDef_CType(field);
    bool quoted =
        type == kUpb_CType_String || type == kUpb_CType_Int64 || type == kUpb_CType_UInt64;
    gf_strbuf_append_cstr(encoder->out, quoted ? "" : "\"");
    gf_json__encode_scalar(encoder, key, field);
    gf_strbuf_append_cstr(encoder->out, quoted ? "" : "\"");
}

static enum gf_code encode_map(struct gf_json__encoder *encoder, const upb_Map *map,
                               const upb_FieldDef *field) {
    const upb_MessageDef *entry_def = upb_FieldDef_MessageSubDef(field);
    const upb_FieldDef *key_field = upb_MessageDef_FindFieldByNumber(entry_def, 1);
    const upb_FieldDef *value_field = upb_MessageDef_FindFieldByNumber(entry_def, 2);
    size_t count = map != NULL ? upb_Map_Size(map) : 0;
    struct entry *entries = gf_arena_try_alloc(encoder->arena, (count + 1) * sizeof(*entries));
    if (entries == NULL) {
        return fail_exhausted(encoder);
    }
    size_t iterator = kUpb_Map_Begin;
    for (size_t i = 0; i < count && upb_MapIterator_Next(map, &iterator); i++) {
        entries[i] = make_entry(upb_MapIterator_Key(map, iterator),
                                upb_MapIterator_Value(map, iterator), key_field);
    }
    qsort(entries, count, sizeof(*entries), compare_entries);
    bool first = true;
    open_bracket(encoder, '{');
    for (size_t i = 0; i < count; i++) {
        next_item(encoder, &first);
        encode_key(encoder, entries[i].key, key_field);
        colon(encoder);
        enum gf_code code = encode_value(encoder, entries[i].value, value_field);
        if (code != GF_OK) {
            return code;
        }
    }
    close_bracket(encoder, '}', first);
    return GF_OK;
}

/* ---- messages ---- */

/* True when a field without presence has its default. */
static bool is_default(upb_MessageValue value, const upb_FieldDef *field) {
    if (upb_FieldDef_IsMap(field)) {
        return value.map_val == NULL || upb_Map_Size(value.map_val) == 0;
    }
    if (upb_FieldDef_IsRepeated(field)) {
        return value.array_val == NULL || upb_Array_Size(value.array_val) == 0;
    }
    switch (upb_FieldDef_CType(field)) {
    case kUpb_CType_Bool:
        return !value.bool_val;
    case kUpb_CType_Float:
    case kUpb_CType_Int32:
    case kUpb_CType_UInt32:
    case kUpb_CType_Enum:
        return value.uint32_val == 0; /* all of four bytes */
    case kUpb_CType_Double:
    case kUpb_CType_Int64:
    case kUpb_CType_UInt64:
        return value.uint64_val == 0; /* all of eight */
    case kUpb_CType_String:
    case kUpb_CType_Bytes:
        return value.str_val.size == 0;
    case kUpb_CType_Message:
        break;
    }
    gf_unreachable();
}

static bool is_shown(const struct gf_json__encoder *encoder, const upb_Message *message,
                     const upb_FieldDef *field) {
    if (upb_FieldDef_HasPresence(field)) {
        return upb_Message_Has(message, field);
    }
    return encoder->opts.emit_defaults || !is_default(upb_Message_Get(message, field), field);
}

static enum gf_code encode_field(struct gf_json__encoder *encoder, upb_MessageValue value,
                                 const upb_FieldDef *field) {
    if (upb_FieldDef_IsMap(field)) {
        return encode_map(encoder, value.map_val, field);
    }
    if (upb_FieldDef_IsRepeated(field)) {
        return encode_list(encoder, value.array_val, field);
    }
    return encode_value(encoder, value, field);
}

static enum gf_code encode_object(struct gf_json__encoder *encoder, const upb_Message *message,
                                  const upb_MessageDef *def) {
    bool first = true;
    open_bracket(encoder, '{');
    for (int i = 0; i < upb_MessageDef_FieldCount(def); i++) {
        const upb_FieldDef *field = upb_MessageDef_Field(def, i);
        /* upb has no value to get of a message that is not set. */
        if (!is_shown(encoder, message, field)) {
            continue;
        }
        const char *name =
            encoder->opts.proto_names ? upb_FieldDef_Name(field) : upb_FieldDef_JsonName(field);
        next_item(encoder, &first);
        gf_json_append_string(encoder->out, gf_str_from(name));
        colon(encoder);
        enum gf_code code = encode_field(encoder, upb_Message_Get(message, field), field);
        if (code != GF_OK) {
            return code;
        }
    }
    close_bracket(encoder, '}', first);
    return GF_OK;
}

static enum gf_code encode_message(struct gf_json__encoder *encoder, const upb_Message *message,
                                   const upb_MessageDef *def) {
    upb_WellKnown known = upb_MessageDef_WellKnownType(def);
    if (known == kUpb_WellKnown_Unspecified) {
        return encode_object(encoder, message, def);
    }
    if (known == kUpb_WellKnown_Timestamp || known == kUpb_WellKnown_Duration) {
        return encode_instant(encoder, message, def);
    }
    if (known == kUpb_WellKnown_FieldMask) {
        return encode_mask(encoder, message, def);
    }
    return gf_fail(encoder->err, GF_INVALID_ARGUMENT, "a %s has no JSON here",
                   upb_MessageDef_FullName(def));
}

/*
 * Copies the bytes with an unknown field behind them. upb reads the last 16 bytes of its input from
 * a buffer of its own, and miscounts an entry of a map that has unknown fields and reaches into
 * them (decode_tomap), up to an assertion that ends the process. Now only the field that we add is
 * there.
 */
static bool pad(struct gf_arena *arena, struct gf_str wire, struct gf_str *out_padded) {
    /* Number 2^29 - 1, which no message of ours has, with 16 bytes. */
    static const char padding[] = "\xfa\xff\xff\xff\x0f\x10................";
    const size_t padding_size = sizeof(padding) - 1;
    char *padded = gf_arena_try_alloc(arena, wire.len + padding_size);
    if (padded == NULL) {
        return false;
    }
    if (wire.len > 0) {
        memcpy(padded, wire.ptr, wire.len);
    }
    memcpy(padded + wire.len, padding, padding_size);
    *out_padded = (struct gf_str){padded, wire.len + padding_size};
    return true;
}

static enum gf_code encode_root(struct gf_json__encoder *encoder, const upb_MessageDef *def,
                                struct gf_str wire) {
    struct gf_schema__arena memory;
    struct gf_str padded;
    upb_Message *message = NULL;
    if (pad(encoder->arena, wire, &padded) && gf_schema__arena_init(&memory, encoder->arena)) {
        message = upb_Message_New(def, memory.upb);
    }
    if (message == NULL) {
        return fail_exhausted(encoder);
    }
    upb_DecodeStatus status =
        upb_Decode(padded.ptr, padded.len, message, upb_MessageDef_MiniTable(def), NULL,
                   kUpb_DecodeOption_AliasString, memory.upb);
    if (status == kUpb_DecodeStatus_OutOfMemory) {
        return fail_exhausted(encoder);
    }
    if (status != kUpb_DecodeStatus_Ok) {
        return gf_fail(encoder->err, GF_INVALID_ARGUMENT, "%zu bytes are no %s", wire.len,
                       upb_MessageDef_FullName(def));
    }
    return encode_message(encoder, message, def);
}

enum gf_code gf_json_encode(const struct gf_schema *schema, const char *message, struct gf_str wire,
                            const struct gf_json_encode_opts *opts, struct gf_strbuf *out,
                            struct gf_error *err) {
    const upb_MessageDef *def = gf_schema__message(schema, message);
    gf_assert(def != NULL);
    gf_assert(!out->overflowed);
    struct gf_arena arena;
    gf_arena_init(&arena, GF_JSON_ENCODE_ARENA_BYTES_MAX);
    struct gf_json__encoder encoder = {.arena = &arena, .out = out, .err = err};
    if (opts != NULL) {
        encoder.opts = *opts;
    }
    size_t before = out->len;
    enum gf_code code = encode_root(&encoder, def, wire);
    if (code == GF_OK && out->overflowed) {
        code = fail_exhausted(&encoder);
    }
    if (code != GF_OK) {
        gf_strbuf_truncate(out, before);
    }
    if (encoder.opts.secret) {
        gf_arena_wipe(&arena);
    }
    gf_arena_fini(&arena);
    return code;
}
