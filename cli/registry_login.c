#include "cli/registry_login.h"

#include "cli/call.h"
#include "cli/secret_input.h"
#include "cli/ui/message.h"

#include <string.h>

enum gf_code gf_read_registry_password(struct gf_cli *cli, const char *file,
                                       struct gf_secret_value *value, struct gf_error *err) {
    const struct gf_cli_secret_input input = {.file = file, .prompt = "Password for the registry"};
    const enum gf_code rc = gf_read_secret(cli, &input, value, err);
    if (rc != GF_OK) {
        return rc;
    }
    if (value->size > 0 && value->bytes[value->size - 1] == '\n') {
        gf_secret_value_truncate(value, value->size - 1);
    }
    if (memchr(value->bytes, '\0', value->size) != NULL) {
        return gf_fail(err, GF_INVALID_ARGUMENT, "the password holds a NUL");
    }
    value->bytes[value->size] = '\0';
    return GF_OK;
}

/* Which options go together. */
static enum gf_code check_options(const struct gf_parsed *parsed, bool needs_input,
                                  struct gf_error *err) {
    const bool has_file = gf_parsed_has(parsed, "registry-password-file");
    const bool has_secret = gf_parsed_has(parsed, "registry-password-secret");
    if (!gf_parsed_has(parsed, "registry-user")) {
        return has_file || has_secret ? gf_fail(err, GF_INVALID_ARGUMENT,
                                                "--registry-password-%s needs --registry-user",
                                                has_file ? "file" : "secret")
                                      : GF_OK;
    }
    if (has_file && has_secret) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "the password is in a file or a secret, not in both");
    }
    if (needs_input && !has_file && !has_secret) {
        return gf_fail(err, GF_INVALID_ARGUMENT,
                       "standard input has the answers: the password is needed by "
                       "--registry-password-file or --registry-password-secret");
    }
    return GF_OK;
}

enum gf_exit_code gf_read_registry_login(struct gf_cli *cli, bool needs_input,
                                         struct gf_registry_login *login,
                                         Gofer__V1__RegistryAuth **out_auth) {
    const struct gf_parsed *parsed = cli->parsed;
    const char *user = gf_parsed_text(parsed, "registry-user");
    const char *secret = gf_parsed_text(parsed, "registry-password-secret");
    struct gf_error err = {0};
    if (check_options(parsed, needs_input, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    if (user == NULL) {
        *out_auth = NULL;
        return GF_EXIT_OK;
    }
    login->auth = (Gofer__V1__RegistryAuth)GOFER__V1__REGISTRY_AUTH__INIT;
    login->auth.user = gf_request_text(user);
    if (secret != NULL) {
        login->auth.password = gf_request_text(gf_show_text(cli, "global_secret{{%s}}", secret));
    } else {
        gf_secret_value_init(&login->password);
        if (gf_read_registry_password(cli, gf_parsed_text(parsed, "registry-password-file"),
                                      &login->password, &err) != GF_OK) {
            return gf_cli_fail(cli, &err);
        }
        login->auth.password = login->password.bytes;
    }
    *out_auth = &login->auth;
    return GF_EXIT_OK;
}

void gf_registry_login_fini(struct gf_registry_login *login) {
    gf_secret_value_fini(&login->password);
}
