/* Page tokens: what is accepted must be what a token of the same position says. */
#include "api/codec/model/message.h"
#include "api/codec/model/page_token.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gf_model_codec_init();
    struct gf_arena arena;
    gf_arena_init(&arena, 1 << 20);
    const struct gf_page_scope scope = gf_page_scope("fuzz");
    struct gf_page_token token = {0};
    char *text = gf_arena_alloc(&arena, size + 1);
    memcpy(text, data, size);
    if (gf_page_token_read(&scope, text, "page_token", &arena, &token, NULL) == GF_OK &&
        text[0] != '\0') {
        gf_assert(strcmp(gf_page_token_write(&scope, &token, &arena), text) == 0);
    }
    gf_arena_fini(&arena);
    return 0;
}
