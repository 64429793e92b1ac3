/* The readers of tokens and roles. */
#include "engine/core/copy.h"
#include "engine/store/memory/list_internal.h"
#include "engine/store/memory/memory_internal.h"

static int compare_roles(const void *left, const void *right) {
    const struct gf_role *a = *(const struct gf_role *const *)left;
    const struct gf_role *b = *(const struct gf_role *const *)right;
    return gf_str_cmp(a->role_id, b->role_id);
}

/* Below 0: `a` comes before `b` in a list. */
static int compare_newest(const struct gf_token *a, const struct gf_token *b) {
    if (a->create_time != b->create_time) {
        return a->create_time > b->create_time ? -1 : 1;
    }
    return gf_str_cmp(b->token_id, a->token_id);
}

static int compare_tokens(const void *left, const void *right) {
    return compare_newest(*(const struct gf_token *const *)left,
                          *(const struct gf_token *const *)right);
}

enum gf_code gf_memory__list_roles(struct gf_store_reader *reader, struct gf_str after_role_id,
                                   size_t limit, struct gf_arena *arena, struct gf_role **out_items,
                                   size_t *out_count, GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&reader->store->roles, &position, NULL, &value)) {
        const struct gf_role *row = &((const struct memory_role *)value)->row;
        if (gf_str_cmp(row->role_id, after_role_id) > 0) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_roles);
    COPY_PAGE(&rows, limit, struct gf_role, gf_role_copy, arena, out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__get_role(struct gf_store_reader *reader, struct gf_str role_id,
                                 struct gf_arena *arena, struct gf_role *out,
                                 struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_role *role = gf_map_get(&reader->store->roles, role_id);
    if (role == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "role '%" GF_STR_FMT "' not found", GF_STR_ARG(role_id));
    }
    gf_role_copy(&role->row, arena, out);
    return GF_OK;
}

enum gf_code gf_memory__list_tokens(struct gf_store_reader *reader, const struct gf_token *after,
                                    size_t limit, struct gf_arena *arena,
                                    struct gf_token **out_items, size_t *out_count,
                                    GF_UNUSED struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    struct rows rows = {0};
    size_t position = 0;
    void *value = NULL;
    while (gf_map_next(&reader->store->tokens, &position, NULL, &value)) {
        const struct gf_token *row = &((const struct memory_token *)value)->row;
        if (after == NULL || compare_newest(row, after) > 0) {
            gf_vec_push(&rows, row);
        }
    }
    rows_sort(&rows, compare_tokens);
    COPY_PAGE(&rows, limit, struct gf_token, gf_token_copy, arena, out_items, out_count);
    return GF_OK;
}

enum gf_code gf_memory__get_token(struct gf_store_reader *reader, struct gf_str token_id,
                                  struct gf_arena *arena, struct gf_token *out,
                                  struct gf_error *err) {
    GF_MUTEX_GUARD(&reader->store->mutex);
    const struct memory_token *token = gf_map_get(&reader->store->tokens, token_id);
    if (token == NULL) {
        return gf_fail(err, GF_NOT_FOUND, "token '%" GF_STR_FMT "' not found",
                       GF_STR_ARG(token_id));
    }
    gf_token_copy(&token->row, arena, out);
    return GF_OK;
}
