/*
 * The secret-store port: where secrets lie, encrypted, and the wrapped data keys. The service of
 * secrets uses it; a back end is one folder that implements it and passes the battery in
 * engine/secrets/testing. A back end never sees a value or an opened key.
 *
 * What a back end promises:
 *
 * - Every call that changes something is one transaction: all of it or nothing, and on the disk
 *   when the call returns GF_OK.
 * - A change is atomic with its record. put, remove, put_key and record take a struct
 *   gf_secret_change, which is kept in the same transaction with a sequence number that grows,
 *   without reuse, and is not below the time of the change in microseconds. The service reads the
 *   records, publishes each as an event and forgets it afterwards, also after a crash: so no change
 *   is without its event, and one that comes twice is known by its sequence. It is not taken for
 *   one of a database that was lost, or set back to a copy, because time goes on.
 * - A change is atomic with its request, too, where its caller gave an id: put, put_key and record
 *   take a struct gf_secret_request (NULL = none). Where there is one of the same caller and id
 *   already, nothing is changed and the answer is GF_ABORTED. Those that are older than the new one
 *   by more than GF_SECRET_REQUEST_KEEP_NS are removed with it.
 * - Changes are guarded by what they change: put says which version it follows, replace calls say
 *   what they replace, and the data keys of what is stored (of a value and of its mark) must be
 *   there, whether ACTIVE or RETIRED. Where that is no longer so the call changes nothing and
 *   answers GF_ABORTED: read again, and try again.
 * - Lists come in a stable order, at most `limit` items behind the key that is given (exclusive;
 *   empty or 0 = from the beginning); fewer than limit = the end. Results are in the caller's
 *   arena; no pointer into what is given is kept.
 * - What is removed is overwritten where the back end can do so.
 *
 * Codes, beside those of each call: GF_UNAVAILABLE (the back end does not answer; nothing is known
 * of a change), GF_DATA_LOSS (a row cannot be read).
 *
 * Thread: any, all calls; they block.
 */
#ifndef GOFER_ENGINE_SECRETS_SECRET_STORE_H_
#define GOFER_ENGINE_SECRETS_SECRET_STORE_H_

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/secrets/keyring.h"
#include "engine/secrets/secret.h"

struct gf_secret_store;

/* Numbers are stored, so they never change. */
enum gf_secret_change_kind {
    GF_SECRET_CHANGE_UNSPECIFIED = 0,
    GF_SECRET_CHANGE_PUT = 1,
    GF_SECRET_CHANGE_DELETED = 2,
    GF_SECRET_CHANGE_REVEALED = 3,
    GF_SECRET_CHANGE_KEYS_ROTATED = 4,
};

enum {
    GF_SECRET_CHANGE_TEXT_BYTES_MAX = 255, /* of each text */
    GF_SECRET_FINGERPRINT_BYTES = 32,
};

#define GF_SECRET_REQUEST_KEEP_NS (24 * GF_NS_PER_HOUR)

/* What happened to a secret, for an event. Holds nothing of a value. */
struct gf_secret_change {
    int64_t sequence; /* set by the store */
    enum gf_secret_change_kind kind;
    struct gf_secret_place place; /* key empty for KEYS_ROTATED */
    struct gf_str namespace_id;   /* ids, as they were when it happened; empty for global */
    struct gf_str pipeline_id;
    int64_t version; /* PUT, REVEALED; of KEYS_ROTATED the enum gf_vault_scope */
    int64_t time;
    struct gf_str user;     /* who */
    struct gf_str address;  /* from where */
    struct gf_str token_id; /* with which token; empty in development mode */
};

/* What a request with an id has done: the same id again gives the same outcome. */
struct gf_secret_request {
    struct gf_str caller;     /* may be empty */
    struct gf_str request_id; /* an identifier */
    /* Keyed hash of what was asked for: tells nothing of a value without the key. */
    struct gf_str fingerprint; /* GF_SECRET_FINGERPRINT_BYTES */
    int64_t create_time;
    int64_t number; /* PUT: the version; of a rotation: what was pending */
    bool created;   /* PUT: it was the first version */
};

/* That a value was used. */
struct gf_secret_use {
    struct gf_secret_place place;
    int64_t time;
};

/* How many data keys a master key wraps. */
struct gf_secret_master_use {
    struct gf_str master_key_id;
    int64_t key_count;
};

/* A value that lies under an older data key than another one. */
struct gf_secret_value_row {
    struct gf_secret_place place;
    struct gf_secret_version version;
};

