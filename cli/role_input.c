#include "cli/role_input.h"

#include "cli/call.h"
#include "cli/permission_text.h"
#include "cli/settings.h"
#include "cli/ui/message.h"
#include "gofer/v1/role.gofer.h"

#include <string.h>

/* Appends to an array in the arena. */
static void append(struct gf_cli *cli, struct gf_role_input *input,
                   Gofer__V1__Permission *const *permissions, size_t count) {
    Gofer__V1__Permission **all =
        GF_ARENA_ARRAY(cli->arena, input->permission_count + count + 1, Gofer__V1__Permission *);
    for (size_t i = 0; i < input->permission_count; i++) {
        all[i] = input->permissions[i];
    }
    for (size_t i = 0; i < count; i++) {
        all[input->permission_count + i] = permissions[i];
    }
    input->permissions = all;
    input->permission_count += count;
    input->has_permissions = true;
}

static enum gf_exit_code read_file(struct gf_cli *cli, const char *path, const char *role_id,
                                   struct gf_role_input *input) {
    struct gf_error err = {0};
    enum gf_code rc = gf_message_file_load(path, &gofer__v1__role__descriptor,
                                           GF_ROLE_FILE_BYTES_MAX, cli->arena, &input->file, &err);
    if (rc != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    const Gofer__V1__Role *role = (const Gofer__V1__Role *)input->file.message;
    if (role->role_id[0] != '\0' && strcmp(role->role_id, role_id) != 0) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "this is role '%s', not '%s'", role->role_id,
                      role_id);
        (void)gf_message_file_locate(&input->file, "role_id", &err);
        return gf_cli_fail(cli, &err);
    }
    if (role->description[0] != '\0') {
        input->description = role->description;
    }
    append(cli, input, role->permissions, role->n_permissions);
    return GF_EXIT_OK;
}

/* The same role for another namespace. */
static void move(struct gf_cli *cli, Gofer__V1__Permission *permission) {
    for (size_t i = 0; i < permission->n_namespaces; i++) {
        if (strcmp(permission->namespaces[i], GF_DEFAULT_NAMESPACE) == 0) {
            permission->namespaces[i] = gf_request_text(cli->namespace_id);
        }
    }
}

static enum gf_exit_code read_like(struct gf_cli *cli, const char *role_id,
                                   struct gf_role_input *input) {
    Gofer__V1__GetRoleRequest request = GOFER__V1__GET_ROLE_REQUEST__INIT;
    request.role_id = gf_request_text(role_id);
    ProtobufCMessage *message = NULL;
    enum gf_exit_code code =
        gf_cli_call(cli, &gofer_v1_role_service.methods[GOFER_V1_ROLE_SERVICE_GET_ROLE],
                    &request.base, &message, NULL);
    if (code != GF_EXIT_OK) {
        return code;
    }
    const Gofer__V1__Role *role = ((Gofer__V1__GetRoleResponse *)message)->role;
    for (size_t i = 0; i < role->n_permissions; i++) {
        move(cli, role->permissions[i]);
    }
    append(cli, input, role->permissions, role->n_permissions);
    return GF_EXIT_OK;
}

enum gf_exit_code gf_role_input_read(struct gf_cli *cli, const char *role_id,
                                     struct gf_role_input *out_input) {
    const struct gf_parsed *parsed = cli->parsed;
    struct gf_role_input input = {0};
    struct gf_error err = {0};
    Gofer__V1__Permission **allowed = NULL;
    size_t allowed_count = 0;
    /* First what needs nobody else. */
    if (gf_permissions_read(cli, "allow", &allowed, &allowed_count, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    const char *path = gf_parsed_text(parsed, "file");
    const char *like = gf_parsed_text(parsed, "like");
    enum gf_exit_code code = path == NULL ? GF_EXIT_OK : read_file(cli, path, role_id, &input);
    if (code == GF_EXIT_OK && like != NULL) {
        code = read_like(cli, like, &input);
    }
    if (code != GF_EXIT_OK) {
        return code;
    }
    if (allowed_count > 0) {
        append(cli, &input, allowed, allowed_count);
    }
    if (gf_parsed_has(parsed, "description")) {
        input.description = gf_parsed_text(parsed, "description");
    }
    *out_input = input;
    return GF_EXIT_OK;
}

enum gf_exit_code gf_role_input_fail(struct gf_cli *cli, const struct gf_role_input *input,
                                     struct gf_error *error) {
    size_t index = 0;
    bool in_file = false;
    if (input->file.path != NULL && sscanf(error->field, "permissions[%zu]", &index) == 1) {
        in_file = index < ((const Gofer__V1__Role *)input->file.message)->n_permissions;
    }
    if (in_file) {
        char field[GF_ERROR_FIELD_BYTES_MAX];
        memcpy(field, error->field, sizeof(field));
        (void)gf_message_file_locate(&input->file, field, error);
    }
    enum gf_exit_code code = gf_cli_fail(cli, error);
    return in_file ? GF_EXIT_FAILED : code;
}
