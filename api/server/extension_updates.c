/*
 * Newer images of extensions whose update policy asks for them: MINOR takes newer versions of the
 * same major one, PATCH those of the same minor one. Which version it is the tag of the image says.
 *
 * One after the other is looked at, so that a registry is never asked for all at once. What cannot
 * be looked up is logged once, until it fails in another way or goes well.
 */
#include "api/server/extension_care_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "engine/scheduler/native/images/reference.h"
#include "engine/scheduler/native/images/semver.h"
#include "engine/secrets/interpolate.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PAGE_ROWS = 100,
    LOOK_MS = 1000, /* how often a stop is looked for while an image is fetched */
};

/* ---- Which image ---- */

/* A tag with one number of a version, two or all three; gives how many, 0: it is none. */
static int read_tag(const char *tag, struct gf_semver *out) {
    static const char *const missing[] = {"", ".0", ".0.0"};
    char whole[GF_REFERENCE_TAG_CHARS_MAX + sizeof(".0.0")];
    for (size_t i = 0; i < GF_ARRAY_COUNT(missing); i++) {
        const int length = snprintf(whole, sizeof(whole), "%s%s", tag, missing[i]);
        if (gf_semver_parse((struct gf_str){whole, (size_t)length}, out)) {
            out->prerelease = GF_STR("");
            return (int)(GF_ARRAY_COUNT(missing) - i);
        }
    }
    return 0;
}

bool gf_care__pattern(struct gf_str image, enum gf_extension_update_policy policy,
                      char out[GF_REFERENCE_BYTES]) {
    struct gf_reference reference;
    struct gf_semver version;
    if (gf_reference_parse(image, &reference, NULL) != GF_OK || reference.digest.text[0] != '\0') {
        return false; /* a digest is one image for ever */
    }
    if (reference.range[0] != '\0') {
        (void)gf_reference_format(&reference, out);
        return true;
    }
    const bool minor = policy == GF_EXTENSION_UPDATE_MINOR;
    if (read_tag(reference.tag, &version) < (minor ? 1 : 2)) {
        return false;
    }
    (void)snprintf(reference.range, sizeof(reference.range), minor ? ">=%s <%" PRId64 : "~%s",
                   reference.tag, version.major + 1);
    reference.tag[0] = '\0';
    (void)gf_reference_format(&reference, out);
    return true;
}

/* ---- Asking ---- */

struct answer {
    struct gf_latch latch;
    struct gf_error error;
    char digest[GF_DIGEST_BYTES];
    char name[GF_REFERENCE_BYTES];
};

/* On the reactor. */
static void on_ended(void *ctx, const struct gf_image_pull_end *end) {
    struct answer *answer = ctx;
    answer->error = end->error;
    if (end->image != NULL) {
        (void)snprintf(answer->digest, sizeof(answer->digest), "%s",
                       end->image->record.digest.text);
    }
    (void)snprintf(answer->name, sizeof(answer->name), "%s", end->name == NULL ? "" : end->name);
    gf_latch_open(&answer->latch);
}

static enum gf_code resolve(void *vault, const struct gf_text_part *reference,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    return gf_vault_resolve(vault, NULL, reference->kind, reference->key, out, err);
}

static enum gf_code fill_in(struct gf_extension_care *care, struct gf_str text,
                            struct gf_secret_buffer *out, struct gf_error *err) {
    gf_secret_buffer_init(out, GF_IMAGE_PULL_USER_BYTES_MAX);
    return gf_interpolate(text, GF_REFERENCE_BIT(GF_REFERENCE_GLOBAL_SECRET), resolve,
                          care->options.vault, out, err);
}

static enum gf_code ask(struct gf_extension_care *care, const struct gf_extension *row,
                        const char *pattern, struct answer *answer, struct gf_error *err) {
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer user = {0};
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer password = {0};
    enum gf_code rc = fill_in(care, row->spec.registry_auth.user, &user, err);
    if (rc == GF_OK) {
        rc = fill_in(care, row->spec.registry_auth.password, &password, err);
    }
    if (rc != GF_OK) {
        return rc;
    }
    const struct gf_image_pull_request request = {
        .reference = gf_str_from(pattern),
        .always = true,
        .user = gf_secret_buffer_view(&user),
        .password = gf_secret_buffer_view(&password),
    };
    const struct gf_image_pull_events events = {.ctx = answer, .ended = on_ended};
    struct gf_image_pull *pull = NULL;
    gf_latch_init(&answer->latch);
    gf_image_pull_open(care->options.pulls, &request, &events, &pull);
    while (!gf_latch_wait_until(&answer->latch, gf_deadline_after_ms(gf_mono_ns(), LOOK_MS)) &&
           !atomic_load(&care->stopping)) {
    }
    gf_image_pull_close(pull); /* From here on nobody writes to the answer. */
    if (!gf_latch_is_open(&answer->latch)) {
        rc = gf_fail(err, GF_UNAVAILABLE, "the server is stopping");
    } else if (answer->error.code != GF_OK) {
        *err = answer->error;
        rc = answer->error.code;
    }
    gf_latch_fini(&answer->latch);
    return rc;
}

