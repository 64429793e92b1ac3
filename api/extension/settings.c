/*
 * Design: packing is the wire format of protobuf written by hand, so that no plaintext gets into a
 * heap that nobody wipes: a map of strings is a list of (tag, length, entry), and an entry is two
 * of (tag, length, text). What is opened was sealed here; it is read with care all the same.
 */
#include "api/extension/settings.h"

#include "api/codec/model/unsupported.h"
#include "engine/secrets/references.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_ENTRY = 0x0a, /* field 1 of the message */
    TAG_NAME = 0x0a,  /* field 1 of an entry */
    TAG_VALUE = 0x12, /* field 2 */
    VARINT_BYTES_MAX = 5,
    /* Of all settings: what they are, and for each entry three tags and lengths. */
    PACKED_BYTES_MAX = GF_SETTINGS_BYTES_MAX + GF_SETTINGS_MAX * 3 * (1 + VARINT_BYTES_MAX),
};

_Static_assert((int)PACKED_BYTES_MAX + (int)GF_VAULT_SETTINGS_OVERHEAD_BYTES <=
                   (int)GF_SETTINGS_SEALED_BYTES_MAX,
               "what is within the limits can be stored");

/* ---- From requests ---- */

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Where it is no name, its text is not shown: it may be a value that was put in the wrong place. */
static enum gf_code normalize_name(struct gf_setting *setting, struct gf_arena *arena,
                                   struct gf_error *err) {
    const struct gf_str name = setting->name;
    bool good = name.len > 0 && name.len <= GF_PARAMETER_NAME_CHARS_MAX;
    char *lower = gf_arena_alloc(arena, name.len + 1);
    for (size_t i = 0; good && i < name.len; i++) {
        lower[i] = to_lower(name.ptr[i]);
        good = is_name_char(lower[i]);
    }
    if (!good) {
        return gf_fail_field(err, "settings",
                             "a name has 1 to %d letters, digits, hyphens and underscores",
                             GF_PARAMETER_NAME_CHARS_MAX);
    }
    setting->name = (struct gf_str){lower, name.len};
    return GF_OK;
}

static void set_field(const struct gf_setting *setting, char field[GF_ERROR_FIELD_BYTES_MAX]) {
    (void)snprintf(field, GF_ERROR_FIELD_BYTES_MAX, "settings[\"%" GF_STR_FMT "\"]",
                   GF_STR_ARG(setting->name));
}

static enum gf_code check_references(const struct gf_setting *setting, const char *field,
                                     bool subscription, struct gf_error *err) {
    struct gf_text_part part = {0};
    size_t position = 0;
    size_t count = 0;
    bool more = true;
    for (;;) {
        const enum gf_code rc =
            gf_text_next(setting->value, GF_REFERENCES_ALL, &position, &more, &part, err);
        if (rc != GF_OK) {
            (void)gf_wrap_field(err, field);
            return rc;
        }
        if (!more) {
            return GF_OK;
        }
        if (part.kind == GF_REFERENCE_PIPELINE_OBJECT || part.kind == GF_REFERENCE_RUN_OBJECT) {
            char what[64];
            (void)snprintf(what, sizeof(what), "%s{{...}}", gf_reference_word(part.kind));
            return gf_fail_unsupported(err, field, what);
        }
        if (part.kind == GF_REFERENCE_PIPELINE_SECRET && !subscription) {
            return gf_fail_field(err, field,
                                 "pipeline_secret{{...}} is for subscriptions: an extension "
                                 "belongs to no pipeline");
        }
        count += part.kind != GF_REFERENCE_UNSPECIFIED;
        if (count > GF_REFERENCES_MAX) {
            return gf_fail_field(err, field, "there are more than %d references",
                                 GF_REFERENCES_MAX);
        }
    }
}

static int compare_names(const void *left, const void *right) {
    const struct gf_setting *a = left;
    const struct gf_setting *b = right;
    return gf_str_cmp(a->name, b->name);
}

