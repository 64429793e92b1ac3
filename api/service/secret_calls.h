/*
 * What the handlers of SecretService share, and those that have files of their own, for the table
 * in secret.c:
 *
 *     secret_pipeline.c   secrets of pipelines
 *     secret_global.c     global secrets
 *     secret_keys.c       the keys that they are encrypted with
 *     secret_input.c      values on their way in and out
 *
 * The vault blocks: everything runs on the worker pool. A value is in guarded memory from the
 * moment at which its request is here, and the request has it no more.
 */
#ifndef GOFER_API_SERVICE_SECRET_CALLS_H_
#define GOFER_API_SERVICE_SECRET_CALLS_H_

#include "api/service/read_call.h"
#include "engine/secrets/guarded.h"
#include "engine/secrets/vault.h"
#include "gofer/v1/secret.gofer.h"

/* Who asks, for the vault's records. Borrowed from the principal. */
struct gf_vault_caller gf_secret_caller(const struct gf_principal *principal);

/* ---- Values. A call has one at most: it is its data (gf_rpc_call_get_data). ---- */

struct gf_secret_input {
    struct gf_secret_buffer plaintext;
    const Gofer__V1__SealedSecretValue *sealed; /* borrowed from the request; NULL = plain */
    bool is_missing;
    bool is_too_large;
};

/*
 * Attaches an empty value to a call, for one that is revealed; or that of a request, which may be
 * NULL, whose bytes are wiped. The table's `done` must be gf_secret_input_done. Thread: rpc.
 */
struct gf_secret_input *gf_secret_input_attach(struct gf_rpc_call *call);
void gf_secret_input_take(struct gf_rpc_call *call, const Gofer__V1__SecretValue *value);

/* For handler tables: wipes the value. */
void gf_secret_input_done(struct gf_rpc_call *call, void *ctx);

/*
 * The value of the call that is answered, opened where it was sealed. Borrowed until the call ends.
 * Code: GF_INVALID_ARGUMENT on "value" and below.
 */
enum gf_code gf_secret_input_open(struct gf_read *read, struct gf_str *out_value,
                                  struct gf_error *err) GF_MUST_USE;

/* What there is to think about; an array of one in the arena, or none. */
char **gf_secret_warnings(const char *warning, struct gf_arena *arena, size_t *out_count);

/* ---- Handlers ---- */

void gf_secret_list_pipeline(struct gf_rpc_call *call,
                             const Gofer__V1__ListPipelineSecretsRequest *request, void *ctx);
void gf_secret_get_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__GetPipelineSecretRequest *request, void *ctx);
void gf_secret_reveal_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__RevealPipelineSecretRequest *request, void *ctx);
void gf_secret_put_pipeline(struct gf_rpc_call *call,
                            const Gofer__V1__PutPipelineSecretRequest *request, void *ctx);
void gf_secret_delete_pipeline(struct gf_rpc_call *call,
                               const Gofer__V1__DeletePipelineSecretRequest *request, void *ctx);

void gf_secret_list_global(struct gf_rpc_call *call,
                           const Gofer__V1__ListGlobalSecretsRequest *request, void *ctx);
void gf_secret_get_global(struct gf_rpc_call *call,
                          const Gofer__V1__GetGlobalSecretRequest *request, void *ctx);
void gf_secret_reveal_global(struct gf_rpc_call *call,
                             const Gofer__V1__RevealGlobalSecretRequest *request, void *ctx);
void gf_secret_put_global(struct gf_rpc_call *call,
                          const Gofer__V1__PutGlobalSecretRequest *request, void *ctx);
void gf_secret_delete_global(struct gf_rpc_call *call,
                             const Gofer__V1__DeleteGlobalSecretRequest *request, void *ctx);

void gf_secret_get_sealing_key(struct gf_rpc_call *call,
                               const Gofer__V1__GetSecretSealingKeyRequest *request, void *ctx);
void gf_secret_rotate_keys(struct gf_rpc_call *call,
                           const Gofer__V1__RotateSecretKeysRequest *request, void *ctx);

#endif /* GOFER_API_SERVICE_SECRET_CALLS_H_ */
