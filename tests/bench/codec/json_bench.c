/*
 * What JSON costs: loading the definitions, reading a pipeline config of a dozen tasks and writing
 * it. Prints one line per figure.
 */
#include "api/codec/json/json.h"
#include "api/codec/json/shapes_schema.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TASKS = 12,
    ROUNDS = 5000,
    REPEATS = 5,
    ARENA_BYTES_MAX = 16 << 20,
};

static void write_config(struct gf_strbuf *text) {
    gf_strbuf_append_cstr(text, "{\"id\": \"nightly-build\", \"tasks\": [");
    for (int i = 0; i < TASKS; i++) {
        gf_strbuf_printf(text,
                         "%s{\"id\": \"step-number-%02d\", \"image\": \"debian:bookworm-slim\", "
                         "\"command\": [\"sh\", \"-c\", \"make -j4 all && make check\"], "
                         "\"variables\": {\"BUILD_TYPE\": \"release\"}, \"timeout\": \"90s\"}",
                         i > 0 ? ",\n" : "", i);
    }
    gf_strbuf_append_cstr(text, "]}");
}

static void must(enum gf_code code) {
    if (code != GF_OK) {
        abort();
    }
}

static double decode_ns(const struct gf_schema *schema, struct gf_str text) {
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    int64_t start_ns = gf_mono_ns();
    for (int i = 0; i < ROUNDS; i++) {
        struct gf_str wire;
        must(gf_json_decode(schema, "shapes.v1.Config", text, &arena, &wire, NULL));
        gf_arena_reset(&arena);
    }
    double ns = (double)(gf_mono_ns() - start_ns) / ROUNDS;
    gf_arena_fini(&arena);
    return ns;
}

static double encode_ns(const struct gf_schema *schema, struct gf_str wire) {
    struct gf_strbuf text;
    gf_strbuf_init(&text, ARENA_BYTES_MAX);
    int64_t start_ns = gf_mono_ns();
    for (int i = 0; i < ROUNDS; i++) {
        gf_strbuf_reset(&text);
        must(gf_json_encode(schema, "shapes.v1.Config", wire, NULL, &text, NULL));
    }
    double ns = (double)(gf_mono_ns() - start_ns) / ROUNDS;
    gf_strbuf_fini(&text);
    return ns;
}

static void keep_least(double *least, double value) {
    *least = *least == 0 || value < *least ? value : *least;
}

int main(void) {
    int64_t start_ns = gf_mono_ns();
    (void)gf_schema_gofer();
    double load_ms = (double)(gf_mono_ns() - start_ns) / (double)GF_NS_PER_MS;

    struct gf_schema *schema = gf_shapes_schema_create();
    struct gf_strbuf text;
    gf_strbuf_init(&text, ARENA_BYTES_MAX);
    write_config(&text);
    struct gf_arena arena;
    gf_arena_init(&arena, ARENA_BYTES_MAX);
    struct gf_str wire;
    must(gf_json_decode(schema, "shapes.v1.Config", gf_strbuf_view(&text), &arena, &wire, NULL));
    double decode = 0;
    double encode = 0;
    for (int i = 0; i < REPEATS; i++) {
        keep_least(&decode, decode_ns(schema, gf_strbuf_view(&text)));
        keep_least(&encode, encode_ns(schema, wire));
    }
    printf("schema_load %8.2f ms (gofer's own definitions)\n", load_ms);
    printf("json_decode %8.1f us (text of %zu bytes)\n", decode / 1000, text.len);
    printf("json_encode %8.1f us (message of %zu bytes)\n", encode / 1000, wire.len);
    gf_arena_fini(&arena);
    gf_strbuf_fini(&text);
    gf_schema_destroy(schema);
    return 0;
}