struct gf_secret_store_ops {
    void (*destroy)(struct gf_secret_store *store);

    /* ---- Secrets ---- */

    /*
     * Stores `version` as the newest of `secret`, whose other fields replace what is known of it
     * (create_time and last_use_time are those of the first version and stay). The version must
     * follow the newest: latest_version of the secret is version->version, 1 where the secret is
     * not there yet; else GF_ABORTED. Versions beyond the newest GF_SECRET_VERSIONS_MAX go. Code:
     * GF_RESOURCE_EXHAUSTED (a new secret beyond GF_SECRETS_PER_PIPELINE_MAX or
     * GF_SECRETS_GLOBAL_MAX).
     */
    enum gf_code (*put)(struct gf_secret_store *store, const struct gf_secret *secret,
                        const struct gf_secret_version *version,
                        const struct gf_secret_change *change,
                        const struct gf_secret_request *request, struct gf_error *err);

    /*
     * One secret and, unless out_version is NULL, one version of it with its sealed value, 0 being
     * the newest: both of one moment. Code: GF_NOT_FOUND, with a message that says whether it is
     * the secret or its version.
     */
    enum gf_code (*get)(struct gf_secret_store *store, const struct gf_secret_place *place,
                        int64_t version, struct gf_arena *arena, struct gf_secret *out_secret,
                        struct gf_secret_version *out_version, struct gf_error *err);

    /* The versions that are kept, newest first, without their values. Code: GF_NOT_FOUND. */
    enum gf_code (*list_versions)(struct gf_secret_store *store,
                                  const struct gf_secret_place *place, struct gf_arena *arena,
                                  struct gf_secret_version **out_items, size_t *out_count,
                                  struct gf_error *err);

    /* The secrets of a pipeline, or with zeroes the global ones, by key, bytewise. */
    enum gf_code (*list)(struct gf_secret_store *store, int64_t namespace_key, int64_t pipeline_key,
                         struct gf_str after_key, size_t limit, struct gf_arena *arena,
                         struct gf_secret **out_items, size_t *out_count, struct gf_error *err);

    /*
     * The pipelines that have secrets, as places without a key, by namespace and pipeline, behind
     * the place given (its key does not count); the global ones are no pipeline.
     */
    enum gf_code (*list_places)(struct gf_secret_store *store, const struct gf_secret_place *after,
                                size_t limit, struct gf_arena *arena,
                                struct gf_secret_place **out_items, size_t *out_count,
                                struct gf_error *err);

    /* Removes a secret with all of its versions. Code: GF_NOT_FOUND. */
    enum gf_code (*remove)(struct gf_secret_store *store, const struct gf_secret_place *place,
                           const struct gf_secret_change *change, struct gf_error *err);

    /*
     * Remove all secrets of a pipeline; all of a namespace, its data keys too. Nothing there is
     * fine: they are called again after a crash. No records: those of the pipeline and namespace
     * tell.
     */
    enum gf_code (*remove_pipeline)(struct gf_secret_store *store, int64_t namespace_key,
                                    int64_t pipeline_key, struct gf_error *err);
    enum gf_code (*remove_namespace)(struct gf_secret_store *store, int64_t namespace_key,
                                     struct gf_error *err);

    /*
     * Notes that values were used, each at its time or later; secrets that are not there are left
     * out. Need not be on the disk at once.
     */
    enum gf_code (*touch)(struct gf_secret_store *store, const struct gf_secret_use *uses,
                          size_t count, struct gf_error *err);

    /* The request of a caller with this id. Code: GF_NOT_FOUND. */
    enum gf_code (*get_request)(struct gf_secret_store *store, struct gf_str caller,
                                struct gf_str request_id, struct gf_arena *arena,
                                struct gf_secret_request *out_request, struct gf_error *err);

    /* ---- Keys ---- */

    /*
     * Stores a new ACTIVE key; the one that was ACTIVE becomes RETIRED. Its number must follow the
     * highest of its purpose and namespace, else GF_ABORTED. `change` may be NULL: then it is the
     * first one, which nobody asked for, or one of several with one record.
     */
    enum gf_code (*put_key)(struct gf_secret_store *store, const struct gf_secret_key *key,
                            const struct gf_secret_change *change,
                            const struct gf_secret_request *request, struct gf_error *err);

    /* The keys of one purpose and namespace, by number. None is no error. */
    enum gf_code (*list_keys)(struct gf_secret_store *store, enum gf_secret_key_purpose purpose,
                              int64_t namespace_key, struct gf_arena *arena,
                              struct gf_secret_key **out_items, size_t *out_count,
                              struct gf_error *err);

