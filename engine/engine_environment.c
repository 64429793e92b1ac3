/*
 * All strings of a launch stand one behind the other in one buffer, which may move while it grows:
 * places in it are offsets until it is complete. A value to be masked is where it stands in its
 * string; what is referred to again is copied from there.
 */
#include "engine/engine_environment.h"

#include "base/mask.h"
#include "engine/secrets/interpolate.h"

#include <string.h>

enum {
    SECRETS = GF_REFERENCE_BIT(GF_REFERENCE_PIPELINE_SECRET) |
              GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET),
};

void gf_secret_environment_init(struct gf_secret_environment *environment) {
    *environment = (struct gf_secret_environment){0};
    gf_secret_buffer_init(&environment->texts, GF_ENVIRONMENT_BYTES_MAX);
}

void gf_secret_environment_fini(struct gf_secret_environment *environment) {
    gf_secret_buffer_fini(&environment->texts);
    gf_vec_fini(&environment->secrets);
}

void gf_secret_environment_clear(struct gf_secret_environment *environment) {
    gf_secret_buffer_truncate(&environment->texts, 0);
    gf_vec_clear(&environment->secrets);
    if (environment->texts.capacity > GF_ENVIRONMENT_KEPT_BYTES) {
        gf_secret_buffer_fini(&environment->texts);
    }
}

static bool is_filled_in(const struct gf_variable *variable) {
    return variable->source == GF_VARIABLE_SOURCE_PIPELINE_CONFIG && variable->value.len != 0 &&
           memmem(variable->value.ptr, variable->value.len, "{{", 2) != NULL;
}

bool gf_secret_environment_needed(const struct gf_variable *variables, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (is_filled_in(&variables[i])) {
            return true;
        }
    }
    return false;
}

/* ---- Values ---- */

/* What one call of gf_secret_environment_make works with. */
struct filling {
    struct gf_secret_environment *environment;
    struct gf_vault *vault;
    const struct gf_vault_user *user;
};

static const struct gf_environment_secret *find(const struct gf_secret_environment *environment,
                                                const struct gf_text_part *reference) {
    for (size_t i = 0; i < environment->secrets.count; i++) {
        const struct gf_environment_secret *secret = &environment->secrets.items[i];
        if (secret->kind == reference->kind && gf_str_eq(secret->key, reference->key)) {
            return secret;
        }
    }
    return NULL;
}

static void note(struct gf_secret_environment *environment, enum gf_reference_kind kind,
                 struct gf_str key, size_t offset) {
    const struct gf_environment_secret secret = {kind, key, offset,
                                                 environment->texts.len - offset};
    gf_vec_push(&environment->secrets, secret);
}

static enum gf_code fill_in(void *ctx, const struct gf_text_part *reference,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    struct filling *filling = ctx;
    struct gf_secret_environment *environment = filling->environment;
    gf_assert(out == &environment->texts);
    const size_t offset = out->len;
    const struct gf_environment_secret *known = find(environment, reference);
    if (known != NULL) {
        char *copy = gf_secret_buffer_extend(out, known->len);
        if (copy != NULL && known->len != 0) {
            memcpy(copy, out->ptr + known->offset, known->len);
        }
        return GF_OK; /* an overflow is seen by the caller */
    }
    if (filling->vault == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "this server keeps no secrets");
    }
    const enum gf_code rc =
        gf_vault_resolve(filling->vault, filling->user, reference->kind, reference->key, out, err);
    if (rc == GF_OK) {
        note(environment, reference->kind, reference->key, offset);
    }
    return rc;
}

/* ---- Strings ---- */

static enum gf_code append_variable(struct filling *filling, const struct gf_variable *variable,
                                    struct gf_error *err) {
    struct gf_secret_buffer *texts = &filling->environment->texts;
    const size_t begin = texts->len;
    enum gf_code rc = GF_OK;
    gf_secret_buffer_append(texts, variable->key);
    gf_secret_buffer_append(texts, GF_STR("="));
    if (is_filled_in(variable)) {
        rc = texts->overflowed
                 ? GF_OK
                 : gf_interpolate(variable->value, SECRETS, fill_in, filling, texts, err);
    } else {
        gf_secret_buffer_append(texts, variable->value);
    }
    if (rc == GF_OK && !texts->overflowed && texts->len - begin > GF_ENVIRONMENT_STRING_BYTES_MAX) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION,
                     "with its references filled in it has more than %d bytes",
                     GF_ENVIRONMENT_STRING_BYTES_MAX);
    }
    gf_secret_buffer_append(texts, (struct gf_str){"", 1});
    if (rc == GF_OK && texts->overflowed) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION, "with it the environment has more than %d bytes",
                     GF_ENVIRONMENT_BYTES_MAX);
    }
    if (rc != GF_OK) {
        (void)gf_wrap(err, "variable '%" GF_STR_FMT "'", GF_STR_ARG(variable->key));
    }
    return rc;
}

/* What the masker takes. */
static enum gf_code check_masked(const struct gf_secret_environment *environment,
                                 struct gf_error *err) {
    size_t bytes = 0;
    for (size_t i = 0; i < environment->secrets.count; i++) {
        bytes += environment->secrets.items[i].len;
    }
    if (environment->secrets.count > GF_MASK_VALUES_MAX || bytes > GF_MASK_VALUES_BYTES_MAX) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "the task has %zu secrets of %zu bytes, more than can be masked: %d of %d",
                       environment->secrets.count, bytes, GF_MASK_VALUES_MAX,
                       GF_MASK_VALUES_BYTES_MAX);
    }
    return GF_OK;
}

static const char *const *make_pointers(const struct gf_secret_environment *environment,
                                        size_t count, struct gf_arena *arena) {
    const char **strings = GF_ARENA_ARRAY(arena, count + 1, const char *);
    const char *next = environment->texts.ptr;
    for (size_t i = 0; i < count; i++) {
        strings[i] = next;
        next += strlen(next) + 1;
    }
    return strings;
}

enum gf_code gf_secret_environment_make(struct gf_secret_environment *environment,
                                        struct gf_vault *vault, const struct gf_vault_user *user,
                                        const struct gf_variable *variables, size_t count,
                                        struct gf_str token, struct gf_arena *arena,
                                        const char *const **out_strings,
                                        const struct gf_str **out_masked, size_t *out_masked_count,
                                        struct gf_error *err) {
    struct filling filling = {environment, vault, user};
    gf_secret_environment_clear(environment);
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = append_variable(&filling, &variables[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (token.len != 0) {
        const size_t offset = environment->texts.len;
        gf_secret_buffer_append(&environment->texts, token);
        note(environment, GF_REFERENCE_UNSPECIFIED, GF_STR(""), offset);
    }
    const enum gf_code rc = check_masked(environment, err);
    if (rc != GF_OK) {
        return rc;
    }
    const size_t masked_count = environment->secrets.count;
    struct gf_str *masked = GF_ARENA_ARRAY(arena, masked_count, struct gf_str);
    for (size_t i = 0; i < masked_count; i++) {
        const struct gf_environment_secret *secret = &environment->secrets.items[i];
        masked[i] = (struct gf_str){environment->texts.ptr + secret->offset, secret->len};
    }
    *out_strings = make_pointers(environment, count, arena);
    *out_masked = masked;
    *out_masked_count = masked_count;
    return GF_OK;
}
