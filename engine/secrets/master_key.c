/*
 * Design: the text of keys never leaves guarded memory: files are read into it and base64 is
 * decoded from it into it. The file is opened first and looked at afterwards, by its descriptor, so
 * that it cannot be exchanged in between.
 */
#include "engine/secrets/master_key.h"

#include "base/alloc.h"
#include "base/base64.h"

#include <string.h>

#include <sodium.h>

#define HOW_TO_MAKE                                                                                \
    "write '" GF_MASTER_KEY_PREFIX "' and behind it what 'openssl rand -base64 32' prints"

enum {
    KEY_TEXT_CHARS = 44, /* of base64 */
    /* What decoding 44 characters may touch. */
    DECODE_BYTES = (KEY_TEXT_CHARS / 4 * 3) + 3,
    ID_DIGEST_BYTES = 16, /* the least that the hash gives; half of it is the id */
};

struct gf_master_keys {
    struct gf_guarded region; /* GF_MASTER_KEYS_MAX keys */
    size_t count;
    char ids[GF_MASTER_KEYS_MAX][GF_MASTER_KEY_ID_BYTES];
};

struct gf_master_keys *gf_master_keys_create(void) {
    struct gf_master_keys *keys = GF_NEW(struct gf_master_keys);
    gf_guarded_init(&keys->region, (size_t)GF_MASTER_KEYS_MAX * GF_MASTER_KEY_BYTES);
    return keys;
}

void gf_master_keys_destroy(struct gf_master_keys *keys) {
    if (keys == NULL) {
        return;
    }
    gf_guarded_fini(&keys->region);
    free(keys);
}

void gf_master_keys_destroy_p(struct gf_master_keys **keys) {
    gf_master_keys_destroy(*keys);
}

size_t gf_master_keys_count(const struct gf_master_keys *keys) {
    return keys->count;
}

struct gf_str gf_master_keys_id(const struct gf_master_keys *keys, size_t index) {
    gf_assert(index < keys->count);
    return gf_str_from(keys->ids[index]);
}

bool gf_master_keys_find(const struct gf_master_keys *keys, struct gf_str id, size_t *out_index) {
    for (size_t i = 0; i < keys->count; i++) {
        if (gf_str_eq(gf_str_from(keys->ids[i]), id)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

const unsigned char *gf_master_keys__open(struct gf_master_keys *keys, size_t index) {
    gf_assert(index < keys->count);
    return gf_guarded_open(&keys->region) + index * GF_MASTER_KEY_BYTES;
}

void gf_master_keys__close(struct gf_master_keys *keys) {
    gf_guarded_close(&keys->region);
}

/* ---- Weakness: each of these befalls a random key with a chance of less than 10^-10. ---- */

static bool has_few_different_bytes(const unsigned char key[GF_MASTER_KEY_BYTES]) {
    bool seen[256] = {false};
    size_t different = 0;
    for (size_t i = 0; i < GF_MASTER_KEY_BYTES; i++) {
        different += seen[key[i]] ? 0 : 1;
        seen[key[i]] = true;
    }
    sodium_memzero(seen, sizeof(seen));
    return different < GF_MASTER_KEY_DIFFERENT_BYTES_MIN;
}

static bool is_text(const unsigned char key[GF_MASTER_KEY_BYTES]) {
    for (size_t i = 0; i < GF_MASTER_KEY_BYTES; i++) {
        const bool white = key[i] == '\t' || key[i] == '\n' || key[i] == '\r';
        if (!white && (key[i] < 0x20 || key[i] > 0x7e)) {
            return false;
        }
    }
    return true;
}

static bool is_repetition(const unsigned char key[GF_MASTER_KEY_BYTES]) {
    for (size_t period = 1; period <= GF_MASTER_KEY_BYTES / 2; period++) {
        size_t i = period;
        while (i < GF_MASTER_KEY_BYTES && key[i] == key[i - period]) {
            i++;
        }
        if (i == GF_MASTER_KEY_BYTES) {
            return true;
        }
    }
    return false;
}

/* 00 01 02 03 ..., with any step. */
static bool is_series(const unsigned char key[GF_MASTER_KEY_BYTES]) {
    const unsigned char step = (unsigned char)(key[1] - key[0]);
    for (size_t i = 1; i < GF_MASTER_KEY_BYTES; i++) {
        if ((unsigned char)(key[i] - key[i - 1]) != step) {
            return false;
        }
    }
    return true;
}

/* What is wrong with a key; NULL when nothing is. */
static const char *weakness(const unsigned char key[GF_MASTER_KEY_BYTES]) {
    if (is_repetition(key)) {
        return "a repetition";
    }
    if (is_series(key)) {
        return "a series of numbers";
    }
    if (is_text(key)) {
        return "a text";
    }
    if (has_few_different_bytes(key)) {
        return "made of too few different bytes";
    }
    return NULL;
}

/* ---- Reading ---- */

static void make_id(const unsigned char key[GF_MASTER_KEY_BYTES],
                    char out_id[GF_MASTER_KEY_ID_BYTES]) {
    static const char label[] = "gofer master key id";
    unsigned char digest[ID_DIGEST_BYTES];
    gf_assert(crypto_generichash(digest, sizeof(digest), (const unsigned char *)label,
                                 sizeof(label) - 1, key, GF_MASTER_KEY_BYTES) == 0);
    gf_guarded_wipe_stack();
    (void)sodium_bin2hex(out_id, GF_MASTER_KEY_ID_BYTES, digest, GF_MASTER_KEY_ID_BYTES / 2);
}

/* Reads one line into `key`, guarded memory of DECODE_BYTES. */
static enum gf_code read_key(struct gf_str line, const char *source, unsigned char *key,
                             struct gf_error *err) {
    if (!gf_str_has_prefix(line, GF_STR(GF_MASTER_KEY_PREFIX))) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "%s holds something that is no master key: " HOW_TO_MAKE, source);
    }
    const size_t prefix_len = sizeof(GF_MASTER_KEY_PREFIX) - 1;
    const struct gf_str text = {line.ptr + prefix_len, line.len - prefix_len};
    size_t size = 0;
    if (text.len > KEY_TEXT_CHARS || !gf_base64_decode(text, key, &size) ||
        size != GF_MASTER_KEY_BYTES) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "%s holds a master key that is not %d bytes in base64, %d characters: it "
                       "was cut or changed; restore it, or make another one: " HOW_TO_MAKE,
                       source, GF_MASTER_KEY_BYTES, KEY_TEXT_CHARS);
    }
    const char *weak = weakness(key);
    if (weak != NULL) {
        return gf_fail(
            err, GF_FAILED_PRECONDITION,
            "%s holds a weak master key: it is %s, not random; make another one: " HOW_TO_MAKE,
            source, weak);
    }
    return GF_OK;
}

