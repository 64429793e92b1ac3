/*
 * Who to log in as at the registry of an image: a user, and a password that is typed, piped, in a
 * file, or a secret of the server's; never on the command line, where others can see it.
 *
 * Thread: the main thread.
 */
#ifndef GOFER_CLI_REGISTRY_LOGIN_H_
#define GOFER_CLI_REGISTRY_LOGIN_H_

#include "cli/cli.h"
#include "clients/c/secret_value.h"
#include "gofer/v1/pipeline_config.pb-c.h"

/* For the table of a command about an extension. */
#define GF_OPTIONS_REGISTRY_LOGIN                                                                  \
    {.name = "registry-user",                                                                      \
     .kind = GF_OPTION_TEXT,                                                                       \
     .value_name = "USER",                                                                         \
     .help = "who to log in as at the registry (default: as the server is configured)"},           \
        {.name = "registry-password-file",                                                         \
         .kind = GF_OPTION_TEXT,                                                                   \
         .value_name = "FILE",                                                                     \
         .help = "where the password of --registry-user is (default: standard input)"},            \
    {                                                                                              \
        .name = "registry-password-secret", .kind = GF_OPTION_TEXT, .value_name = "KEY",           \
        .help = "the global secret that is the password of --registry-user"                        \
    }

/* Zeroed before use, finished with gf_registry_login_fini. Must not be moved once it is read. */
struct gf_registry_login {
    Gofer__V1__RegistryAuth auth;
    struct gf_secret_value password;
};

/*
 * Reads the password of `user` from a file, or from standard input where that is NULL; without the
 * newline that editors put at the end. `value` is initialised, and ends with a NUL beyond its size.
 * Codes: as of gf_read_secret; GF_INVALID_ARGUMENT for a password with a NUL.
 */
enum gf_code gf_read_registry_password(struct gf_cli *cli, const char *file,
                                       struct gf_secret_value *value,
                                       struct gf_error *err) GF_MUST_USE;

/*
 * What the options above say: *out_auth is NULL without them, else the login's. `needs_input`: the
 * command reads standard input for something else, so that the password must come from elsewhere.
 * On failure everything is said, and what is returned is not GF_EXIT_OK.
 */
enum gf_exit_code gf_read_registry_login(struct gf_cli *cli, bool needs_input,
                                         struct gf_registry_login *login,
                                         Gofer__V1__RegistryAuth **out_auth);

/* Wipes the password. For GF_CLEANUP; a zeroed one is fine. */
void gf_registry_login_fini(struct gf_registry_login *login);

#endif /* GOFER_CLI_REGISTRY_LOGIN_H_ */
