/*
 * JSON: nothing may crash, what is read must be a message that passes the check of wire bytes, and
 * what is written of it must read back as the same bytes. Any bytes at all must encode or be
 * refused.
 */
#include "api/codec/json/json.h"
#include "api/codec/json/shapes_schema.h"
#include "api/codec/wire/wire.h"
#include "gofer/testing/shapes.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARENA_BYTES_MAX = 16 << 20,
    OUTPUT_BYTES_MAX = 16 << 20,
};

static const char message_name[] = "shapes.v1.Everything";

static const struct gf_schema *shared_schema(void) {
    static struct gf_schema *schema;
    if (schema == NULL) {
        schema = gf_shapes_schema_create();
    }
    return schema;
}

/* Writes the bytes as text and reads that again. */
static void run_round_trip(struct gf_str wire, const struct gf_json_encode_opts *opts) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_strbuf text;
    gf_strbuf_init(&text, OUTPUT_BYTES_MAX);
    enum gf_code code = gf_json_encode(shared_schema(), message_name, wire, opts, &text, NULL);
    if (code == GF_OK) {
        struct gf_str again;
        struct gf_error err = {0};
        code = gf_json_decode(shared_schema(), message_name, gf_strbuf_view(&text), &arena, &again,
                              &err);
        gf_assert(code == GF_OK || code == GF_RESOURCE_EXHAUSTED);
        gf_assert(code != GF_OK || gf_str_eq(wire, again));
    }
    gf_strbuf_fini(&text);
    gf_arena_fini(&arena);
}

static void run_text(struct gf_str text) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_str wire;
    struct gf_error err = {0};
    enum gf_code code = gf_json_decode(shared_schema(), message_name, text, &arena, &wire, &err);
    if (code == GF_OK) {
        gf_assert(gf_wire_check(&shapes__v1__everything__descriptor, (const uint8_t *)wire.ptr,
                                wire.len, NULL) == GF_OK);
        const struct gf_json_encode_opts pretty = {.pretty = true, .proto_names = true};
        run_round_trip(wire, NULL);
        run_round_trip(wire, &pretty);
    } else {
        gf_assert(code == GF_INVALID_ARGUMENT || code == GF_RESOURCE_EXHAUSTED);
        gf_assert(err.message[0] != '\0');
        struct gf_json_place place = {0, 0};
        code = gf_json_locate(text, gf_str_from(err.field), &place, NULL);
        gf_assert((code == GF_OK) == (place.line > 0));
    }
    /* The same bytes as a path. */
    struct gf_json_place place;
    gf_assert(gf_json_locate(GF_STR("{\"a\": [{\"b\": 1}]}"), text, &place, NULL) == GF_OK);
    gf_arena_fini(&arena);
}

static void run_wire(struct gf_str wire) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, OUTPUT_BYTES_MAX);
    enum gf_code code = gf_json_encode(shared_schema(), message_name, wire, NULL, &text, NULL);
    gf_assert(code == GF_OK || text.len == 0);
    gf_strbuf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_str input = {(const char *)data, size};
    run_text(input);
    run_wire(input);
    return 0;
}
