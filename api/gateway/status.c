#include "api/gateway/status.h"

#include "api/codec/json/json.h"
#include "api/codec/wire/wire.h"
#include "base/arena.h"
#include "base/base64.h"
#include "google/rpc/status.pb-c.h"

#define TYPE_PREFIX "type.googleapis.com/"

enum {
    DETAILS_ARENA_BYTES_MAX = 4 * 1024 * 1024, /* larger ones are left out */
    TYPE_BYTES_MAX = 128,
};

/* ---- codes ---- */

static const struct {
    const char *name;
    int http_status;
} codes[] = {
    [GF_OK] = {"ok", 200},
    [GF_CANCELLED] = {"canceled", 499},
    [GF_UNKNOWN] = {"unknown", 500},
    [GF_INVALID_ARGUMENT] = {"invalid_argument", 400},
    [GF_DEADLINE_EXCEEDED] = {"deadline_exceeded", 504},
    [GF_NOT_FOUND] = {"not_found", 404},
    [GF_ALREADY_EXISTS] = {"already_exists", 409},
    [GF_PERMISSION_DENIED] = {"permission_denied", 403},
    [GF_RESOURCE_EXHAUSTED] = {"resource_exhausted", 429},
    [GF_FAILED_PRECONDITION] = {"failed_precondition", 400},
    [GF_ABORTED] = {"aborted", 409},
    [GF_OUT_OF_RANGE] = {"out_of_range", 400},
    [GF_UNIMPLEMENTED] = {"unimplemented", 501},
    [GF_INTERNAL] = {"internal", 500},
    [GF_UNAVAILABLE] = {"unavailable", 503},
    [GF_DATA_LOSS] = {"data_loss", 500},
    [GF_UNAUTHENTICATED] = {"unauthenticated", 401},
};

/* A handler may give any number; what is no code counts as UNKNOWN, as over gRPC. */
static size_t index_of(enum gf_code code) {
    return (size_t)code < GF_ARRAY_COUNT(codes) ? (size_t)code : (size_t)GF_UNKNOWN;
}

const char *gf_gateway__code_name(enum gf_code code) {
    return codes[index_of(code)].name;
}

int gf_gateway__http_status(enum gf_code code) {
    return codes[index_of(code)].http_status;
}

int gf_gateway__grpc_status(enum gf_code code) {
    return (int)index_of(code);
}

struct gf_gateway__status gf_gateway__status_of(const struct gf_error *error) {
    return (struct gf_gateway__status){.code = error->code, .message = gf_str_from(error->message)};
}

/* ---- texts ---- */

void gf_gateway__append_grpc_message(struct gf_str message, struct gf_strbuf *out) {
    for (size_t i = 0; i < message.len; i++) {
        const unsigned char c = (unsigned char)message.ptr[i];
        if (c >= ' ' && c <= '~' && c != '%') {
            gf_strbuf_append_char(out, (char)c);
        } else {
            gf_strbuf_printf(out, "%%%02X", c);
        }
    }
}

/* Messages may quote what a client sent. */
static void append_text(struct gf_str text, struct gf_strbuf *out) {
    if (gf_utf8_valid(text)) {
        gf_json_append_string(out, text);
        return;
    }
    struct gf_strbuf plain;
    gf_strbuf_init(&plain, text.len);
    for (size_t i = 0; i < text.len; i++) {
        gf_strbuf_append_char(&plain, (text.ptr[i] & 0x80) != 0 ? '?' : text.ptr[i]);
    }
    gf_json_append_string(out, gf_strbuf_view(&plain));
    gf_strbuf_fini(&plain);
}

/* ---- details ---- */

/* The detail as JSON, where it can be had. */
static void append_debug(const struct gf_schema *schema, struct gf_str type, struct gf_str value,
                         struct gf_strbuf *out) {
    char name[TYPE_BYTES_MAX];
    if (schema == NULL || type.len >= sizeof(name) || !gf_schema_has_message(schema, type)) {
        return;
    }
    memcpy(name, type.ptr, type.len);
    name[type.len] = '\0';
    const size_t before = out->len;
    gf_strbuf_append_cstr(out, ",\"debug\":");
    if (out->overflowed || gf_json_encode(schema, name, value, NULL, out, NULL) != GF_OK) {
        gf_strbuf_truncate(out, before);
    }
}

static void append_detail(const struct gf_schema *schema, const Google__Protobuf__Any *any,
                          struct gf_strbuf *out) {
    struct gf_str type = gf_str_from(any->type_url);
    const struct gf_str value = {(const char *)any->value.data, any->value.len};
    if (gf_str_has_prefix(type, GF_STR(TYPE_PREFIX))) {
        type.ptr += sizeof(TYPE_PREFIX) - 1;
        type.len -= sizeof(TYPE_PREFIX) - 1;
    }
    gf_strbuf_append_cstr(out, "{\"type\":");
    append_text(type, out);
    gf_strbuf_append_cstr(out, ",\"value\":\"");
    gf_base64_append(value, false, out);
    gf_strbuf_append_char(out, '"');
    append_debug(schema, type, value, out);
    gf_strbuf_append_char(out, '}');
}

static void append_details(const struct gf_schema *schema, struct gf_str details,
                           struct gf_strbuf *out) {
    struct gf_arena arena;
    gf_arena_init(&arena, DETAILS_ARENA_BYTES_MAX);
    ProtobufCMessage *message = NULL;
    if (gf_wire_decode(&google__rpc__status__descriptor, (const uint8_t *)details.ptr, details.len,
                       &arena, &message, NULL) == GF_OK) {
        const Google__Rpc__Status *status = (const Google__Rpc__Status *)message;
        for (size_t i = 0; i < status->n_details; i++) {
            gf_strbuf_append_cstr(out, i == 0 ? ",\"details\":[" : ",");
            append_detail(schema, status->details[i], out);
        }
        gf_strbuf_append_cstr(out, status->n_details > 0 ? "]" : "");
    }
    gf_arena_fini(&arena);
}

/* ---- whole forms ---- */

void gf_gateway__append_error(const struct gf_schema *schema,
                              const struct gf_gateway__status *status, struct gf_strbuf *out) {
    gf_strbuf_printf(out, "{\"code\":\"%s\"", gf_gateway__code_name(status->code));
    if (status->message.len > 0) {
        gf_strbuf_append_cstr(out, ",\"message\":");
        append_text(status->message, out);
    }
    if (status->details.len > 0) {
        append_details(schema, status->details, out);
    }
    gf_strbuf_append_char(out, '}');
}

void gf_gateway__append_end_stream(const struct gf_schema *schema,
                                   const struct gf_gateway__status *status, struct gf_strbuf *out) {
    if (status->code == GF_OK) {
        gf_strbuf_append_cstr(out, "{}");
        return;
    }
    gf_strbuf_append_cstr(out, "{\"error\":");
    gf_gateway__append_error(schema, status, out);
    gf_strbuf_append_char(out, '}');
}

void gf_gateway__append_trailers(const struct gf_gateway__status *status, struct gf_strbuf *out) {
    gf_strbuf_printf(out, "grpc-status: %d\r\n", gf_gateway__grpc_status(status->code));
    if (status->message.len > 0) {
        gf_strbuf_append_cstr(out, "grpc-message: ");
        gf_gateway__append_grpc_message(status->message, out);
        gf_strbuf_append_cstr(out, "\r\n");
    }
    if (status->details.len > 0) {
        gf_strbuf_append_cstr(out, "grpc-status-details-bin: ");
        gf_base64_append(status->details, false, out);
        gf_strbuf_append_cstr(out, "\r\n");
    }
}
