/*
 * DESIGN. What is made for the time of the command (the installation, the token) is taken away at
 * its end, also after Ctrl-C, in the reverse order: from the first call to the last, a signal says
 * that the end is wanted, and ends nothing by itself. The token lives for half a day at most, so
 * that one that is left behind by a killed command is soon worth nothing.
 */
#include "base/file.h"
#include "base/identifier.h"
#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/dev.h"
#include "cli/dev_logs.h"
#include "cli/interrupt.h"
#include "cli/read.h"
#include "gofer/v1/extension.gofer.h"
#include "gofer/v1/token.gofer.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TOKEN_SECONDS = 12 * 60 * 60,
    ENVIRONMENT_MAX = 1024,
    VARIABLES_MAX = 8,
};

static const struct gf_argument arguments[] = {
    {.name = "PROGRAM", .complete = "file", .help = "the extension's program"},
};

static const struct gf_option options[] = {
    {.name = "id",
     .kind = GF_OPTION_TEXT,
     .value_name = "EXTENSION",
     .help = "its id (default: the name of the file)"},
    {.name = "setting",
     .letter = 's',
     .kind = GF_OPTION_LIST,
     .value_name = "NAME=VALUE",
     .help = "a setting of the extension; may be given many times"},
    {.name = "role",
     .kind = GF_OPTION_LIST,
     .value_name = "ROLE",
     .complete = "role",
     .help = "what its token may do, besides what every extension may; may be given many times"},
    {.name = "keep",
     .kind = GF_OPTION_FLAG,
     .help = "leave it installed, with its subscriptions, at the end"},
    {.name = "no-restart",
     .kind = GF_OPTION_FLAG,
     .help = "end with the program instead of running it anew when its file changes"},
};

#define EXTENSIONS(name) (&gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_##name])
#define TOKENS(name) (&gofer_v1_token_service.methods[GOFER_V1_TOKEN_SERVICE_##name])

struct dev_session {
    struct gf_cli *cli;
    const char *extension_id;
    bool is_installed_here;
    const char *token_id; /* NULL: none was made */
    const char *token_text;
    int stop_fd; /* an eventfd: the end is wanted */
};

static void on_signal(void *ctx) {
    const struct dev_session *session = ctx;
    const uint64_t one = 1;
    (void)!write(session->stop_fd, &one, sizeof(one));
}

static enum gf_code check_program(const char *program, struct gf_error *err) {
    struct stat info;
    if (stat(program, &info) != 0) {
        return gf_fail(err, GF_NOT_FOUND, "there is no program '%s'", program);
    }
    if (!S_ISREG(info.st_mode) || access(program, X_OK) != 0) {
        return gf_fail(err, GF_FAILED_PRECONDITION, "'%s' is no program: chmod +x makes a file one",
                       program);
    }
    return GF_OK;
}

/* The file's name, where it is an identifier. */
static enum gf_code choose_id(struct gf_cli *cli, const char *program, const char **out_id,
                              struct gf_error *err) {
    const char *slash = strrchr(program, '/');
    const char *given = gf_parsed_text(cli->parsed, "id");
    *out_id = given != NULL ? given : slash == NULL ? program : slash + 1;
    const enum gf_code rc = gf_identifier_check(gf_str_from(*out_id), "--id", err);
    if (rc != GF_OK) {
        (void)gf_wrap(err,
                      given != NULL ? "--id" : "the name of the file is no id, --id gives one");
    }
    return rc;
}

/* ---- Installing ---- */

