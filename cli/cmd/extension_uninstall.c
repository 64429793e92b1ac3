#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_leave.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to uninstall"},
};

static const struct gf_option options[] = {
    {.name = "force",
     .kind = GF_OPTION_FLAG,
     .help = "also if pipelines subscribe to it; their subscriptions go too"},
    GF_OPTION_YES,
};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)message;
    return cli->parsed->arguments[0];
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const int64_t count =
        ((const Gofer__V1__UninstallExtensionResponse *)message)->subscription_count;
    fprintf(cli->out, "extension %s uninstalled", name(cli, message));
    if (count > 0) {
        fprintf(cli->out, ", with %lld subscription%s", (long long)count, count == 1 ? "" : "s");
    }
    (void)fputc('\n', cli->out);
}

/* At a terminal whoever consents has been told of the subscriptions; with --yes it takes --force.
 */
static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__UninstallExtensionRequest request = GOFER__V1__UNINSTALL_EXTENSION_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    int64_t subscription_count = 0;
    if (!gf_confirm_leave(cli, "uninstall", "go with it", &subscription_count, &code)) {
        return code;
    }
    request.extension_id = gf_request_text(parsed->arguments[0]);
    request.force = gf_parsed_flag(parsed, "force") ||
                    (subscription_count > 0 && !gf_parsed_flag(parsed, "yes"));
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_UNINSTALL_EXTENSION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_uninstall = {
    .noun = "extension",
    .verb = "uninstall",
    .summary = "remove an extension with its token, its logs and its dead letters",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .examples = "gofer extension uninstall cron\ngofer extension uninstall cron --force --yes",
    .run = run,
};
