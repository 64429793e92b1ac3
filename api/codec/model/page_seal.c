#include "api/codec/model/page_seal.h"

#include "base/random.h"

#include <sodium.h>

enum {
    MARK = GF_PAGE_TOKEN_NUMBERS - 1, /* index of the number */
    NONCE_BYTES = crypto_secretbox_NONCEBYTES,
    MAC_BYTES = crypto_secretbox_MACBYTES,
};

_Static_assert(crypto_secretbox_KEYBYTES == GF_PAGE_SEAL_KEY_BYTES, "the size of a key");
_Static_assert(NONCE_BYTES + MAC_BYTES == GF_PAGE_SEAL_OVERHEAD_BYTES, "what a text grows by");

void gf_page_seal(const unsigned char key[GF_PAGE_SEAL_KEY_BYTES], struct gf_page_token *place,
                  struct gf_arena *arena) {
    const struct gf_str text = place->text;
    unsigned char *sealed = gf_arena_alloc(arena, GF_PAGE_SEAL_OVERHEAD_BYTES + text.len);
    gf_random_bytes(sealed, NONCE_BYTES);
    const int failed = crypto_secretbox_easy(sealed + NONCE_BYTES, (const unsigned char *)text.ptr,
                                             text.len, sealed, key);
    gf_assert(failed == 0);
    place->text = (struct gf_str){(const char *)sealed, GF_PAGE_SEAL_OVERHEAD_BYTES + text.len};
    place->numbers[MARK] = 1;
}

bool gf_page_is_sealed(const struct gf_page_token *place) {
    return place->numbers[MARK] != 0;
}

enum gf_code gf_page_open(const unsigned char key[GF_PAGE_SEAL_KEY_BYTES],
                          struct gf_page_token *place, struct gf_arena *arena,
                          struct gf_error *err) {
    const struct gf_str sealed = place->text;
    if (!gf_page_is_sealed(place)) {
        return GF_OK;
    }
    if (sealed.len < GF_PAGE_SEAL_OVERHEAD_BYTES) {
        return gf_fail_field(err, "page_token", "not a token of this server");
    }
    const unsigned char *nonce = (const unsigned char *)sealed.ptr;
    const size_t size = sealed.len - GF_PAGE_SEAL_OVERHEAD_BYTES;
    unsigned char *text = gf_arena_alloc(arena, size + 1);
    if (crypto_secretbox_open_easy(text, nonce + NONCE_BYTES, sealed.len - NONCE_BYTES, nonce,
                                   key) != 0) {
        return gf_fail_field(err, "page_token",
                             "the server was started again since: begin with the first page");
    }
    place->text = (struct gf_str){(const char *)text, size};
    place->numbers[MARK] = 0;
    return GF_OK;
}
