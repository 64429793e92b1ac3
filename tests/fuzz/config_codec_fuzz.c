/*
 * The binary form of configs: any bytes decode or are refused, and what was decoded comes back from
 * its own encoding.
 */
#include "engine/core/config.h"
#include "engine/core/config_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_arena arena;
    struct gf_strbuf first;
    struct gf_strbuf second;
    struct gf_config config = {0};
    gf_arena_init(&arena, (size_t)256 << 20);
    gf_strbuf_init(&first, GF_CONFIG_BYTES_MAX);
    gf_strbuf_init(&second, GF_CONFIG_BYTES_MAX);
    const struct gf_str bytes = {(const char *)data, size};
    if (gf_config_decode(bytes, &arena, &config, NULL) == GF_OK) {
        struct gf_config again = {0};
        gf_config_encode(&config, &first);
        gf_assert(first.len <= size);
        gf_assert(gf_config_decode(gf_strbuf_view(&first), &arena, &again, NULL) == GF_OK);
        gf_config_encode(&again, &second);
        gf_assert(gf_str_eq(gf_strbuf_view(&first), gf_strbuf_view(&second)));
    }
    gf_strbuf_fini(&second);
    gf_strbuf_fini(&first);
    gf_arena_fini(&arena);
    return 0;
}