/* ---- Updating ---- */

static enum gf_code update(struct gf_extension_care *care, const struct gf_extension *row,
                           const struct answer *answer, bool other_name, struct gf_error *err) {
    const struct gf_extension_spec spec = {.image = gf_str_from(answer->name)};
    const struct gf_input input = {
        .kind = GF_INPUT_UPDATE_EXTENSION,
        .u.extension.change = {.extension_id = row->extension_id,
                               .spec = &spec,
                               .set_image = other_name,
                               .relaunch = !other_name,
                               .image_is_here = !other_name},
    };
    bool changed = false;
    const enum gf_code rc = gf_care__command(care, &input, &changed, err);
    if (rc == GF_OK && changed) {
        gf_log_info("extension_updates_itself", GF_KV_VIEW("extension", row->extension_id),
                    GF_KV_STR("image", answer->name), GF_KV_STR("digest", answer->digest));
    }
    return rc;
}

static enum gf_code look(struct gf_extension_care *care, const struct gf_extension *row,
                         struct gf_error *err) {
    char pattern[GF_REFERENCE_BYTES];
    struct gf_reference reference;
    struct answer answer = {.digest = ""};
    if (!gf_care__pattern(row->spec.image, row->update_policy, pattern)) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "image '%" GF_STR_FMT "' has no version that could be followed",
                       GF_STR_ARG(row->spec.image));
    }
    const enum gf_code rc = ask(care, row, pattern, &answer, err);
    if (rc != GF_OK) {
        return rc;
    }
    const bool follows_range = gf_reference_parse(row->spec.image, &reference, NULL) == GF_OK &&
                               reference.range[0] != '\0';
    const bool other_name = !follows_range && answer.name[0] != '\0' &&
                            !gf_str_eq(row->spec.image, gf_str_from(answer.name));
    const bool other_image = row->serving.image_digest.len > 0 && answer.digest[0] != '\0' &&
                             !gf_str_eq(row->serving.image_digest, gf_str_from(answer.digest));
    return other_name || (follows_range && other_image)
               ? update(care, row, &answer, other_name, err)
               : GF_OK;
}

/* ---- All of them ---- */

static bool is_wanted(const struct gf_extension *row) {
    return (row->update_policy == GF_EXTENSION_UPDATE_MINOR ||
            row->update_policy == GF_EXTENSION_UPDATE_PATCH) &&
           row->spec.image.len > 0 && !row->disabled && !row->installer && !row->has_fallback;
}

/* Logs a failure that is another one than the last time. */
static void tell(struct gf_extension_care *care, const struct gf_extension *row,
                 const struct gf_error *error) {
    static const uint64_t key[2] = {0};
    const uintptr_t hash =
        error == NULL ? 0 : (uintptr_t)gf_siphash(key, error->message, strlen(error->message)) | 1;
    const uintptr_t before = (uintptr_t)gf_map_i64_get(&care->told, row->extension_key);
    if (error == NULL) {
        (void)gf_map_i64_remove(&care->told, row->extension_key);
    } else if (hash != before) {
        (void)gf_map_i64_put(&care->told, row->extension_key, (void *)hash);
        gf_log_warn("extension_not_updated", GF_KV_VIEW("extension", row->extension_id),
                    GF_KV_ERROR(error));
    }
}

static size_t read_page(struct gf_extension_care *care, struct gf_str after, struct gf_arena *arena,
                        struct gf_extension **out_rows) {
    struct gf_store *store = care->options.store;
    struct gf_store_reader *reader = store->ops->open_reader(store);
    struct gf_error error = {0};
    size_t count = 0;
    if (store->ops->extensions->list(reader, after, PAGE_ROWS, arena, out_rows, &count, &error) !=
        GF_OK) {
        gf_log_warn("extensions_not_read", GF_KV_ERROR(&error));
        count = 0;
    }
    store->ops->close_reader(store, reader);
    return count;
}

void gf_care__run_updates(void *ctx) {
    struct gf_extension_care *care = ctx;
    struct gf_str after = {NULL, 0};
    struct gf_arena arena;
    size_t count = 0;
    gf_arena_init(&arena, (size_t)1 << 30);
    do {
        struct gf_extension *rows = NULL;
        count = read_page(care, after, &arena, &rows);
        for (size_t i = 0; i < count && !atomic_load(&care->stopping); i++) {
            struct gf_error error = {0};
            if (is_wanted(&rows[i])) {
                const enum gf_code rc = look(care, &rows[i], &error);
                tell(care, &rows[i], rc == GF_OK ? NULL : &error);
            }
            after = rows[i].extension_id;
        }
    } while (count == PAGE_ROWS && !atomic_load(&care->stopping));
    gf_arena_fini(&arena);
    atomic_store(&care->updating, false);
}
