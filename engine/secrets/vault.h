/*
 * The vault: everything that is done with secrets, over a store of them (secret_store.h) and the
 * master keys. It seals and opens, keeps the keyrings, follows rotations, notes uses, and tells of
 * changes. The service of secrets, launches, and the edge of the API (for tokens of runs) use it.
 *
 * Who may do what is not asked here: that is the caller's, before.
 *
 * Every change is a record in the store first (struct gf_secret_change). The owner publishes the
 * records as events, in their order: gf_vault_options.changed tells that there are new ones, and
 * gf_vault_list_changes and gf_vault_forget_changes are for reading them.
 *
 * No error holds a value. Threads: any, all calls; those marked "blocks" read or write the store.
 */
#ifndef GOFER_ENGINE_SECRETS_VAULT_H_
#define GOFER_ENGINE_SECRETS_VAULT_H_

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/auth/extension_token.h"
#include "engine/secrets/guarded.h"
#include "engine/secrets/interpolate.h"
#include "engine/secrets/master_key.h"
#include "engine/secrets/secret.h"
#include "engine/secrets/secret_store.h"

struct gf_vault;

/* Borrowed until destroy, but for masters, which the vault takes over when create succeeds. */
struct gf_vault_options {
    struct gf_secret_store *store;
    struct gf_master_keys *masters; /* at least one */
    const struct gf_clock *clock;
    /* A record of a change was written. NULL = nobody wants to know. Thread: that of the change. */
    void (*changed)(void *ctx);
    void *ctx;
};

/*
 * Opens the keys that it needs at once, and makes those of a new store. Blocks. Codes:
 * GF_FAILED_PRECONDITION (the store's keys are wrapped by a master key that is not among these; the
 * message names its id), GF_DATA_LOSS, those of the store.
 */
enum gf_code gf_vault_create(const struct gf_vault_options *options, struct gf_vault **out_vault,
                             struct gf_error *err) GF_MUST_USE;
/* Wipes all keys. Accepts NULL. No call may be left. */
void gf_vault_destroy(struct gf_vault *vault);

/* Who does something, and when and where it is known as; for records. Borrowed for a call. */
struct gf_vault_caller {
    struct gf_str token_id; /* of request ids; empty in development mode */
    struct gf_str user;
    struct gf_str peer;
};

/* ---- Secrets. All block. ---- */

struct gf_vault_put {
    struct gf_secret_place place;
    struct gf_str namespace_id; /* as of place; empty for a global one */
    struct gf_str pipeline_id;
    struct gf_str value;             /* 1 to GF_SECRET_VALUE_BYTES_MAX bytes; guarded memory */
    struct gf_str description;       /* empty: as it was */
    const struct gf_str *namespaces; /* globs of a global one; none: as they were */
    size_t namespace_count;
    bool force; /* a next version, where the key is taken */
    struct gf_str request_id;
};

struct gf_vault_put_result {
    struct gf_secret secret; /* in the arena */
    bool created;
    const char *warning; /* gf_mask_warning of the value; NULL = none. Static storage. */
};

/*
 * Codes: GF_INVALID_ARGUMENT with the field of the request, GF_ALREADY_EXISTS,
 * GF_RESOURCE_EXHAUSTED, GF_FAILED_PRECONDITION (reason REQUEST_ID_REUSED), GF_NOT_FOUND (what this
 * request id has stored was deleted since), GF_DATA_LOSS (what is there was tampered with: delete
 * it). What the same request id has stored before is answered as it was then; only the description
 * and the globs are those of now.
 */
enum gf_code gf_vault_put(struct gf_vault *vault, const struct gf_vault_put *put,
                          const struct gf_vault_caller *caller, struct gf_arena *arena,
                          struct gf_vault_put_result *out, struct gf_error *err) GF_MUST_USE;

/* What is known, with the versions unless out_versions is NULL. Code: GF_NOT_FOUND. */
enum gf_code gf_vault_get(struct gf_vault *vault, const struct gf_secret_place *place,
                          struct gf_arena *arena, struct gf_secret *out_secret,
                          struct gf_secret_version **out_versions, size_t *out_count,
                          struct gf_error *err) GF_MUST_USE;

/* As the list of the store. */
enum gf_code gf_vault_list(struct gf_vault *vault, int64_t namespace_key, int64_t pipeline_key,
                           struct gf_str after_key, size_t limit, struct gf_arena *arena,
                           struct gf_secret **out_items, size_t *out_count,
                           struct gf_error *err) GF_MUST_USE;

/*
 * Appends a value to out, after a record that it was shown. version 0 is the newest. `ids` are
 * those of the place, for the record. Codes: GF_NOT_FOUND, GF_DATA_LOSS, GF_FAILED_PRECONDITION.
 */
