/*
 * What the files of the vault share: vault.c (reading, removing), vault_put.c, vault_requests.c,
 * vault_use.c (launches), vault_keys.c (keyrings), vault_rotate.c, vault_reencrypt.c,
 * vault_run_token.c, vault_settings.c.
 */
#ifndef GOFER_ENGINE_SECRETS_VAULT_INTERNAL_H_
#define GOFER_ENGINE_SECRETS_VAULT_INTERNAL_H_

#include "base/counter.h"
#include "base/sync.h"
#include "base/vec.h"
#include "engine/secrets/keyring.h"
#include "engine/secrets/vault.h"

enum {
    GF_VAULT_RINGS_MAX = 128, /* opened at once, beside those in use; the longest unused goes */
    GF_VAULT_USES_MAX = 1024, /* noted between two flushes; more are not noted */
    /* How often something is tried again that others have changed meanwhile. */
    GF_VAULT_TRIES_MAX = 16,
    GF_VAULT_KEYS_PER_PORTION = 64,
    GF_VAULT_VALUES_PER_PORTION = 64,
    /* One row of the store, or a portion of them. */
    GF_VAULT_ROW_BYTES_MAX = 1 << 20,
    GF_VAULT_PORTION_BYTES_MAX = 64 << 20,
};

/* How long a box for a sealing key opens after the next key was made. */
#define GF_VAULT_SEALING_KEEP_NS (24 * GF_NS_PER_HOUR)

/* The master keys with their users: a rotation puts others in their place. */
struct gf_vault_masters {
    struct gf_master_keys *keys;
    size_t user_count; /* under the mutex of the vault, which is a user too */
};

/* A keyring in the cache. Fields under the mutex of the vault, but for those that never change. */
struct gf_vault_ring {
    struct gf_vault *vault;
    struct gf_keyring *ring; /* never changes */
    enum gf_secret_key_purpose purpose;
    int64_t namespace_key;
    size_t user_count;
    uint64_t last_use; /* vault->use_count then */
    bool dropped;      /* no longer in the cache: there are other keys by now */
};

/* A use that waits for gf_vault_flush_uses. */
struct gf_vault_use {
    int64_t namespace_key;
    int64_t pipeline_key;
    int64_t time;
    size_t key_len;
    char key[64];
};

struct gf_vault_rings GF_VEC_FIELDS(struct gf_vault_ring *);
struct gf_vault_uses GF_VEC_FIELDS(struct gf_vault_use);

/* Where the next portion of encrypting anew begins. Used by whoever has `reencrypting`. */
struct gf_vault_pass {
    int64_t after_namespace_key;
    size_t keys_skipped;   /* wrapped keys of this pass that do not open */
    size_t values_skipped; /* values of the namespace behind after_namespace_key, likewise */
    size_t marks_skipped;
    size_t damaged;        /* values and marks of the namespaces that are done, likewise */
    struct gf_error first; /* why the first of all did not open; code GF_OK: there is none */
};

struct gf_vault {
    struct gf_vault_options options; /* masters: see below */
    struct gf_secret_store *store;
    unsigned char *run_token_secret; /* guarded; never change after create */
    unsigned char *fingerprint_key;
    struct gf_guarded settings_key;

    struct gf_mutex mutex; /* all below; held for no call into anything else */
    struct gf_vault_masters *masters;
    struct gf_vault_rings rings;
    uint64_t generation; /* grows with every ring that is dropped */
    uint64_t use_count;
    bool rotating;       /* a call of rotate is under way */
    bool reencrypting;   /* a call of reencrypt is under way */
    bool values_pending; /* since a rotation of namespaces no pass has come to its end */
    struct gf_vault_uses uses;

    struct gf_vault_pass pass;

    /* No lock. */
    struct gf_counter ring_opens;
    struct gf_counter values_opened;
    struct gf_counter values_sealed;
    struct gf_counter failures;
};

/* ---- vault.c ---- */

/* Whether a rotation of namespaces is under way, by what the store says. Blocks. */
enum gf_code gf_vault__find_pending(struct gf_vault *vault, struct gf_error *err) GF_MUST_USE;
/* Tells the owner that there is a record. */
void gf_vault__changed(struct gf_vault *vault);
/* The record of a change by a caller; texts are clipped to what a store keeps. Borrows all. */
struct gf_secret_change gf_vault__change(const struct gf_vault *vault,
                                         enum gf_secret_change_kind kind,
                                         const struct gf_secret_place *place,
                                         struct gf_str namespace_id, struct gf_str pipeline_id,
                                         const struct gf_vault_caller *caller);
