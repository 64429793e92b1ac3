/* Scalars as JSON text. */
#include "api/codec/json/encode_internal.h"
#include "base/base64.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_bytes(struct gf_json__encoder *encoder, upb_StringView bytes) {
    gf_strbuf_append_char(encoder->out, '"');
    gf_base64_append((struct gf_str){bytes.data, bytes.size}, true, encoder->out);
    gf_strbuf_append_char(encoder->out, '"');
}

/* The shortest text that reads back as the same number. */
static void write_real(struct gf_json__encoder *encoder, double number, bool is_float) {
    if (isnan(number)) {
        gf_strbuf_append_cstr(encoder->out, "\"NaN\"");
        return;
    }
    if (isinf(number)) {
        gf_strbuf_append_cstr(encoder->out, number > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    char text[512]; /* far more than any of these, for a compiler that guesses */
    int digits_most = is_float ? 9 : 17;
    for (int digits = is_float ? 6 : 15; digits <= digits_most; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, number);
        double back = is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
        if (memcmp(&back, &number, sizeof(number)) == 0) {
            break;
        }
    }
    gf_strbuf_append_cstr(encoder->out, text);
}

/* Without printf, which would take more time than all else that is done with a number. */
static void write_unsigned(struct gf_strbuf *out, uint64_t number) {
    char text[20];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    gf_strbuf_append_bytes(out, text + at, sizeof(text) - at);
}

static void write_signed(struct gf_strbuf *out, int64_t number) {
    if (number < 0) {
        gf_strbuf_append_char(out, '-');
    }
    write_unsigned(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

static void write_enum(struct gf_json__encoder *encoder, const upb_EnumDef *enumeration,
                       int32_t number) {
    const upb_EnumValueDef *value = upb_EnumDef_FindValueByNumber(enumeration, number);
    if (value == NULL) {
        write_signed(encoder->out, number);
        return;
    }
    const char *name = upb_EnumValueDef_Name(value);
    gf_json_append_string(encoder->out, gf_str_from(name));
}

void gf_json__encode_scalar(struct gf_json__encoder *encoder, upb_MessageValue value,
                            const upb_FieldDef *field) {
    struct gf_strbuf *out = encoder->out;
    switch (upb_FieldDef_CType(field)) {
    case kUpb_CType_Bool:
        gf_strbuf_append_cstr(out, value.bool_val ? "true" : "false");
        return;
    case kUpb_CType_Float:
        write_real(encoder, value.float_val, true);
        return;
    case kUpb_CType_Double:
        write_real(encoder, value.double_val, false);
        return;
    case kUpb_CType_Int32:
        write_signed(out, value.int32_val);
        return;
    case kUpb_CType_UInt32:
        write_unsigned(out, value.uint32_val);
        return;
    case kUpb_CType_Int64:
        gf_strbuf_append_char(out, '"');
        write_signed(out, value.int64_val);
        gf_strbuf_append_char(out, '"');
        return;
    case kUpb_CType_UInt64:
        gf_strbuf_append_char(out, '"');
        write_unsigned(out, value.uint64_val);
        gf_strbuf_append_char(out, '"');
        return;
    case kUpb_CType_Enum:
        write_enum(encoder, upb_FieldDef_EnumSubDef(field), value.int32_val);
        return;
    case kUpb_CType_String:
        gf_json_append_string(out, (struct gf_str){value.str_val.data, value.str_val.size});
        return;
    case kUpb_CType_Bytes:
        write_bytes(encoder, value.str_val);
        return;
    case kUpb_CType_Message:
        break;
    }
    gf_unreachable();
}