static enum gf_code check_setting(const struct gf_setting *setting,
                                  const struct gf_setting *previous, bool subscription,
                                  struct gf_error *err) {
    char field[GF_ERROR_FIELD_BYTES_MAX];
    set_field(setting, field);
    if (previous != NULL && gf_str_eq(previous->name, setting->name)) {
        return gf_fail_field(err, field, "setting '%" GF_STR_FMT "' is given twice",
                             GF_STR_ARG(setting->name));
    }
    if (setting->value.len > GF_SETTING_BYTES_MAX) {
        return gf_fail_field(err, field, "the value has %zu bytes, expected up to %d",
                             setting->value.len, GF_SETTING_BYTES_MAX);
    }
    /* Somebody hands in what was shown: nobody wants that as a value. */
    if (gf_str_eq(setting->value, GF_STR(GF_SETTING_HIDDEN))) {
        return gf_fail_field(err, field,
                             "'" GF_SETTING_HIDDEN "' is what is shown instead of a secret: give "
                             "the value, or a reference to a secret");
    }
    return check_references(setting, field, subscription, err);
}

enum gf_code gf_settings_normalize(struct gf_setting *settings, size_t count, bool subscription,
                                   struct gf_arena *arena, struct gf_error *err) {
    if (count > GF_SETTINGS_MAX) {
        return gf_fail_field(err, "settings", "there are %zu settings, expected up to %d", count,
                             GF_SETTINGS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc = normalize_name(&settings[i], arena, err);
        if (rc != GF_OK) {
            return rc;
        }
    }
    if (count > 1) {
        qsort(settings, count, sizeof(*settings), compare_names);
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const enum gf_code rc =
            check_setting(&settings[i], i == 0 ? NULL : &settings[i - 1], subscription, err);
        if (rc != GF_OK) {
            return rc;
        }
        total += settings[i].name.len + settings[i].value.len;
    }
    if (total > GF_SETTINGS_BYTES_MAX) {
        return gf_fail_field(err, "settings", "all settings have %zu bytes, expected up to %d",
                             total, GF_SETTINGS_BYTES_MAX);
    }
    return GF_OK;
}

bool gf_settings_same(const struct gf_setting *a, size_t a_count, const struct gf_setting *b,
                      size_t b_count) {
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = gf_str_eq(a[i].name, b[i].name) && gf_str_eq(a[i].value, b[i].value);
    }
    return same;
}

/* ---- Kept ---- */

struct gf_str gf_settings_place_of_extension(struct gf_str extension_id, struct gf_arena *arena) {
    return gf_str_from(gf_arena_printf(arena, "extension/%" GF_STR_FMT, GF_STR_ARG(extension_id)));
}

struct gf_str gf_settings_place_of_subscription(struct gf_str namespace_id,
                                                struct gf_str pipeline_id,
                                                struct gf_str extension_id,
                                                struct gf_str subscription_id,
                                                struct gf_arena *arena) {
    return gf_str_from(gf_arena_printf(
        arena, "subscription/%" GF_STR_FMT "/%" GF_STR_FMT "/%" GF_STR_FMT "/%" GF_STR_FMT,
        GF_STR_ARG(namespace_id), GF_STR_ARG(pipeline_id), GF_STR_ARG(extension_id),
        GF_STR_ARG(subscription_id)));
}

static size_t varint_size(size_t number) {
    size_t size = 1;
    for (; number >= 0x80; number >>= 7) {
        size++;
    }
    return size;
}

static size_t text_size(struct gf_str text) {
    return 1 + varint_size(text.len) + text.len;
}

static void put_head(struct gf_secret_buffer *out, unsigned char tag, size_t length) {
    char head[1 + VARINT_BYTES_MAX + 5];
    size_t size = 0;
    head[size++] = (char)tag;
    for (; length >= 0x80; length >>= 7) {
        head[size++] = (char)(length | 0x80);
    }
    head[size++] = (char)length;
    gf_secret_buffer_append(out, (struct gf_str){head, size});
}

static void put_text(struct gf_secret_buffer *out, unsigned char tag, struct gf_str text) {
    put_head(out, tag, text.len);
    gf_secret_buffer_append(out, text);
}

