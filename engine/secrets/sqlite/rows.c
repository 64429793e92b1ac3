/*
 * Rows, of which nothing is believed: who can write to the file can put anything there. What is not
 * as the server writes it is damaged (GF_DATA_LOSS); above all, nothing is larger than it may be,
 * and names are names. Whether a value is right only its encryption tells.
 */
#include "base/identifier.h"
#include "engine/auth/glob.h"
#include "engine/secrets/seal.h"
#include "engine/secrets/sqlite/store_internal.h"

#include <string.h>

enum {
    USER_BYTES_MAX = 4 << 10,
    ID_BYTES_MAX = GF_IDENTIFIER_CHARS_MAX,
    TEXT_BYTES_MAX = GF_SECRET_CHANGE_TEXT_BYTES_MAX,
    DESCRIPTION_BYTES_MAX = 4 * GF_SECRET_DESCRIPTION_CHARS_MAX,
    GLOBS_BYTES_MAX = GF_SECRET_NAMESPACES_MAX * (GF_GLOB_CHARS_MAX + 1),
};

/* ---- Columns ---- */

struct gf_str gf_sqlite_secret__bytes(struct gf_sqlite_row *row, size_t max) {
    const size_t size = (size_t)sqlite3_column_bytes(row->stmt, row->next);
    if (size > max) {
        row->damaged = true;
        row->next++;
        return (struct gf_str){NULL, 0};
    }
    return gf_sqlite__str(row);
}

struct gf_str gf_sqlite_secret__text(struct gf_sqlite_row *row, size_t max) {
    const struct gf_str text = gf_sqlite_secret__bytes(row, max);
    if (text.len != 0 && (memchr(text.ptr, '\0', text.len) != NULL || !gf_utf8_valid(text))) {
        row->damaged = true;
        return (struct gf_str){NULL, 0};
    }
    return text;
}

/* An identifier, or, where that may be, nothing. */
static struct gf_str read_id(struct gf_sqlite_row *row, bool may_be_empty) {
    const struct gf_str id = gf_sqlite_secret__bytes(row, ID_BYTES_MAX);
    if (!(may_be_empty && id.len == 0) && gf_identifier_check(id, "", NULL) != GF_OK) {
        row->damaged = true;
        return (struct gf_str){NULL, 0};
    }
    return id;
}

static int64_t read_from(struct gf_sqlite_row *row, int64_t min) {
    const int64_t number = gf_sqlite__i64(row);
    row->damaged = row->damaged || number < min;
    return number;
}

static struct gf_secret_place read_place(struct gf_sqlite_row *row, bool key_may_be_empty) {
    struct gf_secret_place place;
    place.namespace_key = read_from(row, 0);
    place.pipeline_key = read_from(row, 0);
    place.key = read_id(row, key_may_be_empty);
    return place;
}

/* A secret's: either both numbers are 0 or none is. */
static struct gf_secret_place read_secret_place(struct gf_sqlite_row *row) {
    const struct gf_secret_place place = read_place(row, /* key_may_be_empty= */ false);
    row->damaged = row->damaged || (place.namespace_key == 0) != (place.pipeline_key == 0);
    return place;
}

void gf_sqlite_secret__bind_place(struct gf_sqlite_bind *bind,
                                  const struct gf_secret_place *place) {
    gf_sqlite__bind_i64(bind, place->namespace_key);
    gf_sqlite__bind_i64(bind, place->pipeline_key);
    gf_sqlite__bind_str(bind, place->key);
}

/* ---- Globs ---- */

void gf_sqlite_secret__join(const struct gf_str *globs, size_t count, struct gf_strbuf *out) {
    for (size_t i = 0; i < count; i++) {
        if (i != 0) {
            gf_strbuf_append_char(out, '\n');
        }
        gf_strbuf_append(out, globs[i]);
    }
}

static void read_globs(struct gf_sqlite_row *row, struct gf_secret *secret) {
    struct gf_str rest = gf_sqlite_secret__bytes(row, GLOBS_BYTES_MAX);
    size_t count = rest.len == 0 ? 0 : 1;
    for (size_t i = 0; i < rest.len; i++) {
        count += rest.ptr[i] == '\n' ? 1 : 0;
    }
    if (count > GF_SECRET_NAMESPACES_MAX) {
        row->damaged = true;
        return;
    }
    struct gf_str *globs = gf_sqlite__row_alloc(row, count * sizeof(*globs));
    if (globs == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct gf_str tail = {NULL, 0};
        (void)gf_str_cut(rest, '\n', &globs[i], &tail);
        rest = tail;
        row->damaged = row->damaged || gf_glob_check(globs[i], "", NULL) != GF_OK;
    }
    secret->namespaces = globs;
    secret->namespace_count = count;
}

/* ---- Rows ---- */

