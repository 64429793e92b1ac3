/*
 * DESIGN. The text is parsed into a tree first (text.h), and the tree is then read into a message
 * of upb, definition by definition, so that every error knows the place of the value, its path, and
 * what would have been right. docs/internals/decisions/0006-json-text.md tells why upb does not
 * read the text itself.
 *
 * Recursion follows the tree, which is at most GF_JSON_DEPTH_MAX deep.
 */
#include "api/codec/json/decode_internal.h"
#include "api/codec/json/json.h"
#include "api/codec/json/well_known_internal.h"

#include <stdlib.h>
#include <string.h>

#include <upb/encode.h>
#include <upb/reflection.h>

static enum gf_code decode_message(struct gf_json__decoder *decoder,
                                   const struct gf_json_value *value, const upb_MessageDef *def,
                                   upb_Message *message) GF_MUST_USE;

static enum gf_code set(struct gf_json__decoder *decoder, upb_Message *message,
                        const upb_FieldDef *field, upb_MessageValue value) {
    return upb_Message_Set(message, field, value, decoder->upb) ? GF_OK
                                                                : gf_json__fail_too_large(decoder);
}

/* ---- messages with a text form ---- */

static enum gf_code set_instant(struct gf_json__decoder *decoder, const upb_MessageDef *def,
                                upb_Message *message, const struct gf_json__instant *instant) {
    upb_MessageValue seconds = {.int64_val = instant->seconds};
    upb_MessageValue nanos = {.int32_val = instant->nanos};
    enum gf_code code = set(decoder, message, upb_MessageDef_FindFieldByNumber(def, 1), seconds);
    if (code != GF_OK) {
        return code;
    }
    return set(decoder, message, upb_MessageDef_FindFieldByNumber(def, 2), nanos);
}

static enum gf_code decode_instant(struct gf_json__decoder *decoder,
                                   const struct gf_json_value *value, const upb_MessageDef *def,
                                   upb_Message *message) {
    bool is_time = upb_MessageDef_WellKnownType(def) == kUpb_WellKnown_Timestamp;
    if (value->type != GF_JSON_STRING) {
        return gf_json__fail_type(decoder, value, is_time ? "a time" : "a duration");
    }
    struct gf_json__instant instant;
    struct gf_error err;
    enum gf_code code = is_time ? gf_json__timestamp_parse(value->text, &instant, &err)
                                : gf_json__duration_parse(value->text, &instant, &err);
    if (code != GF_OK) {
        return gf_json__fail_value(decoder, value, "%s", err.message);
    }
    return set_instant(decoder, def, message, &instant);
}

static enum gf_code decode_mask(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                const upb_MessageDef *def, upb_Message *message) {
    if (value->type != GF_JSON_STRING) {
        return gf_json__fail_type(decoder, value, "a list of names in one string");
    }
    if (value->text.len > 0 && memchr(value->text.ptr, '\0', value->text.len) != NULL) {
        return gf_json__fail_value(decoder, value, "must not contain NUL (\\u0000)");
    }
    const upb_FieldDef *paths = upb_MessageDef_FindFieldByNumber(def, 1);
    upb_Array *array = upb_Message_Mutable(message, paths, decoder->upb).array;
    struct gf_str rest = value->text;
    bool more = rest.len > 0;
    while (more) {
        struct gf_str path;
        more = gf_str_cut(rest, ',', &path, &rest);
        if (array == NULL || !gf_json__mask_to_proto(path, decoder->arena, &path)) {
            return gf_json__fail_too_large(decoder);
        }
        upb_MessageValue element = {.str_val = {path.ptr, path.len}};
        if (!upb_Array_Append(array, element, decoder->upb)) {
            return gf_json__fail_too_large(decoder);
        }
    }
    return GF_OK;
}

/* ---- lists and maps ---- */

/* A new message as an element of a list or a value of a map. */
static enum gf_code decode_new_message(struct gf_json__decoder *decoder,
                                       const struct gf_json_value *value, const upb_FieldDef *field,
                                       upb_MessageValue *out) {
    const upb_MessageDef *def = upb_FieldDef_MessageSubDef(field);
    upb_Message *message = upb_Message_New(def, decoder->upb);
    if (message == NULL) {
        return gf_json__fail_too_large(decoder);
    }
    out->msg_val = message;
    return decode_message(decoder, value, def, message);
}

/* An element of a list or a value of a map, where null would mean nothing. */
static enum gf_code decode_element(struct gf_json__decoder *decoder,
                                   const struct gf_json_value *value, const upb_FieldDef *field,
                                   upb_MessageValue *out) {
    if (value->type == GF_JSON_NULL) {
        return gf_json__fail_value(decoder, value, "must not be null");
    }
    return upb_FieldDef_IsSubMessage(field) ? decode_new_message(decoder, value, field, out)
                                            : gf_json__decode_scalar(decoder, value, field, out);
}

