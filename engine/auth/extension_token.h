/*
 * Tokens of the containers of extensions: what a container that gofer started shows to connect.
 *
 *     gfr_x_KKKKKKKKKKKAAAAAATTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTCCCCCC
 *
 * As the token of a run (run_token.h): nothing is stored. K is the key of the extension, A the
 * attempt, T a tag under the server's secret over key, attempt, id and creation of the extension, C
 * the checksum of token.h. It lets in while that attempt is one of the extension's containers, so
 * that each container has a token of its own, which ends with it.
 *
 * Extensions that are run by hand have tokens of TokenService.CreateToken, kind EXTENSION, which
 * are rows like others.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_EXTENSION_TOKEN_H_
#define GOFER_ENGINE_AUTH_EXTENSION_TOKEN_H_

#include "engine/auth/run_token.h"

/* What a token is bound to. Borrowed: the id. */
struct gf_extension_identity {
    int64_t extension_key;
    int32_t attempt; /* 1 or more */
    struct gf_str extension_id;
    int64_t create_time;
};

/* Makes the text of the token; `secret` is that of runs. Wipe it afterwards. */
void gf_extension_token_make(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                             const struct gf_extension_identity *identity,
                             struct gf_token_text *out_text);

/* What a text claims to be the token of: a claim of a stranger until it is verified. Code:
 * GF_UNAUTHENTICATED. */
enum gf_code gf_extension_token_claim(struct gf_str text, int64_t *out_extension_key,
                                      int32_t *out_attempt, struct gf_error *err) GF_MUST_USE;

/* GF_OK or GF_UNAUTHENTICATED; takes the same time for every tag. */
enum gf_code gf_extension_token_verify(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                                       const struct gf_extension_identity *identity,
                                       struct gf_str text, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_AUTH_EXTENSION_TOKEN_H_ */
