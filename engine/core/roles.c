/*
 * Roles of users. Those of the system are in no map and no row: they are looked up in their own
 * table, which always wins, so that an upgrade may bring along one whose id a user had taken. Such
 * a role of a user stays stored and means nothing.
 *
 * A role counts the tokens that have it, so that nobody looks through the tokens to delete one.
 */
#include "base/alloc.h"
#include "engine/auth/system_roles.h"
#include "engine/core/copy.h"
#include "engine/core/core_internal.h"

#include <inttypes.h>

/* ---- What a role is made of, as lists that are compared and hashed ---- */

struct content {
    GF_VEC(struct gf_str) texts;
    GF_VEC(int64_t) numbers;
};

static void add_texts(struct content *content, const struct gf_str *texts, size_t count) {
    gf_vec_push(&content->numbers, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        gf_vec_push(&content->texts, texts[i]);
    }
}

static void add_permission(struct content *content, const struct gf_permission *permission) {
    add_texts(content, permission->namespaces, permission->namespace_count);
    gf_vec_push(&content->numbers, (int64_t)permission->target_count);
    for (size_t i = 0; i < permission->target_count; i++) {
        gf_vec_push(&content->numbers, (int64_t)permission->targets[i].resource);
        add_texts(content, permission->targets[i].globs, permission->targets[i].glob_count);
    }
    gf_vec_push(&content->numbers, (int64_t)permission->action_count);
    for (size_t i = 0; i < permission->action_count; i++) {
        gf_vec_push(&content->numbers, (int64_t)permission->actions[i]);
    }
}

/* Of permissions that were checked. Borrowed from them. */
static struct content content_of(const struct gf_permission *permissions, size_t count) {
    struct content content = {0};
    for (size_t i = 0; i < count; i++) {
        add_permission(&content, &permissions[i]);
    }
    return content;
}

static void free_content(struct content *content) {
    gf_vec_fini(&content->texts);
    gf_vec_fini(&content->numbers);
}

static bool is_same_content(const struct content *a, const struct content *b) {
    bool same = a->texts.count == b->texts.count && a->numbers.count == b->numbers.count;
    for (size_t i = 0; same && i < a->numbers.count; i++) {
        same = a->numbers.items[i] == b->numbers.items[i];
    }
    for (size_t i = 0; same && i < a->texts.count; i++) {
        same = gf_str_eq(a->texts.items[i], b->texts.items[i]);
    }
    return same;
}

static bool has_same_permissions(const struct gf_role *a, const struct gf_role *b) {
    struct content of_a = content_of(a->permissions, a->permission_count);
    struct content of_b = content_of(b->permissions, b->permission_count);
    const bool same = is_same_content(&of_a, &of_b);
    free_content(&of_a);
    free_content(&of_b);
    return same;
}

static int64_t create_fingerprint(const struct gf_role *row) {
    struct content content = content_of(row->permissions, row->permission_count);
    gf_vec_push(&content.texts, row->role_id);
    gf_vec_push(&content.texts, row->description);
    const int64_t fingerprint = gf_core__fingerprint(content.texts.items, content.texts.count,
                                                     content.numbers.items, content.numbers.count);
    free_content(&content);
    return fingerprint;
}

/* ---- Objects ---- */

/* Takes over what counts of a row but its id. */
static void set_row(struct core_role *role, const struct gf_role *row) {
    const struct gf_str role_id = role->row.role_id;
    struct gf_arena arena;
    gf_arena_init(&arena, GF_CORE_ROLE_BYTES_MAX);
    gf_role_copy(row, &arena, &role->row);
    role->row.role_id = role_id;
    role->row.system_role = false;
    /* `row` may be made of what the old arena holds. */
    gf_arena_fini(&role->arena);
    role->arena = arena;
}

static struct core_role *add(struct gf_core *core, const struct gf_role *row) {
    struct core_role *role = GF_NEW(struct core_role);
    role->row.role_id = (struct gf_str){gf_str_dup(row->role_id), row->role_id.len};
    set_row(role, row);
    gf_assert(gf_map_put(&core->roles, role->row.role_id, role) == NULL);
    return role;
}

void gf_core__free_role(struct core_role *role) {
    free((char *)role->row.role_id.ptr);
    gf_arena_fini(&role->arena);
    free(role);
}

struct core_role *gf_core__find_role(const struct gf_core *core, struct gf_str role_id) {
    return gf_map_get(&core->roles, role_id);
}

void gf_core_restore_role(struct gf_core *core, const struct gf_role *role) {
    if (gf_system_role(role->role_id) == NULL) {
        (void)add(core, role);
    }
}

/* ---- Who has them ---- */

enum gf_code gf_core__check_roles(const struct gf_core *core, const struct gf_str *role_ids,
                                  size_t count, struct gf_error *err) {
    for (size_t i = 0; i < count; i++) {
        const struct gf_str role_id = role_ids[i];
        if (gf_str_eq(role_id, GF_STR(GF_ROLE_BOOTSTRAP))) {
            return gf_fail(err, GF_PERMISSION_DENIED,
                           "role '" GF_ROLE_BOOTSTRAP "' is that of the first token alone");
        }
        if (gf_system_role(role_id) == NULL && gf_core__find_role(core, role_id) == NULL) {
            return gf_fail(err, GF_NOT_FOUND, "role '%" GF_STR_FMT "' does not exist",
                           GF_STR_ARG(role_id));
        }
    }
    return GF_OK;
}

void gf_core__count_extension_roles(struct gf_core *core, const struct gf_extension *row,
                                    int64_t by) {
    for (size_t i = 0; i < row->role_count; i++) {
        struct core_role *role = gf_core__find_role(core, row->role_ids[i]);
        if (role != NULL) {
            role->extension_count += by;
        }
    }
}