enum gf_code gf_vault__fail_missing(struct gf_str key, struct gf_error *err);

/*
 * Reads a secret and appends the value of a version (0: the newest) to out, after all that proves
 * it. `user` NULL: whoever may see all. Code: GF_NOT_FOUND, also for what the user may not use.
 */
enum gf_code gf_vault__read(struct gf_vault *vault, const struct gf_secret_place *place,
                            int64_t version, const struct gf_vault_user *user,
                            struct gf_secret_buffer *out, int64_t *out_version,
                            struct gf_error *err) GF_MUST_USE;

/* ---- vault_keys.c ---- */

/* The current master keys, held until release. */
struct gf_vault_masters *gf_vault__masters_hold(struct gf_vault *vault);
void gf_vault__masters_release(struct gf_vault *vault, struct gf_vault_masters *masters);
/* Puts others in their place; takes them over. */
void gf_vault__masters_replace(struct gf_vault *vault, struct gf_master_keys *keys);

/*
 * The keyring of a purpose and namespace, opened where it is not yet, held until release. Where
 * there is no key in the store: with `make` the first one is made, else *out is NULL. Blocks.
 */
enum gf_code gf_vault__ring_hold(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                 int64_t namespace_key, bool make, struct gf_vault_ring **out,
                                 struct gf_error *err) GF_MUST_USE;
/* NULL is fine. */
void gf_vault__ring_release(struct gf_vault_ring *ring);
void gf_vault__ring_release_p(struct gf_vault_ring **ring);
/* Whether there are other keys by now than those of the ring. */
bool gf_vault__ring_is_dropped(struct gf_vault_ring *ring);
/* The keys in the store have changed: what is opened next has the new ones. */
void gf_vault__ring_drop(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                         int64_t namespace_key);
void gf_vault__rings_free(struct gf_vault *vault);

/*
 * Makes the next key of a purpose and namespace, with its record and its request (both may be
 * NULL), and drops the ring. Blocks.
 */
enum gf_code gf_vault__next_key(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                int64_t namespace_key, const struct gf_secret_change *change,
                                const struct gf_secret_request *request,
                                struct gf_error *err) GF_MUST_USE;

/* What is derived of the newest key of the server of this purpose: guarded memory. Blocks. */
enum gf_code gf_vault__server_secret(struct gf_vault *vault, enum gf_secret_key_purpose purpose,
                                     enum gf_data_key_use use, unsigned char **out,
                                     struct gf_error *err) GF_MUST_USE;

/* ---- vault_requests.c ---- */

/* A fingerprint under construction, of what a request asks for. */
struct gf_vault_fingerprint {
    unsigned char bytes[GF_SECRET_FINGERPRINT_BYTES];
};
void gf_vault__fingerprint_put(const struct gf_vault *vault, const struct gf_vault_put *put,
                               struct gf_vault_fingerprint *out);
void gf_vault__fingerprint_rotation(const struct gf_vault *vault, enum gf_vault_scope scope,
                                    int64_t namespace_key, struct gf_vault_fingerprint *out);
void gf_vault__fingerprint_settings(const struct gf_vault *vault, struct gf_str bytes,
                                    struct gf_vault_fingerprint *out);

/*
 * What a request with this id has done before: *out_found false where there is none, or it is too
 * old. Codes: GF_FAILED_PRECONDITION (REQUEST_ID_REUSED). No id: not found.
 */
enum gf_code gf_vault__find_request(struct gf_vault *vault, const struct gf_vault_caller *caller,
                                    struct gf_str request_id,
                                    const struct gf_vault_fingerprint *fingerprint,
                                    struct gf_arena *arena, struct gf_secret_request *out,
                                    bool *out_found, struct gf_error *err) GF_MUST_USE;

/* ---- vault_settings.c ---- */

/* Opens the key of settings, and makes that of a new store. Blocks. */
enum gf_code gf_vault__load_settings_key(struct gf_vault *vault, struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_SECRETS_VAULT_INTERNAL_H_ */
