/*
 * The environment of a launch with its secrets: values of configs with their references filled in,
 * the token of the run, and who the task is at the registry of its image, in guarded memory that is
 * used again for the next launch.
 *
 * Thread: engine.
 */
#ifndef GOFER_ENGINE_ENGINE_ENVIRONMENT_H_
#define GOFER_ENGINE_ENGINE_ENVIRONMENT_H_

#include "base/arena.h"
#include "base/vec.h"
#include "engine/core/model.h"
#include "engine/secrets/vault.h"

enum {
    /* Of one "KEY=value", without the final NUL: what Linux takes of it. */
    GF_ENVIRONMENT_STRING_BYTES_MAX = (128 << 10) - 1,
    /* All of them together: what Linux takes with its usual limit of the stack. */
    GF_ENVIRONMENT_BYTES_MAX = 2 << 20,
    /* Of a user and a password for a registry, with their references filled in. */
    GF_REGISTRY_TEXT_BYTES_MAX = 64 << 10,
    /* What is kept of the guarded memory for the next launch. */
    GF_ENVIRONMENT_KEPT_BYTES = 64 << 10,
};

/* A value in the buffer that is to be masked. */
struct gf_environment_secret {
    enum gf_reference_kind kind; /* UNSPECIFIED: the token, or a password */
    struct gf_str key;           /* borrowed from the config */
    size_t offset;
    size_t len;
};

/* In the engine's memory; zeroed is empty. Fields are private. */
struct gf_secret_environment {
    struct gf_secret_buffer texts;
    GF_VEC(struct gf_environment_secret) secrets;
};

void gf_secret_environment_init(struct gf_secret_environment *environment);
void gf_secret_environment_fini(struct gf_secret_environment *environment);
/* Wipes what the last launch had. */
void gf_secret_environment_clear(struct gf_secret_environment *environment);

/*
 * Whether any of the variables needs what follows: one of a config that may have a reference or
 * doubled braces. Without it, gf_environment_strings is enough.
 */
bool gf_secret_environment_needed(const struct gf_variable *variables, size_t count);

/* What a launch is made of. Borrowed for the call. */
struct gf_secret_environment_sources {
    struct gf_vault *vault; /* NULL = there are no secrets */
    const struct gf_vault_user *user;
    const struct gf_variable *variables; /* merged */
    size_t variable_count;
    struct gf_str token;                          /* of the run; empty = the task has none */
    const struct gf_registry_auth *registry_auth; /* NULL = nothing to fill in */
};

/* What comes of it: arrays in the arena that point into the guarded memory, until the next clear.
 */
struct gf_secret_environment_texts {
    const char *const *strings; /* "KEY=value", as many as there are variables */
    const struct gf_str *masked;
    size_t masked_count;
    struct gf_str registry_user; /* empty where there is no registry_auth */
    struct gf_str registry_password;
};

/*
 * Fills in references and makes strings. A value that occurs several times is read once. All values
 * of secrets are masked, the token and the password for the registry, too. Codes:
 * GF_INVALID_ARGUMENT (a bad reference), GF_NOT_FOUND, GF_FAILED_PRECONDITION (no vault; too large;
 * too many secrets; a secret that is no USER:PASSWORD), GF_DATA_LOSS and the store's; the message
 * names the variable and the secret's key, and holds no value.
 */
enum gf_code gf_secret_environment_make(struct gf_secret_environment *environment,
                                        const struct gf_secret_environment_sources *sources,
                                        struct gf_arena *arena,
                                        struct gf_secret_environment_texts *out,
                                        struct gf_error *err) GF_MUST_USE;

#endif /* GOFER_ENGINE_ENGINE_ENVIRONMENT_H_ */
