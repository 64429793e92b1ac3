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
    const struct gf_secret_environment_sources *sources;
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
    if (filling->sources->vault == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "this server keeps no secrets");
    }
    const enum gf_code rc = gf_vault_resolve(filling->sources->vault, filling->sources->user,
                                             reference->kind, reference->key, out, err);
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

/* ---- The registry ---- */

/* Where a text stands in the buffer, which may move. */
struct place {
    size_t offset;
    size_t len;
};

static struct gf_str view_of(const struct gf_secret_environment *environment, struct place place) {
    return place.len == 0 ? GF_STR("")
                          : (struct gf_str){environment->texts.ptr + place.offset, place.len};
}

/* Of a text that was appended behind `offset`. */
static enum gf_code take_place(const struct gf_secret_environment *environment, size_t offset,
                               struct place *out, struct gf_error *err) {
    const struct gf_secret_buffer *texts = &environment->texts;
    if (texts->overflowed || texts->len - offset > GF_REGISTRY_TEXT_BYTES_MAX) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "with its references filled in it is too large, expected up to %d bytes",
                       GF_REGISTRY_TEXT_BYTES_MAX);
    }
    *out = (struct place){offset, texts->len - offset};
    return GF_OK;
}

static enum gf_code append_filled(struct filling *filling, struct gf_str value, struct place *out,
                                  struct gf_error *err) {
    struct gf_secret_buffer *texts = &filling->environment->texts;
    const size_t offset = texts->len;
    const enum gf_code rc = gf_interpolate(value, SECRETS, fill_in, filling, texts, err);
    return rc == GF_OK ? take_place(filling->environment, offset, out, err) : rc;
}

/* The value of a secret, up to the first colon and behind it. */
static enum gf_code append_pair(struct filling *filling, struct gf_str key, struct place *out_user,
                                struct place *out_password, struct gf_error *err) {
    const struct gf_text_part reference = {.kind = GF_REFERENCE_PIPELINE_SECRET, .key = key};
    struct place pair = {0};
    const size_t offset = filling->environment->texts.len;
    enum gf_code rc = fill_in(filling, &reference, &filling->environment->texts, err);
    if (rc == GF_OK) {
        rc = take_place(filling->environment, offset, &pair, err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "pipeline secret '%" GF_STR_FMT "'", GF_STR_ARG(key));
    }
    const struct gf_str text = view_of(filling->environment, pair);
    const char *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
    if (colon == NULL) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "pipeline secret '%" GF_STR_FMT "' is not of the form USER:PASSWORD",
                       GF_STR_ARG(key));
    }
    const size_t user_len = (size_t)(colon - text.ptr);
    *out_user = (struct place){offset, user_len};
    *out_password = (struct place){offset + user_len + 1, text.len - user_len - 1};
    return GF_OK;
}

/* What can be said to a registry: a line end is easily there, and hard to find later. */
static enum gf_code check_credential(struct gf_str text, const char *what, struct gf_error *err) {
    if (text.len == 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "%s is empty", what);
    }
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < ' ' || byte == 0x7f) {
            return gf_fail(err, GF_FAILED_PRECONDITION,
                           "%s has a control character in it, such as the end of a line", what);
        }
    }
    return GF_OK;
}

static enum gf_code append_registry_auth(struct filling *filling, struct place *out_user,
                                         struct place *out_password, struct gf_error *err) {
    const struct gf_registry_auth *auth = filling->sources->registry_auth;
    struct gf_secret_environment *environment = filling->environment;
    enum gf_code rc = GF_OK;
    if (auth->secret_key.len > 0) {
        rc = append_pair(filling, auth->secret_key, out_user, out_password, err);
    } else {
        rc = append_filled(filling, auth->user, out_user, err);
        if (rc == GF_OK) {
            rc = append_filled(filling, auth->password, out_password, err);
        }
    }
    if (rc == GF_OK) {
        rc = check_credential(view_of(environment, *out_user), "the user", err);
    }
    if (rc == GF_OK &&
        memchr(environment->texts.ptr + out_user->offset, ':', out_user->len) != NULL) {
        rc = gf_fail(err, GF_FAILED_PRECONDITION, "the user has a ':' in it");
    }
    if (rc == GF_OK) {
        rc = check_credential(view_of(environment, *out_password), "the password", err);
    }
    if (rc != GF_OK) {
        return gf_wrap(err, "credentials for the registry");
    }
    const struct gf_environment_secret password = {
        .kind = GF_REFERENCE_UNSPECIFIED, .offset = out_password->offset, .len = out_password->len};
    gf_vec_push(&environment->secrets, password);
    return GF_OK;
}

/* ---- The whole ---- */

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

static const struct gf_str *make_masked(const struct gf_secret_environment *environment,
                                        struct gf_arena *arena) {
    const size_t count = environment->secrets.count;
    struct gf_str *masked = GF_ARENA_ARRAY(arena, count, struct gf_str);
    for (size_t i = 0; i < count; i++) {
        const struct gf_environment_secret *secret = &environment->secrets.items[i];
        masked[i] = (struct gf_str){environment->texts.ptr + secret->offset, secret->len};
    }
    return masked;
}

enum gf_code gf_secret_environment_make(struct gf_secret_environment *environment,
                                        const struct gf_secret_environment_sources *sources,
                                        struct gf_arena *arena,
                                        struct gf_secret_environment_texts *out,
                                        struct gf_error *err) {
    struct filling filling = {environment, sources};
    struct place user = {0};
    struct place password = {0};
    enum gf_code rc = GF_OK;
    gf_secret_environment_clear(environment);
    for (size_t i = 0; i < sources->variable_count && rc == GF_OK; i++) {
        rc = append_variable(&filling, &sources->variables[i], err);
    }
    if (rc == GF_OK && sources->token.len != 0) {
        const size_t offset = environment->texts.len;
        gf_secret_buffer_append(&environment->texts, sources->token);
        note(environment, GF_REFERENCE_UNSPECIFIED, GF_STR(""), offset);
    }
    if (rc == GF_OK && sources->registry_auth != NULL) {
        rc = append_registry_auth(&filling, &user, &password, err);
    }
    if (rc == GF_OK) {
        rc = check_masked(environment, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    *out = (struct gf_secret_environment_texts){
        .strings = make_pointers(environment, sources->variable_count, arena),
        .masked = make_masked(environment, arena),
        .masked_count = environment->secrets.count,
        .registry_user = view_of(environment, user),
        .registry_password = view_of(environment, password),
    };
    return GF_OK;
}