enum gf_code gf_vault_reveal(struct gf_vault *vault, const struct gf_secret_place *place,
                             int64_t version, struct gf_str namespace_id, struct gf_str pipeline_id,
                             const struct gf_vault_caller *caller, struct gf_secret_buffer *out,
                             int64_t *out_version, struct gf_error *err) GF_MUST_USE;

/* Code: GF_NOT_FOUND. */
enum gf_code gf_vault_remove(struct gf_vault *vault, const struct gf_secret_place *place,
                             struct gf_str namespace_id, struct gf_str pipeline_id,
                             const struct gf_vault_caller *caller,
                             struct gf_error *err) GF_MUST_USE;

/*
 * The pipelines that have secrets, behind a place (zeroes: from the beginning), as list_places of
 * the store: so that the owner finds those that are gone, and removes what they had.
 */
enum gf_code gf_vault_list_places(struct gf_vault *vault, const struct gf_secret_place *after,
                                  size_t limit, struct gf_arena *arena,
                                  struct gf_secret_place **out_items, size_t *out_count,
                                  struct gf_error *err) GF_MUST_USE;

/* Their pipeline or namespace was deleted. Nothing there is fine. */
enum gf_code gf_vault_remove_pipeline(struct gf_vault *vault, int64_t namespace_key,
                                      int64_t pipeline_key, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_vault_remove_namespace(struct gf_vault *vault, int64_t namespace_key,
                                       struct gf_error *err) GF_MUST_USE;

/* ---- Use ---- */

/* Whose tasks or subscriptions get the values. Borrowed for a call. */
struct gf_vault_user {
    int64_t namespace_key;
    int64_t pipeline_key;
    struct gf_str namespace_id;
};

/*
 * Appends the value of one reference (PIPELINE_SECRET or GLOBAL_SECRET) to out and notes its use.
 * What the user's namespace may not use is GF_NOT_FOUND like what is not there. A user of NULL is
 * the server itself, for an extension: it has every global secret, and no other; who installs the
 * extension was asked whether he may use it. Blocks, for about
 * the time of one read of the store. Codes: GF_NOT_FOUND, GF_DATA_LOSS, GF_FAILED_PRECONDITION; a
 * gf_interpolate_fn can be made of it.
 */
enum gf_code gf_vault_resolve(struct gf_vault *vault, const struct gf_vault_user *user,
                              enum gf_reference_kind kind, struct gf_str key,
                              struct gf_secret_buffer *out, struct gf_error *err) GF_MUST_USE;

/* Writes the uses that were noted to the store, which gf_vault_resolve does not wait for. Blocks.
 * Somebody calls it from time to time, and before destroy. */
enum gf_code gf_vault_flush_uses(struct gf_vault *vault, struct gf_error *err) GF_MUST_USE;

/* ---- Keys ---- */

/* The newest public key of sealed boxes. Blocks. */
struct gf_vault_sealing_key {
    char key_id[64]; /* NUL-terminated */
    unsigned char public_key[32];
};
enum gf_code gf_vault_sealing_key(struct gf_vault *vault, struct gf_vault_sealing_key *out,
                                  struct gf_error *err) GF_MUST_USE;

/* Appends what a sealed box holds to out. Codes: GF_INVALID_ARGUMENT (it cannot be opened, or no
 * such key). Blocks. */
enum gf_code gf_vault_open_box(struct gf_vault *vault, struct gf_str key_id, struct gf_str box,
                               struct gf_secret_buffer *out, struct gf_error *err) GF_MUST_USE;

enum gf_vault_scope {
    GF_VAULT_SCOPE_UNSPECIFIED = 0,
    GF_VAULT_SCOPE_MASTER = 1,
    GF_VAULT_SCOPE_NAMESPACE = 2,
    GF_VAULT_SCOPE_SEALING = 3,
};

/*
 * Renews keys; it returns when the new ones are in use. What is left to be encrypted anew is
 * *out_pending: gf_vault_reencrypt does it. For MASTER the caller has loaded the keys anew and
 * gives them (`masters`, taken over on success; NULL for the others). namespace_key is for
 * NAMESPACE: 0 = that of the global ones, -1 = all of them. Codes: GF_FAILED_PRECONDITION (reason
 * ROTATION_RUNNING, NO_NEW_MASTER_KEY, MASTER_KEY_MISSING: the new ones must have those that are in
 * use behind them; REQUEST_ID_REUSED), GF_RESOURCE_EXHAUSTED (too many older keys are left).
 * Blocks.
 */
enum gf_code gf_vault_rotate(struct gf_vault *vault, enum gf_vault_scope scope,
                             int64_t namespace_key, struct gf_str namespace_id,
                             struct gf_master_keys *masters, struct gf_str request_id,
                             const struct gf_vault_caller *caller, int64_t *out_pending,
                             struct gf_error *err) GF_MUST_USE;

/*
 * Encrypts a bounded portion anew of what lies under older keys, and removes keys that nothing lies
 * under any more (those of sealed boxes a day after they were renewed). *out_more = call again.
 * Also to be called after a start and now and then: a rotation survives a crash. Blocks. Codes:
 * GF_DATA_LOSS (all is done, but some of it does not open and stays under its older key; for the
 * log, and no reason to call again soon), those of the store (call again later).
 */
enum gf_code gf_vault_reencrypt(struct gf_vault *vault, bool *out_more,
                                struct gf_error *err) GF_MUST_USE;

/* ---- Tokens of runs (engine/auth/run_token.h), with a key that survives restarts ---- */

/* Do not block. Verify: as gf_run_token_verify. */
void gf_vault_make_run_token(struct gf_vault *vault, const struct gf_run_identity *run,
                             struct gf_token_text *out_text);
enum gf_code gf_vault_verify_run_token(struct gf_vault *vault, const struct gf_run_identity *run,
                                       struct gf_str text, struct gf_error *err) GF_MUST_USE;

/* ---- Tokens of the containers of extensions (engine/auth/extension_token.h); as above ---- */

void gf_vault_make_extension_token(struct gf_vault *vault,
                                   const struct gf_extension_identity *identity,
                                   struct gf_token_text *out_text);
enum gf_code gf_vault_verify_extension_token(struct gf_vault *vault,
                                             const struct gf_extension_identity *identity,
                                             struct gf_str text, struct gf_error *err) GF_MUST_USE;

/* ---- Settings of extensions and subscriptions, sealed to lie in the store of the engine ---- */

enum {
    /* What sealing adds: format, nonce, tag. */
    GF_VAULT_SETTINGS_OVERHEAD_BYTES = 1 + 24 + 16,
    GF_VAULT_PLACE_BYTES_MAX = 384,
};

/*
 * Seals bytes under a key of the server's own, which survives restarts and every rotation of the
 * others. `place` (at most GF_VAULT_PLACE_BYTES_MAX) is bound to it ("extension/ID",
 * "subscription/NAMESPACE/PIPELINE/EXTENSION/ID"): what was sealed for another place does not open.
 * Does not block. *out is in the arena, GF_VAULT_SETTINGS_OVERHEAD_BYTES longer.
 */
void gf_vault_seal_settings(struct gf_vault *vault, struct gf_str place, struct gf_str bytes,
                            struct gf_arena *arena, struct gf_str *out);
/* Appends to out. Does not block. Codes: GF_DATA_LOSS (tampered with, or of another place),
 * GF_RESOURCE_EXHAUSTED (out has no room for it). */
enum gf_code gf_vault_open_settings(struct gf_vault *vault, struct gf_str place,
                                    struct gf_str sealed, struct gf_secret_buffer *out,
                                    struct gf_error *err) GF_MUST_USE;
/* A keyed fingerprint of bytes, for telling whether two are the same without keeping them; it is
 * the same after a restart and every rotation. */
int64_t gf_vault_fingerprint_settings(struct gf_vault *vault, struct gf_str bytes);

/* ---- Records of changes ---- */

/* Oldest first, behind a sequence number. Block. */
enum gf_code gf_vault_list_changes(struct gf_vault *vault, int64_t after_sequence, size_t limit,
                                   struct gf_arena *arena, struct gf_secret_change **out_items,
                                   size_t *out_count, struct gf_error *err) GF_MUST_USE;
enum gf_code gf_vault_forget_changes(struct gf_vault *vault, int64_t up_to_sequence,
                                     struct gf_error *err) GF_MUST_USE;

/* ---- Figures ---- */

/* What there is now, and was since the vault was made. */
struct gf_vault_stats {
    size_t keyrings; /* opened ones, in memory */
    size_t keyrings_limit;
    uint64_t keyring_opens_total; /* those that were not in memory */
    size_t uses;                  /* noted, and not yet written */
    size_t uses_limit;            /* more are not noted */
    uint64_t values_opened_total;
    uint64_t values_sealed_total;
    uint64_t failures_total; /* values that could not be opened, but for those that are not there */
};
/* Thread: any. */
void gf_vault_stats(struct gf_vault *vault, struct gf_vault_stats *out);

#endif /* GOFER_ENGINE_SECRETS_VAULT_H_ */
