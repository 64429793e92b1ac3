#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/read.h"
#include "cli/ui/message.h"
#include "gofer/v1/secret.gofer.h"

static const struct gf_option options[] = {
    {.name = "scope",
     .kind = GF_OPTION_TEXT,
     .value_name = "SCOPE",
     .choices = "master|namespace|sealing",
     .help = "which keys: the master key, those of the namespaces, or the one that values are "
             "sealed to on their way; required"},
    {.name = "request-id",
     .kind = GF_OPTION_TEXT,
     .value_name = "ID",
     .help = "does it once only, however often the command is given"},
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    return gf_show_text(
        cli, "%lld",
        (long long)((const Gofer__V1__RotateSecretKeysResponse *)message)->pending_count);
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    long long count =
        (long long)((const Gofer__V1__RotateSecretKeysResponse *)message)->pending_count;
    fprintf(cli->out, "%s keys rotated; %lld value%s being encrypted anew\n",
            gf_parsed_text(cli->parsed, "scope"), count, count == 1 ? " is" : "s are");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__RotateSecretKeysRequest request = GOFER__V1__ROTATE_SECRET_KEYS_REQUEST__INIT;
    const char *scope = gf_parsed_text(parsed, "scope");
    struct gf_error err = {0};
    if (scope == NULL) {
        (void)gf_fail(&err, GF_INVALID_ARGUMENT, "--scope is missing: which keys?");
        return gf_cli_fail_usage(cli, &err);
    }
    request.scope =
        (Gofer__V1__SecretKeyScope)gf_read_enum(&gofer__v1__secret_key_scope__descriptor, scope);
    if (request.scope == GOFER__V1__SECRET_KEY_SCOPE__SECRET_KEY_SCOPE_NAMESPACE) {
        /* One that nobody named on this line is not meant to narrow it. */
        request.namespace_id = gf_request_text(gf_parsed_text(parsed, "namespace"));
    }
    request.request_id = gf_request_text(gf_parsed_text(parsed, "request-id"));
    return gf_cli_answer(
        cli, &gofer_v1_secret_service.methods[GOFER_V1_SECRET_SERVICE_ROTATE_SECRET_KEYS],
        &request.base, &answer);
}

const struct gf_command gf_cmd_secret_rotate_keys = {
    .noun = "secret",
    .verb = "rotate-keys",
    .summary = "renew the keys that secrets are encrypted with, while everything goes on",
    .description =
        "The new key is in use when the command returns; what the old one encrypted is encrypted "
        "anew in the background. --scope namespace renews the keys of all namespaces, with -n on "
        "the command line that of one. With -o name: how many values that are.",
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer secret rotate-keys --scope namespace\n"
                "gofer secret rotate-keys --scope namespace -n team-a\n"
                "gofer secret rotate-keys --scope master",
    .run = run,
};
