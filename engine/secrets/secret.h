/*
 * What gofer knows of a secret: as engine/core/model.h has it for other resources. Data only;
 * strings live as long as the struct that holds them.
 *
 * A secret belongs to a pipeline, for its own tasks and subscriptions, or is global, for the
 * pipelines of the namespaces that its globs name. Its value has versions, of which the newest
 * GF_SECRET_VERSIONS_MAX are kept, encrypted (seal.h). The service of secrets, the stores of
 * secrets (secret_store.h) and the codec use these structs.
 */
#ifndef GOFER_ENGINE_SECRETS_SECRET_H_
#define GOFER_ENGINE_SECRETS_SECRET_H_

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GF_SECRET_VALUE_BYTES_MAX = 64 << 10,
    GF_SECRET_VERSIONS_MAX = 10,
    GF_SECRET_NAMESPACES_MAX = 100, /* globs of a global secret */
    GF_SECRET_DESCRIPTION_CHARS_MAX = 4096,
    GF_SECRETS_PER_PIPELINE_MAX = 1000,
    GF_SECRETS_GLOBAL_MAX = 1000,
};

/* Where a secret is. Both numbers are 0 for a global one and above 0 for one of a pipeline. */
struct gf_secret_place {
    int64_t namespace_key;
    int64_t pipeline_key;
    struct gf_str key; /* an identifier */
};

struct gf_secret {
    struct gf_secret_place place;
    struct gf_str namespace_id;      /* empty for a global secret */
    struct gf_str pipeline_id;       /* empty for a global secret */
    const struct gf_str *namespaces; /* globs, in the order given; global secrets only */
    size_t namespace_count;
    struct gf_str description;
    int64_t latest_version; /* 1 or more */
    int64_t create_time;
    int64_t update_time;
    int64_t last_use_time; /* 0 = never */
    struct gf_str mark;    /* proves place, namespaces and latest_version; see gf_secret_mark */
};

struct gf_secret_version {
    int64_t version; /* from 1 */
    int64_t create_time;
    struct gf_str create_user; /* empty in development mode */
    int64_t size_bytes;        /* of the value */
    int64_t key_number;        /* of the data key; found in `sealed` too */
    struct gf_str sealed;      /* the value, encrypted; empty in lists */
};

static inline bool gf_secret_is_global(const struct gf_secret_place *place) {
    return place->pipeline_key == 0;
}

/*
 * The checks of what a user hands in; each GF_INVALID_ARGUMENT on its field of the request. The
 * message never holds a value. Thread: any.
 */
enum gf_code gf_secret_check_value(struct gf_str value, const char *field,
                                   struct gf_error *err) GF_MUST_USE;
/* Globs of namespaces (engine/auth/glob.h): 1 to GF_SECRET_NAMESPACES_MAX. */
enum gf_code gf_secret_check_namespaces(const struct gf_str *globs, size_t count, const char *field,
                                        struct gf_error *err) GF_MUST_USE;

/*
 * True when the pipelines of this namespace may use the secret: one of a pipeline in its own
 * namespace, a global one where any of its globs matches. Thread: any.
 */
bool gf_secret_usable_in(const struct gf_secret *secret, int64_t namespace_key,
                         struct gf_str namespace_id);

#endif /* GOFER_ENGINE_SECRETS_SECRET_H_ */