    /*
     * The namespaces (0: the server, the global ones) that have keys of this purpose, with
     * retired_only those that have RETIRED ones, in rising order, behind after_namespace_key (-1:
     * all).
     */
    enum gf_code (*list_key_namespaces)(struct gf_secret_store *store,
                                        enum gf_secret_key_purpose purpose, bool retired_only,
                                        int64_t after_namespace_key, size_t limit,
                                        struct gf_arena *arena, int64_t **out_items,
                                        size_t *out_count, struct gf_error *err);

    /* The master keys that wrap keys of any purpose and namespace, by id. */
    enum gf_code (*list_master_keys)(struct gf_secret_store *store, struct gf_arena *arena,
                                     struct gf_secret_master_use **out_items, size_t *out_count,
                                     struct gf_error *err);

    /* Keys of all purposes and namespaces that another master key wraps, oldest place first. */
    enum gf_code (*list_keys_not_wrapped_by)(struct gf_secret_store *store,
                                             struct gf_str master_key_id, size_t limit,
                                             struct gf_arena *arena,
                                             struct gf_secret_key **out_items, size_t *out_count,
                                             struct gf_error *err);

    /*
     * Puts wrapped and master_key_id of `to` in the place of those of `from`, the same key. Code:
     * GF_ABORTED (the row is not as `from` says, or is gone).
     */
    enum gf_code (*replace_key)(struct gf_secret_store *store, const struct gf_secret_key *from,
                                const struct gf_secret_key *to, struct gf_error *err);

    /*
     * Removes a RETIRED key that no value and no mark lies under any more. Code: GF_NOT_FOUND,
     * GF_FAILED_PRECONDITION (it is ACTIVE, or something does).
     */
    enum gf_code (*remove_key)(struct gf_secret_store *store, enum gf_secret_key_purpose purpose,
                               int64_t namespace_key, int64_t number, struct gf_error *err);

    /* ---- Encrypting anew ---- */

    /* Values of a namespace (0: the global ones) that lie under an older key than `number`. */
    enum gf_code (*list_values_below)(struct gf_secret_store *store, int64_t namespace_key,
                                      int64_t number, size_t limit, struct gf_arena *arena,
                                      struct gf_secret_value_row **out_items, size_t *out_count,
                                      struct gf_error *err);
    enum gf_code (*count_values_below)(struct gf_secret_store *store, int64_t namespace_key,
                                       int64_t number, int64_t *out_count, struct gf_error *err);

    /* Puts sealed and key_number of `to` in the place of those of `from`. Code: GF_ABORTED. */
    enum gf_code (*replace_value)(struct gf_secret_store *store,
                                  const struct gf_secret_place *place,
                                  const struct gf_secret_version *from,
                                  const struct gf_secret_version *to, struct gf_error *err);

    /* Secrets of a namespace whose mark was made with an older key than `number`. */
    enum gf_code (*list_marks_below)(struct gf_secret_store *store, int64_t namespace_key,
                                     int64_t number, size_t limit, struct gf_arena *arena,
                                     struct gf_secret **out_items, size_t *out_count,
                                     struct gf_error *err);

    /* Puts a mark in the place of another one. Code: GF_ABORTED. */
    enum gf_code (*replace_mark)(struct gf_secret_store *store, const struct gf_secret_place *place,
                                 struct gf_str from, struct gf_str to, struct gf_error *err);

    /* ---- Records of changes ---- */

    /* Keeps a record of what changes nothing here: a value that is about to be revealed. */
    enum gf_code (*record)(struct gf_secret_store *store, const struct gf_secret_change *change,
                           const struct gf_secret_request *request, struct gf_error *err);
    enum gf_code (*list_changes)(struct gf_secret_store *store, int64_t after_sequence,
                                 size_t limit, struct gf_arena *arena,
                                 struct gf_secret_change **out_items, size_t *out_count,
                                 struct gf_error *err);
    /* Drops the records up to this sequence, which have become events. */
    enum gf_code (*forget_changes)(struct gf_secret_store *store, int64_t up_to_sequence,
                                   struct gf_error *err);
};

/* First member of every back end's store; callers go through `ops`. */
struct gf_secret_store {
    const struct gf_secret_store_ops *ops;
};

#endif /* GOFER_ENGINE_SECRETS_SECRET_STORE_H_ */
