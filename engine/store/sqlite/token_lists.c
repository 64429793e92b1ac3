#include "engine/store/sqlite/token_lists.h"

#include "engine/store/sqlite/packed_fields.h"

enum field {
    ROLES = 1,
    METADATA = 2,
};

void gf_sqlite__token_lists_encode(const struct gf_token *token, struct gf_strbuf *out) {
    const size_t start = out->len;
    if (token->role_count > 0) {
        gf_sqlite__put_field(out, start, ROLES);
        gf_sqlite__put_texts(out, token->role_ids, token->role_count);
    }
    if (token->metadata_count > 0) {
        gf_sqlite__put_field(out, start, METADATA);
        gf_sqlite__put_labels(out, token->metadata, token->metadata_count);
    }
}

static bool take_field(struct gf_sqlite_fields *fields, unsigned char field, void *item) {
    struct gf_token *token = item;
    switch (field) {
    case ROLES:
        return gf_sqlite__take_texts(fields, GF_TOKEN_ROLES_MAX, &token->role_ids,
                                     &token->role_count) &&
               token->role_count > 0;
    case METADATA:
        return gf_sqlite__take_labels(fields, &token->metadata, &token->metadata_count);
    default:
        return false;
    }
}

enum gf_code gf_sqlite__token_lists_decode(struct gf_str bytes, struct gf_arena *arena,
                                           struct gf_token *token, struct gf_error *err) {
    struct gf_token read = *token;
    const enum gf_code rc = gf_sqlite__fields_decode(bytes, "the stored lists of a token", arena,
                                                     take_field, &read, err);
    if (rc == GF_OK) {
        *token = read;
    }
    return rc;
}