static enum gf_code decode_list(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                const upb_FieldDef *field, upb_Message *message) {
    if (value->type != GF_JSON_ARRAY) {
        return gf_json__fail_type(decoder, value, "an array");
    }
    upb_Array *array = upb_Message_Mutable(message, field, decoder->upb).array;
    size_t index = 0;
    for (const struct gf_json_value *child = value->first; child != NULL; child = child->next) {
        size_t before = decoder->path.len;
        gf_json_path_index(&decoder->path, index++);
        upb_MessageValue element;
        enum gf_code code = decode_element(decoder, child, field, &element);
        if (code != GF_OK) {
            return code;
        }
        if (array == NULL || !upb_Array_Append(array, element, decoder->upb)) {
            return gf_json__fail_too_large(decoder);
        }
        gf_strbuf_truncate(&decoder->path, before);
    }
    return GF_OK;
}

/* Keys are always strings in JSON; those of other maps are read as if they had no quotes. */
static enum gf_code decode_key(struct gf_json__decoder *decoder, const struct gf_json_value *member,
                               const upb_FieldDef *field, upb_MessageValue *out) {
    struct gf_json_value key = {
        .type = GF_JSON_STRING, .offset = member->key_offset, .text = member->key};
    if (upb_FieldDef_CType(field) == kUpb_CType_Bool) {
        bool is_true = gf_str_eq(key.text, GF_STR("true"));
        if (!is_true && !gf_str_eq(key.text, GF_STR("false"))) {
            return gf_json__fail_value(decoder, &key, "must have the key true or false");
        }
        key.type = is_true ? GF_JSON_TRUE : GF_JSON_FALSE;
    }
    return gf_json__decode_scalar(decoder, &key, field, out);
}

static enum gf_code decode_map(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                               const upb_FieldDef *field, upb_Message *message) {
    if (value->type != GF_JSON_OBJECT) {
        return gf_json__fail_type(decoder, value, "an object");
    }
    const upb_MessageDef *entry = upb_FieldDef_MessageSubDef(field);
    const upb_FieldDef *key_field = upb_MessageDef_FindFieldByNumber(entry, 1);
    const upb_FieldDef *value_field = upb_MessageDef_FindFieldByNumber(entry, 2);
    upb_Map *map = upb_Message_Mutable(message, field, decoder->upb).map;
    for (const struct gf_json_value *child = value->first; child != NULL; child = child->next) {
        size_t before = decoder->path.len;
        gf_json_path_key(&decoder->path, child->key, true);
        upb_MessageValue key;
        upb_MessageValue element;
        enum gf_code code = decode_key(decoder, child, key_field, &key);
        code = code == GF_OK ? decode_element(decoder, child, value_field, &element) : code;
        if (code != GF_OK) {
            return code;
        }
        upb_MapInsertStatus status = map != NULL ? upb_Map_Insert(map, key, element, decoder->upb)
                                                 : kUpb_MapInsertStatus_OutOfMemory;
        if (status == kUpb_MapInsertStatus_OutOfMemory) {
            return gf_json__fail_too_large(decoder);
        }
        if (status == kUpb_MapInsertStatus_Replaced) {
            return gf_json__fail_value(decoder, child, "occurs twice");
        }
        gf_strbuf_truncate(&decoder->path, before);
    }
    return GF_OK;
}

/* ---- messages ---- */

/* Refuses a field that is given in both spellings, or beside another one of its oneof. */
static enum gf_code check_once(struct gf_json__decoder *decoder, const struct gf_json_value *object,
                               const struct gf_json_value *member, const upb_FieldDef *field,
                               const upb_Message *message) {
    const char *json_name = upb_FieldDef_JsonName(field);
    if (!gf_str_eq(member->key, gf_str_from(json_name))) {
        for (const struct gf_json_value *other = object->first; other != NULL;
             other = other->next) {
            if (gf_str_eq(other->key, gf_str_from(json_name))) {
                return gf_json__fail_value(decoder, member, "is given a second time as '%s'",
                                           json_name);
            }
        }
    }
    const upb_OneofDef *oneof = upb_FieldDef_RealContainingOneof(field);
    const upb_FieldDef *present = oneof != NULL ? upb_Message_WhichOneof(message, oneof) : NULL;
    if (present != NULL) {
        return gf_json__fail_value(decoder, member, "must not be given beside '%s'",
                                   upb_FieldDef_JsonName(present));
    }
    return GF_OK;
}

static enum gf_code decode_field(struct gf_json__decoder *decoder,
                                 const struct gf_json_value *value, const upb_FieldDef *field,
                                 upb_Message *message) {
    if (upb_FieldDef_IsMap(field)) {
        return decode_map(decoder, value, field, message);
    }
    if (upb_FieldDef_IsRepeated(field)) {
        return decode_list(decoder, value, field, message);
    }
    upb_MessageValue element;
    enum gf_code code = decode_element(decoder, value, field, &element);
    return code == GF_OK ? set(decoder, message, field, element) : code;
}

