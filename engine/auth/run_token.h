/*
 * Tokens of runs: what a task shows to reach gofer on behalf of its run.
 *
 *     gfr_r_KKKKKKKKKKKTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTCCCCCC
 *
 * K is the run's key in the store, T a tag of 256 bits, C the checksum of token.h. The tag is
 * BLAKE2b keyed with a secret of the server over the run's key, ids and creation: it cannot be
 * made without the secret, fits no other run, and nothing is stored. A run has one such token,
 * always the same.
 *
 * It is checked in two steps, as the text does not hold the ids: gf_run_token_key gives the key of
 * the run that it claims; whoever knows the runs looks that up, refuses when the run is over (that
 * is how the token ends), and gives the ids that it finds to gf_run_token_verify. Until then the
 * key is a claim of a stranger.
 *
 * For the edge of the API, and for whoever launches tasks.
 *
 * Thread: any.
 */
#ifndef GOFER_ENGINE_AUTH_RUN_TOKEN_H_
#define GOFER_ENGINE_AUTH_RUN_TOKEN_H_

#include "engine/auth/token.h"

enum {
    GF_RUN_TOKEN_SECRET_BYTES = 32,
};

/* The run that a token is bound to. Borrowed: the ids, valid identifiers. */
struct gf_run_identity {
    int64_t run_key; /* 0 or more */
    int64_t run_id;
    struct gf_str namespace_id;
    struct gf_str pipeline_id;
    int64_t create_time; /* a store that was set back may give the numbers above again */
};

/* Makes the text of the run's token. Wipe it afterwards. */
void gf_run_token_make(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                       const struct gf_run_identity *run, struct gf_token_text *out_text);

/*
 * The key of the run that a text claims to be the token of. GF_UNAUTHENTICATED as of
 * gf_token_parse, or where it is the token of another kind.
 */
enum gf_code gf_run_token_key(struct gf_str text, int64_t *out_run_key,
                              struct gf_error *err) GF_MUST_USE;

/*
 * GF_OK if the text is the token of this run, else GF_UNAUTHENTICATED. The comparison takes the
 * same time for every tag.
 */
enum gf_code gf_run_token_verify(const uint8_t secret[GF_RUN_TOKEN_SECRET_BYTES],
                                 const struct gf_run_identity *run, struct gf_str text,
                                 struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_AUTH_RUN_TOKEN_H_ */
