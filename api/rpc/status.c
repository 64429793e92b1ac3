#include "api/codec/wire/wire.h"
#include "api/rpc/core_internal.h"
#include "api/rpc/status_internal.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#include <grpc/slice.h>

#define TYPE_PREFIX "type.googleapis.com/"
#define DOMAIN "gofer"

enum {
    /* Room for the encoded form of either detail: their texts are bounded by struct gf_error. */
    DETAIL_BYTES_MAX = 1024,
    DETAILS_MAX = 2,
    /* What a client looks at; larger ones are not ours. */
    DETAILS_BYTES_MAX = 64 * 1024,
    DECODE_ARENA_BYTES_MAX = 256 * 1024,
};

/* A google.protobuf.Any and the bytes in it. */
struct detail {
    Google__Protobuf__Any any;
    uint8_t bytes[DETAIL_BYTES_MAX];
};

static void pack_detail(struct detail *detail, const char *type_url,
                        const ProtobufCMessage *message) {
    gf_assert(gf_wire_encoded_size(message) <= DETAIL_BYTES_MAX);
    google__protobuf__any__init(&detail->any);
    detail->any.type_url = (char *)(uintptr_t)type_url; /* only read */
    detail->any.value.data = detail->bytes;
    detail->any.value.len = gf_wire_encode(message, detail->bytes);
}

static void pack_error_info(struct detail *detail, char *reason) {
    static char domain[] = DOMAIN;
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = reason;
    info.domain = domain;
    pack_detail(detail, TYPE_PREFIX "google.rpc.ErrorInfo", &info.base);
}

static void pack_bad_request(struct detail *detail, struct gf_error *error) {
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    violation.field = error->field;
    violation.description = error->message;
    violation.reason = error->reason;
    Google__Rpc__BadRequest__FieldViolation *violations[] = {&violation};
    Google__Rpc__BadRequest bad_request = GOOGLE__RPC__BAD_REQUEST__INIT;
    bad_request.n_field_violations = GF_ARRAY_COUNT(violations);
    bad_request.field_violations = violations;
    pack_detail(detail, TYPE_PREFIX "google.rpc.BadRequest", &bad_request.base);
}

grpc_slice gf_rpc__status_details(const struct gf_error *error) {
    struct gf_error copy = *error; /* protobuf-c wants to be able to write */
    struct detail details[DETAILS_MAX];
    Google__Protobuf__Any *pointers[DETAILS_MAX];
    size_t count = 0;
    if (copy.reason[0] != '\0') {
        pack_error_info(&details[count], copy.reason);
        pointers[count] = &details[count].any;
        count++;
    }
    if (copy.field[0] != '\0') {
        pack_bad_request(&details[count], &copy);
        pointers[count] = &details[count].any;
        count++;
    }
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)copy.code;
    status.message = copy.message;
    status.n_details = count;
    status.details = pointers;
    grpc_slice slice = grpc_slice_malloc(gf_wire_encoded_size(&status.base));
    (void)gf_wire_encode(&status.base, GRPC_SLICE_START_PTR(slice));
    return slice;
}

/* What a status says beyond code and message; the texts are in an arena. */
struct facts {
    const char *reason;
    const char *field;
};

static void read_detail(const Google__Protobuf__Any *any, struct gf_arena *arena,
                        struct facts *facts) {
    ProtobufCMessage *message = NULL;
    const struct gf_str type = gf_str_from(any->type_url);
    if (gf_str_eq(type, GF_STR(TYPE_PREFIX "google.rpc.ErrorInfo")) &&
        gf_wire_decode(&google__rpc__error_info__descriptor, any->value.data, any->value.len, arena,
                       &message, NULL) == GF_OK) {
        facts->reason = ((const Google__Rpc__ErrorInfo *)message)->reason;
    } else if (gf_str_eq(type, GF_STR(TYPE_PREFIX "google.rpc.BadRequest")) &&
               gf_wire_decode(&google__rpc__bad_request__descriptor, any->value.data,
                              any->value.len, arena, &message, NULL) == GF_OK) {
        const Google__Rpc__BadRequest *bad_request = (const Google__Rpc__BadRequest *)message;
        if (bad_request->n_field_violations > 0) {
            facts->field = bad_request->field_violations[0]->field;
        }
    }
}

/* False where the bytes are no status. */
static bool read_details(struct gf_str details, struct gf_arena *arena, struct facts *facts) {
    ProtobufCMessage *message = NULL;
    if (details.len == 0 || details.len > DETAILS_BYTES_MAX ||
        gf_wire_decode(&google__rpc__status__descriptor, (const uint8_t *)details.ptr, details.len,
                       arena, &message, NULL) != GF_OK) {
        return false;
    }
    const Google__Rpc__Status *status = (const Google__Rpc__Status *)message;
    for (size_t i = 0; i < status->n_details; i++) {
        read_detail(status->details[i], arena, facts);
    }
    return true;
}

bool gf_rpc__status_to_error(int code, struct gf_str message, struct gf_str details,
                             struct gf_error *out_error) {
    const bool known = code > (int)GF_OK && code <= (int)GF_UNAUTHENTICATED;
    struct gf_arena arena;
    gf_arena_init(&arena, DECODE_ARENA_BYTES_MAX);
    struct facts facts = {.reason = "", .field = ""};
    const bool from_server = read_details(details, &arena, &facts);
    (void)gf_fail_reason(out_error, known ? (enum gf_code)code : GF_UNKNOWN, facts.reason,
                         "%" GF_STR_FMT, GF_STR_ARG(message));
    (void)gf_wrap_field(out_error, facts.field);
    gf_arena_fini(&arena);
    return from_server;
}