/* The name of a field, in either spelling, that the key may have been meant for; or NULL. */
static const char *guess_name(const upb_MessageDef *def, struct gf_str key) {
    enum {
        DISTANCE_MAX = 2
    };
    const char *best = NULL;
    size_t best_distance = DISTANCE_MAX + 1;
    for (int i = 0; i < upb_MessageDef_FieldCount(def); i++) {
        const upb_FieldDef *field = upb_MessageDef_Field(def, i);
        const char *names[] = {upb_FieldDef_JsonName(field), upb_FieldDef_Name(field)};
        for (size_t j = 0; j < GF_ARRAY_COUNT(names); j++) {
            size_t distance = gf_str_distance(key, gf_str_from(names[j]));
            /* Of a name of two letters nothing is left after two changes. */
            if (distance < best_distance && distance < strlen(names[j]) && distance < key.len) {
                best = names[j];
                best_distance = distance;
            }
        }
    }
    return best;
}

/* Refuses a key that is no field, at the key. */
static enum gf_code fail_unknown(struct gf_json__decoder *decoder,
                                 const struct gf_json_value *member, const upb_MessageDef *def) {
    struct gf_json_value key = {.offset = member->key_offset};
    const char *near = guess_name(def, member->key);
    if (near == NULL) {
        return gf_json__fail_value(decoder, &key, "is no known field");
    }
    return gf_json__fail_value(decoder, &key, "is no known field; did you mean '%s'?", near);
}

static enum gf_code decode_member(struct gf_json__decoder *decoder,
                                  const struct gf_json_value *object,
                                  const struct gf_json_value *member, const upb_MessageDef *def,
                                  upb_Message *message) {
    const upb_FieldDef *field =
        upb_MessageDef_FindByJsonNameWithSize(def, member->key.ptr, member->key.len);
    if (field == NULL) {
        return fail_unknown(decoder, member, def);
    }
    enum gf_code code = check_once(decoder, object, member, field, message);
    if (code != GF_OK || member->type == GF_JSON_NULL) {
        return code;
    }
    return decode_field(decoder, member, field, message);
}

static enum gf_code decode_object(struct gf_json__decoder *decoder,
                                  const struct gf_json_value *value, const upb_MessageDef *def,
                                  upb_Message *message) {
    if (value->type != GF_JSON_OBJECT) {
        return gf_json__fail_type(decoder, value, "an object");
    }
    for (const struct gf_json_value *child = value->first; child != NULL; child = child->next) {
        size_t before = decoder->path.len;
        gf_json_path_key(&decoder->path, child->key, false);
        enum gf_code code = decode_member(decoder, value, child, def, message);
        if (code != GF_OK) {
            return code;
        }
        gf_strbuf_truncate(&decoder->path, before);
    }
    return GF_OK;
}

static enum gf_code decode_message(struct gf_json__decoder *decoder,
                                   const struct gf_json_value *value, const upb_MessageDef *def,
                                   upb_Message *message) {
    upb_WellKnown known = upb_MessageDef_WellKnownType(def);
    if (known == kUpb_WellKnown_Unspecified) {
        return decode_object(decoder, value, def, message);
    }
    if (known == kUpb_WellKnown_Timestamp || known == kUpb_WellKnown_Duration) {
        return decode_instant(decoder, value, def, message);
    }
    if (known == kUpb_WellKnown_FieldMask) {
        return decode_mask(decoder, value, def, message);
    }
    return gf_json__fail_value(decoder, value, "is a %s, which cannot be given as JSON",
                               upb_MessageDef_FullName(def));
}

static enum gf_code decode_root(struct gf_json__decoder *decoder, const upb_MessageDef *def,
                                struct gf_str *out_wire) {
    const struct gf_json_value *root = NULL;
    enum gf_code code = gf_json_parse(decoder->text, decoder->arena, &root, decoder->err);
    if (code != GF_OK) {
        return code;
    }
    upb_Message *message = upb_Message_New(def, decoder->upb);
    if (message == NULL) {
        return gf_json__fail_too_large(decoder);
    }
    code = decode_message(decoder, root, def, message);
    if (code != GF_OK) {
        return code;
    }
    char *bytes = NULL;
    size_t size = 0;
    upb_EncodeStatus status =
        upb_Encode(message, upb_MessageDef_MiniTable(def),
                   kUpb_EncodeOption_Deterministic | UPB_ENCODE_MAXDEPTH(2 * GF_JSON_DEPTH_MAX),
                   decoder->upb, &bytes, &size);
    if (status != kUpb_EncodeStatus_Ok) {
        return gf_json__fail_too_large(decoder);
    }
    *out_wire = (struct gf_str){bytes, size};
    return GF_OK;
}

enum gf_code gf_json_decode(const struct gf_schema *schema, const char *message, struct gf_str text,
                            struct gf_arena *arena, struct gf_str *out_wire, struct gf_error *err) {
    const upb_MessageDef *def = gf_schema__message(schema, message);
    gf_assert(def != NULL);
    struct gf_schema__arena memory;
    struct gf_json__decoder decoder = {.text = text, .arena = arena, .err = err};
    if (!gf_schema__arena_init(&memory, arena)) {
        return gf_json__fail_too_large(&decoder);
    }
    decoder.upb = memory.upb;
    gf_strbuf_init(&decoder.path, GF_ERROR_FIELD_BYTES_MAX);
    enum gf_code code = decode_root(&decoder, def, out_wire);
    gf_strbuf_fini(&decoder.path);
    return code;
}
