/*
 * The stored details of an event: any bytes decode or are refused, and what was decoded is encoded
 * to the very bytes that it came from.
 */
#include "engine/store/sqlite/event_details.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    struct gf_strbuf again;
    struct gf_event event = {0};
    gf_arena_init(&arena, (size_t)64 << 20);
    gf_strbuf_init(&again, size + 16);
    const struct gf_str bytes = {(const char *)data, size};
    if (gf_sqlite__event_details_decode(bytes, &arena, &event, NULL) == GF_OK) {
        gf_sqlite__event_details_encode(&event, &again);
        gf_assert(!again.overflowed);
        gf_assert(gf_str_eq(gf_strbuf_view(&again), bytes));
    }
    gf_strbuf_fini(&again);
    gf_arena_fini(&arena);
    return 0;
}
