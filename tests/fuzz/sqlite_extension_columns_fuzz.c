/*
 * The stored spec and state of an extension: any bytes decode or are refused, and what was decoded
 * is encoded to the very bytes that it came from.
 */
#include "engine/store/sqlite/extension_columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    struct gf_strbuf again;
    struct gf_extension extension = {0};
    gf_arena_init(&arena, (size_t)64 << 20);
    gf_strbuf_init(&again, size + 16);
    const struct gf_str bytes = {(const char *)data, size};
    if (gf_sqlite__extension_spec_decode(bytes, &arena, &extension.spec, NULL) == GF_OK) {
        gf_sqlite__extension_spec_encode(&extension.spec, &again);
        gf_assert(!again.overflowed && gf_str_eq(gf_strbuf_view(&again), bytes));
        gf_strbuf_reset(&again);
    }
    if (gf_sqlite__extension_state_decode(bytes, &arena, &extension, NULL) == GF_OK) {
        gf_sqlite__extension_state_encode(&extension, &again);
        gf_assert(!again.overflowed && gf_str_eq(gf_strbuf_view(&again), bytes));
    }
    gf_strbuf_fini(&again);
    gf_arena_fini(&arena);
    return 0;
}
