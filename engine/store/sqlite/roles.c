#include "engine/store/sqlite/permissions.h"
#include "engine/store/sqlite/store_internal.h"

enum gf_code gf_sqlite__write_role(struct gf_sqlite_store *store, const struct gf_role *role,
                                   struct gf_error *err) {
    gf_strbuf_reset(&store->scratch);
    gf_sqlite__permissions_encode(role->permissions, role->permission_count, &store->scratch);
    if (store->scratch.overflowed) {
        return gf_fail(err, GF_INTERNAL, "the permissions of role '%" GF_STR_FMT "' are too large",
                       GF_STR_ARG(role->role_id));
    }
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_WRITE_ROLE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, role->role_id);
    gf_sqlite__bind_str(&bind, role->description);
    gf_sqlite__bind_blob(&bind, gf_strbuf_view(&store->scratch));
    gf_sqlite__bind_i64(&bind, role->create_time);
    gf_sqlite__bind_i64(&bind, role->update_time);
    return gf_sqlite__run_bound(&bind, "write a role", NULL, err);
}

enum gf_code gf_sqlite__delete_role(struct gf_sqlite_store *store, const struct gf_str *role_id,
                                    struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    const enum gf_code rc = gf_sqlite__bind_start(&bind, &store->writer, GF_SQL_DELETE_ROLE, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, *role_id);
    return gf_sqlite__run_bound(&bind, "delete a role", NULL, err);
}

static enum gf_code read_role(struct gf_sqlite_row *row, void *item, struct gf_error *err) {
    struct gf_role *role = item;
    role->role_id = gf_sqlite__str(row);
    role->description = gf_sqlite__str(row);
    const struct gf_str permissions = gf_sqlite__blob(row);
    role->create_time = gf_sqlite__i64(row);
    role->update_time = gf_sqlite__i64(row);
    const enum gf_code rc = gf_sqlite__permissions_decode(
        permissions, row->arena, &role->permissions, &role->permission_count, err);
    return rc == GF_OK ? GF_OK : gf_wrap(err, "role '%" GF_STR_FMT "'", GF_STR_ARG(role->role_id));
}

enum gf_code gf_sqlite__get_role(struct gf_store_reader *reader, struct gf_str role_id,
                                 struct gf_arena *arena, struct gf_role *out,
                                 struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_GET_ROLE, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, role_id);
    bool found = false;
    rc = gf_sqlite__select_one(&bind, "roles", read_role, sizeof(*out), arena, out, &found, err);
    if (rc == GF_OK && !found) {
        return gf_fail(err, GF_NOT_FOUND, "role '%" GF_STR_FMT "' not found", GF_STR_ARG(role_id));
    }
    return rc;
}

enum gf_code gf_sqlite__list_roles(struct gf_store_reader *reader, struct gf_str after_role_id,
                                   size_t limit, struct gf_arena *arena, struct gf_role **out_items,
                                   size_t *out_count, struct gf_error *err) {
    struct gf_sqlite_bind bind = {0};
    enum gf_code rc = gf_sqlite__read_start(reader, GF_SQL_LIST_ROLES, &bind, err);
    if (rc != GF_OK) {
        return rc;
    }
    gf_sqlite__bind_str(&bind, after_role_id);
    gf_sqlite__bind_i64(&bind, (int64_t)limit);
    void *items = NULL;
    rc = gf_sqlite__select(&bind, "roles", read_role, sizeof(struct gf_role), limit, arena, &items,
                           out_count, err);
    if (rc == GF_OK) {
        *out_items = items;
    }
    return rc;
}
