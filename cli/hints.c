#include "cli/hints.h"

#include "base/str.h"
#include "cli/caller.h"
#include "cli/ui/message.h"
#include "clients/c/client.h"

#include <string.h>

/* An argument of the command line by its name in the usage; NULL when it has none of it. */
static const char *argument_named(const struct gf_cli *cli, const char *name) {
    if (cli->parsed == NULL) {
        return NULL;
    }
    const struct gf_command *command = cli->parsed->command;
    for (size_t i = 0; i < command->argument_count; i++) {
        if (strcmp(command->arguments[i].name, name) == 0) {
            return cli->parsed->arguments[i];
        }
    }
    return NULL;
}

/* Whether the command line has this flag, which the command may not know. */
static bool has_flag(const struct gf_cli *cli, const char *name) {
    const struct gf_command *command = cli->parsed == NULL ? NULL : cli->parsed->command;
    for (size_t i = 0; command != NULL && i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return gf_parsed_flag(cli->parsed, name);
        }
    }
    return false;
}

/* Tells how to list what there is. The server's sentences begin with what is missing. */
static void hint_missing(struct gf_cli *cli, const struct gf_error *error) {
    struct gf_str what;
    struct gf_str rest;
    (void)gf_str_cut(gf_str_from(error->message), ' ', &what, &rest);
    const char *pipeline_id = argument_named(cli, "PIPELINE");
    const char *run_id = argument_named(cli, "RUN");
    const char *option = gf_cli_namespace_option(cli);
    if (gf_str_eq(what, GF_STR("namespace"))) {
        gf_cli_hint(cli, "gofer namespace list");
    } else if (gf_str_eq(what, GF_STR("pipeline"))) {
        gf_cli_hint(cli, "gofer pipeline list%s", option);
    } else if (gf_str_eq(what, GF_STR("image"))) {
        gf_cli_hint(cli, "gofer image list");
    } else if (gf_str_eq(what, GF_STR("extension"))) {
        gf_cli_hint(cli, "gofer extension list");
    } else if (gf_str_eq(what, GF_STR("subscription"))) {
        gf_cli_hint(cli, "gofer subscription list%s%s%s", pipeline_id == NULL ? "" : " --pipeline ",
                    pipeline_id == NULL ? "" : pipeline_id, option);
    } else if (gf_str_eq(what, GF_STR("dead"))) {
        gf_cli_hint(cli, "gofer extension dead-letter list %s",
                    gf_show_line(cli, argument_named(cli, "EXTENSION")));
    } else if (gf_str_eq(what, GF_STR("context"))) {
        gf_cli_hint(cli, "gofer context list");
    } else if (gf_str_eq(what, GF_STR("token"))) {
        gf_cli_hint(cli, "gofer token list");
    } else if (gf_str_eq(what, GF_STR("role"))) {
        gf_cli_hint(cli, "gofer role list");
    } else if (gf_str_eq(what, GF_STR("secret")) && has_flag(cli, "global")) {
        gf_cli_hint(cli, "gofer secret list --global");
    } else if (gf_str_eq(what, GF_STR("secret")) && pipeline_id != NULL) {
        gf_cli_hint(cli, "gofer secret list %s%s", pipeline_id, option);
    } else if (gf_str_eq(what, GF_STR("run")) && pipeline_id != NULL) {
        gf_cli_hint(cli, "gofer run list %s%s", pipeline_id, option);
    } else if (gf_str_eq(what, GF_STR("task")) && pipeline_id != NULL && run_id != NULL) {
        gf_cli_hint(cli, "gofer task list %s %s%s", pipeline_id, run_id, option);
    }
}

/* Tells how to get out of the way what is in it. */
static void hint_unmet(struct gf_cli *cli, const struct gf_error *error) {
    static const struct {
        const char *reason;
        const char *command;
        bool of_pipeline;
        const char *rest;
    } ways[] = {
        {"PIPELINE_DISABLED", "gofer pipeline enable", true, ""},
        {"PIPELINE_HAS_ACTIVE_RUNS", "gofer run cancel", true, " --all"},
        {"RUN_NOT_ENDED", "gofer run list", true, " --state running --state queued"},
        {"RUN_STARTS_PAUSED", "gofer service resume", false, ""},
        {"NOTHING_LIVE", "gofer up FILE", false, ""},
        {"ATTACH_DISABLED", "gofer service doctor", false, ""},
    };
    const char *pipeline_id = argument_named(cli, "PIPELINE");
    const char *run_id = argument_named(cli, "RUN");
    const char *task_id = argument_named(cli, "TASK");
    if (strcmp(error->reason, "TASK_NOT_RUNNING") == 0 && task_id != NULL) {
        gf_cli_hint(cli, "gofer task logs %s %s %s%s", pipeline_id, run_id, task_id,
                    gf_cli_namespace_option(cli));
    }
    for (size_t i = 0; i < GF_ARRAY_COUNT(ways); i++) {
        if (strcmp(error->reason, ways[i].reason) != 0) {
            continue;
        }
        if (!ways[i].of_pipeline) {
            gf_cli_hint(cli, "%s", ways[i].command);
        } else if (pipeline_id != NULL) {
            gf_cli_hint(cli, "%s %s%s%s", ways[i].command, pipeline_id, ways[i].rest,
                        gf_cli_namespace_option(cli));
        }
    }
}

