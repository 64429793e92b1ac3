/* The roles of the table: compiled once, pointed to by those who have them. */
#include "api/access/table_internal.h"
#include "base/alloc.h"
#include "base/log.h"
#include "engine/auth/system_roles.h"
#include "engine/core/copy.h"

enum {
    ROLE_BYTES_MAX = 4 << 20, /* of one role; its limits keep it far below */
};

struct access_role *gf_access__create_role(struct gf_str role_id) {
    struct access_role *role = gf_calloc(1, sizeof(*role) + role_id.len + 1);
    gf_arena_init(&role->arena, ROLE_BYTES_MAX);
    memcpy(role->role_id, role_id.ptr, role_id.len);
    return role;
}

static void clear_role(struct access_role *role) {
    gf_access_destroy(role->access);
    role->access = NULL;
    gf_arena_fini(&role->arena);
}

void gf_access__free_role(struct access_role *role) {
    if (role != NULL) {
        clear_role(role);
        free(role);
    }
}

void gf_access__fill_role(struct access_role *role, const struct gf_role *row) {
    gf_role_copy(row, &role->arena, &role->row);
    const struct gf_role *rows[] = {&role->row};
    struct gf_error error;
    if (gf_access_create(rows, 1, &role->access, &error) != GF_OK) {
        role->access = NULL;
        gf_log_error("role_unusable", GF_KV_VIEW("role_id", row->role_id), GF_KV_ERROR(&error));
    }
}

struct access_role *gf_access__use_role(struct gf_access_table *table, struct gf_str role_id) {
    struct access_role *role = gf_map_get(&table->roles, role_id);
    if (role == NULL) {
        role = gf_access__create_role(role_id);
        (void)gf_map_put(&table->roles, role_id, role);
    }
    role->use_count++;
    return role;
}

/* Frees what neither is there nor is named by anybody. Lock held. */
static void drop_role(struct gf_access_table *table, struct access_role *role) {
    if (role->use_count == 0 && role->access == NULL && !role->fixed) {
        (void)gf_map_remove(&table->roles, gf_str_from(role->role_id));
        gf_access__free_role(role);
    }
}

static bool same_roles(const struct role_list *list, const struct gf_str *role_ids, size_t count) {
    if (list->count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!gf_str_eq(gf_str_from(list->roles[i]->role_id), role_ids[i])) {
            return false;
        }
    }
    return true;
}

bool gf_access__set_roles(struct gf_access_table *table, struct role_list *list,
                          const struct gf_str *role_ids, size_t count) {
    if (same_roles(list, role_ids, count)) {
        return false;
    }
    struct role_list fresh = {.count = count};
    if (count > 0) {
        fresh.roles = gf_calloc(count, sizeof(*fresh.roles));
    }
    for (size_t i = 0; i < count; i++) {
        fresh.roles[i] = gf_access__use_role(table, role_ids[i]);
    }
    /* The old ones after the new ones: what is in both stays. */
    for (size_t i = 0; i < list->count; i++) {
        list->roles[i]->use_count--;
        drop_role(table, list->roles[i]);
    }
    free(list->roles);
    *list = fresh;
    return true;
}

bool gf_access_table_put_role(struct gf_access_table *table, const struct gf_role *row) {
    if (gf_system_role(row->role_id) != NULL) {
        return false;
    }
    /* Compiled before the lock is taken: it may take some milliseconds. */
    struct access_role *fresh = gf_access__create_role(row->role_id);
    gf_access__fill_role(fresh, row);
    gf_rwlock_write(&table->lock);
    struct access_role *role = gf_access__use_role(table, row->role_id);
    const struct gf_arena arena = role->arena;
    const struct gf_role old = role->row;
    struct gf_access *access = role->access;
    const bool used = --role->use_count > 0;
    role->arena = fresh->arena;
    role->row = fresh->row;
    role->access = fresh->access;
    gf_rwlock_write_end(&table->lock);
    fresh->arena = arena;
    fresh->row = old;
    fresh->access = access;
    gf_access__free_role(fresh);
    return used;
}

bool gf_access_table_remove_role(struct gf_access_table *table, struct gf_str role_id) {
    if (gf_system_role(role_id) != NULL) {
        return false;
    }
    gf_rwlock_write(&table->lock);
    struct access_role *role = gf_map_get(&table->roles, role_id);
    bool used = false;
    if (role != NULL) {
        used = role->use_count > 0;
        clear_role(role);
        role->row = (struct gf_role){.role_id = {NULL, 0}};
        drop_role(table, role);
    }
    gf_rwlock_write_end(&table->lock);
    return used;
}

void gf_access__add_system_roles(struct gf_access_table *table) {
    size_t count = 0;
    const struct gf_role *rows = gf_system_roles(&count);
    for (size_t i = 0; i < count; i++) {
        struct access_role *role = gf_access__create_role(rows[i].role_id);
        role->fixed = true;
        gf_access__fill_role(role, &rows[i]);
        (void)gf_map_put(&table->roles, rows[i].role_id, role);
    }
}
