/*
 * Settings of extensions and subscriptions, as requests give them, as the store keeps them, and as
 * people see them.
 *
 * Kept, they are packed as a gofer.v1.ExtensionSettings, with the names in lower case and in their
 * order, so that the same settings are the same bytes, and sealed by the vault: literal values may
 * be secrets. References stay references (engine/secrets/references.h); what they stand for is
 * looked up when the extension gets them.
 *
 * Plaintext is in guarded memory, but for what a call gave or gets. No error holds a value.
 *
 * Thread: any.
 */
#ifndef GOFER_API_EXTENSION_SETTINGS_H_
#define GOFER_API_EXTENSION_SETTINGS_H_

#include "api/extension/parameters.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "engine/core/limits.h"
#include "engine/secrets/vault.h"

/* What is shown in the place of a value that may be a secret. */
#define GF_SETTING_HIDDEN "***"

/* ---- From requests ---- */

/*
 * Makes an array of gf_setting in the arena of message->settings, which is a map. Texts are
 * borrowed. protobuf-c makes a type of its own for the entries of each map, so this is a macro.
 */
#define GF_SETTINGS_READ(message, arena, out_settings, out_count)                                  \
    do {                                                                                           \
        const size_t gf_count_ = (message)->n_settings;                                            \
        struct gf_setting *gf_settings_ = GF_ARENA_ARRAY((arena), gf_count_, struct gf_setting);   \
        for (size_t gf_i_ = 0; gf_i_ < gf_count_; gf_i_++) {                                       \
            gf_settings_[gf_i_] =                                                                  \
                (struct gf_setting){gf_str_from((message)->settings[gf_i_]->key),                  \
                                    gf_str_from((message)->settings[gf_i_]->value)};               \
        }                                                                                          \
        *(out_settings) = gf_settings_;                                                            \
        *(out_count) = gf_count_;                                                                  \
    } while (0)

/*
 * Puts the names in lower case (in the arena) and in their order, and checks everything that holds
 * for settings of every extension: names (1 to GF_PARAMETER_NAME_CHARS_MAX letters, digits, hyphens
 * and underscores, each once), the limits (GF_SETTINGS_MAX, GF_SETTING_BYTES_MAX,
 * GF_SETTINGS_BYTES_MAX), that none is what is shown instead of a secret, the form of references;
 * those to secrets of a pipeline are for subscriptions. Codes: GF_INVALID_ARGUMENT on "settings" or
 * `settings["NAME"]`, GF_UNIMPLEMENTED (references to objects).
 */
enum gf_code gf_settings_normalize(struct gf_setting *settings, size_t count, bool subscription,
                                   struct gf_arena *arena, struct gf_error *err) GF_MUST_USE;

/* Whether two lists, both normalized, say the same. */
bool gf_settings_same(const struct gf_setting *a, size_t a_count, const struct gf_setting *b,
                      size_t b_count);

/* ---- Kept ---- */

/* Where settings are, for the vault; in the arena. */
struct gf_str gf_settings_place_of_extension(struct gf_str extension_id, struct gf_arena *arena);
struct gf_str gf_settings_place_of_subscription(struct gf_str namespace_id,
                                                struct gf_str pipeline_id,
                                                struct gf_str extension_id,
                                                struct gf_str subscription_id,
                                                struct gf_arena *arena);

/*
 * Seals normalized settings for the place; none are empty. *out_fingerprint tells the same settings
 * from others without them; it is not 0 where there are some, and 0 where there are none. *out is
 * in the arena.
 */
void gf_settings_seal(struct gf_vault *vault, struct gf_str place,
                      const struct gf_setting *settings, size_t count, struct gf_arena *arena,
                      struct gf_str *out, int64_t *out_fingerprint);

/* Settings that were opened. The texts are in the buffer. */
struct gf_open_settings {
    struct gf_secret_buffer buffer;
    struct gf_setting items[GF_SETTINGS_MAX];
    size_t count;
};

/* Empty bytes are no settings. On an error *out is empty; else gf_settings_close it. Code:
 * GF_DATA_LOSS. */
enum gf_code gf_settings_open(struct gf_vault *vault, struct gf_str place, struct gf_str sealed,
                              struct gf_open_settings *out, struct gf_error *err) GF_MUST_USE;
/* Wipes them. A zeroed one is fine. Can be called with GF_CLEANUP. */
void gf_settings_close(struct gf_open_settings *settings);

/* ---- Shown ---- */

/*
 * What people see in the place of a value: a value that is one reference and nothing else as it is,
 * a literal of a parameter that is declared and no secret as it is, else GF_SETTING_HIDDEN. A
 * parameter that is not declared, or not any more, may be a secret. Borrowed from value, or static
 * storage.
 */
struct gf_str gf_setting_shown(const struct gf_setting *setting,
                               Gofer__V1__ExtensionParameter *const *parameters,
                               size_t parameter_count);

#endif /* GOFER_API_EXTENSION_SETTINGS_H_ */