static enum gf_code read_settings(struct gf_cli *cli, Gofer__V1__InstallExtensionRequest *request,
                                  struct gf_error *err) {
    struct gf_pair *pairs = NULL;
    size_t count = 0;
    const enum gf_code rc = gf_read_pairs(cli, "setting", "--setting", &pairs, &count, err);
    if (rc != GF_OK) {
        return rc;
    }
    request->settings =
        GF_ARENA_ARRAY(cli->arena, count + 1, Gofer__V1__InstallExtensionRequest__SettingsEntry *);
    for (size_t i = 0; i < count; i++) {
        request->settings[i] =
            GF_ARENA_NEW(cli->arena, Gofer__V1__InstallExtensionRequest__SettingsEntry);
        gofer__v1__install_extension_request__settings_entry__init(request->settings[i]);
        request->settings[i]->key = pairs[i].key;
        request->settings[i]->value = pairs[i].value;
    }
    request->n_settings = count;
    return GF_OK;
}

/* New settings for one that is there. The entries of both maps look alike. */
static enum gf_exit_code update(struct dev_session *session,
                                const Gofer__V1__InstallExtensionRequest *wanted) {
    struct gf_cli *cli = session->cli;
    Gofer__V1__UpdateExtensionRequest request = GOFER__V1__UPDATE_EXTENSION_REQUEST__INIT;
    Gofer__V1__ExtensionSettings settings = GOFER__V1__EXTENSION_SETTINGS__INIT;
    ProtobufCMessage *response = NULL;
    settings.settings = GF_ARENA_ARRAY(cli->arena, wanted->n_settings + 1,
                                       Gofer__V1__ExtensionSettings__SettingsEntry *);
    for (size_t i = 0; i < wanted->n_settings; i++) {
        settings.settings[i] =
            GF_ARENA_NEW(cli->arena, Gofer__V1__ExtensionSettings__SettingsEntry);
        gofer__v1__extension_settings__settings_entry__init(settings.settings[i]);
        settings.settings[i]->key = wanted->settings[i]->key;
        settings.settings[i]->value = wanted->settings[i]->value;
    }
    settings.n_settings = wanted->n_settings;
    request.extension_id = gf_request_text(session->extension_id);
    request.settings = &settings;
    return gf_cli_call(cli, EXTENSIONS(UPDATE_EXTENSION), &request.base, &response, NULL);
}

/* One that is installed is taken as it is, if it is run by hand. */
static enum gf_exit_code use_installed(struct dev_session *session,
                                       const Gofer__V1__Extension *found,
                                       const Gofer__V1__InstallExtensionRequest *wanted) {
    if (found->image[0] != '\0') {
        struct gf_error err = {0};
        (void)gf_fail(&err, GF_FAILED_PRECONDITION,
                      "extension '%s' is installed with an image, which gofer runs itself",
                      session->extension_id);
        const enum gf_exit_code code = gf_cli_fail(session->cli, &err);
        gf_cli_hint(session->cli, "--id gives the program another id");
        return code;
    }
    return wanted->n_settings > 0 ? update(session, wanted) : GF_EXIT_OK;
}

