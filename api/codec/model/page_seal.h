/*
 * Places in lists that leave out what the caller may not see. A page that ends among hidden items
 * has to name the last of them in its token; what it says is encrypted then, with a key of the
 * process, so that a token tells nothing of what is hidden. Such a token ends with the process; all
 * others are good for ever.
 *
 * Thread: any.
 */
#ifndef GOFER_API_CODEC_MODEL_PAGE_SEAL_H_
#define GOFER_API_CODEC_MODEL_PAGE_SEAL_H_

#include "api/codec/model/page_token.h"

#include <stdbool.h>

enum {
    GF_PAGE_SEAL_KEY_BYTES = 32,
    GF_PAGE_SEAL_OVERHEAD_BYTES = 40, /* by which a text grows */
};

/* Encrypts the text of a place and marks it by its last number, which nothing else may use. */
void gf_page_seal(const unsigned char key[GF_PAGE_SEAL_KEY_BYTES], struct gf_page_token *place,
                  struct gf_arena *arena);

bool gf_page_is_sealed(const struct gf_page_token *place);

/* Opens what was sealed, and leaves others alone. Code: GF_INVALID_ARGUMENT on "page_token". */
enum gf_code gf_page_open(const unsigned char key[GF_PAGE_SEAL_KEY_BYTES],
                          struct gf_page_token *place, struct gf_arena *arena,
                          struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_API_CODEC_MODEL_PAGE_SEAL_H_ */
