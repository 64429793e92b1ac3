/* Scalars of JSON as the types of fields. */
#include "api/codec/json/decode_internal.h"
#include "api/codec/json/scan_internal.h"
#include "base/base64.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above, a double cannot tell all integers apart. */
static const double exact_integer_max = 9007199254740992.0;

/* ---- faults ---- */

enum gf_code gf_json__fail_value(struct gf_json__decoder *decoder,
                                 const struct gf_json_value *value, const char *fmt, ...) {
    char what[GF_ERROR_MESSAGE_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    const char *path = decoder->path.len > 0 ? decoder->path.ptr : "";
    if (path[0] == '\0') {
        return gf_json_fail(decoder->err, decoder->text, value->offset, "", "the text %s", what);
    }
    return gf_json_fail(decoder->err, decoder->text, value->offset, path, "'%s' %s", path, what);
}

enum gf_code gf_json__fail_type(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                const char *wanted) {
    return gf_json__fail_value(decoder, value, "must be %s, not %s", wanted,
                               gf_json_type_name(value->type));
}

enum gf_code gf_json__fail_too_large(struct gf_json__decoder *decoder) {
    return gf_fail(decoder->err, GF_RESOURCE_EXHAUSTED,
                   "JSON text of %zu bytes is too large as a message", decoder->text.len);
}

/* ---- scalars ---- */

/* A text with a final NUL, in the arena; NULL when that is full. */
static const char *terminate(struct gf_json__decoder *decoder, struct gf_str text) {
    char *copy = gf_arena_try_alloc(decoder->arena, text.len + 1);
    if (copy != NULL) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

/* The text of a number, which may be given in a string; false for all other values. */
static bool number_text(const struct gf_json_value *value, struct gf_str *out_text) {
    *out_text = value->text;
    return value->type == GF_JSON_NUMBER || value->type == GF_JSON_STRING;
}

/*
 * Reads an integer that is written with a point or an exponent ("1e3"), as far as its double is
 * exact. False when it is none.
 */
static bool parse_integral(struct gf_json__decoder *decoder, struct gf_str text,
                           int64_t *out_value) {
    const char *copy = terminate(decoder, text);
    double number = copy != NULL ? strtod(copy, NULL) : NAN;
    if (!(fabs(number) <= exact_integer_max) || number != trunc(number)) {
        return false;
    }
    *out_value = (int64_t)number;
    return true;
}

static enum gf_code decode_signed(struct gf_json__decoder *decoder,
                                  const struct gf_json_value *value, int64_t least, int64_t most,
                                  int64_t *out_number) {
    struct gf_str text;
    if (!number_text(value, &text)) {
        return gf_json__fail_type(decoder, value, "an integer");
    }
    int64_t number = 0;
    bool known = gf_parse_i64(text, &number);
    if (!known && value->type == GF_JSON_NUMBER) {
        known = parse_integral(decoder, text, &number);
    }
    if (!known || number < least || number > most) {
        return gf_json__fail_value(decoder, value,
                                   "must be an integer from %" PRId64 " to %" PRId64, least, most);
    }
    *out_number = number;
    return GF_OK;
}

static enum gf_code decode_unsigned(struct gf_json__decoder *decoder,
                                    const struct gf_json_value *value, uint64_t most,
                                    uint64_t *out_number) {
    struct gf_str text;
    if (!number_text(value, &text)) {
        return gf_json__fail_type(decoder, value, "an integer");
    }
    uint64_t number = 0;
    int64_t integral = -1;
    bool known = gf_parse_u64(text, &number);
    if (!known && value->type == GF_JSON_NUMBER && parse_integral(decoder, text, &integral)) {
        known = integral >= 0;
        number = (uint64_t)integral;
    }
    if (!known || number > most) {
        return gf_json__fail_value(decoder, value, "must be an integer from 0 to %" PRIu64, most);
    }
    *out_number = number;
    return GF_OK;
}

/* True when the whole text is a number of JSON. */
static bool is_number(struct gf_str text) {
    struct gf_json__scanner scanner = {.text = text};
    struct gf_str number;
    return gf_json__scan_number(&scanner, &number) == GF_OK && gf_json__at_end(&scanner);
}

static enum gf_code decode_double(struct gf_json__decoder *decoder,
                                  const struct gf_json_value *value, double most,
                                  double *out_number) {
    struct gf_str text;
    if (!number_text(value, &text)) {
        return gf_json__fail_type(decoder, value, "a number");
    }
    if (value->type == GF_JSON_STRING) {
        static const struct {
            const char *name;
            double number;
        } names[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
        for (size_t i = 0; i < GF_ARRAY_COUNT(names); i++) {
            if (gf_str_eq(text, gf_str_from(names[i].name))) {
                *out_number = names[i].number;
                return GF_OK;
            }
        }
        if (!is_number(text)) {
            return gf_json__fail_value(decoder, value, "must be a number");
        }
    }
    const char *copy = terminate(decoder, text);
    if (copy == NULL) {
        return gf_json__fail_too_large(decoder);
    }
    double number = strtod(copy, NULL);
    if (fabs(number) > most) {
        return gf_json__fail_value(decoder, value, "must be a number from %g to %g", -most, most);
    }
    *out_number = number;
    return GF_OK;
}

static enum gf_code decode_string(struct gf_json__decoder *decoder,
                                  const struct gf_json_value *value, upb_StringView *out_text) {
    if (value->type != GF_JSON_STRING) {
        return gf_json__fail_type(decoder, value, "a string");
    }
    if (value->text.len > 0 && memchr(value->text.ptr, '\0', value->text.len) != NULL) {
        return gf_json__fail_value(decoder, value, "must not contain NUL (\\u0000)");
    }
    *out_text = upb_StringView_FromDataAndSize(value->text.ptr, value->text.len);
    return GF_OK;
}

static enum gf_code decode_bytes(struct gf_json__decoder *decoder,
                                 const struct gf_json_value *value, upb_StringView *out_bytes) {
    if (value->type != GF_JSON_STRING) {
        return gf_json__fail_type(decoder, value, "a string of base64");
    }
    size_t size = 0;
    char *bytes = gf_arena_try_alloc(decoder->arena, gf_base64_decoded_size_max(value->text.len));
    if (bytes == NULL) {
        return gf_json__fail_too_large(decoder);
    }
    if (!gf_base64_decode(value->text, bytes, &size)) {
        return gf_json__fail_value(decoder, value, "must be a string of base64");
    }
    *out_bytes = upb_StringView_FromDataAndSize(bytes, size);
    return GF_OK;
}

/* The names that an enum has, as "A, B, C". */
static void list_names(const upb_EnumDef *enumeration, struct gf_strbuf *out) {
    for (int i = 0; i < upb_EnumDef_ValueCount(enumeration); i++) {
        gf_strbuf_printf(out, "%s%s", i > 0 ? ", " : "",
                         upb_EnumValueDef_Name(upb_EnumDef_Value(enumeration, i)));
    }
}

static enum gf_code decode_enum(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                const upb_EnumDef *enumeration, int32_t *out_number) {
    if (value->type == GF_JSON_NUMBER) {
        int64_t number = 0;
        enum gf_code code = decode_signed(decoder, value, INT32_MIN, INT32_MAX, &number);
        if (code == GF_OK) {
            *out_number = (int32_t)number;
        }
        return code;
    }
    if (value->type != GF_JSON_STRING) {
        return gf_json__fail_type(decoder, value, "a name");
    }
    const upb_EnumValueDef *found =
        upb_EnumDef_FindValueByNameWithSize(enumeration, value->text.ptr, value->text.len);
    if (found != NULL) {
        *out_number = upb_EnumValueDef_Number(found);
        return GF_OK;
    }
    struct gf_strbuf names;
    gf_strbuf_init(&names, GF_ERROR_MESSAGE_BYTES_MAX);
    list_names(enumeration, &names);
    enum gf_code code =
        gf_json__fail_value(decoder, value, "must not be '%" GF_STR_FMT "'; it is one of %s",
                            GF_STR_ARG(value->text), names.ptr);
    gf_strbuf_fini(&names);
    return code;
}

static enum gf_code decode_bool(struct gf_json__decoder *decoder, const struct gf_json_value *value,
                                bool *out_bool) {
    if (value->type != GF_JSON_TRUE && value->type != GF_JSON_FALSE) {
        return gf_json__fail_type(decoder, value, "true or false");
    }
    *out_bool = value->type == GF_JSON_TRUE;
    return GF_OK;
}

enum gf_code gf_json__decode_scalar(struct gf_json__decoder *decoder,
                                    const struct gf_json_value *value, const upb_FieldDef *field,
                                    upb_MessageValue *out) {
    enum gf_code code = GF_OK;
    int64_t number = 0;
    uint64_t natural = 0;
    double real = 0;
    memset(out, 0, sizeof(*out));
    switch (upb_FieldDef_CType(field)) {
    case kUpb_CType_Bool:
        return decode_bool(decoder, value, &out->bool_val);
    case kUpb_CType_Float:
        code = decode_double(decoder, value, FLT_MAX, &real);
        out->float_val = (float)real;
        return code;
    case kUpb_CType_Double:
        return decode_double(decoder, value, DBL_MAX, &out->double_val);
    case kUpb_CType_Int32:
        code = decode_signed(decoder, value, INT32_MIN, INT32_MAX, &number);
        out->int32_val = (int32_t)number;
        return code;
    case kUpb_CType_Int64:
        return decode_signed(decoder, value, INT64_MIN, INT64_MAX, &out->int64_val);
    case kUpb_CType_UInt32:
        code = decode_unsigned(decoder, value, UINT32_MAX, &natural);
        out->uint32_val = (uint32_t)natural;
        return code;
    case kUpb_CType_UInt64:
        return decode_unsigned(decoder, value, UINT64_MAX, &out->uint64_val);
    case kUpb_CType_Enum:
        return decode_enum(decoder, value, upb_FieldDef_EnumSubDef(field), &out->int32_val);
    case kUpb_CType_String:
        return decode_string(decoder, value, &out->str_val);
    case kUpb_CType_Bytes:
        return decode_bytes(decoder, value, &out->str_val);
    case kUpb_CType_Message:
        break;
    }
    gf_unreachable();
}