/* Tells what to do about extensions. */
static bool hint_extension(struct gf_cli *cli, const struct gf_error *error) {
    const char *extension_id = argument_named(cli, "EXTENSION");
    if (extension_id == NULL) {
        return false;
    }
    if (strcmp(error->reason, "HAS_SUBSCRIPTIONS") == 0) {
        gf_cli_hint(cli,
                    "gofer subscription list --extension %s --all-namespaces; --force removes "
                    "them with it",
                    extension_id);
    } else if (error->code == GF_ALREADY_EXISTS && argument_named(cli, "SUBSCRIPTION") != NULL) {
        gf_cli_hint(cli, "gofer subscription update %s %s %s -s NAME=VALUE gives it other settings",
                    argument_named(cli, "PIPELINE"), extension_id,
                    argument_named(cli, "SUBSCRIPTION"));
    } else if (strcmp(error->reason, "NOT_CONNECTED") == 0) {
        if (strcmp(cli->parsed->command->verb, "install") == 0) {
            return true; /* it is gone with its dialog, and said why */
        }
        gf_cli_hint(cli, "gofer extension get %s says why; gofer extension logs %s", extension_id,
                    extension_id);
    } else if (strcmp(error->reason, "REGISTRY_REFUSED") == 0) {
        gf_cli_hint(cli, "who to log in as: --registry-user and --registry-password-file here, or "
                         "images.registries in the configuration of the server");
    } else if (error->code == GF_ALREADY_EXISTS && cli->parsed->command->noun != NULL &&
               strcmp(cli->parsed->command->noun, "extension") == 0) {
        gf_cli_hint(cli, "gofer extension update %s", extension_id);
    } else if (strcmp(error->reason, "EXTENSION_DISABLED") == 0) {
        gf_cli_hint(cli, "gofer extension enable %s", extension_id);
    } else if (error->code == GF_INVALID_ARGUMENT &&
               strncmp(error->field, "settings", strlen("settings")) == 0) {
        gf_cli_hint(cli, "gofer extension get %s shows which settings there are", extension_id);
    } else {
        return false;
    }
    return true;
}

/* Tells what to do about images; that the server answered is known then. */
static bool hint_image(struct gf_cli *cli, const struct gf_error *error) {
    static const struct {
        const char *reason;
        const char *hint;
    } hints[] = {
        {"REGISTRY_REFUSED", "who to log in as: --user and --password-file here, registry_auth of "
                             "a task, or images.registries in the configuration of the server"},
        {"REGISTRY_UNAVAILABLE", "mirrors, ca_file, plain_http and a proxy are settings of the "
                                 "server: images in its configuration"},
        {"REGISTRY_BUSY", ""},
        {"IMAGE_IN_USE", "with --force it goes when the last of them has ended"},
        {"IMAGE_NOT_ALLOWED", "what may be pulled is a setting of the server; what an "
                              "administrator imports runs: gofer image import"},
    };
    for (size_t i = 0; i < GF_ARRAY_COUNT(hints); i++) {
        if (strcmp(error->reason, hints[i].reason) == 0) {
            if (hints[i].hint[0] != '\0') {
                gf_cli_hint(cli, "%s", hints[i].hint);
            }
            return true;
        }
    }
    return false;
}

/* Tells how to show who one is: the server does not tell who it knows. */
static void hint_unauthenticated(struct gf_cli *cli) {
    if (cli->token != NULL) {
        gf_cli_hint(cli,
                    "the token is that of %s; another one is kept by gofer context set NAME "
                    "--token-stdin",
                    cli->token_source);
        return;
    }
    gf_cli_hint(cli, "no token was sent: keep one by gofer context set NAME --token-stdin; a new "
                     "server gives its first one to gofer token bootstrap --save-as-context NAME");
}

/* Tells how the token gets there unseen. */
static void hint_in_clear(struct gf_cli *cli) {
    gf_cli_hint(cli, "--tls, or --tls-ca FILE, keeps it secret; --token-in-clear sends it all the "
                     "same; see gofer help connection");
}

void gf_hint_at_way_out(struct gf_cli *cli, const struct gf_error *error) {
    if (error->code == GF_NOT_FOUND) {
        hint_missing(cli, error);
    } else if (hint_extension(cli, error) || hint_image(cli, error)) {
        return;
    } else if (strcmp(error->reason, GF_CLIENT_REASON_TOKEN_IN_CLEAR) == 0) {
        hint_in_clear(cli);
    } else if (error->code == GF_FAILED_PRECONDITION) {
        hint_unmet(cli, error);
    } else if (error->code == GF_UNAUTHENTICATED) {
        hint_unauthenticated(cli);
    } else if (error->code == GF_PERMISSION_DENIED && cli->client != NULL) {
        if (cli->verbose) {
            gf_print_caller(cli);
        }
        gf_cli_hint(cli, "gofer whoami shows what you may do");
    } else if (error->code == GF_UNAVAILABLE && cli->tls != NULL &&
               strstr(error->message, "certificate") != NULL) {
        gf_cli_hint(cli, "--tls-ca FILE names the authority that the server's certificate is of, "
                         "--tls-server-name NAME who it is for");
    } else if (error->code == GF_UNAVAILABLE && cli->tls != NULL &&
               strstr(error->message, "wrong version number") != NULL) {
        gf_cli_hint(cli, "what is there speaks no TLS");
    } else if (error->code == GF_UNAVAILABLE && strstr(error->message, "Socket closed") != NULL) {
        gf_cli_hint(cli, "%s",
                    cli->tls == NULL
                        ? "a server that speaks TLS does so: try --tls, or --tls-ca FILE"
                    : cli->tls->cert_file == NULL
                        ? "the server may ask for your certificate: --tls-cert FILE --tls-key FILE"
                        : "the server may not know who signed the certificate of --tls-cert");
    } else if (error->code == GF_UNAVAILABLE && error->reason[0] == '\0') {
        gf_cli_hint(cli, "is the server running? gofer service start; or name another one by "
                         "--host, GOFER_HOST or --context");
    }
}
