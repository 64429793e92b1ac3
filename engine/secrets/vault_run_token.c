/*
 * Tokens of runs and of the containers of extensions. Their secret is in memory that is guarded but
 * readable at all times: every call that comes with such a token needs it, from many threads.
 */
#include "engine/secrets/vault_internal.h"

_Static_assert((int)GF_RUN_TOKEN_SECRET_BYTES == (int)GF_DATA_KEY_BYTES,
               "secret of the tokens of runs");

void gf_vault_make_run_token(struct gf_vault *vault, const struct gf_run_identity *run,
                             struct gf_token_text *out_text) {
    gf_run_token_make(vault->run_token_secret, run, out_text);
    gf_guarded_wipe_stack();
}

enum gf_code gf_vault_verify_run_token(struct gf_vault *vault, const struct gf_run_identity *run,
                                       struct gf_str text, struct gf_error *err) {
    const enum gf_code rc = gf_run_token_verify(vault->run_token_secret, run, text, err);
    gf_guarded_wipe_stack();
    return rc;
}

void gf_vault_make_extension_token(struct gf_vault *vault,
                                   const struct gf_extension_identity *identity,
                                   struct gf_token_text *out_text) {
    gf_extension_token_make(vault->run_token_secret, identity, out_text);
    gf_guarded_wipe_stack();
}

enum gf_code gf_vault_verify_extension_token(struct gf_vault *vault,
                                             const struct gf_extension_identity *identity,
                                             struct gf_str text, struct gf_error *err) {
    const enum gf_code rc = gf_extension_token_verify(vault->run_token_secret, identity, text, err);
    gf_guarded_wipe_stack();
    return rc;
}
