/*
 * Tokens. The core knows of every token whether it is new, but its key is no number that could tell
 * so here: a row is updated, and inserted where there was none. Few are ever new, and the usual
 * change, a last use, is one statement.
 */
#include "engine/store/sqlite/store_internal.h"
#include "engine/store/sqlite/token_lists.h"

#include <string.h>

static enum gf_code update(struct gf_sqlite_store *store, const struct gf_token *token,
                           int64_t *out_changed, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_UPDATE_TOKEN, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_i64(&bind, token->disabled);
    gf_sqlite__bind_i64(&bind, token->last_use_time);
    gf_sqlite__bind_str(&bind, token->last_use_peer);
    gf_sqlite__bind_str(&bind, token->token_id);
    return gf_sqlite__run_bound(&bind, "update a token", out_changed, err);
}

static enum gf_code insert(struct gf_sqlite_store *store, const struct gf_token *token,
                           struct gf_error *err) {
    gf_strbuf_reset(&store->scratch);
    gf_sqlite__token_lists_encode(token, &store->scratch);
    if (store->scratch.overflowed) {
        return gf_fail(err, GF_INTERNAL, "the metadata of token '%" GF_STR_FMT "' are too large",
                       GF_STR_ARG(token->token_id));
    }
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_INSERT_TOKEN, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, token->token_id);
    gf_sqlite__bind_blob(
        &bind, (struct gf_str){(const char *)token->digest.bytes, sizeof(token->digest.bytes)});
    gf_sqlite__bind_i64(&bind, token->kind);
    gf_sqlite__bind_str(&bind, token->user);
    gf_sqlite__bind_str(&bind, token->description);
    gf_sqlite__bind_blob(&bind, gf_strbuf_view(&store->scratch));
    gf_sqlite__bind_str(&bind, token->extension_id);
    gf_sqlite__bind_i64(&bind, token->create_time);
    gf_sqlite__bind_i64(&bind, token->expire_time);
    gf_sqlite__bind_i64(&bind, token->disabled);
    gf_sqlite__bind_i64(&bind, token->last_use_time);
    gf_sqlite__bind_str(&bind, token->last_use_peer);
    return gf_sqlite__run_bound(&bind, "insert a token", NULL, err);
}

enum gf_code gf_sqlite__write_token(struct gf_sqlite_store *store, const struct gf_token *token,
                                    struct gf_error *err) {
    int64_t changed = 0;
    const enum gf_code rc = update(store, token, &changed, err);
    return rc != GF_OK || changed > 0 ? rc : insert(store, token, err);
}

enum gf_code gf_sqlite__delete_token(struct gf_sqlite_store *store, const struct gf_str *token_id,
                                     struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DELETE_TOKEN, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, *token_id);
    return gf_sqlite__run_bound(&bind, "delete a token", NULL, err);
}

static void read_digest(struct gf_sqlite_row *row, struct gf_token_digest *out) {
    const struct gf_str bytes = gf_sqlite__blob(row);
    if (bytes.len != sizeof(out->bytes)) {
        row->damaged = true;
        return;
    }
    memcpy(out->bytes, bytes.ptr, sizeof(out->bytes));
}

static enum gf_code read_token(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_token *token = item;
    token->token_id = gf_sqlite__str(row);
    read_digest(row, &token->digest);
    token->kind = (enum gf_token_kind)gf_sqlite__enum(row, gf_token_kind_valid);
    token->user = gf_sqlite__str(row);
    token->description = gf_sqlite__str(row);
    const struct gf_str lists = gf_sqlite__blob(row);
    token->extension_id = gf_sqlite__str(row);
    token->create_time = gf_sqlite__i64(row);
    token->expire_time = gf_sqlite__i64(row);
    token->disabled = gf_sqlite__bool(row);
    token->last_use_time = gf_sqlite__i64(row);
    token->last_use_peer = gf_sqlite__str(row);
    const enum gf_code rc = gf_sqlite__token_lists_decode(lists, row->arena, token, err);
    return rc == GF_OK ? GF_OK
                       : gf_wrap(err, "token '%" GF_STR_FMT "'", GF_STR_ARG(token->token_id));
}

enum gf_code gf_sqlite__get_token(struct gf_store_reader *reader, struct gf_str token_id,
                                  struct gf_arena *arena, struct gf_token *out,
                                  struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_TOKEN, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, token_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "tokens", read_token, sizeof(*out), arena, out, &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "token '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(token_id));
    }
    return rc;
}

enum gf_code gf_sqlite__list_tokens(struct gf_store_reader *reader, const struct gf_token *after,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_token **out_items, size_t *out_count,
                                    struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_TOKENS, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    /* No token is made at the end of all times. */
    gf_sqlite__bind_i64(&bind, after == NULL ? INT64_MAX : after->create_time);
    gf_sqlite__bind_str(&bind, after == NULL ? GF_STR("") : after->token_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "tokens", read_token, sizeof(struct gf_token), limit, arena,
                           &items, out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