/* ---- Commands ---- */

static enum gf_code check_new(const struct gf_core *core, const struct gf_role *row,
                              struct gf_error *err) {
    if (gf_system_role(row->role_id) != NULL || gf_core__find_role(core, row->role_id) != NULL) {
        return gf_fail(err, GF_ALREADY_EXISTS, "role '%" GF_STR_FMT "' already exists",
                       GF_STR_ARG(row->role_id));
    }
    if (gf_map_count(&core->roles) >= GF_ROLES_MAX) {
        return gf_fail(err, GF_RESOURCE_EXHAUSTED, "there are %d roles, no more are possible",
                       GF_ROLES_MAX);
    }
    return GF_OK;
}

enum gf_step gf_core__create_role(struct gf_core *core, const struct gf_input *input,
                                  struct gf_need *out_need) {
    const struct gf_role *wanted = input->u.role.row;
    enum gf_step result = GF_STEP_DONE;
    struct gf_error err = {0};
    if (gf_role_check(wanted, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const int64_t fingerprint = create_fingerprint(wanted);
    if (gf_core__replay(core, input, &input->u.role.request, GF_REQUEST_CREATE_ROLE, fingerprint,
                        out_need, &result)) {
        return result;
    }
    if (check_new(core, wanted, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    struct gf_role row = *wanted;
    row.create_time = core->now;
    row.update_time = core->now;
    struct core_role *role = add(core, &row);
    gf_core__mark_role(core, role);
    (void)gf_core__event_subject(core, GF_EVENT_ROLE_CREATED, role->row.role_id);
    gf_core__reply(core, input)->role = &role->row;
    const struct gf_request outcome = {
        .kind = GF_REQUEST_CREATE_ROLE,
        .fingerprint = fingerprint,
        .subject_id = role->row.role_id,
        .changed = true,
    };
    gf_core__record(core, &input->u.role.request, &outcome);
    return GF_STEP_DONE;
}

/* Refuses and gives NULL where there is no such role, or it is one of the system. */
static struct core_role *resolve(struct gf_core *core, const struct gf_input *input) {
    const struct gf_str role_id = input->u.role.row->role_id;
    struct gf_error err = {0};
    if (gf_system_role(role_id) != NULL) {
        (void)gf_fail_reason(&err, GF_FAILED_PRECONDITION, "SYSTEM_ROLE",
                             "role '%" GF_STR_FMT "' belongs to gofer: it cannot be changed",
                             GF_STR_ARG(role_id));
        (void)gf_core__refuse(core, input, &err);
        return NULL;
    }
    struct core_role *role = gf_core__find_role(core, role_id);
    if (role == NULL) {
        (void)gf_fail(&err, GF_NOT_FOUND, "role '%" GF_STR_FMT "' not found", GF_STR_ARG(role_id));
        (void)gf_core__refuse(core, input, &err);
    }
    return role;
}

enum gf_step gf_core__update_role(struct gf_core *core, const struct gf_input *input) {
    const struct gf_role *wanted = input->u.role.row;
    struct gf_error err = {0};
    struct core_role *role = resolve(core, input);
    if (role == NULL) {
        return GF_STEP_DONE;
    }
    struct gf_role row = role->row;
    if (input->u.role.set_description) {
        row.description = wanted->description;
    }
    if (input->u.role.set_permissions) {
        row.permissions = wanted->permissions;
        row.permission_count = wanted->permission_count;
    }
    if (gf_role_check(&row, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    const bool changed = !gf_str_eq(row.description, role->row.description) ||
                         !has_same_permissions(&row, &role->row);
    if (changed) {
        row.update_time = core->now;
        set_row(role, &row);
        gf_core__mark_role(core, role);
        (void)gf_core__event_subject(core, GF_EVENT_ROLE_UPDATED, role->row.role_id);
    }
    struct gf_reply *reply = gf_core__reply(core, input);
    reply->role = &role->row;
    reply->unchanged = !changed;
    return GF_STEP_DONE;
}

static enum gf_code check_unused(const struct core_role *role, struct gf_error *err) {
    if (role->token_count > 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "ROLE_IN_USE",
                              "role '%" GF_STR_FMT "' is that of %" PRId64
                              " tokens: delete them first",
                              GF_STR_ARG(role->row.role_id), role->token_count);
    }
    if (role->extension_count > 0) {
        return gf_fail_reason(err, GF_FAILED_PRECONDITION, "ROLE_IN_USE",
                              "role '%" GF_STR_FMT "' is that of %" PRId64
                              " extensions: take it from them first",
                              GF_STR_ARG(role->row.role_id), role->extension_count);
    }
    return GF_OK;
}

enum gf_step gf_core__delete_role(struct gf_core *core, const struct gf_input *input) {
    struct gf_error err = {0};
    struct core_role *role = resolve(core, input);
    if (role == NULL) {
        return GF_STEP_DONE;
    }
    if (check_unused(role, &err) != GF_OK) {
        return gf_core__refuse(core, input, &err);
    }
    (void)gf_core__event_subject(core, GF_EVENT_ROLE_DELETED, role->row.role_id);
    if (role->dirty) {
        gf_core__batch_drop_role(core, role);
    }
    gf_vec_push(&core->batch.deleted_roles, role->row.role_id);
    (void)gf_map_remove(&core->roles, role->row.role_id);
    role->deleted = true;
    gf_list_push_back(&core->dead_roles, &role->dead_link);
    (void)gf_core__reply(core, input);
    return GF_STEP_DONE;
}