enum gf_code gf_sqlite_secret__read_secret(struct gf_sqlite_row *row, void *item,
                                           GF_UNUSED struct gf_error *err) {
    struct gf_secret *secret = item;
    secret->place = read_secret_place(row);
    secret->namespace_id = read_id(row, /* may_be_empty= */ true);
    secret->pipeline_id = read_id(row, /* may_be_empty= */ true);
    read_globs(row, secret);
    secret->description = gf_sqlite_secret__text(row, DESCRIPTION_BYTES_MAX);
    secret->latest_version = read_from(row, 1);
    secret->create_time = gf_sqlite__i64(row);
    secret->update_time = gf_sqlite__i64(row);
    secret->last_use_time = gf_sqlite__i64(row);
    secret->mark = gf_sqlite_secret__bytes(row, GF_SECRET_MARK_BYTES);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__read_version(struct gf_sqlite_row *row, void *item,
                                            GF_UNUSED struct gf_error *err) {
    struct gf_secret_version *version = item;
    version->version = read_from(row, 1);
    version->create_time = gf_sqlite__i64(row);
    version->create_user = gf_sqlite_secret__text(row, USER_BYTES_MAX);
    version->size_bytes = read_from(row, 0);
    version->key_number = gf_sqlite__i64(row);
    version->sealed = gf_sqlite_secret__bytes(row, GF_SEALED_BYTES_MAX);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__read_both(struct gf_sqlite_row *row, void *item,
                                         struct gf_error *err) {
    struct secret_and_version *both = item;
    const enum gf_code rc = gf_sqlite_secret__read_secret(row, &both->secret, err);
    return rc == GF_OK ? gf_sqlite_secret__read_version(row, &both->version, err) : rc;
}

enum gf_code gf_sqlite_secret__read_value(struct gf_sqlite_row *row, void *item,
                                          struct gf_error *err) {
    struct gf_secret_value_row *value = item;
    value->place = read_secret_place(row);
    return gf_sqlite_secret__read_version(row, &value->version, err);
}

static bool purpose_valid(int64_t number) {
    return number >= GF_SECRET_KEY_VALUES && number <= GF_SECRET_KEY_SETTINGS;
}

static bool state_valid(int64_t number) {
    return number == GF_SECRET_KEY_ACTIVE || number == GF_SECRET_KEY_RETIRED;
}

static bool change_valid(int64_t number) {
    return number >= GF_SECRET_CHANGE_PUT && number <= GF_SECRET_CHANGE_KEYS_ROTATED;
}

enum gf_code gf_sqlite_secret__read_key(struct gf_sqlite_row *row, void *item,
                                        GF_UNUSED struct gf_error *err) {
    struct gf_secret_key *key = item;
    key->purpose = (enum gf_secret_key_purpose)gf_sqlite__enum(row, purpose_valid);
    key->namespace_key = read_from(row, 0);
    key->number = read_from(row, 1);
    key->wrapped = gf_sqlite_secret__bytes(row, GF_SECRET_KEY_WRAPPED_BYTES);
    key->master_key_id = gf_sqlite_secret__text(row, GF_MASTER_KEY_ID_BYTES);
    key->create_time = gf_sqlite__i64(row);
    key->state = (enum gf_secret_key_state)gf_sqlite__enum(row, state_valid);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__read_change(struct gf_sqlite_row *row, void *item,
                                           GF_UNUSED struct gf_error *err) {
    struct gf_secret_change *change = item;
    change->sequence = read_from(row, 1);
    change->kind = (enum gf_secret_change_kind)gf_sqlite__enum(row, change_valid);
    change->place = read_place(row, /* key_may_be_empty= */ true);
    change->namespace_id = read_id(row, /* may_be_empty= */ true);
    change->pipeline_id = read_id(row, /* may_be_empty= */ true);
    change->version = read_from(row, 0);
    change->time = gf_sqlite__i64(row);
    change->user = gf_sqlite_secret__text(row, TEXT_BYTES_MAX);
    change->address = gf_sqlite_secret__text(row, TEXT_BYTES_MAX);
    change->token_id = gf_sqlite_secret__text(row, TEXT_BYTES_MAX);
    return GF_OK;
}

enum gf_code gf_sqlite_secret__read_request(struct gf_sqlite_row *row, void *item,
                                            GF_UNUSED struct gf_error *err) {
    struct gf_secret_request *request = item;
    request->caller = gf_sqlite_secret__text(row, TEXT_BYTES_MAX);
    request->request_id = gf_sqlite_secret__text(row, TEXT_BYTES_MAX);
    request->fingerprint = gf_sqlite_secret__bytes(row, GF_SECRET_FINGERPRINT_BYTES);
    request->create_time = gf_sqlite__i64(row);
    request->number = read_from(row, 0);
    request->created = gf_sqlite__bool(row);
    return GF_OK;
}
