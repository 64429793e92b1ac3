#include "engine/scheduler/native/fetch/config.h"

#include "base/time.h"
#include "engine/scheduler/native/fetch/fail.h"
#include "engine/scheduler/native/fetch/json.h"
#include "engine/scheduler/native/fetch/platform.h"
#include "engine/scheduler/native/fetch/sha256.h"
#include "engine/scheduler/native/images/text.h"

static enum gf_code fail_too_much(struct gf_error *err) {
    return gf_fail_limit(err, "the configuration holds too much");
}

static enum gf_code copy_string(const char *text, struct gf_arena *arena, const char **out,
                                struct gf_error *err) {
    const size_t size = strlen(text) + 1;
    char *copy = gf_arena_try_alloc(arena, size);
    if (copy == NULL) {
        return fail_too_much(err);
    }
    memcpy(copy, text, size);
    *out = copy;
    return GF_OK;
}

static enum gf_code read_string(const json_t *config, const char *key, struct gf_arena *arena,
                                const char **out, struct gf_error *err) {
    const char *text = "";
    const enum gf_code rc = gf_json_string_optional(config, key, &text, err);
    return rc == GF_OK ? copy_string(text, arena, out, err) : rc;
}

static enum gf_code read_words(const json_t *config, const char *key, size_t count_max,
                               struct gf_arena *arena, struct gf_image_words *out,
                               struct gf_error *err) {
    json_t *array = NULL;
    enum gf_code rc = gf_json_array_optional(config, key, count_max, &array, err);
    if (rc != GF_OK) {
        return rc;
    }
    const size_t count = json_array_size(array);
    const char **items = gf_arena_try_alloc(arena, count * sizeof(*items));
    if (items == NULL) {
        return fail_too_much(err);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_array_get(array, i);
        if (!json_is_string(word)) {
            return gf_fail_archive(err, "JSON: '%s' must hold strings", key);
        }
        if (json_string_length(word) > GF_IMAGE_STRING_BYTES_MAX) {
            return gf_fail_limit(err, "JSON: a string in '%s' is longer than %d bytes", key,
                                 GF_IMAGE_STRING_BYTES_MAX);
        }
        rc = copy_string(json_string_value(word), arena, &items[i], err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    *out = (struct gf_image_words){items, count};
    return GF_OK;
}

/* "NAME=value", as execve hands it on; a name without a value is of no use and refused. */
static enum gf_code check_env(const struct gf_image_words *env, struct gf_error *err) {
    for (size_t i = 0; i < env->count; i++) {
        struct gf_str name;
        struct gf_str value;
        if (!gf_str_cut(gf_str_from(env->items[i]), '=', &name, &value) || name.len == 0) {
            return gf_fail_archive(err, "JSON: 'Env' must hold NAME=value, not '%s'",
                                   gf_show_cstr(env->items[i]).text);
        }
    }
    return GF_OK;
}

/* What a container runs: the member "config", which may be missing. */
static enum gf_code read_run_config(const json_t *root, struct gf_arena *arena,
                                    struct gf_image_record *out, struct gf_error *err) {
    json_t *config = NULL;
    enum gf_code rc = gf_json_object_optional(root, "config", &config, err);
    if (rc != GF_OK) {
        return rc;
    }
    GF_CLEANUP(gf_json_unref_p) json_t *empty = json_object();
    const json_t *from = config != NULL ? config : empty;
    rc = read_words(from, "Entrypoint", GF_IMAGE_ARGS_MAX, arena, &out->entrypoint, err);
    if (rc == GF_OK) {
        rc = read_words(from, "Cmd", GF_IMAGE_ARGS_MAX, arena, &out->cmd, err);
    }
    if (rc == GF_OK) {
        rc = read_words(from, "Env", GF_IMAGE_ENV_MAX, arena, &out->env, err);
    }
    if (rc == GF_OK) {
        rc = check_env(&out->env, err);
    }
    if (rc == GF_OK) {
        rc = read_string(from, "WorkingDir", arena, &out->workdir, err);
    }
    if (rc == GF_OK && out->workdir[0] != '\0' && out->workdir[0] != '/') {
        rc = gf_fail_archive(err, "JSON: 'WorkingDir' must be absolute, not '%s'",
                             gf_show_cstr(out->workdir).text);
    }
    if (rc == GF_OK) {
        rc = read_string(from, "User", arena, &out->user, err);
    }
    if (rc == GF_OK) {
        rc = read_string(from, "StopSignal", arena, &out->stop_signal, err);
    }
    return rc;
}

static enum gf_code read_layers(const json_t *root, struct gf_arena *arena,
                                struct gf_image_record *out, struct gf_error *err) {
    json_t *rootfs = NULL;
    json_t *diff_ids = NULL;
    enum gf_code rc = gf_json_object(root, "rootfs", &rootfs, err);
    if (rc == GF_OK) {
        rc = gf_json_array(rootfs, "diff_ids", GF_IMAGE_LAYERS_MAX, &diff_ids, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const size_t count = json_array_size(diff_ids);
    if (count == 0) {
        return gf_fail_archive(err, "the image has no layers");
    }
    struct gf_digest *layers = gf_arena_try_alloc(arena, count * sizeof(*layers));
    if (layers == NULL) {
        return fail_too_much(err);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *text = json_array_get(diff_ids, i);
        if (!json_is_string(text)) {
            return gf_fail_archive(err, "JSON: 'diff_ids' must hold strings");
        }
        rc = gf_digest_parse(gf_str_from(json_string_value(text)), &layers[i], err);
        if (rc != GF_OK) {
            return gf_wrap(err, "layer %zu", i + 1);
        }
    }
    out->layers = layers;
    out->layer_count = count;
    return GF_OK;
}

static enum gf_code read_platform(const json_t *root, struct gf_arena *arena,
                                  struct gf_image_record *out, struct gf_error *err) {
    struct gf_platform platform;
    const struct gf_platform host = gf_platform_host();
    char text[GF_PLATFORM_BYTES_MAX];
    char host_text[GF_PLATFORM_BYTES_MAX];
    const enum gf_code rc = gf_platform_read(root, &platform, err);
    if (rc != GF_OK) {
        return rc;
    }
    (void)gf_platform_format(&platform, text);
    if (platform.os[0] == '\0' || platform.architecture[0] == '\0') {
        return gf_fail_archive(err, "the configuration does not say for which platform it is");
    }
    if (gf_platform_rank(&platform) == 0) {
        return gf_fail_reason(err, GF_INVALID_ARGUMENT, "PLATFORM_MISSING",
                              "the image is for %s, this machine is %s", text,
                              gf_platform_format(&host, host_text));
    }
    return copy_string(text, arena, &out->platform, err);
}

enum gf_code gf_config_read(struct gf_str text, struct gf_arena *arena, struct gf_image_record *out,
                            struct gf_error *err) {
    GF_CLEANUP(gf_json_unref_p) json_t *root = NULL;
    struct gf_image_record record = *out;
    const char *created = "";
    enum gf_code rc = gf_json_parse(text, &root, err);
    if (rc == GF_OK) {
        rc = read_platform(root, arena, &record, err);
    }
    if (rc == GF_OK) {
        rc = read_layers(root, arena, &record, err);
    }
    if (rc == GF_OK) {
        rc = read_run_config(root, arena, &record, err);
    }
    if (rc == GF_OK) {
        rc = gf_json_string_optional(root, "created", &created, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    /* Some builders write odd times; an image does not fail for that. */
    if (gf_time_parse(gf_str_from(created), &record.created_ns, NULL) != GF_OK ||
        record.created_ns < 0) {
        record.created_ns = 0;
    }
    record.config = gf_sha256_of(text);
    *out = record;
    return GF_OK;
}
