#include "cli/call.h"
#include "cli/cmd/commands.h"
#include "cli/extension_watch.h"
#include "gofer/v1/extension.gofer.h"

static const struct gf_argument arguments[] = {
    {.name = "EXTENSION", .complete = "extension", .help = "the extension to enable"},
};

static const struct gf_option options[] = {GF_OPTIONS_WAIT_EXTENSION};

static const char *name(struct gf_cli *cli, const ProtobufCMessage *message) {
    (void)cli;
    return ((const Gofer__V1__EnableExtensionResponse *)message)->extension->extension_id;
}

static void show(struct gf_cli *cli, const ProtobufCMessage *message) {
    const bool changed = ((const Gofer__V1__EnableExtensionResponse *)message)->changed;
    fprintf(cli->out, "extension %s %s\n", name(cli, message),
            changed ? "enabled" : "is enabled already");
}

static enum gf_exit_code run(struct gf_cli *cli, const struct gf_parsed *parsed) {
    static const struct gf_answer answer = {.show = show, .name = name};
    Gofer__V1__EnableExtensionRequest request = GOFER__V1__ENABLE_EXTENSION_REQUEST__INIT;
    request.extension_id = gf_request_text(parsed->arguments[0]);
    const enum gf_exit_code code = gf_cli_answer(
        cli, &gofer_v1_extension_service.methods[GOFER_V1_EXTENSION_SERVICE_ENABLE_EXTENSION],
        &request.base, &answer);
    return code == GF_EXIT_OK ? gf_wait_for_extension(cli, parsed->arguments[0]) : code;
}

const struct gf_command gf_cmd_extension_enable = {
    .noun = "extension",
    .verb = "enable",
    .summary = "take a disabled extension into use again",
    .arguments = arguments,
    .argument_count = GF_ARRAY_COUNT(arguments),
    .options = options,
    .option_count = GF_ARRAY_COUNT(options),
    .run = run,
};