void gf_settings_seal(struct gf_vault *vault, struct gf_str place,
                      const struct gf_setting *settings, size_t count, struct gf_arena *arena,
                      struct gf_str *out, int64_t *out_fingerprint) {
    if (count == 0) {
        *out = GF_STR("");
        *out_fingerprint = 0;
        return;
    }
    GF_CLEANUP(gf_secret_buffer_fini) struct gf_secret_buffer packed = {0};
    gf_secret_buffer_init(&packed, PACKED_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        put_head(&packed, TAG_ENTRY, text_size(settings[i].name) + text_size(settings[i].value));
        put_text(&packed, TAG_NAME, settings[i].name);
        put_text(&packed, TAG_VALUE, settings[i].value);
    }
    gf_assert(!packed.overflowed);
    const struct gf_str bytes = gf_secret_buffer_view(&packed);
    const int64_t fingerprint = gf_vault_fingerprint_settings(vault, bytes);
    gf_vault_seal_settings(vault, place, bytes, arena, out);
    *out_fingerprint = fingerprint == 0 ? 1 : fingerprint;
}

/* Takes (tag, length, text) from the front; false where there is none. */
static bool take_text(struct gf_str *bytes, unsigned char tag, struct gf_str *out) {
    size_t at = 0;
    size_t length = 0;
    if (bytes->len == 0 || (unsigned char)bytes->ptr[at++] != tag) {
        return false;
    }
    for (unsigned shift = 0;; shift += 7) {
        if (at == bytes->len || shift > 7 * (VARINT_BYTES_MAX - 1)) {
            return false;
        }
        const unsigned char byte = (unsigned char)bytes->ptr[at++];
        length |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            break;
        }
    }
    if (length > bytes->len - at) {
        return false;
    }
    *out = (struct gf_str){bytes->ptr + at, length};
    *bytes = (struct gf_str){bytes->ptr + at + length, bytes->len - at - length};
    return true;
}

static bool unpack(struct gf_open_settings *settings) {
    struct gf_str rest = gf_secret_buffer_view(&settings->buffer);
    while (rest.len > 0) {
        struct gf_str entry = GF_STR("");
        struct gf_setting setting = {GF_STR(""), GF_STR("")};
        if (settings->count == GF_SETTINGS_MAX || !take_text(&rest, TAG_ENTRY, &entry) ||
            !take_text(&entry, TAG_NAME, &setting.name) ||
            !take_text(&entry, TAG_VALUE, &setting.value) || entry.len > 0) {
            return false;
        }
        settings->items[settings->count++] = setting;
    }
    return true;
}

enum gf_code gf_settings_open(struct gf_vault *vault, struct gf_str place, struct gf_str sealed,
                              struct gf_open_settings *out, struct gf_error *err) {
    memset(out, 0, sizeof(*out));
    if (sealed.len == 0) {
        return GF_OK;
    }
    gf_secret_buffer_init(&out->buffer, PACKED_BYTES_MAX);
    enum gf_code rc = gf_vault_open_settings(vault, place, sealed, &out->buffer, err);
    if (rc == GF_OK && !unpack(out)) {
        rc = gf_fail(err, GF_DATA_LOSS, "settings of %" GF_STR_FMT " are not what was stored",
                     GF_STR_ARG(place));
    }
    if (rc != GF_OK) {
        gf_settings_close(out);
    }
    return rc;
}

void gf_settings_close(struct gf_open_settings *settings) {
    gf_secret_buffer_fini(&settings->buffer);
    memset(settings, 0, sizeof(*settings));
}

/* ---- Shown ---- */

struct gf_str gf_setting_shown(const struct gf_setting *setting,
                               Gofer__V1__ExtensionParameter *const *parameters,
                               size_t parameter_count) {
    struct gf_text_part part = {0};
    size_t position = 0;
    bool more = false;
    if (gf_text_next(setting->value, GF_REFERENCES_ALL, &position, &more, &part, NULL) == GF_OK &&
        more && part.kind != GF_REFERENCE_UNSPECIFIED && position == setting->value.len) {
        return setting->value;
    }
    const Gofer__V1__ExtensionParameter *parameter =
        gf_parameter_find(parameters, parameter_count, setting->name);
    return parameter != NULL && !parameter->secret ? setting->value : GF_STR(GF_SETTING_HIDDEN);
}
