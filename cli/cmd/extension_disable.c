#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_leave.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to disable"},
};

static const struct gf_option options[] = {GF_OPTION_YES};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__DisableExtensionResponse *)message)->extension->extension_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const bool changed = ((const Gofer__V1__DisableExtensionResponse *)message)->changed;
    fprintf(cli->out, "extension %s %s\n", name(cli, message),
            changed ? "disabled" : "is disabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__DisableExtensionRequest request = GOFER__V1__DISABLE_EXTENSION_REQUEST__INIT;
    enum gf_exit_code code = GF_EXIT_OK;
    int64_t subscription_count = 0;
    if (!gf_confirm_leave(cli, "disable", "start no runs until it is enabled again",
                          &subscription_count, &code)) {
        return code;
    }
    request.extension_id = gf_request_text(parsed->arguments[0]);
    return gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_DISABLE_EXTENSION],
        &request.base, &answer);
}

const struct gf_command gf_cmd_extension_disable = {
    .noun = "extension",
    .verb = "disable",
    .summary = "take an extension out of use; its subscriptions stay",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