/* Adds a key to `all`, behind `*count` others. */
static enum gf_code add_key(struct gf_master_keys *keys, unsigned char *all, size_t *count,
                            const unsigned char *key, const char *source, struct gf_error *err) {
    char id[GF_MASTER_KEY_ID_BYTES];
    make_id(key, id);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(keys->ids[i], id) == 0) {
            return GF_OK;
        }
    }
    if (*count == GF_MASTER_KEYS_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED,
                       "%s: more than %d master keys: remove those that wrap nothing any more",
                       source, GF_MASTER_KEYS_MAX);
    }
    memcpy(all + *count * GF_MASTER_KEY_BYTES, key, GF_MASTER_KEY_BYTES);
    memcpy(keys->ids[*count], id, sizeof(id));
    (*count)++;
    return GF_OK;
}

static struct gf_str trim(struct gf_str text) {
    while (text.len != 0 && strchr(" \t\r", text.ptr[text.len - 1]) != NULL) {
        text.len--;
    }
    while (text.len != 0 && strchr(" \t", text.ptr[0]) != NULL) {
        text = (struct gf_str){text.ptr + 1, text.len - 1};
    }
    return text;
}

static enum gf_code add_lines(struct gf_master_keys *keys, unsigned char *all, size_t *count,
                              struct gf_str text, const char *source, struct gf_error *err) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *key = gf_guarded_alloc(DECODE_BYTES);
    size_t found = 0;
    while (text.len != 0) {
        struct gf_str line = {0};
        (void)gf_str_cut(text, '\n', &line, &text);
        line = trim(line);
        if (line.len == 0 || line.ptr[0] == '#') {
            continue;
        }
        enum gf_code rc = read_key(line, source, key, err);
        if (rc == GF_OK) {
            rc = add_key(keys, all, count, key, source, err);
        }
        if (rc != GF_OK) {
            return rc;
        }
        found++;
    }
    if (found == 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "%s holds no master key: " HOW_TO_MAKE, source);
    }
    return GF_OK;
}

enum gf_code gf_master_keys_add_text(struct gf_master_keys *keys, struct gf_str text,
                                     const char *source, struct gf_error *err) {
    if (text.len > GF_MASTER_KEY_FILE_BYTES_MAX) {
        return gf_fail(err, GF_FAILED_PRECONDITION,
                       "%s has %zu bytes, more than the %d that master keys may have: is it the "
                       "right one?",
                       source, text.len, GF_MASTER_KEY_FILE_BYTES_MAX);
    }
    unsigned char *all = gf_guarded_unseal(&keys->region);
    size_t count = keys->count;
    const enum gf_code rc = add_lines(keys, all, &count, text, source, err);
    if (rc == GF_OK) {
        keys->count = count;
    } else {
        sodium_memzero(all + keys->count * GF_MASTER_KEY_BYTES,
                       (count - keys->count) * GF_MASTER_KEY_BYTES);
    }
    gf_guarded_seal(&keys->region);
    return rc;
}

void gf_master_key_generate(struct gf_secret_buffer *out) {
    GF_CLEANUP(gf_guarded_free_p) unsigned char *key = gf_guarded_alloc(GF_MASTER_KEY_BYTES);
    do {
        randombytes_buf(key, GF_MASTER_KEY_BYTES);
    } while (weakness(key) != NULL);
    gf_secret_buffer_append(out, GF_STR(GF_MASTER_KEY_PREFIX));
    char *text = gf_secret_buffer_extend(out, KEY_TEXT_CHARS);
    gf_assert(text != NULL);
    gf_assert(gf_base64_encoded_size(GF_MASTER_KEY_BYTES) == KEY_TEXT_CHARS);
    gf_base64_encode(key, GF_MASTER_KEY_BYTES, text);
}