static enum gf_exit_code install(struct dev_session *session) {
    struct gf_cli *cli = session->cli;
    Gofer__V1__InstallExtensionRequest request = GOFER__V1__INSTALL_EXTENSION_REQUEST__INIT;
    Gofer__V1__GetExtensionRequest get = GOFER__V1__GET_EXTENSION_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    struct gf_error err = {0};
    if (read_settings(cli, &request, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    get.extension_id = gf_request_text(session->extension_id);
    request.extension_id = get.extension_id;
    if (gf_cli_call(cli, EXTENSIONS(GET_EXTENSION), &get.base, &response, &err) == GF_EXIT_OK) {
        const Gofer__V1__GetExtensionResponse *found = (const void *)response;
        return use_installed(session, found->extension, &request);
    }
    if (err.code != GF_NOT_FOUND) {
        return gf_cli_fail(cli, &err);
    }
    const enum gf_exit_code code =
        gf_cli_call(cli, EXTENSIONS(INSTALL_EXTENSION), &request.base, &response, NULL);
    session->is_installed_here = code == GF_EXIT_OK;
    return code;
}

static enum gf_exit_code make_token(struct dev_session *session) {
    struct gf_cli *cli = session->cli;
    Gofer__V1__CreateTokenRequest request = GOFER__V1__CREATE_TOKEN_REQUEST__INIT;
    Google__Protobuf__Duration lifetime = GOOGLE__PROTOBUF__DURATION__INIT;
    ProtobufCMessage *response = NULL;
    lifetime.seconds = TOKEN_SECONDS;
    request.kind = GOFER__V1__TOKEN_KIND__TOKEN_KIND_EXTENSION;
    request.user = gf_arena_printf(cli->arena, "extension dev: %s", session->extension_id);
    request.extension_id = gf_request_text(session->extension_id);
    request.description = gf_request_text("made by gofer extension dev, which deletes it");
    request.lifetime = &lifetime;
    request.role_ids = (char **)(uintptr_t)gf_parsed_list(cli->parsed, "role", &request.n_role_ids);
    const enum gf_exit_code code =
        gf_cli_call(cli, TOKENS(CREATE_TOKEN), &request.base, &response, NULL);
    if (code == GF_EXIT_OK) {
        const Gofer__V1__CreateTokenResponse *made = (const void *)response;
        session->token_id = made->token->token_id;
        session->token_text = made->token_text;
    }
    return code;
}

/* ---- Running ---- */

static void add_variable(struct gf_cli *cli, const char **environment, size_t *count,
                         const char *name, const char *value) {
    if (value != NULL) {
        environment[(*count)++] = gf_arena_printf(cli->arena, "%s=%s", name, value);
    }
}

/* The environment of this program, with the way to the server that the command itself goes. */
static const char *const *make_environment(const struct dev_session *session) {
    struct gf_cli *cli = session->cli;
    const char **out =
        GF_ARENA_ARRAY(cli->arena, ENVIRONMENT_MAX + VARIABLES_MAX + 2, const char *);
    size_t count = 0;
    for (char **at = environ; *at != NULL && count < ENVIRONMENT_MAX; at++) {
        if (strncmp(*at, "GOFER_", strlen("GOFER_")) != 0 ||
            strncmp(*at, "GOFER_LOG_LEVEL=", strlen("GOFER_LOG_LEVEL=")) == 0) {
            out[count++] = *at;
        }
    }
    add_variable(cli, out, &count, "GOFER_EXTENSION_ID", session->extension_id);
    add_variable(cli, out, &count, "GOFER_HOST", cli->host);
    add_variable(cli, out, &count, "GOFER_TOKEN", session->token_text);
    add_variable(cli, out, &count, "GOFER_TLS", cli->tls == NULL ? "0" : "1");
    if (cli->tls != NULL) {
        add_variable(cli, out, &count, "GOFER_TLS_CA", cli->tls->root_file);
        add_variable(cli, out, &count, "GOFER_TLS_CERT", cli->tls->cert_file);
        add_variable(cli, out, &count, "GOFER_TLS_KEY", cli->tls->key_file);
        add_variable(cli, out, &count, "GOFER_TLS_SERVER_NAME", cli->tls->server_name);
    }
    add_variable(cli, out, &count, "GOFER_TOKEN_IN_CLEAR", cli->token_in_clear ? "1" : NULL);
    return out;
}

static enum gf_exit_code run_program(struct dev_session *session, const char *program) {
    struct gf_cli *cli = session->cli;
    const size_t tail_count = cli->parsed->tail_count;
    const char **argv = GF_ARENA_ARRAY(cli->arena, tail_count + 2, const char *);
    argv[0] = program;
    for (size_t i = 0; i < tail_count; i++) {
        argv[i + 1] = cli->parsed->tail[i];
    }
    const struct gf_dev_options dev = {
        .program = program,
        .argv = argv,
        .envp = make_environment(session),
        .prefix = session->extension_id,
        .stop_fd = session->stop_fd,
        .no_restart = gf_parsed_flag(cli->parsed, "no-restart"),
    };
    gf_cli_note(cli, "extension '%s' is installed; Ctrl-C ends it%s", session->extension_id,
                session->is_installed_here && !gf_parsed_flag(cli->parsed, "keep")
                    ? " and uninstalls it"
                    : "");
    struct gf_dev_logs *logs = gf_dev_logs_start(cli, session->extension_id);
    const enum gf_exit_code code = gf_dev_run(cli, &dev);
    gf_dev_logs_stop(logs);
    return code;
}

/* ---- Taking away ---- */

static bool delete_token(struct dev_session *session) {
    Gofer__V1__DeleteTokenRequest request = GOFER__V1__DELETE_TOKEN_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    request.token_id = gf_request_text(session->token_id);
    return gf_cli_call(session->cli, TOKENS(DELETE_TOKEN), &request.base, &response, NULL) ==
           GF_EXIT_OK;
}

static bool uninstall(struct dev_session *session) {
    Gofer__V1__UninstallExtensionRequest request = GOFER__V1__UNINSTALL_EXTENSION_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    request.extension_id = gf_request_text(session->extension_id);
    request.force = true; /* it was installed here: so were its subscriptions */
    return gf_cli_call(session->cli, EXTENSIONS(UNINSTALL_EXTENSION), &request.base, &response,
                       NULL) == GF_EXIT_OK;
}

/* What cannot be taken away, as from a server that is gone, is named with the way to do it later.
 */
static void clean_up(struct dev_session *session) {
    struct gf_cli *cli = session->cli;
    if (session->token_id != NULL && !delete_token(session)) {
        gf_cli_hint(cli, "its token is left, for %d hours at most: gofer token delete %s",
                    TOKEN_SECONDS / 3600, session->token_id);
    }
    if (!session->is_installed_here || gf_parsed_flag(cli->parsed, "keep")) {
        return;
    }
    if (uninstall(session)) {
        gf_cli_note(cli, "extension '%s' is uninstalled", session->extension_id);
    } else {
        gf_cli_hint(cli, "it is left installed: gofer extension uninstall %s",
                    session->extension_id);
    }
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    struct dev_session session = {.cli = cli};
    struct gf_error err = {0};
    const char *program = parsed->arguments[0];
    if (strchr(program, '/') == NULL) {
        program = gf_arena_printf(cli->arena, "./%s", program);
    }
    if (check_program(program, &err) != GF_OK) {
        return gf_cli_fail(cli, &err);
    }
    if (choose_id(cli, program, &session.extension_id, &err) != GF_OK) {
        return gf_cli_fail_usage(cli, &err);
    }
    session.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct gf_interrupt *interrupt = gf_interrupt_start_all(on_signal, &session);
    enum gf_exit_code code = install(&session);
    if (code == GF_EXIT_OK) {
        code = make_token(&session);
    }
    if (code == GF_EXIT_OK) {
        code = run_program(&session, program);
    }
    clean_up(&session);
    gf_interrupt_stop(interrupt);
    gf_close(&session.stop_fd);
    return code;
}

const struct gf_command gf_cmd_extension_dev = {
    .noun = "extension",
    .verb = "dev",
    .summary = "run an extension that you work on against the server",
    .description =
        "Installs the extension, if it is not, gives it a token of its own, runs the program and "
        "shows what it prints (behind |), what it logs to gofer without printing it and what gofer "
        "says about it (behind >); runs it anew whenever its file changes. Ctrl-C ends it, deletes "
        "the token, and uninstalls the extension with its subscriptions if it was installed here; "
        "a second Ctrl-C does not wait for the program. What is behind -- are words for the "
        "program.",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .tail = "ARGUMENT",
    .tail_is_optional = true,
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension dev ./folder\n"
                "gofer extension dev ./folder --id spool -s interval=5s\n"
                "gofer extension dev ./ticker.py --id ticker -- --verbose",
    .run = run,
};
